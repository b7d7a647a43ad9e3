"""The rows of a store, some at a time: whatever leaves a store comes through here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore.errors import GlovestoreError
from glovestore.store import EmbeddingStore
from glovestore.tokens import as_text, shown

BATCH_NUMBERS = 1 << 16  # whose text, some 600 kB, stays in a core's cache
BATCH_TOKENS = 1 << 16

Problem = Callable[[bytes], str | None]


class TokenBatch(NamedTuple):
    """The tokens from row `first` on: token i is token_bytes[offsets[i]:offsets[i + 1]]. The offsets rise."""

    first: int
    token_bytes: NDArray[np.uint8]
    offsets: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def token(self, position: int) -> bytes:
        """Return the bytes of one of them."""
        return self.token_bytes[int(self.offsets[position]) : int(self.offsets[position + 1])].tobytes()

    def tokens(self) -> list[bytes]:
        """Return the bytes of each of them."""
        data, edges = self.token_bytes.tobytes(), self.offsets.tolist()
        return [data[begin:end] for begin, end in pairwise(edges)]


class RowBatch(NamedTuple):
    """Some rows: their tokens, and their vectors, float32 (k, dim), C-contiguous."""

    tokens: TokenBatch
    vectors: NDArray[np.float32]


def row_batches(store: EmbeddingStore, numbers: int = BATCH_NUMBERS) -> Iterator[RowBatch]:
    """Yield all rows in order, about so many numbers at a time."""
    for tokens in token_batches(store, max(1, numbers // store.dim)):
        yield RowBatch(tokens, store.decoded(tokens.first, tokens.first + len(tokens)))


def token_batches(store: EmbeddingStore, count: int = BATCH_TOKENS) -> Iterator[TokenBatch]:
    """Yield all tokens in order, `count` at a time. StoreFormatError for damaged offsets."""
    token_bytes, all_offsets = store.tokens.arrays()
    for first in range(0, len(store), count):
        offsets = np.array(all_offsets[first : first + count + 1])
        wrong = (offsets[:-1] > offsets[1:]) | (offsets[1:] > len(token_bytes))
        if wrong.any():
            store.tokens.raw(first + int(wrong.argmax()))  # raises
        yield TokenBatch(first, token_bytes[int(offsets[0]) : int(offsets[-1])], offsets - offsets[0])


def all_tokens(store: EmbeddingStore) -> list[str]:
    """Return all tokens: UTF-8 with surrogateescape."""
    return [as_text(token) for batch in token_batches(store) for token in batch.tokens()]


# ---------------------------------------------------------------------- what a format cannot hold


def check_tokens(store: EmbeddingStore, what: str, suspects: bytes, problem: Problem) -> None:
    """Raise a GlovestoreError that names the first token which `what`, a format, cannot hold, and its row.

    `problem(token)` returns why, or None. It is asked about empty tokens, and those with one of the bytes `suspects`.
    """
    is_suspect = np.zeros(256, bool)
    is_suspect[list(suspects)] = True
    for batch in token_batches(store):
        for position in _positions(batch, is_suspect):
            token = batch.token(position)
            if (why := problem(token)) is not None:
                name = shown(as_text(token))
                raise GlovestoreError(
                    f"{store.path}: row {batch.first + position}: expected a token that {what} can hold, got {name}:"
                    f" {why}; nothing was written (npy and gensim hold any token)"
                )


def _positions(batch: TokenBatch, is_suspect: NDArray[np.bool_]) -> list[int]:
    """Return the positions of tokens that are empty or have a suspect byte, in order."""
    empty = np.flatnonzero(batch.offsets[1:] == batch.offsets[:-1])
    places = np.flatnonzero(is_suspect[batch.token_bytes])
    holders = np.searchsorted(batch.offsets, places.astype(np.uint64), side="right") - 1
    positions: list[int] = np.union1d(empty, holders).tolist()
    return positions


NOT_ASCII = bytes(range(0x80, 0x100))


def not_unicode(token: bytes) -> str | None:
    """Return why a format of Unicode strings cannot hold a token, or None."""
    try:
        token.decode("utf-8")
    except UnicodeDecodeError:
        return "its bytes are not UTF-8"
    return None
