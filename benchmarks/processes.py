"""A load in a process of its own: warmed up, timed, its memory measured, its result checked there.

So no rival inherits what the one before it left in memory, each can have an environment of its own, and its peak of
memory can be told.

    python benchmarks/processes.py JOB.json OUTCOME.json
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from fasttext_peers import FASTTEXT_PEERS
from loaders import Expected
from ours import FROM_PIPE, GLOVESTORE, INFLATE, READ, READ_AND_WRITE
from peers import TEXT_PEERS, WANTED_PEERS, WORD2VEC_PEERS

import glovestore

OURS = (GLOVESTORE, FROM_PIPE, READ, READ_AND_WRITE, INFLATE)
LOADERS = {loader.name: loader for loader in (*OURS, *TEXT_PEERS, *WANTED_PEERS, *FASTTEXT_PEERS, *WORD2VEC_PEERS)}


@dataclass(frozen=True)
class Job:
    """What to run: a loader by its name, on a source, and the checked store that the result has to agree with.

    `rows` are the store's rows that the result has; None: all. What the
    loader writes goes into `folder`, one file at a time.
    """

    loader: str
    source: str
    store: str
    folder: str
    options: Mapping[str, Any] = field(default_factory=dict)
    rows: list[int] | None = None
    rounds: int = 1
    warmup_rounds: int = 0


@dataclass(frozen=True)
class Outcome:
    """The seconds of each round, the peak of memory of the first one in bytes, and a note.

    The memory counts from what the process had after its imports. None where the system does not tell.
    """

    seconds: list[float]
    memory: int | None
    note: str


def run(job: Job, environment: Mapping[str, str] | None = None) -> Outcome:
    """Do a job in a new interpreter."""
    order, answer = Path(job.folder, "job.json"), Path(job.folder, "outcome.json")
    order.write_text(json.dumps(asdict(job)), encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    command = [sys.executable, __file__, str(order), str(answer)]
    done = subprocess.run(command, env={**variables, **(environment or {})}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{job.loader}: expected an outcome from its process, got\n{done.stderr}")
    return Outcome(**json.loads(answer.read_bytes()))


def perform(job: Job) -> Outcome:
    """Be the process that does a job."""
    loader = LOADERS[job.loader]
    import_module(loader.module)
    before = peak_memory()
    seconds, memory, result = [], None, None
    for number in range(job.warmup_rounds + job.rounds):
        result = None  # one result at a time
        arguments = dict(job.options)
        if loader.writes:
            arguments["target"] = new_target(Path(job.folder), number)
        gc.collect()
        start = time.perf_counter()
        result = loader.load(Path(job.source), **arguments)
        seconds.append(time.perf_counter() - start)
        if number == 0 and before is not None:
            memory = (peak_memory() or 0) - before
    return Outcome(seconds[job.warmup_rounds :], memory, check(job, result))


def new_target(folder: Path, number: int) -> Path:
    """Return a new name in the folder, after the file of the last round is gone."""
    for old in folder.glob("*.h5"):
        old.unlink()
    return folder / f"{number}.h5"


def check(job: Job, result: Any) -> str:
    """Check a result against the store; return a note."""
    with glovestore.open(job.store) as store:
        rows = np.arange(len(store)) if job.rows is None else np.array(job.rows, np.int64)
        return LOADERS[job.loader].check(result, Expected(Path(job.source), store, rows))


def peak_memory() -> int | None:
    """Return the most memory that this process ever had, in bytes; mapped files count where they were touched.

    Not ru_maxrss, which a process inherits from the one that started it.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) * 1024 if peaks else None


def main(order: str, answer: str) -> None:
    """Do the job of a file, and leave the outcome in another."""
    outcome = perform(Job(**json.loads(Path(order).read_bytes())))
    Path(answer).write_text(json.dumps(asdict(outcome)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
