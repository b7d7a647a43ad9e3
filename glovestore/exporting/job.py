"""Where an export goes: files or a folder that appear whole or not at all, or standard output."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from glovestore.errors import naming
from glovestore.format.target import is_store
from glovestore.interrupts import deferred_interrupt
from glovestore.replacing import ReplacingFile
from glovestore.replacing_folder import flush, replacing_folder
from glovestore.store import EmbeddingStore

STDOUT = Path("-")

Bytes = bytes | memoryview
Write = Callable[[Bytes], object]


class Job:
    """One export: the store, where it goes, and what was written so far.

    `advance(row)` is told that the rows before this one are done.
    """

    def __init__(
        self, store: EmbeddingStore, path: Path, overwrite: bool = False, advance: Callable[[int], object] | None = None
    ) -> None:
        self.store = store
        self.path = path
        self.overwrite = overwrite
        self.advance = advance or (lambda row: None)
        self.paths: list[Path] = []
        self.nbytes = 0
        self.fsync_seconds = 0.0

    @contextmanager
    def file(self) -> Iterator[Write]:
        """Yield what writes to the one file, or to standard output."""
        if self.path == STDOUT:
            if sys.stdout is None:  # closed by whoever started us
                raise OSError("expected an open standard output, got none")
            yield self._print
            return
        with self.files(self.path) as (stream,):
            yield stream.write

    def _print(self, data: Bytes) -> None:
        sys.stdout.buffer.write(data)
        self.nbytes += memoryview(data).nbytes

    @contextmanager
    def files(self, *paths: Path) -> Iterator[list[BinaryIO]]:
        """Yield a stream for each file. They appear when the block is done, in this order; else none of them.

        Several files cannot appear at once: a system that fails between two of them leaves the first alone.
        """
        with ExitStack() as stack:
            with deferred_interrupt():  # between entering one and noting that
                files = [stack.enter_context(ReplacingFile(path, self._may_replace)) for path in paths]
            streams = [stack.enter_context(file.stream()) for file in files]
            yield streams
            for stream in streams:
                stream.close()
            self._flush(files)  # what may fail does so before the first of them appears
            with deferred_interrupt():
                for file in files:
                    file.commit()
                    self.fsync_seconds += file.fsync_seconds
                    self._wrote(file.target)

    @contextmanager
    def folder(self, names: frozenset[str]) -> Iterator[Path]:
        """Yield a new folder to write files of these names into. It appears when the block is done, or not at all."""
        with replacing_folder(self.path, lambda target: self._may_replace_folder(target, names)) as folder:
            yield folder
            self.fsync_seconds += flush(folder)
        for path in sorted(_files(self.path, names)):
            self._wrote(Path(os.path.abspath(path)))

    def _flush(self, files: Iterable[ReplacingFile]) -> None:
        start = time.perf_counter()
        for file in files:
            with naming(file.target):
                os.fsync(file.fileno())
        self.fsync_seconds += time.perf_counter() - start

    def _wrote(self, path: Path) -> None:
        self.paths.append(path)
        self.nbytes += path.stat().st_size

    # ------------------------------------------------------------------ what may be replaced

    def _may_replace(self, target: Path) -> None:
        if self.store.path.exists() and os.path.samefile(self.store.path, target):
            raise FileExistsError(f"{target}: expected a new file for the vectors, got the store itself")
        if is_store(target):
            raise FileExistsError(f"{target}: expected a new file for the vectors, got a store: it stays")
        if not self.overwrite:
            raise FileExistsError(f"{target}: this file exists already: export with overwrite=True")

    def _may_replace_folder(self, target: Path, names: frozenset[str]) -> None:
        """Let a folder go only if it holds nothing that an export of the same format would not write."""
        if not target.is_dir():
            raise FileExistsError(f"{target}: expected a folder to replace or nothing there, got something else")
        files = list(_files(target, names))
        if files and not self.overwrite:
            raise FileExistsError(f"{target}: this folder exists already: export with overwrite=True")
        for path in files:
            if path.is_file():
                self._may_replace(path)


def _files(folder: Path, names: frozenset[str]) -> Iterator[Path]:
    """Yield the files of a folder; FileExistsError at the first with another name."""
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(folder).as_posix()
        if name not in names:
            raise FileExistsError(f"{folder}: expected nothing there but an earlier export, got {name!r}: it stays")
        yield path
