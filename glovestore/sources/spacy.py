"""spaCy's vectors -> rows of a store: a folder that `nlp.to_disk` or `nlp.vocab.to_disk` wrote.

`vectors` is a .npy file, `key2row` msgpack: the ids of strings to rows, several of which may share one, and
`strings.json` the strings. Their ids are spaCy's to compute; nothing else of it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from glovestore import strict_json
from glovestore.errors import SourceFormatError
from glovestore.sources.matrix import MatrixReader
from glovestore.sources.npy import find_matrix
from glovestore.sources.reader import Reader, ReadOptions
from glovestore.sources.row_tokens import TokenFile, refuse_special
from glovestore.streams.files import Source, open_source
from glovestore.tokens import shown

MODE = "vectors.cfg"


class SpacyReader(MatrixReader):
    """Reads `vectors`; the files beside it say which row is whose."""

    format = "spacy"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.check_matrix(find_matrix(self))
        try:
            self._take_strings(Path(source.path).parent)
        except BaseException:
            self.close()
            raise

    def _take_strings(self, folder: Path) -> None:
        if folder.joinpath(MODE).is_file():
            self._check_mode(self._opened(folder / MODE))
        get_id, symbols = self._ids()
        rows = self._rows_of_keys(self._opened(folder / "key2row"))
        strings = self._opened(folder / "strings.json")
        try:
            listed = strict_json.loads(strings.read_all())
            if not isinstance(listed, list):
                raise TypeError(type(listed).__name__)
            tokens = {string: rows[key] for string in chain(symbols, listed) if (key := get_id(string)) in rows}
        except (ValueError, TypeError) as error:
            raise SourceFormatError(f"expected a list of strings as JSON, got: {error}", strings.path) from None
        self.take_tokens(tokens)

    def _opened(self, path: Path) -> TokenFile:
        self.token_files.append(TokenFile(path))
        return self.token_files[-1]

    def _check_mode(self, file: TokenFile) -> None:
        try:
            config = strict_json.loads(file.read_all())
        except ValueError as error:
            raise SourceFormatError(f"expected settings as JSON, got {error}", file.path) from None
        mode = config.get("mode", "default") if isinstance(config, dict) else config
        if mode != "default":
            problem = f"expected vectors of tokens, got the mode {shown(mode)}: floret's are made of n-grams"
            raise SourceFormatError(problem, file.path)

    def _ids(self) -> tuple[Any, Iterable[str]]:
        """Return the function from a string to its id, and the strings that have ids without standing in the file."""
        try:
            from spacy.strings import get_string_id
            from spacy.symbols import IDS  # type: ignore[import, unused-ignore]
        except ImportError as error:
            raise ImportError('spaCy computes the ids of its strings: pip install "glovestore[spacy]"') from error
        return get_string_id, IDS

    def _rows_of_keys(self, keys: TokenFile) -> dict[int, int]:
        from srsly import msgpack  # type: ignore[import, unused-ignore]

        try:
            # Not srsly.msgpack_loads, which leaves the garbage collector off if this fails.
            rows = msgpack.loads(keys.read_all(), raw=False)
        except Exception as error:  # of whatever the parser finds
            said = str(error) or type(error).__name__
            raise SourceFormatError(f"expected a map as msgpack, got: {said}", keys.path) from None
        if not isinstance(rows, dict):
            raise SourceFormatError(f"expected a map of keys to rows, got {type(rows).__name__}", keys.path)
        return rows


def open_folder(folder: Path, options: ReadOptions) -> Reader:
    """Return the reader of a pipeline's folder, or of its vocabulary's."""
    folder = folder if folder.joinpath("key2row").exists() else folder / "vocab"
    refuse_special(folder / "vectors")
    source = open_source(folder / "vectors")
    try:
        return SpacyReader(source, options)
    except BaseException:
        source.close()
        raise
