"""Text to rows by one tier of the core, by all of them, and by the book."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from reference import BadLine, parse_row, split_lines

from glovestore import _core

FAULTS = {"few": "too_few", "number": "not_a_number", "overflow": "overflow", "many": "too_many"}
FAULTS |= {"token": "token_too_long"}
PADDING = bytes(_core.TEXT_PADDING)


class Parsed(NamedTuple):
    """What a call of parse_rows gave; arrays as bytes, so that results compare bit by bit."""

    result: tuple[int, int, int, str, int, int, int]
    tokens: bytes
    lengths: list[int]
    vectors: bytes

    @property
    def values(self) -> NDArray[np.float32]:
        return np.frombuffer(self.vectors, np.float32)


def parse(tier: str, text: bytes, dim: int, capacity: int = 0, before: bytes = b"", padding: bytes = PADDING) -> Parsed:
    """Parse lines that stand behind the bytes `before`. Without a capacity there is room for every line."""
    memory = np.frombuffer(before + text + padding, np.uint8).copy()  # an allocation of its own, for the sanitizer
    return parse_memory(tier, memory, len(before), dim, capacity)


def parse_memory(tier: str, memory: NDArray[np.uint8], begin: int, dim: int, capacity: int = 0) -> Parsed:
    """Parse memory[begin:] without its padding."""
    end = len(memory) - _core.TEXT_PADDING
    capacity = capacity or memory[begin:end].tobytes().count(b"\n")
    vectors = np.full((capacity, dim), np.nan, np.float32)
    tokens, lengths = np.empty(end - begin, np.uint8), np.empty(capacity, np.uint16)
    result = _core.parse_rows(memory, begin, end, vectors, tokens, lengths, tier)
    rows, used = result[:2]
    return Parsed(result, tokens[:used].tobytes(), lengths[:rows].tolist(), vectors[:rows].tobytes())


def parse_alike(text: bytes, dim: int, capacity: int = 0, before: bytes = b"", padding: bytes = PADDING) -> Parsed:
    """Parse in every tier and return what all of them agree on."""
    expected = parse("scalar", text, dim, capacity, before, padding)
    for tier in _core.SIMD_TIERS:
        found = parse(tier, text, dim, capacity, before, padding)
        assert found == expected, (tier, dim, capacity, text[:2000])
    return expected


def assert_by_the_book(parsed: Parsed, text: bytes, dim: int) -> None:
    """Hold the rows up to the first faulty line, and that line's fault, against the slow reference."""
    rows, used, consumed, fault, field, _, _ = parsed.result
    tokens, values, expected_fault, expected_field, good_bytes = [], [], "none", 0, 0
    for raw, line in zip(text.split(b"\n"), split_lines(text), strict=False):
        try:
            token, numbers = parse_row(line, dim)
        except BadLine as bad:
            expected_fault, expected_field = FAULTS[bad.kind], bad.column - 1
            break
        tokens.append(token)
        values.append(numbers)
        good_bytes += len(raw) + 1
    assert (fault, field, consumed, rows) == (expected_fault, expected_field, good_bytes, len(tokens))
    assert (parsed.tokens, parsed.lengths, used) == (b"".join(tokens), [*map(len, tokens)], sum(map(len, tokens)))
    assert parsed.vectors == np.array(values, np.float32).tobytes()
