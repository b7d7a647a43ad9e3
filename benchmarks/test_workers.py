"""Eight processes that use the vectors at the same time: how long all of them take, and the memory of each."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import worker_processes
from measuring import PROCESS_CLOCK, Measure, Task, in_a_process
from openers import GENSIM, GLOVESTORE, PICKLE, Converted, Opener
from worker_processes import Order, Outcome

import glovestore

TOKENS = 20_000
WORKERS = 8
NAMES = {
    "fork": "opened by the parent, fork",
    "spawn": "opened by each, spawn, imports counted",
    "send": "sent by the parent, spawn, imports counted",
}
pytestmark = [
    in_a_process,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much memory is private"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.parametrize("opener", [GLOVESTORE, PICKLE, GENSIM], ids=lambda opener: opener.name)
def test_workers(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    sample: Any,
    converted: Converted,
    tmp_path: Path,
    opener: Opener,
    how: str,
) -> None:
    measure_workers(measure, store, sample, converted(opener), tmp_path, opener, how)


def test_workers_that_are_sent_the_store(
    measure: Measure, store: glovestore.EmbeddingStore, sample: Any, tmp_path: Path
) -> None:
    measure_workers(measure, store, sample, store.path.parent, tmp_path, GLOVESTORE, "send")


def measure_workers(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    sample: Any,
    folder: Path,
    tmp_path: Path,
    opener: Opener,
    how: str,
) -> None:
    """Measure the time of all, and the memory of the worker that has the most of it in any round."""
    tokens, rows = sample(TOKENS)
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(tokens), encoding="utf-8")
    count = 2 if measure.benchmark.disabled else WORKERS
    order = Order(opener.name, str(folder), str(file), how, count)
    outcomes: list[Outcome] = []

    def run() -> None:
        outcomes.append(worker_processes.run(order, tmp_path))
        PROCESS_CLOCK.advance(outcomes[-1].seconds)

    def check(_: None) -> None:
        checksum = zlib.crc32(np.ascontiguousarray(store.vectors[rows]))
        assert all(outcome.checksums == [checksum] * count for outcome in outcomes)
        measure.benchmark.extra_info["memory"] = max(max(outcome.memory) for outcome in outcomes)

    group = f"{count} processes: matrix of {len(tokens):,} random tokens in each, private memory of one"
    measure(
        Task(group),
        f"{opener.name}: {NAMES[how]}",
        run,
        check,
        rounds=3 if opener is GLOVESTORE else 2,
        warmup_rounds=0,
        baseline=(opener.name, how) == (GLOVESTORE.name, "fork"),
    )
