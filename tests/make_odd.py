"""Make tests/data/odd.txt: about 2,000 legal rows that hold every trap of published vectors files.

Run `python tests/make_odd.py` to write it; a test holds the committed file against `odd_text()`.
"""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

DIM = 25
PLAIN_ROWS = 1_900
PATH = Path(__file__).parent / "data" / "odd.txt"

# Every spelling of a number that the format allows, borders of rounding and range included.
NUMBERS = """
0 -0 +0 0.0 -0.0 00 007 -007.50 1 -1 +1 +1.5 -1.5 .5 -.5 +.5 1. -1. +1. 10 123456789 16777216 16777217 16777219
33554435 3.8516e-06 -3.8516e-06 1E+2 1e2 1e+02 1e-02 2.5E-1 -7E0 .5e1 1.e1 1e05 1e-0 0e99999 -0e-99999 0.000e400 1e-45
1.4e-45 7.006492321624085e-46 7.0064923216240854e-46 -7.0064923216240853e-46 7.1e-46 1.1754942e-38
1.1754943508222875e-38 1.17549428e-38 5.877e-39 -2.5e-44 1e-46 -1e-50 1e-400 3.4028234e38 3.4028235e38 -3.4028235e+38
340282346638528859811704183484516925440 3.4028235677973366e38 1.00000017881393432617187499 1.000000178813934326171875
1.00000017881393432617187501 1.000000059604644775390625 1.00000005960464477539062501 0.1 0.2 0.3 0.30000001192092896
0.29999999999999999 0.99999997 0.99999998 1.00000006 9007199254740993 9007199254740992.5 8388608.5 8388609.5
4194304.25 1023.99996948 1024.00006104 0.49671415301123269 -0.13826430117118466 1.5230298564080254
-0.23413695694918055 99999.995 9999999.5 0.000001 -0.000001
"""

LONG_NUMBERS = ["0." + "123456789" * 7, "-0." + "0" * 40 + "7" * 60, "1" + "0" * 30 + "." + "0" * 30 + "1"]

# Tokens that readers are known to break: each is one row.
TOKENS = [
    b". . .", b"at name@domain.com", b"1 2 x 3", b"2 000 m", b"a b", b"x  y", b"double ", b"double  ", b" lead", b"",
    b"1", b"1.5", b"-0.25", b"1e5", b"2,000", b"-", b"+", b".", b"-.", b"e5", b"1e", b"0x1p3", b"1 nan", b"1 inf 2",
    b"nan", b"NaN", b"null", b"NULL", b"na", b"NA", b"n/a", b"None", b"inf", b"-inf", b"Infinity", b"true", b"#", b'"',
    b"'s", b'"quoted, with comma"', b"\xc2\xa0", b"\xc2\xa0\xc2\xa0", b"1\xc2\xa0000", b"a\xc2\xa0b", b"\xc2\x85",
    b"x\xc2\x85y", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"x\xe2\x80\xa8y", b"\x0b", b"x\x0by", b"\x0c", b"\x1c", b"\x1d",
    b"\x1e", b"x\x1fy", b"\x00", b"a\x00", b"a\x00b", b"a", b"\x7f", b"\x1a", b"\x80", b"\xff", b"\xfe\xff",
    b"\xc3\x28", b"caf\xe9", b"cut\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xef\xbb\xbf",
    b"\xef\xbb\xbfbom", b"a\tb", b"\t", b"\ta\t", b"1\t2", b"\r", b"a\rb", b"caf\xc3\xa9", b"cafe\xcc\x81",
    b"\xe4\xb8\xad\xe6\x96\x87", b"\xf0\x9f\x98\x80", b"\xef\xb7\xba", b"\xef\xac\x81", b"\xc4\xb0", b"\xc3\x9f",
    b"the", b"The", b"THE", b"</s>", b"<pad>", b"[PAD]", b"<unk> ", b"<UNK>", b"UNK", b"9" * 99, b"\xe2\x82\xac" * 33,
    b"w" * 98 + b"\xe2", b"longest" * 9362 + b"t",
]  # fmt: skip

# A row again: the first one wins, byte for byte.
DUPLICATES = [b"the", b"a", b"", b"1", b"\xff", b"a b", b". . .", b"the"]


class Source:
    """Random decisions that depend on nothing but `random.Random.random`, which every Python keeps."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def digits(self, count: int) -> str:
        return "".join(str(self.below(10)) for _ in range(count))

    def number(self) -> str:
        """Return a number in one of the styles that programs write."""
        sign = "-" if self.below(2) else ""
        style = self.below(8)
        if style < 3:
            return f"{sign}0.{1 + self.below(9)}{self.digits(4)}"  # 5 significant digits, as GloVe of 2014
        if style < 5:
            return f"{sign}{self.below(4)}.{self.digits(6)}"  # 6 decimals, as "%lf"
        if style == 5:
            return f"{sign}{1 + self.below(9)}.{self.digits(4)}e-0{5 + self.below(4)}"
        return f"{sign}0.{self.digits(17)}" if style == 6 else near_midpoint(self)


def near_midpoint(source: Source) -> str:
    """Return a decimal of 17 digits or more within one unit of the middle of two neighbouring floats."""
    odd = 2 * (2**23 + source.below(2**23)) + 1
    middle = Fraction(odd, 2 ** (22 + source.below(12)))
    places = 14 + source.below(8)
    scaled = int(middle * 10**places) + source.below(3) - 1
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


def token_of(source: Source, row: int) -> bytes:
    """Return an ordinary token that no other row has."""
    letters = b"abcdefghijklmnopqrstuvwxyz"
    word = bytes(letters[source.below(26)] for _ in range(1 + source.below(9)))
    return word + b"%d" % row


def ending_of(source: Source) -> bytes:
    """Return a line's end: mostly LF, sometimes CR LF, trailing spaces, or both."""
    endings = [b"\r\n", b" \n", b"  \r\n", b" \r \r\n"]
    choice = source.below(20)
    return endings[choice] if choice < len(endings) else b"\n"


def odd_text(seed: int = 20_140_802) -> bytes:
    """Return the whole fixture."""
    source = Source(seed)
    tokens = [token_of(source, row) for row in range(PLAIN_ROWS)]
    for number, token in enumerate(TOKENS):
        tokens.insert(7 + 17 * number, token)
    for number, token in enumerate(DUPLICATES):
        tokens.insert(len(tokens) - 150 + 19 * number, token)
    tokens.append(b"<unk>")
    special = [*NUMBERS.split(), *LONG_NUMBERS]
    text = bytearray()
    for row, token in enumerate(tokens):
        numbers = [source.number() for _ in range(DIM)]
        if row >= 300 and row % 3 == 0:
            numbers[source.below(DIM)] = special[row // 3 % len(special)]
        text += b" ".join([token, *(number.encode() for number in numbers)]) + ending_of(source)
    return bytes(text).rstrip(b"\r\n ")


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_bytes(odd_text())
