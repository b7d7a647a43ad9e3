"""The first lines of a text: is there a header, and how many numbers has a row?"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np

from glovestore import _core
from glovestore.errors import TextFormatError
from glovestore.sources.problems import TELLING_BYTES, line_too_long, not_text
from glovestore.sources.reader import LONGEST_DIM, HeaderOption

HEAD_ROWS = 100
BOM = b"\xef\xbb\xbf"
HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Head:
    """What the first lines tell. `data` are the bytes that were read for it, the source's first."""

    data: bytes
    prefix: int  # bytes at the start of `data` that are no rows: a BOM, a header line
    header: int  # 1 or 0
    stated_rows: int | None  # what the header says
    dim: int

    @property
    def has_bom(self) -> bool:
        """Whether the text begins with a byte order mark."""
        return self.data.startswith(BOM)

    def estimate_rows(self, source_bytes: int) -> int:
        """Return about how many rows the whole source has, by the length of the first lines."""
        lines = self.data.count(b"\n", self.prefix)
        return source_bytes * lines // max(1, len(self.data) - self.prefix) + 1


def read_head(read: Callable[[], bytes], path: Path | str, dim: int | None, header: HeaderOption) -> Head:
    """Read as much of a text as is needed to know `dim` and whether there is a header.

    `read()` returns the next bytes, none at the end. `dim` and `header` are the arguments of `glovestore.build`.
    Raises TextFormatError for what is no text, or has no clear number of fields.
    """
    data = bytearray()
    lines, looked_at = 0, 0  # that are whole and not blank; the bytes they stand in
    while lines <= HEAD_ROWS and len(data) <= _core.LONGEST_LINE and (more := read()):  # a header is a line, too
        data += more
        if (newline := more.rfind(b"\n")) >= 0:
            end = len(data) - len(more) + newline + 1
            lines += sum(1 for line in io.BytesIO(data[looked_at:end]) if line.rstrip(b" \r\n"))
            looked_at = end
    return _Lines(bytes(data), path).head(dim, header)


class _Lines:
    """The lines of a head. Which ones these are depends on nothing but the source's bytes."""

    def __init__(self, data: bytes, path: Path | str) -> None:
        self.data = data
        self.path = path
        self.begin = len(BOM) if data.startswith(BOM) else 0

    def fail(self, problem: str, line: int | None = None) -> NoReturn:
        raise TextFormatError(problem, self.path, line, None if line is None else 1)

    def head(self, dim: int | None, header: HeaderOption) -> Head:
        self.check_line_lengths()
        problem = not_text(self.data[:TELLING_BYTES])
        if problem:
            self.fail(problem, 1)
        if not self.data:
            self.fail("expected rows of vectors, got an empty file")
        stated = self.find_header(header)
        if stated is None:
            return Head(self.data, self.begin, 0, None, self.checked_dim(dim or self.most_frequent_dim(1)))
        rows, stated_dim = stated
        if dim is not None and dim != stated_dim:
            self.fail(f"expected dim {dim}, got a header that says {stated_dim}", 1)
        newline = self.data.find(b"\n", self.begin)
        if newline < 0:
            self.fail(f"expected rows of {stated_dim} numbers, got none: the file ends with its header")
        return Head(self.data, newline + 1, 1, rows, self.checked_dim(stated_dim))

    def checked_dim(self, dim: int) -> int:
        if dim > LONGEST_DIM:
            self.fail(f"expected a dim of at most {LONGEST_DIM}, got {dim}", 1)
        return dim

    def check_line_lengths(self) -> None:
        """Refuse a line that is longer than a row may be, before anything counts its fields."""
        if len(self.data) <= _core.LONGEST_LINE:
            return
        for number, line in enumerate(io.BytesIO(self.data), 1):
            if len(line.removesuffix(b"\n")) > _core.LONGEST_LINE:
                raise line_too_long(self.path, number)

    def stripped(self) -> Iterator[bytes]:
        """Yield the lines, stripped as rows are. One at a time: there may be millions."""
        was_cut = len(self.data) > _core.LONGEST_LINE
        for line in io.BytesIO(self.data[self.begin : _core.LONGEST_LINE + 1]):
            if line.endswith(b"\n") or not was_cut:
                yield line.removesuffix(b"\n").rstrip(b" \r")

    def find_header(self, header: HeaderOption) -> tuple[int, int] | None:
        """Return (rows, dim) of the header line, or None."""
        if header is False:
            return None
        first, second, *_ = *islice(self.stripped(), 2), b"", b""
        match = HEADER.fullmatch(first)
        stated = (int(match[1]), int(match[2])) if match and int(match[2]) > 0 else None
        if header is True:
            if stated is None:
                self.fail(f"expected a header, 'rows dim', got {first[:60].decode('utf-8', 'backslashreplace')!r}", 1)
            return stated
        return stated if stated and _is_row(second, stated[1]) else None

    def most_frequent_dim(self, first_line: int) -> int:
        """Return the dim of most rows among the first lines; a row has one field more than numbers."""
        rows = ((number, line) for number, line in enumerate(self.stripped(), first_line) if line)
        numbers = [(line.count(b" "), number) for number, line in islice(rows, HEAD_ROWS)]
        ranking = Counter(count for count, _ in numbers).most_common(2)
        if not ranking:
            self.fail(f"expected rows of vectors, got none in the first {_core.LONGEST_LINE} bytes")
        best, frequency = ranking[0]
        line = next(number for count, number in numbers if count == best)
        if len(ranking) > 1 and ranking[1][1] == frequency:
            self.fail(
                f"expected most of the first {len(numbers)} rows to have one number of fields, got {frequency} with"
                f" {best} numbers and {frequency} with {ranking[1][0]}; say dim=",
                line,
            )
        if best == 0:
            self.fail(self.no_numbers(), line)
        return best

    def no_numbers(self) -> str:
        expected = "expected rows of a token and numbers, one space apart, got "
        if b"\0" in self.data:
            return expected + "a binary file: it holds zero bytes"
        if b"\t" in self.data:
            return expected + "lines with tabs: replace them by spaces"
        return expected + "lines without a space"


def _is_row(line: bytes, dim: int) -> bool:
    """Tell whether a line is a row of `dim` numbers. Nothing is allocated before the line is seen to be that long."""
    if line.count(b" ") < dim:
        return False
    text = line + b"\n" + bytes(_core.TEXT_PADDING)
    size = len(line) + 1
    parsed = _core.parse_rows(
        text, 0, size, np.empty((1, dim), np.float32), np.empty(size, np.uint8), np.empty(1, np.uint16)
    )
    return bool(parsed[0] == 1)
