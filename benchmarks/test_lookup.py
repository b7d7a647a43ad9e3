"""Rows of tokens, from whatever people have them in, beside dicts and databases that are open already.

All sides get strings that were looked up before, so that their hashes are known: to the advantage of the dicts. They
are not the objects that are the dicts' keys.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openers
import pytest
from lookup_inputs import INPUTS, Input
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

TOKENS = 100_000
SINGLE = 1000

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def index_by_comprehension(row_dict: dict[str, int], tokens: list[str]) -> list[int]:
    return [row_dict[token] for token in tokens]


def index_by_map(row_dict: dict[str, int], tokens: list[str]) -> list[int | None]:
    return list(map(row_dict.get, tokens))


def index_by_itemgetter(row_dict: dict[str, int], tokens: list[str]) -> tuple[int, ...]:
    found: tuple[int, ...] = operator.itemgetter(*tokens)(row_dict)
    return found


DICT_LOOKUPS = {
    "itemgetter(*tokens)(d)": index_by_itemgetter,
    "[d[t] for t in tokens]": index_by_comprehension,
    "list(map(d.get, tokens))": index_by_map,
}


def test_store_rows(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, rows = sample(TOKENS)
    task = rows_task(tokens)
    measure(task, "store.rows(list of str)", lambda: store.rows(tokens), equal_to(rows), rounds=21, baseline=True)


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.name)
def test_store_rows_of(measure: Measure, store: glovestore.EmbeddingStore, sample: Any, kind: Input) -> None:
    pytest.importorskip(kind.package, kind.least)
    tokens, rows = sample(TOKENS)
    given = kind.make(tokens)
    what = f"store.rows({kind.name})"
    measure(rows_task(tokens), what, lambda: store.rows(given), equal_to(rows), rounds=15)


@pytest.mark.parametrize("what", DICT_LOOKUPS)
def test_dict(measure: Measure, row_dict: dict[str, int], sample: Any, what: str) -> None:
    tokens, rows = sample(TOKENS)
    look_up = DICT_LOOKUPS[what]
    measure(rows_task(tokens), what, lambda: look_up(row_dict, tokens), equal_to(rows), rounds=9)


def test_gensim(measure: Measure, keyed: Any, sample: Any) -> None:
    tokens, rows = sample(TOKENS)

    def look_up() -> list[int]:
        return [keyed.get_index(token) for token in tokens]

    measure(rows_task(tokens), "gensim: get_index", look_up, equal_to(rows), rounds=5)


@pytest.mark.parametrize("opener", [openers.LMDB, openers.SQLITE], ids=lambda opener: opener.name)
def test_database(
    measure: Measure, row_dict: dict[str, int], sample: Any, tmp_path: Path, opener: openers.Opener
) -> None:
    pytest.importorskip(opener.package or "numpy")
    tokens, rows = sample(TOKENS)
    numbers: Any = np.arange(len(row_dict), dtype=np.int64)[:, np.newaxis]  # a "vector" is a row's number
    opener.convert(tmp_path, list(row_dict), numbers)
    opened = opener.open(tmp_path)

    def look_up() -> NDArray[np.int64]:
        return opener.matrix(opened, tokens).view(np.int64).ravel()

    measure(rows_task(tokens), f"{opener.name}: rows of tokens", look_up, equal_to(rows), rounds=5)
    opened.close()


def rows_task(tokens: list[str]) -> Task:
    return Task(f"rows of {len(tokens):,} random tokens", len(tokens), "ns/token")


def equal_to(rows: Any) -> Callable[[Any], None]:
    def check(found: Any) -> None:
        assert np.array_equal(np.asarray(found), rows)

    return check


# --- one token at a time ---------------------------------------------------------------------------------------------


def test_one_vector_at_a_time(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, _ = sample(SINGLE)
    one_at_a_time(measure, store, sample, "store[token]", lambda: [store[token] for token in tokens], baseline=True)


def test_one_get_at_a_time(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, _ = sample(SINGLE)
    one_at_a_time(measure, store, sample, "store.get(token)", lambda: [store.get(token) for token in tokens])


def test_one_membership_at_a_time(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, _ = sample(SINGLE)

    def all_true(found: list[bool]) -> None:
        assert len(found) == len(tokens)
        assert all(found)

    what = "token in store"
    measure(single_task(tokens), what, lambda: [token in store for token in tokens], all_true, rounds=21, iterations=20)


def test_dict_of_vectors(
    measure: Measure, store: glovestore.EmbeddingStore, vector_dict: dict[str, NDArray[np.float32]], sample: Any
) -> None:
    tokens, _ = sample(SINGLE)
    one_at_a_time(measure, store, sample, "d[token]", lambda: [vector_dict[token] for token in tokens])


def test_gensim_one_at_a_time(measure: Measure, store: glovestore.EmbeddingStore, keyed: Any, sample: Any) -> None:
    tokens, _ = sample(SINGLE)
    one_at_a_time(measure, store, sample, "gensim: keyed[token]", lambda: [keyed[token] for token in tokens])


def one_at_a_time(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    sample: Any,
    what: str,
    look_up: Callable[[], list[NDArray[np.float32]]],
    baseline: bool = False,
) -> None:
    tokens, rows = sample(SINGLE)

    def check(vectors: list[NDArray[np.float32]]) -> None:
        assert np.array_equal(vectors, store.vectors[rows])

    measure(single_task(tokens), what, look_up, check, rounds=21, iterations=20, baseline=baseline)


def single_task(tokens: list[str]) -> Task:
    return Task("one token at a time", len(tokens), "ns/token")
