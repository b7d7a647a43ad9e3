"""Tokens one behind the other, as the core reads them: bytes, and where in them each token begins.

The bytes of a token are its UTF-8 with "surrogatepass", so that every str, lone surrogates included, has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore import _core

INDEX_SEEDS = _core.INDEX_SEEDS


class PackedTokens(NamedTuple):
    """Token i is ``data[offsets[i]:offsets[i + 1]]``: uint8, and uint64 with one element more than there are tokens."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.uint64]

    @property
    def size(self) -> int:
        """The number of tokens."""
        return len(self.offsets) - 1

    def texts(self) -> list[str]:
        """Return the tokens."""
        parts = pairwise(self.offsets.tolist())
        data = self.data.tobytes()
        if data.isascii():
            text = data.decode("ascii")
            return [text[begin:end] for begin, end in parts]
        return [data[begin:end].decode("utf-8", "surrogatepass") for begin, end in parts]

    def select(self, rows: NDArray[np.int64]) -> PackedTokens:
        """Return the tokens of these rows."""
        sizes = (self.offsets[1:] - self.offsets[:-1])[rows]
        data = np.empty(int(sizes.sum()), np.uint8)
        _core.select_tokens(self.data, self.offsets, rows, data)
        return PackedTokens(data, _offsets(sizes))

    def behind(self, tokens: Sequence[str]) -> PackedTokens:
        """Return these tokens, with the packed ones behind them."""
        front = pack(tokens)
        moved = self.offsets + front.offsets[-1]
        return PackedTokens(np.concatenate([front.data, self.data]), np.concatenate([front.offsets[:-1], moved]))

    def equals(self, other: PackedTokens) -> bool:
        """Say whether the tokens are the same ones in the same order."""
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.data, other.data)

    def state(self) -> tuple[bytes, bytes]:
        """Return the bytes that `from_state` takes, the same ones on every machine."""
        return self.data.tobytes(), self.offsets.astype("<u8").tobytes()


def pack(tokens: Sequence[str]) -> PackedTokens:
    """Lay tokens one behind the other."""
    encoded = [token.encode("utf-8", "surrogatepass") for token in tokens]
    sizes = np.fromiter(map(len, encoded), np.uint64, len(encoded))
    return PackedTokens(np.frombuffer(b"".join(encoded), np.uint8), _offsets(sizes))


def from_memory(data: Any, offsets: Any) -> PackedTokens:
    """Read the tokens of two buffers, which are kept."""
    return PackedTokens(np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.uint64))


def from_state(data: bytes, offsets: bytes) -> PackedTokens:
    """Return what `PackedTokens.state` was made of; a ValueError if the offsets do not fit the bytes."""
    tokens = PackedTokens(np.frombuffer(data, np.uint8), np.frombuffer(offsets, "<u8").astype(np.uint64))
    rises = tokens.offsets.size and tokens.offsets[0] == 0 and bool((tokens.offsets[:-1] <= tokens.offsets[1:]).all())
    if not rises or tokens.offsets[-1] != len(data):
        raise ValueError("offsets: expected them to rise from 0 to the number of bytes")
    return tokens


def make_index(tokens: PackedTokens) -> _core.TokenIndex:
    """Return an index of tokens that differ, of which there is at least one; a ValueError if they do not."""
    slots = np.empty(_core.buckets_for(tokens.size) * 8, np.uint64)
    seed, longest_probe = _core.build_index(tokens.data, tokens.offsets, slots, INDEX_SEEDS)
    return _core.TokenIndex(slots, tokens.offsets, tokens.data, seed, longest_probe)


def _offsets(sizes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    offsets = np.zeros(len(sizes) + 1, np.uint64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets
