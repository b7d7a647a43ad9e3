"""EmbeddingStore beside a dict and a plain loop: look-ups, tokens, nearest, copies, closing."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shared import SMALL_ROWS, SMALL_TEXT, Built

import glovestore
from glovestore import EmbeddingStore


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


def test_more_tokens_than_one_thread_takes(build_bytes: Callable[..., Built]):
    """Enough of them for several threads to look up, copy and draw; beside a loop over a dict."""
    text = b"".join(b"token%d %d %d.5 -%d\n" % (i, i, i, i) for i in range(30_000))
    with glovestore.open(build_bytes(text).path) as store:
        rows = np.random.default_rng(6).permutation(45_000)
        tokens = [f"token{row}" for row in rows]
        found = np.where(rows < 30_000, rows, -1)
        for asked in (tokens, tuple(tokens), np.array(tokens), np.array(tokens, object)):
            assert np.array_equal(store.rows(asked), found)
            m = store.matrix(asked, oov="normal")
            assert np.array_equal(m.array[found >= 0], store.vectors[found[found >= 0]])
            assert m.coverage.missing == np.count_nonzero(found < 0)
        missing = [token for token, row in zip(tokens, found, strict=True) if row < 0]
        with pytest.warns(glovestore.CoverageWarning):
            alone = [store.matrix([token], oov="normal").array[0] for token in missing[:50]]
        assert np.array_equal(m.array[found < 0][:50], alone)
        present = [token for token, row in zip(tokens, found, strict=True) if row >= 0]
        assert np.array_equal(store[present], store.vectors[found[found >= 0]])
