"""What is UTF-8 to the core is UTF-8 to Python."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glovestore import _core

SEQUENCES = [
    *[b"a", b"0123456789", "\xe9".encode(), "\u0800".encode(), "\ud7ff".encode(), "\uffff".encode()],
    *["\U00010000".encode(), "\U0010ffff".encode(), b"\xc0\x80", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xed\xa0\x80"],
    *[
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xff",
        b"\x80",
        b"\xc3",
        b"\xe4\xb8",
        b"\xf0\x9f\x99",
    ],
]


def valid_by_python(text):
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(text)


@given(st.one_of(st.binary(max_size=40), st.lists(st.sampled_from(SEQUENCES), max_size=12).map(b"".join)))
@example(b"")
def test_valid_utf8(text):
    assert _core.valid_utf8(text) == valid_by_python(text)


@pytest.mark.parametrize("odd", SEQUENCES)
def test_valid_utf8_at_every_place(odd):
    for before in range(20):
        for behind in (b"", b"x", b"\x80", b"x" * 20):
            text = b"x" * before + odd + behind
            assert _core.valid_utf8(text) == valid_by_python(text)


def test_every_code_point_is_utf8_but_the_surrogates():
    text = "".join(map(chr, range(sys.maxunicode + 1))).encode("utf-8", "surrogatepass")
    first_surrogate = text.index("\ud800".encode("utf-8", "surrogatepass"))
    assert _core.valid_utf8(text) == first_surrogate
    behind = text[text.index("\ue000".encode()) :]
    assert _core.valid_utf8(behind) == len(behind)


def test_every_three_bytes():
    for lead in range(0x80, 0x100):
        for second in range(0, 0x100, 5):
            for third in (0x41, 0x7F, 0x80, 0xBF, 0xC0):
                text = bytes((lead, second, third))
                assert _core.valid_utf8(text) == valid_by_python(text)
