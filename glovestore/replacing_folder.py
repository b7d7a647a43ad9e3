"""A folder that appears whole or not at all: written beside its target, then renamed into its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from glovestore.interrupts import deferred_interrupt


@contextmanager
def replacing_folder(target: Path, may_replace: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a new folder beside `target`, which takes its place when the block is done; else nothing of it is left.

    `may_replace(target)` raises unless what is there may go; it is asked at the start, so that nobody waits for what
    cannot land, and once more at the end. What is in the folder gets the modes that new files have.
    """
    target = Path(os.path.abspath(target))
    _check(target, may_replace)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        yield scratch
        _open_to_others(scratch)
        _check(target, may_replace)
        with deferred_interrupt():
            _move(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _check(target: Path, may_replace: Callable[[Path], None]) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: expected an existing folder around it, {target.parent} is none")
    if os.path.lexists(target):
        may_replace(target)


def _open_to_others(folder: Path) -> None:
    """Give all files and folders the modes that new ones have: mkdtemp and others keep theirs to the owner."""
    mask = os.umask(0)
    os.umask(mask)
    for entry in [folder, *folder.rglob("*")]:
        entry.chmod((0o777 if entry.is_dir() else 0o666) & ~mask)


def _move(scratch: Path, target: Path) -> None:
    """Put the finished folder in place; the old one is moved aside first, and back again if that fails."""
    if not os.path.lexists(target):
        scratch.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".old", dir=target.parent))
    try:
        target.rename(aside / target.name)
        scratch.rename(target)
    except BaseException:  # Ctrl-C too
        if not os.path.lexists(target):
            (aside / target.name).rename(target)
        raise
    finally:
        if os.path.lexists(target):  # else the only one is in there
            shutil.rmtree(aside, ignore_errors=True)
