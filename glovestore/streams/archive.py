"""One member of a zip archive as text. zipfile reads the directory; the member's own bytes are read here.

The archive may be a local file, or one that `glovestore.remote` reads in parts: `read_directory`, `choose` and
`find_data` know only something that can seek and a path for their messages.
"""

from __future__ import annotations

import errno
import struct
import zipfile
from bz2 import BZ2Decompressor
from collections.abc import Callable, Iterator
from typing import IO, cast

from glovestore.errors import Path, TextFormatError
from glovestore.streams.decoding import INFLATE_ERRORS, DecodedSource, Decoder, Feed, crc32, new_inflater
from glovestore.streams.files import BLOCK, OpenFile

SHOWN_MEMBERS = 20
LONGEST_SHOWN = 255
SMALL_READ = 1 << 12  # compressed bytes for zipfile at a time: it unfolds them all, at worst to 7,000 times as many
LOCAL_HEADER = struct.Struct("<4s22xHH")  # its signature, and the lengths of the name and the extra field behind it
LZMA_HEADER = struct.Struct("<2xHBL")  # of a member: the length of what follows, three small numbers, the dictionary
MOST_DICTIONARY = 1 << 27  # bytes, which are taken at once; `xz -9` needs half of it
ENCRYPTED = 0x2041  # flags: traditional, strong, and an encrypted directory
# What zipfile raises for a directory that somebody damaged; OSError where it seeks to a place before the file.
DIRECTORY_ERRORS = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OverflowError, OSError, struct.error)


class MemberSource(DecodedSource):
    """A member's text; length and CRC-32 are those of the archive's directory. `size` counts its compressed bytes."""

    what = "zip member"

    def __init__(self, file: OpenFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        super().__init__(file)
        self.name = f"{self.name}#{_shown(member)}"
        self.path = f"{file.path}#{_shown(member)}"
        self.size = member.compress_size
        self._archive = archive
        self._member = member
        self._begin = find_data(file.read_at, archive, member, self.path)

    def decoded(self) -> Iterator[bytes]:
        """Yield the member's text."""
        crc = size = 0
        for piece in self._unchecked():
            crc = crc32(piece, crc)
            size += len(piece)
            if size > self._member.file_size:  # stop here: it may be endless
                break
            yield piece
        self._check_text(crc, size, self._member.CRC, self._member.file_size)

    def _unchecked(self) -> Iterator[bytes]:
        method = self._member.compress_type
        if method == zipfile.ZIP_STORED:
            return self._stored()
        if method == zipfile.ZIP_DEFLATED:
            return self._packed(new_inflater(), INFLATE_ERRORS)
        if method == zipfile.ZIP_BZIP2:
            return self._packed(BZ2Decompressor(), (OSError,))
        if self._member.compress_type == zipfile.ZIP_LZMA:
            self._check_dictionary()
        return self._otherwise_packed()

    def _check_dictionary(self) -> None:
        """Refuse LZMA data that ask for a huge dictionary, before zipfile makes it: any member may ask for 4 GiB."""
        header = self._file.read_at(self._begin, LZMA_HEADER.size)
        if len(header) == LZMA_HEADER.size and (wanted := LZMA_HEADER.unpack(header)[2]) > MOST_DICTIONARY:
            raise self._damaged(f"expected a dictionary of at most {MOST_DICTIONARY} bytes, got one of {wanted}")

    def _stored(self) -> Iterator[bytes]:
        while piece := self._read(BLOCK):
            self.text_bytes += len(piece)
            yield piece

    def _packed(self, decoder: Decoder, errors: tuple[type[Exception], ...]) -> Iterator[bytes]:
        feed = Feed(self._read)
        yield from self._decode(decoder, feed, errors)
        if feed.peek(1):
            raise self._damaged(f"expected it to take up {self.size} bytes in the archive, got its end before that")

    def _otherwise_packed(self) -> Iterator[bytes]:
        """Let zipfile decompress: it may know the method."""
        try:
            with self._archive.open(self._member) as stream:
                while piece := stream.read(SMALL_READ):
                    self.text_bytes += len(piece)
                    self._check_unfolded(self._member.compress_size)
                    share = self.text_bytes / max(1, self._member.file_size)
                    self.position = int(self._member.compress_size * min(1.0, share))
                    yield piece
        except (MemoryError, TextFormatError):
            raise
        except Exception as error:  # whatever the method's own module raises
            raise self._damaged(f"compression method {self._member.compress_type}: {error}") from error

    def _read(self, count: int) -> bytes:
        left = self._member.compress_size - self.position
        data = self._file.read_at(self._begin + self.position, min(count, left))
        self.position += len(data)
        return data


def open_member(file: OpenFile, name: str | None) -> MemberSource:
    """Return the member `name`, or the only one there is, of a zip archive.

    Raises TextFormatError if the archive is damaged or comes through a pipe, or does not have exactly one such member.
    """
    if not file.seekable:
        raise TextFormatError(
            "expected text, or gzip, bzip2, xz or zstd data, got a zip archive from a pipe: its directory stands at its"
            " end; save it to a file first, or pass a member on with `unzip -p`",
            file.path,
        )
    archive = read_directory(cast(IO[bytes], _WholeReads(file)), file.path)
    return MemberSource(file, archive, choose(archive.infolist(), name, file.path))


class _WholeReads:
    """A file for zipfile, which takes a read that brings less than it wants for the end of the file."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.file.seek, file.file.tell, file.file.seekable

    def read(self, count: int = -1) -> bytes:
        left = self._file.start + (self._file.size or 0) - self.tell()
        return self._file.read_all(left if count < 0 else count)


def read_directory(file: IO[bytes], path: Path) -> zipfile.ZipFile:
    """Return the archive that a file is, or a TextFormatError that names `path` if its directory cannot be read."""
    try:
        return zipfile.ZipFile(file)
    except DIRECTORY_ERRORS as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # nothing is wrong with the archive
        raise TextFormatError(
            f"expected a zip archive with a directory at its end, got none that can be read ({error}): was it cut off?",
            path,
        ) from error


def find_data(
    read_at: Callable[[int, int], bytes], archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path
) -> int:
    """Return where a member's data begin: behind the header that stands in front of them.

    read_at: returns so many bytes from an offset, fewer at the end. Raises TextFormatError for an encrypted member,
    and for one that does not lie inside the archive.
    """
    if member.flag_bits & ENCRYPTED:
        raise TextFormatError("expected a member that is not encrypted, got an encrypted one: extract it first", path)
    at = member.header_offset
    header = read_at(at, LOCAL_HEADER.size) if 0 <= at < archive.start_dir else b""
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise TextFormatError(f"expected the header of a zip member at byte {at}, got {header[:4]!r}", path)
    _, name_size, extra_size = LOCAL_HEADER.unpack(header)
    begin: int = at + LOCAL_HEADER.size + name_size + extra_size
    if begin + member.compress_size > archive.start_dir:
        raise TextFormatError(
            f"expected a member inside the archive, got {member.compress_size} bytes from byte {begin} on,"
            f" which reach into the directory at byte {archive.start_dir}",
            path,
        )
    return begin


def choose(members: list[zipfile.ZipInfo], name: str | None, path: Path) -> zipfile.ZipInfo:
    """Return the member `name` (the full name, or the last part of it if one file has that), or the only one there is.

    Raises TextFormatError if there is not exactly one such member.
    """
    files = [member for member in members if member.filename and not member.filename.endswith("/")]
    candidates = [member for member in files if _may_be_vectors(member)]
    if name is None:
        found, wanted = candidates, "one file in the archive"
    else:
        found = [member for member in files if member.filename == name]
        found = found or [member for member in candidates if member.filename.rpartition("/")[2] == name]
        wanted = f"one file {name!r} in the archive"
    if len(found) == 1:
        return found[0]
    if found:
        example = _shown(found[0])
        problem = f"expected {wanted}, got {_list(found)}; name one: member={example!r}, or {path}#{example}"
    else:
        problem = f"expected {wanted}, got none" + ("" if name is None else f"; it holds {_list(files)}")
    raise TextFormatError(problem, path)


def _may_be_vectors(member: zipfile.ZipInfo) -> bool:
    """Tell whether a file may be meant when none is named: one with content that no system program left behind."""
    folder, _, base = member.filename.rpartition("/")
    return member.file_size > 0 and not base.startswith(".") and "__MACOSX" not in folder.split("/")


def _list(members: list[zipfile.ZipInfo]) -> str:
    names = [_shown(member) for member in members[:SHOWN_MEMBERS]]
    more = f" and {len(members) - SHOWN_MEMBERS} more" if len(members) > SHOWN_MEMBERS else ""
    return f"{len(members)}: {', '.join(names)}{more}" if names else "none"


def _shown(member: zipfile.ZipInfo) -> str:
    """Return a member's name for messages: what could steer a terminal is escaped, what is very long cut."""
    name = member.filename
    text = name if name.isprintable() else repr(name)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
