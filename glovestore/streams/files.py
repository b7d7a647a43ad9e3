"""Where the bytes of a vectors file come from: a plain file, a pipe, or something that has to be decompressed."""

from __future__ import annotations

import os
import re
import select
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from glovestore.errors import TextFormatError, naming

BLOCK = 1 << 18  # bytes read from disk at a time
STDIN = Path("-")

Kind = Literal["text", "gzip", "bzip2", "xz", "zstd", "zip"]

# The first bytes of each kind. Of bzip2 the first block's too: a row of text may well begin with "BZh9".
SIGNATURES: dict[Kind, re.Pattern[bytes]] = {
    "gzip": re.compile(rb"\x1f\x8b"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),  # the latter: a frame to skip
    "zip": re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
}
LONGEST_SIGNATURE = 10
EMPTY_END_OF_ZIP = 22  # bytes of the record that ends a zip archive without a comment


class OpenFile:
    """An open file, pipe, or standard input (`-`), and what it was when it was opened.

    `path` is what messages name. `start` is where the bytes begin: not 0 if somebody read some of standard input
    before. `head` are the first bytes; those of a pipe were taken from it, `read` returns them again.
    """

    def __init__(self, path: Path) -> None:
        is_stdin = path == STDIN
        if not is_stdin and path.is_dir():
            raise IsADirectoryError(f"{path}: expected a file, got a directory")
        self.path: Path | str = "<stdin>" if is_stdin else path
        self.file = open(_standard_input() if is_stdin else path, "rb", buffering=0)  # noqa: SIM115  (Source closes it)
        try:
            with naming(self.path):
                self._status = os.fstat(self.file.fileno())
            self.seekable = stat.S_ISREG(self._status.st_mode)
            self.start = self.file.tell() if self.seekable else 0
            self.size = max(0, self._status.st_size - self.start) if self.seekable else None
            self.head = self._first_bytes()
        except BaseException:
            self.file.close()
            raise
        self._head_left = b"" if self.seekable else self.head

    def _first_bytes(self) -> bytes:
        head = b""
        # No signature has a newline in it: whoever sends one short line and waits for an answer gets it.
        while (
            len(head) < LONGEST_SIGNATURE and b"\n" not in head and (more := self._read(LONGEST_SIGNATURE - len(head)))
        ):
            head += more
        if self.seekable:
            self.file.seek(self.start)
        return head

    def peek(self, count: int) -> bytes:
        """Return the first `count` bytes, fewer of a short file, before anything is read. A pipe is waited for."""
        if self.seekable:
            data = self.read_at(self.start, count)
            self.file.seek(self.start)
            return data
        while len(self.head) < count and (more := self._read(count - len(self.head))):
            self.head += more
        self._head_left = self.head
        return self.head[:count]

    def read(self, count: int) -> bytes:
        """Return the next bytes, `count` at most; b"" at the end. Without the GIL."""
        if self._head_left:
            head, self._head_left = self._head_left, b""
            return head
        return self._read(count)

    def _read(self, count: int) -> bytes:
        with naming(self.path):
            while (data := self.file.read(count)) is None:  # a pipe that does not block, and is empty just now
                select.select([self.file], [], [])
        return data

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` of a file that can seek, fewer at its end. `read` would go on there."""
        self.file.seek(offset)
        return self.read_all(count)

    def read_all(self, count: int) -> bytes:
        """Return the next `count` bytes of a file that can seek, fewer at its end only: the system may stop before."""
        parts = []
        while count > 0 and (part := self._read(count)):
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Close the file."""
        with naming(self.path):
            self.file.close()

    def check_unchanged(self, nbytes: int | None = None) -> None:
        """Raise TextFormatError unless path, size and time of change are what they were when the file was opened.

        `nbytes`, if given, is how many bytes were read: it has to be all of them.
        """
        if self.size is None:
            return
        expected = _identity(self._status)
        with naming(self.path):
            now = [_identity(os.fstat(self.file.fileno()))]
        if isinstance(self.path, Path):
            try:
                now.append(_identity(os.stat(self.path)))
            except (FileNotFoundError, NotADirectoryError):
                raise TextFormatError("expected the file to stay while it is read: it was removed", self.path) from None
        if any(identity != expected for identity in now) or nbytes not in (None, self.size):
            were_read = "" if nbytes is None else f" {nbytes} were read,"
            raise TextFormatError(
                f"expected the file to stay as it is while it is read: it had {self.size} bytes at the start,"
                f"{were_read} and it was changed or replaced meanwhile",
                self.path,
            )


class Beginning(Protocol):
    """The first bytes of a text, for whoever wants to know what it is."""

    def peek(self, count: int) -> bytes:
        """Return the first `count` bytes, fewer of a short one."""


class Source(ABC):
    """The bytes of a text. A context manager; leaving it closes the file.

    path: what messages name: the file, "archive.zip#member", or "<stdin>". name: the same without folders. size: how
    many bytes on disk will be read, None if unknown; `position`: how many were, as far as `pieces` read them.
    regular: whether the text is a plain regular file.
    """

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self.path = file.path
        self.name = file.path.name if isinstance(file.path, Path) else file.path
        self.size = file.size
        self.position = 0
        self.regular = False
        self.head = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def fileno(self) -> int | None:
        """Return a descriptor whose bytes, behind `head`, are the text, or None: then only `pieces` has it."""
        return None

    @abstractmethod
    def peek(self, count: int) -> bytes:
        """Return the first `count` bytes of the text, fewer of a short one, before `pieces` is called."""

    @abstractmethod
    def pieces(self) -> Iterator[bytes]:
        """Yield the text once, in pieces of 1 MiB at most, none empty.

        Raises TextFormatError where the data are damaged or cut off. Checksums stand behind the data: the pieces are
        known to be right only when the last one was taken and the iterator ended.
        """

    def check_unchanged(self, nbytes: int | None = None) -> None:
        """Raise TextFormatError if the file was changed since it was opened; `nbytes`: as of `OpenFile`."""
        self._file.check_unchanged(nbytes)


class PlainSource(Source):
    """Text that stands in a file, or comes out of a pipe, as it is. `head` was taken from the pipe already."""

    def __init__(self, file: OpenFile) -> None:
        super().__init__(file)
        self.regular = file.seekable and file.start == 0
        self.head = b"" if file.seekable else file.head

    def fileno(self) -> int | None:
        """Return the descriptor; `head` comes before its bytes. None if it does not wait for data: `pieces` does."""
        descriptor = self._file.file.fileno()
        return descriptor if self._file.seekable or os.get_blocking(descriptor) else None

    def peek(self, count: int) -> bytes:
        """Look at the file, or take the bytes from the pipe into `head`."""
        data = self._file.peek(count)
        self.head = b"" if self._file.seekable else self._file.head
        return data

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes of a regular file, fewer at its end; not together with `pieces`."""
        return self._file.read_at(offset, count)

    def pieces(self) -> Iterator[bytes]:
        """Yield the text, `head` included."""
        while piece := self._file.read(BLOCK):
            self.position += len(piece)
            yield piece


def open_source(path: Path, member: str | None = None) -> Source:
    """Open a vectors file: text, or gzip, bzip2, xz, zstd or zip by its first bytes, whatever its name is.

    `-` is standard input. member: which file of a zip archive, by its full name, or the last part of it if only one has
    that; also written behind the path, `archive.zip#member`, if no file has all that as its name. None: the only one.

    Raises TextFormatError for a damaged archive or an ambiguous member, ValueError for a member of something that is no
    zip archive, ImportError if zstd needs a package that is missing, and OSError for what the system refuses.
    """
    if member is None and path != STDIN:
        path, member = split_member(path)
    file = OpenFile(path)
    try:
        return _source_of(file, member)
    except BaseException:
        file.file.close()
        raise


def _source_of(file: OpenFile, member: str | None) -> Source:
    """Return the source for what the first bytes say. What only one kind needs is imported only for it."""
    kind = _kind(file, member)
    if kind == "zip":
        from glovestore.streams import archive

        return archive.open_member(file, member)
    if member is not None:
        raise ValueError(f"{file.path}: expected a zip archive to take the member {member!r} from, got none ({kind})")
    if kind == "text":
        return PlainSource(file)
    from glovestore.streams import compressed

    return compressed.SOURCES[kind](file)


def _kind(file: OpenFile, member: str | None) -> Kind:
    for kind, signature in SIGNATURES.items():
        if signature.match(file.head):
            return kind
    return "zip" if file.seekable and _ends_as_zip(file, member is not None) else "text"


def _ends_as_zip(file: OpenFile, expected: bool) -> bool:
    """Tell whether this is a zip archive with something else in front, as those that unpack themselves are.

    Text could hold that record's signature somewhere near its end, but hardly as the start of its last 22 bytes. If a
    zip archive is `expected`, it may end with a comment.
    """
    tail_size = EMPTY_END_OF_ZIP + (65_535 if expected else 0)
    end = file.start + (file.size or 0)
    tail = file.read_at(max(file.start, end - tail_size), tail_size)
    file.file.seek(file.start)
    return b"PK\x05\x06" in tail if expected else tail.startswith(b"PK\x05\x06") and tail.endswith(b"\0\0")


def split_member(path: Path) -> tuple[Path, str | None]:
    """Return (archive, member) of "archive.zip#member", else (path, None). A file with such a name comes first."""
    whole = str(path)
    if "#" in whole and not path.exists():
        for at in reversed([match.start() for match in re.finditer("#", whole)]):
            if at + 1 < len(whole) and Path(whole[:at]).is_file():
                return Path(whole[:at]), whole[at + 1 :]
    return path, None


def _standard_input() -> int:
    try:
        return os.dup(0)
    except OSError as error:
        raise OSError(error.errno, f"expected an open standard input: {error.strerror}", "<stdin>") from None


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
