"""Many who want the same entry at the same time, and some who are killed, interrupted or in each other's way."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cache_scene import OTHER, TEXT, Opened, listening, open_in_rounds, suffixes
from filelock import FileLock
from scene import STEPS, at_step
from vectors_generator import generate

import glovestore
from glovestore.cache.folder import place_of

PROCESSES, ROUNDS = 8, 20

# Python 3.12 and later warn of forks of processes with threads, such as those of numpy's BLAS.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(TEXT)
    return path


# ----- together


def race(sources: list[Path], cache: Path, between: Callable[[int], None]) -> list[list[Opened]]:
    """Let PROCESSES open each source together; return what each found, by rounds. `between` comes before each round."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(PROCESSES + 1), context.Queue()
    arguments = (sources, cache, barrier, answers)
    workers = [context.Process(target=open_in_rounds, args=arguments, daemon=True) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for number in range(len(sources)):
        between(number)
        barrier.wait(60)
        barrier.wait(60)
    found = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    return list(zip(*found, strict=True))  # type: ignore[arg-type]


def test_processes_that_start_together_build_once_and_share(tmp_path: Path, cache: Path):
    """New sources, changed ones, and cleared entries in turn; the size makes some find the build running."""
    path = tmp_path / "vectors.txt"

    def prepare(number: int) -> None:
        if number % 3 == 2:
            assert glovestore.cache.clear().entries == 1
        else:
            path.write_bytes(b"".join(b"token%d %d 1\n" % (row, number) for row in range(20_000)))
            os.utime(path, ns=(number, number))

    rounds = race([path] * ROUNDS, cache, prepare)
    assert len(rounds) == ROUNDS
    for number, found in enumerate(rounds):
        assert [one.last for one in found] == [[number - (number % 3 == 2), 1]] * PROCESSES
        assert len({one.fingerprint for one in found}) == 1
        assert sum(one.builds for one in found) == 1, number
    assert suffixes(cache) == [".h5", ".json", ".lock"]


def test_threads_that_start_together_build_once(tmp_path: Path, cache: Path):
    source = generate(tmp_path / "vectors.txt", rows=5_000, dim=10)
    barrier, found = threading.Barrier(6), []

    def open_it() -> None:
        barrier.wait(60)
        with glovestore.open(source) as store:
            found.append(store.fingerprint)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    with listening() as heard:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(found) == 6
    assert len({*found}) == 1
    assert heard.builds == 1
    assert suffixes(cache) == [".h5", ".json", ".lock"]


# ----- killed


def killed(work: Callable[[], Any], after: float | None = None) -> bool:
    """Do some work in a child that is killed after some seconds, or kills itself; return whether it was."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def check_that_it_opens(source: Path, cache: Path, fingerprint: str) -> None:
    with glovestore.open(source) as store:
        assert store.fingerprint == fingerprint
        store.verify()
    assert suffixes(cache) == [".h5", ".json", ".lock"]


@pytest.fixture
def fingerprint(source: Path, tmp_path: Path) -> str:
    glovestore.build(source, tmp_path / "built.h5")
    with glovestore.open(tmp_path / "built.h5") as store:
        return store.fingerprint


@pytest.mark.parametrize("with_old", [False, True], ids=["new", "over an old store"])
def test_killed_at_each_step(source: Path, cache: Path, fingerprint: str, with_old: bool):
    def die_at(number: int) -> None:
        with at_step(number, (*STEPS, "unlink"), kill_myself):
            glovestore.open(source)

    glovestore.open(source)  # imports are paid once
    number = litter = 0
    while True:
        number += 1
        glovestore.cache.clear()
        if with_old:
            source.write_bytes(OTHER)
            glovestore.open(source)
            source.write_bytes(TEXT)
        if not killed(lambda: die_at(number)):  # noqa: B023
            break
        litter += ".tmp" in suffixes(cache)
        check_that_it_opens(source, cache, fingerprint)
    assert number > 20
    assert litter > 10  # or nothing was tested


def test_killed_at_random_moments(tmp_path: Path, cache: Path):
    source = generate(tmp_path / "large.txt", rows=20_000, dim=50)
    glovestore.open(source).close()
    glovestore.cache.clear()
    start = time.perf_counter()
    with glovestore.open(source) as store:
        seconds, fingerprint = time.perf_counter() - start, store.fingerprint
    random_, litter = random.Random(6), 0
    for _ in range(20):
        glovestore.cache.clear()
        killed(lambda: glovestore.open(source), after=seconds * random_.random())
        litter += any(path.suffix == ".tmp" for path in cache.iterdir()) if cache.exists() else 0
        check_that_it_opens(source, cache, fingerprint)
    assert litter > 0  # or nothing was tested


def test_clear_removes_what_a_killed_build_left(source: Path, cache: Path):
    def die() -> None:
        with at_step(1, ("replace",), kill_myself):
            glovestore.open(source)

    assert killed(die)
    assert suffixes(cache) == [".lock", ".tmp"]
    (entry,) = glovestore.cache.entries()
    assert (entry.source, entry.state) == (None, "incomplete")
    assert glovestore.cache.clear(stale=True).nbytes == entry.nbytes > 0
    assert os.listdir(cache) == []


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a file object may be closed by its last reference
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_at_each_step(source: Path, cache: Path, fingerprint: str):
    """Ctrl-C leaves no temporary and no lock held: the next to come builds it, or finds it."""
    number = interrupted = 0
    calls: list[str] = []
    while number <= len(calls):
        number += 1
        glovestore.cache.clear()
        try:
            with at_step(number, (*STEPS, "unlink", "makedirs"), lambda: os.kill(os.getpid(), signal.SIGINT)) as calls:
                glovestore.open(source)
        except KeyboardInterrupt:
            interrupted += 1
        assert not cache.exists() or ".tmp" not in suffixes(cache)
        check_that_it_opens(source, cache, fingerprint)
    assert interrupted > 20


# ----- in each other's way


@pytest.fixture
def held(source: Path, cache: Path) -> Iterator[FileLock]:
    """The lock of the source's entry, as somebody who builds it holds it."""
    cache.mkdir()
    with FileLock(place_of(str(source)).lock) as lock:
        yield lock


def test_who_waits_says_so_and_shares(source: Path, held: FileLock):
    found = []

    def open_it() -> None:
        with glovestore.open(source) as store:
            found.append(store["and"].tolist())

    with listening() as heard:
        thread = threading.Thread(target=open_it)
        thread.start()
        while not heard.messages:
            time.sleep(0.01)
        assert heard.messages == [f"waiting: somebody else builds a store of {source} (lock: {held.lock_file})"]
        assert found == []
        held.release()
        thread.join(60)
    assert found == [[5, 6]]


WAIT = """
import logging, signal, sys, glovestore
signal.signal(signal.SIGINT, signal.default_int_handler)
logging.basicConfig(level=logging.INFO, format="%(message)s")
try:
    glovestore.open(sys.argv[1])
except KeyboardInterrupt:
    print("interrupted")
"""


def test_who_waits_can_be_interrupted(source: Path, held: FileLock):
    command = [sys.executable, "-P", "-c", WAIT, str(source)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert child.stderr.readline().startswith("waiting: ")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (out, err) == ("interrupted\n", "")


def test_clear_leaves_alone_what_is_being_built(source: Path, cache: Path, tmp_path: Path):
    (tmp_path / "other.txt").write_bytes(OTHER)
    store = glovestore.open(source)
    glovestore.open(tmp_path / "other.txt")
    with FileLock(place_of(str(source)).lock):
        done = glovestore.cache.clear()
        assert (done.entries, done.busy) == (1, (str(source),))
        assert store.path.exists()
        assert [entry.source for entry in glovestore.cache.entries()] == [str(source)]
    assert glovestore.cache.clear().busy == ()
    assert os.listdir(cache) == []
    assert store["and"].tolist() == [5, 6]  # whoever has it keeps it


def test_clearing_while_others_open(tmp_path: Path, cache: Path):
    """Whatever is cleared in between: each call of open gives the source's store."""
    source = tmp_path / "vectors.txt"
    source.write_bytes(b"".join(b"token%d %d 1\n" % (row, row) for row in range(2_000)))
    stop, found, errors = threading.Event(), [], []

    def open_again_and_again() -> None:
        try:
            while not stop.is_set():
                with glovestore.open(source) as store:
                    found.append(store["token1999"].tolist())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_again_and_again) for _ in range(3)]
    for thread in threads:
        thread.start()
    removed = 0
    while removed < 20 and not errors:
        removed += glovestore.cache.clear().entries
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert found
    assert all(vector == [1999, 1] for vector in found)
