"""What a store of another dtype holds, in numpy: slow, obvious, and by FORMAT.md."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("float32", "float16", "int8")
MOST_SCALE = np.float32(float.fromhex("0x1.020406p+121"))  # the greatest of which 127 times is finite


def rounded(vectors: NDArray[np.float32], dtype: str) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    """Return float32 vectors as a store keeps them, and their scales."""
    if dtype != "int8":
        return vectors.astype(dtype), None
    scales = np.minimum(np.abs(vectors).max(axis=1, initial=0) / np.float32(127), MOST_SCALE)
    divisors = np.where(scales == 0, np.float32(1), scales)
    numbers = np.clip(np.rint(vectors / divisors[:, None]), -127, 127)
    numbers[scales == 0] = 0
    return numbers.astype(np.int8), scales


def decoded(stored: NDArray[Any], scales: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Return the float32 vectors that a store stands for."""
    vectors = stored.astype(np.float32)
    return vectors if scales is None else vectors * scales[:, None]


def kept(vectors: NDArray[np.float32], dtype: str) -> NDArray[np.float32]:
    """Return what is left of float32 vectors in a store of that dtype."""
    return decoded(*rounded(vectors, dtype))
