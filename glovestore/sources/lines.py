"""Blocks of bytes -> whole lines, with the tail of one block carried over to the next."""

from __future__ import annotations

from glovestore import _core
from glovestore.sources.blocks import FileBlocks

BLOCK_SIZE = 1 << 20
LONGEST_LINE = 1 << 24  # bytes: a longer one is no row of vectors, and memory must stay bounded
BOM = b"\xef\xbb\xbf"


class LineWindow:
    r"""A window that moves over a source.

        data  |....used up....|the 0.418 0.24 ...\n|of 0.7 ...\n|to 0.68 0.0|..free..|padding|
                              ^ begin                           ^ end       ^ filled

    [begin, end) are whole lines; [end, filled) is the start of a line whose end was not read yet. Whoever uses lines
    up moves `begin`. A last line without newline gets one: `final_newline` says so.
    """

    def __init__(self, blocks: FileBlocks, block_size: int = BLOCK_SIZE) -> None:
        self.blocks = blocks
        self.block_size = block_size
        self.data = bytearray(2 * block_size + _core.TEXT_PADDING)
        self.begin = self.end = self.filled = 0
        self.at_end = False
        self.final_newline = True
        self.too_long_at: int | None = None  # where a line begins that has more than LONGEST_LINE bytes

    def fill(self) -> bool:
        """Read one more block behind `filled`; return False when there is none. Moves everything to the front."""
        if self.at_end:
            return False
        self._make_room()
        view = memoryview(self.data)[self.filled : self.filled + self.block_size]
        count = self.blocks.readinto(view)
        searched, self.filled = self.filled, self.filled + count
        if count == 0:
            self._finish()
        else:
            self._find_newlines(searched)
        return count > 0

    def _find_newlines(self, searched: int) -> None:
        """Move `end` behind the last newline at or after `searched`; only the line cut there can be too long."""
        first = self.data.find(b"\n", searched, self.filled)
        if (self.filled if first < 0 else first) - self.end > LONGEST_LINE:
            self.too_long_at = self.end
        if first >= 0:
            self.end = self.data.rfind(b"\n", first, self.filled) + 1

    def _make_room(self) -> None:
        held = self.data[self.begin : self.filled]
        size = len(held) + self.block_size + 1 + _core.TEXT_PADDING
        if size > len(self.data):
            self.data = bytearray(max(size, 2 * len(self.data)))
        self.data[: len(held)] = held
        self.end -= self.begin
        self.filled -= self.begin
        self.begin = 0

    def _finish(self) -> None:
        self.at_end = True
        if self.filled > self.end:
            self.final_newline = False
            self.data[self.filled] = 10
            self.end = self.filled = self.filled + 1
