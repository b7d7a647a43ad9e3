"""Arrays of indices: what a caller gives to be filled, and what he gives to be decoded."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from glovestore import _core

Side: TypeAlias = Literal["pre", "post"]
"""The side of a row that is filled up or cut."""


def check_side(name: str, value: str) -> None:
    """Raise a ValueError unless an argument is "pre" or "post"."""
    if value not in ("pre", "post"):
        raise ValueError(f"{name}: expected 'pre' or 'post', got {value!r}")


def id_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return int64 or int32 as a numpy dtype; anything else is a ValueError."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(np.void)
    if found not in (np.dtype(np.int64), np.dtype(np.int32)):
        raise ValueError(f"dtype: expected int64 or int32, got {dtype!r}")
    return found


def target_of(out: Any, width: int | None, dtype: np.dtype[Any] | None) -> _core.Target:
    """Return the memory of a caller's array or tensor, or say what is wrong with it."""
    expected = "a writable C-contiguous 2-D array of int64 or int32, or such a tensor on the CPU"
    try:
        target = _core.Target(out)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise ValueError(f"out: expected {expected}, got {type(out).__name__}: {error}") from error
    if target.dtype not in ("int64", "int32"):
        raise ValueError(f"out: expected {expected}, got {target.dtype}")
    if width not in (None, target.columns):
        raise ValueError(f"out: expected {width} columns, as max_len says, got {target.columns}")
    if dtype is not None and dtype.name != target.dtype:
        raise ValueError(f"out: expected {dtype.name}, as dtype says, got {target.dtype}")
    return target


def id_array(ids: npt.ArrayLike, size: int) -> npt.NDArray[Any]:
    """Return a 1-D or 2-D array of integers from 0 to size - 1, or say what is wrong with it."""
    try:
        array = np.asarray(ids)
    except ValueError as error:
        raise ValueError("ids: expected 1-D or 2-D integers, got rows that differ in length; decode each") from error
    if array.ndim not in (1, 2):
        raise ValueError(f"ids: expected 1-D or 2-D integers, got {array.ndim}-D")
    if array.size == 0:  # an empty list is an array of floats
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"ids: expected integers, got {array.dtype}")
    outside = np.argwhere((array < 0) | (array >= size))
    if len(outside):
        position = outside[0].tolist()
        raise IndexError(f"ids{position}: expected 0 to {size - 1}, got {array[tuple(position)]}")
    return array
