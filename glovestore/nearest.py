"""Exact nearest rows by cosine: every row is looked at, in blocks, with the stored norms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMALL, LARGE = 1e-30, 1e30  # norms between which no product of float32 leaves their range
BLOCK_ROWS = 16384  # with 100 queries: 6.5 MB of scores at a time


def nearest_rows(
    vectors: NDArray[np.float32],
    norms: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    left_out: list[list[int]],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and cosines, each (q, min(k, n)), best first; of equal cosines the lower row comes first.

    queries: (q, dim) float32. left_out: for each query the rows that must not be found; where fewer than k are left,
    the cosine is -inf. A vector of norm 0 has cosine 0 with everything.
    """
    count = min(k, len(vectors))
    rows = np.zeros((len(queries), 0), np.int64)
    cosines = np.zeros((len(queries), 0), np.float32)
    directions = _unit(queries)
    for first in range(0, len(vectors), BLOCK_ROWS):
        block = slice(first, first + BLOCK_ROWS)
        scores = _cosines(directions, vectors[block], norms[block])
        for query, banned in enumerate(left_out):
            inside = [row - first for row in banned if first <= row < first + BLOCK_ROWS]
            scores[query, inside] = -np.inf
        here = np.broadcast_to(np.arange(first, first + scores.shape[1]), scores.shape)
        rows, cosines = _best(np.concatenate([rows, here], 1), np.concatenate([cosines, scores], 1), count)
    return rows, cosines


def _cosines(
    directions: NDArray[np.float32], vectors: NDArray[np.float32], norms: NDArray[np.float32]
) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        scores = directions @ vectors.T
        scores *= _inverse(norms)
    # Where float32 over- or underflows on the way, again in float64.
    extreme = np.flatnonzero((norms > 0) & ~((norms > SMALL) & (norms < LARGE)))
    if len(extreme):
        scores[:, extreme] = directions @ _unit(vectors[extreme]).T
    return scores


def _best(
    rows: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Keep the k best of each line. Columns are in order of rows among equals, so a stable sort breaks ties by row."""
    if scores.shape[1] > k:
        worst = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
        # All that may belong to the k best, ties with the worst of them included: few, and then sorted exactly.
        columns = [np.flatnonzero(line >= bound) for line, bound in zip(scores, worst, strict=True)]
    else:
        columns = [np.arange(scores.shape[1]) for _ in scores]
    chosen = [
        candidates[np.lexsort((own[candidates], -line[candidates]))][:k]
        for candidates, line, own in zip(columns, scores, rows, strict=True)
    ]
    picked = np.stack(chosen) if chosen else np.zeros((0, min(k, scores.shape[1])), np.int64)
    return np.take_along_axis(rows, picked, 1), np.take_along_axis(scores, picked, 1)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    exact = vectors.astype(np.float64)
    norms = np.sqrt(np.einsum("qd,qd->q", exact, exact))
    return (exact * _inverse(norms)[:, None]).astype(np.float32)


def _inverse(norms: NDArray[np.floating]) -> NDArray[np.floating]:
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(norms > 0, 1 / norms, norms.dtype.type(0))
