"""`store.prefault` and `store.advise`: pages come before they are asked for, and nothing else changes."""

from __future__ import annotations

import errno
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gil import another_thread
from shared import SMALL_ROWS

import glovestore
from glovestore import _core
from glovestore.format import memory

CAN_TELL = tuple(map(int, re.findall(r"\d+", platform.release())[:2])) >= (5, 14) and platform.system() == "Linux"


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("step", [1, 4096, 10_000, memory.PREFAULT_STEP])
def test_prefault_returns_the_bytes(copy: Path, in_memory: bool, step: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "PREFAULT_STEP", step)
    with glovestore.open(copy, copy=in_memory) as store:
        assert store.prefault() == store.nbytes == copy.stat().st_size
        assert store["token7"].tolist() == [7.0, 7.5, -7.0]


def test_prefault_reads_every_part_once(copy: Path, monkeypatch: pytest.MonkeyPatch):
    parts = []

    class Recorded:
        def __len__(self) -> int:
            return 10_001

        def prefault(self, begin: int, end: int) -> None:
            parts.append((begin, end))

    monkeypatch.setattr(memory, "PREFAULT_STEP", 4096)
    assert memory.prefault(Recorded(), str(copy)) == 10_001
    assert parts == [(0, 4096), (4096, 8192), (8192, 10_001)]


def test_prefault_of_a_disk_that_fails(copy: Path):
    class Failing:
        def __len__(self) -> int:
            return copy.stat().st_size

        def prefault(self, begin: int, end: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error") as caught:
        memory.prefault(Failing(), str(copy))
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(copy))


def test_prefault_lets_other_threads_work(copy: Path, tmp_path: Path):
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(16 << 20)

    def moves(count: Callable[[], int]) -> bool:
        with sparse.open("rb") as file:
            mapped = _core.FileMap(file.fileno(), 16 << 20)
        before = count()
        mapped.prefault(0, 16 << 20)
        return count() != before

    with another_thread() as count:
        assert any(moves(count) for _ in range(200))


TRUNCATE = """
import os, sys, glovestore
store = glovestore.open(sys.argv[1])
os.truncate(sys.argv[1], 30_000)
try:
    store.prefault()
except glovestore.StoreFormatError as error:
    print(error)
"""


@pytest.mark.skipif(not CAN_TELL, reason="needs Linux 5.14, which can tell; older ones send SIGBUS")
def test_prefault_finds_a_truncated_file(copy: Path):
    size = copy.stat().st_size
    done = subprocess.run([sys.executable, "-P", "-c", TRUNCATE, copy], capture_output=True, text=True, check=True)
    assert done.stdout == f"{copy}: truncated: expected {size} bytes, got 30000\n"


@pytest.mark.parametrize("in_memory", [False, True])
def test_every_advice_changes_nothing(copy: Path, in_memory: bool):
    with glovestore.open(copy, copy=in_memory) as store:
        for advice in ("random", "sequential", "willneed", "normal"):
            assert store.advise(advice) is None
            assert store["token7"].tolist() == [7.0, 7.5, -7.0]
            assert len(list(store.tokens)) == SMALL_ROWS


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("advice", ["", "Random", "dontneed", None, 1])
def test_other_advice_is_an_error(copy: Path, advice: str, in_memory: bool):
    expected = f"advice: expected one of 'normal', 'random', 'sequential', 'willneed', got {advice!r}"
    with glovestore.open(copy, copy=in_memory) as store, pytest.raises(ValueError, match=re.escape(expected)):
        store.advise(advice)


def test_a_closed_store_refuses_both(copy: Path):
    store = glovestore.open(copy)
    store.close()
    for call in (store.prefault, lambda: store.advise("random")):
        with pytest.raises(ValueError, match="expected an open store, got one that was closed"):
            call()
