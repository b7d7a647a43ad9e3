"""Scenes whose system calls fail one after the other; prints one JSON line for each. FAULTS_LIBRARY is faults.so.

    python driver.py FOLDER MOST WAYS SCENE...

FOLDER is empty, and a file system of its own where WAYS asks for a full disk. Of all cases of a scene MOST are tried.
WAYS are names of WAYS below, commas between. Each case runs in a forked child, once over what stood there before and
once where nothing stood.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

if "LD_PRELOAD" not in os.environ:  # not before: whatever starts us, such as a sanitizer, may preload things of its own
    os.execve(sys.executable, sys.orig_argv, {**os.environ, "LD_PRELOAD": os.environ["FAULTS_LIBRARY"]})

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
from scenes import BUILDS, SCENES  # noqa: E402 - from here on with the library

from glovestore import _core  # noqa: E402

SHORT, KILL, TRUNCATE, GROW, REPLACE = -1, -2, -3, -4, -5
CHANGES = (TRUNCATE, GROW, REPLACE)
MIB = 1 << 20
PATIENCE = 60  # seconds: what takes longer hangs, and is ended by SIGALRM
ERRORS = {
    "open": (errno.EMFILE, errno.EACCES, errno.EINTR),
    "read": (errno.EIO, errno.EINTR, SHORT),
    "pread": (errno.EIO, errno.EINTR, SHORT),
    "preadv": (errno.EIO, errno.EINTR, SHORT),
    "write": (errno.EIO, errno.ENOSPC, errno.EINTR, SHORT),
    "pwrite": (errno.EIO, errno.ENOSPC, errno.EINTR, SHORT),
    "ftruncate": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "fsync": (errno.EIO, errno.ENOSPC, errno.EINTR),
    "fchmod": (errno.EPERM,),
    "chmod": (errno.EPERM,),
    "rename": (errno.EIO, errno.ENOSPC, errno.EACCES),
    "unlink": (errno.EIO,),
    "flock": (errno.ENOLCK,),
    "mmap": (errno.ENOMEM,),
    "dup": (errno.EMFILE,),
    "close": (errno.EIO,),
    "fstat": (errno.EIO,),
    "stat": (errno.EIO, errno.EACCES),
    "mkdir": (errno.ENOSPC, errno.EACCES),
    "rmdir": (errno.EIO,),
    "opendir": (errno.EMFILE,),
}
CALLS = tuple(ERRORS)
READS = ("read", "pread", "mmap")  # of sources; a store that is mapped is another matter
# How much of something there is, beyond what the process or the disk has in use when the work begins.
LITTLE = {
    "descriptors": tuple(range(14)),
    "memory": (0, MIB // 4, MIB, 3 * MIB, *range(6 * MIB, 60 * MIB, 6 * MIB)),
    "size": (0, 1, 100, 5000, 20_000, 60_000, 90_000, 200_000, MIB),
    "disk": tuple(range(0, 600_000, 40_000)),
}
WAYS = ("errors", "kills", "changes", *LITTLE)
library = ctypes.CDLL(None)

Case = tuple[str, int, int]
NO_FAULT: Case = ("", 0, 0)


class Stage:
    """A scene in its folders: `in` and `out`."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.inputs, self.out = folder / "in", folder / "out"
        shutil.rmtree(folder, ignore_errors=True)
        for path in (self.inputs, self.out):
            path.mkdir(parents=True)
        self.old, self.new = SCENES[name](self.inputs, self.out)
        self.sources = contents(self.inputs)

    def begin(self, over_old: bool) -> None:
        """Note what stands there before, and what its parts look like when all goes well."""
        self.before: dict[str, bytes] = {}
        restore(self.out, self.before)
        if over_old:
            self.old()
        restore(self.inputs, contents(self.inputs))
        self.before = contents(self.out)
        self.sources = contents(self.inputs)
        self.usual = self.run(NO_FAULT)
        self.reads = self.run(NO_FAULT, self.inputs)["counts"]
        self.after = contents(self.out)
        self.states = {unit: {part(content, unit) for content in (self.before, self.after)} for unit in self.units()}

    def units(self) -> set[str]:
        """Return the names of what appears at once: files, and folders."""
        return {name.split("/")[0] for name in (*self.before, *self.after)}

    def run(self, case: Case, where: Path | None = None) -> dict[str, Any]:
        """Do the work in a forked child while a call on a file in `where` fails; return what came of it."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            warnings.simplefilter("ignore")
            signal.alarm(PATIENCE)
            os.write(writer, json.dumps(self.in_child(case, where or self.folder)).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        call, at, how = case
        return {"call": call, "at": at, "how": how, "status": status, **(json.loads(said) if said else {})}

    def in_child(self, case: Case, where: Path) -> dict[str, Any]:
        call, at, how = case
        result: dict[str, Any] = {"happened": True}
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            library.fault_grow_stack()
            relax = limited(call, at)
            library.fault_arm(os.fsencode(where), call.encode(), ctypes.c_long(at), ctypes.c_long(how))
            try:
                self.new()
            except SystemExit as error:
                relax()
                result |= {"exit": error.code or 0, "message": printed.getvalue()}
            except BaseException as error:
                relax()
                result |= {"error": type(error).__name__, "kinds": [kind.__name__ for kind in type(error).__mro__]}
                result |= {"message": str(error), "errno": getattr(error, "errno", None)}
            else:
                relax()
        result["counts"] = {name: library.fault_count(name.encode()) for name in CALLS}
        if call in CALLS:
            result["happened"] = bool(library.fault_happened())
        library.fault_arm(b"", b"", ctypes.c_long(0), ctypes.c_long(0))
        return result

    def fault(self, case: Case) -> dict[str, Any]:
        """Run one case from the start, and say what stands there behind it, and after another try without a fault."""
        restore(self.out, self.before)
        if case[2] in CHANGES:
            restore(self.inputs, self.sources)
        if case[2] == REPLACE:
            for name, content in self.sources.items():
                (self.inputs / f"{name}.other").write_bytes(content)
        where = self.inputs if case[2] in CHANGES else self.folder
        result = self.run_on_little_disk(case[1]) if case[0] == "disk" else self.run(case, where)
        found = contents(self.out)
        parts = {name: which(part(found, name), self.before, self.after, name) for name in self.states}
        litter = sorted({name.split("/")[0] for name in found} - set(self.states))
        result |= {"scene": self.name, "before": bool(self.before), "parts": parts, "litter": litter}
        if case[2] in CHANGES:
            restore(self.inputs, self.sources)
        if litter or case[2] == KILL:
            result["again"] = self.run(NO_FAULT)
            left = contents(self.out)
            result["mended"] = left == self.after
        return result

    def run_on_little_disk(self, left: int) -> dict[str, Any]:
        """Run where so many bytes are left on the disk, which is a tmpfs."""
        status = os.statvfs(self.folder)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        remount(self.folder, max(used + left, 1 << 14))
        try:
            return self.run(("disk", left, 0))
        finally:
            remount(self.folder, 200 * MIB)


def remount(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", "tmpfs", folder.parent], check=True)


def limited(call: str, amount: int) -> Callable[[], None]:
    """Leave the process no more of something than it has, and so much; return what lifts that again."""
    kinds = {
        "descriptors": (resource.RLIMIT_NOFILE, lambda: max(map(int, os.listdir("/proc/self/fd"))) + amount),
        "memory": (resource.RLIMIT_AS, lambda: _used_memory() + amount),
        "size": (resource.RLIMIT_FSIZE, lambda: amount),
    }
    if call not in kinds:
        return lambda: None
    kind, limit = kinds[call]
    usual = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit(), usual[1]))
    return lambda: resource.setrlimit(kind, usual)


def _used_memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder; an empty folder has b"/"."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[name] = b"/"
    return found


def restore(folder: Path, content: dict[str, bytes]) -> None:
    """Make a folder what it was at the start, times included: some are written down."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        os.utime(folder / name, ns=(0, 1))


def part(content: dict[str, bytes], unit: str) -> str | None:
    """Return a digest of a file, or of a folder with all in it; None: it is not there."""
    found = {name: data for name, data in content.items() if name.split("/")[0] == unit}
    if not found:
        return None
    return f"{_core.xxh64(repr(sorted(found.items())).encode()):016x}"


def which(found: str | None, before: dict[str, bytes], after: dict[str, bytes], unit: str) -> str:
    """Tell whether a part is what it was before or after."""
    if found == part(after, unit):
        return "new"
    return "old" if found == part(before, unit) else "absent" if found is None else "broken"


def cases(stage: Stage, ways: list[str]) -> Iterator[Case]:
    for call in CALLS:
        hows = [*(ERRORS[call] if "errors" in ways else ()), *([KILL] if "kills" in ways else ())]
        for at in range(1, stage.usual["counts"][call] + 1):
            for how in hows:
                yield call, at, how
    if "changes" in ways and stage.name in BUILDS:
        for call in READS:
            for at in range(1, stage.reads[call] + 1):
                for how in CHANGES:
                    yield call, at, how
    for what, amounts in LITTLE.items():
        if what in ways:
            yield from ((what, amount, 0) for amount in amounts)


def some(all_cases: list[Case], most: int, seed: str) -> list[Case]:
    """Return `most` cases, of as many kinds as possible."""
    draw = random.Random(seed)
    draw.shuffle(all_cases)
    kinds = {(call, how): (call, at, how) for call, at, how in all_cases}
    first = [kinds[kind] for kind in draw.sample(sorted(kinds), len(kinds))]
    return sorted([*first, *(case for case in all_cases if case not in set(first))][:most])


def main() -> None:
    folder, most, ways, *names = sys.argv[1:]
    for number, name in enumerate(names):
        stage = Stage(name, Path(folder) / str(number))
        for over_old in (True, False):
            stage.begin(over_old)
            print(json.dumps({**stage.usual, "scene": name, "before": over_old}), flush=True)
            for case in some(list(cases(stage, ways.split(","))), int(most), f"{name} {over_old}"):
                print(json.dumps(stage.fault(case)), flush=True)
        shutil.rmtree(stage.folder)


if __name__ == "__main__":
    main()
