"""Rows of tokens, beside a dict that is in memory already.

Both sides get strings that were looked up before, so that their hashes are known: to the advantage of the dict.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

TOKENS = 100_000
SINGLE = 1000


def index_by_comprehension(row_dict: dict[str, int], tokens: list[str]) -> list[int]:
    return [row_dict[token] for token in tokens]


def index_by_map(row_dict: dict[str, int], tokens: list[str]) -> list[int | None]:
    return list(map(row_dict.get, tokens))


def index_by_itemgetter(row_dict: dict[str, int], tokens: list[str]) -> tuple[int, ...]:
    found: tuple[int, ...] = operator.itemgetter(*tokens)(row_dict)
    return found


DICT_LOOKUPS = {
    "[d[t] for t in tokens]": index_by_comprehension,
    "list(map(d.get, tokens))": index_by_map,
    "itemgetter(*tokens)(d)": index_by_itemgetter,
}


def test_store_rows(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, rows = sample(TOKENS)
    task = rows_task(tokens)
    measure(task, "store.rows(tokens)", lambda: store.rows(tokens), equal_to(rows), rounds=21, baseline=True)


@pytest.mark.parametrize("what", DICT_LOOKUPS)
def test_dict(measure: Measure, row_dict: dict[str, int], sample: Any, what: str) -> None:
    tokens, rows = sample(TOKENS)
    look_up = DICT_LOOKUPS[what]
    measure(rows_task(tokens), what, lambda: look_up(row_dict, tokens), equal_to(rows), rounds=9)


def rows_task(tokens: list[str]) -> Task:
    return Task(f"rows of {len(tokens):,} random tokens", len(tokens), "ns/token")


def equal_to(rows: Any) -> Callable[[Any], None]:
    def check(found: Any) -> None:
        assert np.array_equal(np.asarray(found), rows)

    return check


def test_one_vector_at_a_time(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, rows = sample(SINGLE)

    def check(vectors: list[Any]) -> None:
        assert np.array_equal(vectors, store.vectors[rows])

    task = single_task(tokens)
    measure(task, "store[token]", lambda: [store[token] for token in tokens], check, rounds=21, baseline=True)


def test_one_membership_at_a_time(measure: Measure, store: glovestore.EmbeddingStore, sample: Any) -> None:
    tokens, _ = sample(SINGLE)
    measure(single_task(tokens), "token in store", lambda: [token in store for token in tokens], all_true, rounds=21)


def test_dict_of_vectors(
    measure: Measure, store: glovestore.EmbeddingStore, vector_dict: dict[str, NDArray[np.float32]], sample: Any
) -> None:
    tokens, rows = sample(SINGLE)

    def check(found: list[Any]) -> None:
        assert np.array_equal(found, store.vectors[rows])

    measure(single_task(tokens), "d[token]", lambda: [vector_dict[token] for token in tokens], check, rounds=21)


def single_task(tokens: list[str]) -> Task:
    return Task("one token at a time", len(tokens), "ns/token")


def all_true(found: list[bool]) -> None:
    assert found
    assert all(found)
