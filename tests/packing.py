"""Texts packed in every way that open_source reads, and the one way in which these tests read them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from glovestore import TextFormatError
from glovestore.streams.files import open_source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LONGEST_PIECE = 1 << 20
_random = random.Random(5)
TEXT = b"".join(b"token%d %.5f %.5f\n" % (i, _random.gauss(0, 1), _random.gauss(0, 1)) for i in range(12))
LONG_TEXT = b"".join(b"token%d %.5f %.5f\n" % (i, _random.gauss(0, 1), _random.random()) for i in range(60_000))
RAW_DEFLATE = -15
ZIP_METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


def pack_zstd(text: bytes) -> bytes:
    return zstd.compress(text, options={zstd.CompressionParameter.checksum_flag: 1})


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda text: gzip.compress(text, mtime=0),
    "bzip2": bz2.compress,
    "xz": lambda text: lzma.compress(text, preset=1),
    "zstd": pack_zstd,
}
KINDS = pytest.mark.parametrize("kind", PACKERS)
BEHIND_ALL = f"behind {len(TEXT)} bytes of text: "
SIGNATURE_BYTES = {"gzip": 2, "bzip2": 10, "xz": 6, "zstd": 4}  # a file cut before that is some text


def deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, RAW_DEFLATE)
    return packer.compress(text) + packer.flush()


def gzip_with_everything(text: bytes, name: bytes = b"glove.txt") -> bytes:
    """Return a gzip file with every optional field of RFC 1952: text flag, extra field, name, comment, header CRC."""
    header = b"\x1f\x8b\x08\x1f\0\0\0\0\0\x03" + struct.pack("<H", 5) + b"ABext" + name + b"\0a comment\0"
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    return header + deflate(text) + struct.pack("<II", zlib.crc32(text), len(text) % 2**32)


class Pipe(BytesIO):
    """What can only be written to, from front to back."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise OSError("no seek")

    def tell(self) -> int:
        raise OSError("no tell")


def zip_through_pipe(members: dict[str, bytes]) -> bytes:
    """Return a zip archive as it is written to a pipe: the sizes stand behind the data, in data descriptors."""
    file = Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    assert b"PK\x07\x08" in file.getvalue()
    return file.getvalue()


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """Return a zip archive; a name that ends with "/" is a folder."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.comment = comment
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text, method)
    return file.getvalue()


def read_source(path: Path, member: str | None = None) -> bytes:
    """Return the whole text, and hold every piece against what pieces promise."""
    with open_source(path, member) as source:
        pieces, positions = [], [0]
        for piece in source.pieces():
            assert 0 < len(piece) <= LONGEST_PIECE
            pieces.append(piece)
            positions.append(source.position)
        source.check_unchanged()
        assert positions == sorted(positions)
        assert source.size in (None, source.position)
    return b"".join(pieces)


def error_of(path: Path, content: bytes, member: str | None = None) -> str:
    """Return the problem that reading `content` raises, as a file at `path`, which the message has to name."""
    path.write_bytes(content)
    with pytest.raises(TextFormatError) as caught:
        read_source(path, member)
    assert str(caught.value).startswith(str(path))
    return caught.value.problem


def flips(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield everything that differs from `content` in one bit, with the place of its byte."""
    for at in range(len(content)):
        for bit in range(8):
            yield at, content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
