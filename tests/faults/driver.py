"""Builds whose system calls fail one after the other; run with LD_PRELOAD=faults.so, prints one JSON line for each.

    python driver.py FOLDER SOURCE TARGET

FOLDER holds SOURCE and TARGET; only calls on files in it are counted. Each build runs in a forked child.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import glovestore
from glovestore.building import build  # loaded here, once: not in each child

SHORT = -1
WAYS = {
    "open": (errno.EMFILE, errno.EACCES),
    "read": (errno.EIO, errno.EINTR, SHORT),
    "pread": (errno.EIO, errno.EINTR, SHORT),
    "preadv": (errno.EIO, errno.EINTR, SHORT),
    "write": (errno.EIO, errno.ENOSPC, errno.EINTR, SHORT),
    "pwrite": (errno.EIO, errno.ENOSPC, errno.EINTR, SHORT),
    "ftruncate": (errno.EIO, errno.ENOSPC),
    "fsync": (errno.EIO, errno.ENOSPC),
    "fchmod": (errno.EPERM,),
    "rename": (errno.EIO, errno.ENOSPC, errno.EACCES),
    "unlink": (errno.EIO,),
    "flock": (errno.ENOLCK,),
    "mmap": (errno.ENOMEM,),
}
CALLS = tuple(WAYS)
library = ctypes.CDLL(None)


def in_child(folder: bytes, source: str, target: str, call: str, at: int, how: int) -> dict[str, Any]:
    """Build in a forked child whose `at`-th `call` fails; return what came of it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        library.fault_arm(folder, call.encode(), ctypes.c_long(at), ctypes.c_long(how))
        result: dict[str, Any] = {}
        try:
            result["rows"] = build(source, target, overwrite=True, threads=2).rows
        except BaseException as error:
            result |= {"error": type(error).__name__, "message": str(error), "errno": getattr(error, "errno", None)}
        result["happened"] = library.fault_happened()
        result["counts"] = {name: library.fault_count(name.encode()) for name in CALLS}
        library.fault_arm(b"", b"", ctypes.c_long(0), ctypes.c_long(0))
        os.write(writer, json.dumps(result).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return {"call": call, "at": at, "how": how, "status": status, **(json.loads(said) if said else {})}


def state(target: str) -> dict[str, Any]:
    """Say which store stands at the target, if it is whole, and what else is there."""
    names = sorted(os.listdir(os.path.dirname(target)))
    if not os.path.exists(target):
        return {"store": None, "names": names}
    with glovestore.open(target) as store:
        store.verify()
        return {"store": store.fingerprint, "names": names}


def restore(target: str, content: bytes | None) -> None:
    """Make the target what it was at the start. What else is there stays."""
    Path(target).unlink(missing_ok=True)
    if content is not None:
        Path(target).write_bytes(content)


def cases(counts: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    for call in CALLS:
        for at in range(1, counts[call] + 1):
            for how in WAYS[call]:
                yield call, at, how


def main() -> None:
    folder, source, target = sys.argv[1:]
    where = os.fsencode(folder)
    old, content = state(target), Path(target).read_bytes() if os.path.exists(target) else None
    usual = in_child(where, source, target, "", 0, 0)
    print(json.dumps({**usual, "old": old, **state(target)}))
    for case in cases(usual["counts"]):
        restore(target, content)
        result = in_child(where, source, target, *case)
        print(json.dumps({**result, **state(target)}), flush=True)


if __name__ == "__main__":
    main()
