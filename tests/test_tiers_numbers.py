"""Every SIMD tier rounds every decimal correctly, in rows of one number and of many."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
from decimals import INFINITY, Decimal, families, near_midpoints, nearest_bits
from parsing import parse, parse_alike

from glovestore import _core

SIGN = 0x80000000


@cache
def family(name: str) -> tuple[list[str], list[int]]:
    """Return a family's decimals within float32, every second one negative, and their bits."""
    return signed(list(families()[name]))


def signed(decimals: list[Decimal]) -> tuple[list[str], list[int]]:
    texts, bits = [], []
    for text, digits, power in decimals:
        expected = nearest_bits(digits, power)
        if expected != INFINITY:
            negative = len(texts) % 2
            texts.append(f"-{text}" if negative else text)
            bits.append(expected | SIGN * negative)
    return texts, bits


def rows_of(texts: list[str], dim: int) -> bytes:
    """Write whole rows of `dim` numbers; what is left over is left out."""
    rows = [" ".join(texts[i : i + dim]) for i in range(0, len(texts) - dim + 1, dim)]
    return "".join(f"t{i} {row}\n" for i, row in enumerate(rows)).encode()


def assert_bits(tier: str, texts: list[str], bits: list[int], dim: int) -> None:
    parsed = parse(tier, rows_of(texts, dim), dim)
    found = parsed.values.view(np.uint32)
    wrong = np.flatnonzero(found != np.array(bits[: len(found)], np.uint32))
    assert [(texts[i], hex(found[i]), hex(bits[i])) for i in wrong[:5]] == []
    assert len(found) == len(texts) // dim * dim and parsed.result[3] == "none"


@pytest.mark.parametrize("name", families())
@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
def test_random_decimals_round_correctly(tier: str, name: str):
    """One number a row: no number takes a slower way because of its neighbours. Then as they come, 100 a row."""
    texts, bits = family(name)
    assert_bits(tier, texts, bits, 1)
    assert_bits(tier, texts, bits, 100)


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
def test_every_split_of_digits(tier: str):
    """0 to 5 digits before the dot, 0 to 16 behind it, with neighbours that are made of nines."""
    random_ = random.Random(7)
    for before in range(6):
        for behind in range(17):
            if before == behind == 0:
                continue
            digits = ["".join(random_.choice("0123456789") for _ in range(before + behind)) for _ in range(40)]
            digits += ["9" * (before + behind), "0" * (before + behind), "1".rjust(before + behind, "0")]
            texts = [f"{d[:before]}.{d[before:]}" for d in digits]
            assert_bits(tier, *signed([(text, int(d), -behind) for text, d in zip(texts, digits, strict=True)]), 1)
            spaced = [t for text in texts for t in (text, "99.99999999999")]
            powers = [p for d in digits for p in (nearest_bits(int(d), -behind), nearest_bits(9999999999999, -11))]
            assert_bits(tier, spaced, powers, 2)
            assert_bits(tier, spaced, powers, 13)


@pytest.mark.parametrize("places", range(12))
def test_the_hardest_decimals_of_the_fast_way(places: int):
    """Up to 11 places and below 1,024: where one multiplication must do, the nearest decimals to every midpoint."""
    random_ = random.Random(places)
    decimals = [d for d in near_midpoints(random_, 12_000, places) if d[1] < 100 * 10**places]
    texts, bits = signed(sorted(decimals, key=lambda decimal: len(decimal[0])))
    assert len(texts) > 2_000
    for tier in _core.SIMD_TIERS:
        assert_bits(tier, texts, bits, 8)


@pytest.mark.parametrize("number", ["3.4028235677973367e38", "1e39", "-1e400", "1" + "0" * 50])
def test_overflow_is_a_fault_in_every_place(number: str):
    for place in range(17):
        numbers = ["0.5"] * 17
        numbers[place] = number
        parsed = parse_alike(b"a" + b" 0.5" * 17 + b"\nb " + " ".join(numbers).encode() + b"\n", 17)
        assert parsed.result[3:6] == ("overflow", 2 + 4 * place, len(number))
