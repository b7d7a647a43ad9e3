"""The bytes of a binary source, taken one behind the other: each once, hashed, and never more than there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from glovestore import _core
from glovestore.errors import SourceFormatError
from glovestore.streams.decoding import HELD_FREELY, MOST_UNFOLDED, unfolds_too_much
from glovestore.streams.files import Source

DIGEST_PIECE = 1 << 20  # FORMAT.md, source_digest


class ByteStream:
    """Takes a source's bytes; `position` counts those that were taken, decompressed.

    Sizes that a file states are compared with what is left of it, where that is known. Elsewhere, in pipes and
    compressed files, what is missing shows at the end: nothing is to be allocated for bytes that were not taken yet.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pieces = source.pieces()
        self._hashes = _core.PieceHashes(DIGEST_PIECE)
        self.window = memoryview(b"")  # bytes that were read and not taken
        self.position = 0

    def fail(self, problem: str, byte: int | None = None) -> NoReturn:
        """Raise the error for what is wrong at a byte; None: where the stream is."""
        raise SourceFormatError(problem, self._source.path, self.position if byte is None else byte)

    def advance(self, count: int) -> None:
        """Take the first bytes of the window."""
        self.window = self.window[count:]
        self.position += count

    def extend(self) -> bool:
        """Read a piece more into the window; False at the end of the source."""
        piece = next(self._pieces, b"")
        self._hashes.add(piece)
        self.window = memoryview(b"".join((self.window, piece)) if len(self.window) else piece)
        return bool(piece)

    def expect(self, count: int, what: str) -> None:
        """Raise unless `count` more bytes may be there."""
        if self._source.regular and self._source.size is not None and count > self._source.size - self.position:
            left = self._source.size - self.position
            self.fail(f"expected {count} bytes of {what}, the file has {left} more: it is cut off, or not what it says")

    def check_unfolded(self, made: int, what: str, freely: int | None = None) -> None:
        """Raise if so many bytes come of what was read: a file may be made to fill a disk, or memory."""
        if unfolds_too_much(made, self._source.position, freely):
            self.fail(
                f"{what}: expected at most {MOST_UNFOLDED} bytes for each on disk, got {made} bytes of"
                f" {self._source.position}"
            )

    def parts(self, count: int, what: str) -> Iterator[memoryview]:
        """Take `count` bytes, in parts."""
        self.expect(count, what)
        left = count
        while left:
            if not self.window and not self.extend():
                self.fail(f"expected {count} bytes of {what}, the source ends {left} bytes before: it is cut off")
            part = self.window[:left]
            self.advance(len(part))
            left -= len(part)
            yield part

    def take(self, count: int, what: str) -> bytes:
        """Take `count` bytes."""
        data = bytearray()
        for part in self.parts(count, what):
            data += part
            self.check_unfolded(len(data), what, HELD_FREELY)
        return bytes(data)

    def skip(self, count: int, what: str) -> None:
        """Take `count` bytes and drop them."""
        for _ in self.parts(count, what):
            pass

    def take_into(self, view: memoryview, what: str) -> None:
        """Fill a view of bytes."""
        at = 0
        for part in self.parts(len(view), what):
            view[at : at + len(part)] = part
            at += len(part)

    def expect_end(self) -> None:
        """Raise if there are bytes left."""
        if self.window or self.extend():
            self.fail("expected the end of the file, got more bytes")

    @property
    def digest(self) -> str:
        """FORMAT.md's source_digest of all that was read."""
        return f"{self._hashes.digest:016x}"
