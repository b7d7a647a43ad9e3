"""What a target is."""

from __future__ import annotations

import resource
import warnings
from abc import ABC, abstractmethod
from contextlib import nullcontext, suppress
from pathlib import Path

import glovestore
from files.watch import NEVER, Watch

MEMORY = 1 << 30  # bytes beyond those that a target takes before its first input


class Target(ABC):
    """A kind of file. `folder` is empty, and its own."""

    name: str
    promised: tuple[type[Exception], ...] = (glovestore.GlovestoreError,)
    never = NEVER

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch: Watch | None = None

    def start(self) -> list[bytes]:
        """Use and return the seeds, which import all there is to import; from now on nothing but results may come."""
        seeds = self.seeds()
        for seed in seeds:
            self.use(seed)
        self.watch = Watch(self.folder, self.never)
        bounded()
        return seeds

    @abstractmethod
    def seeds(self) -> list[bytes]:
        """Return valid inputs, short ones."""

    @abstractmethod
    def run(self, kind: int, data: bytes) -> None:
        """Do all that is done with such a file; the first error that is promised may end it."""

    def use(self, data: bytes) -> None:
        """Take an input. What is raised is a finding."""
        if data:
            with (
                self.watch.watching() if self.watch else nullcontext(),
                warnings.catch_warnings(action="ignore"),
                suppress(*self.promised),
            ):
                self.run(data[0], data[1:])

    def written(self, name: str, data: bytes) -> Path:
        """Return a file of this content."""
        path = self.folder / name
        path.write_bytes(data)
        return path


def bounded() -> None:
    """Let memory that a file asks for run out soon: a MemoryError is a finding."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))
