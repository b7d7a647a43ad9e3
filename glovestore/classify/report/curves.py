"""Learning curves as numbers for an SVG: where lines, markers, ticks and the best epoch stand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 464, 44, 252  # the rectangle of the plot
MOST_X_TICKS, MOST_Y_TICKS = 10, 6
HALF_MARKER = 3.5
FLAT = 1e-4  # a curve that moves by less, relatively, has marks that would all read the same
GREATEST = 1e100  # nothing is computed with more than that

KINDS = {"train": "training", "valid": "validation"}  # how the history's names start


class Tick(NamedTuple):
    """A line of the grid and its number."""

    at: float
    text: str


class Point(NamedTuple):
    """A number of the history and where it stands."""

    x: float
    y: float
    epoch: int
    value: float


class Line(NamedTuple):
    """One curve: runs of points that are joined. A number that is missing or not finite leaves a gap."""

    kind: str
    name: str
    runs: list[list[Point]]

    @property
    def points(self) -> list[Point]:
        """All points, in order."""
        return [point for run in self.runs for point in run]


class Chart(NamedTuple):
    """A chart of loss or accuracy by epoch. `gaps` names the numbers that are there but not finite."""

    what: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    best: Point | None
    gaps: list[str]

    @property
    def summary(self) -> str:
        """What somebody who does not see the chart should know."""
        parts = [f"{line.name} from {_short(first)} to {_short(last)}" for line, first, last in self._ends()]
        return f"{self.what.capitalize()} by epoch: {'; '.join(parts)}."

    def _ends(self) -> Iterator[tuple[Line, Point, Point]]:
        return ((line, line.points[0], line.points[-1]) for line in self.lines)


def charts(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> list[Chart]:
    """Return the charts of loss and accuracy; one without any finite number is left out."""
    made = (_chart(what, history, best_epoch) for what in ("loss", "accuracy"))
    return [chart for chart in made if chart is not None]


def epoch_of(entry: Mapping[str, Any], position: int) -> int:
    """Return the epoch of an entry of the history; epochs count from 1."""
    return int(entry.get("epoch", position + 1))


def finite(value: Any) -> float | None:
    """Return a number of the history; None where it is missing, NaN, or infinite for all we care."""
    return float(value) if value is not None and abs(value) <= GREATEST else None


def _chart(what: str, history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> Chart | None:
    epochs = [epoch_of(entry, i) for i, entry in enumerate(history)]
    series = {kind: [finite(entry.get(f"{kind}_{what}")) for entry in history] for kind in KINDS}
    values = [value for numbers in series.values() for value in numbers if value is not None]
    if not values:
        return None
    y_marks = nice_marks(min(values + [0.0] * (what == "loss")), max(values), MOST_Y_TICKS)
    x_range, y_range = (epochs[0], epochs[-1]), (y_marks[0], y_marks[-1])

    def x(epoch: float) -> float:
        return _placed(epoch, x_range, LEFT + 12, RIGHT - 12)

    def y(value: float) -> float:
        return _placed(value, y_range, BOTTOM, TOP)

    lines = []
    for kind, numbers in series.items():
        pairs = list(zip(epochs, numbers, strict=True))
        found = [None if value is None else Point(x(e), y(value), e, value) for e, value in pairs]
        if any(found):
            lines.append(Line(kind, KINDS[kind], list(_runs(found))))
    return Chart(
        what,
        lines,
        [Tick(x(epoch), f"{epoch}") for epoch in _epoch_marks(epochs)],
        [Tick(y(mark), _short_number(mark)) for mark in y_marks],
        _best(lines, best_epoch),
        _gaps(what, history),
    )


def nice_marks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` + 1 round numbers at even distances, the first at or below `low`, the last at or above
    `high`; at least two.
    """
    if high - low <= FLAT * max(abs(low), abs(high), 1e-100):  # drawn in the middle
        half = abs(low) / 2 or 0.5
        low, high = low - half, high + half
    step = _nice_step((high - low) / (most - 1))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(first, last + 1)]


def _nice_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is no less than `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _placed(value: float, span: tuple[float, float], start: float, end: float) -> float:
    """Return where a value stands between `start` and `end`, to a hundredth; in the middle if all are the same."""
    low, high = span
    part = (value - low) / (high - low) if high > low else 0.5
    return round(start + part * (end - start), 2)


def _epoch_marks(epochs: Sequence[int]) -> list[int]:
    """Return the epochs that get a number: every one, every second, fifth, tenth, ..., and always the first."""
    step = max(1, math.ceil(_nice_step(len(epochs) / MOST_X_TICKS)))
    return [epoch for epoch in epochs if epoch == epochs[0] or (epoch % step == 0 and epoch - epochs[0] >= step / 2)]


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    for there, group in groupby(points, lambda point: point is not None):
        if there:
            yield [point for point in group if point is not None]


def _best(lines: Sequence[Line], best_epoch: int | None) -> Point | None:
    """Return the point of the best epoch: on the validation curve where there is one."""
    points = [point for line in reversed(lines) for point in line.points if point.epoch == best_epoch]
    return points[0] if points else None


def _gaps(what: str, history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the numbers that are NaN or infinite. One that is not there at all needs no mention."""
    return [
        f"{name} {what} of epoch {epoch_of(entry, i)}: {entry[key]}"
        for kind, name in KINDS.items()
        for i, entry in enumerate(history)
        if entry.get(key := f"{kind}_{what}") is not None and finite(entry[key]) is None
    ]


def _short(point: Point) -> str:
    return f"{point.value:.3f} (epoch {point.epoch})"


def _short_number(mark: float) -> str:
    return f"{mark + 0.0:.6g}"
