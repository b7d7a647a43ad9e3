"""open(): a path, a URL or a published name becomes an EmbeddingStore."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from glovestore.errors import GlovestoreError, NotAStoreError, StoreFormatError
from glovestore.store import EmbeddingStore

if TYPE_CHECKING:
    from glovestore.cache.origins import Origin


def open(
    path: str | os.PathLike[str],
    *,
    copy: bool = False,
    build: bool = True,
    progress: bool | None = None,
    verify_source: bool = False,
) -> EmbeddingStore:
    """Open a store: its header is read and checked, everything else is mapped and costs nothing until it is used.

    copy: read the file into memory instead of mapping it. A mapped file that somebody truncates kills the process with
    SIGBUS at the next access to what is gone; a copy survives that, and is the choice for files that others write to.

    path: a store, a vectors file, a URL (perhaps with `#member` of a zip archive behind it), or a published name
    ("glove.6B.100d"; `glovestore catalogue` lists them). A file of that name comes first.

    A vectors file (whatever `glovestore.build` reads, folders and `archive.zip#member` too) is built into the user's
    cache once, and from then on the store there is opened: `glovestore.cache` says where. What changed is built again:
    size, time of change, or a sample of 128 KiB, which is all of a small file. Processes that come together build it
    once. progress: a bar on standard error while it is built; None: if that is a terminal. verify_source: compare every
    byte of the file with what the store was built from, not the sample alone; that reads all of it, and the first time
    builds again. build=False: only a store is welcome, nothing is built.

    What has a name or a URL is downloaded to be built, once, and the download is removed then; the store is opened from
    now on, without asking the network. GLOVESTORE_OFFLINE=1 forbids downloads.

    The logger "glovestore" says at INFO what is built, and what another process is waited for; at WARNING, which is
    printed unless somebody takes care of it, what is downloaded, where to, and how large it is.

    Raises FileNotFoundError, with the names that may have been meant; StoreFormatError for a damaged store or a pipe;
    of a vectors file what `build` raises of it, SourceFormatError above all; DownloadError; OSError with what to do
    instead if the cache cannot be written to.
    """
    try:
        return EmbeddingStore(path, copy=copy)
    except NotAStoreError:
        if not build:
            raise StoreFormatError(_how_to_build(path), path) from None
        origin = _file(path)
    except IsADirectoryError:
        if not (build and _is_folder_of_vectors(path)):
            raise
        origin = _file(path)
    except FileNotFoundError:
        found = _elsewhere(path) if build else None
        if found is None:
            raise _not_found(path) from None
        origin = found
    from glovestore.cache.opening import open_cached

    show = _at_terminal() if progress is None else progress
    try:
        return open_cached(origin, copy=copy, progress=show, verify_source=verify_source)
    except GlovestoreError as error:
        if origin.path is not None and origin.member is None:
            error.add_note(
                "it does not start like a store, and was read as a vectors file (`glovestore build` takes options)"
            )
        raise


def _file(path: str | os.PathLike[str]) -> Origin:
    from glovestore.cache.origins import LocalFile

    return LocalFile(path)


def _is_folder_of_vectors(path: str | os.PathLike[str]) -> bool:
    from pathlib import Path

    from glovestore.sources.detecting import folder_format

    return folder_format(Path(path)) is not None


def _elsewhere(path: str | os.PathLike[str]) -> Origin | None:
    """Return what a path means that is no file: a member of an archive, a URL, a published name; None: nothing."""
    from pathlib import Path

    from glovestore.cache.origins import FetchedFile, LocalFile
    from glovestore.remote import find, local_path
    from glovestore.streams.files import STDIN, split_member

    if Path(path) == STDIN:
        raise StoreFormatError(_NOT_STDIN, path)
    local = Path(local_path(os.fspath(path)))  # of file://
    archive, member = split_member(local)
    if member is not None or archive.exists():
        return LocalFile(archive, member)
    remote = find(os.fspath(path))
    return None if remote is None else FetchedFile(remote)


def _not_found(path: str | os.PathLike[str]) -> FileNotFoundError:
    from glovestore.remote import near_misses

    meant = ", ".join(map(repr, near_misses(os.fspath(path))))
    problem = (
        f"no such file, nor a name of the catalogue; did you mean {meant}?" if meant else os.strerror(errno.ENOENT)
    )
    return FileNotFoundError(errno.ENOENT, problem, os.fspath(path))


def _at_terminal() -> bool:
    import sys

    return sys.stderr is not None and sys.stderr.isatty()


_NOT_STDIN = (
    "expected a file, got standard input, which cannot be read twice; build a store from it first:\n"
    "    glovestore build - vectors.h5"
)


def _how_to_build(path: str | os.PathLike[str]) -> str:
    from glovestore.cache.folder import build_command

    return (
        "expected a glovestore file, got one that does not start like one; if it is a vectors file, build a store from"
        f" it first:\n    {build_command(os.fspath(path))}"
    )
