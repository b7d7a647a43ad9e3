"""float16 and int8 in the core, in every SIMD tier, against numpy: to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from stored_reference import decoded, kept, rounded

from glovestore import _core

F4 = np.float32
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
HALVES = st.floats(-65504, 65504, width=32)
SMALL = st.integers(-600, 600).map(lambda n: n * 2.0**-25)  # below 2^-14, half of them ties
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)

every_tier = pytest.mark.parametrize("tier", _core.SIMD_TIERS)


def encoded(vectors: NDArray[np.float32], dtype: str, tier: str) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    stored = np.full(vectors.shape, 77, dtype)
    scales = np.full(len(vectors), np.nan, F4) if dtype == "int8" else None
    _core.encode_rows(vectors, stored.view(np.uint8), scales, tier)
    return stored, scales


def decode(stored: NDArray[Any], scales: NDArray[np.float32] | None, tier: str) -> NDArray[np.float32]:
    out = np.full(stored.shape, np.nan, F4)
    _core.StoredVectors(stored, scales).decode(0, out, tier)
    return out


def assert_like_numpy(vectors: NDArray[np.float32], dtype: str, tier: str) -> None:
    expected, expected_scales = rounded(vectors, dtype)
    stored, scales = encoded(vectors, dtype, tier)
    assert stored.tobytes() == expected.tobytes()
    assert (scales is None) == (expected_scales is None)
    if scales is not None and expected_scales is not None:
        assert scales.tobytes() == expected_scales.tobytes()
    out = decode(stored, scales, tier)
    assert out.tobytes() == decoded(stored, scales).tobytes()
    assert np.isfinite(out).all()


@every_tier
@settings(deadline=None, max_examples=60)
@given(vectors=arrays(F4, SHAPES, elements=HALVES | SMALL))
def test_float16(tier: str, vectors: NDArray[np.float32]):
    assert_like_numpy(vectors, "float16", tier)


@every_tier
@settings(deadline=None, max_examples=60)
@given(vectors=arrays(F4, SHAPES, elements=FINITE | SMALL | st.integers(-254, 254).map(lambda n: n / 2)))
def test_int8(tier: str, vectors: NDArray[np.float32]):
    assert_like_numpy(vectors, "int8", tier)


@every_tier
def test_every_half_is_read(tier: str):
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    out = decode(halves.reshape(1, -1), None, tier)[0]
    number = ~np.isnan(halves)
    assert out[number].tobytes() == halves[number].astype(F4).tobytes()
    assert np.isnan(out[~number]).all()
    assert out.tobytes() == decode(halves.reshape(1, -1), None, "scalar")[0].tobytes()  # NaNs too


@every_tier
def test_every_tie_between_halves_and_its_neighbours(tier: str):
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(F4)  # 0 to 65,504
    ties = (halves[:-1] + halves[1:]) / F4(2)
    assert (ties.astype(np.float64) * 2 == halves[:-1].astype(np.float64) + halves[1:]).all()
    numbers = np.concatenate([ties, np.nextafter(ties, F4(0)), np.nextafter(ties, F4(np.inf)), halves])
    assert_like_numpy(np.concatenate([numbers, -numbers]).reshape(2, -1), "float16", tier)


@every_tier
def test_ties_of_int8(tier: str):
    row = np.arange(-254, 255, dtype=F4) / 2
    stored, scales = encoded(row.reshape(1, -1), "int8", tier)
    assert scales == [1]
    assert stored[0].tolist() == [round(x) for x in row.tolist()]  # Python rounds half to even


@every_tier
@pytest.mark.parametrize("dim", [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100])
@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_sizes(tier: str, dim: int, dtype: str):
    assert_like_numpy(np.random.default_rng(dim).normal(size=(5, dim)).astype(F4), dtype, tier)


GREATEST = np.finfo(F4).max
LEAST = np.finfo(F4).smallest_subnormal
ODD_ROWS = {
    "zeros": [0.0, -0.0, 0.0],
    "the greatest": [GREATEST, -GREATEST, 1.0],
    "the least": [LEAST, -LEAST, 0.0],
    "too small for a scale": [LEAST * 63, 0.0, -LEAST],
    "a scale of the least": [LEAST * 64, LEAST * 63, -LEAST],
    "more than 127 of the least": [LEAST * 190, LEAST * 128, -LEAST * 189],
    "one large": [1e30, 1e-3, -1.0],
}


@every_tier
@pytest.mark.parametrize("row", ODD_ROWS.values(), ids=list(ODD_ROWS))
def test_odd_rows_of_int8(tier: str, row: list[float]):
    assert_like_numpy(np.array([row], F4), "int8", tier)


@every_tier
def test_no_number_is_far_from_its_int8(tier: str):
    vectors = np.random.default_rng(1).normal(size=(50, 40)).astype(F4)
    stored, scales = encoded(vectors, "int8", tier)
    assert scales is not None
    assert (np.abs(decode(stored, scales, tier) - vectors) <= scales[:, None] * 0.5001).all()
    assert (np.abs(stored.astype(int)).max(axis=1) == 127).all()


# ----- gather


@every_tier
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("out_dtype", [np.float32, np.float16, np.float64])
@pytest.mark.parametrize("threads", [1, 3])
def test_gather(tier: str, dtype: str, out_dtype: type, threads: int):
    random = np.random.default_rng(5)
    stored, scales = rounded(random.normal(size=(300, 19)).astype(F4), dtype)
    rows = random.integers(-1, 300, 40_000)
    positions = random.permutation(len(rows))
    out = np.full((len(rows), 19), 7, out_dtype)
    _core.gather(_core.StoredVectors(stored, scales), rows, out, positions, threads, tier)
    expected = np.where(rows[:, None] < 0, F4(0), decoded(stored, scales)[rows]).astype(out_dtype)
    assert out[positions].tobytes() == expected.tobytes()


@every_tier
@settings(deadline=None, max_examples=50)
@given(numbers=arrays(np.int8, (4, 5)), scales=arrays(F4, 4, elements=st.floats(width=32)))
def test_scales_of_any_kind(tier: str, numbers: NDArray[np.int8], scales: NDArray[np.float32]):
    """A damaged store may have any: numbers come out, garbage perhaps, and nothing else happens."""
    with np.errstate(all="ignore"):
        expected = decoded(numbers, scales)
    assert np.array_equal(decode(numbers, scales, tier), expected, equal_nan=True)


# ----- what does not fit


def test_vectors_that_are_none():
    plain = np.zeros((3, 2), F4)
    for vectors, scales, problem in (
        (plain.astype(np.int16), None, "expected vectors of float32, float16, int8, got the format 'h'"),
        (plain[0], None, "expected vectors of 2 dimensions, got 1"),
        (plain, np.zeros(3, F4), "expected scales for int8, and only for it"),
        (plain.astype(np.int8), None, "expected scales for int8, and only for it"),
        (plain.astype(np.int8), np.zeros(2, F4), "scales does not fit vectors"),
    ):
        with pytest.raises(ValueError, match=problem):
            _core.StoredVectors(vectors, scales)
    with pytest.raises(ValueError, match="contiguous"):
        _core.StoredVectors(np.zeros((3, 4), F4)[:, ::2])


def test_what_does_not_fit_the_core():
    vectors = _core.StoredVectors(np.zeros((3, 2), np.float16))
    assert vectors.shape == (3, 2)
    for first, rows in ((0, 4), (3, 1), (4, 0), (2**63, 1)):
        with pytest.raises(IndexError, match="expected rows below 3"):
            vectors.decode(first, np.zeros((rows, 2), F4))
    with pytest.raises(ValueError, match="differ in dim"):
        vectors.decode(0, np.zeros((1, 3), F4))
    with pytest.raises(ValueError, match="tiers"):
        vectors.decode(0, np.zeros((1, 2), F4), "sse")
    with pytest.raises(ValueError, match="out does not fit"):
        _core.encode_rows(np.zeros((3, 2), F4), np.zeros((3, 2), np.uint8))
    with pytest.raises(ValueError, match="scales does not fit"):
        _core.encode_rows(np.zeros((3, 2), F4), np.zeros((3, 2), np.uint8), np.zeros(2, F4))
    with pytest.raises(ValueError, match="expected one of float32, float16, int8, got int4"):
        _core.RowWriter(-1, 0, 0, 65_536, 2, dtype="int4")


def test_kept_is_what_the_other_tests_take_it_for():
    assert kept(np.array([[1, 2.0001, -3]], F4), "float16").tolist() == [[1, 2, -3]]
    assert kept(np.array([[127, 1.4, -3.5], [0, 0, 0]], F4), "int8").tolist() == [[127, 1, -4], [0, 0, 0]]
