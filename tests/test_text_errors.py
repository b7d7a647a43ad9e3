"""What a user reads when a vectors file is bad: expected, got, where; and what is skipped, counted and shown."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared import Built

import glovestore
from glovestore import TextFormatError
from glovestore._core import LONGEST_LINE
from glovestore.sources.head import read_head

BuildBytes = Callable[..., Built]


def tarred() -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("glove.txt"))
    return memory.getvalue()


# name -> (text, options, line, column, what the message says)
PROBLEMS: dict[str, tuple[bytes, dict[str, Any], int | None, int | None, str]] = {
    "too few": (b"a 1 2\nb 3\nc 5 6\n", {}, 2, 4, "expected 2 numbers, got 1"),
    "too few, none": (b"a 1 2\nb\nc 5 6\n", {}, 2, 2, "expected 2 numbers, got 0"),
    "a header before a bad row": (b"3 2\na 1 x\nb 3 4\nc 5 6\n", {}, 1, 4, "say header=True: line 2 is not a row"),
    "an empty line": (b"a 1 2\n\nc 5 6\n", {}, 2, 1, "expected a token and 2 numbers, got an empty line"),
    "too many": (b"a 1 2\nb 3 4 5\nc 5 6\n", {}, 2, 7, "expected 2 numbers, got 3: two rows on one line?"),
    "two rows glued": (b"a 1 2\nb 3 4 5 6\nc 5 6\n", {}, 2, 7, "expected 2 numbers, got 4: two rows on one line?"),
    "a word": (b"a 1 2\nb 3 four\nc 5 6\n", {}, 2, 5, "expected a number, got 'four'"),
    "a number and more": (b"a 1 2\nb 3 4px\nc 5 6\n", {}, 2, 5, "expected a number, got '4px'"),
    "bytes that are no text": (b"a 1 2\nb 3 4\xff\nc 5 6\n", {}, 2, 5, "got '4\\\\xff'"),
    "a long word": (b"a 1 2\nb 3 " + b"x" * 9999 + b"\nc 5 6\n", {}, 2, 5, f"got '{'x' * 60}'..."),
    "infinity": (b"a 1 2\nb -inf 4\nc 5 6\n", {}, 2, 3, "expected a finite number, got '-inf'"),
    "not a number": (b"a 1 2\nb NaN 4\nc 5 6\n", {}, 2, 3, "expected a finite number, got 'NaN'"),
    "overflow": (b"a 1 2\nb 3 4e38\nc 5 6\n", {}, 2, 5, "within float32 (up to 3.4028235e38), got '4e38'"),
    "two spaces": (b"a 1 2\nb 3  4\nc 5 6\n", {}, 2, 5, "expected a number, got nothing: two spaces in a row"),
    "tabs, and dim known": (b"a\t1\t2\n", {"dim": 2}, 1, 6, "fields are separated by tabs"),
    "tabs": (b"a\t1\t2\nb\t3\t4\n", {}, 1, 1, "got lines with tabs: replace them by spaces"),
    "no spaces": (b"some\nwords\n", {}, 1, 1, "one space apart, got lines without a space"),
    "a dim beyond any line": (b"a 1 2\n", {"dim": 10**9}, 1, 1, "expected a dim of at most 8388608, got 1000000000"),
    "a header's dim beyond any line": (b"1 99999999999\na 1\n", {"header": True}, 1, 1, "expected a dim of at most"),
    "a long token": (b"w" * 65_536 + b" 1 2\nb 3 4\n", {}, 1, 1, "expected a token of at most 65535 bytes, got 65536"),
    "cut in a row": (b"a 1 2\nb 3 4\nc 5", {}, 3, 4, "expected 2 numbers, got 1: the file ends inside this row"),
    "cut in a number": (b"a 1 2\nb 3 4\nc 5 6e-", {}, 3, 5, "expected a number, got '6e-'"),
    "empty": (b"", {}, None, None, "expected rows of vectors, got an empty file"),
    "only newlines": (b"\n\n", {}, None, None, "expected rows of vectors, got none"),
    "zeros": (bytes(5000), {}, 1, 1, "got a binary file"),
    "binary": (bytes(range(256)) * 40, {}, 1, 11, "is this a binary file?"),
    "a tie": (b"a 1 2\nb 3 4 5\n", {}, 1, 1, "got 1 with 2 numbers and 1 with 3; say dim="),
    "no header": (b"a 1 2\n", {"header": True}, 1, 1, "expected a header, 'rows dim', got 'a 1 2'"),
    "header's rows": (b"3 2\na 1 2\nb 3 4\n", {}, 1, 1, "expected 3 rows, as the header says, got 2"),
    "header's dim": (b"2 2\na 1 2\nb 3 4\n", {"dim": 3}, 1, 1, "expected dim 3, got a header that says 2"),
    "tar": (tarred(), {}, 1, 1, "got a tar archive: extract it first"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), {}, 1, 1, "got an HDF5 file"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "options", "line", "column", "says"), PROBLEMS.values(), ids=list(PROBLEMS))
def test_problems(tmp_path: Path, text: bytes, options: dict[str, Any], line: Any, column: Any, says: str):
    source = tmp_path / "vectors.txt"
    source.write_bytes(text)
    with pytest.raises(TextFormatError) as caught:
        glovestore.build(source, tmp_path / "store.h5", **options)
    error = caught.value
    assert says in error.problem
    assert (error.line, error.column, error.path) == (line, column, str(source))
    place = "" if line is None else f":{line}:{column}"
    assert str(error) == f"{source}{place}: {error.problem}"
    assert "expected" in error.problem
    assert "got" in error.problem
    assert list(tmp_path.iterdir()) == [source]


def test_a_store_is_no_text(odd_store: Built, tmp_path: Path):
    with pytest.raises(TextFormatError, match="got a glovestore file: it needs no build, open it"):
        glovestore.build(odd_store.path, tmp_path / "store.h5")


def test_too_long_a_line_is_refused_before_it_fills_the_memory(tmp_path: Path):
    source = tmp_path / "vectors.txt"
    with source.open("wb") as file:
        file.write(b"a 1 2\nb 3 4\n")
        file.truncate(1 << 31)
    with pytest.raises(TextFormatError, match="expected a line of at most 16777216 bytes") as caught:
        glovestore.build(source, tmp_path / "store.h5", dim=2)
    assert (caught.value.line, caught.value.column) == (3, 1)


@pytest.mark.parametrize("length", [2**24 - 1, 2**24, 2**24 + 1, 2**24 + 1000])
def test_the_longest_line(build_bytes: BuildBytes, length: int):
    text = b"a 1 0." + b"1" * (length - 6) + b"\nb 3 4\n"
    if length <= 2**24:
        assert build_bytes(text).report.rows == 2
        return
    with pytest.raises(TextFormatError, match="expected a line of at most 16777216 bytes") as caught:
        build_bytes(text)
    assert (caught.value.line, caught.value.column) == (1, 1)


def test_errors_survive_pickling(build_bytes: BuildBytes):
    with pytest.raises(TextFormatError) as caught:
        build_bytes(b"a 1 2\nb 3 x\n")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is TextFormatError
    assert (str(copy), copy.problem, copy.path) == (str(caught.value), caught.value.problem, caught.value.path)
    assert (copy.line, copy.column) == (2, 5)
    assert isinstance(copy, glovestore.GlovestoreError)


# ----- skipping and duplicates are said


def test_skipped_lines_are_counted_and_the_first_ones_shown(build_bytes: BuildBytes):
    text = b"".join(b"a%d 1 2\nb%d 1\n" % (i, i) for i in range(15)) + b"z 1 2\nz x 2\n"
    report = build_bytes(text, on_bad_line="skip").report
    assert (report.rows, report.skipped, report.lines) == (16, 16, 32)
    assert len(report.first_skipped) == 10
    assert all(f":{2 * i + 2}:" in report.first_skipped[i] for i in range(10))
    assert "expected 2 numbers, got 1" in report.first_skipped[0]
    assert report.first_skipped[0] in str(report)
    assert "bad lines skipped: 16" in str(report)


def test_duplicates_are_counted_and_the_first_ones_shown(build_bytes: BuildBytes):
    text = b"".join(b"a%d 1 2\n" % (i % 20) for i in range(35)) + b"\xff 1 2\n\xff 3 4\n"
    report = build_bytes(text).report
    assert (report.rows, report.duplicates, report.lines) == (21, 16, 37)
    assert report.first_duplicates == tuple(f"a{i}" for i in range(10))
    assert "duplicates left out: 16 ('a0', 'a1', " in str(report)
    assert "'a9', ...)" in str(report)


def test_a_missing_final_newline_is_said(build_bytes: BuildBytes):
    assert "newline" in str(build_bytes(b"a 1 2\nb 3 4").report)
    assert "newline" not in str(build_bytes(b"a 1 2\nb 3 4\n").report)


def test_report_to_dict_is_plain(build_bytes: BuildBytes):
    built = build_bytes(b"a 1 2\nb 3 4\na 5 6\nc x 1\n", on_bad_line="skip", dim=2)
    values = built.report.to_dict()
    assert {name: values[name] for name in ("rows", "dim", "lines", "header", "duplicates", "skipped")} == {
        "rows": 2, "dim": 2, "lines": 4, "header": 0, "duplicates": 1, "skipped": 1
    }  # fmt: skip
    assert values["source_bytes"] == 24
    assert values["store_bytes"] == built.path.stat().st_size
    assert values["path"] == str(built.path)
    assert values["source"] == str(built.path.with_name("source.txt"))
    with pytest.raises(AttributeError):
        built.report.rows = 3  # type: ignore[misc]


# ----- arguments


@pytest.mark.parametrize("dim", [0, -1, 1.0, "2", True, [2]])
def test_dim_must_be_a_positive_int(build_bytes: BuildBytes, dim: Any):
    with pytest.raises((ValueError, TypeError), match="dim"):
        build_bytes(b"a 1 2\n", dim=dim)


@pytest.mark.parametrize("header", [None, "yes", 0, 1, 2, "True", ""])
def test_header_must_be_auto_true_or_false(build_bytes: BuildBytes, header: Any):
    with pytest.raises((ValueError, TypeError), match="header"):
        build_bytes(b"1 2\na 1 2\n", header=header)


@pytest.mark.parametrize("on_bad_line", [None, "warn", True, ""])
def test_on_bad_line_must_be_error_or_skip(build_bytes: BuildBytes, on_bad_line: Any):
    with pytest.raises((ValueError, TypeError), match="on_bad_line"):
        build_bytes(b"a 1 2\n", on_bad_line=on_bad_line)


# ----- the head


def lines_by_the_book(data: bytes) -> int:
    return sum(1 for line in data.split(b"\n")[:-1] if line.rstrip(b" \r"))


@given(
    st.lists(st.sampled_from([b"\n", b" \r\n", b"a", b"a 1\n", b"\r", b"b 1\n" * 60, b"\n" * 200])), st.integers(1, 9)
)
def test_no_more_is_read_for_the_head_than_needed(parts: list[bytes], size: int):
    """As many pieces as it takes to have 101 lines that are not blank."""
    text = b"c 1\n" + b"".join(parts)
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    needed = next((i for i in range(len(pieces)) if lines_by_the_book(b"".join(pieces[:i])) > 100), len(pieces))
    left = iter(pieces)
    head = read_head(lambda: next(left, b""), "x", 1, False)
    assert head.data == b"".join(pieces[:needed])


def test_millions_of_blank_lines(build_bytes: BuildBytes):
    with pytest.raises(TextFormatError, match="expected rows of vectors, got none in the first 16777216 bytes"):
        build_bytes(b"\n" * (LONGEST_LINE + 5))
