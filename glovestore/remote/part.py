"""A download on its way: `.NAME.part` beside the file that it becomes, and what it is a part of in `.NAME.part.json`.

These two stay behind when a download is interrupted, on purpose: the next one goes on where they end. Whoever works on
a part holds an flock on it, so that of several processes one downloads, and the others wait and find the file.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

if sys.platform != "win32":
    import fcntl

# Not through a symbolic link that somebody put there; in bytes on Windows. Each system has some of these.
OPENING = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_BINARY"))


def _nothing() -> None:
    pass


class Part:
    """The part of `target`. A context manager that waits for others; then look whether `target` is there already.

    lead: bytes that the file starts with, before those of the download. waiting: called before it waits. IsADirectory-
    Error if the target is a folder.
    """

    def __init__(self, target: Path, lead: bytes = b"", waiting: Callable[[], None] = _nothing) -> None:
        if target.is_dir():
            raise IsADirectoryError(f"{target}: expected the name of a file, got a directory")
        self.target = target
        self._waiting = waiting
        self.path = target.with_name(f".{target.name}.part")
        self._note_path = target.with_name(f".{target.name}.part.json")
        self._lead = lead
        self._note: dict[str, Any] = {}
        self.received = 0

    def __enter__(self) -> Self:
        self._file = _open_locked(self.path, self._waiting)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep what another try can go on with, if the file is not finished."""
        if not self._file.closed:
            if not self.received or self.validator is None:
                self.discard()
            self._file.close()

    @property
    def validator(self) -> str | None:
        """That of the remote file when the part was begun; without one nobody could tell whether it still fits."""
        return self._note.get("validator")

    @property
    def total(self) -> int | None:
        """How many bytes the remote file had, if that is known."""
        return self._note.get("total")

    def resume(self, origin: dict[str, Any]) -> None:
        """Take up what an earlier download left, if it came from the same `origin`, plain values for JSON."""
        size = os.fstat(self._file.fileno()).st_size - len(self._lead)
        try:
            note = json.loads(self._note_path.read_bytes())
            fits = size > 0 and note["origin"] == origin and isinstance(note["validator"], str)
            fits = fits and isinstance(note["total"], int | None)
        except (OSError, ValueError, KeyError, TypeError):
            fits = False
        if fits:
            self._note, self.received = note, size
            self._file.seek(0, os.SEEK_END)

    def restart(self, origin: dict[str, Any], validator: str | None, total: int | None) -> None:
        """Begin anew, with another state of the remote file."""
        self._note = {"origin": origin, "validator": validator, "total": total}
        self.received = 0
        self._file.seek(0)
        self._file.truncate()  # before the note, which would fit no longer
        self._note_path.write_text(json.dumps(self._note))
        self._append(self._lead)

    def write(self, data: bytes) -> None:
        """Append bytes of the remote file."""
        self._append(data)
        self.received += len(data)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def discard(self) -> None:
        """Remove the part: it is of no use."""
        self.path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)

    def commit(self, trail: bytes = b"") -> None:
        """Append `trail` and let the file appear under its name."""
        self._append(trail)
        os.fsync(self._file.fileno())
        if sys.platform == "win32":  # which renames no open file; elsewhere the lock is kept until the name is there
            self._file.close()
        os.replace(self.path, self.target)
        self._note_path.unlink(missing_ok=True)
        self._file.close()


def _open_locked(path: Path, waiting: Callable[[], None]) -> io.FileIO:
    """Open or create a part, when nobody else has it: who had it may have renamed or removed it meanwhile."""
    while True:
        file = io.FileIO(path, "r+", opener=lambda name, _: os.open(name, OPENING, 0o666))
        try:
            if _lock(path, file, waiting):
                return file
        except BaseException:  # Ctrl-C too
            file.close()
            raise
        file.close()
        waiting = _nothing  # it was said once


def _lock(path: Path, file: io.FileIO, waiting: Callable[[], None]) -> bool:
    """Wait for the flock; return False if the file is no longer the one at `path`."""
    if sys.platform == "win32":  # no flock
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(file, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
