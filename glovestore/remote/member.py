"""One member of a remote zip archive as a file of its own, with the bytes that the archive has: nothing is unpacked.

What stands in an archive is what stands in a .gz, .bz2, .zst or .xz file too; deflate data only lack gzip's header
and the length and CRC-32 behind it, which the archive's directory states. Whoever reads the file checks them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipInfo

from glovestore.errors import DownloadError, TextFormatError
from glovestore.remote.part import Part
from glovestore.streams.archive import choose, find_data, read_directory

GZIP_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # RFC 1952: deflate, no name, no time, unknown system
SUFFIXES = {ZIP_STORED: "", ZIP_DEFLATED: ".gz", ZIP_BZIP2: ".bz2", 93: ".zst", 95: ".xz"}  # APPNOTE 4.4.5
PIECE = 1 << 20
LONGEST_NAME = 200  # bytes; file systems have 255

Advance = Callable[[int], object]


class Member(NamedTuple):
    """Where a member's bytes are, and what makes a file of them: its name, and what stands before and behind."""

    begin: int
    end: int
    name: str
    lead: bytes = b""
    trail: bytes = b""
    stored_crc: int | None = None

    def check(self, path: Path) -> str | None:
        """Return what is wrong with a file of this member: only stored ones say nowhere what they should be."""
        if self.stored_crc is None:
            return None
        crc = 0
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                crc = zlib.crc32(piece, crc)
        expected = self.stored_crc
        return None if crc == expected else f"expected a member of CRC-32 {expected:08x}, got {crc:08x}"


def find_member(file: IO[bytes], name: str, where: str) -> Member:
    """Return the member `name` of the archive in `file`, which can seek; `where` is what messages call it.

    Raises TextFormatError for a damaged archive or no such member, DownloadError for a method of no file format.
    """

    def read_at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    archive = read_directory(file, where)
    info = choose(archive.infolist(), name, where)
    path = f"{where}#{info.filename}"
    begin = find_data(read_at, archive, info, path)
    if info.compress_type not in SUFFIXES:
        problem = f"expected a member that can stand alone, got compression method {info.compress_type}"
        raise DownloadError(f"{problem}: download the whole archive", path)
    if not info.compress_size:
        raise TextFormatError("expected a member with content, got an empty one", path)
    return _as_file(info, begin)


def _as_file(info: ZipInfo, begin: int) -> Member:
    packed = info.compress_type == ZIP_DEFLATED
    size = info.file_size % (1 << 32)  # as gzip states it
    return Member(
        begin=begin,
        end=begin + info.compress_size,
        name=safe_name(info.filename) + SUFFIXES[info.compress_type],
        lead=GZIP_HEADER if packed else b"",
        trail=info.CRC.to_bytes(4, "little") + size.to_bytes(4, "little") if packed else b"",
        stored_crc=info.CRC if info.compress_type == ZIP_STORED else None,
    )


def safe_name(path: str) -> str:
    """Return the last part of a path as the name of a file in a folder of ours, whatever system it comes from.

    It has no separators, control characters or dots in front, so that it is no hidden file and leads nowhere else.
    """
    name = PurePosixPath(path.replace("\\", "/")).name
    name = "".join(sign if sign.isprintable() and sign not in '<>:"|?*' else "_" for sign in name)
    return name.encode("utf-8", "replace")[-LONGEST_NAME:].decode("utf-8", "ignore").lstrip(".") or "download"


def copy_span(file: IO[bytes], span: Member, target: Path, where: str, advance: Advance = lambda done: None) -> None:
    """Make a file of a span of `file`, which can seek, unless another process just did. `where`: for messages."""
    with Part(target, span.lead) as part:
        if target.exists():
            return
        part.restart({}, None, None)
        file.seek(span.begin)
        while left := span.end - span.begin - part.received:
            piece = file.read(min(PIECE, left))
            if not piece:
                raise DownloadError(f"expected {left:,} more bytes, got the end of the file", where)
            part.write(piece)
            advance(part.received)
        if (problem := span.check(part.path)) is not None:
            raise DownloadError(problem, where)
        part.commit(span.trail)
