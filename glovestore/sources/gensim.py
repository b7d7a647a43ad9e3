"""What gensim's `save` writes -> rows of a store, through gensim.

Such a file is a pickle, and whoever unpickles a file lets it run any code. So it is read only for those who say
format="gensim" of a file that they trust; else it is told what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from glovestore.format.writer import StoreWriter
from glovestore.sources.pairs import KeyedRows
from glovestore.sources.reader import FileReader, ReadOptions, SourceRead
from glovestore.streams.files import OpenFile, Source


class GensimReader(FileReader):
    """Reads KeyedVectors, or those of a Word2Vec or FastText model, with the .npy files that belong to them."""

    format = "gensim"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        if options.format != self.format:
            self.fail(
                "expected vectors, got a Python pickle, as gensim's save() writes: loading it runs whatever code it"
                " holds. If you trust where it comes from, say format='gensim'"
            )
        if not source.regular:
            self.fail("expected a regular file, as gensim opens it by its name, got one that is compressed or a pipe")
        path = Path(source.path)
        # Before gensim reads them: what changes meanwhile is to be seen.
        self._arrays = [OpenFile(part) for part in sorted(path.parent.glob(f"{path.name}.*.npy"))]
        try:
            self._rows = KeyedRows(self, self._load(str(path)))
        except BaseException:
            self.close()
            raise
        self.dim, self.expected_rows, self.size = self._rows.dim, len(self._rows), len(self._rows)

    def _load(self, path: str) -> Any:
        try:
            from gensim.utils import SaveLoad  # type: ignore[import, unused-ignore]
        except ImportError as error:
            raise ImportError('gensim reads its own files: pip install "glovestore[gensim]"') from error
        try:
            loaded = SaveLoad.load(path)  # not mapped: a file that others truncate would end the process
        except Exception as error:  # a pickle raises whatever its content makes it raise
            self.fail(f"expected what gensim's save() writes, got: {type(error).__name__}: {error}")
        loaded = getattr(loaded, "wv", loaded)
        if not (hasattr(loaded, "index_to_key") and hasattr(loaded, "vectors")):
            self.fail(f"expected KeyedVectors of gensim, got {type(loaded).__name__}")
        return loaded

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`."""
        return self._rows.read_into(writer, advance_to)

    def check_unchanged(self, read: SourceRead | None = None) -> None:
        """Compare all files with what they were."""
        self.source.check_unchanged()
        for array in self._arrays:
            array.check_unchanged()

    def close(self) -> None:
        """Close all files."""
        super().close()
        for array in self._arrays:
            array.close()
