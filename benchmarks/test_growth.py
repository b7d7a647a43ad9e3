"""Time per token against the size of the vocabulary, and against the size of the store.

    pytest benchmarks/test_growth.py --benchmark-only --sweep full

The stores are generated without a text. Beside them, a dict of rows that is in memory already.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pytest
from generated_stores import generate_store, vectors_of
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

TOKENS = 100_000
ITERATED = 50_000  # tokens in a round, at least
WIDE, NARROW = 100, 4  # dim: as people have it; where the store grows, so that it does not fill the disk
VOCABULARY, STORE = "by the size of the vocabulary", "by the size of the store"


class Point(NamedTuple):
    """A store and a number of tokens to look up in it."""

    panel: str
    rows: int
    dim: int
    tokens: int

    @property
    def name(self) -> str:
        """The point in words."""
        return f"{self.rows:,} rows x {self.dim}: {self.tokens:,} random tokens"


def points(rows: int, sizes: list[int], store_sizes: list[int], tokens: int) -> list[Point]:
    """Return a row of points for each panel."""
    by_vocabulary = [Point(VOCABULARY, rows, WIDE, size) for size in sizes]
    return by_vocabulary + [Point(STORE, size, NARROW, tokens) for size in store_sizes]


POINTS = {
    "none": [],
    "tiny": points(300, [10, 300], [100, 300], 100),
    "small": points(400_000, [1000, 10_000, 100_000, 400_000], [100_000, 300_000, 1_000_000], TOKENS),
    "full": points(
        1_000_000,
        [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
        [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000],
        TOKENS,
    ),
}


@dataclass
class Stage:
    """A generated store, its tokens, and the dict that others have in memory."""

    store: glovestore.EmbeddingStore
    tokens: list[bytes]

    @cached_property
    def row_dict(self) -> dict[str, int]:
        """The row of every token."""
        return {token.decode(): row for row, token in enumerate(self.tokens)}

    def sample(self, count: int) -> tuple[list[str], NDArray[np.int64]]:
        """Return tokens in random order, new strings, with their rows."""
        rows = np.random.default_rng(0).permutation(len(self.tokens))[:count]
        return [self.tokens[row].decode() for row in rows.tolist()], rows


@pytest.fixture(scope="module")
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stage]]:
    """Make a store of some shape, `staged(rows, dim)`: one at a time, for as long as the same is asked for."""
    folder = request.config.getoption("folder") or tmp_path_factory.mktemp("growth")
    folder.mkdir(parents=True, exist_ok=True)
    there: dict[tuple[int, int], Stage] = {}

    def leave() -> None:
        while there:
            _, stage = there.popitem()
            stage.store.close()
            stage.store.path.unlink()

    def stage(rows: int, dim: int) -> Stage:
        if (rows, dim) not in there:
            leave()
            path = folder / f"growth-{rows}x{dim}.h5"
            tokens = generate_store(path, rows, dim)
            there[rows, dim] = Stage(glovestore.open(path), tokens)
        return there[rows, dim]

    yield stage
    leave()


def store_rows(stage: Stage, tokens: list[str]) -> Any:
    return stage.store.rows(tokens)


def store_matrix(stage: Stage, tokens: list[str]) -> Any:
    return stage.store.matrix(tokens).array


def dict_rows(stage: Stage, tokens: list[str]) -> Any:
    return operator.itemgetter(*tokens)(stage.row_dict)


def dict_matrix(stage: Stage, tokens: list[str]) -> Any:
    return np.take(stage.store.vectors, operator.itemgetter(*tokens)(stage.row_dict), axis=0)


SERIES = {
    "store.rows": store_rows,
    "store.matrix": store_matrix,
    "itemgetter on a dict": dict_rows,
    "itemgetter + np.take": dict_matrix,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    nothing = pytest.param(None, "", marks=pytest.mark.skip(reason="--sweep was not asked for"), id="none")
    found = [
        pytest.param(point, name, id=f"{point.rows}x{point.dim}-{point.tokens}-{name}")
        for point in POINTS[metafunc.config.getoption("sweep")]
        for name in SERIES
    ]
    metafunc.parametrize(("point", "name"), found or [nothing])


def test_growth(measure: Measure, staged: Callable[..., Stage], point: Point, name: str) -> None:
    stage = staged(point.rows, point.dim)
    tokens, rows = stage.sample(point.tokens)
    look_up = SERIES[name]
    expected: Any = vectors_of(rows, point.dim) if name.endswith(("matrix", "take")) else rows

    def check(found: Any) -> None:
        assert np.array_equal(found, expected)

    measure.benchmark.extra_info["labels"] = {"figure": "lookups", "series": name, **point._asdict()}
    measure(
        Task(point.name, len(tokens), "ns/token"),
        name,
        lambda: look_up(stage, tokens),
        check,
        rounds=9,
        iterations=-(-ITERATED // len(tokens)),
        baseline=name == "store.rows",
    )
