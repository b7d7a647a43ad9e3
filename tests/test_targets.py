"""Matrices in other dtypes and in other people's memory: numpy's and torch's rounding is the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix_reference import DIM, VECTORS, quiet, source

from glovestore import _core
from glovestore.matrix import make_matrix

torch = pytest.importorskip("torch")

# Every float16 and bfloat16 with all that is near it, as bits of float32.
CORNERS = np.arange(1 << 16, dtype=np.uint32) << 16
BITS = np.unique(
    np.concatenate(
        [CORNERS + step for step in (0, 1, 0xFFF, 0x1000, 0x1001, 0x2FFF, 0x3000, 0x7FFF, 0x8000, 0x8001, 0xFFFF)]
    )
)
FLOATS = BITS.astype(np.uint32).view(np.float32)
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64}


def gathered(values: np.ndarray, dtype: str, threads: int = 1) -> Any:
    vectors = np.ascontiguousarray(values[: len(values) // 5 * 5].reshape(-1, 5))
    out = torch.full(vectors.shape, -7, dtype=DTYPES[dtype])
    _core.gather(vectors, np.arange(len(vectors)), out, threads=threads)
    return vectors, out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_rounding(dtype: str, threads: int):
    vectors, out = gathered(FLOATS, dtype, threads)
    expected = torch.from_numpy(vectors).to(DTYPES[dtype])
    assert torch.equal(out.isnan(), expected.isnan())
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[out.element_size()]
    right = (out.view(bits) == expected.view(bits)) | expected.isnan()  # a NaN may have any payload
    assert bool(right.all())


@given(st.lists(st.floats(width=32), min_size=5, max_size=40))
def test_float16_is_numpys(values: list[float]):
    vectors, out = gathered(np.array(values, np.float32), "float16")
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(out.numpy(), vectors.astype(np.float16))


@pytest.mark.parametrize("dtype", DTYPES)
def test_out_is_a_tensor(dtype: str):
    out = torch.full((4, DIM), 9, dtype=DTYPES[dtype])
    m = make_matrix(["cat", "zzz", "<pad>", "of"], source(), oov="mean", out=out)
    assert m.array is out
    expected = quiet(["cat", "zzz", "<pad>", "of"], oov="mean").array
    assert torch.equal(out, torch.from_numpy(expected).to(DTYPES[dtype]))
    assert (m.shape, len(m), m.padding_idx) == ((4, DIM), 4, 2)
    assert torch.from_dlpack(m).data_ptr() == out.data_ptr()
    assert make_matrix(["cat", "of"], source(), out=out[:2], dtype=dtype).array.dtype == DTYPES[dtype]
    assert make_matrix(["cat", "of"], source(), out=out[:2], dtype=DTYPES[dtype]).array.dtype == DTYPES[dtype]


def test_a_matrix_in_a_tensor_is_an_array_too():
    m = make_matrix(["cat"], source(), out=torch.empty(1, DIM))
    np.testing.assert_array_equal(np.asarray(m), VECTORS[[2]])
    np.testing.assert_array_equal(np.array(m, np.float64), VECTORS[[2]])


def test_numpy_says_that_it_knows_no_bfloat16():
    m = make_matrix(["cat"], source(), out=torch.empty(1, DIM, dtype=torch.bfloat16))
    assert m.dtype == torch.bfloat16
    for convert in (np.asarray, lambda m: np.array(m, np.float32)):
        with pytest.raises(TypeError, match=r"^expected a dtype that numpy knows, got bfloat16: take .array.float"):
            convert(m)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_new_arrays_of_each_dtype(dtype: str):
    m = make_matrix(["cat", "zzz", "of"], source(), oov=[0.1, 0.2, 0.3], dtype=dtype)
    assert m.dtype == dtype
    expected = np.array([VECTORS[2], [0.1, 0.2, 0.3], VECTORS[1]], np.float32).astype(dtype)
    np.testing.assert_array_equal(m.array, expected)


BAD_OUT = [
    (lambda: torch.empty(2, DIM), r"shape \(1, 3\), got \(2, 3\)"),
    (lambda: torch.empty(DIM), r"shape \(1, 3\), got \(3,\)"),
    (lambda: torch.empty(1, DIM, dtype=torch.int32), "dtype float32, got int32"),
    (lambda: torch.empty(1, DIM, dtype=torch.complex64), "dtype float32, got complex64"),
    (lambda: torch.empty(1, 2 * DIM)[:, ::2], "a C-contiguous array"),
    (lambda: torch.empty(1, DIM, requires_grad=True), "gradient|require"),
    (lambda: torch.empty(1, DIM, device="meta"), "."),
]


@pytest.mark.parametrize(("make", "message"), BAD_OUT, ids=range(len(BAD_OUT)))
def test_bad_tensors_are_refused(make: Any, message: str):
    with pytest.raises(ValueError, match=f"^out: .*({message})"):
        make_matrix(["cat"], source(), out=make())


def test_a_dtype_that_out_does_not_have():
    with pytest.raises(ValueError, match=r"^out: expected dtype float16, got bfloat16"):
        make_matrix(["cat"], source(), out=torch.empty(1, DIM, dtype=torch.bfloat16), dtype=np.float16)


def test_bfloat16_needs_a_tensor():
    for dtype in ("bfloat16", torch.bfloat16):
        with pytest.raises(ValueError, match=r"^dtype: bfloat16 is not known to numpy: expected out="):
            make_matrix(["cat"], source(), dtype=dtype)


def test_memory_of_others_is_not_taken():
    with pytest.raises(ValueError, match="2 dimensions, got 1"):
        _core.Target(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="2 dimensions, got 3"):
        _core.Target(torch.zeros(1, 1, 3))
    with pytest.raises(ValueError, match="expected floats, got int32"):
        _core.gather(np.zeros((2, 2), np.float32), np.arange(2), np.zeros((2, 2), np.int32))
    with pytest.raises(ValueError, match="not written to, with the format 'B'"):
        _core.Target(np.zeros((2, 2), np.uint8))
    target = _core.Target(torch.zeros(2, 3, dtype=torch.float64))
    assert (target.rows, target.columns, target.dtype) == (2, 3, "float64")
