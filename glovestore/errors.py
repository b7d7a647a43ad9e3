"""Every exception of the package. Messages say what was expected, what came, and where."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

Path = str | os.PathLike[str]


class GlovestoreError(Exception):
    """Base of all errors that are about data: catch it to catch them all."""


class SourceFormatError(GlovestoreError):
    """Report a source of vectors that breaks the rules of its format. `byte` counts from 0; None: no such place."""

    def __init__(self, problem: str, path: Path, byte: int | None = None) -> None:
        self.problem = problem
        self.path = os.fspath(path)
        self.byte = byte
        super().__init__(f"{self.path}: {problem}" if byte is None else f"{self.path}: byte {byte}: {problem}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.path, self.byte)


class TextFormatError(SourceFormatError):
    """Report a text file, of vectors or of texts, that breaks the rules of its format.

    `line` and `column` count from 1, `column` in bytes; either is None where the problem has no such place.
    """

    def __init__(self, problem: str, path: Path, line: int | None = None, column: int | None = None) -> None:
        place = "".join(f":{part}" for part in (line, column) if part is not None)
        super().__init__(problem, f"{os.fspath(path)}{place}")
        self.path = os.fspath(path)
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.path, self.line, self.column)


class StoreFormatError(GlovestoreError):
    """Report a file that is not a store, or a damaged one."""

    def __init__(self, problem: str, path: Path) -> None:
        self.problem = problem
        self.path = os.fspath(path)
        super().__init__(f"{self.path}: {problem}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.path)


class NotAStoreError(StoreFormatError):
    """Report a file that does not even start like a store: it may be a vectors file."""


class DownloadError(GlovestoreError):
    """Report a file that could not be had from its URL, or came damaged."""

    def __init__(self, problem: str, url: str) -> None:
        self.problem = problem
        self.url = url
        super().__init__(f"{url}: {problem}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problem, self.url)


class CoverageWarning(UserWarning):
    """Warn that a store lacks most of the tokens of a vocabulary."""


class naming:
    """Let the system's errors in this block name `path`: calls on descriptors know no name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            raise OSError(error.errno, error.strerror, os.fspath(self._path)) from None
