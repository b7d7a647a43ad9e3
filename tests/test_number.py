"""Text -> float32: every decimal correctly rounded, and nothing else accepted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference import Overflow, is_number, round_to_float32

from glovestore._core import parse_number

INFINITY = 0x7F800000

TWO_TO_MINUS_150 = (
    "7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625e-46"
)
BORDER_OF_OVERFLOW = 2**128 - 2**103  # the middle of the greatest float32 and 2 ** 128

LITERALS = {
    "0": 0x00000000,
    "-0": 0x80000000,
    "+0": 0x00000000,
    "-0.000e-9": 0x80000000,
    "0e999999999999999999999999": 0x00000000,
    "-.0e999": 0x80000000,
    "1": 0x3F800000,
    "+1.5": 0x3FC00000,
    "-1": 0xBF800000,
    "1.": 0x3F800000,
    ".5": 0x3F000000,
    "-.5": 0xBF000000,
    "5.E-1": 0x3F000000,
    "1E+2": 0x42C80000,
    "1e05": 0x47C35000,
    "0.1": 0x3DCCCCCD,
    "-0.038194": 0xBD1C7150,
    "0000000000000000000000000000000000000000000000000000001": 0x3F800000,
    "1000000000000000000000000000000000000000000000000e-48": 0x3F800000,
    "0.000000000000000000000000000000000000000000000001e48": 0x3F800000,
    "16777217": 0x4B800000,  # a tie, to the even one
    "16777219": 0x4B800002,
    "16777217.0000000000000000000000000000000000000000000000000000000001": 0x4B800001,
    "1.00000017881393432617187499": 0x3F800001,  # rounding to a double first gives 0x3F800002
    "1.000000178813934326171875": 0x3F800002,
    "1.000000059604644775390625": 0x3F800000,
    "3.4028234663852886e38": 0x7F7FFFFF,
    "3.4028235e+38": 0x7F7FFFFF,
    "3.4028235677973366e38": 0x7F7FFFFF,
    "3.4028235677973367e38": None,
    str(BORDER_OF_OVERFLOW - 1): 0x7F7FFFFF,
    f"-{BORDER_OF_OVERFLOW - 1}": 0xFF7FFFFF,
    f"{BORDER_OF_OVERFLOW - 1}.{'9' * 200}": 0x7F7FFFFF,
    str(BORDER_OF_OVERFLOW): None,
    f"-{BORDER_OF_OVERFLOW}.0": None,
    "1e39": None,
    "1e400": None,
    "-1e999999999999999999999999": None,
    "1" + "0" * 5000: None,
    "1" + "0" * 5000 + "e-5000": 0x3F800000,
    "0." + "0" * 5000 + "1e5001": 0x3F800000,
    "1.17549435e-38": 0x00800000,  # the smallest normal one
    "1.17549428e-38": 0x007FFFFF,
    "1e-45": 0x00000001,
    "1.4e-45": 0x00000001,
    "7.1e-46": 0x00000001,
    TWO_TO_MINUS_150: 0x00000000,  # a tie, to the even one
    f"-{TWO_TO_MINUS_150}": 0x80000000,
    TWO_TO_MINUS_150.replace("e", "1e"): 0x00000001,
    "7.0e-46": 0x00000000,
    "1e-46": 0x00000000,
    "-1e-400": 0x80000000,
    "1e-999999999999999999999999": 0x00000000,
    "0." + "0" * 5000 + "1": 0x00000000,
}

# The last ones: digits and a minus of other scripts.
NO_NUMBERS = """
+ - . -. +. e e5 .e5 -e5 1e 1e+ 1e- 1E 0x1p3 0x10 0X1 inf -inf +inf Infinity nan NaN nan(1) 1_000 1,5 1f 1d5 1.5L
++1 +-1 --1 1..2 1.2.3 1e5.0 1e5e5 1e+-5 1e1_0 0b1 0o7 1% $1 1/2 (1) 1i
\u00bd \u0661 \u0967 \uff11 1e\u096b \u22121
"""
NO_NUMBER_BYTES = [
    *(b"", b" ", b" 1", b"1 ", b"1\n", b"\n1", b"1\n2", b"1\r", b"1\t", b"\t1"),
    *(b"1\0", b"\0", b"\0001", b"\xa01", b"1\xa0", b"1\x85", b"1\xff"),
]


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


def plain(random_: random.Random, count: int, most_digits: int, places: range) -> Iterator[tuple[str, int, int]]:
    for _ in range(count):
        digits, q = random_.randrange(10 ** random_.randint(1, most_digits)), random_.choice(places)
        yield decimal(digits, q), digits, -q


def with_exponent(random_: random.Random, count: int, powers: range) -> Iterator[tuple[str, int, int]]:
    for _ in range(count):
        digits, power = random_.randrange(10 ** random_.randint(1, 17)), random_.choice(powers)
        places = random_.randrange(8)
        mark = random_.choice(["e", "E", "e+" if power >= 0 else "e"])
        yield f"{decimal(digits, places)}{mark}{power}", digits, power - places


def near_midpoints(random_: random.Random, count: int, places: int) -> Iterator[tuple[str, int, int]]:
    """Yield decimals on both sides of, and at, the middle of two neighbouring floats, from 2 ** -14 to 2 ** 40."""
    for _ in range(count):
        odd, power = 2 * random_.randrange(2**23, 2**24) + 1, random_.randint(-39, 16)
        middle = (odd * 10**places << power) if power >= 0 else (odd * 10**places >> -power)
        digits = max(middle + random_.randint(-1, 1), 0)
        yield decimal(digits, places), digits, -places


def families() -> dict[str, Iterator[tuple[str, int, int]]]:
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
        **{f"near midpoints, {q} decimals": near_midpoints(random_, 1_500, q) for q in range(21)},
    }


def test_the_integer_oracle_agrees_with_fraction():
    random_ = random.Random(1)
    for text, digits, power in [*with_exponent(random_, 2_000, range(-70, 45)), *near_midpoints(random_, 500, 15)]:
        try:
            expected = bits(round_to_float32(Fraction(digits) * Fraction(10) ** power))
        except Overflow:
            expected = INFINITY
        assert nearest_bits(digits, power) == expected, text


def parse_bits(text: str) -> int:
    try:
        return bits(parse_number(text.encode()))
    except OverflowError:
        return INFINITY


@pytest.mark.parametrize("family", families())
def test_random_decimals_round_correctly(family):
    for number, (text, digits, power) in enumerate(families()[family]):
        sign = 0x80000000 if number % 2 else 0
        expected = nearest_bits(digits, power)
        signed = f"-{text}" if sign else text if number % 10 else f"+{text}"
        assert parse_bits(signed) == (expected if expected == INFINITY else expected | sign), signed


@pytest.mark.parametrize("integer", ["0", "9", "99", "999", "1000", "1023", "1024", "9999"])
def test_every_number_of_decimals_up_to_30(integer):
    random_ = random.Random(int(integer))
    for places in range(31):
        for _ in range(100):
            fraction = "".join(random_.choice("0123456789") for _ in range(places))
            text = f"{integer}.{fraction}"
            assert parse_bits(text) == nearest_bits(int(integer + fraction), -places), text


@pytest.mark.parametrize(("text", "expected"), LITERALS.items(), ids=[text[:40] for text in LITERALS])
def test_literals(text, expected):
    if expected is None:
        with pytest.raises(OverflowError):
            parse_number(text.encode())
        with pytest.raises(Overflow):
            round_to_float32(text)
    else:
        assert hex(bits(parse_number(text.encode()))) == hex(expected)
        assert hex(bits(round_to_float32(text))) == hex(expected)  # the reference itself


@pytest.mark.parametrize("field", [*NO_NUMBERS.encode().split(), *NO_NUMBER_BYTES])
def test_what_is_no_number_is_refused(field):
    assert not is_number(field)
    with pytest.raises(ValueError, match="expected a decimal number"):
        parse_number(field)


PIECES = [b"0", b"1", b"9", b"00000000", b"12345678", b"+", b"-", b".", b"e", b"E", b" ", b"x"]


@settings(max_examples=1_500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=9))
@example([b"1", b".", b"12345678", b"e", b"-", b"9"])
def test_the_grammar(pieces):
    field = b"".join(pieces)
    if not is_number(field):
        with pytest.raises(ValueError, match="expected a decimal number"):
            parse_number(field)
        return
    try:
        expected = bits(round_to_float32(field))
    except Overflow:
        expected = INFINITY
    assert parse_bits(field.decode()) == expected
