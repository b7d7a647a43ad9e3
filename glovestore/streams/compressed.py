"""Compressed files of one text: gzip, bzip2, xz and zstd, each perhaps several streams one behind the other."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import cast

from glovestore.streams.decoding import INFLATE_ERRORS, DecodedSource, Decoder, Feed, crc32, new_inflater
from glovestore.streams.files import LONGEST_SIGNATURE, SIGNATURES, Kind, OpenFile

LONGEST_NAME = 1 << 16  # bytes of a name or comment in a gzip header
GZIP_LENGTHS = 1 << 32  # gzip states the length of its text modulo this
XZ_MEMORY = 1 << 27  # bytes: `xz -9` needs half of this; memory must stay bounded


class StreamsSource(DecodedSource):
    """Streams of one kind, as `cat a.gz b.gz` puts them together. Anything else behind the last one is an error."""

    kind: Kind

    def __init__(self, file: OpenFile) -> None:
        super().__init__(file)
        self.what = f"{self.kind} file"

    def decoded(self) -> Iterator[bytes]:
        """Yield the text of all streams."""
        feed = Feed(self._read)
        while True:
            yield from self._stream(feed)
            self._check_padding(feed.skip_zeros(), at_end=not feed.peek(1))
            head = feed.peek(LONGEST_SIGNATURE)
            if not head:
                return
            if not SIGNATURES[self.kind].match(head):
                raise self._damaged(f"expected the end of the file or another {self.kind} stream, got {head!r}")

    @abstractmethod
    def _stream(self, feed: Feed) -> Iterator[bytes]:
        """Yield the text of one stream."""

    def _check_padding(self, zeros: int, at_end: bool) -> None:
        if zeros:
            raise self._damaged(f"expected the end of the file or another {self.kind} stream, got a zero byte")


class GzipSource(StreamsSource):
    """RFC 1952. Header, CRC-32 and length are read here; isal, else zlib, inflates what stands between them."""

    kind: Kind = "gzip"

    def _stream(self, feed: Feed) -> Iterator[bytes]:
        self._skip_header(feed)
        crc = size = 0
        for piece in self._decode(new_inflater(), feed, INFLATE_ERRORS):
            crc = crc32(piece, crc)
            size += len(piece)
            yield piece
        stated_crc, stated_size = self._number(feed, 4), self._number(feed, 4)
        self._check_text(crc, size % GZIP_LENGTHS, stated_crc, stated_size)

    def _skip_header(self, feed: Feed) -> None:
        header = self._exactly(feed, 10)
        method, flags = header[2], header[3]
        if method != 8:
            raise self._damaged(f"expected compression method 8, deflate, got {method}")
        if flags & 0xE0:
            raise self._damaged(f"expected no reserved flags in the header, got {flags:#04x}")
        if flags & 4:  # FEXTRA
            length = self._exactly(feed, 2)
            header += length + self._exactly(feed, int.from_bytes(length, "little"))
        for flag in (8, 16):  # FNAME, FCOMMENT
            if flags & flag:
                header += self._through_zero(feed)
        if flags & 2 and (crc := crc32(header) & 0xFFFF) != (stated := self._number(feed, 2)):  # FHCRC
            raise self._damaged(f"expected a header of CRC-16 {stated:04x}, got {crc:04x}")

    def _through_zero(self, feed: Feed) -> bytes:
        """Use up and return a name that ends with a zero byte."""
        wanted = 64
        while (end := (head := feed.peek(wanted)).find(b"\0")) < 0:
            if len(head) < wanted:
                raise self._cut_off()
            if wanted > LONGEST_NAME:
                raise self._damaged(f"expected a name of at most {LONGEST_NAME} bytes in the header, got a longer one")
            wanted *= 2
        return feed.skip(end + 1)

    def _number(self, feed: Feed, size: int) -> int:
        return int.from_bytes(self._exactly(feed, size), "little")

    def _exactly(self, feed: Feed, count: int) -> bytes:
        data = feed.skip(count)
        if len(data) < count:
            raise self._cut_off()
        return data

    def _check_padding(self, zeros: int, at_end: bool) -> None:
        """Accept zeros behind the last stream, as gzip does: tapes and some downloads are filled up with them."""
        if zeros and not at_end:
            raise self._damaged("expected the end of the file behind its padding of zero bytes, got more")


class Bzip2Source(StreamsSource):
    """The standard library's bz2; each block has a checksum."""

    kind: Kind = "bzip2"

    def _stream(self, feed: Feed) -> Iterator[bytes]:
        from bz2 import BZ2Decompressor

        return self._decode(BZ2Decompressor(), feed, (OSError,))


class XzSource(StreamsSource):
    """The standard library's lzma; checksums as the writer chose them, CRC-64 by default."""

    kind: Kind = "xz"

    def _stream(self, feed: Feed) -> Iterator[bytes]:
        from lzma import FORMAT_XZ, LZMADecompressor, LZMAError

        return self._decode(LZMADecompressor(FORMAT_XZ, memlimit=XZ_MEMORY), feed, (LZMAError,))

    def _check_padding(self, zeros: int, at_end: bool) -> None:
        """Accept padding between and behind streams: section 2.2 of the .xz format asks for a multiple of four."""
        if zeros % 4:
            raise self._damaged(f"expected a multiple of 4 zero bytes between streams, got {zeros}")


class ZstdSource(StreamsSource):
    """Python's own zstd from 3.14 on, before that the package backports.zstd; a checksum if the writer added one."""

    kind: Kind = "zstd"

    def __init__(self, file: OpenFile) -> None:
        super().__init__(file)
        self._zstd = _zstd_module(file)

    def _stream(self, feed: Feed) -> Iterator[bytes]:
        return self._decode(cast(Decoder, self._zstd.ZstdDecompressor()), feed, (self._zstd.ZstdError,))


def _zstd_module(file: OpenFile) -> ModuleType:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        raise ImportError(f'{file.path}: zstd needs a package: pip install "glovestore[zstd]"') from error
    return zstd


SOURCES: dict[Kind, Callable[[OpenFile], StreamsSource]] = {
    "gzip": GzipSource,
    "bzip2": Bzip2Source,
    "xz": XzSource,
    "zstd": ZstdSource,
}
