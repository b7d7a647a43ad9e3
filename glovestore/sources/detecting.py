"""Which reader a source needs: told by its content, never by its name."""

from __future__ import annotations

from pathlib import Path

from glovestore.sources import fasttext_header
from glovestore.sources.reader import Reader, ReadOptions
from glovestore.sources.text import TextReader
from glovestore.streams.files import Source, open_source

LONGEST_START = fasttext_header.SETTINGS.size  # of all formats


def open_reader(path: Path, options: ReadOptions, member: str | None = None) -> Reader:
    """Open a source of vectors; `member` is of a zip archive, as of `open_source`."""
    source = open_source(path, member)
    try:
        return _reader_of(source, options)
    except BaseException:
        source.close()
        raise


def _reader_of(source: Source, options: ReadOptions) -> Reader:
    """Return the reader of a file by its first bytes. What only one format needs is imported only for it."""
    start = source.peek(LONGEST_START)
    if start.startswith(fasttext_header.MAGIC) or fasttext_header.looks_unversioned(start):
        from glovestore.sources.fasttext import FastTextReader

        return FastTextReader(source, options)
    return TextReader(source, options)
