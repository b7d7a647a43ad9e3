"""One measurement: a function timed by pytest-benchmark, its result checked, and a row of the table made of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import processes
import pytest
from loaders import Loader
from processes import Job
from pytest_benchmark.fixture import BenchmarkFixture
from table import Row


@dataclass(frozen=True)
class Task:
    """What all benchmarks of a group do: the work and the vectors of one call, and the unit of its rate (table.Row)."""

    group: str
    work: float = 0.0
    unit: str = ""
    vectors: int = 0


class ReportedClock:
    """A clock for pytest-benchmark that stands still but for the seconds that somebody else measured."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds

    def read(self) -> float:
        """Return the time: the `timer` of a benchmark."""
        return self.seconds


PROCESS_CLOCK = ReportedClock()
in_a_process = pytest.mark.benchmark(timer=PROCESS_CLOCK.read)  # for times that another process measured


@dataclass(frozen=True)
class Measure:
    """Times functions for the table. A fixture: one call of it in a test."""

    benchmark: BenchmarkFixture
    rows: list[Row]
    left_out: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self,
        task: Task,
        what: str,
        function: Callable[..., Any],
        check: Callable[[Any], str | None],
        *,
        rounds: int,
        warmup_rounds: int = 1,
        iterations: int = 1,
        setup: Callable[[], Any] | None = None,
        baseline: bool = False,
    ) -> None:
        """Time `function`, then let `check` look at what it returned last: it raises, or returns a note for the table.

        `setup` runs before each round, untimed, and returns the (args, kwargs) of the call. The group's other rows are
        compared with its `baseline`.
        """
        gc.collect()  # no peer pays for what the one before it left behind
        self.benchmark.group = task.group
        self.benchmark.extra_info.update(description(task, what), baseline=baseline)
        result = self.benchmark.pedantic(
            function, setup=setup, rounds=rounds, warmup_rounds=warmup_rounds, iterations=iterations
        )
        self.benchmark.extra_info["note"] = check(result) or ""
        self._keep()

    def load(
        self,
        task: Task,
        loader: Loader,
        job: Job,
        *,
        what: str = "",
        baseline: bool = False,
        environment: Mapping[str, str] | None = None,
        labels: Mapping[str, Any] | None = None,
    ) -> None:
        """Time a load in a process of its own, which warms up, measures its memory and checks the result as well.

        The test needs the mark `in_a_process`. `labels` say what the load is in a plot.
        """
        if loader.package:
            pytest.importorskip(loader.package)
        rounds, warmup_rounds = (1, 0) if self.benchmark.disabled else (loader.rounds, loader.warmup_rounds)
        outcome = processes.run(replace(job, rounds=rounds, warmup_rounds=warmup_rounds), environment)
        self.benchmark.extra_info.update(memory=outcome.memory, labels=labels or {})
        seconds = iter(outcome.seconds)
        self(
            task,
            what or loader.name,
            lambda: PROCESS_CLOCK.advance(next(seconds)),
            lambda _: outcome.note,
            rounds=rounds,
            warmup_rounds=0,
            baseline=baseline,
        )

    def leave_out(self, task: Task, what: str, reason: str, labels: Mapping[str, Any]) -> None:
        """Keep a row of the table, and a word in the plot, for what takes too long to be run; skip the test."""
        info = description(task, what) | {"note": f"left out {reason}", "labels": labels}
        self.left_out.append({"group": task.group, "extra_info": info, "stats": {"median": None, "rounds": 0}})
        pytest.skip(f"left out {reason}")

    def _keep(self) -> None:
        if self.benchmark.stats is None:  # --benchmark-disable
            return
        stats = {"median": self.benchmark.stats["median"], "rounds": self.benchmark.stats["rounds"]}
        entry = {"group": self.benchmark.group, "extra_info": self.benchmark.extra_info, "stats": stats}
        self.rows.append(Row.from_json(entry))


def description(task: Task, what: str) -> dict[str, Any]:
    """Return what a row of the table says about a benchmark, but for its time."""
    return {
        "what": what,
        "work": task.work,
        "unit": task.unit,
        "vectors": task.vectors,
        "baseline": False,
        "note": "",
    }
