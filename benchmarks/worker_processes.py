"""Worker processes that all make a matrix at the same time: how long until each has it, and what memory each keeps.

    python benchmarks/worker_processes.py ORDER.json      prints an outcome as JSON

The clock runs from before the parent opens anything until the last worker has its matrix. `how`: "fork" (the parent
opens, the workers inherit), "spawn" (each worker, a new interpreter, imports and opens), or "send" (the same, but what
the parent opened is sent to them). The memory is private (nobody else has it), and what comes on top of that of the
imports and the tokens while all workers still have everything open and only the matrices are gone.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
import zlib
from dataclasses import asdict, dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from openers import OPENERS
from second_process import run_python

PATIENCE = 120  # seconds, until a worker that died is noticed
PRIVATE = ("Private_Clean:", "Private_Dirty:")


@dataclass(frozen=True)
class Order:
    """What to do: an opener by its name, on a folder, with the tokens of a JSON file."""

    opener: str
    folder: str
    tokens: str
    how: str
    workers: int = 8


@dataclass(frozen=True)
class Outcome:
    """Seconds for all, and of each worker the bytes of memory and the checksum of the matrix."""

    seconds: float
    memory: list[int]
    checksums: list[int]


def run(order: Order, folder: Path) -> Outcome:
    """Have an order carried out by a new interpreter, which nothing was loaded into."""
    file = folder / "order.json"
    file.write_text(json.dumps(asdict(order)), encoding="utf-8")
    return Outcome(**json.loads(run_python(__file__, file)))


def perform(order: Order) -> Outcome:
    """Be the parent."""
    opener = OPENERS[order.opener]
    context = multiprocessing.get_context("fork" if order.how == "fork" else "spawn")
    barrier, answers = context.Barrier(order.workers + 1), context.Queue()
    if order.how != "spawn":
        opener.do_imports()
    start = time.perf_counter()
    opened = None if order.how == "spawn" else opener.open(Path(order.folder))
    workers = [context.Process(target=work, args=(order, opened, barrier, answers)) for _ in range(order.workers)]
    for worker in workers:
        worker.start()
    barrier.wait(PATIENCE)
    seconds = time.perf_counter() - start
    for _ in range(2):
        barrier.wait(PATIENCE)
    found = [answers.get(timeout=PATIENCE) for _ in workers]
    for worker in workers:
        worker.join()
    return Outcome(seconds, [memory for memory, _ in found], [checksum for _, checksum in found])


def work(order: Order, opened: Any, barrier: Barrier, answers: Queue[tuple[int, int]]) -> None:
    """Be a worker."""
    opener = OPENERS[order.opener]
    opener.do_imports()
    tokens = json.loads(Path(order.tokens).read_bytes())
    before = private_memory()
    if opened is None:
        opened = opener.open(Path(order.folder))
    matrix = opener.matrix(opened, tokens)
    barrier.wait(PATIENCE)  # all have their matrix: the clock stops
    checksum = zlib.crc32(memoryview(matrix).cast("B"))
    del matrix
    barrier.wait(PATIENCE)
    memory = private_memory() - before
    barrier.wait(PATIENCE)  # all have looked: pages that two share are private when one is gone
    answers.put((memory, checksum))


def private_memory() -> int:
    """Return the bytes that no other process has, as Linux tells."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(PRIVATE))


if __name__ == "__main__":
    [order_file] = sys.argv[1:]
    print(json.dumps(asdict(perform(Order(**json.loads(Path(order_file).read_bytes()))))))
