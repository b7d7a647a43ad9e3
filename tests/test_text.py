"""Vectors text -> store: every rule of the input against the slow reference, errors with their line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import make_odd
import pytest
from comparing import BITS, assert_same_as_reference, assert_store_is
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from reference import BOM, ReferenceResult, read_text
from shared import ODD_TEXT, Built
from tiny_texts import TINY

import glovestore


@pytest.fixture(scope="module")
def odd() -> ReferenceResult:
    return read_text(ODD_TEXT.read_bytes())


# ----- the shipped fixture


def test_the_fixture_is_what_its_script_makes():
    assert ODD_TEXT.read_bytes() == make_odd.odd_text()


def test_odd_file_against_the_reference(odd_store: Built, odd: ReferenceResult):
    assert_store_is(odd_store.path, odd_store.report, odd)


def test_odd_file_holds_what_it_promises(odd: ReferenceResult):
    assert (odd.lines, len(odd.tokens), odd.duplicates, odd.header, odd.skipped) == (2009, 2001, 8, 0, 0)
    assert set(make_odd.TOKENS) <= set(odd.tokens)
    assert not odd.final_newline
    assert max(map(len, odd.tokens)) == 65_535
    bits = odd.values.view(BITS)
    exponent = bits >> 23 & 0xFF
    assert (bits == 0x80000000).any()  # -0
    assert ((exponent == 0) & (bits << 1 != 0)).any()  # subnormals
    assert (bits == 0x7F7FFFFF).any()
    assert {b"\r\n", b" \n", b"\t"} <= {part for part in (b"\r\n", b" \n", b"\t") if part in ODD_TEXT.read_bytes()}


# line, token, its first number as it stands there, the float32 that it must become
ODD_ROWS = [
    (8, b". . .", "-0.36517", "-0x1.75ef20p-2"),
    (25, b"at name@domain.com", "-0.76264", "-0x1.8678c0p-1"),
    (59, b"2 000 m", "-0.60057264327727619", "-0x1.337e42p-1"),
    (127, b"double  ", "-0.004624", "-0x1.2f09d8p-8"),
    (144, b" lead", "1.355726", "0x1.5b10dcp+0"),
    (161, b"", "-0.72751", "-0x1.747c30p-1"),
    (178, b"1", "0.45744", "0x1.d46b26p-2"),
    (195, b"1.5", "1.603689", "0x1.9a8b5cp+0"),
    (416, b"nan", "0.85193140115329392", "0x1.b4305ap-1"),
    (450, b"null", "6.75035643577575683593", "0x1.b005d6p+2"),
    (484, b"na", "0.20453", "0x1.a2e0a0p-3"),
    (552, b"inf", "0.01418585415008570", "0x1.d0d792p-7"),
    (688, b"\xc2\xa0", "5.877e-39", "0x1.fff578p-128"),
    (756, b"\xc2\x85", "0.96171358496471711", "0x1.ec65bap-1"),
    (841, b"\x0b", "0.58856", "0x1.2d57bcp-1"),
    (960, b"\x00", "4.9520e-08", "0x1.a95fa2p-25"),
    (1079, b"\xff", "3.006380", "0x1.80d110p+1"),
    (1130, b"caf\xe9", "-2.3979e-06", "-0x1.41d738p-19"),
    (1147, b"cut\xe2\x82", "-0.82464536928011618", "-0x1.a637eap-1"),
    (1249, b"a\tb", "0.11040604064703466", "0x1.c43920p-4"),
    (1317, b"\r", "0.61985698694242411", "0x1.3d5de6p-1"),
    (1351, b"caf\xc3\xa9", "-1.299849", "-0x1.4cc2e8p+0"),
    (1487, b"the", "-7.8578e-06", "-0x1.07a9fcp-17"),
    (1538, b"</s>", "3.311515927314758301", "0x1.a7dfc2p+1"),
    (2009, b"<unk>", "-0.87201", "-0x1.be7818p-1"),
]
# line, column of the vector, number, bits
ODD_NUMBERS = [
    (304, 19, b"+1.5", 0x3FC00000),
    (310, 10, b".5", 0x3F000000),
    (319, 17, b"1.", 0x3F800000),
    (337, 11, b"16777217", 0x4B800000),
    (352, 19, b"1E+2", 0x42C80000),
    (391, 18, b"1e-45", 1),
    (397, 15, b"7.006492321624085e-46", 0),
    (400, 5, b"7.0064923216240854e-46", 1),
    (409, 18, b"1.1754942e-38", 0x007FFFFF),
    (430, 20, b"1e-400", 0),
    (442, 13, b"340282346638528859811704183484516925440", 0x7F7FFFFF),
    (448, 1, b"1.00000017881393432617187499", 0x3F800001),
    (544, 12, b"-0", 0x80000000),
]


def test_odd_rows_by_hand(odd_store: Built):
    lines = ODD_TEXT.read_bytes().split(b"\n")
    with glovestore.open(odd_store.path) as store:
        for line, token, number, expected in ODD_ROWS:
            assert lines[line - 1].startswith(token + b" " + number.encode() + b" ")
            row = line - 1 if line < 1_850 else line - 1 - len(make_odd.DUPLICATES)  # they stand near the end
            assert store.tokens.raw(row) == token
            assert store.rows([token]).tolist() == [row]
            assert float(store[token][0]) == float(store.vectors[row, 0]) == float.fromhex(expected)
        for line, column, number, expected in ODD_NUMBERS:
            assert lines[line - 1].rstrip(b" \r").split(b" ")[column - 25] == number
            assert int(store.vectors[line - 1, column].view(BITS)) == expected


# ----- tiny files, one rule each


@pytest.mark.parametrize(("text", "options"), TINY.values(), ids=list(TINY))
def test_tiny_files(folder: Path, text: bytes, options: dict[str, Any]):
    assert_same_as_reference(folder, text, **options)


WITH_ONE_BYTE = [b"a%sb 1 2\n", b"x 3%s4 5\n", b"x 3 4%s\n"]  # in a token, in a number, behind the last one


def test_every_byte_in_a_token_and_in_a_number(folder: Path):
    for byte in range(256):
        for row in WITH_ONE_BYTE:
            assert_same_as_reference(folder, b"y 3 4\n" + row % bytes([byte]) + b"z 5 6\n")


def test_every_byte_in_a_token_and_in_a_number_of_a_skipped_row(folder: Path):
    text = b"".join(row % bytes([byte]) for byte in range(256) for row in WITH_ONE_BYTE)
    assert_same_as_reference(folder, text, dim=2, on_bad_line="skip")


def test_all_bytes_as_tokens(folder: Path):
    single = b"".join(b"%c 1 2\n" % byte for byte in range(256) if byte not in b"\n")
    assert_same_as_reference(folder, single, dim=2)
    pairs = b"".join(b"%c%c 1 2\n" % (first, second) for first in range(0, 256, 5) for second in b"\0\r\t \x85\xa0\xff")
    assert_same_as_reference(folder, pairs, dim=2)


def test_truncated_anywhere(folder: Path):
    text = BOM + b"3 2\na b 1.5 -2\ncaf\xc3\xa9 .5 1e2\n<unk>  7 8\n"
    for length in range(len(text) + 1):
        assert_same_as_reference(folder, text[:length])
        assert_same_as_reference(folder, text[:length], on_bad_line="skip", dim=2)


# ----- hostile files

# Files that say by their first bytes that they are no text are refused before any rule is tried.
OTHER_FILES = (b"\x1f\x8b", b"PK", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f", b"\x89HDF", b"\x93NUMPY", b"\xba\x16\x4f")

FIELDS = st.one_of(
    st.sampled_from([b"1", b"-0.5", b"+.5", b"1e-3", b"1.", b"0.123456789", b"16777217", b"3.4028235677973366e38"]),
    st.sampled_from([b"", b"x", b"nan", b"1e99", b"-1e999", b"1e-99", b"9" * 50, b"\r", b"\t", b"1\t2", b"<unk>"]),
    st.binary(max_size=3),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: str(number).encode()),
)
NUMBERS = st.sampled_from([b"1", b"-2.5", b"3e1", b".25", b"0.1", b"-0", b"1e-45", b"7.25"])
VECTORS = st.lists(NUMBERS, min_size=2, max_size=2)
GOOD_ROWS = st.builds(lambda token, numbers: b" ".join([token, *numbers]), st.binary(max_size=4), VECTORS)
ANY_ROWS = st.lists(FIELDS, max_size=6).map(b" ".join)
ENDS = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b" \n", b" \r \n", b"\n\n"])
LINES = st.builds(lambda row, end: row + end, st.one_of(GOOD_ROWS, GOOD_ROWS, GOOD_ROWS, ANY_ROWS), ENDS)
HEADERS = st.sampled_from([b"", b"", b"3 2\n", b"2 2\n", b"1 2\n", b"4 2 \r\n", b"3 1\n"])
TEXTS = st.builds(
    lambda bom, header, lines, last: bom + header + b"".join(lines) + last,
    st.sampled_from([b"", b"", b"", BOM]),
    HEADERS,
    st.lists(LINES, max_size=8),
    st.one_of(st.just(b""), GOOD_ROWS, ANY_ROWS),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "dim": st.integers(1, 3),
        "header": st.sampled_from([True, False, "auto"]),
        "on_bad_line": st.sampled_from(["error", "skip"]),
        "limit": st.integers(1, 9),
    },
)
KEEP = st.lists(st.one_of(st.binary(max_size=3), st.sampled_from([b"1", b"x", b"x 1", b"<unk>", b"1 x"])), max_size=12)


@settings(max_examples=800, deadline=None)
@given(text=TEXTS, options=OPTIONS)
@example(text=b"1 1\n0 1 1", options={})
@example(text=b"1 1", options={"header": True})
def test_hostile_files(folder: Path, text: bytes, options: dict[str, Any]):
    assume(not text.startswith(OTHER_FILES))
    assert_same_as_reference(folder, text, **options)


@settings(max_examples=600, deadline=None)
@given(text=TEXTS, options=OPTIONS, keep=KEEP, order=st.sampled_from(["source", "given"]))
def test_keeping_some_tokens_of_hostile_files(
    folder: Path, text: bytes, options: dict[str, Any], keep: list[bytes], order: str
):
    assume(not text.startswith(OTHER_FILES))
    starts = [line.split(b" ")[0] for line in text.split(b"\n")]
    wanted = list(dict.fromkeys([*keep, *starts[::2]]))
    assert_same_as_reference(folder, text, **options, keep=wanted, order=order)


@settings(max_examples=300, deadline=None)
@given(text=st.binary(max_size=200), options=OPTIONS)
def test_binary_junk(folder: Path, text: bytes, options: dict[str, Any]):
    assume(not text.startswith(OTHER_FILES))
    assert_same_as_reference(folder, text, **options)
