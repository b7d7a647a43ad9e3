"""float32 as text, number by number and row by row, beside numpy's digits."""

from __future__ import annotations

import numpy as np
import pytest
from export_reference import glove_text, spell
from gil import another_thread
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glovestore import _core

EDGES = [
    0.0,
    -0.0,
    1.0,
    9.5,
    10.0,
    99.5,
    100.0,
    999.9999,
    1000.0,
    999999.0,
    1e6,
    1e9,
    999999936.0,
    123456792.0,
    16777216.0,
]
EDGES += [10.0**power for power in range(-45, 39)] + [3.0 * 10.0**power for power in range(-45, 38)]
EDGES += [2.0**power for power in range(-149, 128)] + [3.4028235e38, 1.1754944e-38, 1.1754942e-38]


def spelled(numbers: NDArray[np.float32]) -> list[str]:
    """Return each number as the core spells it."""
    column = np.ascontiguousarray(numbers, np.float32).reshape(-1, 1)
    out = np.full(_core.format_room(len(column), 1, 0), 0xAA, np.uint8)
    size, rows = _core.format_rows(column, None, None, out)
    assert rows == len(column)
    return out[:size].tobytes().decode("ascii").splitlines()


def check(numbers: NDArray[np.float32]) -> None:
    assert spelled(numbers) == [spell(number) for number in numbers]


@pytest.mark.parametrize("neighbour", [0, 1, -1, 2, -2])
@pytest.mark.parametrize("sign", [1, -1])
def test_edges(neighbour: int, sign: int) -> None:
    bits = np.array(EDGES, np.float32).view(np.uint32) + np.uint32(neighbour % 2**32)
    numbers = bits.view(np.float32)
    check(sign * numbers[np.isfinite(numbers)])


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
def test_any_bits(bits: list[int]) -> None:
    numbers = np.array(bits, np.uint32).view(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers):
        check(numbers)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 15)), min_size=1, max_size=50))
def test_decimals_of_few_digits(decimals: list[tuple[int, int]]) -> None:
    check(np.array([digits / 10**places for digits, places in decimals], np.float32))


def test_many_numbers_of_every_size() -> None:
    random = np.random.default_rng(11)
    bits = random.integers(0, 2**32, 30_000, np.uint32).view(np.float32)
    check(bits[np.isfinite(bits)])
    check(random.normal(0, 0.4, 20_000).astype(np.float32))
    for digits in range(1, 10):
        rounded = [f"{number:.{digits}g}" for number in 10 ** random.uniform(-11, 10, 3000)]
        check(np.array(rounded, np.float64).astype(np.float32))


def test_the_spelling_of_published_files_stays_as_it_is() -> None:
    plain = "-0.038194 0.1 1 -1 0.000026336 -0.00000070514 0.00000041274 -3.0243 120000 0.0000000001 999999900"
    beyond = "1e+09 1.5e+20 -9.9e-11 1e-45 3.4028235e+38"
    for text in (plain, beyond):
        assert " ".join(spelled(np.array(text.split(), np.float32))) == text


# ---------------------------------------------------------------------- rows


def packed_tokens(tokens: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    offsets = np.cumsum([0, *map(len, tokens)]).astype(np.uint64)
    return np.frombuffer(b"".join(tokens), np.uint8), offsets


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5), min_size=1, max_size=8), st.integers(1, 5), st.randoms(use_true_random=False))
def test_rows(tokens: list[bytes], dim: int, random: object) -> None:
    vectors = np.random.default_rng(len(tokens) * dim).normal(size=(len(tokens), dim)).astype(np.float32)
    token_bytes, offsets = packed_tokens(tokens)
    out = np.empty(_core.format_room(len(tokens), dim, len(token_bytes)), np.uint8)
    size, rows = _core.format_rows(vectors, token_bytes, offsets, out)
    assert (out[:size].tobytes(), rows) == (glove_text(tokens, vectors), len(tokens))
    size = _core.pack_rows(vectors, token_bytes, offsets, out)
    expected = b"".join(token + b" " + row.tobytes() for token, row in zip(tokens, vectors, strict=True))
    assert out[:size].tobytes() == expected


def test_without_tokens_and_with_another_separator() -> None:
    out = np.empty(_core.format_room(2, 2, 0), np.uint8)
    size, _ = _core.format_rows(np.array([[1, 2], [3, 0.5]], np.float32), None, None, out, "\t")
    assert out[:size].tobytes() == b"1\t2\n3\t0.5\n"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_ends_the_text_before_its_row(number: float) -> None:
    vectors = np.array([[1, 2], [3, number], [5, 6]], np.float32)
    token_bytes, offsets = packed_tokens([b"a", b"b", b"c"])
    out = np.empty(_core.format_room(3, 2, 3), np.uint8)
    size, rows = _core.format_rows(vectors, token_bytes, offsets, out)
    assert (out[:size].tobytes(), rows) == (b"a 1 2\n", 1)


ONE = np.ones((2, 2), np.float32)
BAD = {
    "vectors is empty": (np.ones((0, 2), np.float32), b"ab", [0, 1, 2]),
    "offsets does not fit vectors": (ONE, b"ab", [0, 1]),
    "offsets lead outside token_bytes": (ONE, b"ab", [0, 1, 3]),
    "offsets do not rise": (ONE, b"ab", [1, 0, 2]),
}


@pytest.mark.parametrize("problem", BAD)
def test_wrong_arrays_are_refused(problem: str) -> None:
    vectors, token_bytes, offsets = BAD[problem]
    arrays = (vectors, np.frombuffer(token_bytes, np.uint8), np.array(offsets, np.uint64), np.empty(1000, np.uint8))
    with pytest.raises(ValueError, match=problem):
        _core.format_rows(*arrays)
    with pytest.raises(ValueError, match=problem):
        _core.pack_rows(*arrays)


def test_too_little_room_is_refused() -> None:
    arrays = (ONE, np.frombuffer(b"ab", np.uint8), np.array([0, 1, 2], np.uint64))
    with pytest.raises(ValueError, match="out is too small for the text"):
        _core.format_rows(*arrays, np.empty(_core.format_room(2, 2, 2) - 1, np.uint8))
    with pytest.raises(ValueError, match="out is too small for the rows"):
        _core.pack_rows(*arrays, np.empty(2 * 9 + 2 - 1, np.uint8))


def test_the_gil_is_released() -> None:
    vectors = np.full((20_000, 100), 1 / 3, np.float32)
    out = np.empty(_core.format_room(20_000, 100, 0), np.uint8)
    with another_thread() as count:
        before = count()
        _core.format_rows(vectors, None, None, out)
        assert count() > before
