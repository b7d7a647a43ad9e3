"""Builds that keep some tokens only: the list of them, and rows in the order of that list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.format.writer import VECTORS_OFFSET, StoreWriter
from glovestore.tokens import Token, as_bytes

BATCH = 4096  # tokens whose rows are moved at a time


def distinct_tokens(tokens: Iterable[Token]) -> list[bytes]:
    """Return the tokens as bytes, each once, in their order; of a mapping, its keys.

    Raises TypeError for anything but `str` and `bytes`, and for a single string in place of a list.
    """
    if isinstance(tokens, str | bytes):
        raise TypeError(f"keep: expected a list of tokens, got one {type(tokens).__name__}")
    distinct: dict[bytes, None] = {}
    for position, token in enumerate(tokens):
        if not isinstance(token, str | bytes):
            raise TypeError(f"keep: expected a token (str or bytes) at position {position}, got {type(token).__name__}")
        distinct[as_bytes(token)] = None
    return list(distinct)


def kept_tokens(tokens: Sequence[bytes]) -> _core.KeptTokens:
    """Return the tokens in the form that a reader looks them up in. What is longer than any token is in no source."""
    return _core.KeptTokens(*packed_tokens([token for token in tokens if len(token) <= _core.LONGEST_TOKEN]))


def append_in_order(tokens: Sequence[bytes], found: StoreWriter, out: StoreWriter) -> None:
    """Append the rows that were written to `found` to `out`, in the order of `tokens`."""
    arrays = found.finish_rows()
    index = _core.TokenIndex(
        arrays["index_slots"],
        arrays["token_offsets"],
        arrays["token_bytes"],
        found.rows.index_seed,
        found.rows.longest_probe,
    )
    vectors = found.file.mapped(np.float32, VECTORS_OFFSET, (found.rows.rows, found.dim))
    for batch in _batches(tokens):
        rows = np.empty(len(batch), np.int64)
        index.find(batch, rows)
        present = [token for token, row in zip(batch, rows.tolist(), strict=True) if row >= 0]
        out.append(vectors[rows[rows >= 0]], *packed_tokens(present))


def packed_tokens(tokens: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return the tokens' bytes one behind the other, and their lengths."""
    lengths = np.fromiter(map(len, tokens), np.uint16, len(tokens))
    return np.frombuffer(b"".join(tokens), np.uint8), lengths


def _batches(tokens: Sequence[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(tokens)
    while batch := list(islice(remaining, BATCH)):
        yield batch
