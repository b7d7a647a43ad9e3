"""Arrays of indices: filling up and cutting on the way in, checking on the way out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Side: TypeAlias = Literal["pre", "post"]
"""The side of a row that is filled up or cut."""


def kept_part(max_len: int | None, truncating: Side) -> slice:
    """Return the part of a row that stays when it is cut on one side."""
    if max_len is None:
        return slice(None)
    return slice(max_len) if truncating == "post" else slice(-max_len, None)


def padded(
    values: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    max_len: int | None,
    padding: Side,
    dtype: np.dtype[Any],
) -> npt.NDArray[Any]:
    """Lay ragged rows, none longer than `max_len`, into an array of that many columns filled up with 0.

    Row i is ``values[offsets[i]:offsets[i + 1]]``; without `max_len` the longest row gives the columns.
    """
    columns = int(np.diff(offsets).max(initial=0)) if max_len is None else max_len
    ids = np.zeros((len(offsets) - 1, columns), dtype)
    for row, (start, end) in zip(ids, pairwise(offsets.tolist()), strict=True):
        first = 0 if padding == "post" else columns - (end - start)
        row[first : first + end - start] = values[start:end]
    return ids


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
