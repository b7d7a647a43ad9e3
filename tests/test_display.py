"""What people read: columns, tokens, sizes, times."""

from __future__ import annotations

import pytest

from glovestore import display


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("the", "the"),
        ("don't do", "don't do"),
        ("日本", "日本"),
        ("", "''"),
        (" ", "' '"),
        ("a ", "'a '"),
        ("\x1b[2J", r"'\x1b[2J'"),
        ("a\nb", r"'a\nb'"),
        ("\xa0", r"'\xa0'"),
        ("\udcff", r"'\udcff'"),
        ("\u202etxt", r"'\u202etxt'"),
    ],
)
def test_tokens_that_cannot_be_seen_are_quoted(token: str, expected: str) -> None:
    assert display.visible(token) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (6_619_944, "6.6 MB"),
        (5.6e9, "5.6 GB"),
        (2e15, "2,000.0 TB"),
    ],
)
def test_bytes(count: float, expected: str) -> None:
    assert display.human_bytes(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0.0 µs"), (7.3e-5, "73.0 µs"), (0.0142, "14.2 ms"), (1.0, "1.00 s"), (1234.5, "1,234.50 s")],
)
def test_seconds(seconds: float, expected: str) -> None:
    assert display.human_seconds(seconds) == expected


def test_columns() -> None:
    assert display.aligned([("a", "1", "x"), ("bcd", "234", "")], "lrl", " ") == " a      1  x\n bcd  234"
    assert display.aligned([], "lr") == ""
