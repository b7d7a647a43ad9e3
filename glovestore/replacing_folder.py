"""A folder that appears whole or not at all: written beside its target, then renamed into its place.

The temporary is `.NAME.<random>.tmp`, as of a file (`replacing`), and held with an flock as well.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glovestore.errors import naming
from glovestore.interrupts import deferred_interrupt
from glovestore.replacing import fsync_folder, temporaries, temporary_name

if sys.platform != "win32":
    import fcntl

OPEN_FOLDER = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"))
ASIDE = ".old"  # the end of the old folder's name while the new one takes its place
# Of <linux/fs.h> and <fcntl.h>, and what renameat2 says where a file system cannot exchange.
RENAME_EXCHANGE, AT_FDCWD = 2, -100
CANNOT_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


@contextmanager
def replacing_folder(target: Path, may_replace: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a new folder beside `target`, which takes its place when the block is done; else nothing of it is left.

    `may_replace(target)` raises unless what is there may go; it is asked at the start, so that nobody waits for what
    cannot land, and once more at the end. What is in the folder gets the modes that new files have. A block that wants
    its files to be safe on disk before the folder appears ends with `flush`.
    """
    target = Path(os.path.realpath(target))
    _check(target, may_replace)
    with scratch_folder(target) as scratch:
        with naming(target):
            yield scratch
        _open_to_others(scratch)
        _check(target, may_replace)
        with deferred_interrupt():
            _move(scratch, target)
        fsync_folder(target.parent)


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target` that is gone at the end. What killed processes left of theirs is removed."""
    _remove_leftovers(target)
    path, lock = None, None
    try:
        with deferred_interrupt():  # a Ctrl-C between making a folder and having it would leave it behind
            path, lock = _create_locked(target)
        yield path
    finally:
        with deferred_interrupt(), naming(target):
            if path is not None:
                _remove(path)
            if lock is not None:
                os.close(lock)


def flush(folder: Path) -> float:
    """Flush all files and folders in a folder to disk, or fail; return the seconds that it took."""
    start = time.perf_counter()
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            fsync_folder(path)
        else:
            with naming(path), open(path, "rb") as file:
                os.fsync(file.fileno())
    return time.perf_counter() - start


def _check(target: Path, may_replace: Callable[[Path], None]) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: expected an existing folder around it, {target.parent} is none")
    if os.path.lexists(target):
        may_replace(target)


def _open_to_others(folder: Path) -> None:
    """Give all files and folders the modes that new ones have: libraries keep some to the owner."""
    mask = os.umask(0)
    os.umask(mask)
    for entry in [folder, *folder.rglob("*")]:
        entry.chmod((0o777 if entry.is_dir() else 0o666) & ~mask)


# ---------------------------------------------------------------------- the temporary


def _create_locked(target: Path) -> tuple[Path, int | None]:
    """Create a folder for the user alone, and lock it. If a cleaner took it between the two, try again."""
    while True:
        path = temporary_name(target)
        try:
            path.mkdir(mode=0o700)
            if sys.platform == "win32":
                return path, None
            lock = _locked(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            _remove(path)
            if isinstance(error, PermissionError):
                raise PermissionError(f"{target}: no permission to create a folder in {target.parent}") from error
            raise OSError(error.errno, error.strerror, str(target)) from None
        except BaseException:  # Ctrl-C too
            _remove(path)
            raise
        if lock is not None:
            return path, lock


def _locked(path: Path) -> int | None:
    """Open a folder and take its flock; None if somebody else has it. It is there, unless a cleaner was faster."""
    assert sys.platform != "win32"
    fd = os.open(path, OPEN_FOLDER)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.stat(path), os.fstat(fd)):
            return fd
    except BlockingIOError:
        pass
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


def _remove_leftovers(target: Path) -> None:
    """Remove the temporaries of processes that were killed, and put the old folder back if one was in the middle."""
    if sys.platform == "win32":  # no flock, no telling which are in use
        return
    for aside in temporaries(target, ASIDE):
        if os.path.lexists(target):
            _remove(aside)
        else:
            aside.rename(target)
    for path in temporaries(target):
        try:
            lock = _locked(path)
        except OSError:
            continue  # gone meanwhile, or not ours: a file
        if lock is not None:
            _remove(path)
            os.close(lock)


def _remove(folder: Path) -> None:
    """Remove a folder with all in it as far as that is possible: what is left is for the next one to remove."""
    with suppress(OSError):  # some come out of rmtree all the same
        shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------------- the move


def _move(scratch: Path, target: Path) -> None:
    """Put the finished folder in place. The old one takes the name of the temporary, at once where that is possible."""
    if not os.path.lexists(target):
        scratch.rename(target)
    elif not _exchange(scratch, target):
        _move_in_two_steps(scratch, target)


def _move_in_two_steps(scratch: Path, target: Path) -> None:
    """Move the old folder aside first, and back again if the rest fails."""
    aside = scratch.with_suffix(ASIDE)
    target.rename(aside)
    try:
        scratch.rename(target)
    except BaseException:  # Ctrl-C too
        aside.rename(target)
        raise
    _remove(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders swap their names at once; False where the system or the file system has no way to do it."""
    import ctypes

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, TypeError):
        return False
    if rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))
