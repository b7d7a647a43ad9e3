"""word2vec's binary format -> rows of a store; ext/word2vec.hpp has the work.

A header "rows dim\\n", then for each row token, 0x20, dim little-endian float32, and 0x0A (the tool of 2013) or nothing
(gensim). The published GoogleNews vectors are such a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from glovestore import _core
from glovestore.errors import SourceFormatError
from glovestore.format.writer import StoreWriter
from glovestore.sources.ingesting import BadRecord, IngestReader
from glovestore.sources.reader import ReadOptions, SourceRead, not_finite
from glovestore.streams.files import Beginning, Source

HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})\n")
LONGEST_HEADER = 38
LOOKED_AT = 1024  # bytes of the first row's numbers
LARGEST_DIM = _core.LONGEST_LINE // 4

TEXT_NUMBERS = re.compile(rb"[-+.0-9eE \r]*(?:\n|\Z)")
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def is_word2vec_binary(source: Beginning) -> bool:
    """Tell word2vec's binary format from its text, which begins with the same header.

    What follows the first token are `dim` numbers: text if it looks like decimals, binary if it holds bytes that no
    text has. A row of text that is broken is still text.
    """
    match = HEADER.match(source.peek(LONGEST_HEADER))
    if match is None or int(match[2]) == 0:
        return False
    behind = source.peek(match.end() + LOOKED_AT)[match.end() :]
    _, space, rest = behind.partition(b" ")
    numbers = rest[: 4 * int(match[2])]
    return bool(space) and not TEXT_NUMBERS.match(numbers) and _is_no_text(numbers)


def _is_no_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:  # not merely cut inside a character
            return True
    return CONTROL.search(data) is not None


class Word2vecReader(IngestReader):
    """Reads word2vec's binary format. What the header says is believed as the bytes of the rows come."""

    format = "word2vec"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._head = self._read(LONGEST_HEADER)
        match = HEADER.match(self._head)
        if match is None:
            self.fail(f"expected a header, 'rows dim', got {self._head[:LONGEST_HEADER]!r}")
        self._rows, self.dim, self._prefix = int(match[1]), int(match[2]), match.end()
        if self._rows == 0 or not 1 <= self.dim <= LARGEST_DIM:
            self.fail(f"expected rows of 1 to {LARGEST_DIM} numbers, got a header that says {self._rows} of {self.dim}")
        self._check_first_row()
        row_size = 4 * self.dim + 1
        self.expected_rows = self.estimate_rows(min(self._rows, (source.size or 0) // row_size))

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count and (more := self.read_some()):
            data += more
        return bytes(data)

    def _check_first_row(self) -> None:
        """Take nothing that is as long as a row before there is one."""
        size = self._prefix + 1 + 4 * self.dim
        if len(self._head) < size:
            self._head += self._read(size - len(self._head))
        if len(self._head) < size:
            raise self._truncated(0, self._prefix, len(self._head))

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Copy all rows into `writer`. Raises what is wrong, the first of several bad rows."""
        ingest = self.ingest(writer, advance_to, self._head, self._prefix, word2vec_rows=self._rows)
        if writer.rows.rows == 0:
            self.fail(self.no_rows(ingest, "rows"))
        return self.source_read(ingest, writer)

    def check_fault(self, outcome: str, ingest: _core.Ingest) -> None:
        """Raise for a file that ends too early or too late, and for a token without an end."""
        row, byte = ingest.counts["lines"], ingest.counts["fault_at"]
        if outcome == "truncated":
            raise self._truncated(row, byte, ingest.bytes_read)
        if outcome == "left_over":
            problem = f"expected the end of the file behind {self._rows} rows, as the header says, got more bytes"
            raise SourceFormatError(problem, self.path, byte)
        if outcome == "record_too_long":
            problem = f"row {row}: expected a token of at most {_core.LONGEST_TOKEN} bytes, got a longer one"
            raise SourceFormatError(problem, self.path, byte)

    def bad_record(self, bad: BadRecord) -> SourceFormatError:
        """Return the error for a row that is not finite."""
        number, *_, record = bad
        token, _, numbers = record.partition(b" ")
        return not_finite(number - 1, token, np.frombuffer(numbers, "<f4"), self.path)

    def _truncated(self, row: int, byte: int, end: int) -> SourceFormatError:
        return SourceFormatError(
            f"row {row} of {self._rows}: expected a token and {self.dim} numbers of 4 bytes, got the end of the file"
            f" after {end - byte} bytes",
            self.path,
            byte,
        )
