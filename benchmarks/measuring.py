"""One measurement: a function timed by pytest-benchmark, its result checked, and a row of the table made of it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture
from table import Row


@dataclass(frozen=True)
class Task:
    """What all benchmarks of a group do: the work of one call, and the unit of its rate (see table.Row)."""

    group: str
    work: float = 0.0
    unit: str = ""


@dataclass(frozen=True)
class Measure:
    """Times functions for the table. A fixture: one call of it in a test."""

    benchmark: BenchmarkFixture
    rows: list[Row]

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
        info = {"what": what, "work": task.work, "unit": task.unit, "baseline": baseline, "note": ""}
        self.benchmark.group = task.group
        self.benchmark.extra_info.update(info)
        result = self.benchmark.pedantic(
            function, setup=setup, rounds=rounds, warmup_rounds=warmup_rounds, iterations=iterations
        )
        self.benchmark.extra_info["note"] = check(result) or ""
        self._keep()

    def _keep(self) -> None:
        if self.benchmark.stats is None:  # --benchmark-disable
            return
        stats = {"median": self.benchmark.stats["median"], "rounds": self.benchmark.stats["rounds"]}
        entry = {"group": self.benchmark.group, "extra_info": self.benchmark.extra_info, "stats": stats}
        self.rows.append(Row.from_json(entry))


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
