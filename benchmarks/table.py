"""One table of one run: what, its time, its rate, its memory, and how many times as long as the baseline it takes.

Printed after every run; as a script, made again from pytest-benchmark's JSON. The table is Markdown, for the README.

    python benchmarks/table.py .benchmarks/latest.json
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

HEAD = ("what", "time", "rate", "rows/s", "memory", "ratio", "notes")
OPTIONAL = {"rows/s", "memory"}  # left out where nobody has any


@dataclass(frozen=True)
class Row:
    """One benchmark: the median time of a call in seconds, and the work it did, in whatever `unit` speaks of.

    A unit "THINGS/s" is work / time; "ns/THING" is time / work. Ratios are to the group's baseline. `vectors` are rows
    of vectors that a call reads, `memory` is in bytes, above that of a process that only imports. What was left out
    has the time NaN.
    """

    group: str
    what: str
    seconds: float
    rounds: int
    work: float
    unit: str
    baseline: bool
    note: str
    vectors: int = 0
    memory: float | None = None

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """Make a row from an entry of pytest-benchmark's JSON."""
        info, stats = entry["extra_info"], entry["stats"]
        return cls(
            group=entry["group"],
            what=info["what"],
            seconds=math.nan if stats["median"] is None else stats["median"],
            rounds=stats["rounds"],
            work=info["work"],
            unit=info["unit"],
            baseline=info["baseline"],
            note=info["note"],
            vectors=info["vectors"],
            memory=info.get("memory"),
        )

    @property
    def left_out(self) -> bool:
        """Whether it was not run."""
        return math.isnan(self.seconds)

    @property
    def rate(self) -> str:
        """The rate with its unit; nothing where there is none."""
        if not self.unit or self.left_out:
            return ""
        value = self.work / self.seconds if self.unit.endswith("/s") else self.seconds * 1e9 / self.work
        return f"{significant(value)} {self.unit}"

    @property
    def vectors_rate(self) -> str:
        """Rows of vectors a second; nothing where there are none."""
        return f"{significant(self.vectors / self.seconds / 1e6)} M" if self.vectors and not self.left_out else ""

    @property
    def cells(self) -> dict[str, str]:
        """The columns of the table but for the ratio, which needs the other rows."""
        return {
            "what": self.what,
            "time": duration(self.seconds),
            "rate": self.rate,
            "rows/s": self.vectors_rate,
            "memory": megabytes(self.memory),
            "notes": self.notes,
        }

    @property
    def notes(self) -> str:
        """How many rounds the time is the median of, and what the check had to say."""
        if self.left_out:
            return self.note
        rounds = "one round" if self.rounds == 1 else f"median of {self.rounds}"
        return f"{rounds}; {self.note}" if self.note else rounds


def significant(value: float) -> str:
    """Return three significant digits, and all digits before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    decimals = 1 if value >= 10 else 2
    return f"{value:.{decimals}f}"


def megabytes(nbytes: float | None) -> str:
    """Return an amount of memory in whole MB, with a decimal where there are few; nothing for none."""
    if nbytes is None:
        return ""
    return f"{nbytes / 1e6:,.{0 if nbytes >= 1e7 else 1}f} MB"


def duration(seconds: float) -> str:
    """Return a time in the unit that leaves it above 1; nothing for no time."""
    if math.isnan(seconds):
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{significant(seconds / scale)} {unit}"
    return f"{significant(seconds * 1e9)} ns"


def ratio(row: Row, rows: Iterable[Row]) -> str:
    """Return how many times as long as its group's baseline a row takes; nothing if the baseline was not run."""
    baseline = next((other for other in rows if other.baseline and other.group == row.group), None)
    return f"{significant(row.seconds / baseline.seconds)} x" if baseline and not row.left_out else ""


def render(rows: Sequence[Row]) -> str:
    """Return the table, one section a group, as Markdown that is aligned for plain reading as well."""
    cells = [row.cells | {"ratio": ratio(row, rows)} for row in rows]
    head = [name for name in HEAD if name not in OPTIONAL or any(line[name] for line in cells)]
    lines: list[Sequence[str]] = [head]
    for group in dict.fromkeys(row.group for row in rows):
        lines.append((f"**{group}**", *[""] * (len(head) - 1)))
        lines += [[line[name] for name in head] for row, line in zip(rows, cells, strict=True) if row.group == group]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    aligned = [_aligned(line, widths) for line in lines]
    rule = "|".join(
        "-" * (width + 1) + (":" if 0 < column < len(head) - 1 else "-") for column, width in enumerate(widths)
    )
    return "\n".join([aligned[0], f"|{rule}|", *aligned[1:]])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures, last = (f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
    return f"| {line[0]:<{len(first)}} | {' | '.join(figures)} | {line[-1]:<{len(last)}} |"


def main(path: str) -> None:
    """Print the table of a JSON file and, below it, where it was measured."""
    results = json.loads(Path(path).read_bytes())
    print(render([Row.from_json(entry) for entry in results["benchmarks"] + results["left_out"]]))
    print(f"\n{results['machine_info']['glovestore']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
