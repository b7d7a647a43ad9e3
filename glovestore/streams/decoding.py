"""Compressed bytes -> pieces of text: what gzip, bzip2, xz, zstd and the members of a zip archive have in common."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from glovestore.errors import TextFormatError
from glovestore.streams.files import BLOCK, OpenFile, Source

try:
    from isal.igzip_lib import IgzipDecompressor, IsalError
    from isal.isal_zlib import crc32 as isal_crc32
except ImportError:  # a platform without wheels: zlib does the same at less than half the speed
    HAS_ISAL = False
    INFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error,)
else:
    HAS_ISAL = True
    INFLATE_ERRORS = (zlib.error, cast(type[Exception], IsalError))  # its stub calls it an instance

PIECE = 1 << 18  # bytes of text at a time: these stay in the second-level cache until they are parsed
SMALLEST_SLICE = 1 << 14
SMALLEST_PIECE = 1 << 14  # bytes of text that are worth the way through a parser

# Real vectors shrink to a half or a third. What is this long, and so many times its size, was made to fill a disk.
MOST_UNFOLDED = 100
UNFOLDED_FREELY = 1 << 30  # bytes
HELD_FREELY = 1 << 26  # where they are held in memory


class Decoder(Protocol):
    """One stream: what `bz2.BZ2Decompressor`, `lzma.LZMADecompressor`, zstd's and isal's raw inflater all look like."""

    @property
    def eof(self) -> bool:
        """Whether the end of the stream was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether `decompress` wants data; else it goes on with what it has, and is given b""."""

    @property
    def unused_data(self) -> bytes:
        """What of the data given last stands behind the end of the stream."""

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        """Return `max_length` bytes of text at most."""


class ZlibInflater:
    """zlib's raw inflate as a Decoder. The slices it is given are small enough to be copied once or twice."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._full = False

    @property
    def eof(self) -> bool:
        """As of Decoder; so are the others."""
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        """Also False when zlib took all its input, but filled the last piece: it may hold more."""
        return not (self._inflate.unconsumed_tail or self._full)

    @property
    def unused_data(self) -> bytes:
        """What stands behind the end."""
        return self._inflate.unused_data

    def decompress(self, data: bytes | memoryview, max_length: int) -> bytes:
        """Go on with `data`, or where that is empty with what was left."""
        piece = self._inflate.decompress(data or self._inflate.unconsumed_tail, max_length)
        self._full = len(piece) == max_length
        return piece


def unfolds_too_much(made: int, size: int, freely: int | None = None) -> bool:
    """Tell what was made to fill a disk, or memory, by the bytes that came of so many on disk."""
    return made > max(UNFOLDED_FREELY if freely is None else freely, MOST_UNFOLDED * size)


def new_inflater() -> Decoder:
    """Return a decoder of raw deflate data, which carry no checksum of their own (RFC 1951)."""
    return IgzipDecompressor() if HAS_ISAL else ZlibInflater()


def crc32(data: bytes, before: int = 0) -> int:
    """Return the CRC-32 of gzip and zip, `before` being that of what stands in front."""
    return isal_crc32(data, before) if HAS_ISAL else zlib.crc32(data, before)


class Feed:
    """The bytes of a file in order, in blocks. What a decoder did not use goes back in front.

    `take` hands out slices that grow from 16 to 256 KiB, and starts small again behind each stream: however many tiny
    streams a file consists of, a decoder copies little of what it will not use.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._block = b""
        self._at = 0
        self._slice = SMALLEST_SLICE

    def peek(self, count: int) -> bytes:
        """Return the next `count` bytes, or fewer at the end, without using them up."""
        while len(self._block) - self._at < count and (more := self._read(BLOCK)):
            self._block = self._block[self._at :] + more
            self._at = 0
        return self._block[self._at : self._at + count]

    def skip(self, count: int) -> bytes:
        """Use up and return the next `count` bytes, or fewer at the end."""
        data = self.peek(count)
        self._at += len(data)
        return data

    def take(self) -> memoryview:
        """Use up and return as many bytes as a decoder should have at a time; none at the end."""
        self.peek(1)
        begin, self._at = self._at, min(self._at + self._slice, len(self._block))
        self._slice = min(2 * self._slice, BLOCK)
        return memoryview(self._block)[begin : self._at]

    def give_back(self, count: int) -> None:
        """Take back the last `count` bytes of what `take` returned last."""
        self._at -= count
        self._slice = SMALLEST_SLICE

    def skip_zeros(self) -> int:
        """Use up zero bytes; return how many there were."""
        count = 0
        while data := self.take():
            others = len(bytes(data).lstrip(b"\0"))
            count += len(data) - others
            if others:
                self.give_back(others)
                break
        return count


class DecodedSource(Source):
    """A source whose text is not what stands on disk. `what` is its name in messages, such as "gzip file"."""

    what: str

    def __init__(self, file: OpenFile) -> None:
        super().__init__(file)
        self.text_bytes = 0  # that were handed out
        self._peeked: list[bytes] = []
        self._rest: Iterator[bytes] | None = None

    @abstractmethod
    def decoded(self) -> Iterator[bytes]:
        """Yield the text, as `pieces` has to."""

    def peek(self, count: int) -> bytes:
        """Decode the first pieces, and keep them for `pieces`."""
        self._rest = self._rest or _joined(self.decoded())
        while sum(map(len, self._peeked)) < count and (piece := next(self._rest, b"")):
            self._peeked.append(piece)
        return b"".join(self._peeked)[:count]

    def pieces(self) -> Iterator[bytes]:
        """Yield the text."""
        while self._peeked:
            yield self._peeked.pop(0)
        yield from self._rest or _joined(self.decoded())

    def _read(self, count: int) -> bytes:
        data = self._file.read(count)
        self.position += len(data)
        return data

    def _decode(self, decoder: Decoder, feed: Feed, errors: tuple[type[Exception], ...]) -> Iterator[bytes]:
        """Yield the text of one stream, and give back to the feed what stands behind it. `errors`: the decoder's."""
        while not decoder.eof:
            data: bytes | memoryview = b""
            if decoder.needs_input and not (data := feed.take()):
                raise self._cut_off()
            try:
                piece = decoder.decompress(data, PIECE)
            except errors as error:
                raise self._damaged(str(error)) from error
            if piece:
                self.text_bytes += len(piece)
                self._check_unfolded()
                yield piece
        feed.give_back(len(decoder.unused_data))

    def _check_unfolded(self, size: int | None = None) -> None:
        """Refuse what unfolds without end; `size`: the bytes on disk that the text comes of, if not `position`."""
        size = self.position if size is None else size
        if unfolds_too_much(self.text_bytes, size):
            raise self._error(
                f"expected a {self.what} of at most {MOST_UNFOLDED} times its size, got more: {self.text_bytes} bytes"
                f" of {size}; unpack it first if that is meant"
            )

    def _cut_off(self) -> TextFormatError:
        return self._error(f"expected a whole {self.what}, got one that ends after {self.text_bytes} bytes of text")

    def _damaged(self, detail: str) -> TextFormatError:
        place = f"behind {self.text_bytes} bytes of text"
        return self._error(f"expected a sound {self.what}, got one that cannot be read {place}: {detail}")

    def _check_text(self, crc: int, size: int, stated_crc: int, stated_size: int) -> None:
        """Compare the text with what stands behind it, as gzip and zip say it."""
        if size != stated_size:
            raise self._damaged(f"expected {stated_size} bytes of text, as it says itself, got {size}")
        if crc != stated_crc:
            raise self._damaged(f"expected CRC-32 {stated_crc:08x}, as it says itself, got {crc:08x}")

    def _error(self, problem: str) -> TextFormatError:
        return TextFormatError(problem, self.path)


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces: a file may consist of a million streams of one byte each."""
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size >= SMALLEST_PIECE:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)
