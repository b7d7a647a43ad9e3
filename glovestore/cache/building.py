"""An entry is built, under its lock."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from glovestore.building import build
from glovestore.cache.folder import Place, writing
from glovestore.cache.opening import current_store
from glovestore.cache.record import Record, stamp_beside
from glovestore.errors import GlovestoreError, naming
from glovestore.format.target import is_store
from glovestore.replacing import ReplacingFile
from glovestore.store import EmbeddingStore

if TYPE_CHECKING:
    from glovestore.cache.origins import Origin

POLL = 0.05  # seconds between two looks at a lock that somebody else holds; Ctrl-C is heard meanwhile

logger = logging.getLogger("glovestore")


def build_entry(place: Place, origin: Origin, copy: bool, progress: bool, verify_source: bool) -> EmbeddingStore:
    """Build an entry, or wait while somebody else does, and return its store.

    Raises what `build` does about the source, and OSError with what to do where the cache cannot be written.
    """
    with writing(origin.name), locked(place, origin.name):
        stamp = origin.stamp(verify_source)  # before the build: what changes during it is seen the next time
        store = current_store(place, origin, stamp, copy)
        if store is not None:
            return store
        logger.info("building a store of %s in the cache: %s", origin.name, place.store)
        _make_way(place)
        with origin.file(Path(place.download), progress) as source:
            beside = _build(source, place.store, origin.member, progress)
        store = EmbeddingStore(place.store, copy=copy)
        record = Record(origin.name, origin.path, stamp, beside, store.fingerprint, *store.shape)
        with ReplacingFile(Path(place.record)) as file:
            file.write(record.to_bytes(), 0)
            file.commit(durable=False)
    return store


def _build(source: Path, path: str, member: str | None, progress: bool) -> dict[str, list[int]]:
    """Build, and return the files that were read beside the source, or of a folder all that were, with their stamps."""
    try:
        report = build(source, path, member=member, overwrite=True, progress=progress)
    except ValueError as error:  # about the only argument that is the caller's: a member of something that has none
        raise GlovestoreError(str(error)) from None
    logger.info("built %s: %d rows x %d in %.2f s", path, report.rows, report.dim, report.seconds)
    others = [*report.beside, *([report.source] if source.is_dir() else [])]
    return {other: known for other in others if (known := stamp_beside(other)) is not None}


@contextmanager
def locked(place: Place, source: str) -> Iterator[None]:
    """Hold an entry's lock; who has to wait for it says so. The system frees it if its holder is killed."""
    lock = FileLock(place.lock)
    with naming(place.lock):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.info("waiting: somebody else builds a store of %s (lock: %s)", source, place.lock)
            lock.acquire(poll_interval=POLL)
    try:
        yield
    finally:
        with naming(place.lock):
            lock.release()


def _make_way(place: Place) -> None:
    """Remove the record, and what is no store in the store's place. A store stays until another is renamed over it."""
    with suppress(FileNotFoundError):
        os.unlink(place.record)
    with suppress(FileNotFoundError):
        if not _is_store(place.store):
            os.unlink(place.store)


def _is_store(path: str) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode) and is_store(path)
