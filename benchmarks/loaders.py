"""What a way to load vectors is: its function, what it needs, and how its result is checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import glovestore

Arrays = tuple[Sequence[Any], NDArray[Any]]
SLICE = 100_000  # rows compared at a time: numpy's temporaries stay small


@dataclass(frozen=True)
class Expected:
    """What a load has to agree with: these `rows` of a checked store, in this order, made of this `source`."""

    source: Path
    store: glovestore.EmbeddingStore
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class Loader:
    """One way to load a file of vectors.

    `load(source, **options)` is what is timed; one that `writes` is given a new `target` as well. `check` looks at its
    result afterwards: it raises, or returns a note. `module` is imported before the memory is measured, and without
    `package` the loader is skipped. `rounds` is small for the slow ones; `warmup_rounds` is for what is slow only once.
    A sweep leaves the loader out above `largest` MB of text.
    """

    name: str
    load: Callable[..., Any]
    check: Callable[[Any, Expected], str]
    module: str = "numpy"
    package: str = ""
    rounds: int = 3
    warmup_rounds: int = 0
    writes: bool = False
    largest: float = math.inf


def check_arrays(result: Arrays, expected: Expected) -> str:
    """Check (tokens, matrix) against the store; return how many tokens have got lost.

    Peers round twice, so that their last bit may differ.
    """
    tokens, matrix = result
    rows = expected.store.rows(list(tokens))
    assert matrix.shape == (len(rows), expected.store.dim)
    for start in range(0, len(rows), SLICE):
        part = slice(start, start + SLICE)
        assert np.allclose(matrix[part], expected.store.vectors[rows[part]], rtol=1e-6, atol=0)
    kept = np.isin(expected.rows, rows)
    assert np.array_equal(expected.rows[kept], rows)
    lost = len(kept) - int(np.count_nonzero(kept))
    return f"words lost: {lost}" if lost else ""


def check_build(report: glovestore.BuildReport, expected: Expected) -> str:
    """Check the store that was built: the expected rows, to the last bit."""
    with glovestore.open(report.path) as built:
        assert built.shape == (len(expected.rows), expected.store.dim)
        names = list(expected.store.tokens)
        assert list(built.tokens) == [names[row] for row in expected.rows.tolist()]
        for start in range(0, len(expected.rows), SLICE):
            part = slice(start, start + SLICE)
            assert np.array_equal(built.vectors[part], expected.store.vectors[expected.rows[part]])
    fsync = round(report.fsync_seconds * 1e3)
    return f"of which fsync {fsync} ms, the last time" if fsync else ""


def check_bytes_read(nbytes: int, expected: Expected) -> str:
    """Check that the whole file was read."""
    assert nbytes == expected.source.stat().st_size
    return ""


def check_bytes_written(written: tuple[int, Path], expected: Expected) -> str:
    """Check that the whole file was read, and as much written as the store has."""
    nbytes, path = written
    assert path.stat().st_size == expected.store.path.stat().st_size
    return check_bytes_read(nbytes, expected)


def check_bytes_inflated(nbytes: int, expected: Expected) -> str:
    """Check that there was as much text as in the file that the store was made of."""
    assert str(nbytes) == expected.store.metadata["source_bytes"]
    return ""
