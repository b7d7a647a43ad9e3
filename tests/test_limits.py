"""Builds where the system gives little: memory, descriptors, time; and input that would never end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sanitizing

import glovestore
from glovestore import TextFormatError
from glovestore.streams import decoding

ROWS = 20_000
BUILD = "import glovestore, sys; print(glovestore.build(*sys.argv[1:3], overwrite=True, threads=2).rows)"

LITTLE_MEMORY = """
import resource, sys
import h5py
from glovestore.building import build
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + int(sys.argv[3]),) * 2)
print(build(*sys.argv[1:3], overwrite=True, threads=2).rows)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limits") / "source.txt"
    path.write_text("".join(f"token{row} " + " ".join(["0.12345"] * 50) + "\n" for row in range(ROWS)))
    return path


def build_in_child(source: Path, target: Path, kind: int | None = None, limit: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, source, target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if kind is None else lambda: resource.setrlimit(kind, (limit, limit)),
    )


# ---------------------------------------------------------------------- memory and descriptors


@pytest.mark.skipif(sanitizing.ASAN or sanitizing.TSAN, reason="a sanitizer ends a process that has no more memory")
def test_too_little_memory_is_an_error_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    """Whatever is left when the build begins: a store, or an exception; no temporary stays."""
    outcomes = set()
    for mebibytes in range(0, 80, 4):
        command = [sys.executable, "-c", LITTLE_MEMORY, source, tmp_path / "store.h5", str(mebibytes << 20)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode in (0, 1), (mebibytes, done.returncode, done.stderr)
        outcomes.add(done.returncode)
        assert done.stdout == (f"{ROWS}\n" if done.returncode == 0 else ""), mebibytes
        assert [name for name in os.listdir(tmp_path) if name != "store.h5"] == [], mebibytes
        if done.returncode == 0:
            glovestore.open(tmp_path / "store.h5").verify()
    assert outcomes == {0, 1}


@pytest.mark.skipif(sanitizing.ASAN, reason="UBSAN opens a pipe to look at an object's type: without one it reports it")
def test_too_few_descriptors(source: Path, tmp_path: Path) -> None:
    outcomes = set()
    for count in range(3, 16):
        child = build_in_child(source, tmp_path / "store.h5", resource.RLIMIT_NOFILE, count)
        _, complaint = child.communicate()
        assert child.returncode in (0, 1, 127), (count, child.returncode, complaint)
        outcomes.add(child.returncode)
        assert [name for name in os.listdir(tmp_path) if name != "store.h5"] == [], count
    assert 0 in outcomes
    assert 1 in outcomes


@pytest.mark.skipif(sanitizing.TSAN, reason="TSAN writes a longer file of its own")
def test_files_that_may_not_be_that_long(source: Path, tmp_path: Path) -> None:
    """As on a full disk: each size stops another write."""
    for size in (0, 4096, 20_000, 1 << 20, 3 << 20, 4_000_000, 4_200_000):
        child = build_in_child(source, tmp_path / "store.h5", resource.RLIMIT_FSIZE, size)
        said, complaint = child.communicate()
        assert (child.returncode, said) == (1, ""), size
        assert "File too large" in complaint, size
        assert "store.h5" in complaint, size
        assert os.listdir(tmp_path) == [], size


@pytest.mark.parametrize("started", [0, 1])
def test_too_few_threads(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: int) -> None:
    """Those that can be started do the work; the system's memory is what they lack, else."""
    original, calls = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        calls.append(thread)
        if len(calls) > started:
            raise RuntimeError("can't start new thread")
        original(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    if started:
        assert glovestore.build(source, tmp_path / "store.h5", threads=3).rows == ROWS
    else:
        with pytest.raises(
            MemoryError, match="expected to start a thread that reads, got none: can't start new thread"
        ):
            glovestore.build(source, tmp_path / "store.h5", threads=3)
        assert os.listdir(tmp_path) == []
        with pytest.raises(MemoryError, match="expected to start a thread that writes, got none: can't"):
            export_rows(tmp_path, monkeypatch)


def export_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    monkeypatch.undo()
    glovestore.build([("a", [1.0])], folder / "store.h5")
    monkeypatch.setattr(threading.Thread, "start", start)
    glovestore.export(folder / "store.h5", folder / "out.txt")


# ---------------------------------------------------------------------- stopped, forked, raced


def test_stopped_and_continued(source: Path, tmp_path: Path) -> None:
    child = build_in_child(source, tmp_path / "store.h5")
    for _ in range(20):
        if child.poll() is not None:
            break
        child.send_signal(signal.SIGSTOP)
        time.sleep(0.005)
        child.send_signal(signal.SIGCONT)
        time.sleep(0.01)
    assert child.communicate()[0] == f"{ROWS}\n"
    glovestore.open(tmp_path / "store.h5").verify()


def test_builders_race_for_one_target(source: Path, tmp_path: Path) -> None:
    children = [build_in_child(source, tmp_path / "store.h5") for _ in range(6)]
    assert {child.communicate()[0] for child in children} == {f"{ROWS}\n"}
    assert os.listdir(tmp_path) == ["store.h5"]
    glovestore.open(tmp_path / "store.h5").verify()


def test_a_fork_while_threads_build(source: Path, tmp_path: Path) -> None:
    """The child has none of the threads, and its own end removes nothing of the parent's."""
    failures: list[BaseException] = []

    def build() -> None:
        try:
            glovestore.build(source, tmp_path / "store.h5", threads=4, durable=False)
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=build)
    worker.start()
    children = []
    while worker.is_alive():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        children.append(pid)
        time.sleep(0.005)
    worker.join()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * len(children)
    assert failures == []
    assert os.listdir(tmp_path) == ["store.h5"]
    glovestore.open(tmp_path / "store.h5").verify()


# ---------------------------------------------------------------------- without end


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unfolds_without_end(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "UNFOLDED_FREELY", 1 << 20)
    path = tmp_path / "bomb"
    path.write_bytes(pack(b"".join(b"t%d 0 0 0 0 0 0 0 0\n" % (row % 3) for row in range(400_000))))
    with pytest.raises(TextFormatError, match=r"of at most 100 times its size, got more: \d+ bytes of \d+; unpack it"):
        glovestore.build(path, tmp_path / "store.h5")
    assert os.listdir(tmp_path) == ["bomb"]


def test_what_unfolds_far_but_is_small_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(b"".join(b"t%d 0 0 0 0 0 0 0 0\n" % (row % 3) for row in range(50_000))))
    assert glovestore.build(path, tmp_path / "store.h5").rows == 3
