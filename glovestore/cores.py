"""How many cores this process may use: what the scheduler lets it run on, and what a container allows it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import NamedTuple

ROOT = "/"


def usable_cores(root: str | os.PathLike[str] = ROOT) -> int:
    """Return how many cores this process can keep busy, at least 1: its affinity, or less if a CPU quota says so.

    A quota is time on the CPU, 1.5 cores for example, and is rounded up. `root`: where /proc and the cgroup file
    systems are looked for; nothing found there means no quota.
    """
    quota = cpu_quota(root)
    allowed = _scheduler_cores()
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def _scheduler_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    count = getattr(os, "process_cpu_count", os.cpu_count)()  # the former from Python 3.13 on
    return count or 1


def cpu_quota(root: str | os.PathLike[str] = ROOT) -> float | None:
    """Return how many cores' time the process's control groups allow it, None without a limit.

    The smallest quota of the group and of all groups around it, as far as they can be seen: Linux's
    Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (cpu.cfs_quota_us).
    """
    quotas = (_quota(folder, version) for version, folder in _groups(os.fspath(root)))
    return min((quota for quota in quotas if quota is not None), default=None)


class _Mount(NamedTuple):
    """A mounted hierarchy of control groups: `group` of it can be seen at `point`."""

    version: int
    group: str
    point: str


# Paths are plain strings here: a process that only looks tokens up would wait a millisecond for pathlib.
def _groups(root: str) -> Iterator[tuple[int, str]]:
    """Yield the version and folder of each group that limits the process, and of those around it."""
    memberships = _memberships(root)
    for mount in _mounts(root):
        group = memberships.get(mount.version)
        if group is None:
            continue
        point = os.path.join(root, mount.point.lstrip("/"))
        parts = _inside(group, mount.group)
        for count in range(len(parts), -1, -1):
            yield mount.version, os.path.join(point, *parts[:count])


def _inside(group: str, mounted: str) -> list[str]:
    """Return the folders from a mounted group down to the process's.

    There are none if that lies outside what is mounted, or what this namespace sees: in a container its path may be the
    host's, of which nothing is there; take what is, then.
    """
    parts, around = _parts(group), _parts(mounted)
    inside = parts[len(around) :] if parts[: len(around)] == around else []
    return [] if ".." in inside else inside


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _memberships(root: str) -> dict[int, str]:
    """Return the process's group in version 2, and the one of version 1 whose controller is the CPU."""
    groups = {}
    for line in _lines(os.path.join(root, "proc/self/cgroup")):
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if (number, controllers) == ("0", ""):
            groups[2] = group
        elif "cpu" in controllers.split(","):
            groups[1] = group
    return groups


def _mounts(root: str) -> Iterator[_Mount]:
    """Yield the mounted hierarchies that may limit the CPU: man 5 proc_pid_mountinfo."""
    for line in _lines(os.path.join(root, "proc/self/mountinfo")):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        version = {"cgroup2": 2, "cgroup": 1}.get(kind[0])
        if version == 2 or (version == 1 and "cpu" in kind[2].split(",")):
            yield _Mount(version, _unescaped(fields[3]), _unescaped(fields[4]))


def _quota(folder: str, version: int) -> float | None:
    """Return the quota of one group in cores, None if it has none."""
    names = ("cpu.max",) if version == 2 else ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    fields = " ".join(" ".join(_lines(os.path.join(folder, name))) for name in names).split()
    if len(fields) != 2 or not all(field.isdecimal() for field in fields):  # "max", or -1
        return None
    quota, period = map(int, fields)
    return quota / period if quota and period else None


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().split("\n")
    except OSError:
        return []


def _unescaped(field: str) -> str:
    if "\\" not in field:
        return field
    import re

    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
