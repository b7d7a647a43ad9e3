"""Where the cache is, which files in it are an entry's, and what is said where nothing can be written."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from glovestore import _core

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "GLOVESTORE_CACHE"
LONGEST_BASE = 60  # characters of the source's base name: the hash makes the difference

STEM = rf"[A-Za-z0-9._-]{{1,{LONGEST_BASE}}}-[0-9a-f]{{16}}"
OWN_FILE = re.compile(rf"({STEM})\.(?:h5|json|lock|download)|\.({STEM})\.(?:h5|json)\.[0-9a-f]{{16}}\.tmp")

# What the system says where nothing can be written, whoever reads.
NOT_WRITABLE = {errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EEXIST, errno.ENOTDIR}


class Place(NamedTuple):
    """An entry's paths: its store, the record of what that was built from, the lock, and a folder for downloads."""

    store: str
    record: str
    lock: str
    download: str


def where() -> Path:
    """Return the cache's folder, which need not exist: GLOVESTORE_CACHE, or what the system has for a user's caches."""
    from pathlib import Path

    return Path(folder())


def folder() -> str:
    """Return what `where` does, without waiting for pathlib."""
    named = os.environ.get(VARIABLE)
    if named:
        return os.path.abspath(os.path.expanduser(named))
    from platformdirs import user_cache_dir

    found = user_cache_dir("glovestore")
    if not os.path.isabs(found):  # nobody's home: it would be below whatever folder is the current one
        raise FileNotFoundError(f"expected a home folder for the cache, got {found!r}: set {VARIABLE} to a folder")
    return found


def place_of(source: str) -> Place:
    """Return the place of the entry of a source by its whole name."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "_", re.split(r"[/\\#]", source)[-1]).lstrip(".")
    return place_at(f"{base[:LONGEST_BASE] or 'vectors'}-{_core.xxh64(os.fsencode(source)):016x}")


def place_at(stem: str) -> Place:
    """Return the place whose files' names begin like that."""
    start = os.path.join(folder(), stem)
    return Place(f"{start}.h5", f"{start}.json", f"{start}.lock", f"{start}.download")


@contextmanager
def writing(source: str) -> Iterator[None]:
    """Make the folder, for the user alone, if it is not there. Where nothing can be written, say what to do.

    `source` is what is to be built in it.
    """
    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
        yield
    except OSError as error:
        if not isinstance(error, PermissionError) and error.errno not in NOT_WRITABLE:
            raise
        refused = type(error)(
            f"{folder()}: expected to write the store of {source} into this folder, got: {error.strerror or error};"
            f" set {VARIABLE} to another folder, or build the store yourself:\n    {build_command(source)}"
        )
        refused.errno = error.errno
        raise refused from error


def build_command(source: str) -> str:
    """Return the command that builds a store of a source beside it."""
    import shlex

    target = "vectors" if "://" in source else os.path.splitext(source)[0]
    return f"glovestore build {shlex.quote(source)} {shlex.quote(target + '.h5')}"
