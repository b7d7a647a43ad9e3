"""One table of what the tests ran: lines and branches of the Python package, lines of the native core.

    python tests/coverage_table.py PYTHON.json NATIVE.json --least PERCENT

of `coverage json` and `gcovr --json`. Files that were run whole are left out. Exit code 1 if less than PERCENT of the
package's lines, of its branches or of the core's lines were run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """A file, or all of them: lines and branches that there are, those that were run, and the lines that were not."""

    name: str
    lines: int
    lines_run: int
    branches: int = 0
    branches_run: int = 0
    missing: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        return (self.lines, self.branches) == (self.lines_run, self.branches_run)

    def cells(self) -> list[str]:
        """Return the row's cells as text."""
        shares = [share(self.lines_run, self.lines), share(self.branches_run, self.branches)]
        return [self.name, *(f"{value:.2f} %" if value is not None else "" for value in shares), spans(self.missing)]


def share(part: int, whole: int) -> float | None:
    """Return how many percent a part is; None of nothing."""
    return 100 * part / whole if whole else None


def spans(numbers: Iterable[int]) -> str:
    """Write ascending numbers down, those that follow each other as first-last."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def python_rows(report: dict[str, Any]) -> Iterator[Row]:
    """Yield the files of a report by coverage.py. A line that was left in some directions only counts as missing."""
    for name, file in report["files"].items():
        found = file["summary"]
        partial = {abs(start) for start, _ in file["missing_branches"]}
        yield Row(
            name,
            found["num_statements"],
            found["covered_lines"],
            found["num_branches"],
            found["covered_branches"],
            tuple(sorted(partial | {*file["missing_lines"]})),
        )


def native_rows(report: dict[str, Any]) -> Iterator[Row]:
    """Yield the files of a report by gcovr, by their names in ext/: Cython compiles copies of the headers.

    A line of a template stands there once for each instance.
    """
    times: dict[str, Counter[int]] = defaultdict(Counter)
    for file in report["files"]:
        for line in file["lines"]:
            times[f"ext/{Path(file['file']).name}"][line["line_number"]] += line["count"]
    for name, counts in sorted(times.items()):
        missing = tuple(sorted(number for number, count in counts.items() if not count))
        yield Row(name, len(counts), len(counts) - len(missing), missing=missing)


def total(name: str, rows: Iterable[Row]) -> Row:
    """Return the sum of rows."""
    sums = [(row.lines, row.lines_run, row.branches, row.branches_run) for row in rows]
    return Row(name, *map(sum, zip(*sums, strict=True)))


def table(rows: Iterable[Row]) -> str:
    """Draw rows, the columns below each other."""
    cells = [["file", "lines", "branches", "not run, or not in each direction"], *(row.cells() for row in rows)]
    first, *rest = (max(map(len, column)) for column in list(zip(*cells, strict=True))[:-1])
    return "\n".join(
        f"{name:{first}}  {lines:>{rest[0]}}  {branches:>{rest[1]}}  {missing}".rstrip()
        for name, lines, branches, missing in cells
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", type=Path)
    parser.add_argument("native", type=Path)
    parser.add_argument("--least", type=float, required=True)
    options = parser.parse_args(arguments)
    python = list(python_rows(json.loads(options.python.read_text())))
    native = list(native_rows(json.loads(options.native.read_text())))
    if not native:
        raise SystemExit("expected counts of the native core, got none")
    totals = [total("the package, Python", python), total("the core, C++", native)]
    print(table([*(row for row in python + native if not row.whole), *totals]))
    parts = [(row.lines_run, row.lines) for row in totals] + [(row.branches_run, row.branches) for row in totals]
    short = [value for value in (share(*part) for part in parts) if value is not None and value < options.least]
    if short:
        print(f"expected at least {options.least:g} %, got {min(short):.2f} %", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
