"""A source as blocks of bytes, with its digest, and the proof that it did not change while it was read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from glovestore import _core
from glovestore.errors import TextFormatError


class FileBlocks:
    """A plain file, read from start to end. `size` is None for what has none, such as a pipe."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise IsADirectoryError(f"{path}: expected a vectors file, got a directory")
        self.path = path
        self.name = path.name
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed by __exit__)
        self._opened = os.fstat(self._file.fileno())
        self.size = self._opened.st_size if stat.S_ISREG(self._opened.st_mode) else None
        self._digest = _core.SourceDigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def readinto(self, view: memoryview) -> int:
        """Read at most len(view) bytes into `view`; return how many, 0 at the end."""
        count = self._file.readinto(view) or 0
        self._digest.update(view[:count])
        return count

    @property
    def nbytes(self) -> int:
        """How many bytes were read so far."""
        return self._digest.nbytes

    @property
    def digest(self) -> str:
        """Digest of the bytes read so far: FORMAT.md, `source_digest`."""
        return f"{self._digest.digest:016x}"

    def check_unchanged(self) -> None:
        """Raise TextFormatError unless path, size and time of change are what they were when the file was opened."""
        if self.size is None:
            return
        expected = _identity(self._opened)
        now = [_identity(os.fstat(self._file.fileno()))]
        try:
            now.append(_identity(os.stat(self.path)))
        except OSError:
            raise TextFormatError("expected the file to stay while it is read: it was removed", self.path) from None
        if any(identity != expected for identity in now) or self.nbytes != self.size:
            raise TextFormatError(
                f"expected the file to stay as it is while it is read: it had {self.size} bytes at the start,"
                f" {self.nbytes} were read, and it was changed or replaced meanwhile",
                self.path,
            )


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
