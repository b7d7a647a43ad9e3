"""Exact nearest rows by cosine: every row is looked at, in the core, with the stored norms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.matrix.positions import resolve_vocab
from glovestore.matrix.vectors import Find, take_rows
from glovestore.simd import chosen_tier
from glovestore.threads import worker_threads

Neighbours = list[tuple[str, float]]  # (token, cosine), best first

THREAD_WORK = 1_000_000  # multiplications that are worth the start of a thread
BATCH = 1024  # queries: of 100 dims 400 KB, which stay in the L2 cache beside a few rows


@dataclass(frozen=True, eq=False)
class Search:
    """A search for the k nearest of some rows.

    vectors (n, dim) are those of a store, or float32 and C-contiguous, as norms (n,) are; `tokens[row]` is a row's
    token. rows: int64, ascending, those that may be found; None for all.
    """

    vectors: NDArray[np.float32] | _core.StoredVectors
    norms: NDArray[np.float32]
    tokens: Sequence[str]
    k: int
    rows: NDArray[np.int64] | None

    def near_rows(self, rows: NDArray[np.int64]) -> list[Neighbours]:
        """Return what is nearest to each of these rows, itself left out."""
        return self._near(take_rows(self.vectors, rows), rows)

    def near_vectors(self, query: NDArray[Any]) -> Any:
        """Return what is nearest to a vector (dim,), or a list of that for vectors (q, dim)."""
        dim = self.vectors.shape[1]
        if query.ndim not in (1, 2) or query.shape[-1] != dim:
            raise ValueError(f"expected queries of shape ({dim},) or (q, {dim}), got {query.shape}")
        with np.errstate(over="ignore"):
            queries = np.ascontiguousarray(np.atleast_2d(query), np.float32)
        if not np.isfinite(queries).all():
            raise ValueError("expected finite queries, got infinity or NaN")
        found = self._near(queries, np.full(len(queries), -1, np.int64))
        return found[0] if query.ndim == 1 else found

    def _near(self, queries: NDArray[np.float32], left_out: NDArray[np.int64]) -> list[Neighbours]:
        found = []
        for first in range(0, len(queries), BATCH):
            batch = slice(first, first + BATCH)
            lines = nearest_rows(self.vectors, self.norms, queries[batch], self.k, left_out[batch], self.rows)
            found += [[(self.tokens[row], cosine) for row, cosine in zip(*line, strict=True)] for line in lines]
        return found


def nearest_rows(
    vectors: NDArray[np.float32] | _core.StoredVectors,
    norms: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    left_out: NDArray[np.int64],
    rows: NDArray[np.int64] | None = None,
    *,
    threads: int | None = None,
    tier: str | None = None,
) -> list[tuple[list[int], list[float]]]:
    """Return for each query (q, dim) up to k rows and their cosines, best first; of equal cosines the lower row first.

    left_out: for each query a row that is not to be found, or -1. rows: as in `Search`. A cosine is computed in
    float64 and rounded to float32; with a vector of norm 0 it is 0. Neither tier (default: as for a build) nor
    threads (default: one a core, as far as there is work) change anything in it.
    """
    candidates = vectors.shape[0] if rows is None else len(rows)
    found = np.empty((len(queries), min(k, candidates)), np.int64)
    cosines, counts = np.empty(found.shape, np.float32), np.empty(len(queries), np.int64)
    if threads is None:
        work = candidates * queries.size // THREAD_WORK
        threads = 1 if work < 2 else min(worker_threads(), work)
    tier = chosen_tier() if tier is None else tier
    _core.find_nearest(vectors, norms, queries, left_out, rows, found, cosines, counts, threads, tier)
    return [
        (found[query, :count].tolist(), cosines[query, :count].tolist()) for query, count in enumerate(counts.tolist())
    ]


def rows_allowed(restrict_to: Any, find: Find, n: int) -> NDArray[np.int64] | None:
    """Return the rows that the argument `restrict_to` names, ascending, each once; None for all n.

    It is an array or a sequence of rows, or a vocabulary of any kind that makes a matrix, or a set of tokens: then
    tokens without a row are passed over, and so is a vocabulary's padding.
    """
    if restrict_to is None:
        return None
    named = _given_rows(restrict_to, n)
    if named is None:
        named = _rows_of_vocab(restrict_to, find)
    wanted = np.zeros(n, np.bool_)  # np.unique would import numpy.ma, 10 ms
    wanted[named] = True
    return np.flatnonzero(wanted)


def _given_rows(restrict_to: Any, n: int) -> NDArray[Any] | None:
    """Return the rows of an array or a sequence of rows, all of them below n; None if it is a vocabulary."""
    if isinstance(restrict_to, np.ndarray):
        rows, is_vocab = restrict_to, restrict_to.dtype.kind in "OSTU"
    elif isinstance(restrict_to, (list, tuple, range)):
        is_vocab = len(restrict_to) > 0 and not isinstance(restrict_to[0], (int, np.integer))
        rows = np.empty(0, np.int64) if is_vocab else np.asarray(restrict_to)
    else:
        return None
    if is_vocab:
        return None
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise TypeError(
            f"restrict_to: expected whole numbers of one dimension, or tokens; got {rows.dtype} of shape {rows.shape}"
        )
    outside = np.flatnonzero((rows < 0) | (rows >= n))
    if outside.size:
        row = rows[outside[0]]
        hint = " (an absent token's)" if row == -1 else ""
        raise IndexError(f"restrict_to[{outside[0]}]: expected a row from 0 to {n - 1}, got {row}{hint}")
    return rows.astype(np.int64)


def _rows_of_vocab(vocab: Any, find: Find) -> NDArray[np.int64]:
    try:
        resolved = resolve_vocab(list(vocab) if isinstance(vocab, (set, frozenset)) else vocab)
    except (TypeError, ValueError) as error:
        raise type(error)(f"restrict_to: expected rows or a vocabulary; as a vocabulary, {error}") from error
    rows = find(resolved.tokens)
    padding = resolved.number_of(resolved.padding_idx)
    if padding is not None:
        rows[padding] = -1
    return rows[rows >= 0]
