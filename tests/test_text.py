"""Vectors text -> store: every rule of the input against the slow reference, errors with their line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import make_odd
import pytest
from comparing import BITS, assert_same_as_reference, assert_store_is
from conftest import ODD_TEXT, Built
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from reference import BOM, ReferenceResult, read_text
from tiny_texts import TINY


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
OTHER_FILES = (b"\x1f\x8b", b"PK\x03", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f", b"\x89HDF", b"\x93NUMPY", b"\xba\x16\x4f")

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
    },
)


@settings(max_examples=800, deadline=None)
@given(text=TEXTS, options=OPTIONS)
@example(text=b"1 1\n0 1 1", options={})
def test_hostile_files(folder: Path, text: bytes, options: dict[str, Any]):
    assume(not text.startswith(OTHER_FILES))
    assert_same_as_reference(folder, text, **options)


@settings(max_examples=300, deadline=None)
@given(text=st.binary(max_size=200), options=OPTIONS)
def test_binary_junk(folder: Path, text: bytes, options: dict[str, Any]):
    assume(not text.startswith(OTHER_FILES))
    assert_same_as_reference(folder, text, **options)
