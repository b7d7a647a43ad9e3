"""Where a matrix goes: the array that a caller brings, or the dtype of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glovestore import _core

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_EXPECTED = "expected float32, float16 or float64, or with a tensor of torch as out= bfloat16"


def array_dtype(dtype: DTypeLike | None) -> np.dtype[Any]:
    """Return the dtype of a new array, float32 for None. ValueError or TypeError for what a matrix cannot have."""
    name = _scalar("float32" if dtype is None else dtype)
    if name == "bfloat16":
        raise ValueError("dtype: bfloat16 is not known to numpy: expected out=, a bfloat16 tensor of torch, with it")
    return np.dtype(name)


def checked_target(out: Any, shape: tuple[int, int], dtype: DTypeLike | None) -> _core.Target:
    """Return the memory of the caller's array, which must be of that shape and dtype (None: its own); say why not."""
    if not isinstance(out, np.ndarray) and not hasattr(out, "__dlpack__"):
        raise TypeError(f"out: expected a numpy array or a tensor on the CPU, got {type(out).__name__}")
    if tuple(out.shape) != shape:
        raise ValueError(f"out: expected shape {shape}, got {tuple(out.shape)}")
    own = str(out.dtype).removeprefix("torch.")
    wanted = own if dtype is None and own in _core.SCALARS else _scalar("float32" if dtype is None else dtype)
    if own != wanted:
        raise ValueError(f"out: expected dtype {wanted}, got {own}")
    if isinstance(out, np.ndarray) and not out.flags.carray:
        problem = "read-only" if not out.flags.writeable else f"strides {out.strides}"
        raise ValueError(f"out: expected a writable C-contiguous array, got {problem}")
    try:
        return _core.Target(out)
    except (BufferError, ValueError, RuntimeError) as error:
        raise ValueError(f"out: {error}") from error


def _scalar(dtype: Any) -> str:
    """Return the name of a dtype of numpy or torch, or of what numpy makes one of."""
    name = str(dtype).removeprefix("torch.")
    if name not in _core.SCALARS:
        try:
            name = str(np.dtype(dtype))
        except TypeError as error:
            raise TypeError(f"dtype: {_EXPECTED}, got {dtype!r}") from error
    if name not in _core.SCALARS:
        raise ValueError(f"dtype: {_EXPECTED}, got {name}")
    return name
