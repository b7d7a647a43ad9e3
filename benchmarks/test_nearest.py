"""The nearest tokens of one query and of many, beside libraries that hold all vectors in memory.

All are exact and look at every row. The peers' vectors of length 1 are made beforehand, untimed; a store has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

K = 10
COUNTS = (1, 100)
Neighbours = list[list[tuple[str, float]]]
Queries = list[str]
Check = Callable[[Neighbours], None]


@pytest.fixture(params=COUNTS)
def queries(request: pytest.FixtureRequest, sample: Any) -> Queries:
    """Tokens at random places."""
    tokens: Queries = sample(request.param)[0]
    return tokens


@pytest.fixture(scope="module")
def directions(store: glovestore.EmbeddingStore) -> NDArray[np.float32]:
    """The vectors in memory, divided by their lengths."""
    norms = np.where(store.norms > 0, store.norms, 1)
    return store.vectors / norms[:, None]


@pytest.fixture(scope="module")
def keyed_vectors(store: glovestore.EmbeddingStore) -> Any:
    """The vectors as gensim has them, with the norms that it would compute at its first query."""
    models = pytest.importorskip("gensim.models")
    keyed = models.KeyedVectors(store.dim)
    keyed.add_vectors(list(store.tokens), np.array(store.vectors))
    keyed.fill_norms()
    return keyed


@pytest.fixture
def agrees(store: glovestore.EmbeddingStore, directions: NDArray[np.float32], queries: Queries) -> Check:
    """A check against all cosines: those found are right, and they are the greatest."""
    rows = store.rows(queries)

    def check(found: Neighbours) -> None:
        assert len(found) == len(queries)
        for row, near in zip(rows.tolist(), found, strict=True):
            cosines = directions @ directions[row]
            values = [cosine for _, cosine in near]
            np.testing.assert_allclose(values, cosines[store.rows([token for token, _ in near])], atol=1e-5)
            cosines[row] = -np.inf
            np.testing.assert_allclose(values, np.sort(cosines)[::-1][: len(values)], atol=1e-5)
            assert len(values) == min(K, len(store) - 1)

    return check


def task(queries: Queries) -> Task:
    what = "one token" if len(queries) == 1 else f"{len(queries):,} tokens"
    return Task(f"{K} nearest of {what}")


def test_store_nearest(measure: Measure, store: glovestore.EmbeddingStore, queries: Queries, agrees: Check) -> None:
    measure(task(queries), "store.nearest(tokens)", lambda: store.nearest(queries, K), agrees, rounds=21, baseline=True)


def test_gensim(measure: Measure, keyed_vectors: Any, queries: Queries, agrees: Check) -> None:
    def most_similar() -> Neighbours:
        return [keyed_vectors.most_similar(token, topn=K) for token in queries]

    measure(task(queries), "gensim most_similar", most_similar, agrees, rounds=21 if len(queries) == 1 else 3)


def test_numpy(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    directions: NDArray[np.float32],
    row_dict: dict[str, int],
    queries: Queries,
    agrees: Check,
) -> None:
    tokens = list(store.tokens)

    def one(token: str) -> list[tuple[str, float]]:
        cosines = directions @ directions[row_dict[token]]
        cosines[row_dict[token]] = -np.inf
        k = min(K, len(tokens) - 1)
        best = np.argpartition(cosines, -k)[-k:]
        return [(tokens[row], float(cosines[row])) for row in best[np.argsort(-cosines[best])].tolist()]

    rounds = 21 if len(queries) == 1 else 3
    measure(task(queries), "numpy, argpartition", lambda: [one(token) for token in queries], agrees, rounds=rounds)


def test_floor(measure: Measure, store: glovestore.EmbeddingStore, queries: Queries) -> None:
    """Look at every row with a BLAS: what the scores alone take, without a choice among them."""
    matrix = store[queries].T

    def check(scores: NDArray[np.float32]) -> None:
        assert scores.shape == (len(store), len(queries))

    measure(task(queries), "numpy, the scores alone", lambda: store.vectors @ matrix, check, rounds=9)
