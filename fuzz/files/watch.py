"""What no file may make us do, as Python tells of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NEVER = ("pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Watch:
    """Notes what no file may make us do, NEVER above all: Python tells it of every such call."""

    def __init__(self, folder: Path, never: tuple[str, ...] = NEVER) -> None:
        self.never = never
        self.allowed = (str(folder) + os.sep, "/dev/")
        self.seen: list[str] = []
        self.is_on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event.startswith(self.never):
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            path = arguments[0]
            if not isinstance(path, int) and not os.path.abspath(os.fsdecode(path)).startswith(self.allowed):
                self.seen.append(f"writing {path!r}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raise if anything was seen in this block."""
        self.seen.clear()
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False
        if self.seen:
            raise RuntimeError(f"expected none of this, got {self.seen}")
