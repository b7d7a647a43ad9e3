"""How many cores this process may use: what the scheduler lets it run on, and what a container allows it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path("/")


def usable_cores(root: Path = ROOT) -> int:
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


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return how many cores' time the process's control groups allow it, None without a limit.

    The smallest quota of the group and of all groups around it, as far as they can be seen: Linux's
    Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (cpu.cfs_quota_us).
    """
    quotas = (_quota(folder, version) for version, folder in _groups(root))
    return min((quota for quota in quotas if quota is not None), default=None)


class _Mount(NamedTuple):
    """A mounted hierarchy of control groups: `group` of it can be seen at `point`."""

    version: int
    group: PurePosixPath
    point: PurePosixPath


def _groups(root: Path) -> Iterator[tuple[int, Path]]:
    """Yield the version and folder of each group that limits the process, and of those around it."""
    memberships = _memberships(root)
    for mount in _mounts(root):
        group = memberships.get(mount.version)
        if group is None:
            continue
        # In a container the group's path may be the host's, of which nothing is mounted: take what is, then.
        inside = group.relative_to(mount.group) if group.is_relative_to(mount.group) else PurePosixPath()
        if ".." in inside.parts:  # the group lies outside what this namespace sees
            inside = PurePosixPath()
        point = root / mount.point.relative_to("/")
        for part in (inside, *inside.parents):
            yield mount.version, point / part


def _memberships(root: Path) -> dict[int, PurePosixPath]:
    """Return the process's group in version 2, and the one of version 1 whose controller is the CPU."""
    groups = {}
    for line in _lines(root / "proc/self/cgroup"):
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if (number, controllers) == ("0", ""):
            groups[2] = PurePosixPath(group)
        elif "cpu" in controllers.split(","):
            groups[1] = PurePosixPath(group)
    return groups


def _mounts(root: Path) -> Iterator[_Mount]:
    """Yield the mounted hierarchies that may limit the CPU: man 5 proc_pid_mountinfo."""
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        version = {"cgroup2": 2, "cgroup": 1}.get(kind[0])
        if version == 2 or (version == 1 and "cpu" in kind[2].split(",")):
            yield _Mount(version, PurePosixPath(_unescaped(fields[3])), PurePosixPath(_unescaped(fields[4])))


def _quota(folder: Path, version: int) -> float | None:
    """Return the quota of one group in cores, None if it has none."""
    if version == 2:
        fields = " ".join(_lines(folder / "cpu.max")).split()
    else:
        fields = " ".join(_lines(folder / "cpu.cfs_quota_us") + _lines(folder / "cpu.cfs_period_us")).split()
    if len(fields) != 2 or not all(field.isdecimal() for field in fields):  # "max", or -1
        return None
    quota, period = map(int, fields)
    return quota / period if quota and period else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "surrogateescape").split("\n")
    except OSError:
        return []


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
