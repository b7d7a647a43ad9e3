"""Norms and statistics: the order of the sums is that of FORMAT.md, in every SIMD tier, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glovestore import _core

BLOCK = 4096
F4, F8 = np.float32, np.float64


def norm_by_the_book(row: NDArray[np.float32]) -> np.float32:
    lanes = [0.0] * 8
    for column, x in enumerate(row.tolist()):
        lanes[column % 8] += x * x
    total = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
    return F4(math.sqrt(total))


def statistics_by_the_book(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation, one column's number at a time as far as the order matters."""
    mean, squares, joined = np.zeros(vectors.shape[1]), np.zeros(vectors.shape[1]), 0.0
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK].astype(F8)
        total, total_of_squares, n = np.zeros_like(mean), np.zeros_like(mean), float(len(block))
        for row in block:
            x = row - block[0]
            total += x
            total_of_squares += x * x
        gap = block[0] + total / n - mean
        mean += gap * (n / (joined + n))
        inside = np.maximum(0.0, total_of_squares - total * (total / n))
        squares += inside + gap * gap * (joined * (n / (joined + n)))
        joined += n
    return mean, np.sqrt(squares / max(joined, 1.0))


def norms(tier: str, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    out = np.full(len(vectors), np.nan, F4)
    _core.row_norms(vectors, out, tier)
    return out


def statistics(tier: str, vectors: NDArray[np.float32], step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    dim = vectors.shape[1]
    running, mean, std = _core.Statistics(np.full((5, dim), np.nan), tier), np.empty(dim), np.empty(dim)
    for start in range(0, len(vectors), step):
        running.update(vectors[start : start + step])
    running.finish(mean, std)
    return mean, std


def sample(rows: int, dim: int, seed: int = 0, scale: float = 1.0) -> NDArray[np.float32]:
    random_ = np.random.default_rng(seed)
    return (random_.standard_normal((rows, dim)) * scale + random_.standard_normal(dim)).astype(F4)


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("dim", [*range(1, 42), 50, 99, 100, 101, 300])
def test_norms_of_every_dim(tier: str, dim: int):
    vectors = sample(20, dim, dim)
    assert norms(tier, vectors).tobytes() == np.array([*map(norm_by_the_book, vectors)]).tobytes()


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
def test_norms_of_the_extremes(tier: str):
    greatest, smallest = np.finfo(F4).max, np.finfo(F4).smallest_subnormal
    vectors = np.array([[0, 0, 0], [-0.0, 0, -0.0], [smallest, 0, -smallest], [greatest, 0, 0], [1e30, 1e-30, 1]], F4)
    assert norms(tier, vectors).tobytes() == np.array([*map(norm_by_the_book, vectors)]).tobytes()


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("dim", [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 50, 100])
def test_statistics_of_every_dim(tier: str, dim: int):
    vectors = sample(BLOCK + 37, dim, dim)
    mean, std = statistics_by_the_book(vectors)
    for step in (len(vectors), 5):
        found = statistics(tier, vectors, step)
        assert (found[0].tobytes(), found[1].tobytes()) == (mean.tobytes(), std.tobytes())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(0, 99), st.lists(st.integers(1, 6000), min_size=1, max_size=4))
def test_statistics_do_not_depend_on_the_steps(dim: int, seed: int, steps: list[int]):
    vectors = sample(2 * BLOCK + 100, dim, seed, scale=1e-3)
    mean, std = statistics("scalar", vectors, len(vectors))
    for tier in _core.SIMD_TIERS:
        for step in steps:
            found = statistics(tier, vectors, step)
            assert (found[0].tobytes(), found[1].tobytes()) == (mean.tobytes(), std.tobytes())
