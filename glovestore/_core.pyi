"""The C++ core: buffers in, caller's buffers filled, the GIL released while bytes are worked on.

Every function checks that the buffers fit each other (ValueError) before it calls the core. Arrays are C-contiguous.
"""

from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

_Bytes: TypeAlias = Buffer | NDArray[Any]  # numpy's own type is a Buffer from Python 3.12 on

LONGEST_TOKEN: int
"""The most bytes a token may have."""
MOST_PROBES: int
"""The most buckets beyond home that a token may stand in."""
TEXT_PADDING: int
"""How many readable bytes `parse_rows` needs behind the text."""
FAULT_NAMES: tuple[str, ...]
"""The faults of `parse_rows`, "none" first."""

SIMD_TIERS: tuple[str, ...]
"""The SIMD tiers that this machine can run, the fastest first; "scalar" is always there."""

def xxh64(data: _Bytes, seed: int = 0) -> int:
    """Return the XXH64 of a buffer of bytes."""

def parse_number(field: bytes) -> float:
    """Return the correctly rounded float32 of a decimal. ValueError: not a number; OverflowError: beyond float32."""

def parse_rows(
    text: _Bytes,
    begin: int,
    end: int,
    vectors: NDArray[np.float32],
    token_bytes: NDArray[np.uint8],
    token_lengths: NDArray[np.uint16],
    tier: str = ...,
) -> tuple[int, int, int, str, int, int, int]:
    r"""Parse the lines text[begin:end], which end with "\n" and have TEXT_PADDING bytes behind them.

    Fills `vectors` (capacity, dim), `token_bytes` (at least end - begin) and `token_lengths` (capacity,). Returns
    (rows, token bytes, bytes used up, fault, and of the faulty line: first byte of the offending field, its size,
    number of fields behind the token). It stops before the first faulty line, or when the capacity is used up.
    """

@final
class SourceDigest:
    """The digest of a source text that arrives in blocks: FORMAT.md, `source_digest`."""

    def update(self, data: _Bytes) -> None:
        """Add bytes."""
    @property
    def digest(self) -> int:
        """The digest of all bytes so far."""
    @property
    def nbytes(self) -> int:
        """The number of bytes so far."""

@final
class BlockHasher:
    """XXH64 of each block of `block_size` bytes; the first byte to come stands at `position` in its block."""

    def __init__(self, block_size: int, position: int = 0) -> None: ...
    def update(self, data: _Bytes, out: NDArray[np.uint64]) -> int:
        """Add bytes; write the hash of each block they finish to `out`, (len(data) // block_size + 1,); count them."""

@final
class Statistics:
    """Mean and deviation of columns, row by row in a fixed order. `memory`: (5, dim) float64, owned by the caller."""

    def __init__(self, memory: NDArray[np.float64], tier: str = ...) -> None: ...
    def update(self, vectors: NDArray[np.float32]) -> None:
        """Add rows (k, dim)."""
    def finish(self, mean: NDArray[np.float64], std: NDArray[np.float64]) -> None:
        """Write the mean and the population standard deviation, each (dim,)."""

def row_norms(vectors: NDArray[np.float32], norms: NDArray[np.float32], tier: str = ...) -> None:
    """Write the L2 norm of each row (k, dim), summed in float64 in a fixed order, to `norms` (k,)."""

def buckets_for(rows: int) -> int:
    """Return the number of buckets of the token index for so many rows."""

def build_index(
    slots: NDArray[np.uint64],
    token_offsets: NDArray[np.uint64],
    token_bytes: NDArray[np.uint8],
    seed: int,
    is_duplicate: NDArray[np.uint8],
) -> tuple[int, int] | None:
    """Fill `slots` (buckets * 8, zeros) with the tokens in row order, the first of equal ones only.

    Writes 1 to `is_duplicate` (rows,) for each other. Returns (longest probe, duplicates), or None if a token would
    stand more than MOST_PROBES buckets from home.
    """

@final
class TokenIndex:
    """A token index to look things up in. Holds its buffers; safe on damaged ones: a miss, never a stray read."""

    def __init__(
        self,
        slots: NDArray[np.uint64],
        token_offsets: NDArray[np.uint64],
        token_bytes: NDArray[np.uint8],
        seed: int,
        longest_probe: int,
    ) -> None: ...
    def row(self, token: str | bytes) -> int:
        """Return the row of a token, -1 if absent. TypeError for anything but str and bytes."""
    def find(self, tokens: list[str | bytes] | tuple[str | bytes, ...], out: NDArray[np.int64]) -> None:
        """Write the row of each token, -1 if absent, to `out` (len(tokens),)."""
    def first_lost_row(self) -> int | None:
        """Return the first row whose token the index does not lead to, None if there is none."""

def gather(
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    out: NDArray[np.float32],
    positions: NDArray[np.int64] | None = None,
) -> None:
    """Copy vectors[rows[i]] to out[positions[i]], or to out[i]; negative rows leave `out` as it is.

    IndexError before anything is written if a row or a position is outside.
    """

def normal_vectors(token: bytes, mean: NDArray[np.float64], std: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    """Write a token's reproducible random vector, about normal with `mean` and `std`, to `out` (dim,)."""
