"""What an entry is built from, and what tells whether that is still the same."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from glovestore import _core
from glovestore.errors import naming
from glovestore.format.memory import READ_FLAGS, read_all

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 1 << 14
BLOCKS = 8  # that many are sampled, evenly from the first to the last; a file that is no larger is compared whole
PIECE = 1 << 20

Stamp = dict[str, int | str]


class Origin(Protocol):
    """A source of vectors."""

    @property
    def name(self) -> str:
        """What its entry is named after."""

    @property
    def path(self) -> str | None:
        """Its file, if that is one of this machine."""

    @property
    def member(self) -> str | None:
        """Which file of a zip archive it is."""

    def stamp(self, whole: bool) -> Stamp:
        """Return what will be the same for the same content; `whole`: down to every byte."""

    def file(self, folder: Path, progress: bool) -> AbstractContextManager[Path]:
        """Return the file to build from. If it has to be fetched, then now, into `folder`."""


class LocalFile:
    """A file of this machine, or a folder that is one source, by its absolute path with all links resolved."""

    def __init__(self, path: str | os.PathLike[str], member: str | None = None) -> None:
        self.path = os.path.realpath(path)
        self.member = member
        self.name = self.path if member is None else f"{self.path}#{member}"

    def stamp(self, whole: bool) -> Stamp:
        """Return size, time of change, and XXH64 of a sample; `whole`: and of everything. Of a folder: its time."""
        fd = os.open(self.path, READ_FLAGS)
        with naming(self.path):
            try:
                return _stamp(fd, whole)
            finally:
                os.close(fd)

    @contextmanager
    def file(self, folder: Path, progress: bool) -> Iterator[Path]:
        """Yield the file as it is."""
        from pathlib import Path

        yield Path(self.path)


class Fetchable(Protocol):
    """A source elsewhere."""

    @property
    def address(self) -> str:
        """Where it is."""

    @property
    def identity(self) -> str:
        """Where it is, and the checksum of what is there."""

    def fetch(self, folder: Path, progress: bool) -> Path:
        """Fetch it into `folder`, where some of it may be already, and return its file."""


class FetchedFile:
    """A source elsewhere, which is fetched only when a store is built of it."""

    path = member = None

    def __init__(self, remote: Fetchable) -> None:
        self.remote = remote
        self.name = remote.address

    def stamp(self, whole: bool) -> Stamp:
        """Return the identity, which says everything."""
        return {"identity": self.remote.identity}

    @contextmanager
    def file(self, folder: Path, progress: bool) -> Iterator[Path]:
        """Yield the file. It is removed once it is used; after an error it stays, so that nothing is fetched twice."""
        import shutil

        folder.mkdir(exist_ok=True)
        yield self.remote.fetch(folder, progress)
        shutil.rmtree(folder)


def _stamp(fd: int, whole: bool) -> Stamp:
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):  # what is in it stands beside, in the record
        return {"mtime_ns": status.st_mtime_ns}
    stamp: Stamp = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sample": _sample(fd, status.st_size)}
    return {**stamp, "whole": _digest(fd, status.st_size)} if whole else stamp


def _sample(fd: int, size: int) -> str:
    last = size - BLOCK
    starts = [last * i // (BLOCKS - 1) for i in range(BLOCKS)]
    whole = size <= BLOCKS * BLOCK
    sampled = read_all(fd, size, 0) if whole else b"".join(read_all(fd, BLOCK, start) for start in starts)
    return f"{_core.xxh64(sampled):016x}"


def _digest(fd: int, size: int) -> str:
    hashes = _core.PieceHashes(PIECE)
    for start in range(0, size, PIECE):
        hashes.add(read_all(fd, min(PIECE, size - start), start))
    return f"{hashes.digest:016x}"
