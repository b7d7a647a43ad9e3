"""Rows that Python has in hand, on their way into batches: how many at a time, numbers to float32, tokens to bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.tokens import shown

BATCH_BYTES = 1 << 21  # of vectors in float32: a batch and its copy stay in the cache
MOST_ROWS = 1 << 14


def rows_in_batch(dim: int) -> int:
    """Return how many rows go into a batch."""
    return max(1, min(MOST_ROWS, BATCH_BYTES // (4 * dim)))


def to_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return floating numbers as C-contiguous float32, each rounded to the nearest; what is too large is infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)


def token_bytes(token: object) -> bytes:
    """Return a token's bytes; a ValueError says why it is none that a store can hold."""
    if not isinstance(token, str | bytes):
        raise ValueError(f"expected a token (str or bytes), got {type(token).__name__}")
    try:
        data = token.encode("utf-8", "surrogateescape") if isinstance(token, str) else token
    except UnicodeEncodeError:
        raise ValueError(f"expected a token in Unicode, got {shown(token)} with a lone surrogate") from None
    if len(data) > _core.LONGEST_TOKEN:
        raise ValueError(f"expected a token of at most {_core.LONGEST_TOKEN} bytes, got {len(data)}")
    return data


def tokens_bytes(tokens: Iterable[object], first: int, record: str = "row") -> Sequence[bytes]:
    """Return the bytes of tokens, the first of which is number `first`; a ValueError names the record that is wrong."""
    result: list[bytes] = []
    for token in tokens:
        try:
            result.append(token_bytes(token))
        except ValueError as error:
            raise ValueError(f"{record} {first + len(result)}: {error}") from None
    return result
