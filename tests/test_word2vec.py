"""word2vec's binary format: rows cut anywhere, told from text, and every error; real files against gensim."""

from __future__ import annotations

import gzip
import os
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from row_writers import row_writer
from source_formats import word2vec_bytes

import glovestore
from glovestore import _core
from glovestore.building import build_store
from glovestore.sources.reader import ReadOptions
from glovestore.sources.word2vec import is_word2vec_binary
from glovestore.streams.files import open_source

REAL = Path.home() / ".cache/glovestore-data"
BLOCK_SIZES = [1, 2, 3, 5, 7, 10, 20, 64, 1000]

TOKENS = st.binary(max_size=4).map(lambda token: token.replace(b" ", b"").lstrip(b"\n"))
NUMBERS = st.sampled_from([0.0, -1.5, 0.1, float(np.frombuffer(b"  \n ", "<f4")[0]), float("nan")])
ROWS = st.integers(1, 3).flatmap(
    lambda dim: st.lists(st.tuples(TOKENS, st.lists(NUMBERS, min_size=dim, max_size=dim)), min_size=1, max_size=9)
)


def read_slowly(data: bytes) -> tuple[list[bytes], list[NDArray[np.float32]]]:
    """Read a valid file one row after the other; of rows, those that are finite and new."""
    header, _, rest = data.partition(b"\n")
    count, dim = map(int, header.split())
    found: dict[bytes, NDArray[np.float32]] = {}
    for _ in range(count):
        token, _, rest = rest.partition(b" ")
        vector, rest = np.frombuffer(rest[: 4 * dim], "<f4"), rest[4 * dim :]
        if np.isfinite(vector).all():
            found.setdefault(token.lstrip(b"\n"), vector)
    assert rest in (b"", b"\n")
    return list(found), list(found.values())


def build(source: Path, target: Path, **options: Any) -> glovestore.BuildReport:
    return glovestore.build(source, target, durable=False, overwrite=True, format="word2vec", **options)


def refuse(folder: Path, data: bytes, expected: str, byte: int | None, **options: Any) -> None:
    """Demand that a file is refused with a sentence, and nothing is left."""
    source = folder / "vectors.bin"
    source.write_bytes(data)
    place = f"{source}: " if byte is None else f"{source}: byte {byte}: "
    for packed in (False, True):
        if packed:
            source.write_bytes(gzip.compress(data))
        with pytest.raises(glovestore.SourceFormatError) as caught:
            build(source, folder / "store.h5", **options)
        assert str(caught.value) == place + expected
        assert caught.value.byte == byte
        assert [path.name for path in folder.iterdir()] == ["vectors.bin"]


@settings(deadline=None)
@given(ROWS, st.sampled_from([b"", b"\n"]))
def test_rows_are_what_a_slow_reader_finds_whatever_the_blocks(folder: Path, rows: Any, end: bytes) -> None:
    vectors = np.array([numbers for _, numbers in rows], np.float32)
    source, target = folder / "source.txt", folder / "store.h5"
    source.write_bytes(word2vec_bytes([token for token, _ in rows], vectors, end))
    tokens, expected = read_slowly(source.read_bytes())
    written = set()
    for block_size in [*BLOCK_SIZES, 1 << 20]:
        options = ReadOptions(format="word2vec", on_bad_line="skip", block_size=block_size, threads=2)
        if not tokens:
            with pytest.raises(
                glovestore.SourceFormatError, match=r"got none; the first of \d bad rows: .*row 0, token"
            ):
                build_store(source, target, options, overwrite=True, durable=False)
            return
        report = build_store(source, target, options, overwrite=True, durable=False)
        written.add(target.read_bytes())
    assert len(written) == 1
    assert report.lines == len(rows) == report.rows + report.duplicates + report.skipped
    with glovestore.open(target) as store:
        assert [store.tokens.raw(row) for row in range(len(store))] == tokens
        np.testing.assert_array_equal(store.vectors, np.array(expected))
        store.verify()
    target.unlink()


def test_many_rows_in_many_threads(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((30_000, 50), np.float32)
    tokens = [b"%d" % number for number in range(len(vectors))]
    source, target = tmp_path / "vectors.bin", tmp_path / "store.h5"
    source.write_bytes(word2vec_bytes(tokens, vectors, b"\n"))
    report = build(source, target, threads=4)
    first = target.read_bytes()
    assert report.source_bytes == source.stat().st_size
    with glovestore.open(target) as store:
        np.testing.assert_array_equal(store.vectors, vectors)
        assert list(store.tokens) == [token.decode() for token in tokens]
    source.write_bytes(gzip.compress(source.read_bytes(), 1))
    build(source, target, threads=1)
    assert target.read_bytes() == first
    report = build(source, target, limit=20_001, keep=tokens[::7])
    assert (report.lines, report.rows) == (20_001, len(tokens[:20_001:7]))


def test_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = word2vec_bytes([b"a", b"b"], np.eye(2, dtype=np.float32))
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        report = glovestore.build("-", tmp_path / "store.h5", durable=False)
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reading)
    assert (report.format, report.rows, report.source) == ("word2vec", 2, "<stdin>")


def test_newlines_before_a_token_are_no_part_of_it(tmp_path: Path) -> None:
    source = tmp_path / "vectors.bin"
    source.write_bytes(b"2 1\n\n\n\na \0\0\x80\x3fb\nc \0\0\0\x40")
    build(source, tmp_path / "store.h5")
    with glovestore.open(tmp_path / "store.h5") as store:
        assert list(store.tokens) == ["a", "b\nc"]


# --- told by content -------------------------------------------------------------------------------------------------

BINARY = {
    "numbers": word2vec_bytes([b"a"], np.array([[0.1, 0.2]], np.float32)),
    "zeros": b"1 1\na \0\0\0\0",
    "a token that is no UTF-8": b"1 3\n\xff " + np.array([0.1, 0.2, 0.3], np.float32).tobytes(),
    "cut off": b"1 300\nthe " + np.array([0.1, 0.2, 0.3], np.float32).tobytes(),
}
TEXT = {
    "no header": b"the 0.1 0.2\n",
    "a header": b"1 2\nthe 0.1 0.2\n",
    "no newline": b"1 2\nthe 0.1 0.2",
    "a row that is broken": b"1 2\nthe 0.1 x0.2\n",
    "a row that is too short": b"2 3\nthe 0.1\n\xff 0.1 0.2 0.3\n",
    "CRLF": b"1 2\r\nthe 0.1 0.2\r\n",
    "nothing behind": b"1 2\n",
    "a token alone": b"1 2\nthe",
    "no numbers": b"2 0\nthe\nof\n",
    "UTF-8 that is cut": b"1 2\nthe 0.1 " + "\u20ac".encode() * 99,
    "nothing": b"",
}


@pytest.mark.parametrize("what", BINARY)
def test_binary_is_told_by_its_content(tmp_path: Path, what: str) -> None:
    (tmp_path / "x.txt").write_bytes(BINARY[what])
    with open_source(tmp_path / "x.txt") as source:
        assert is_word2vec_binary(source)


@pytest.mark.parametrize("what", TEXT)
def test_text_is_told_by_its_content(tmp_path: Path, what: str) -> None:
    (tmp_path / "x.bin").write_bytes(TEXT[what])
    with open_source(tmp_path / "x.bin") as source:
        assert not is_word2vec_binary(source)


def test_the_callers_word_decides_between_the_two(tmp_path: Path) -> None:
    numbers = np.frombuffer(b"1.5\n", np.float32)[None]
    (tmp_path / "x").write_bytes(word2vec_bytes([b"a"], numbers))
    assert glovestore.build(tmp_path / "x", tmp_path / "text.h5", durable=False).format == "text"
    glovestore.build(tmp_path / "x", tmp_path / "store.h5", durable=False, format="word2vec")
    with glovestore.open(tmp_path / "store.h5") as store:
        np.testing.assert_array_equal(store.vectors, numbers)


def test_a_first_token_like_a_signature(tmp_path: Path) -> None:
    for token in (b"PAR1", b"ARROW1", b"\x80\2", b"{"):
        (tmp_path / "x").write_bytes(token + b" 1 2\nb 3 4\n")
        report = glovestore.build(tmp_path / "x", tmp_path / "x.h5", durable=False, overwrite=True, format="text")
        assert (report.format, report.rows) == ("text", 2)
        if token != b"\x80\2":
            assert glovestore.build(tmp_path / "x", tmp_path / "x.h5", durable=False, overwrite=True).format == "text"


# --- errors ----------------------------------------------------------------------------------------------------------

ROW = b"a \0\0\0\0\0\0\0\0"


@pytest.mark.parametrize("dim", [0, 4_194_305, 10**17])
def test_a_dim_that_no_row_has(tmp_path: Path, dim: int) -> None:
    wanted = f"expected rows of 1 to 4194304 numbers, got a header that says 2 of {dim}"
    refuse(tmp_path, b"2 %d\n" % dim + ROW, wanted, None)


def test_no_rows(tmp_path: Path) -> None:
    refuse(tmp_path, b"0 2\n", "expected rows of 1 to 4194304 numbers, got a header that says 0 of 2", None)


def test_no_header(tmp_path: Path) -> None:
    refuse(tmp_path, b"the 1 2\n", "expected a header, 'rows dim', got b'the 1 2\\n'", None)


def test_a_first_row_that_is_cut_off(tmp_path: Path) -> None:
    wanted = "row 0 of 3: expected a token and 2 numbers of 4 bytes, got the end of the file after 6 bytes"
    refuse(tmp_path, b"3 2\n" + ROW[:6], wanted, 4)


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("left", [0, 1, 5])
def test_too_few_rows(tmp_path: Path, end: bytes, left: int) -> None:
    left += len(end)  # the newline is of the next row
    wanted = f"row 2 of 3: expected a token and 2 numbers of 4 bytes, got the end of the file after {left} bytes"
    data = b"3 2\n" + (ROW + end + ROW.replace(b"a", b"bb") + end + ROW)[: len(ROW) * 2 + 1 + len(end) + left]
    refuse(tmp_path, data, wanted, 4 + 2 * len(ROW) + 1 + len(end))


@pytest.mark.parametrize("more", [b"\n\n", b"x", b"\nx", ROW])
def test_more_than_the_rows(tmp_path: Path, more: bytes) -> None:
    wanted = "expected the end of the file behind 1 rows, as the header says, got more bytes"
    refuse(tmp_path, b"1 2\n" + ROW + more, wanted, 4 + len(ROW))


def test_what_stands_behind_a_limit_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"3 2\n" + ROW + b"b" + ROW + b"cut off")
    assert build(tmp_path / "x", tmp_path / "store.h5", limit=2).rows == 2


def test_a_token_without_an_end(tmp_path: Path) -> None:
    wanted = "row 1: expected a token of at most 65535 bytes, got a longer one"
    for token in (b"x" * 65_536 + b" ", b"\n" * 100_000, b"x" * 100_000):
        refuse(tmp_path, b"2 2\n" + ROW + token + bytes(8), wanted, 4 + len(ROW))


def test_the_first_of_several_bad_rows(tmp_path: Path) -> None:
    vectors = np.zeros((5000, 3), np.float32)
    vectors[1234:, 1] = np.inf
    tokens = [b"t%d" % number for number in range(5000)]
    wanted = "row 1234, token b't1234': expected finite numbers, got inf in column 1"
    refuse(tmp_path, word2vec_bytes(tokens, vectors), wanted, None, threads=3)


def test_a_row_that_is_longer_than_any_may_be() -> None:
    with pytest.raises(ValueError, match="a row is longer than any may be"):
        _core.Ingest(row_writer((1 << 22) + 1), -1, b"", 0, False, word2vec_rows=1)


def test_threads_end_when_reading_fails(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    ingest = _core.Ingest(row_writer(2), directory, b"9 2\n" + ROW, 4, False, word2vec_rows=9)
    workers = [threading.Thread(target=ingest.work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(10)
    assert ingest.outcome == "read_failed"


# --- files that other programs wrote ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["euclidean_vectors.bin", "high_precision.kv.bin"])
def test_real_files_give_what_gensim_gives(name: str, tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models")
    if not (REAL / name).is_file():
        pytest.skip(f"{name} is not there")
    expected = models.KeyedVectors.load_word2vec_format(REAL / name, binary=True)
    report = glovestore.build(REAL / name, tmp_path / "store.h5", durable=False)
    assert re.search(r"rows \(word2vec\)", str(report))
    with glovestore.open(tmp_path / "store.h5") as store:
        assert list(store.tokens) == expected.index_to_key
        np.testing.assert_array_equal(store.vectors, expected.vectors)
