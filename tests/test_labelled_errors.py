"""Labelled texts that are wrong: what was expected, what was there, and where."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from glovestore.errors import TextFormatError
from glovestore.labelled import read_labelled, read_texts

ZERO_BYTE = "expected text, got a zero byte: a binary file? if it is UTF-16, say encoding= (utf-16)"
UTF8 = ": say encoding= (such as latin-1, cp1252)"


def problem(folder: Path, data: bytes, name: str, **options) -> tuple[int | None, int | None, str]:
    """Return line, column and sentence of the error, which names the file."""
    (folder / name).write_bytes(data)
    with pytest.raises(TextFormatError) as caught:
        read_labelled(folder / name, **options)
    assert caught.value.path == str(folder / name)
    return caught.value.line, caught.value.column, caught.value.problem


@pytest.mark.parametrize(
    ("data", "line", "column", "sentence"),
    [
        (b"a\tx y\nb\n", 2, None, "expected 2 fields separated by tabs, got 1"),
        (b"a\tx y\nb\tz\tz\n", 2, None, "expected 2 fields separated by tabs, got 3"),
        (b"a\tx y\n\tz\n", 2, 1, "expected a label, got an empty one"),
        (b"a\tx y\n  \tz\n", 2, 1, "expected a label, got an empty one"),
        (b"a\tx y\n\xc3\xa9\t \n", 2, 4, "expected a text, got an empty one"),
        (b"\xef\xbb\xbfa\t\n", 1, 6, "expected a text, got an empty one"),
        (b"a\tx y\nb\tcaf\xe9\n", 2, 6, "expected utf-8, got the byte 0xe9" + UTF8),
        (b"a\0\t\0x\0\n\0", 1, 2, ZERO_BYTE),
        (b"\xff\xfea\0\t\0x\0\n\0", 1, 1, "expected utf-8, got the byte order mark of UTF-16: say encoding= (utf-16)"),
        (b"\xff\xfe\x61\t\n", 1, 1, "expected utf-8, got the byte order mark of UTF-16: say encoding= (utf-16)"),
        (b"a\tx y\nb\tz\0\n", 2, 4, ZERO_BYTE),
        (b"a x y\nb z\n", 1, None, "expected two columns, label and text, got 1: say text= and label="),
        (b"a\tx\ty\n", 1, None, "expected two columns, label and text, got 3: say text= and label="),
        (b"id\ttext\twhat\n1\tx y\ta\n", 1, None, "expected a column 'label', got 'id', 'text', 'what': say label="),
        (b"text\ttext\tlabel\nx\ty\ta\n", 1, None, "expected one column 'text', got 2"),
        (b"label\na\n", 1, None, "expected a column 'text', got 'label': say text="),
        (b"", None, None, "expected labelled texts, got an empty file"),
        (b"label\ttext\n", None, None, "expected labelled texts, got a header alone"),
        (b"\n\n", None, None, "expected labelled texts, got empty lines alone"),
        (b"a\t1\nb\t-2.5e3\nc\t.5\n", 1, None, "expected texts in column 2, got nothing but numbers, such as '1'"),
        (b"label\ttext\na\t 1\n", 2, None, "expected texts in column 'text', got nothing but numbers, such as ' 1'"),
        (b"x y\tpos\nz w\tneg\n", 1, None,
         "expected the label in column 1 and the text in column 2, got the texts as labels: say text= (1)"),
        (b"what\twhy\n" + b"a\tx y\n" * 9, 1, None,
         "expected a row or a header, got either ('what', 'why'): say header=True or header=False"),
        (b"review\tsentiment\n" + b"x y\tpos\n" * 9, 1, None,
         "expected a row or a header, got either ('review', 'sentiment'): say header=True or header=False"),
    ],
)  # fmt: skip
def test_tsv(tmp_path: Path, data: bytes, line: int | None, column: int | None, sentence: str) -> None:
    assert problem(tmp_path, data, "t.tsv") == (line, column, sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"text": "txt"}, "expected a column 'txt', got 'id', 'body', 'topic'"),
        ({"text": "body", "label": "Topic"}, "expected a column 'Topic', got 'id', 'body', 'topic'"),
        ({"text": 4}, "expected the text in column 4, got 3 columns"),
        ({"text": 2, "label": 0}, "expected the label in column 0, got 3 columns"),
        ({"text": 2, "label": 2}, "expected text and label in two columns, got column 2 for both"),
        ({"text": 2}, "expected two columns, label and text, got 3: say text= and label="),
        ({"header": True}, "expected a column 'text', got 'id', 'body', 'topic': say text="),
    ],
)
@pytest.mark.parametrize("name", ["t.tsv", "t.csv"])
def test_stated_columns_that_are_not_there(tmp_path: Path, name: str, options: dict, sentence: str) -> None:
    data = b"id\tbody\ttopic\n1\tx y\ta\n"
    data = data if name == "t.tsv" else data.replace(b"\t", b",")
    assert problem(tmp_path, data, name, **options) == (1, None, sentence)


@pytest.mark.parametrize(
    ("data", "line", "column", "sentence"),
    [
        (b'a,"x\ny"\nb,z,z\n', 3, None, "expected 2 fields, got 3"),
        (b'a,"x\ny"\nb,\n', 3, None, "expected a text, got an empty one"),
        (b'a,"x\ny"\n"",z\n', 3, None, "expected a label, got an empty one"),
        (b'a,"x\ny\nb,z\n', 1, None, "expected the quote that ends a field, got the end of the file"),
        (b'a,x y\nb,"z"z\n', 2, None, "expected a comma or the end of the row behind the quote that ends a field"),
        (b"a,x\ry\nb,z\n", 1, None, "expected a line to end with a newline, got a carriage return alone"),
        (b'a,"x\ny \xff"\n', 2, 3, "expected utf-8, got the byte 0xff" + UTF8),
        (b"a,1\nb,2\n", 1, None, "expected texts in column 2, got nothing but numbers, such as '1'"),
    ],
)
def test_csv(tmp_path: Path, data: bytes, line: int | None, column: int | None, sentence: str) -> None:
    assert problem(tmp_path, data, "t.csv") == (line, column, sentence)


@pytest.mark.parametrize(
    ("data", "column", "sentence"),
    [
        (b'{"text": "x", "label": "a"', 27, "expected JSON, got none: Expecting ',' delimiter"),
        ('{"text": "é", "label" "a"}'.encode(), 24, "expected JSON, got none: Expecting ':' delimiter"),
        (b'{"text": "x", "text": "x"}', None, "expected JSON, got the key 'text' twice"),
        (b"[1, 2]", None, "expected a JSON object, got a list"),
        (b'"x"', None, "expected a JSON object, got a string"),
        (b'{"text": 1.5, "label": "a"}', None, "'text': expected a string, got a number"),
        (b'{"text": null, "label": "a"}', None, "'text': expected a string, got null"),
        (b'{"text": ["x"], "label": "a"}', None, "'text': expected a string, got a list"),
        (b'{"text": "x", "label": null}', None, "'label': expected a string or an integer, got null"),
        (b'{"text": "x", "label": 1.0}', None, "'label': expected a string or an integer, got a number"),
        (b'{"text": "x", "label": {}}', None, "'label': expected a string or an integer, got an object"),
        (b'{"text": "x", "label": ""}', None, "expected a label, got an empty one"),
        (b'{"text": " ", "label": "a"}', None, "expected a text, got an empty one"),
        (b'{"label": "a", "body": "x"}', None, "expected the key 'text', got 'label', 'body'"),
        (b"{}", None, "expected the key 'label', got none"),
        (b'{"text": "\xe9", "label": "a"}', 11, "expected utf-8, got the byte 0xe9" + UTF8),
        (b"[" * 100_000, None, "expected JSON, got a document nested too deeply"),
    ],
)
def test_json_lines(tmp_path: Path, data: bytes, column: int | None, sentence: str) -> None:
    good = b'{"text": "x y", "label": "a"}\n\n'
    assert problem(tmp_path, good + data + b"\n", "t.jsonl") == (3, column, sentence)


@pytest.mark.parametrize(
    ("line", "column", "sentence"),
    [
        (b"a", None, "expected a label, a space and a text, got 'a' without a space"),
        (b" x y", 1, "expected a label, got an empty one"),
        (b"a ", 3, "expected a text, got an empty one"),
    ],
)
def test_spaced(tmp_path: Path, line: bytes, column: int | None, sentence: str) -> None:
    assert problem(tmp_path, b"a x\n" + line + b"\n", "t", format="space") == (2, column, sentence)


@pytest.mark.parametrize(
    ("line", "column", "sentence"),
    [
        (b" label x", 2, "expected __label__ and a label, got 'label'"),
        (b"__label__ x", 1, "expected a label, got an empty one"),
        (b"__label__a", 11, "expected a text, got an empty one"),
        (b"__label__a __label__b x", 12, "expected one label, got another: '__label__b'"),
    ],
)
def test_fasttext(tmp_path: Path, line: bytes, column: int, sentence: str) -> None:
    assert problem(tmp_path, b"__label__a x\n" + line + b"\n", "t", format="fasttext") == (2, column, sentence)


def test_no_format_that_shows(tmp_path: Path) -> None:
    expected = "expected a format that its first lines show, got none: say format= (tsv, csv, jsonl, fasttext, space)"
    assert problem(tmp_path, b"words\nalone\n", "t") == (None, None, expected)
    assert problem(tmp_path, b"", "t") == (None, None, "expected labelled texts, got an empty file")


def test_plain_texts_are_no_labels_and_texts(tmp_path: Path) -> None:
    data = b"".join(b"word%d and others\n" % i for i in range(12))
    expected = (
        "expected a label in front of the first space, got 12 different ones in 12 lines ('word0', 'word1', ...):"
        " say format= (space) if they are labels"
    )
    assert problem(tmp_path, data, "t") == (1, None, expected)
    (tmp_path / "t").write_bytes(data)
    assert len(read_labelled(tmp_path / "t", format="space")) == 12


def test_bytes_that_are_not_utf16(tmp_path: Path) -> None:
    line, column, sentence = problem(tmp_path, "a\tx\n".encode("utf-16") + b"\n", "t.tsv", encoding="utf-16")
    assert (line, column) == (None, None)
    assert sentence.startswith("expected utf-16, got something else around byte ")


def test_no_good_row(tmp_path: Path) -> None:
    expected = "expected at least one good row, got 2 bad ones; expected a text, got an empty one"
    assert problem(tmp_path, b"\na\t\nb\t\n", "t.tsv", on_bad_row="skip") == (2, None, expected)


def test_a_compressed_file_that_is_cut_off(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b"a\tword%d x\n" % i for i in range(5000)))
    assert "expected a whole gzip file" in problem(tmp_path, whole[:-20], "t.tsv.gz")[2]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("t.tsv", {"encoding": "utf-9"}, "encoding: expected the name of one, such as utf-8 or latin-1, got 'utf-9'"),
        ("t.tsv", {"encoding": "base64"}, "encoding: expected the name of one, such as utf-8 or latin-1, got 'base64'"),
        ("t.tsv", {"format": "xml"}, "format: expected one of tsv, csv, jsonl, fasttext, space, got 'xml'"),
        ("t.tsv", {"format": "text"}, "format: expected one of tsv, csv, jsonl, fasttext, space, got 'text'"),
        ("t.tsv", {"on_bad_row": "drop"}, "on_bad_row: expected 'error' or 'skip', got 'drop'"),
        ("t.tsv", {"text": "q", "header": False}, "header: expected one, as the column 'q' is named, got header=False"),
        ("t", {"format": "space", "text": 2}, "text: expected none, as the format space has no such thing"),
        (
            "t",
            {"format": "fasttext", "header": True},
            "header: expected none, as the format fasttext has no such thing",
        ),
        ("t.jsonl", {"header": True}, "header: expected none, as the format jsonl has no such thing"),
        ("t.jsonl", {"label": 2}, "label: expected a name, as JSON lines have names, got 2"),
    ],
)
def test_arguments(tmp_path: Path, name: str, options: dict, sentence: str) -> None:
    (tmp_path / name).write_bytes(b"a\tx y\n")
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_labelled(tmp_path / name, **options)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_labelled(tmp_path / "t.tsv")
    with pytest.raises(IsADirectoryError):
        read_labelled(tmp_path)


@pytest.mark.parametrize(
    ("data", "name", "options", "sentence"),
    [
        (b"a\tb\tc\n", "t.tsv", {}, "expected two columns, label and text, got 3: say text= and label="),
        (b"id\twhat\n1\t2\n", "t.tsv", {"text": "q"}, "expected a column 'q', got 'id', 'what'"),
        (b'{"body": "x"}\n', "t.jsonl", {}, "expected the key 'text', got 'body'"),
    ],
)
def test_texts_alone(tmp_path: Path, data: bytes, name: str, options: dict, sentence: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TextFormatError, match=f"t.[a-z]+:1: {re.escape(sentence)}$"):
        list(read_texts(tmp_path / name, **options))
