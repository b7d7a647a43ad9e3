"""A file that appears whole or not at all: written beside its target, then renamed over it.

The temporary is `.NAME.<random>.tmp` in the target's folder. Its writer holds an flock on it, so that whoever cleans up
can tell a running build's temporary from one that a killed process left behind.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from glovestore.errors import naming
from glovestore.interrupts import deferred_interrupt

if sys.platform != "win32":
    import fcntl

PIECE = 1 << 20


class ReplacingFile:
    """A new file on its way to `target`. A context manager: leaving it without `commit` removes the temporary.

    `may_replace(path)` raises unless the existing file at `path` may be replaced; it is asked when the context is
    entered, so that nobody waits for a build that cannot land, and once more before the rename.
    """

    path: Path  # of the temporary
    _file: io.FileIO | None = None

    def __init__(self, target: Path, may_replace: Callable[[Path], None] = lambda target: None) -> None:
        self.target = Path(os.path.realpath(target))
        self.may_replace = may_replace
        self.fsync_seconds = 0.0

    def __enter__(self) -> Self:
        self._check_target()
        remove_leftovers(self.target)
        try:
            with deferred_interrupt():  # a Ctrl-C between making a file and having it would leave it behind
                self._file = _create_locked(self.target)
                self.path = Path(self._file.name)
            return self
        except BaseException:
            self.discard()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def fileno(self) -> int:
        """Return the descriptor of the temporary."""
        assert self._file, "expected an entered context"
        return self._file.fileno()

    def write(self, data: Any, offset: int) -> None:
        """Write all bytes of a contiguous buffer at `offset`."""
        view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
        for start in range(0, len(view), PIECE):
            piece = view[start : start + PIECE]
            while piece:
                with naming(self.target):
                    written = os.pwrite(self.fileno(), piece, offset)
                piece, offset = piece[written:], offset + written

    def read_into(self, view: memoryview, offset: int) -> None:
        """Fill `view` with what was written at `offset`; the file must reach that far."""
        while view:
            with naming(self.target):
                count = os.preadv(self.fileno(), [view], offset)
            if count == 0:
                raise OSError(f"{self.path}: expected {len(view)} more bytes at byte {offset}: the file was truncated")
            view, offset = view[count:], offset + count

    def mapped(self, dtype: Any, offset: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return a read-only array over what was written at `offset`; it stays when the file is gone."""
        with naming(self.target):
            return np.memmap(self.path, dtype, "r", offset, shape).view(np.ndarray)

    def stream(self) -> BinaryIO:
        """Return a stream that writes the file from its start, for whoever wants one. Its errors name the target."""
        return io.BufferedWriter(_StreamOf(self.path, self.target))

    def truncate(self, size: int) -> None:
        """Set the file's size; new bytes are zero."""
        with naming(self.target):
            os.ftruncate(self.fileno(), size)

    def commit(self, durable: bool = True) -> None:
        """Rename over the target, keeping an old file's mode. `durable`: flush file and folder first, or fail."""
        with naming(self.target):
            self._keep_mode()
            start = time.perf_counter()
            if durable:
                os.fsync(self.fileno())
        synced = time.perf_counter()
        self._check_target()
        os.replace(self.path, self.target)
        renamed = time.perf_counter()
        if durable:
            fsync_folder(self.target.parent)
        self.fsync_seconds = (synced - start) + (time.perf_counter() - renamed)
        self._close()

    def _keep_mode(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.fchmod(self.fileno(), stat.S_IMODE(os.stat(self.target).st_mode))

    def discard(self) -> None:
        """Remove the temporary, if it still is one."""
        if self._file and not self._file.closed:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            self._close()

    def _close(self) -> None:
        assert self._file
        with naming(self.target):
            self._file.close()

    def _check_target(self) -> None:
        if self.target.is_dir():
            raise IsADirectoryError(f"{self.target}: expected the name of a file, got a directory")
        if not self.target.parent.is_dir():
            raise FileNotFoundError(f"{self.target}: expected an existing folder, {self.target.parent} is none")
        if self.target.exists():
            if not self.target.is_file():
                raise FileExistsError(
                    f"{self.target}: expected a file or nothing there, got a device or a pipe, not a store"
                )
            self.may_replace(self.target)


def remove_leftovers(target: Path) -> None:
    """Remove the temporaries of builds of `target` that are no longer running: those whose flock can be had."""
    if sys.platform == "win32":  # no flock, no telling which are in use
        return
    for path in temporaries(target):
        _remove_unlocked(path)


def temporaries(target: Path, suffix: str = ".tmp") -> list[Path]:
    """Return what is there under names that `temporary_name` makes."""
    prefix = _prefix(target)
    with os.scandir(target.parent) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(prefix) and entry.name.endswith(suffix)]
    return [target.parent / name for name in names if len(name) == len(prefix) + 16 + len(suffix)]


def temporary_name(target: Path) -> Path:
    """Return a new name for what is to become `target`, in the same folder."""
    return target.parent / f"{_prefix(target)}{os.urandom(8).hex()}.tmp"


def _remove_unlocked(path: Path) -> None:
    assert sys.platform != "win32"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile, or not ours
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except OSError:
        pass  # its build is running
    finally:
        os.close(fd)


def _prefix(target: Path) -> str:
    """Return how the names of its temporaries begin; cut where a long name would leave no room for the rest."""
    return f".{os.fsdecode(os.fsencode(target.name)[:200])}."


def _create_locked(target: Path) -> io.FileIO:
    """Create a temporary and lock it. Between the two a cleaner may have taken it for a leftover: then try again."""
    while True:
        path = temporary_name(target)
        try:
            file = io.FileIO(path, "x+")  # an object: whatever interrupts us, its last reference closes it
            if _lock(path, file):
                return file
        except FileExistsError:
            continue  # somebody else's
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(path)
            if isinstance(error, PermissionError):
                raise PermissionError(f"{target}: no permission to create a file in {target.parent}") from error
            raise OSError(error.errno, error.strerror, str(target)) from None
        except BaseException:  # Ctrl-C too
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise


def _lock(path: Path, file: io.FileIO) -> bool:
    """Take the flock; close the file and return False if a cleaner was faster."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.stat(path), os.fstat(file.fileno())):
            return True
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return False


class _StreamOf(io.FileIO):
    """A file under a temporary name, whose errors say the name that it will have."""

    def __init__(self, path: Path, target: Path) -> None:
        super().__init__(path, "wb")
        self._target = target

    def write(self, data: Any) -> int:
        with naming(self._target):
            return super().write(data)

    def close(self) -> None:
        with naming(self._target):
            super().close()


def fsync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    with naming(folder):
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
