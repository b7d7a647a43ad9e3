"""Every SIMD tier gives what the scalar one gives, bit for bit, and both give what the reference says: on any rows."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from parsing import PADDING, assert_by_the_book, parse, parse_alike

from glovestore import _core
from glovestore.simd import chosen_tier

STRIP = 16_384  # ext/strips.hpp: the rows of so many bytes are parsed together
WORD = 64

PLAIN = [
    "0.418",
    "-0.24968",
    "1.2",
    "-0.0",
    "12.5",
    "-99.99999",
    "0.00012345",
    "3.",
    "-7.12345678901",
    "0.123456789012",
]
ODD = [
    "1",
    "-17",
    "0",
    "-0",
    ".5",
    "-.5",
    "+1.5",
    "1e5",
    "-3.8516e-06",
    "2.5E+3",
    "123.25",
    "-999.5",
    "1000.25",
    "1e-46",
    "0.1234567890123",
    "16777217",
]
ODD += ["1" * 30, "0." + "7" * 40, "-" + "0" * 20 + ".25", "00000000000.5"]
FAULTY = [
    "-",
    ".",
    "-.",
    "+",
    "e5",
    "1.2.3",
    "1..2",
    "1-2",
    "--1",
    "1e",
    "nan",
    "inf",
    "1e39",
    "0x1p3",
    "1,5",
    "1.5-",
    "-1.-5",
    "/",
    ":",
    "1/2",
    "0:5",
]
FAULTY += ["", "1.5\r", "1.5\t", "\t1.5", "1\0", "\xff", "9" * 40]
TOKENS = b"the . ... - -- 3.14 -0.5 1e5 can't caf\xc3\xa9 \xff\x80 a.b.c 7".split(b" ")
TOKENS += [b"", b" ", b"\r", b"\t", b"\0", b"a ", b"at home", b"2 000 m", b". . .", b"1 2 x"]
TOKENS += [b"x" * 63, b"." * 200, b"-" * 130]


def row(random_: random.Random, dim: int, odd: float = 0.0, token: bytes | None = None, end: bytes = b"") -> bytes:
    """Make a row; each number is an odd one with that probability."""
    numbers = [random_.choice(ODD if random_.random() < odd else PLAIN) for _ in range(dim)]
    if token is None:
        token = random_.choice(TOKENS)
    return b" ".join([token, *(number.encode() for number in numbers)]) + end + b"\n"


DIMS = st.one_of(st.integers(1, 40), st.sampled_from([100, 300]))
SEEDS = st.integers(0, 2**32)
ENDS = st.sampled_from([b"", b"", b"", b" ", b"\r", b" \r", b"\r ", b"  \r\r", b"\t"])
PIECES = st.one_of(st.binary(min_size=1, max_size=2), st.sampled_from([s.encode("latin-1") for s in [*FAULTY, *ODD]]))
SIGNS = st.sampled_from([b" ", b"\n", b".", b"-"])
EDITS = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 3), PIECES | SIGNS), max_size=4)


@settings(max_examples=600, deadline=None)
@given(DIMS, SEEDS, st.integers(1, 6), st.sampled_from([0.0, 0.01, 0.5]), ENDS, EDITS)
@example(1, 0, 1, 0.0, b"", [])
def test_hostile_rows(dim: int, seed: int, rows: int, odd: float, end: bytes, edits: list[tuple[int, int, bytes]]):
    """Good rows, with pieces of text put in, or in the place of others, anywhere."""
    random_ = random.Random(seed)
    text = b"".join(row(random_, dim, odd, end=end) for _ in range(rows))
    for place, replaced, piece in edits:
        place %= len(text)
        text = text[:place] + piece + text[place + replaced :]
    text += b"\n"
    assert_by_the_book(parse_alike(text, dim), text, dim)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 4), st.lists(st.sampled_from(b" \n.-019ae+\r\t\xff"), max_size=60))
@example(1, [*b" .5"])
@example(1, [*b".5 .5"])
@example(2, [*b"-- 0.5 1.5 "])
def test_any_bytes(dim: int, characters: list[int]):
    text = bytes(characters) + b"\n"
    assert_by_the_book(parse_alike(text, dim), text, dim)


@pytest.mark.parametrize("number", [*PLAIN, *ODD, *FAULTY])
def test_a_number_of_every_shape_at_every_place(number: str):
    """In each of the eight lanes, first and last in its row, and between neighbours that are digits."""
    for dim in (1, 7, 8, 9, 24):
        for place in range(dim):
            numbers = ["9.99"] * dim
            numbers[place] = number
            good = b"before 8.5" + b" 9.25" * (dim - 1) + b"\n"
            text = good + " ".join(["token", *numbers]).encode("latin-1") + b"\n" + good
            assert_by_the_book(parse_alike(text, dim), text, dim)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("end", [b"", b" ", b"\r", b" \r \r", b"\t"])
def test_a_token_of_every_kind(token: bytes, end: bytes):
    for dim in (1, 5, 8, 17):
        text = b"".join(row(random.Random(dim + i), dim, 0.1, token, end) for i in range(3))
        assert_by_the_book(parse_alike(text, dim), text, dim)


@pytest.mark.parametrize("byte", [b"%c" % code for code in range(256) if code != 10])
def test_every_byte_in_tokens_and_numbers(byte: bytes):
    tokens = [b"a%bb 0.5 1.5 2.5", b"%b 0.5 1.5 2.5"]
    for line in [*tokens, b"a 0.5 1%b5 2.5", b"a 0.5 1.%b 2.5", b"a %b0.5 1.5 2.5", b"a 0.5 1.5 2.5%b"]:
        text = b"good 1.25 2.25 3.25\n" + line % byte + b"\n"
        assert_by_the_book(parse_alike(text, 3), text, 3)


# ----- where the strips and words of the two phases end


@pytest.mark.parametrize("dim", [1, 8, 100])
def test_rows_across_the_borders_of_words_and_strips(dim: int):
    """The first token moves everything behind it, byte by byte."""
    random_ = random.Random(dim)
    rest = b"".join(row(random_, dim, 0.005) for _ in range(60 if dim == 100 else 2400))
    assert len(rest) > 2 * STRIP
    expected = parse("scalar", rest, dim)
    for size in [*range(2 * WORD + 2), *range(STRIP - 400, STRIP + 10, 7)]:
        found = parse_alike(row(random_, dim, token=b"t" * size) + rest, dim)
        assert found.vectors[4 * dim :] == expected.vectors
        assert found.tokens[size:] == expected.tokens


LONG = {
    "a row of many strips": (b"a" + b" 0.125" * 20_000 + b"\n", 20_000),
    "a row of short fields": (b"a" + b" 1" * 30_000 + b"\n", 30_000),
    "rows of one byte a field": (b"a 1 2 3 4\n" * 4_000, 4),
    "more lines than a strip holds": (b" 1\n" * 12_000, 1),
    "a token of dots": (b"." * 15_000 + b" 0.5\n" + b"b 0.5\n", 1),
    "a number of many strips": (b"a 0." + b"3" * 50_000 + b" 2.5\nb 1.5 2.5\n", 2),
    "spaces behind a row": (b"a 1.5 2.5" + b" " * 40_000 + b"\r\nb 1.5 2.5\n", 2),
    "a token of spaces": (b" " * 40_000 + b" 1.5 2.5\nb 1.5 2.5\n", 2),
    "the longest token": (b"t" * 65_535 + b" 1.5 2.5\nb 1.5 2.5\n", 2),
    "a token too long": (b"a 1.5 2.5\n" + b"t" * 65_536 + b" 1.5 2.5\n", 2),
    "a token too long, with spaces": (b"a 1.5 2.5\n" + b"t " * 32_768 + b" 1.5 2.5\n", 2),
    "blank lines behind a good one": (b"a 1.5 2.5\n" + b"\n" * 20_000, 2),
    "a fault far behind": (b"a 1.5 2.5\n" * 5_000 + b"b 1.5 x\n", 2),
    "too many numbers": (b"a 1.5 2.5\n" * 5_000 + b"b 1.5 2.5 3.5\n", 2),
    "too few numbers": (b"a 1.5 2.5\n" * 5_000 + b"b 1.5\n", 2),
}


@pytest.mark.parametrize(("text", "dim"), LONG.values(), ids=list(LONG))
def test_long_texts(text: bytes, dim: int):
    assert_by_the_book(parse_alike(text, dim), text, dim)


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 100])
def test_the_capacity_ends_a_call(capacity: int):
    text = b"".join(row(random.Random(i), 9, 0.05) for i in range(300))
    tokens, values, begin = b"", b"", 0
    while begin < len(text):
        part = parse_alike(text[begin:], 9, capacity)
        assert part.result[0] == min(capacity, text.count(b"\n", begin))
        tokens, values, begin = tokens + part.tokens, values + part.vectors, begin + part.result[2]
    whole = parse("scalar", text, 9)
    assert (tokens, values) == (whole.tokens, whole.vectors)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 20), st.integers(0, 130), st.sampled_from(b"\0009-\n. e\xff"))
def test_what_stands_around_the_text_does_not_count(seed: int, dim: int, offset: int, code: int):
    random_ = random.Random(seed)
    text = b"".join(row(random_, dim, 0.02) for _ in range(random_.randint(1, 12)))
    byte = bytes([code])
    found = parse_alike(text, dim, before=byte * offset, padding=byte * len(PADDING))
    assert found == parse("scalar", text, dim)


@pytest.mark.parametrize(("asked", "chosen"), [("", _core.SIMD_TIERS[0]), ("scalar", "scalar")])
def test_the_environment_chooses(asked: str, chosen: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_SIMD", asked)
    assert chosen_tier() == chosen


def test_a_tier_that_is_not_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_SIMD", "sse9")
    with pytest.raises(ValueError, match=r"expected GLOVESTORE_SIMD to be one of .*scalar, got 'sse9'"):
        chosen_tier()


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
def test_nothing_is_written_behind_the_rows(tier: str):
    """The last group of a row is shorter than the registers: what follows it stays as it was."""
    for dim in range(1, 26):
        text = row(random.Random(dim), dim) * 2
        memory = np.full(3 * dim, 77, np.float32)
        tokens, lengths = np.empty(len(text), np.uint8), np.empty(2, np.uint16)
        _core.parse_rows(text + PADDING, 0, len(text), memory[: 2 * dim].reshape(2, dim), tokens, lengths, tier)
        assert memory[2 * dim :].tolist() == [77] * dim
