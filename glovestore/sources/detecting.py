"""Which reader a source needs: told by its content, never by its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from glovestore.errors import SourceFormatError
from glovestore.sources.reader import Reader, ReadOptions
from glovestore.sources.word2vec import is_word2vec_binary
from glovestore.streams.files import Source, open_source


class SourceFormat(NamedTuple):
    """A format: what is its own, by a look at a source, and the class that reads it, imported when it is needed."""

    name: str
    claims: Callable[[Any], bool]
    reader: str  # module:class in glovestore.sources; it takes the source over

    def open(self, source: Any, options: ReadOptions) -> Reader:
        """Return the reader of a source."""
        module, _, name = self.reader.partition(":")
        reader: Reader = getattr(import_module(f"glovestore.sources.{module}"), name)(source, options)
        return reader


def begins_with(signature: bytes) -> Callable[[Source], bool]:
    """Return a look at the first bytes of a file."""
    return lambda source: source.peek(len(signature)) == signature


# The first that claims a source has it.
FILES = (
    SourceFormat("parquet", begins_with(b"PAR1"), "arrow:ParquetReader"),
    SourceFormat("arrow", begins_with(b"ARROW1\0\0"), "arrow:ArrowFileReader"),
    SourceFormat("word2vec", is_word2vec_binary, "word2vec:Word2vecReader"),
    SourceFormat("text", lambda source: True, "text:TextReader"),
)
OBJECTS = (
    SourceFormat("table", lambda source: hasattr(source, "__arrow_c_stream__"), "arrow:TableReader"),
    SourceFormat(
        "keyed_vectors",
        lambda source: hasattr(source, "index_to_key") and hasattr(source, "vectors"),
        "pairs:KeyedVectorsReader",
    ),
    SourceFormat("pairs", lambda source: hasattr(source, "__iter__"), "pairs:PairsReader"),
)
FORMATS = tuple(known.name for known in FILES)
SAME_HEADER = {"text", "word2vec"}  # told apart by the first row, which may err: here the caller's word counts


def open_reader(source: Any, options: ReadOptions, member: str | None = None) -> Reader:
    """Open a source of vectors: a path, or an object; `member` is of a zip archive, as of `open_source`.

    Raises TypeError for an object that is none.
    """
    if isinstance(source, str | os.PathLike):
        return _open_file(Path(source), options, member)
    if member is not None or options.format is not None:
        raise ValueError(f"expected a file with member= and format=, got {type(source).__name__}")
    for known in OBJECTS:
        if not isinstance(source, bytes) and known.claims(source):
            return known.open(source, options)
    raise TypeError(
        "expected a path, a table, a mapping token -> vector or an iterable of (token, vector), got"
        f" {type(source).__name__}"
    )


def _open_file(path: Path, options: ReadOptions, member: str | None) -> Reader:
    source = open_source(path, member)
    try:
        return _format_of(source, options.format).open(source, options)
    except BaseException:
        source.close()
        raise


def _format_of(source: Source, wanted: str | None) -> SourceFormat:
    found = next(known for known in FILES if known.claims(source))
    if wanted in (None, found.name):
        return found
    if {wanted, found.name} == SAME_HEADER:
        return next(known for known in FILES if known.name == wanted)
    raise SourceFormatError(f"expected {wanted}, as format= says, got {found.name} by its content", source.path)
