"""open(): a path becomes an EmbeddingStore."""

from __future__ import annotations

import io
import os

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
        if _is_store(error.path):
            raise
        raise StoreFormatError(_how_to_build(path, build), path) from None


def _is_store(path: str) -> bool:
    with io.open(path, "rb") as file:  # noqa: UP020 - `open` is this module's own
        return looks_like_store(file.read(CHECKSUM_AT))


def _how_to_build(path: str | os.PathLike[str], build: bool) -> str:
    import shlex
    from pathlib import Path

    source, target = Path(path), Path(path).with_suffix(".h5")
    command = f"glovestore build {shlex.quote(str(source))} {shlex.quote(str(target))}"
    wanted = "expected a glovestore file, got one that does not start like one"
    return f"{wanted}; if it is a vectors file, build a store from it first:\n    {command}" + (
        "" if build else "\n(build=False: only a store is welcome)"
    )
