"""A build that fails, is interrupted or killed at any step: no half store, no changed old one, no litter for long."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import store_reader
from scene import STEPS, WRITING_STEPS, Scene, at_step, interrupt, no_space
from shared import ODD_TEXT
from vectors_generator import generate

import glovestore


@pytest.fixture(params=[False, True], ids=["new", "over an old store"])
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Scene:
    return Scene(tmp_path, with_old=request.param)


FAULTS = [(interrupt, KeyboardInterrupt, STEPS), (no_space, OSError, WRITING_STEPS)]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a file object may be closed by its last reference
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("act", "expected", "names"), FAULTS, ids=["interrupted", "disk full"])
def test_failing_at_each_step(scene: Scene, act: Any, expected: type[BaseException], names: tuple[str, ...]):
    scene.build()
    new = scene.content()
    number, failed_at = 0, []
    while True:
        number += 1
        scene.restore()
        descriptors = len(os.listdir("/proc/self/fd"))
        with at_step(number, names, act) as calls:
            try:
                scene.build()
            except expected:
                failed_at.append(calls[number - 1])
            else:
                failed_at.append("")
        if len(calls) < number:
            break
        # An interrupt that arrives inside a finalizer is printed and dropped by Python: that build goes on to its end.
        assert failed_at[-1] or act is interrupt
        renamed = "replace" in (calls[: number - 1] if failed_at[-1] else calls)
        assert scene.content() == (new if renamed else scene.old), calls
        assert scene.names() == ([scene.target.name] if renamed or scene.old else []), calls
        assert len(os.listdir("/proc/self/fd")) == descriptors, calls
        scene.build()
        assert scene.content() == new
        assert scene.names() == [scene.target.name]
    assert set(failed_at) >= {"open", "pwrite", "preadv", "ftruncate", "fsync", "replace"}
    assert scene.content() == new


KILLS = 300 if os.environ.get("FAULTS") == "all" else 30  # of each test; `make faults` has all

# In a process of its own, which forks one child for each step: imports are paid once.
KILLER = """
import os, random, signal, sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from scene import STEPS, Scene, at_step

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def check(scene, new):
    assert scene.content() in (scene.old, new), "half a store"
    left = [name for name in scene.names() if name != "store.h5"]
    assert len(left) <= 1, left
    scene.build(durable=False)
    assert scene.content() == new
    assert scene.names() == ["store.h5"], "not cleaned up"
    return len(left)

def each_step(scene, new):
    number = litter = 0
    status = -1
    while status != 0:
        number += 1
        scene.restore()
        def work():
            with at_step(number, STEPS, kill):
                scene.build()
        status = os.waitpid(child(work), 0)[1]
        litter += check(scene, new)
    return number, litter

def random_moments(scene, new, seconds):
    litter = 0
    random_ = random.Random(7)
    for _ in range(int(os.environ["KILLS"])):
        scene.restore()
        pid = child(scene.build)
        time.sleep(seconds * random_.random())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        litter += check(scene, new)
    return litter

folder = Path(sys.argv[1])
scene = Scene(folder, with_old=sys.argv[2] == "True")
large = sys.argv[3]
if large:
    scene.source = Path(large)
start = time.perf_counter()
scene.build(durable=False)
seconds = time.perf_counter() - start
new = scene.content()
print(*([random_moments(scene, new, seconds)] if large else each_step(scene, new)))
"""


def run_killer(folder: Path, with_old: bool, large: str) -> list[int]:
    script = KILLER.format(path=[path for path in sys.path if path])
    command = [sys.executable, "-P", "-c", script, str(folder), str(with_old), large]
    environment = {**os.environ, "KILLS": str(KILLS)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    return [int(number) for number in done.stdout.split()]


@pytest.mark.parametrize("with_old", [False, True], ids=["new", "over an old store"])
def test_killed_at_each_step(tmp_path: Path, with_old: bool):
    steps, litter = run_killer(tmp_path, with_old, "")
    assert steps > 20
    assert litter > 10  # or nothing was tested


@pytest.mark.parametrize("with_old", [False, True], ids=["new", "over an old store"])
def test_killed_at_random_moments(tmp_path: Path, with_old: bool):
    source = generate(tmp_path / "large.txt", rows=20_000, dim=50)
    (litter,) = run_killer(tmp_path, with_old, str(source))
    assert litter > 0  # or nothing was tested


# ----- errors of the input


@pytest.mark.parametrize("last", [b"bad 1\n", b"bad 1 x\n", b"bad 1 1e99\n", b"bad 1 2 3\n", b"bad"])
def test_an_error_in_the_last_line(scene: Scene, last: bytes):
    with scene.source.open("ab") as file:
        file.write(b"".join(b"more%d 1 2\n" % i for i in range(300_000)) + last)
    with pytest.raises(glovestore.TextFormatError) as caught:
        scene.build()
    assert caught.value.line == 301_001
    assert scene.content() == scene.old
    assert scene.names() == ([scene.target.name] if scene.old else [])


def append_to(source: Path) -> None:
    with source.open("ab") as file:
        file.write(b"more 1 2\n")


def replace_by_a_copy(source: Path) -> None:
    copy = source.with_name("copy.txt")
    copy.write_bytes(source.read_bytes())
    copy.rename(source)


def write_in_place(source: Path) -> None:
    with source.open("r+b") as file:
        file.write(b"T")
    os.utime(source, ns=(1, 1))


CHANGES = [append_to, replace_by_a_copy, write_in_place, lambda source: os.truncate(source, 100), Path.unlink]


@pytest.mark.parametrize("step", ["read", "dup"])  # before its first lines are read, and before the threads read on
@pytest.mark.parametrize("change", CHANGES, ids=["append", "replace", "write", "truncate", "remove"])
def test_a_source_that_changes_while_it_is_read(scene: Scene, change: Callable[[Path], Any], step: str):
    with at_step(1, (step,), lambda: change(scene.source)), pytest.raises(glovestore.TextFormatError) as caught:
        scene.build()
    assert caught.value.path == str(scene.source)
    assert "while it is read" in caught.value.problem
    assert scene.content() == scene.old
    assert scene.names() == ([scene.target.name] if scene.old else [])


# ----- flushing


def test_durable_flushes_file_then_folder(scene: Scene):
    with at_step(0, ("pwrite", "fsync", "replace"), interrupt) as calls:
        report = scene.build()
    assert calls[-3:] == ["fsync", "replace", "fsync"]
    assert report.fsync_seconds > 0
    with at_step(0, ("pwrite", "fsync", "replace"), interrupt) as calls:
        scene.build(durable=False)
    assert "fsync" not in calls


# ----- two builds at a time


def test_a_running_build_is_not_litter(scene: Scene):
    """Another build of the same target, from start to end, in the middle of one: neither disturbs the other."""
    other = scene.source.with_name("other.txt")
    other.write_bytes(ODD_TEXT.read_bytes())
    names: list[str] = []

    def build_other() -> None:
        names.extend(scene.names())
        glovestore.build(other, scene.target, overwrite=True)
        assert store_reader.read(scene.target)[0]["source_name"] == "other.txt"
        assert len([name for name in scene.names() if name.endswith(".tmp")]) == 1

    with at_step(3, ("pwrite",), build_other):
        scene.build()
    assert len([name for name in names if name.endswith(".tmp")]) == 1
    assert store_reader.read(scene.target)[0]["source_name"] == "source.txt"
    assert scene.names() == [scene.target.name]


@pytest.mark.parametrize("step", ["pwrite", "fsync"])
def test_a_file_that_appears_meanwhile_stays(tmp_path: Path, step: str):
    scene = Scene(tmp_path, with_old=False)
    with at_step(1, (step,), lambda: scene.target.write_bytes(b"the 1 2\n")), pytest.raises(FileExistsError):
        scene.build()
    assert scene.content() == b"the 1 2\n"
    assert scene.names() == [scene.target.name]
