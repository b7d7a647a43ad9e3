"""EmbeddingStore beside a dict and a plain loop: look-ups, tokens, nearest, copies, closing."""

from __future__ import annotations

import math
import multiprocessing
import pickle
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shared import SMALL_ROWS, SMALL_TEXT, Built
from vectors_generator import generate

import glovestore
from glovestore import EmbeddingStore


@pytest.fixture
def store(copy: Path) -> Iterator[EmbeddingStore]:
    with glovestore.open(copy) as opened:
        yield opened


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    """More rows than `nearest` scores at a time."""
    folder = tmp_path_factory.mktemp("large")
    source = generate(folder / "large.txt", rows=40_000, dim=12, seed=11)
    glovestore.build(source, folder / "large.h5", durable=False)
    return glovestore.open(folder / "large.h5")


def test_what_it_is(store: EmbeddingStore, copy: Path):
    assert (store.shape, store.dim, len(store), store.dtype) == ((63, 3), 3, SMALL_ROWS, np.float32)
    assert store.path == copy
    assert store.nbytes == copy.stat().st_size
    assert store.metadata["rows"] == "63"
    store.metadata["rows"] = "0"
    assert store.metadata["rows"] == "63"
    assert str(copy) in repr(store)
    assert "63" in repr(store)
    assert not store.closed


def test_one_token(store: EmbeddingStore):
    vector = store["token7"]
    assert (vector.dtype, vector.shape) == (np.float32, (3,))
    assert vector.tolist() == store[b"token7"].tolist() == store.get("token7").tolist() == [7.0, 7.5, -7.0]
    assert store["café"].tolist() == store["caf\u00e9".encode()].tolist() == [1, 2, 3]
    assert store["\udcff"].tolist() == store[b"\xff"].tolist() == [4, 5, 6]
    assert store[""].tolist() == [7, 8, 9]


@pytest.mark.parametrize("token", ["absent", "Token7", "token7 ", b"absent", "\ud800", "caf\udce9", "\u00ff"])
def test_one_absent_token(store: EmbeddingStore, token: str | bytes):
    assert token not in store
    assert store.get(token) is None
    assert store.get(token, 5) == 5
    with pytest.raises(KeyError) as caught:
        store[token]
    assert caught.value.args == (token,)


def test_many_tokens(store: EmbeddingStore):
    for tokens in (["token7", "", b"\xff", "token7"], ("token7", "", b"\xff", "token7")):
        vectors = store[tokens]
        assert vectors.tolist() == [[7.0, 7.5, -7.0], [7, 8, 9], [4, 5, 6], [7.0, 7.5, -7.0]]
        assert vectors.dtype == np.float32
    assert store[np.array(["token1", "token2"])].shape == (2, 3)
    assert store[iter(["token1", "token2"])].shape == (2, 3)
    assert store[[]].shape == (0, 3)


def test_many_tokens_some_absent(store: EmbeddingStore):
    absent = [f"absent{i}" for i in range(20)]
    with pytest.raises(KeyError) as caught:
        store[["token1", *absent, "token2"]]
    message = str(caught.value)
    assert "20 of 22" in message
    assert "absent0" in message
    assert "absent19" not in message
    assert "token1" not in message


@pytest.mark.parametrize("token", [1, None, 1.5, ["the"], ("the",), np.int64(3)])
def test_containment_of_what_is_no_token(store: EmbeddingStore, token: Any):
    assert token not in store


@pytest.mark.parametrize("token", [1, None, 1.5, np.int64(3), slice(0, 3)])
def test_items_that_are_no_tokens(store: EmbeddingStore, token: Any):
    """A store is no list: `store[3]` is a mistake, not row 3."""
    with pytest.raises(TypeError):
        store[token]


def test_nothing_can_be_written(store: EmbeddingStore, copy: Path):
    before = copy.read_bytes()
    for array in (store.vectors, store.norms, store.mean, store.std, store["token1"], store[["token1"]]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for array in (store.vectors, store.norms, store.mean, store.std, store["token1"]):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    private = store.vectors_copy_on_write()
    private[:] = 5
    assert store["token7"].tolist() == [7.0, 7.5, -7.0]
    assert copy.read_bytes() == before


def test_tokens_are_a_sequence(store: EmbeddingStore):
    tokens = list(store)
    assert len(store.tokens) == len(tokens) == SMALL_ROWS
    assert tokens[:2] == ["token0", "token1"]
    assert tokens[-3:] == ["café", "\udcff", ""]
    assert [store.tokens[row] for row in range(SMALL_ROWS)] == tokens
    assert [store.tokens[row] for row in range(-SMALL_ROWS, 0)] == tokens
    assert store.tokens[np.int64(3)] == "token3"
    for part in (slice(3), slice(-3, None), slice(None, None, -1), slice(100, 200), slice(5, 50, 7)):
        assert store.tokens[part] == tokens[part]
    for row in (SMALL_ROWS, -SMALL_ROWS - 1, 2**40):
        with pytest.raises(IndexError):
            store.tokens[row]
    assert "token5" in store.tokens
    assert store.tokens.index("token5") == 5
    assert "token0" in repr(store.tokens)


def test_a_copy_is_the_same(store: EmbeddingStore, copy: Path):
    with glovestore.open(copy, copy=True) as in_memory:
        assert np.array_equal(in_memory.vectors, store.vectors)
        assert list(in_memory) == list(store)
        in_memory.verify()


def test_closing(copy: Path):
    store = glovestore.open(copy)
    vectors, one, tokens = store.vectors, store["token7"], store.tokens
    store.close()
    store.close()
    assert store.closed
    assert "closed" in repr(store)
    calls: list[Callable[[], Any]] = [
        lambda: store["token7"],
        lambda: store[["token7"]],
        lambda: store.get("token7"),
        lambda: "token7" in store,
        lambda: store.rows(["token7"]),
        lambda: store.matrix(["token7"]),
        lambda: store.nearest("token7"),
        lambda: store.nearest(np.ones(3, np.float32)),
        store.verify,
    ]
    for call in calls:
        with pytest.raises(ValueError, match="closed"):
            call()
    assert vectors[7].tolist() == one.tolist() == [7.0, 7.5, -7.0]  # the map lives as long as its arrays
    assert tokens[7] == "token7"


def test_with_closes(copy: Path):
    with glovestore.open(copy) as store:
        assert "token7" in store
    assert store.closed


def use_inherited(store: EmbeddingStore, answers: Any) -> None:
    answers.put(store["token7"].tolist())


def test_a_forked_process_uses_the_store_of_its_parent(store: EmbeddingStore):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=use_inherited, args=(store, answers))
    child.start()
    assert answers.get(timeout=60) == [7.0, 7.5, -7.0]
    child.join()
    assert child.exitcode == 0


def test_reports_pickle(build_bytes: Callable[..., Built]):
    report = build_bytes(SMALL_TEXT).report
    assert pickle.loads(pickle.dumps(report)) == report


# ----- nearest


def cosines(store: EmbeddingStore, query: np.ndarray) -> np.ndarray:
    """Return the cosine of a query with every row, in float64; 0 where a vector is zero."""
    vectors, query = store.vectors.astype(np.float64), query.astype(np.float64)
    norms = np.sqrt((vectors**2).sum(1)) * math.sqrt((query**2).sum())
    return np.divide(vectors @ query, norms, out=np.zeros(len(vectors)), where=norms > 0)


def assert_nearest(store: EmbeddingStore, found: list[tuple[str, float]], query: np.ndarray, k: int, but: set[int]):
    """Each cosine is right, none is repeated, and no row that was left out is clearly nearer."""
    expected = cosines(store, query)
    rows = store.rows([token for token, _ in found]).tolist()
    left = [row for row in range(len(store)) if row not in but]
    assert len(set(rows)) == len(rows) == min(k, len(left))
    assert not but & set(rows)
    values = [cosine for _, cosine in found]
    assert values == sorted(values, reverse=True)
    assert np.allclose(values, expected[rows], atol=2e-6)
    assert np.allclose(values, np.sort(expected[left])[::-1][: len(values)], atol=2e-6)


def test_nearest_to_tokens(large: EmbeddingStore):
    random_ = random.Random(1)
    rows = [0, 16_383, 16_384, 39_999, *(random_.randrange(40_000) for _ in range(10))]
    tokens = [large.tokens[row] for row in rows]
    for row, token, found in zip(rows, tokens, large.nearest(tokens, k=7), strict=True):
        assert_nearest(large, found, large.vectors[row], 7, {row})
        assert [name for name, _ in large.nearest(token, k=7)] == [name for name, _ in found]


def test_nearest_to_vectors(large: EmbeddingStore):
    queries = np.random.default_rng(2).normal(size=(5, 12))
    found = large.nearest(queries, k=4)
    for query, line in zip(queries, found, strict=True):
        assert_nearest(large, line, query, 4, set())
    assert [token for token, _ in large.nearest(queries[0], k=4)] == [token for token, _ in found[0]]
    row = 123
    token, cosine = large.nearest(large.vectors[row], k=1)[0]
    assert token == large.tokens[row]
    assert cosine == pytest.approx(1, abs=1e-6)


def test_nearest_defaults_to_ten_plain_pairs(large: EmbeddingStore):
    found = large.nearest(large.tokens[5])
    assert len(found) == 10
    assert all(type(pair) is tuple and type(pair[0]) is str and type(pair[1]) is float for pair in found)


def test_nearest_of_more_than_there_are(store: EmbeddingStore):
    found = store.nearest("token7", k=1000)
    assert_nearest(store, found, store.vectors[7], 1000, {7})
    assert_nearest(store, store.nearest(store.vectors[7], k=1000), store.vectors[7], 1000, set())


def test_nearest_ties_go_to_the_lower_row(build_bytes: Callable[..., Built]):
    text = b"".join(b"t%d %d 0\n" % (i, 1 + i % 3) for i in range(50)) + b"other 0 1\n"
    with glovestore.open(build_bytes(text).path) as store:
        assert [token for token, _ in store.nearest("t20", k=5)] == ["t0", "t1", "t2", "t3", "t4"]
        assert store.nearest("other", k=60)[-1] == ("t49", 0.0)


def test_nearest_with_zero_vectors(build_bytes: Callable[..., Built]):
    with glovestore.open(build_bytes(b"zero 0 -0\na 1 0\nb -1 0\n").path) as store:
        assert store.nearest("zero") == [("a", 0.0), ("b", 0.0)]
        assert store.nearest("a") == [("zero", 0.0), ("b", -1.0)]
        assert store.nearest(np.zeros(2)) == [("zero", 0.0), ("a", 0.0), ("b", 0.0)]


@pytest.mark.parametrize("scale", [b"e37", b"e38", b"e-38", b"e-44"])
def test_nearest_with_huge_and_tiny_vectors(build_bytes: Callable[..., Built], scale: bytes):
    """Squares of these overflow or vanish in float32, and their norms nearly do; the angles are ordinary."""
    rows = [b"1 0 0", b"1 1 0", b"0 1 0", b"-1 0 0", b"3 2 1", b"3 3 3"]
    text = b"".join(b"t%d " % i + row.replace(b" ", scale + b" ") + scale + b"\n" for i, row in enumerate(rows))
    with glovestore.open(build_bytes(text).path) as store:
        for row in range(len(rows)):
            found = store.nearest(f"t{row}", k=6)
            assert all(math.isfinite(cosine) for _, cosine in found)
            expected = cosines(store, store.vectors[row])
            assert [token for token, _ in found] == [
                f"t{other}" for other in np.argsort(-np.round(expected, 5), kind="stable") if other != row
            ]


def test_nearest_to_what_is_absent_or_wrong(store: EmbeddingStore):
    with pytest.raises(KeyError, match="absent"):
        store.nearest("absent")
    with pytest.raises(KeyError, match="absent"):
        store.nearest(["token1", "absent"])
    for query in (np.ones(4), np.ones((2, 2)), np.ones((1, 1, 3)), np.float32(1)):
        with pytest.raises((ValueError, TypeError)):
            store.nearest(query)
    for query in (np.array([1, np.nan, 2]), np.array([1, np.inf, 2])):
        with pytest.raises(ValueError, match="finite"):
            store.nearest(query)
    for k in (0, -1, 1.5, "3", None, True):
        with pytest.raises(ValueError, match="k"):
            store.nearest("token1", k=k)
    assert store.nearest([], k=3) == []
