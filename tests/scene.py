"""A folder where builds go wrong, and a way to make them: something happens before the n-th call of the system."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import glovestore

OLD_TEXT = b"old 1 2\nstore 3 4\n"
STEPS = ("open", "stat", "fstat", "pwrite", "preadv", "ftruncate", "fchmod", "fsync", "replace")
WRITING_STEPS = ("open", "pwrite", "preadv", "ftruncate", "fchmod", "fsync", "replace")


def interrupt() -> None:
    """Press Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def no_space() -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Scene:
    """A folder with a source that has duplicates, so that every step of a build happens, and perhaps an old store."""

    def __init__(self, folder: Path, *, with_old: bool) -> None:
        self.source = folder / "source.txt"
        self.source.write_bytes(b"".join(b"token%d 1 2\n" % (i % 900) for i in range(1000)))
        self.folder = folder / "stores"
        self.folder.mkdir()
        self.target = self.folder / "store.h5"
        if with_old:
            (folder / "old.txt").write_bytes(OLD_TEXT)
            glovestore.build(folder / "old.txt", self.target)
        self.old = self.content()

    def build(self, **options: Any) -> glovestore.BuildReport:
        return glovestore.build(self.source, self.target, overwrite=True, **options)

    def content(self) -> bytes | None:
        return self.target.read_bytes() if self.target.exists() else None

    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder))

    def restore(self) -> None:
        for name in self.names():
            (self.folder / name).unlink()
        if self.old is not None:
            self.target.write_bytes(self.old)


@contextmanager
def at_step(number: int, names: tuple[str, ...], act: Callable[[], None]) -> Iterator[list[str]]:
    """Call `act` before the n-th of a process's calls to some functions of `os`; yield the names of the calls."""
    calls: list[str] = []
    originals = {name: getattr(os, name) for name in names}

    def wrap(name: str) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == number:
                act()
            return originals[name](*arguments, **options)

        return wrapper

    for name in names:
        setattr(os, name, wrap(name))
    try:
        yield calls
    finally:
        for name, original in originals.items():
            setattr(os, name, original)
