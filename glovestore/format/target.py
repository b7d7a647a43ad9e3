"""Where a new store goes: what may stand there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from glovestore.errors import naming
from glovestore.format.header import CHECKSUM_AT, looks_like_store


def is_store(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file starts as a store does, whole or damaged."""
    with naming(path), open(path, "rb") as file:
        return looks_like_store(file.read(CHECKSUM_AT))


def may_replace(sources: Iterable[Path], overwrite: bool, verb: str = "write") -> Callable[[Path], None]:
    """Return the check of an existing target: only a store may go, none of the sources, and only if the caller says so.

    `verb` is what the message calls that which makes the new store.
    """
    inputs = tuple(sources)

    def check(target: Path) -> None:
        if any(source.exists() and os.path.samefile(source, target) for source in inputs):
            raise FileExistsError(f"{target}: expected a new file for the store, got the source itself")
        if not is_store(target):
            raise FileExistsError(
                f"{target}: expected a store or no file there, got a file that is not a store: it stays"
            )
        if not overwrite:
            raise FileExistsError(f"{target}: this store exists already: open it, or {verb} with overwrite=True")

    return check
