"""Text -> float32: every decimal correctly rounded, and nothing else accepted."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from decimals import INFINITY, bits, families, near_midpoints, nearest_bits, with_exponent
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference import Overflow, is_number, round_to_float32

from glovestore._core import parse_number

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
