"""Look a vocabulary up: the row of every token, by a fallback if need be, and the coverage. Knows no vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glovestore.matrix.coverage import Coverage
from glovestore.matrix.fallbacks import Fallback, apply_fallbacks
from glovestore.matrix.positions import ResolvedVocab
from glovestore.matrix.vectors import Find
from glovestore.tokens import as_text


def look_up(resolved: ResolvedVocab, find: Find, rules: Sequence[Fallback]) -> tuple[NDArray[np.int64], Coverage]:
    """Return the row of every token, by a fallback if need be, -1 for missing ones and for padding."""
    rows = find(resolved.tokens)
    padding = resolved.number_of(resolved.padding_idx)
    if padding is not None:
        rows[padding] = -1  # zero even if the source has that token
    inexact = missing_numbers(resolved, rows)
    tokens = [resolved.tokens[i] for i in inexact.tolist()]
    names = [None if token is None else as_text(token) for token in tokens]
    rows[inexact], by_rule = apply_fallbacks(rules, find, names)
    left = tuple(name or "" for name, row in zip(names, rows[inexact].tolist(), strict=True) if row < 0)
    total = len(resolved.tokens) - len(resolved.uncounted_numbers())
    return rows, Coverage(total, total - len(names), by_rule, len(left), left, *_occurrences(resolved, rows))


def missing_numbers(resolved: ResolvedVocab, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the counted tokens without a row, by position: a mapping may come in any order."""
    missing = np.flatnonzero(rows < 0)
    if resolved.indices is not None:
        missing = missing[np.argsort(resolved.indices[missing])]
    for number in resolved.uncounted_numbers():  # two at most; np.isin would import numpy.ma, 10 ms
        missing = missing[missing != number]
    return missing


def _occurrences(resolved: ResolvedVocab, rows: NDArray[np.int64]) -> tuple[int, int] | tuple[None, None]:
    """Return how often the counted tokens stand in texts, and how often those of them that were found."""
    if resolved.counts is None:
        return None, None
    counts = resolved.counts.copy()
    counts[resolved.uncounted_numbers()] = 0
    return int(counts.sum()), int(counts[rows >= 0].sum())
