"""Decimals whose float32 is known, in the shapes of vectors files and beyond: the oracle is whole numbers alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np

INFINITY = 0x7F800000

Decimal: TypeAlias = tuple[str, int, int]  # the text, and the whole number and the power of ten that it stands for


def bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def nearest_bits(digits: int, power: int) -> int:
    """Round digits * 10 ** power with whole numbers alone, which is fast: the bits, infinity for overflow."""
    if digits == 0:
        return 0
    above, below = (digits * 10**power, 1) if power >= 0 else (digits, 10**-power)
    exponent = max(above.bit_length() - below.bit_length() - 24, -149)
    if exponent >= 0:
        below <<= exponent
    else:
        above <<= -exponent
    if above >= below << 24:
        exponent, below = exponent + 1, below << 1
    significand, rest = divmod(above, below)
    significand += 2 * rest > below or (2 * rest == below and significand & 1)
    # the implicit bit adds one to the exponent field, a carry to 2 ** 24 one more, a subnormal has neither: just add
    return min(((exponent + 149) << 23) + significand, INFINITY)


def decimal(digits: int, places: int) -> str:
    """Write digits / 10 ** places without an exponent."""
    if places == 0:
        return str(digits)
    return f"{digits // 10**places}.{digits % 10**places:0{places}d}"


def plain(random_: random.Random, count: int, most_digits: int, places: range) -> Iterator[Decimal]:
    for _ in range(count):
        digits, q = random_.randrange(10 ** random_.randint(1, most_digits)), random_.choice(places)
        yield decimal(digits, q), digits, -q


def with_exponent(random_: random.Random, count: int, powers: range) -> Iterator[Decimal]:
    for _ in range(count):
        digits, power = random_.randrange(10 ** random_.randint(1, 17)), random_.choice(powers)
        places = random_.randrange(8)
        mark = random_.choice(["e", "E", "e+" if power >= 0 else "e"])
        yield f"{decimal(digits, places)}{mark}{power}", digits, power - places


def near_midpoints(random_: random.Random, count: int, places: int) -> Iterator[Decimal]:
    """Yield decimals on both sides of, and at, the middle of two neighbouring floats, from 2 ** -14 to 2 ** 40."""
    for _ in range(count):
        odd, power = 2 * random_.randrange(2**23, 2**24) + 1, random_.randint(-39, 16)
        middle = (odd * 10**places << power) if power >= 0 else (odd * 10**places >> -power)
        digits = max(middle + random_.randint(-1, 1), 0)
        yield decimal(digits, places), digits, -places


def families() -> dict[str, Iterator[Decimal]]:
    random_ = random.Random(2014)
    return {
        "5 significant digits": plain(random_, 40_000, 5, range(0, 8)),
        "6 decimals": plain(random_, 30_000, 8, range(6, 7)),
        "9 digits": plain(random_, 20_000, 9, range(0, 12)),
        "17 digits": plain(random_, 20_000, 17, range(0, 20)),
        "around the fast path's borders": plain(random_, 20_000, 15, range(9, 14)),
        "integers": plain(random_, 10_000, 45, range(0, 1)),
        "exponents": with_exponent(random_, 15_000, range(-12, 13)),
        "all magnitudes": with_exponent(random_, 15_000, range(-70, 45)),
        "subnormals": with_exponent(random_, 10_000, range(-62, -38)),
        **{f"near midpoints, {q} decimals": near_midpoints(random_, 10_000, q) for q in range(21)},
    }
