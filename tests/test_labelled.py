"""Labelled texts: every format read as an obvious reader reads it, and as it was written."""

from __future__ import annotations

import csv
import gzip
import os
import sys
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

import labelled_reference as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glovestore.errors import TextFormatError
from glovestore.labelled import LabelledTexts, SkippedRow, read_labelled, read_texts
from glovestore.labelled.lines import Lines
from glovestore.streams.files import Source

SPACES = "\t\n\r\v\f\x1c\x85\u2028 "
CHARACTERS = st.sampled_from("ab,;\"'\\{}:é\u2028\x85\x0b\ufeff漢😀 ") | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0"
)
ONE_LINE = CHARACTERS.filter(lambda char: char not in "\t\n\r")
LABELS = st.text('abc,"é漢_:;', min_size=1, max_size=4)
FILLED = st.text(ONE_LINE, max_size=12).map(lambda text: text + "x y")
TEXTS = st.text(CHARACTERS | st.sampled_from("\n\r\t"), max_size=12).map(lambda text: text + "x y")
ENDS = st.sampled_from(["\n", "\r\n"])


class Pieces(Source):
    """A source of bytes in pieces of one size."""

    def __init__(self, data: bytes, size: int) -> None:
        self.path = "<pieces>"
        self.cut = [data[at : at + size] for at in range(0, len(data), size)]

    def peek(self, count: int) -> bytes:
        return b"".join(self.cut)[:count]

    def pieces(self):
        return iter(self.cut)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for many small files, each over the last. (Others look that nothing is left in theirs.)"""
    return tmp_path_factory.mktemp("labelled")


def read(folder: Path, data: bytes, name: str = "texts", **options) -> LabelledTexts:
    path = folder / name
    path.write_bytes(data)
    return read_labelled(path, **options)


def rows(found: LabelledTexts) -> list[reference.Numbered]:
    return list(zip(found.labels, found.texts, found.lines, strict=True))


def pairs(texts: st.SearchStrategy[str], labels: st.SearchStrategy[str] = LABELS):
    return st.lists(st.tuples(labels, texts), min_size=1, max_size=6)


# ---------------------------------------------------------------------- formats


@given(pairs(FILLED), ENDS, st.booleans())
def test_tsv(folder: Path, written: Sequence[reference.Pair], end: str, cut: bool) -> None:
    data = reference.write_tsv(written, end)
    data = data.removesuffix(end.encode()) if cut else data
    found = read(folder, data, format="tsv", header=False)
    assert rows(found) == reference.read_tsv(data) == [(*pair, i) for i, pair in enumerate(written, 1)]
    assert (found.format, found.text_column, found.label_column, found.header) == ("tsv", 2, 1, False)
    assert found.total_lines == len(written)


@given(pairs(TEXTS), st.sampled_from([("\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_ALL), ("\r\n", csv.QUOTE_MINIMAL)]))
def test_csv(folder: Path, written: Sequence[reference.Pair], style: tuple[str, int]) -> None:
    end, quoting = style  # with \n, QUOTE_MINIMAL writes a \r without quotes, which RFC 4180 does not allow
    data = reference.write_csv(written, end, quoting)
    found = read(folder, data, format="csv", header=False)
    assert rows(found) == reference.read_csv(data)
    assert list(zip(found.labels, found.texts, strict=True)) == list(written)
    assert found.total_lines == data.count(b"\n")


@given(pairs(TEXTS | TEXTS.map(lambda text: text + "\ud800")), ENDS)
def test_json_lines(folder: Path, written: Sequence[reference.Pair], end: str) -> None:
    found = read(folder, reference.write_json_lines(written, end), "texts.jsonl")
    assert rows(found) == [(*pair, i) for i, pair in enumerate(written, 1)]
    assert (found.format, found.text_column, found.label_column) == ("jsonl", "text", "label")


@given(pairs(FILLED), ENDS)
def test_json_lines_in_utf8(folder: Path, written: Sequence[reference.Pair], end: str) -> None:
    found = read(folder, reference.write_json_lines(written, end, ascii_only=False), "texts.ndjson")
    assert rows(found) == [(*pair, i) for i, pair in enumerate(written, 1)]


@given(pairs(FILLED), ENDS)
def test_spaced(folder: Path, written: Sequence[reference.Pair], end: str) -> None:
    data = reference.write_spaced(written, end)
    found = read(folder, data, format="space")
    assert rows(found) == reference.read_spaced(data) == [(*pair, i) for i, pair in enumerate(written, 1)]


@given(pairs(FILLED.map(lambda text: text.lstrip() or "x")), ENDS)
def test_fasttext(folder: Path, written: Sequence[reference.Pair], end: str) -> None:
    found = read(folder, reference.write_fasttext(written, end))
    assert rows(found) == [(*pair, i) for i, pair in enumerate(written, 1)]
    assert found.format == "fasttext"


@given(st.binary(max_size=60), st.integers(1, 7))
def test_lines_however_they_are_cut(data: bytes, size: int) -> None:
    expected = data.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    lines = Lines(Pieces(data, size), "latin-1")
    assert lines.peek(3) == [line.decode("latin-1") for line in expected[:3]]
    assert [(lines.number, text) for text in lines] == [
        (number, line.decode("latin-1")) for number, line in enumerate(expected, 1)
    ]
    fault = lines.take_fault()
    assert (fault is not None) == (b"\0" in data)
    if fault is not None:
        number, line = next((i, line) for i, line in enumerate(expected, 1) if b"\0" in line)
        assert (fault.line, fault.column) == (number, line.index(0) + 1)


def test_long_csv_fields_leave_the_limit_of_csv_alone(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    found = read(tmp_path, b"a,%s\nb,x y\n" % (b"word " * 60_000), "texts.csv")
    assert len(found.texts[0]) == 300_000
    assert csv.field_size_limit() == limit


def test_labels_of_json(tmp_path: Path) -> None:
    lines = b'{"text": "x", "label": 3}\n{"text": "y", "label": true}\n{"text": "z", "label": "3"}\n'
    assert read(tmp_path, lines).labels == ["3", "true", "3"]


def test_empty_lines_hold_no_row(tmp_path: Path) -> None:
    found = read(tmp_path, b"\na\tx y\n\n \r\nb\tz\n\n", "texts.tsv")
    assert rows(found) == [("a", "x y", 2), ("b", "z", 5)]
    assert (found.total_lines, found.blank_lines) == (6, 4)
    found = read(tmp_path, b"\na,x y\n\nb,z\n\n", "texts.csv")
    assert rows(found) == [("a", "x y", 2), ("b", "z", 4)]
    assert (found.total_lines, found.blank_lines) == (5, 3)


def test_quotes_of_tsv_are_text(tmp_path: Path) -> None:
    assert rows(read(tmp_path, b'a\t"x\nb\ty" z\n', "t.tsv")) == [("a", '"x', 1), ("b", 'y" z', 2)]


# ---------------------------------------------------------------------- columns


HEADED = "id\ttext\tlabel\n1\tx y\ta\n2\tz\tb\n"


@pytest.mark.parametrize(
    ("data", "options", "columns", "first"),
    [
        (HEADED, {}, ("text", "label", True), ("a", "x y", 2)),
        (HEADED.replace("text", " Text"), {}, (" Text", "label", True), ("a", "x y", 2)),
        (HEADED, {"label": "id"}, ("text", "id", True), ("1", "x y", 2)),
        (HEADED, {"text": 2, "label": 1}, ("text", "id", True), ("1", "x y", 2)),
        (HEADED, {"text": 2, "label": 3, "header": False}, (2, 3, False), ("label", "text", 1)),
        (HEADED.replace("label", "topic"), {"label": "topic"}, ("text", "topic", True), ("a", "x y", 2)),
        ("sentence\tlabel\nx y\ta\n", {}, ("sentence", "label", True), ("a", "x y", 2)),
        ("topic\ttext\na\tx y\n", {}, ("text", "topic", True), ("a", "x y", 2)),
        ("x y\ta\nz\tb\n", {"text": 1}, (1, 2, False), ("a", "x y", 1)),
        ("x y\ta\nz\tb\n", {"label": 2}, (1, 2, False), ("a", "x y", 1)),
        ("why\twhat\nx y\ta\n", {"text": "why"}, ("why", "what", True), ("a", "x y", 2)),
        ("a\tx y\t\tq\nb\tz\t\tq\n", {"text": 4, "label": 1}, (4, 1, False), ("a", "q", 1)),
    ],
)
def test_columns(tmp_path: Path, data: str, options: dict, columns: tuple, first: reference.Numbered) -> None:
    found = read(tmp_path, data.encode(), "texts.tsv", **options)
    assert (found.text_column, found.label_column, found.header) == columns
    assert rows(found)[0] == first
    as_csv = read(tmp_path, data.replace("\t", ",").encode(), "texts.csv", **options)
    assert (as_csv.text_column, as_csv.label_column, as_csv.header) == columns
    assert rows(as_csv) == rows(found)


def test_keys_of_json(tmp_path: Path) -> None:
    found = read(tmp_path, b'{"q": "x y", "id": 7, "topic": "a"}\n', "t.jsonl", text="q", label="topic")
    assert rows(found) == [("a", "x y", 1)]
    assert (found.text_column, found.label_column) == ("q", "topic")


# ---------------------------------------------------------------------- detection


@pytest.mark.parametrize(
    ("data", "format"),
    [
        ("5 How far is it ?\n4 What county is Modesto , California in ?\n", "space"),
        ("NUM:dist How far is it ?\nLOC:other What county is it ?\n", "space"),
        ("a\tx, y\nb\tz\n", "tsv"),
        ('a,"x, y"\nb,z\n', "csv"),
        ("text,label\nx y,a\n", "csv"),
        ('label,text\na,"x\n\ny"\nb,z\n', "csv"),
        ('{"text": "x y", "label": "a"}\n', "jsonl"),
        ("__label__a x y\n__label__b z\n", "fasttext"),
        ("\n\na\tx y\n", "tsv"),
    ],
)
def test_the_first_lines_show_the_format(tmp_path: Path, data: str, format: str) -> None:
    assert read(tmp_path, data.encode()).format == format
    assert read(tmp_path, data.replace("\n", "\r\n").encode(), "texts.txt").format == format


@pytest.mark.parametrize("name", ["a.tsv", "a.TSV", "a.tsv.gz", "a.b.tsv"])
def test_the_end_of_the_name_comes_first(tmp_path: Path, name: str) -> None:
    data = b'{"x": 1}\tx y\n{"x": 2}\tz w\n'
    assert read(tmp_path, data, name, header=False).format == "tsv"
    with pytest.raises(TextFormatError):
        read(tmp_path, data)


def test_what_is_stated_comes_before_the_name(tmp_path: Path) -> None:
    assert read(tmp_path, b"a x\ty\nb z\n", "texts.tsv", format="space").texts == ["x\ty", "z"]


def test_compressed_files(tmp_path: Path) -> None:
    data = b"a\tx y\nb\tz\n"
    assert rows(read(tmp_path, gzip.compress(data), "texts.tsv.gz")) == [("a", "x y", 1), ("b", "z", 2)]
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as archive:
        archive.writestr("train.csv", b"c,x y\n")
        archive.writestr("test.tsv", data)
    found = read_labelled(f"{tmp_path / 'both.zip'}#train.csv")
    assert (found.labels, found.format, found.path) == (["c"], "csv", f"{tmp_path / 'both.zip'}#train.csv")
    assert read_labelled(f"{tmp_path / 'both.zip'}#test.tsv").labels == ["a", "b"]


# ---------------------------------------------------------------------- encodings


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbflabel\ttext\na\tx y\n", "t.tsv").text_column == "text"
    assert read(tmp_path, b"\xef\xbb\xbfa x y\nb z\n").labels == ["a", "b"]
    assert read(tmp_path, b"\xef\xbb\xbfa x y\nb z\n", encoding="utf-8-sig").labels == ["a", "b"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32", "cp037", "utf-8-sig"]
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    data = "é\tcafé ü\r\nb\tz\n".encode(encoding)
    assert rows(read(tmp_path, data, "t.tsv", encoding=encoding)) == [("é", "café ü", 1), ("b", "z", 2)]
    quoted = 'é,"ü\r\n\r\nz"\nb,z\n'.encode(encoding)
    assert rows(read(tmp_path, quoted, "t.csv", encoding=encoding)) == [("é", "ü\r\n\r\nz", 1), ("b", "z", 4)]


def test_auto_takes_a_line_that_is_not_utf8_for_latin1(tmp_path: Path) -> None:
    data = "a café\n".encode() + "b café\n".encode("latin-1") + b"c x\nd \xff\n"
    with pytest.warns(UnicodeWarning) as caught:
        found = read(tmp_path, data, encoding="auto")
    assert found.texts == ["café", "café", "x", "ÿ"]
    assert found.latin1_lines == [2, 4]
    assert [str(warning.message) for warning in caught] == [
        f"{tmp_path / 'texts'}:2:6: expected utf-8, got the byte 0xe9: lines that are not UTF-8 are read as latin-1;"
        " say encoding= (such as latin-1, cp1252) if they are not"
    ]
    assert str(found).endswith("; 2 lines in latin-1")


# ---------------------------------------------------------------------- accounts


def test_skipped_rows_are_accounted_for(tmp_path: Path) -> None:
    data = b"a\tx y\nb\n\tz\n\nc\t \nd\t\xff\ne\tz\n"
    found = read(tmp_path, data, "t.tsv", on_bad_row="skip")
    assert rows(found) == [("a", "x y", 1), ("e", "z", 7)]
    assert found.skipped == [
        SkippedRow(2, "expected 2 fields separated by tabs, got 1"),
        SkippedRow(3, "expected a label, got an empty one"),
        SkippedRow(5, "expected a text, got an empty one"),
        SkippedRow(6, "expected utf-8, got the byte 0xff: say encoding= (such as latin-1, cp1252)"),
    ]
    assert found.total_lines == len(found) + len(found.skipped) + found.blank_lines
    assert str(found) == f"{tmp_path / 't.tsv'}: 2 texts, 2 labels (TSV, label 1, text 2); skipped 4 bad rows"
    assert found.to_dict()["skipped"][0] == {"line": 2, "problem": "expected 2 fields separated by tabs, got 1"}


def test_csv_goes_on_behind_a_bad_row(tmp_path: Path) -> None:
    data = b'a,x y\n"b"c,z\nd,"1\n2\xff\n3"\ne,"4\n5"\nf\n'
    found = read(tmp_path, data, "t.csv", on_bad_row="skip")
    assert rows(found) == [("a", "x y", 1), ("e", "4\n5", 6)]
    assert [row.line for row in found.skipped] == [2, 3, 8]


def test_the_account_as_text_and_as_json(tmp_path: Path) -> None:
    found = read(tmp_path, HEADED.encode() + b"3\tw w\tb\n", "t.tsv")
    assert str(found) == f"{tmp_path / 't.tsv'}: 3 texts, 2 labels (TSV, label 'label', text 'text', header)"
    assert repr(found) == f"LabelledTexts({found})"
    assert found.to_dict() == {
        "path": str(tmp_path / "t.tsv"), "texts": 3, "labels": {"b": 2, "a": 1}, "format": "tsv", "text_column": "text",
        "label_column": "label", "header": True, "lines": 4, "blank_lines": 0, "latin1_lines": [], "skipped": [],
    }  # fmt: skip


# ---------------------------------------------------------------------- texts alone


def texts(folder: Path, data: bytes, name: str = "texts.txt", **options) -> list[str]:
    (folder / name).write_bytes(data)
    return [text for batch in read_texts(folder / name, **options) for text in batch]


@given(st.lists(st.text(ONE_LINE, max_size=5)), ENDS, st.integers(1, 4))
def test_a_text_a_line(folder: Path, written: list[str], end: str, batch: int) -> None:
    data = "".join(text + end for text in written).encode()
    written = [text.removeprefix("\ufeff") if i == 0 else text for i, text in enumerate(written)]
    assert texts(folder, data) == written
    assert [len(part) for part in read_texts(folder / "texts.txt", batch=batch)] == [
        min(batch, len(written) - at) for at in range(0, len(written), batch)
    ]


@pytest.mark.parametrize(
    ("data", "name", "options", "expected"),
    [
        (b"label\ttext\na\tx y\nb\t\n", "t.tsv", {}, ["x y", ""]),
        (b"a\tx y\nb\t\n", "t.tsv", {}, ["x y", ""]),
        (b"text\nx y\n\nz\n", "t.tsv", {}, ["x y", "", "z"]),
        (b"x y\n\nz\n", "t.tsv", {}, ["x y", "", "z"]),
        (b"x\ty\tz\n", "t.tsv", {"text": 3}, ["z"]),
        (b'id,q\n1,"x\ny"\n2,""\n', "t.csv", {"text": "q"}, ["x\ny", ""]),
        (b'{"text": "x"}\n{"text": ""}\n', "t.jsonl", {}, ["x", ""]),
        (b"5 How far ?\n", "t.all", {"format": "space"}, ["How far ?"]),
        (b"5 How far ?\n", "t.all", {}, ["5 How far ?"]),
        (b"__label__x How far ?\n", "t", {"format": "fasttext"}, ["How far ?"]),
        ("é\n".encode("latin-1"), "t", {"encoding": "latin-1"}, ["é"]),
        (b"", "t", {}, []),
    ],
)
def test_texts_of_every_format(tmp_path: Path, data: bytes, name: str, options: dict, expected: list[str]) -> None:
    assert texts(tmp_path, data, name, **options) == expected


def test_texts_in_front_of_a_bad_row_come_first(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"x\ny\n\xff\nz\n")
    batches = read_texts(tmp_path / "t")
    assert next(batches) == ["x", "y"]
    with pytest.raises(TextFormatError, match=r"t:3:1: expected utf-8, got the byte 0xff: say encoding="):
        next(batches)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
@pytest.mark.parametrize(("name", "line", "text"), [("t", b"P%d\n", "P%d"), ("t.csv", b'"P%d"\n', "P%d")])
def test_whoever_sends_a_line_gets_its_text(tmp_path: Path, name: str, line: bytes, text: str) -> None:
    """The writer waits for the answer to one line before it sends the next, and so does this test for the text."""
    os.mkfifo(tmp_path / name)
    answers = threading.Semaphore(0)

    def write() -> None:
        with open(tmp_path / name, "wb", buffering=0) as pipe:
            for number in range(3):
                pipe.write(line % number)
                assert answers.acquire(timeout=60)

    writer = threading.Thread(target=write)
    writer.start()
    for number, batch in enumerate(read_texts(tmp_path / name, header=False)):
        assert batch == [text % number]
        answers.release()
    writer.join()
    assert number == 2
