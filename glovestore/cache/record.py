"""What an entry's store was built from: a small JSON file beside it, written after it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from glovestore import strict_json
from glovestore.format.memory import READ_FLAGS, read_all

if TYPE_CHECKING:
    from glovestore.cache.origins import Stamp

VERSION = 1  # to be raised when the same source gives another store: all entries are built again then
LONGEST = 1 << 16


class Record(NamedTuple):
    """A source by its name and, if it is one of this machine, its file; its stamp; and the store it was built into.

    `beside`: other files that were read with it, each with its size and time of change.
    """

    source: str
    path: str | None
    stamp: Stamp
    beside: dict[str, list[int]]
    fingerprint: str
    rows: int
    dim: int

    def is_of(self, source: str, path: str | None, stamp: Stamp) -> bool:
        """Tell whether the store was built from this source with all that `stamp` says of it."""
        same = (self.source, self.path) == (source, path)
        same = same and all(self.stamp.get(name) == value for name, value in stamp.items())
        return same and all(stamp_beside(other) == known for other, known in self.beside.items())

    def to_bytes(self) -> bytes:
        """Return what `read_record` reads."""
        return json.dumps({"version": VERSION, **self._asdict()}).encode("ascii")


def stamp_beside(path: str) -> list[int] | None:
    """Return a file's size and time of change; None: it is gone."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns]


_KINDS: dict[str, tuple[type, ...]] = {
    "version": (int,),
    "source": (str,),
    "path": (str, type(None)),
    "stamp": (dict,),
    "beside": (dict,),
    "fingerprint": (str,),
    "rows": (int,),
    "dim": (int,),
}


def read_record(path: str) -> Record | None:
    """Return a record, or None: whatever is there, it is nothing that we wrote, or no longer."""
    try:
        fd = os.open(path, READ_FLAGS)
        try:
            content: Any = strict_json.loads(read_all(fd, LONGEST, 0))
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return None
    if type(content) is not dict or content.keys() != _KINDS.keys():
        return None
    if any(type(value) not in _KINDS[name] for name, value in content.items()) or content.pop("version") != VERSION:
        return None
    return Record(**content)
