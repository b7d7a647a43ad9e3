"""usable_cores: the scheduler's affinity and the quotas of control groups, in made-up trees of both versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glovestore.cores import cpu_quota, usable_cores

V2 = "0::/user/job\n"
V2_MOUNT = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "12:memory:/box\n3:cpu,cpuacct:/box/inner\n1:name=systemd:/box\n"
V1_MOUNT = "33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"


def tree(root: Path, membership: str, mounts: str, files: dict[str, str]) -> Path:
    """Make a root folder with what /proc says, and the files of the control groups."""
    everything = {"proc/self/cgroup": membership, "proc/self/mountinfo": mounts, **files}
    for name, content in everything.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def v1_files(folder: str, quota: int, period: int = 100_000) -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"user/job/cpu.max": "max 100000\n"}, None),
        ({"user/job/cpu.max": "150000 100000\n"}, 1.5),
        ({"user/job/cpu.max": "50000 200000\n"}, 0.25),
        ({"user/cpu.max": "300000 100000\n"}, 3),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"user/job/cpu.max": "400000 100000\n", "user/cpu.max": "200000 100000\n", "cpu.max": "max 100000\n"}, 2),
        ({"user/job/cpu.max": "100000 100000\n", "user/cpu.max": "200000 100000\n"}, 1),
        ({"user/job/other/cpu.max": "100000 100000\n", "else/cpu.max": "100000 100000\n"}, None),
        ({"user/job/cpu.max": ""}, None),
        ({"user/job/cpu.max": "5\n"}, None),
        ({"user/job/cpu.max": "nonsense here\n"}, None),
        ({"user/job/cpu.max": "100000 0\n"}, None),
    ],
)
def test_version_2(tmp_path: Path, files: dict[str, str], quota: float | None):
    files = {f"sys/fs/cgroup/{name}": content for name, content in files.items()}
    assert cpu_quota(tree(tmp_path, V2, V2_MOUNT, files)) == quota


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        (v1_files("box/inner", -1), None),
        (v1_files("box/inner", 250_000), 2.5),
        (v1_files("box", 50_000, 25_000), 2),
        (v1_files(".", 700_000), 7),
        ({**v1_files("box/inner", 300_000), **v1_files("box", 100_000)}, 1),
        ({"box/inner/cpu.cfs_quota_us": "100000\n"}, None),
        (v1_files("box/inner/deeper", 100_000), None),
    ],
)
def test_version_1(tmp_path: Path, files: dict[str, str], quota: float | None):
    files = {f"sys/fs/cgroup/cpu,cpuacct/{name}": content for name, content in files.items()}
    assert cpu_quota(tree(tmp_path, V1, V1_MOUNT, files)) == quota


def test_both_versions_at_once(tmp_path: Path):
    mounts = V1_MOUNT + V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    files = {
        **v1_files("sys/fs/cgroup/cpu,cpuacct/box", 300_000),
        "sys/fs/cgroup/unified/user/cpu.max": "200000 100000\n",
    }
    assert cpu_quota(tree(tmp_path, V1 + V2, mounts, files)) == 2


def test_a_process_in_no_group_of_what_is_mounted(tmp_path: Path):
    files = {"sys/fs/cgroup/cpu.max": "200000 100000\n"}
    assert cpu_quota(tree(tmp_path, V1, V2_MOUNT, files)) is None


def test_another_hierarchy_of_version_1_is_not_the_cpu(tmp_path: Path):
    mounts = V1_MOUNT.replace("cpu,cpuacct", "cpuset")
    files = v1_files("sys/fs/cgroup/cpuset/box", 100_000)
    assert cpu_quota(tree(tmp_path, V1.replace("cpu,cpuacct", "cpuset"), mounts, files)) is None


@pytest.mark.parametrize(
    ("membership", "mounted"),
    [
        ("0::/docker/abc\n", "/docker/abc"),  # of the host's tree, the container sees its own part
        ("0::/docker/abc\n", "/docker/another"),
        ("0::/\n", "/.."),  # the mount is older than the namespace
        ("0::/../sibling\n", "/"),
    ],
)
def test_inside_a_container(tmp_path: Path, membership: str, mounted: str):
    mount = V2_MOUNT.replace(" / ", f" {mounted} ", 1)
    assert mount != V2_MOUNT or mounted == "/"
    assert cpu_quota(tree(tmp_path, membership, mount, {"sys/fs/cgroup/cpu.max": "150000 100000\n"})) == 1.5


def test_a_part_of_the_tree_is_mounted(tmp_path: Path):
    """Groups outside the mounted part cannot be seen; those inside are found below the mount point."""
    files = {"sys/fs/cgroup/job/cpu.max": "300000 100000\n", "sys/fs/cgroup/user/job/cpu.max": "100000 100000\n"}
    assert cpu_quota(tree(tmp_path, V2, V2_MOUNT.replace(" / ", " /user ", 1), files)) == 3


def test_a_mount_point_with_a_space(tmp_path: Path):
    mount = V2_MOUNT.replace("/sys/fs/cgroup", r"/my\040groups")
    assert cpu_quota(tree(tmp_path, V2, mount, {"my groups/user/cpu.max": "100000 50000\n"})) == 2


@pytest.mark.parametrize("mounts", ["", "nonsense\n\n", "1 2 3 - cgroup2 x rw\n", "30 24 0:26 / /sys/fs/cgroup rw\n"])
def test_mounts_that_say_nothing(tmp_path: Path, mounts: str):
    assert cpu_quota(tree(tmp_path, V2, mounts, {"sys/fs/cgroup/cpu.max": "1 1\n"})) is None


def test_a_system_without_proc(tmp_path: Path):
    assert cpu_quota(tmp_path) is None
    assert usable_cores(tmp_path) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("allowed", "quota", "usable"),
    [
        (8, "max", 8),
        (8, "800001", 8),
        (8, "150000", 2),
        (8, "200000", 2),
        (8, "1000", 1),
        (1, "400000", 1),
        (3, "250000", 3),
    ],
)
def test_the_smaller_of_both_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int, quota: str, usable: int
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(allowed)))
    root = tree(tmp_path, V2, V2_MOUNT, {"sys/fs/cgroup/user/job/cpu.max": f"{quota} 100000\n"})
    assert usable_cores(root) == usable


def test_a_system_without_affinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "process_cpu_count", lambda: 5, raising=False)
    assert usable_cores(tmp_path) == 5
    monkeypatch.setattr(os, "process_cpu_count", lambda: None)
    assert usable_cores(tmp_path) == 1
    monkeypatch.delattr(os, "process_cpu_count")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert usable_cores(tmp_path) == 7


def test_this_process():
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
