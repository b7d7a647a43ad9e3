"""The confusion matrix as cells with a shade, labels that fit, and the pairs that are confused most."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SHADES = 9
MOST_CLASSES = 100  # a browser is slow with more than 10,000 cells
MOST_PAIRS = 10
COLUMN_LABEL = 16  # characters
ROW_LABEL = 28


class Name(NamedTuple):
    """A label, and a form of it that fits a table's side."""

    full: str
    short: str


class Cell(NamedTuple):
    """How many texts of a row's class were taken for a column's. `shade` 0 is none of them, SHADES all."""

    texts: int
    shade: int
    is_right: bool


class Row(NamedTuple):
    """A class and what its texts were taken for."""

    name: Name
    cells: list[Cell]
    total: int


class Pair(NamedTuple):
    """A class and another one that some of its texts were taken for."""

    true: str
    predicted: str
    texts: int
    total: int


class Matrix(NamedTuple):
    """The table: `hidden` says how many classes are left out because there are too many."""

    columns: list[Name]
    rows: list[Row]
    totals: list[int]
    hidden: int


def matrix(confusion: NDArray[np.int64], labels: Sequence[str]) -> Matrix:
    """Return the table of a confusion matrix (true, predicted).

    Of more than MOST_CLASSES classes those that take part in most mistakes are shown, in the order of the classes.
    """
    kept = _kept(confusion)
    short = short_labels(labels, COLUMN_LABEL), short_labels(labels, ROW_LABEL)
    sent, got = confusion.sum(axis=1), confusion.sum(axis=0)
    rows = [Row(Name(labels[i], short[1][i]), _cells(confusion[i], i, kept), int(sent[i])) for i in kept]
    columns = [Name(labels[i], short[0][i]) for i in kept]
    return Matrix(columns, rows, [int(got[i]) for i in kept], len(labels) - len(kept))


def confused_pairs(confusion: NDArray[np.int64], labels: Sequence[str]) -> list[Pair]:
    """Return the most frequent confusions, of equals the one of the first class first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    places = [divmod(int(i), len(labels)) for i in order if wrong.flat[i]]
    return [Pair(labels[i], labels[j], int(wrong[i, j]), int(confusion[i].sum())) for i, j in places]


def short_labels(labels: Sequence[str], most: int) -> list[str]:
    """Return labels of at most `most` characters, cut in their middle; those that this makes equal get a number."""
    cut = [_cut(label, most) for label in labels]
    times = Counter(cut)
    return [
        _cut(label, most - len(number)) + number if times[form] > 1 and form != label else form
        for label, form, number in zip(labels, cut, (f" ({i})" for i in range(1, len(labels) + 1)), strict=True)
    ]


def shade(count: int, total: int) -> int:
    """Return the shade of a part of a row: SHADES steps over the square root of the share, so that few are seen."""
    return math.ceil(SHADES * math.sqrt(count / total)) if count else 0


def _cut(label: str, most: int) -> str:
    if len(label) <= most:
        return label
    tail = (most - 1) // 2
    return f"{label[: most - 1 - tail]}…{label[len(label) - tail :]}"


def _kept(confusion: NDArray[np.int64]) -> list[int]:
    size = len(confusion)
    if size <= MOST_CLASSES:
        return list(range(size))
    mistakes = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * confusion.diagonal()
    return sorted(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES].tolist())


def _cells(row: NDArray[np.int64], true: int, kept: Sequence[int]) -> list[Cell]:
    total = int(row.sum())
    return [Cell(int(row[j]), shade(int(row[j]), total), j == true) for j in kept]
