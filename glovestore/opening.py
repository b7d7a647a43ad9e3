"""open(): a path becomes an EmbeddingStore."""

from __future__ import annotations

import os
from pathlib import Path

from glovestore.errors import StoreFormatError
from glovestore.format.header import CHECKSUM_AT, looks_like_store
from glovestore.store import EmbeddingStore


def open(path: str | os.PathLike[str], *, copy: bool = False, build: bool = True) -> EmbeddingStore:
    """Open a store: its header is read and checked, everything else is mapped and costs nothing until it is used.

    copy: read the file into memory instead of mapping it. A mapped file that somebody truncates kills the process with
    SIGBUS at the next access to what is gone; a copy survives that, and is the choice for files that others write to.

    A vectors file is not a store yet: StoreFormatError, with the command that builds one. `build=False` says that only
    a store is welcome, and the message is about the file then. (A later version builds such a file into a cache.)

    Raises FileNotFoundError, or StoreFormatError for what is no store or a damaged one.
    """
    try:
        return EmbeddingStore(path, copy=copy)
    except StoreFormatError as error:
        if _is_store(Path(error.path)):
            raise
        raise StoreFormatError(_how_to_build(Path(path), build), path) from None


def _is_store(path: Path) -> bool:
    with path.open("rb") as file:
        return looks_like_store(file.read(CHECKSUM_AT))


def _how_to_build(path: Path, build: bool) -> str:
    import shlex

    command = f"glovestore build {shlex.quote(str(path))} {shlex.quote(str(path.with_suffix('.h5')))}"
    wanted = "expected a glovestore file, got one that does not start like one"
    return f"{wanted}; if it is a vectors file, build a store from it first:\n    {command}" + (
        "" if build else "\n(build=False: only a store is welcome)"
    )
