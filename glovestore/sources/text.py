"""GloVe text -> batches of rows. The rules stand in FORMAT.md, "Text input"; ext/parse.cpp parses the rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.arguments import whole_number
from glovestore.errors import TextFormatError
from glovestore.sources.blocks import FileBlocks
from glovestore.sources.lines import BLOCK_SIZE, BOM, LONGEST_LINE, LineWindow
from glovestore.sources.problems import describe_fault, not_text

HEAD_ROWS = 100
LONGEST_DIM = LONGEST_LINE // 2  # a line has two bytes a number at least
SHOWN = 10
HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})")
RING = 2  # batches whose memory is in use at a time: one being filled, one being written

Header = Literal["auto"] | bool
OnBadLine = Literal["error", "skip"]


class Batch(NamedTuple):
    """Parsed rows. The arrays are views of memory that the next but one batch reuses."""

    vectors: NDArray[np.float32]  # (k, dim)
    token_bytes: NDArray[np.uint8]  # the k tokens, one behind the other
    token_lengths: NDArray[np.uint16]  # (k,)


class TextReader:
    """Reads GloVe text in blocks. `dim` and `header` are known after construction, the counts at the end of `batches`.

    `dim`, `header` and `on_bad_line` are the arguments of `glovestore.build`. Raises TextFormatError at the first line
    that is not a row, unless `on_bad_line` is "skip": then such lines are counted in `skipped`.
    """

    def __init__(
        self,
        blocks: FileBlocks,
        dim: int | None = None,
        header: Header = "auto",
        on_bad_line: OnBadLine = "error",
        block_size: int = BLOCK_SIZE,
    ) -> None:
        dim = None if dim is None else whole_number("dim", dim)
        _check_arguments(header, on_bad_line)
        self.blocks = blocks
        self.on_bad_line = on_bad_line
        self.rows = self.header = self.skipped = 0
        self.first_skipped: list[TextFormatError] = []
        self._window = LineWindow(blocks, block_size)
        self._last_token: bytes | None = None  # of the line read last, if it was a row
        self._read_head(dim, header)

    @property
    def lines(self) -> int:
        """Lines used up so far: the header, rows, and skipped ones."""
        return self.header + self.rows + self.skipped

    @property
    def final_newline(self) -> bool:
        """Whether the last line ends with a newline; known at the end."""
        return self._window.final_newline

    def batches(self) -> Iterator[Batch]:
        """Yield all rows in the order of the file."""
        ring = [self._new_memory() for _ in range(RING)]
        turn = 0
        while True:
            while self._window.begin < self._window.end:
                batch = self._parse(ring[turn])
                if len(batch.vectors):
                    yield batch
                    turn = (turn + 1) % RING
            if not self._window.fill() and self._window.begin == self._window.end:
                break
            self._check_line_length()
        self._check_end()

    # ------------------------------------------------------------------ rows

    def _new_memory(self) -> Batch:
        rows = self._window.block_size // (2 * self.dim + 1) + 1
        return Batch(
            np.empty((rows, self.dim), np.float32),
            np.empty(len(self._window.data), np.uint8),
            np.empty(rows, np.uint16),
        )

    def _parse(self, memory: Batch) -> Batch:
        """Parse lines of the window until a fault, the memory's capacity, or the last line."""
        window = self._window
        token_bytes = memory.token_bytes
        if len(token_bytes) < window.end - window.begin:  # a long line made the window grow
            token_bytes = np.empty(len(window.data), np.uint8)
        rows, used, consumed, fault, field, field_size, found = _core.parse_rows(
            window.data, window.begin, window.end, memory.vectors, token_bytes, memory.token_lengths
        )
        batch = Batch(memory.vectors[:rows], token_bytes[:used], memory.token_lengths[:rows])
        self.rows += rows
        window.begin += consumed
        if rows:
            self._last_token = batch.token_bytes[used - int(batch.token_lengths[-1]) :].tobytes()
        if fault != "none":
            self._bad_line(fault, field, field_size, found)
        return batch

    def _bad_line(self, fault: str, field: int, field_size: int, found: int) -> None:
        window, number = self._window, self.lines + 1
        newline = window.data.index(b"\n", window.begin)
        line = bytes(window.data[window.begin : newline])
        is_last = newline + 1 == window.end and window.at_end and not window.final_newline
        problem = describe_fault(fault, line, line[field : field + field_size], self.dim, found, is_last)
        if number == 1 and HEADER.fullmatch(line.rstrip(b" \r")):
            problem += "; if it is a header, say header=True: line 2 is not a row of that many numbers"
        column = field + 1 + (len(BOM) if number == 1 and self._has_bom else 0)
        error = TextFormatError(problem, self.blocks.path, number, column)
        if self.on_bad_line == "error":
            raise error
        self.skipped += 1
        if len(self.first_skipped) < SHOWN:
            self.first_skipped.append(error)
        self._last_token = None
        window.begin = newline + 1

    def _check_line_length(self) -> None:
        window = self._window
        if window.too_long_at is not None:
            line = self.lines + 1 + window.data.count(b"\n", window.begin, window.too_long_at)
            problem = f"expected a line of at most {LONGEST_LINE} bytes, got a longer one"
            raise TextFormatError(problem, self.blocks.path, line, 1)

    def _check_end(self) -> None:
        if self.rows == 0:
            detail = f"; the first of {self.skipped} bad lines: {self.first_skipped[0]}" if self.skipped else ""
            raise TextFormatError(f"expected rows of {self.dim} numbers, got none{detail}", self.blocks.path)
        data_lines = self.rows + self.skipped
        less_unk = data_lines - (self._last_token == b"<unk>")
        if self._stated_rows not in (None, data_lines, less_unk):
            raise TextFormatError(
                f"expected {self._stated_rows} rows, as the header says, got {data_lines}", self.blocks.path, 1, 1
            )

    # ------------------------------------------------------------------ head

    def _read_head(self, dim: int | None, header: Header) -> None:
        """Read enough of the file to know `dim` and whether there is a header."""
        window = self._window
        while self._needs_more() and window.fill():
            pass
        self._check_line_length()
        problem = not_text(window.data[: min(window.filled, 64)])
        if problem:
            raise TextFormatError(problem, self.blocks.path, 1, 1)
        self._has_bom = window.data.startswith(BOM)
        window.begin = len(BOM) if self._has_bom and window.filled >= len(BOM) else 0
        if window.begin >= window.end:
            raise TextFormatError("expected rows of vectors, got an empty file", self.blocks.path)
        self._stated_rows = None
        stated = self._find_header(header)
        if stated is not None:
            self._stated_rows, stated_dim = stated
            if dim is not None and dim != stated_dim:
                raise TextFormatError(
                    f"expected dim {dim}, got a header that says {stated_dim}", self.blocks.path, 1, 1
                )
            dim = stated_dim
            self.header = 1
            window.begin = window.data.index(b"\n", window.begin) + 1
        self.dim = self._most_frequent_dim() if dim is None else dim
        if self.dim > LONGEST_DIM:
            raise TextFormatError(f"expected a dim of at most {LONGEST_DIM}, got {self.dim}", self.blocks.path, 1, 1)

    def _needs_more(self) -> bool:
        """Tell whether lines are missing by which `dim` is found: a header, and HEAD_ROWS that are not blank."""
        window = self._window
        if window.filled > LONGEST_LINE:
            return False
        if window.data.count(b"\n", 0, window.end) <= HEAD_ROWS:  # the quick answer
            return True
        return sum(1 for line in islice(filter(None, self._head_lines()), HEAD_ROWS + 1)) <= HEAD_ROWS

    def _head_lines(self) -> Iterator[bytes]:
        """Yield the first lines, stripped as rows are. Which ones these are depends on no block size."""
        begin, limit = self._window.begin, min(self._window.end, LONGEST_LINE + 1)
        while (newline := self._window.data.find(b"\n", begin, limit)) >= 0:
            yield bytes(self._window.data[begin:newline]).rstrip(b" \r")
            begin = newline + 1

    def _find_header(self, header: Header) -> tuple[int, int] | None:
        """Return (rows, dim) of the header line, or None."""
        if header is False:
            return None
        first, second, *_ = *islice(self._head_lines(), 2), b"", b""
        match = HEADER.fullmatch(first)
        stated = (int(match[1]), int(match[2])) if match and int(match[2]) > 0 else None
        if header is True:
            if stated is None:
                got = first[:60].decode("utf-8", "backslashreplace")
                raise TextFormatError(f"expected a header, 'rows dim', got {got!r}", self.blocks.path, 1, 1)
            return stated
        return stated if stated and _is_row(second, stated[1]) else None

    def _most_frequent_dim(self) -> int:
        """Return the dim of most rows among the first lines; a row has one field more than numbers."""
        rows = ((place, line) for place, line in enumerate(self._head_lines()) if line)
        numbers = [(line.count(b" "), place) for place, line in islice(rows, HEAD_ROWS)]
        ranking = Counter(count for count, _ in numbers).most_common(2)
        if not ranking:
            raise TextFormatError(
                f"expected rows of vectors, got none in the first {LONGEST_LINE} bytes", self.blocks.path
            )
        best, frequency = ranking[0]
        line = self.header + 1 + next(place for count, place in numbers if count == best)
        if len(ranking) > 1 and ranking[1][1] == frequency:
            raise TextFormatError(
                f"expected most of the first {len(numbers)} rows to have one number of fields, got {frequency} with"
                f" {best} numbers and {frequency} with {ranking[1][0]}; say dim=",
                self.blocks.path,
                line,
                1,
            )
        if best == 0:
            raise TextFormatError(self._no_numbers(), self.blocks.path, line, 1)
        return best

    def _no_numbers(self) -> str:
        head = self._window.data[: self._window.end]
        if b"\0" in head:
            return "expected rows of a token and numbers, one space apart, got a binary file: it holds zero bytes"
        if b"\t" in head:
            return "expected rows of a token and numbers, one space apart, got lines with tabs: replace them by spaces"
        return "expected rows of a token and numbers, one space apart, got lines without a space"


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


def _check_arguments(header: Any, on_bad_line: Any) -> None:
    if header is not True and header is not False and header != "auto":
        raise ValueError(f"expected header to be 'auto', True or False, got {header!r}")
    if on_bad_line not in ("error", "skip"):
        raise ValueError(f"expected on_bad_line to be 'error' or 'skip', got {on_bad_line!r}")
