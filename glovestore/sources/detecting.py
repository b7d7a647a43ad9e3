"""Which reader a source needs: told by its content, never by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from glovestore.errors import SourceFormatError
from glovestore.sources.reader import Reader, ReadOptions
from glovestore.sources.text import TextReader
from glovestore.sources.word2vec import Word2vecReader, is_word2vec_binary
from glovestore.streams.files import Source, open_source


class FileFormat(NamedTuple):
    """A format of files: whether the first bytes are its own, and the reader of what they begin."""

    name: str
    claims: Callable[[Source], bool]
    open: Callable[[Source, ReadOptions], Reader]  # takes the source over; imports what only it needs


FILE_FORMATS = (
    FileFormat("word2vec", is_word2vec_binary, Word2vecReader),
    FileFormat("text", lambda source: True, TextReader),
)

FORMATS = tuple(known.name for known in FILE_FORMATS)
SAME_HEADER = {
    "text",
    "word2vec",
}  # told apart by a look at the first row, which may err: here the caller's word counts


def open_reader(path: Path, options: ReadOptions, member: str | None = None) -> Reader:
    """Open a source of vectors; `member` is of a zip archive, as of `open_source`."""
    source = open_source(path, member)
    try:
        return _format_of(source, options.format).open(source, options)
    except BaseException:
        source.close()
        raise


def _format_of(source: Source, wanted: str | None) -> FileFormat:
    found = next(known for known in FILE_FORMATS if known.claims(source))
    if wanted in (None, found.name):
        return found
    if {wanted, found.name} == SAME_HEADER:
        return next(known for known in FILE_FORMATS if known.name == wanted)
    raise SourceFormatError(f"expected {wanted}, as format= says, got {found.name} by its content", source.path)
