"""The GIL is released around byte work: another thread runs on while the core works."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest
from gil import another_thread
from row_writers import index_of, row_writer, written_rows

from glovestore import _core
from glovestore.nearest import nearest_rows

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


def nearest() -> None:
    norms = np.linalg.norm(VECTORS, axis=1)
    nearest_rows(VECTORS, norms, VECTORS[:100], 10, np.arange(100), threads=1)


INDEX = index_of(written_rows([TOKENS]))
STRINGS = _core.Strings.of_fixed_bytes(np.array(TOKENS).view(np.uint8), 8)


def look_up() -> None:
    INDEX.find(STRINGS, np.empty(len(TOKENS), np.int64))


def noise() -> None:
    out = np.empty((ROWS, 20), np.float32)
    _core.normal_vectors(_core.Strings.of_objects(TOKENS[:ROWS]), np.zeros(20), np.ones(20), out)


@pytest.mark.parametrize(
    "work", [parse, hash_text, write_rows, ingest, statistics, norms, gather, nearest, look_up, noise]
)
def test_other_threads_run_meanwhile(work: Callable[[], None]):
    with another_thread() as count:
        assert any(moved_during(work, count) for _ in range(200))
        if getattr(sys, "_is_gil_enabled", lambda: True)():  # else nothing holds the other thread back
            assert not any(moved_during(lambda: sum(range(10_000)), count) for _ in range(20))


def moved_during(work: Callable[[], object], read: Callable[[], int]) -> bool:
    before = read()
    work()
    return read() != before


def test_one_index_serves_many_threads():
    wrong: list[int] = []

    def look_up(first: int) -> None:
        rows = range(first, len(TOKENS), 97)
        out = np.empty(len(rows), np.int64)
        INDEX.find(TOKENS[first::97], out)
        wrong.extend(np.flatnonzero(out != rows))

    threads = [threading.Thread(target=look_up, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
