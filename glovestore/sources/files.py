"""TEMPORARY until the real one lands."""
from __future__ import annotations
import os, stat
from pathlib import Path
from typing import Self, Any
from glovestore.errors import TextFormatError
class Source:
    head = b""
    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise IsADirectoryError(f"{path}: expected a vectors file, got a directory")
        self.path = path
        self.name = path.name
        self._file = open(path, "rb", buffering=0)
        self._opened = os.fstat(self._file.fileno())
        self.regular = stat.S_ISREG(self._opened.st_mode)
        self.size = self._opened.st_size if self.regular else None
    position = 0
    def pieces(self) -> Any: raise NotImplementedError
    def fileno(self) -> int | None: return self._file.fileno()
    def __enter__(self) -> Self: return self
    def __exit__(self, *a: Any) -> None: self._file.close()
    def check_unchanged(self, nbytes: int | None = None) -> None:
        if self.size is None:
            return
        expected = _identity(self._opened)
        now = [_identity(os.fstat(self._file.fileno()))]
        try:
            now.append(_identity(os.stat(self.path)))
        except OSError:
            raise TextFormatError("expected the file to stay while it is read: it was removed", self.path) from None
        if any(identity != expected for identity in now) or nbytes not in (None, self.size):
            raise TextFormatError(
                f"expected the file to stay as it is while it is read: it had {self.size} bytes at the start,"
                f" {nbytes} were read, and it was changed or replaced meanwhile",
                self.path,
            )
def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
def open_source(path: Path, member: str | None = None) -> Source: return Source(path)
