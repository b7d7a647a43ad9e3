"""The GIL is released around byte work: another thread runs on while the core works."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from row_writers import index_of, row_writer, written_rows

from glovestore import _core

ROWS, DIM = 20_000, 100
VECTORS = np.random.default_rng(1).normal(size=(ROWS, DIM)).astype(np.float32)
TEXT = b"".join(b"token%d" % i + b" 0.12345" * DIM + b"\n" for i in range(ROWS))
TOKENS = [b"%08d" % i for i in range(20 * ROWS)]


def parse() -> None:
    memory = np.frombuffer(TEXT + bytes(_core.TEXT_PADDING), np.uint8)
    out = np.empty((ROWS, DIM), np.float32), np.empty(len(TEXT), np.uint8), np.empty(ROWS, np.uint16)
    assert _core.parse_rows(memory, 0, len(TEXT), *out)[0] == ROWS


def hash_text() -> None:
    _core.xxh64(TEXT)


def write_rows() -> None:
    written_rows([TOKENS])


def ingest() -> None:
    engine = _core.Ingest(row_writer(DIM), -1, TEXT, 0, False)
    engine.finish_feeding()
    engine.work()
    assert engine.counts["lines"] == ROWS


def statistics() -> None:
    _core.Statistics(np.empty((5, DIM))).update(VECTORS)


def norms() -> None:
    _core.row_norms(VECTORS, np.empty(ROWS, np.float32))


def gather() -> None:
    rows = np.random.default_rng(2).integers(0, ROWS, 10 * ROWS)
    _core.gather(VECTORS, rows, np.empty((len(rows), DIM), np.float32))


@pytest.fixture
def no_forced_switches() -> Iterator[None]:
    """Let a thread keep the GIL until it gives it away: then what another thread did meanwhile is a proof."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("no_forced_switches")
@pytest.mark.parametrize("work", [parse, hash_text, write_rows, ingest, statistics, norms, gather])
def test_other_threads_run_meanwhile(work: Callable[[], None]):
    count, stop = 0, threading.Event()

    def run() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)  # gives the GIL away

    other = threading.Thread(target=run)
    other.start()
    try:
        assert any(moved_during(work, lambda: count) for _ in range(200))
        assert not any(moved_during(lambda: sum(range(10_000)), lambda: count) for _ in range(20))
    finally:
        stop.set()
        other.join()


def moved_during(work: Callable[[], object], read: Callable[[], int]) -> bool:
    before = read()
    work()
    return read() != before


def test_one_index_serves_many_threads():
    index = index_of(written_rows([TOKENS]))
    wrong: list[int] = []

    def look_up(first: int) -> None:
        rows = range(first, len(TOKENS), 97)
        out = np.empty(len(rows), np.int64)
        index.find(TOKENS[first::97], out)
        wrong.extend(np.flatnonzero(out != rows))

    threads = [threading.Thread(target=look_up, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
