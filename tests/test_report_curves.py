"""Learning curves: what is drawn is what the history says, and odd histories have a chart too."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import HISTORY

from glovestore.classify.report import curves
from glovestore.classify.report.curves import Chart, charts, nice_marks

NUMBERS = st.floats(-1e100, 1e100)


def read_back(chart: Chart, y: float) -> float:
    """Return the value at a height, by the chart's own first and last mark."""
    first, last = chart.y_ticks[0], chart.y_ticks[-1]
    low, high = float(first.text), float(last.text)
    return low + (first.at - y) / (first.at - last.at) * (high - low)


def test_points_stand_where_the_ticks_say() -> None:
    loss, accuracy = charts(HISTORY, 2)
    for chart, keys in ((loss, ("train_loss", "valid_loss")), (accuracy, ("train_accuracy", "valid_accuracy"))):
        assert [line.kind for line in chart.lines] == ["train", "valid"]
        for line, key in zip(chart.lines, keys, strict=True):
            assert [point.value for point in line.points] == [entry[key] for entry in HISTORY]
            at = {tick.text: tick.at for tick in chart.x_ticks}
            assert [point.x for point in line.points] == [at[str(entry["epoch"])] for entry in HISTORY]
            assert [read_back(chart, point.y) for point in line.points] == pytest.approx(
                [entry[key] for entry in HISTORY], abs=0.01
            )
    assert loss.best and accuracy.best
    assert (loss.best.epoch, loss.best.value) == (2, 1.0)
    assert (accuracy.best.epoch, accuracy.best.value) == (2, 0.625)
    assert loss.y_ticks[0].text == "0"


@given(st.lists(st.one_of(st.none(), NUMBERS, st.sampled_from([math.nan, math.inf, -1e200])), min_size=1, max_size=40))
def test_every_finite_number_is_drawn_inside_and_in_its_order(values: list[float | None]) -> None:
    history = [{"epoch": i + 1, "train_loss": value} for i, value in enumerate(values)]
    finite = [value for value in values if value is not None and abs(value) <= 1e100]
    made = charts(history, None)
    if not finite:
        assert made == []
        return
    (chart,) = made
    (line,) = chart.lines
    assert [point.value for point in line.points] == finite
    assert sum(len(run) for run in line.runs) == len(finite)
    for run in line.runs:
        assert [point.epoch for point in run] == list(range(run[0].epoch, run[-1].epoch + 1))
    for point in line.points:
        assert curves.LEFT <= point.x <= curves.RIGHT
        assert curves.TOP <= point.y <= curves.BOTTOM
    heights = [point.y for point in sorted(line.points, key=lambda point: point.value)]
    assert heights == sorted(heights, reverse=True)
    assert len(chart.gaps) == sum(value is not None for value in values) - len(finite)


@given(NUMBERS, NUMBERS, st.integers(2, 12))
def test_marks_are_few_round_and_go_beyond_both_ends(a: float, b: float, most: int) -> None:
    low, high = min(a, b), max(a, b)
    marks = nice_marks(low, high, most)
    step = marks[1] - marks[0]
    slack = 1e-6 * step
    assert 2 <= len(marks) <= most + 1
    assert marks[0] <= low + slack
    assert marks[-1] >= high - slack
    assert [b - a for a, b in pairwise(marks)] == pytest.approx([step] * (len(marks) - 1))
    digits = f"{step:.6e}".partition("e")[0]
    assert float(digits) in (1.0, 2.0, 5.0)


def test_a_flat_curve_is_in_the_middle() -> None:
    (chart,) = charts([{"epoch": 1, "train_accuracy": 1.0}, {"epoch": 2, "train_accuracy": 1.0}], None)
    (line,) = chart.lines
    assert all(curves.TOP < point.y < curves.BOTTOM for point in line.points)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (10, list(range(1, 11))),
        (12, [1, 2, 4, 6, 8, 10, 12]),
        (100, [1, *range(10, 101, 10)]),
    ],
)
def test_epochs_that_get_a_number(epochs: int, expected: list[int]) -> None:
    (chart,) = charts([{"epoch": i + 1, "train_loss": 1.0 / (i + 1)} for i in range(epochs)], None)
    assert [int(tick.text) for tick in chart.x_ticks] == expected


def test_one_epoch_is_a_point_in_the_middle() -> None:
    loss, _ = charts(HISTORY[:1], 1)
    assert [len(line.points) for line in loss.lines] == [1, 1]
    assert loss.lines[0].points[0].x == (curves.LEFT + curves.RIGHT) / 2
    assert loss.best == loss.lines[1].points[0]


def test_a_loss_that_is_not_finite_leaves_a_gap_that_is_named() -> None:
    losses: list[Any] = [1.0, 0.5, math.nan, 0.25, -math.inf]
    loss, _ = charts([{"train_loss": value, "valid_accuracy": 0.5} for value in losses], 3)
    assert [[point.value for point in run] for run in loss.lines[0].runs] == [[1.0, 0.5], [0.25]]
    assert loss.gaps == ["training loss of epoch 3: nan", "training loss of epoch 5: -inf"]
    assert loss.best is None


def test_without_validation_there_is_one_curve_and_the_best_epoch_is_on_it() -> None:
    history = [{"epoch": 1, "train_loss": 2.0, "valid_loss": None}, {"epoch": 2, "train_loss": 1.0}]
    (loss,) = charts(history, 2)
    assert [line.kind for line in loss.lines] == ["train"]
    assert loss.best == loss.lines[0].points[1]
    assert loss.summary == "Loss by epoch: training from 2.000 (epoch 1) to 1.000 (epoch 2)."


def test_no_history_no_charts() -> None:
    assert charts([], None) == []
    assert charts([{"epoch": 1}], 1) == []
