"""The matrix of a vocabulary, into new and into used memory, beside vectors that are in memory already."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import openers
import pytest
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

SIZES = (20_000, 100_000)
OOV_SHARE = 10  # every tenth token
SCALE = 0.4  # of the tutorial's noise: about GloVe's own
Matrix = NDArray[np.float32]
Tokens = tuple[list[str], NDArray[np.int64]]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=SIZES)
def vocabulary(request: pytest.FixtureRequest, store: glovestore.EmbeddingStore, sample: Any) -> Tokens:
    """Tokens of the store with their rows; all tokens of a small store, once."""
    if request.param > max(len(store), min(SIZES)):
        pytest.skip(f"the file has only {len(store):,} tokens")
    taken: Tokens = sample(request.param)
    return taken


@pytest.fixture(scope="module")
def vectors(store: glovestore.EmbeddingStore) -> Matrix:
    """The vectors in memory."""
    return np.array(store.vectors)


def task(tokens: list[str], dim: int) -> Task:
    return Task(f"matrix of {len(tokens):,} random tokens x {dim}", len(tokens), "ns/token")


def equal_to(expected: Matrix) -> Callable[[Matrix], None]:
    def check(matrix: Matrix) -> None:
        assert matrix.dtype == expected.dtype
        assert np.array_equal(matrix, expected)

    return check


def used(tokens: list[str], dim: int) -> Matrix:
    """Return memory that has its pages already."""
    return np.full((len(tokens), dim), np.nan, np.float32)


# --- ours ------------------------------------------------------------------------------------------------------------


def test_store_matrix(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary

    def check(matrix: glovestore.EmbeddingMatrix) -> None:
        assert matrix.coverage.fraction == 1
        assert np.array_equal(matrix.array, store.vectors[rows])

    what = "store.matrix(tokens)"
    measure(task(tokens, store.dim), what, lambda: store.matrix(tokens), check, rounds=15, baseline=True)


def test_store_matrix_into_out(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary
    out = used(tokens, store.dim)

    def check(matrix: glovestore.EmbeddingMatrix) -> None:
        assert matrix.array is out
        assert np.array_equal(out, store.vectors[rows])

    what = "store.matrix(tokens, out=reused)"
    measure(task(tokens, store.dim), what, lambda: store.matrix(tokens, out=out), check, rounds=15)


def test_store_matrix_in_half_precision(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary
    expected = store.vectors[rows].astype(np.float16)
    what = "store.matrix(tokens, dtype=float16)"
    measure(
        task(tokens, store.dim),
        what,
        lambda: store.matrix(tokens, dtype=np.float16).array,
        equal_to(expected),  # type: ignore[arg-type]
        rounds=15,
    )


def test_store_matrix_of_a_vocabulary(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary
    made = glovestore.Vocabulary.from_tokens(tokens, unk_token=None)
    expected = np.vstack([np.zeros((1, store.dim), np.float32), store.vectors[rows]])
    what = "store.matrix(Vocabulary)"
    measure(task(tokens, store.dim), what, lambda: store.matrix(made).array, equal_to(expected), rounds=15)


# --- with the rows known: the floor ----------------------------------------------------------------------------------


def test_take_alone(measure: Measure, vectors: Matrix, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary
    what = "np.take alone, rows known"
    expected = equal_to(vectors[rows])
    measure(task(tokens, vectors.shape[1]), what, lambda: np.take(vectors, rows, axis=0), expected, rounds=15)


def test_take_alone_into_out(measure: Measure, vectors: Matrix, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary
    out = used(tokens, vectors.shape[1])

    def take() -> Matrix:
        return np.take(vectors, rows, axis=0, out=out, mode="clip")  # "raise" would fill a copy of `out` first

    what = "np.take(out=reused) alone, rows known"
    measure(task(tokens, vectors.shape[1]), what, take, equal_to(vectors[rows]), rounds=15)


def test_h5py_alone(measure: Measure, store: glovestore.EmbeddingStore, vocabulary: Tokens) -> None:
    h5py = pytest.importorskip("h5py")
    tokens, rows = vocabulary
    with h5py.File(store.path, "r") as file:
        dataset = file["vectors"]
        what = "h5py: fancy indexing, rows known"
        expected = equal_to(store.vectors[rows])
        measure(task(tokens, store.dim), what, lambda: openers.fancy_indexed(dataset, rows), expected, rounds=5)


# --- peers -----------------------------------------------------------------------------------------------------------


def test_dict_and_take(measure: Measure, row_dict: dict[str, int], vectors: Matrix, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary

    def take() -> Matrix:
        found = np.fromiter(map(row_dict.__getitem__, tokens), np.intp, len(tokens))
        return np.take(vectors, found, axis=0)

    measure(task(tokens, vectors.shape[1]), "dict of rows + np.take", take, equal_to(vectors[rows]), rounds=9)


def test_itemgetter_and_take(measure: Measure, row_dict: dict[str, int], vectors: Matrix, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary

    def take() -> Matrix:
        return np.take(vectors, operator.itemgetter(*tokens)(row_dict), axis=0)

    measure(task(tokens, vectors.shape[1]), "itemgetter on a dict + np.take", take, equal_to(vectors[rows]), rounds=9)


def test_tutorial_loop(
    measure: Measure, store: glovestore.EmbeddingStore, vector_dict: dict[str, Matrix], vocabulary: Tokens
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


def test_gensim_list(measure: Measure, keyed: Any, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary
    expected = equal_to(keyed.vectors[rows])
    measure(task(tokens, keyed.vector_size), "gensim: keyed[tokens]", lambda: keyed[tokens], expected, rounds=3)


def test_gensim_for_all(measure: Measure, keyed: Any, vocabulary: Tokens) -> None:
    tokens, rows = vocabulary

    def for_all() -> Matrix:
        matrix: Matrix = keyed.vectors_for_all(tokens).vectors
        return matrix

    expected = equal_to(keyed.vectors[rows])
    measure(task(tokens, keyed.vector_size), "gensim: vectors_for_all", for_all, expected, rounds=3)


# --- with tokens that nobody has -------------------------------------------------------------------------------------


@pytest.fixture
def with_oov(store: glovestore.EmbeddingStore, vocabulary: Tokens) -> Tokens:
    """Tokens of which every tenth is in no store, row -1."""
    tokens, rows = vocabulary
    changed = [f"{token}\x01" if i % OOV_SHARE == 0 else token for i, token in enumerate(tokens)]
    return changed, np.where(np.arange(len(rows)) % OOV_SHARE == 0, -1, rows)


def oov_task(tokens: list[str], dim: int) -> Task:
    name = f"matrix of {len(tokens):,} random tokens x {dim}, {100 // OOV_SHARE} % of them missing: normal noise"
    return Task(name, len(tokens), "ns/token")


def noisy(store: glovestore.EmbeddingStore, rows: NDArray[np.int64]) -> Callable[[Matrix], None]:
    """Check the vectors of what was found, and that the rest is noise: all of it different, none of it large."""

    def check(matrix: Matrix) -> None:
        noise = matrix[rows < 0]
        assert np.array_equal(matrix[rows >= 0], store.vectors[rows[rows >= 0]])
        assert np.isfinite(noise).all()
        assert len(np.unique(noise, axis=0)) == len(noise)
        assert np.abs(noise).max() < 100 * max(SCALE, float(store.std.max()))

    return check


def test_store_matrix_with_oov(measure: Measure, store: glovestore.EmbeddingStore, with_oov: Tokens) -> None:
    tokens, rows = with_oov
    what = 'store.matrix(tokens, oov="normal")'
    measure(
        oov_task(tokens, store.dim),
        what,
        lambda: store.matrix(tokens, oov="normal").array,
        noisy(store, rows),
        rounds=9,
        baseline=True,
    )


def test_tutorial_loop_with_oov(
    measure: Measure, store: glovestore.EmbeddingStore, vector_dict: dict[str, Matrix], with_oov: Tokens
) -> None:
    tokens, rows = with_oov

    def loop() -> Matrix:
        matrix = np.zeros((len(tokens), store.dim), np.float32)
        for index, word in enumerate(tokens):
            vector = vector_dict.get(word)
            matrix[index] = np.random.normal(scale=SCALE, size=store.dim) if vector is None else vector
        return matrix

    what = "loop over a dict of vectors, np.random.normal"
    measure(oov_task(tokens, store.dim), what, loop, noisy(store, rows), rounds=5)
