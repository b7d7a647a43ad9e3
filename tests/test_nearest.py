"""The nearest rows beside a slow reference, in float64, of all rows; what may be found; one query and many."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shared import SMALL_ROWS, Built
from vectors_generator import generate

import glovestore
from glovestore import EmbeddingStore, Vocabulary, _core, nearest
from glovestore.nearest import nearest_rows

F4 = np.float32
Found = list[tuple[list[int], list[float]]]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    """More rows than are scored at a time."""
    folder = tmp_path_factory.mktemp("large")
    source = generate(folder / "large.txt", rows=40_000, dim=12, seed=11)
    glovestore.build(source, folder / "large.h5", durable=False)
    return glovestore.open(folder / "large.h5")


# ----- the reference


def lanes_sum(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up each line in the one order: column c goes to lane c % 8."""
    lanes = np.zeros((len(products), 8))
    for column in range(products.shape[1]):
        lanes[:, column % 8] += products[:, column]
    a, b, c, d, e, f, g, h = lanes.T
    return ((a + e) + (c + g)) + ((b + f) + (d + h))


def cosines_by_the_book(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    x, y = vectors.astype(np.float64), query.astype(np.float64)
    norms = np.sqrt(lanes_sum(x * x)) * np.sqrt(lanes_sum(y[None] * y[None]))
    return np.divide(lanes_sum(x * y), norms, out=np.zeros(len(x)), where=norms > 0).astype(F4)


def nearest_by_the_book(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    left_out: Sequence[int],
    rows: Sequence[int] | None = None,
) -> Found:
    found = []
    for query, own in zip(queries, left_out, strict=True):
        cosines = cosines_by_the_book(vectors, query).tolist()
        wanted = [row for row in (range(len(vectors)) if rows is None else rows) if row != own]
        best = sorted(wanted, key=lambda row: (-cosines[row], row))[:k]
        found.append((best, [cosines[row] for row in best]))
    return found


def norms_of(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.empty(len(vectors), F4)
    _core.row_norms(vectors, norms)
    return norms


def find(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    k: int,
    left_out: Sequence[int] | None = None,
    rows: Sequence[int] | None = None,
    **options: Any,
) -> Found:
    own = np.full(len(queries), -1) if left_out is None else np.array(left_out, np.int64)
    return nearest_rows(
        vectors, norms_of(vectors), queries, k, own, None if rows is None else np.array(rows, np.int64), **options
    )


NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e38, -3e38, 1e-44, 1e-38, -1e30, 1e30, 2e-30]),
    st.floats(-2, 2, width=32),
)


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a few directions; rows and queries are these, but for the last bits and for their lengths."""
    dim, seed = draw(st.integers(1, 40)), draw(st.integers(0, 99))
    few = np.array(draw(st.lists(st.lists(NUMBERS, min_size=dim, max_size=dim), min_size=1, max_size=4)), F4)
    random_ = np.random.default_rng(seed)
    n, q = draw(st.integers(1, 300)), draw(st.integers(1, 40))
    with np.errstate(over="ignore"):
        near = 1 + random_.integers(-3, 4, (n + q, dim)) * F4(2**-24)
        scaled = few[random_.integers(0, len(few), n + q)] * near * random_.choice([0.25, 1, 3], (n + q, 1))
    both = np.clip(scaled, -3e38, 3e38).astype(F4)
    return {
        "vectors": both[:n],
        "queries": both[n:],
        "k": draw(st.integers(1, 310)),
        "left_out": random_.integers(-1, n, q).tolist(),
        "rows": draw(st.one_of(st.none(), st.sets(st.integers(0, n - 1)).map(sorted))),
    }


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@settings(deadline=None)
@given(problems(), st.integers(1, 3))
def test_against_the_book(tier: str, problem: dict[str, Any], threads: int):
    expected = nearest_by_the_book(**problem)
    assert find(**problem, threads=threads, tier=tier) == expected


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 15, 16, 17, 47, 48, 63, 64, 65, 80, 130])
@pytest.mark.parametrize("dim", [1, 8, 15, 16, 17, 100])
def test_every_number_of_queries(tier: str, count: int, dim: int):
    random_ = np.random.default_rng(count * dim)
    vectors = random_.normal(size=(777, dim)).astype(F4)
    queries = random_.normal(size=(count, dim)).astype(F4)
    expected = nearest_by_the_book(vectors, queries, 6, [-1] * count)
    assert find(vectors, queries, 6, threads=2, tier=tier) == expected


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("count", [1, 20])
def test_rows_that_float32_cannot_tell_apart(tier: str, count: int):
    """Their scores are in another order than their cosines, so the scores must not decide."""
    random_ = np.random.default_rng(count)
    base = random_.normal(size=100)
    vectors = (base + random_.normal(size=(3000, 100)) * 1e-3).astype(F4)
    queries = (base + random_.normal(size=(count, 100)) * 1e-3).astype(F4)
    scores = [np.argsort(-(vectors @ query) / norms_of(vectors), kind="stable")[:5].tolist() for query in queries]
    expected = nearest_by_the_book(vectors, queries, 5, [-1] * count)
    assert scores != [rows for rows, _ in expected]
    assert find(vectors, queries, 5, tier=tier) == expected


def test_threads_and_tiers_and_company_change_nothing():
    random_ = np.random.default_rng(5)
    vectors = random_.integers(-2, 3, (5000, 6)).astype(F4)  # many ties
    queries = vectors[:100]
    expected = find(vectors, queries, 20, tier="scalar")
    for tier in _core.SIMD_TIERS:
        for threads in (1, 2, 7, 40):
            assert find(vectors, queries, 20, threads=threads, tier=tier) == expected
        for size in (1, 2, 3, 4, 5, 33):
            parts = [find(vectors, queries[i : i + size], 20) for i in range(0, 100, size)]
            assert list(chain.from_iterable(parts)) == expected
    assert find(vectors, queries[:3], 20, rows=range(5000)) == expected[:3]


FEW_THREADS = """
import resource, sys
import numpy as np
from glovestore.nearest import nearest_rows
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (200 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))  # 20 stacks of 8 MiB, and not 1000
vectors = np.ones((1000, 3), np.float32)
norms = np.sqrt(np.full(1000, 3, np.float32))
found = nearest_rows(vectors, norms, vectors[:1], 2, np.array([0]), threads=1000)
assert found == [([1, 2], [1.0, 1.0])], found
"""


@pytest.mark.skipif(sys.platform != "linux", reason="wants /proc, and threads whose stacks count against RLIMIT_AS")
def test_fewer_threads_will_do():
    done = subprocess.run([sys.executable, "-P", "-c", FEW_THREADS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_default_of_threads_is_one_a_core_if_there_is_work(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def spy(*arguments: Any) -> None:
        asked.append(arguments[-2])
        arguments[-3][:] = 0

    monkeypatch.setattr(_core, "find_nearest", spy)
    vectors = np.ones((10_000, 100), F4)
    for cores in (1, 3, 16):
        monkeypatch.setattr(nearest, "worker_threads", lambda cores=cores: cores)
        for queries in (vectors[:1], vectors[:3], vectors[:100]):
            nearest_rows(vectors, vectors[:, 0], queries, 1, np.zeros(len(queries), np.int64))
    assert asked == [1, 1, 1, 1, 3, 3, 1, 3, 16]


def test_the_tier_that_the_environment_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_SIMD", "mmx")
    with pytest.raises(ValueError, match="GLOVESTORE_SIMD"):
        find(np.ones((2, 2), F4), np.ones((1, 2), F4), 1)


def test_a_damaged_store_has_misses():
    """Norms that are wrong and numbers that are none: what has no cosine is left out, and nothing crashes."""
    bad = [np.nan, np.inf, -np.inf, -1.0, 0.0, 1e-40, 3e38]
    vectors = np.ones((40, 3), F4)
    vectors[:3, 1] = bad[:3]
    for count in (1, 2, 20):
        queries = np.ones((count, 3), F4)
        for norm in bad:
            found = nearest_rows(vectors, np.full(40, norm, F4), queries, 40, np.full(count, -1))
            assert all(row >= 3 and cosine == 1 for line in found for row, cosine in zip(*line, strict=True))


# ----- of a store


def cosines(store: EmbeddingStore, query: np.ndarray) -> np.ndarray:
    return cosines_by_the_book(store.vectors, query.astype(F4))


def assert_nearest(
    store: EmbeddingStore,
    found: list[tuple[str, float]],
    query: np.ndarray,
    k: int,
    own: int = -1,
    rows: Sequence[int] | None = None,
):
    [(expected, values)] = nearest_by_the_book(store.vectors, query[None].astype(F4), k, [own], rows)
    assert found == [(store.tokens[row], value) for row, value in zip(expected, values, strict=True)]


def test_to_tokens(large: EmbeddingStore):
    random_ = random.Random(1)
    rows = [0, 16_383, 16_384, 39_999, *(random_.randrange(40_000) for _ in range(10))]
    tokens = [large.tokens[row] for row in rows]
    for row, token, found in zip(rows, tokens, large.nearest(tokens, k=7), strict=True):
        assert_nearest(large, found, large.vectors[row], 7, row)
        assert large.nearest(token, k=7) == found


def test_to_vectors(large: EmbeddingStore):
    queries = np.random.default_rng(2).normal(size=(5, 12))
    found = large.nearest(queries, k=4)
    for query, line in zip(queries, found, strict=True):
        assert_nearest(large, line, query, 4)
    assert large.nearest(queries[0], k=4) == found[0]
    row = 123
    token, cosine = large.nearest(large.vectors[row], k=1)[0]
    assert token == large.tokens[row]
    assert cosine == pytest.approx(1, abs=1e-6)


def test_defaults_to_ten_plain_pairs(large: EmbeddingStore):
    found = large.nearest(large.tokens[5])
    assert len(found) == 10
    assert all(type(pair) is tuple and type(pair[0]) is str and type(pair[1]) is float for pair in found)


def test_of_more_than_there_are(store: EmbeddingStore):
    found = store.nearest("token7", k=1000)
    assert_nearest(store, found, store.vectors[7], 1000, 7)
    assert_nearest(store, store.nearest(store.vectors[7], k=1000), store.vectors[7], 1000)


def test_ties_go_to_the_lower_row(build_bytes: Callable[..., Built]):
    text = b"".join(b"t%d %d 0\n" % (i, 1 + i % 3) for i in range(50)) + b"other 0 1\n"
    with glovestore.open(build_bytes(text).path) as store:
        assert [token for token, _ in store.nearest("t20", k=5)] == ["t0", "t1", "t2", "t3", "t4"]
        assert store.nearest("other", k=60)[-1] == ("t49", 0.0)


def test_with_zero_vectors(build_bytes: Callable[..., Built]):
    with glovestore.open(build_bytes(b"zero 0 -0\na 1 0\nb -1 0\n").path) as store:
        assert store.nearest("zero") == [("a", 0.0), ("b", 0.0)]
        assert store.nearest("a") == [("zero", 0.0), ("b", -1.0)]
        assert store.nearest(np.zeros(2)) == [("zero", 0.0), ("a", 0.0), ("b", 0.0)]


@pytest.mark.parametrize("scale", [b"e37", b"e38", b"e-38", b"e-44"])
def test_with_huge_and_tiny_vectors(build_bytes: Callable[..., Built], scale: bytes):
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


def test_to_what_is_absent_or_wrong(store: EmbeddingStore):
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


def test_one_query_and_many_agree(large: EmbeddingStore):
    """Also where there are more than are searched at a time."""
    tokens = large.tokens[5000 : 5000 + nearest.BATCH + 5]
    found = large.nearest(tokens, k=3)
    assert len(found) == len(tokens)
    for i in (0, 1, 500, nearest.BATCH - 1, nearest.BATCH, len(tokens) - 1):
        assert large.nearest(tokens[i], k=3) == large.nearest([tokens[i]], k=3)[0] == found[i]
    vectors = large.vectors[5000:5020]
    assert large.nearest(vectors, k=3) == [large.nearest(vector, k=3) for vector in vectors]


# ----- restrict_to=

ROWS = [7, 3, 3, 62, 0, 11]


@pytest.mark.parametrize(
    "rows",
    [ROWS, tuple(ROWS), np.array(ROWS), np.array(ROWS, np.uint8), [np.int64(row) for row in ROWS], range(20, 40, 3)],
)
@pytest.mark.parametrize("k", [3, 100])
def test_restricted_to_rows(store: EmbeddingStore, rows: Sequence[int], k: int):
    distinct = sorted({int(row) for row in rows})
    for token in (7, 8):
        found = store.nearest(f"token{token}", k, restrict_to=rows)
        assert_nearest(store, found, store.vectors[token], k, token, distinct)
    queries = np.random.default_rng(1).normal(size=(6, 3))
    for query, found in zip(queries, store.nearest(queries, k, restrict_to=rows), strict=True):
        assert_nearest(store, found, query, k, rows=distinct)


@pytest.mark.parametrize(
    "vocab",
    [
        ["token3", "absent", "caf\u00e9", b"\xff", "token3"],
        {"token3", "absent", "caf\u00e9", b"\xff"},
        np.array(["token3", "absent", "caf\u00e9", "\udcff"], object),
        {"token3": 1, "absent": 2, "caf\u00e9": 3, "\udcff": 4},
        Vocabulary.from_tokens(["token3", "absent", "caf\u00e9", "\udcff"]),
    ],
    ids=lambda vocab: type(vocab).__name__,
)
def test_restricted_to_a_vocabulary(store: EmbeddingStore, vocab: Any):
    found = store.nearest("token5", restrict_to=vocab)
    assert_nearest(store, found, store.vectors[5], 10, 5, [3, 60, 61])
    assert {token for token, _ in store.nearest(["token3"], restrict_to=vocab)[0]} == {"caf\u00e9", "\udcff"}


def test_restricted_to_a_vocabulary_padding_is_no_token(build_bytes: Callable[..., Built]):
    with glovestore.open(build_bytes(b"<pad> 1 0\n<unk> 1 1\na 1 2\n").path) as store:
        assert {token for token, _ in store.nearest("a", restrict_to=Vocabulary.from_tokens(["a"]))} == {"<unk>"}
        assert {token for token, _ in store.nearest("a", restrict_to=["<pad>"])} == set()
        assert {token for token, _ in store.nearest("a")} == {"<pad>", "<unk>"}


@pytest.mark.parametrize("nothing", [[], (), range(0), {}, set(), np.array([]), np.array([], int), ["absent"]])
def test_restricted_to_nothing(store: EmbeddingStore, nothing: Any):
    assert store.nearest("token5", restrict_to=nothing) == []
    assert store.nearest(["token5", "token6"], restrict_to=nothing) == [[], []]
    assert store.nearest(np.ones((5, 3)), restrict_to=nothing) == [[]] * 5


def test_restricted_to_the_query_alone(store: EmbeddingStore):
    assert store.nearest("token5", restrict_to=["token5"]) == store.nearest("token5", restrict_to=[5]) == []
    assert store.nearest(store["token5"], restrict_to=[5]) == [("token5", 1.0)]


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([3, SMALL_ROWS], IndexError, r"restrict_to\[1\]: expected a row from 0 to 62, got 63"),
        (np.array([3, 2**63], np.uint64), IndexError, r"restrict_to\[1\]: expected .*, got 9223372036854775808"),
        ([0, 1, -1], IndexError, r"restrict_to\[2\]: expected a row from 0 to 62, got -1 \(an absent token's\)"),
        (np.array([[0, 1]]), TypeError, r"whole numbers of one dimension, or tokens; got int64 of shape \(1, 2\)"),
        (np.array([0.0]), TypeError, r"whole numbers of one dimension, or tokens; got float64 of shape \(1,\)"),
        ([True, False], TypeError, r"whole numbers of one dimension, or tokens; got bool of shape \(2,\)"),
        ([0, "token1"], TypeError, "whole numbers of one dimension, or tokens; got <U21"),
        (["token1", 0], TypeError, r"restrict_to: expected rows or a vocabulary; .*str or bytes, got int 0 as token 1"),
        ("token1", TypeError, "restrict_to: expected rows or a vocabulary; .*single token 'token1'"),
        (5, TypeError, "restrict_to: expected rows or a vocabulary; .*got int"),
        ({"a": -1}, ValueError, "restrict_to: expected rows or a vocabulary; .*got -1 for token 'a'"),
    ],
)
def test_what_cannot_restrict(store: EmbeddingStore, rows: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        store.nearest("token5", restrict_to=rows)
