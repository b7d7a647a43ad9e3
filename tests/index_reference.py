"""The token index by the book: FORMAT.md, "Token index", in lists and with the xxhash package."""

from __future__ import annotations

from xxhash import xxh64_intdigest


def home_of(token: bytes, buckets: int, seed: int = 0) -> int:
    """Return a token's home bucket."""
    return xxh64_intdigest(token, seed) >> (64 - (buckets.bit_length() - 1))


def index_by_the_book(tokens: list[bytes], buckets: int, seed: int = 0) -> tuple[list[int], int]:
    """Insert distinct tokens in row order; return the slots, eight a bucket, and the longest probe."""
    slots, longest = [0] * (8 * buckets), 0
    for row, token in enumerate(tokens):
        probe, home, free = -1, home_of(token, buckets, seed), []
        while not free:
            probe += 1
            first = (home + probe) % buckets * 8
            free = [slot for slot in range(first, first + 8) if slots[slot] == 0]
        slots[free[0]] = (xxh64_intdigest(token, seed) & 0xFFFFFFFF) << 32 | row + 1
        longest = max(longest, probe)
    return slots, longest
