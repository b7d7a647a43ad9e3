"""Stores of what is in memory: pairs, mappings, gensim's vectors, tables; and every error about them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glovestore
from glovestore.sources import batching


def build(source: Any, folder: Path, **options: Any) -> glovestore.BuildReport:
    return glovestore.build(source, folder / "store.h5", durable=False, **options)


def refuse(source: Any, folder: Path, expected: str) -> None:
    with pytest.raises(glovestore.SourceFormatError) as caught:
        build(source, folder)
    assert str(caught.value) == expected
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("source", "problem"),
    {
        "nothing": ([], "expected (token, vector) pairs, got none"),
        "no pair": ([("a", [1]), 5], "pair 1: expected a token and its vector, got 5"),
        "a string of two": (["ab"], "pair 0: expected a token and its vector, got 'ab'"),
        "three": ([("a", [1], 2)], "pair 0: expected a token and its vector, got ('a', [1], 2)"),
        "no token": ([(5, [1])], "pair 0: expected a token (str or bytes), got int"),
        "a lone surrogate": (
            [("a", [1]), ("\ud800", [1])],
            r"pair 1: expected a token in Unicode, got '\ud800' with a lone surrogate",
        ),
        "a long token": ([("x" * 65_536, [1])], "pair 0: expected a token of at most 65535 bytes, got 65536"),
        "a number": ([("a", 1.5)], "pair 0, token b'a': expected a vector of numbers, got float"),
        "a matrix": (
            [("a", [[1, 2]])],
            "pair 0, token b'a': expected a vector of numbers, got an array of int64, shape (1, 2)",
        ),
        "strings": (
            [("a", ["1"])],
            "pair 0, token b'a': expected a vector of numbers, got an array of <U1, shape (1,)",
        ),
        "truths": (
            [("a", [True])],
            "pair 0, token b'a': expected a vector of numbers, got an array of bool, shape (1,)",
        ),
        "ragged": (
            [("a", [[1], [2, 3]])],
            "pair 0, token b'a': expected a vector of numbers, got an array of object, shape (0,)",
        ),
        "none": ([("a", [])], "pair 0, token b'a': expected a vector of numbers, got an array of float64, shape (0,)"),
        "another dim": ([("a", [1, 2]), ("b", [1])], "pair 1, token b'b': expected 2 numbers, got 1"),
        "too large": ([("a", [1e39])], "row 0, token b'a': expected finite numbers, got inf in column 0"),
    }.values(),
)
def test_pairs_that_are_none(tmp_path: Path, source: Any, problem: str) -> None:
    refuse(source, tmp_path, f"<list>: {problem}")


def test_pairs_are_read_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST_ROWS", 7)
    taken = 0

    def rows() -> Iterator[tuple[str, list[int]]]:
        nonlocal taken
        for taken in range(1, 1001):
            yield f"token{taken}", [taken, -taken]

    report = build(rows(), tmp_path, limit=30)
    assert (report.rows, report.source, report.format, report.source_bytes) == (30, "<generator>", "pairs", 0)
    assert taken <= 42
    assert "from 30 rows (pairs)" in str(report)


def test_an_error_of_the_iterable_is_its_own(tmp_path: Path) -> None:
    def rows() -> Iterator[Any]:
        yield "a", [1]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        build(rows(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_mappings_and_other_numbers(tmp_path: Path) -> None:
    build(MappingProxyType({"a": np.float16([0.5, 1]), b"\xff": (1, 2), "c": memoryview(b"\1\2")}), tmp_path)
    with glovestore.open(tmp_path / "store.h5") as store:
        np.testing.assert_array_equal(store.vectors, [[0.5, 1], [1, 2], [1, 2]])
        assert store.metadata["source_name"] == "<mappingproxy>"
        assert "source_digest" not in store.metadata


@pytest.mark.parametrize("source", [5, None, b"vectors.txt"])
def test_what_is_no_source(tmp_path: Path, source: Any) -> None:
    wanted = "expected a path, a table, a mapping token -> vector or an iterable of (token, vector), got "
    with pytest.raises(TypeError, match=re.escape(wanted + type(source).__name__)):
        build(source, tmp_path)


@pytest.mark.parametrize("options", [{"member": "x"}, {"format": "text"}, {"tokens": ["x"]}])
def test_options_of_files(tmp_path: Path, options: Any) -> None:
    with pytest.raises(ValueError, match="expected a file with member=, format= and tokens=, got list"):
        build([("a", [1])], tmp_path, **options)


def test_a_format_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected format to be one of .*text.*, got 'glove'"):
        build("vectors.txt", tmp_path, format="glove")


def test_keyed_vectors_that_do_not_fit(tmp_path: Path) -> None:
    keyed = SimpleNamespace(index_to_key=["a", "b"], vectors=np.zeros((3, 2)))
    wanted = "<SimpleNamespace>: expected vectors of shape (2, dim), a row for each token, got (3, 2)"
    refuse(keyed, tmp_path, wanted)
    keyed = SimpleNamespace(index_to_key=["a", 5], vectors=np.zeros((2, 2)))
    refuse(keyed, tmp_path, "<SimpleNamespace>: row 1: expected a token (str or bytes), got int")


# --- tables ----------------------------------------------------------------------------------------------------------

TABLES = {
    "no strings": ({"x": [0.5]}, "expected one column of strings, the tokens, got x: double"),
    "two of strings": (
        {"a": ["x"], "b": ["y"]},
        "expected one column of strings, the tokens, got a: string, b: string",
    ),
    "no numbers": (
        {"a": ["x"]},
        "expected one column of strings and one of lists of floats, or columns of floats, got a: string",
    ),
    "whole numbers": (
        {"a": ["x"], "b": [1]},
        "expected one column of strings and one of lists of floats, or columns of floats, got a: string, b: int64",
    ),
    "lists of whole numbers": (
        {"a": ["x"], "b": [[1]]},
        "expected one column of strings and one of lists of floats, or columns of floats, got a: string,"
        " b: list<item: int64>",
    ),
    "many columns": (
        {str(column): [column] for column in range(11)},
        "expected one column of strings, the tokens, got 0: int64, 1: int64, 2: int64, 3: int64, 4: int64, 5: int64,"
        " 6: int64, 7: int64 and 3 more",
    ),
    "no token": ({"a": ["x", None], "b": [0.5, 0.5]}, "row 1: expected a token, got null"),
    "no list": ({"a": ["x", "y"], "b": [[0.5], None]}, "row 1: expected a list in column 'b', got null"),
    "ragged": ({"a": ["x", "y"], "b": [[0.5, 1.0], [1.0]]}, "row 1: expected 2 numbers, got 1"),
    "an empty list": (
        {"a": ["x", "y"], "b": [[], [1.0]]},
        "column 'b': expected lists of numbers, got none, or an empty one first",
    ),
    "null among numbers": (
        {"a": ["x", "y"], "b": [[0.5, 1.0], [None, 1.0]]},
        "row 1, token b'y': expected finite numbers, got nan in column 0",
    ),
    "a long token": (
        {"a": ["x", "x" * 65_536], "b": [0.5, 0.5]},
        "row 1: expected a token of at most 65535 bytes, got 65536",
    ),
}


@pytest.mark.parametrize("what", TABLES)
def test_tables_that_are_none(tmp_path: Path, what: str) -> None:
    pa = pytest.importorskip("pyarrow")
    columns, problem = TABLES[what]
    refuse(pa.table(columns), tmp_path, f"<Table>: {problem}")


def test_no_rows(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    empty = pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.float32())})
    refuse(empty, tmp_path, "<Table>: expected rows of 1 numbers, got none")
    lists = pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.list_(pa.float32()))})
    refuse(lists, tmp_path, "<Table>: column 'b': expected lists of numbers, got none, or an empty one first")


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_a_table_in_many_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    pa = pytest.importorskip("pyarrow")
    monkeypatch.setattr(batching, "MOST_ROWS", 7)
    values = np.arange(300).reshape(100, 3).astype(kind)
    tokens = [f"token{row}" for row in range(100)]
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), 3)
    table = pa.table({"token": tokens, "vector": lists})
    chunked = pa.concat_tables([table.slice(0, 50), table.slice(50, 1), table.slice(51)])
    build(chunked, tmp_path)
    with glovestore.open(tmp_path / "store.h5") as store:
        assert list(store.tokens) == tokens
        np.testing.assert_array_equal(store.vectors, values)


@pytest.mark.parametrize(("signature", "kind"), [(b"PAR1\x15", "parquet"), (b"ARROW1\0\0", "arrow")])
def test_compressed_tables(tmp_path: Path, signature: bytes, kind: str) -> None:
    import gzip

    pytest.importorskip("pyarrow")
    (tmp_path / "x").write_bytes(gzip.compress(signature + bytes(100)))
    wanted = f"expected a regular file, as {kind} is read from its end, got one that is compressed or a pipe"
    with pytest.raises(glovestore.SourceFormatError, match=wanted):
        build(tmp_path / "x", tmp_path)


def test_without_pyarrow(tmp_path: Path) -> None:
    code = """
import sys, glovestore
sys.modules["pyarrow"] = None
class Table:
    def __arrow_c_stream__(self): ...
try:
    glovestore.build(Table(), sys.argv[1])
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.h5")], capture_output=True, text=True)
    assert done.stdout == 'tables are read by pyarrow: pip install "glovestore[arrow]"\n', done.stderr
