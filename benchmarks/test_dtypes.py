"""float16 and int8 beside float32: building, converting, a matrix, and the nearest tokens. All give float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task
from numpy.typing import NDArray

import glovestore

DTYPES = ("float32", "float16", "int8")
TOKENS = 100_000
K = 10


@pytest.fixture(scope="module", params=DTYPES)
def kept(
    store: glovestore.EmbeddingStore, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[glovestore.EmbeddingStore]:
    """The store in one of the dtypes."""
    path = tmp_path_factory.mktemp("dtype") / f"{request.param}.h5"
    glovestore.convert(store, path, dtype=request.param)
    with glovestore.open(path) as opened:
        opened.prefault()
        yield opened


def decoded(store: glovestore.EmbeddingStore) -> NDArray[np.float32]:
    """Return all vectors, by numpy."""
    vectors = store.vectors.astype(np.float32)
    return vectors if store.scales is None else vectors * store.scales[:, None]


def is_baseline(store: glovestore.EmbeddingStore) -> bool:
    return bool(store.dtype == np.float32)


def test_build(measure: Measure, vectors_file: Path, kept: glovestore.EmbeddingStore, tmp_path: Path) -> None:
    task = Task("build in a dtype", vectors_file.stat().st_size / 1e6, "MB/s")
    target = tmp_path / "built.h5"

    def build() -> glovestore.BuildReport:
        target.unlink(missing_ok=True)
        return glovestore.build(vectors_file, target, dtype=kept.dtype.name, durable=False)

    def check(report: glovestore.BuildReport) -> str:
        assert target.read_bytes() == kept.path.read_bytes()
        return f"{report.store_bytes / 1e6:.1f} MB"

    measure(task, f"build(dtype={kept.dtype.name})", build, check, rounds=9, baseline=is_baseline(kept))


def test_convert(
    measure: Measure, store: glovestore.EmbeddingStore, kept: glovestore.EmbeddingStore, tmp_path: Path
) -> None:
    task = Task("convert from float32", store.nbytes / 1e6, "MB/s")
    target = tmp_path / "converted.h5"

    def convert() -> glovestore.ConvertReport:
        return glovestore.convert(store, target, dtype=kept.dtype.name, durable=False, overwrite=True)

    def check(report: glovestore.ConvertReport) -> None:
        assert target.read_bytes() == kept.path.read_bytes()

    measure(task, f"convert(dtype={kept.dtype.name})", convert, check, rounds=9, baseline=is_baseline(kept))


def test_matrix(measure: Measure, kept: glovestore.EmbeddingStore, sample: Callable[..., Any]) -> None:
    tokens, rows = sample(TOKENS)
    task = Task(f"matrix of {len(tokens):,} random tokens x {kept.dim}, by dtype", len(tokens), "ns/token")
    out = np.full((len(tokens), kept.dim), np.nan, np.float32)

    def check(matrix: glovestore.EmbeddingMatrix) -> None:
        assert np.array_equal(matrix.array, decoded(kept)[rows])

    what = f"store.matrix(tokens, out=reused), {kept.dtype}"
    measure(task, what, lambda: kept.matrix(tokens, out=out), check, rounds=21, baseline=is_baseline(kept))


def test_one_token(measure: Measure, kept: glovestore.EmbeddingStore, sample: Callable[..., Any]) -> None:
    tokens, rows = sample(1000)
    task = Task("one token at a time, by dtype", len(tokens), "ns/token")

    def check(vectors: list[NDArray[np.float32]]) -> None:
        assert np.array_equal(vectors, decoded(kept)[rows])

    what = f"store[token], {kept.dtype}"
    measure(task, what, lambda: [kept[token] for token in tokens], check, rounds=21, baseline=is_baseline(kept))


@pytest.mark.parametrize("count", [1, 100])
def test_nearest(measure: Measure, kept: glovestore.EmbeddingStore, count: int, sample: Callable[..., Any]) -> None:
    tokens, rows = sample(count)
    task = Task(f"{K} nearest of {len(tokens)}, by dtype")
    vectors = decoded(kept).astype(np.float64)

    def check(found: list[list[tuple[str, float]]]) -> None:
        norms = np.linalg.norm(vectors, axis=1)
        for row, near in zip(rows.tolist(), found, strict=True):
            cosines = vectors @ vectors[row] / np.where(norms == 0, 1, norms) / (norms[row] or 1)
            cosines[row] = -np.inf
            best = np.sort(cosines)[::-1][: len(near)]
            np.testing.assert_allclose([cosine for _, cosine in near], best, atol=1e-6)

    what = f"store.nearest(tokens), {kept.dtype}"
    measure(task, what, lambda: kept.nearest(tokens, K), check, rounds=21, baseline=is_baseline(kept))
