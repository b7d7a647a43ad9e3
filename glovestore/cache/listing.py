"""What is in the cache, and how it is removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from glovestore.cache.folder import OWN_FILE, Place, folder, place_at, place_of
from glovestore.cache.origins import LocalFile
from glovestore.cache.record import Record, read_record
from glovestore.remote import find, local_path
from glovestore.streams.files import split_member

PathLike = str | os.PathLike[str]
State = Literal["current", "changed", "gone", "incomplete"]

REMOVED_IN_ORDER = (".json", ".h5", ".tmp", ".download", ".lock")  # a record goes before its store, the lock at the end


@dataclass(frozen=True, slots=True)
class Entry:
    """What the cache has of one source.

    `source` is the path or URL, None if the record cannot be read. `state` says whether the source is still what the
    store was built from: "current"; "changed", "gone" (or out of reach), and "incomplete" (the record or the store is
    missing) are built again if they are opened. `path` is the store's, `rows` and `dim` its shape. `nbytes` counts all
    of the entry's files. `built` and `used` are seconds since 1970, None without a store; `used` is what the file
    system says about the last access, which many note once a day, or never.
    """

    source: str | None
    state: State
    path: Path
    rows: int | None
    dim: int | None
    nbytes: int
    built: float | None
    used: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True, slots=True)
class Cleared:
    """What `clear` did: how many entries of how many bytes went, which are being built and stay, what was not there."""

    entries: int
    nbytes: int
    busy: tuple[str, ...]
    absent: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)


def entries() -> list[Entry]:
    """Return all entries in the order of their files' names. Each one's record is read, and a sample of its source."""
    listed = (_entry(place, files) for place, files in _own_files().items())
    return [entry for entry in listed if entry.nbytes]


def clear(sources: Iterable[PathLike] | None = None, *, stale: bool = False) -> Cleared:
    """Remove entries: all, or those of some `sources`; `stale`: only those whose state is not "current".

    A source is what `open` was given, a name or a URL too; a zip archive stands for all its members. Only files of the
    cache are removed, and none of an entry that is being built; whoever has a store open keeps it. An OSError is what
    the system refuses.
    """
    found = _own_files()
    wanted = None if sources is None else {os.fspath(source): _places_of(source, found) for source in sources}
    chosen = set(found) if wanted is None else {place for places in wanted.values() for place in places}
    sizes: list[int] = []
    busy: list[str] = []
    for place in (place for place in found if place in chosen):
        entry = _entry(place, found[place])
        if stale and entry.state == "current":
            continue
        if _remove(place, found[place]):
            sizes.append(entry.nbytes)
        else:
            busy.append(entry.source or place.store)
    absent = tuple(name for name, places in (wanted or {}).items() if not places)
    return Cleared(sum(size > 0 for size in sizes), sum(sizes), tuple(busy), absent)


def _own_files() -> dict[Place, list[str]]:
    """Return the files of the cache, by the entry that they belong to. Others in the folder are passed over."""
    found: dict[Place, list[str]] = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder()) as listed:
        for file in sorted(listed, key=lambda file: file.name):
            match = OWN_FILE.fullmatch(file.name)
            is_ours = file.is_dir if file.name.endswith(".download") else file.is_file
            if match and is_ours(follow_symlinks=False):
                found.setdefault(place_at(match[1] or match[2]), []).append(file.path)
    return found


def _entry(place: Place, files: list[str]) -> Entry:
    record, status = read_record(place.record), None
    with suppress(FileNotFoundError):
        status = os.lstat(place.store)
    return Entry(
        source=record and record.source,
        state="incomplete" if record is None or status is None else _state(record),
        path=Path(place.store),
        rows=record and record.rows,
        dim=record and record.dim,
        nbytes=sum(map(_size, files)),
        built=status and status.st_mtime,
        used=status and status.st_atime,
    )


def _state(record: Record) -> State:
    if record.path is None:
        return "current"
    try:
        stamp = LocalFile(record.path).stamp(whole=False)
    except (OSError, ValueError):  # a path that can be none is in no record that we wrote
        return "gone"
    return "current" if record.is_of(record.source, record.path, stamp) else "changed"


def _places_of(source: PathLike, found: Iterable[Place]) -> list[Place]:
    names = {os.fspath(source), LocalFile(*split_member(Path(local_path(os.fspath(source))))).name}
    remote = find(os.fspath(source))
    if remote is not None:
        names.add(remote.address)
    places = {place_of(name) for name in names}

    def is_meant(place: Place) -> bool:
        record = read_record(place.record)
        return place in places or (record is not None and bool(names & {record.source, record.path}))

    return [place for place in found if is_meant(place)]


def _remove(place: Place, files: list[str]) -> bool:
    """Remove an entry's files, and return whether it could be done: not while it is being built."""
    lock = FileLock(place.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    try:
        for path in sorted({*files, place.lock}, key=lambda path: REMOVED_IN_ORDER.index(os.path.splitext(path)[1])):
            with suppress(FileNotFoundError):
                shutil.rmtree(path) if path == place.download else os.unlink(path)
    finally:
        lock.release()
    return True


def _size(path: str) -> int:
    try:
        if not os.path.isdir(path):
            return os.lstat(path).st_size
        return sum(_size(os.path.join(path, name)) for name in os.listdir(path))
    except FileNotFoundError:  # somebody is at work
        return 0
