"""Bytes to lines: beside decoding all of it and then splitting, for any pieces; errors say line and byte column."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glovestore.errors import TextFormatError
from glovestore.streams.lines import check_encoding, decoded_lines
from glovestore.vocabulary.tokenizers import TOKENIZERS

SIZES = st.sampled_from([1, 2, 3, 5, 7, 10, 20, 1000])
CHARACTERS = {
    "utf-8": "a b\n\r\u00e9\u3042\U0001f600\ufeff\x85\u2028",
    "utf-16": "a b\n\r\u00e9\u3042\U0001f600\u0a0a",
    "utf-16-be": "a b\n\r\u00e9\u3042\U0001f600\u0a0a",
    "utf-32": "a b\n\r\u3042\U0001f600",
    "latin-1": "a b\n\r\u00e9\x85",
    "cp1252": "a b\n\r\u00e9\u20ac",
    "shift_jis": "a b\n\r\u3042\u30bd",
    "iso2022_jp": "a b\n\r\u3042\u30bd",
    "gb18030": "a b\n\r\u00e9\u3042\U0001f600",
    "cp500": "a b\n\r\u00e9",
}
# Bytes that the encoding has no character for, wherever they stand between two of its characters.
BAD = {
    "utf-8": b"\xff",
    "utf-16": b"\x00\xdc",
    "utf-16-be": b"\xdc\x00",
    "utf-32": b"\xff\xff\xff\xff",
    "cp1252": b"\x81",
    "shift_jis": b"\xff",
    "gb18030": b"\xff",
}


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


def lines(text: str) -> list[str]:
    """Return what `decoded_lines` should: obviously."""
    found = text.split("\n")
    if not found[-1]:
        found.pop()
    return [line.removesuffix("\r") for line in found]


def failure(data: bytes, encoding: str, size: int = 1000) -> TextFormatError:
    with pytest.raises(TextFormatError) as caught:
        list(decoded_lines(pieces(data, size), encoding, "corpus.txt"))
    return caught.value


@pytest.mark.parametrize("encoding", CHARACTERS)
def test_lines_are_those_of_the_whole_text(encoding: str) -> None:
    @given(st.text(CHARACTERS[encoding]), SIZES)
    @example("a\r\n\nb\r\r\n", 1)
    @example("\n", 1)
    def check(text: str, size: int) -> None:
        text = text.lstrip("\ufeff")  # which would be a mark
        assert list(decoded_lines(pieces(text.encode(encoding), size), encoding, "x")) == lines(text)

    check()


@pytest.mark.parametrize("encoding", BAD)
def test_what_cannot_be_decoded_is_found_whatever_the_pieces(encoding: str) -> None:
    @given(st.text(CHARACTERS[encoding]), st.text(CHARACTERS[encoding]), SIZES)
    @example("a\nb", "", 1)
    @example("", "a", 1)
    def check(before: str, behind: str, size: int) -> None:
        front = before.encode(encoding)
        mark = "".encode(encoding)
        error = failure(front + BAD[encoding] + behind.encode(encoding)[len(mark) :], encoding, size)
        last_line = len(before.rpartition("\n")[2].encode(encoding)) - len(mark)
        first_line = len(mark) if "\n" not in before else 0
        assert (error.line, error.column) == (before.count("\n") + 1, first_line + last_line + 1)
        assert error.problem.startswith(f"expected text in {encoding}, got the byte 0x{BAD[encoding][0]:02x} (")

    check()


def test_the_sentence_about_a_byte() -> None:
    error = failure(b"the cat\n\xc3\xa9t\xe9 of\n", "utf-8")
    assert str(error) == (
        "corpus.txt:2:4: expected text in utf-8, got the byte 0xe9 (invalid continuation byte): "
        "say encoding= if it is in another one"
    )
    assert "0xc3 (unexpected end of data)" in failure(b"the\n\xc3", "utf-8", 1).problem


def test_a_byte_order_mark_is_no_letter_but_has_columns() -> None:
    for encoding in ("utf-8", "UTF8", "utf-8-sig"):
        assert list(decoded_lines([codecs.BOM_UTF8 + b"the\n", b"of"], encoding, "x")) == ["the", "of"]
        error = failure(codecs.BOM_UTF8 + b"a\xff", encoding)
        assert (error.line, error.column) == (1, 5)
    assert list(decoded_lines(["the\nof".encode("utf-16-be")], "utf-16-be", "x")) == ["the", "of"]


def test_utf_16_without_a_mark() -> None:
    error = failure("the".encode("utf-16-be"), "utf-16")
    assert str(error) == "corpus.txt: expected text in utf-16, got none: UTF-16 stream does not start with BOM"


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "rot13", "", "\0"])
def test_encodings_that_are_none(encoding: str) -> None:
    with pytest.raises(ValueError, match=r"^expected an encoding of text that Python knows, such as utf-8, .*; got '"):
        check_encoding(encoding)
    with pytest.raises(ValueError, match=r"^expected an encoding of text that Python knows"):
        list(decoded_lines([b"a"], encoding, "x"))


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_parts_of_long_lines_have_the_same_tokens(tokenizer: str) -> None:
    split = TOKENIZERS[tokenizer]

    @given(st.text("aBzXx  .,-'0\n\r\u03a3\u00e9\u3042"), st.integers(0, 9), SIZES)
    @example("see no. 5 on p. 3 and u.s. army \u039f\u03a3 a", 1, 3)
    def check(text: str, longest: int, size: int) -> None:
        parts = list(decoded_lines(pieces(text.encode(), size), "utf-8", "x", longest))
        assert [token for part in parts for token in split(part)] == [t for line in lines(text) for t in split(line)]

    check()


def test_a_long_line_ends_at_the_next_space_between_letters() -> None:
    text = "aaa b. ccc ddd\r\nee ff " + "9" * 50 + " gg\n"
    for size in (1, 2, 5, 1000):
        parts = list(decoded_lines(pieces(text.encode(), size), "utf-8", "x", 2))
        assert parts == ["aaa", "b. ccc", "ddd", "ee", "ff " + "9" * 50 + " gg"], size
