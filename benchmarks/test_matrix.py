"""The matrix of a vocabulary, beside vectors that are in memory already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

SIZES = (20_000, 100_000)
Matrix = NDArray[np.float32]
Vocabulary = tuple[list[str], NDArray[np.int64]]


@pytest.fixture(params=SIZES)
def vocabulary(request: pytest.FixtureRequest, store: glovestore.EmbeddingStore, sample: Any) -> Vocabulary:
    """Tokens of the store with their rows; all tokens of a small store, once."""
    if request.param > max(len(store), min(SIZES)):
        pytest.skip(f"the file has only {len(store):,} tokens")
    taken: Vocabulary = sample(request.param)
    return taken


@pytest.fixture(scope="module")
def vectors(store: glovestore.EmbeddingStore) -> Matrix:
    """The vectors in memory."""
    return np.array(store.vectors)


def task(tokens: list[str], dim: int) -> Task:
    return Task(f"matrix of {len(tokens):,} random tokens x {dim}", len(tokens), "ns/token")


def equal_to(expected: Matrix) -> Callable[[Matrix], None]:
    def check(matrix: Matrix) -> None:
        assert np.array_equal(matrix, expected)

    return check


def test_store_matrix(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Vocabulary) -> None:
    tokens, rows = vocabulary

    def check(matrix: glovestore.EmbeddingMatrix) -> None:
        assert matrix.coverage.fraction == 1
        assert np.array_equal(matrix.array, store.vectors[rows])

    measure(
        task(tokens, store.dim),
        "store.matrix(tokens)",
        lambda: store.matrix(tokens),
        check,
        rounds=15,
        baseline=True,
    )


def test_store_matrix_into_out(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Vocabulary) -> None:
    tokens, rows = vocabulary
    out = np.full((len(tokens), store.dim), np.nan, np.float32)

    def check(matrix: glovestore.EmbeddingMatrix) -> None:
        assert matrix.array is out
        assert np.array_equal(out, store.vectors[rows])

    what = "store.matrix(tokens, out=reused)"
    measure(task(tokens, store.dim), what, lambda: store.matrix(tokens, out=out), check, rounds=15)


def test_tutorial_loop(
    measure: Measure, store: glovestore.EmbeddingStore, vector_dict: dict[str, Matrix], vocabulary: Vocabulary
) -> None:
    tokens, rows = vocabulary
    word_index = {token: index for index, token in enumerate(tokens)}

    def loop() -> Matrix:
        matrix = np.zeros((len(word_index), store.dim), np.float32)
        for word, index in word_index.items():
            vector = vector_dict.get(word)
            if vector is not None:
                matrix[index] = vector
        return matrix

    what = "loop over a dict of vectors (the tutorial)"
    measure(task(tokens, store.dim), what, loop, equal_to(store.vectors[rows]), rounds=5)


def test_dict_and_take(measure: Measure, row_dict: dict[str, int], vectors: Matrix, vocabulary: Vocabulary) -> None:
    tokens, rows = vocabulary

    def take() -> Matrix:
        found = np.fromiter(map(row_dict.__getitem__, tokens), np.intp, len(tokens))
        return np.take(vectors, found, axis=0)

    measure(task(tokens, vectors.shape[1]), "dict of rows + np.take", take, equal_to(vectors[rows]), rounds=9)


def test_take_alone(measure: Measure, vectors: Matrix, vocabulary: Vocabulary) -> None:
    tokens, rows = vocabulary
    what = "np.take alone, rows known"
    measure(
        task(tokens, vectors.shape[1]), what, lambda: np.take(vectors, rows, axis=0), equal_to(vectors[rows]), rounds=15
    )
