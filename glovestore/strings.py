"""Strings as the core reads them, whatever a caller keeps them in: lists, numpy arrays, Arrow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from glovestore import _core
from glovestore.tokens import as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_strings(tokens: Any) -> _core.Strings:
    """Return tokens of any kind as the core reads them; buffers are not copied, but for StringDType.

    Lists, tuples and other iterables of `str` and `bytes`, dict keys and object arrays; numpy's S, U and StringDType;
    and whatever speaks the Arrow PyCapsule interface: string, binary, view and dictionary arrays of pyarrow, polars,
    pandas and others, in which a null, as one of StringDType, is a token that no store has. The result keeps the
    memory alive; it must not be changed meanwhile. TypeError for anything else, naming the position, and for a single
    token.
    """
    if isinstance(tokens, _core.Strings):
        return tokens
    if isinstance(tokens, (list, tuple)):
        return _core.Strings.of_objects(tokens)
    if isinstance(tokens, (str, bytes)):
        raise TypeError(f"expected an iterable of tokens, got the single token {as_text(tokens)!r}: put it into a list")
    if isinstance(tokens, np.ndarray):
        return _of_array(tokens)
    strings = arrow_strings(tokens)
    if strings is not None:
        return strings
    if not isinstance(tokens, Iterable):
        raise TypeError(f"expected an iterable of tokens, got {type(tokens).__name__}")
    if hasattr(tokens, "__array__"):  # an index of pandas, say
        return _of_array(np.asarray(tokens))
    return _core.Strings.of_objects(tokens)


def speaks_arrow(strings: object) -> bool:
    """Tell whether something hands its memory over by the Arrow PyCapsule interface."""
    return hasattr(strings, "__arrow_c_array__") or hasattr(strings, "__arrow_c_stream__")


def arrow_strings(strings: Any) -> _core.Strings | None:
    """Return the strings of an Arrow array or stream; None for what is none, or needs a package that is not here.

    TypeError if there are no strings in it, OSError if the stream breaks.
    """
    try:
        if hasattr(strings, "__arrow_c_array__"):
            return _core.Strings.of_arrow_array(*strings.__arrow_c_array__())
        if hasattr(strings, "__arrow_c_stream__"):
            return _core.Strings.of_arrow_stream(strings.__arrow_c_stream__())
    except ImportError:  # pandas wants pyarrow for it
        pass
    return None


def _of_array(tokens: NDArray[Any]) -> _core.Strings:
    if tokens.ndim != 1:
        raise ValueError(f"expected tokens of one dimension, got shape {tokens.shape}")
    if tokens.dtype.kind in "SU" and tokens.dtype.itemsize and len(tokens):
        native = np.require(tokens, tokens.dtype.newbyteorder("="), ["C", "ALIGNED"])
        if tokens.dtype.kind == "S":
            return _core.Strings.of_fixed_bytes(native.view(np.uint8), tokens.dtype.itemsize)
        return _core.Strings.of_fixed_code_points(native.view(np.uint32), tokens.dtype.itemsize // 4, texts=tokens)
    if tokens.dtype.kind == "T" and not isinstance(getattr(tokens.dtype, "na_object", None), str):
        return _core.Strings.of_string_dtype(np.ascontiguousarray(tokens))
    return _core.Strings.of_objects(tokens.tolist())
