"""Stores in the formats of others: nothing is lost, or the export says what it cannot hold."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_reference import content, glove_text, read_word2vec_binary, same, write_store
from hypothesis import given, settings
from hypothesis import strategies as st
from scene import at_step, interrupt, no_space
from shared import ODD_TEXT, Built

import glovestore
from glovestore.exporting import formats, rows, text
from glovestore.exporting.job import Job
from glovestore.shell.token_lists import split_tokens

TOKENS = [b"the", b"of", "café".encode(), b"q q", b" lead", b"", b"9", b"a\tb", b"\r", "\u00a0".encode(), b"\xff\xfe"]
PLAIN = [b"the", b"of", "café".encode(), b"a\tb", b"9", b"1e5", b"x\ry", "\u00a0".encode(), b"\xff\xfe"]
WRITES_ONE_FILE = {"glove": "out.txt", "word2vec": "out.vec", "word2vec-binary": "out.bin"}


def numbers(count: int, dim: int = 3) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(count).normal(size=(count, dim)).astype(np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of tokens that every format takes."""
    return write_store(tmp_path / "store.h5", PLAIN[:3], numbers(3))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for many small exports, each over the last."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A store of tokens that GloVe text takes."""
    return write_store(tmp_path / "store.h5", TOKENS, numbers(len(TOKENS)))


# ---------------------------------------------------------------------- GloVe and word2vec


def test_glove_text_is_read_back(odd: Path, tmp_path: Path) -> None:
    report = glovestore.export(odd, tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == glove_text(TOKENS, numbers(len(TOKENS)))
    assert (report.format, report.rows, report.dim) == ("glove", len(TOKENS), 3)
    glovestore.build(tmp_path / "out.txt", tmp_path / "again.h5", durable=False)
    assert same(content(tmp_path / "again.h5"), content(odd))


def test_a_text_of_shortest_digits_comes_out_as_it_went_in(tmp_path: Path) -> None:
    source = glove_text(TOKENS, numbers(len(TOKENS)))
    (tmp_path / "source.txt").write_bytes(source)
    glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5", durable=False)
    glovestore.export(tmp_path / "store.h5", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == source


def test_the_odd_file_is_the_same_store_again(odd_store: Built, tmp_path: Path) -> None:
    glovestore.export(odd_store.path, tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() != ODD_TEXT.read_bytes()  # its digits are not the shortest
    glovestore.build(tmp_path / "out.txt", tmp_path / "again.h5", durable=False)
    assert same(content(tmp_path / "again.h5"), content(odd_store.path))


def test_word2vec_text_is_read_back(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.h5", PLAIN, numbers(len(PLAIN)))
    glovestore.export(store, tmp_path / "out.vec")
    assert (tmp_path / "out.vec").read_bytes() == glove_text(PLAIN, numbers(len(PLAIN)), header=True)
    assert glovestore.build(tmp_path / "out.vec", tmp_path / "again.h5", durable=False).header == 1
    assert same(content(tmp_path / "again.h5"), content(store))


def test_word2vec_binary(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.h5", PLAIN, numbers(len(PLAIN)))
    glovestore.export(store, tmp_path / "out.bin")
    tokens, vectors = read_word2vec_binary((tmp_path / "out.bin").read_bytes())
    assert same((tokens, vectors.view(np.uint32)), content(store))


HARD_BYTES = st.sampled_from(
    [b" ", b"\n", b"\r", b"\t", b"1", b"-2.5", b".", b"e", b"a", b"\xff", b"\0", b"\xef\xbb\xbf"]
)
HARD_TOKENS = st.lists(st.lists(HARD_BYTES, max_size=5).map(b"".join) | st.binary(max_size=4), min_size=1, max_size=5)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings(deadline=None)
@given(HARD_TOKENS, st.integers(1, 3), st.data())
def test_glove_text_is_the_same_store_or_is_refused_for_a_reason(
    place: Path, tokens: list[bytes], dim: int, data: st.DataObject
) -> None:
    tokens = list(dict.fromkeys(tokens))
    drawn = data.draw(st.lists(FLOATS, min_size=len(tokens) * dim, max_size=len(tokens) * dim))
    vectors = np.array(drawn, np.float32).reshape(-1, dim)
    source = write_store(place / "source.h5", tokens, vectors)
    exported, store = place / "exported.txt", place / "store.h5"
    refused = None
    try:
        glovestore.export(source, exported, overwrite=True)
    except glovestore.GlovestoreError as error:
        refused = error
        exported.write_bytes(glove_text(tokens, vectors))  # what it would have been
    assert exported.read_bytes() == glove_text(tokens, vectors)
    is_same = False
    with contextlib.suppress(glovestore.GlovestoreError):
        glovestore.build(exported, store, overwrite=True, durable=False)
        is_same = same(content(store), content(source))
    assert is_same == (refused is None), refused


@settings(deadline=None)
@given(HARD_TOKENS, st.integers(1, 3))
def test_word2vec_is_the_same_store_or_is_refused(place: Path, tokens: list[bytes], dim: int) -> None:
    tokens = list(dict.fromkeys(tokens))
    source = write_store(place / "source.h5", tokens, numbers(len(tokens), dim))
    refused = any(not token or b" " in token or b"\n" in token for token in tokens)
    with pytest.raises(glovestore.GlovestoreError, match="can hold") if refused else contextlib.nullcontext():
        glovestore.export(source, place / "out.bin", overwrite=True)
    with pytest.raises(glovestore.GlovestoreError, match="can hold") if refused else contextlib.nullcontext():
        glovestore.export(source, place / "out.vec", overwrite=True)
    if not refused:
        found, vectors = read_word2vec_binary((place / "out.bin").read_bytes())
        assert same((found, vectors.view(np.uint32)), content(source))
        glovestore.build(place / "out.vec", place / "store.h5", overwrite=True, durable=False)
        assert same(content(place / "store.h5"), content(source))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch", [1, 7, 100, 1 << 16])
@pytest.mark.parametrize("name", ["glove", "word2vec-binary"])
def test_nothing_depends_on_batches_and_threads(
    name: str, batch: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [b"token%d" % number for number in range(150)]
    store = write_store(tmp_path / "store.h5", tokens, numbers(150))
    glovestore.export(store, tmp_path / "whole", name)
    monkeypatch.setattr(text, "row_batches", partial(rows.row_batches, numbers=batch))
    monkeypatch.setattr(text, "worker_threads", lambda: threads)
    glovestore.export(store, tmp_path / "parts", name)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


REFUSED = [
    ("glove", [b"a", b"b\nc"], "row 1: expected a token that GloVe text can hold, got 'b\\nc': it has a newline in it"),
    (
        "glove",
        [b"x 1 2"],
        "got 'x 1 2': what stands behind its first space would be read as numbers; nothing was written",
    ),
    ("glove", [b" 1e999"], "got ' 1e999': what stands behind its first space would be read as numbers"),
    ("glove", [b"\xef\xbb\xbfa"], "would be read back as vectors of dim 3, got dim 3 and a byte order mark"),
    ("glove", [b"a b", b"c d", b"e"], "would be read back as vectors of dim 3, got dim 4 and no header"),
    ("glove", [b"a b", b"c"], "got expected most of the first 2 rows to have one number of fields"),
    ("glove", [b"\x1f\x8b"], "got a gzip file, by the first token"),
    ("glove", [b"\x93NUMPY"], "got npy, by the first bytes"),
    (
        "word2vec",
        [b"a", b"b c"],
        "row 1: expected a token that word2vec text can hold, got 'b c': it has a space or a newl",
    ),
    (
        "word2vec",
        [b"a", b""],
        "row 1: expected a token that word2vec text can hold, got '': it is empty; nothing was written",
    ),
    (
        "word2vec-binary",
        [b"a\n"],
        "that word2vec's binary format can hold, got 'a\\n': it has a space or a newline in it",
    ),
    ("word2vec-binary", [b""], "got '': it is empty"),
    ("safetensors", [b"a", b"\xe9"], "that a tokenizer.json can hold, got '\\udce9': its bytes are not UTF-8"),
]


@pytest.mark.parametrize(("name", "tokens", "message"), REFUSED)
def test_what_a_format_cannot_hold_is_named(name: str, tokens: list[bytes], message: str, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.h5", tokens, numbers(len(tokens)))
    with pytest.raises(glovestore.GlovestoreError, match=re.escape(message)) as caught:
        glovestore.export(store, tmp_path / "out", name)
    assert str(caught.value).startswith(f"{store}: ")
    assert str(caught.value).endswith("; nothing was written (npy and gensim hold any token)")
    assert os.listdir(tmp_path) == ["store.h5"]


def test_a_dim_of_one_that_looks_like_a_header_is_refused(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.h5", [b"12", b"x"], np.array([[1], [2]], np.float32))
    with pytest.raises(glovestore.GlovestoreError, match="got dim 1 and a header"):
        glovestore.export(store, tmp_path / "out.txt")
    glovestore.export(store, tmp_path / "out.vec")
    glovestore.build(tmp_path / "out.vec", tmp_path / "again.h5")
    assert same(content(tmp_path / "again.h5"), content(store))


def test_lines_that_may_be_too_long_are_refused(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glovestore._core.LONGEST_LINE", 65_600)
    with pytest.raises(glovestore.GlovestoreError, match="got lines that may have 65611 bytes, more than 65600"):
        glovestore.export(path, tmp_path / "out.txt")


def test_refusals_are_found_in_later_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "token_batches", partial(rows.token_batches, count=4))
    tokens = [b"token%d" % number for number in range(30)] + [b"a\nb", b""]
    store = write_store(tmp_path / "store.h5", tokens, numbers(32))
    with pytest.raises(glovestore.GlovestoreError, match="row 30: "):
        glovestore.export(store, tmp_path / "out.vec")


# ---------------------------------------------------------------------- npy, safetensors, projector


def test_npy_and_tokens(odd: Path, tmp_path: Path) -> None:
    tokens = [token for token in TOKENS if token != b"\r"]
    store = write_store(tmp_path / "plain.h5", tokens, numbers(len(tokens)))
    report = glovestore.export(store, tmp_path / "out.npy")
    assert report.paths == (str(tmp_path / "out.tokens.txt"), str(tmp_path / "out.npy"))
    assert split_tokens((tmp_path / "out.tokens.txt").read_bytes()) == tokens
    array = np.load(tmp_path / "out.npy", mmap_mode="r", allow_pickle=False)
    assert array.dtype == np.float32
    assert same((tokens, np.array(array).view(np.uint32)), content(store))


@pytest.mark.parametrize("token", [b"a\nb", b"a\r", b"\xff\n"])
def test_npy_has_a_list_in_json_where_lines_would_lose_something(token: bytes, tmp_path: Path) -> None:
    tokens = [b"x", token, b""]
    store = write_store(tmp_path / "store.h5", tokens, numbers(3))
    report = glovestore.export(store, tmp_path / "out.npy")
    assert report.paths == (str(tmp_path / "out.json"), str(tmp_path / "out.npy"))
    listed = json.loads((tmp_path / "out.json").read_bytes().decode("ascii"))
    assert [entry.encode("utf-8", "surrogateescape") for entry in listed] == tokens
    (tmp_path / "out.json").rename(tmp_path / "out.tokens.txt")
    with pytest.raises(
        FileExistsError, match=r"out\.tokens\.txt: expected no such file: it would be taken for the tokens"
    ):
        glovestore.export(store, tmp_path / "out.npy", overwrite=True)


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_json_in_batches(batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("npy", "safetensors"):
        name = f"glovestore.exporting.{module}.token_batches"
        monkeypatch.setattr(name, partial(rows.token_batches, count=batch))
    store = write_store(tmp_path / "store.h5", [b"a", b"b\n", b"c"], numbers(3))
    glovestore.export(store, tmp_path / "out.npy")
    assert json.loads((tmp_path / "out.json").read_bytes()) == ["a", "b\n", "c"]
    glovestore.export(store, tmp_path / "folder", "safetensors")
    vocab = json.loads((tmp_path / "folder" / "tokenizer.json").read_bytes())["model"]["vocab"]
    assert vocab == {"a": 0, "b\n": 1, "c": 2, "<unk>": 3}


def safetensors_of(folder: Path) -> tuple[Any, Any]:
    load_file = pytest.importorskip("safetensors.numpy").load_file
    [(name, array)] = load_file(folder / "model.safetensors").items()
    assert name == "embedding.weight"
    return array, json.loads((folder / "tokenizer.json").read_bytes())


def test_safetensors_adds_a_row_for_unknown_tokens(tmp_path: Path) -> None:
    tokens = [token for token in TOKENS if token != b"\xff\xfe"]
    store = write_store(tmp_path / "store.h5", tokens, numbers(len(tokens)))
    report = glovestore.export(store, tmp_path / "out", "safetensors")
    array, tokenizer = safetensors_of(tmp_path / "out")
    assert np.array_equal(array, np.vstack([numbers(len(tokens)), np.zeros((1, 3), np.float32)]))
    assert list(tokenizer["model"]["vocab"]) == [*(token.decode() for token in tokens), "<unk>"]
    assert list(tokenizer["model"]["vocab"].values()) == list(range(len(tokens) + 1))
    assert tokenizer["normalizer"] == {"type": "Lowercase"}
    assert report.rows == len(tokens)
    assert {Path(name).name for name in report.paths} == {"model.safetensors", "tokenizer.json", "modules.json"}


def test_safetensors_takes_the_row_for_unknown_tokens_that_is_there(tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.h5", [b"A", b"<unk>", b"b"], numbers(3))
    glovestore.export(store, tmp_path / "out", "safetensors")
    array, tokenizer = safetensors_of(tmp_path / "out")
    assert np.array_equal(array, numbers(3))
    assert tokenizer["model"]["vocab"] == {"A": 0, "<unk>": 1, "b": 2}
    assert tokenizer["normalizer"] is None  # lower case would lose A


def test_projector_shows_every_token_in_a_line(tmp_path: Path) -> None:
    tokens = [*TOKENS, b"x\ny"]
    store = write_store(tmp_path / "store.h5", tokens, numbers(len(tokens)))
    glovestore.export(store, tmp_path / "out", "projector")
    labels = (tmp_path / "out" / "metadata.tsv").read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    shown = [
        "the",
        "of",
        "café",
        "q q",
        "' lead'",
        "''",
        "9",
        r"'a\tb'",
        r"'\r'",
        r"'\xa0'",
        r"'\udcff\udcfe'",
        r"'x\ny'",
    ]
    assert labels == shown
    found = np.loadtxt(tmp_path / "out" / "vectors.tsv", delimiter="\t", dtype=np.float64)
    assert np.array_equal(found.astype(np.float32), numbers(len(tokens)))


@settings(deadline=None)
@given(HARD_TOKENS)
def test_npy_holds_any_tokens(place: Path, tokens: list[bytes]) -> None:
    tokens = list(dict.fromkeys(tokens))
    store = write_store(place / "source.h5", tokens, numbers(len(tokens)))
    for name in ("out.tokens.txt", "out.json"):
        (place / name).unlink(missing_ok=True)
    glovestore.export(store, place / "out.npy", overwrite=True)
    if (place / "out.json").exists():
        listed = [token.encode("utf-8", "surrogateescape") for token in json.loads((place / "out.json").read_bytes())]
    else:
        listed = split_tokens((place / "out.tokens.txt").read_bytes())
    assert same((listed, np.load(place / "out.npy").view(np.uint32)), content(store))


@settings(deadline=None)
@given(HARD_TOKENS)
def test_the_labels_of_the_projector_are_lines_in_one_column(place: Path, tokens: list[bytes]) -> None:
    tokens = list(dict.fromkeys(tokens))
    store = write_store(place / "source.h5", tokens, numbers(len(tokens)))
    glovestore.export(store, place / "folder", "projector", overwrite=True)
    labels = (place / "folder" / "metadata.tsv").read_bytes().decode("utf-8").split("\n")
    assert len(labels) == len(tokens) + 1
    assert all(label.strip() and "\t" not in label for label in labels[:-1])


@pytest.mark.parametrize("name", [name for name in formats.FORMATS if name not in ("gensim", "spacy")])
def test_memory_is_that_of_some_rows(name: str, tmp_path: Path) -> None:
    tokens = [b"token%d" % number for number in range(40_000)]
    store = write_store(tmp_path / "store.h5", tokens, np.full((40_000, 200), 1 / 3, np.float32))  # 32 MB
    tracemalloc.start()
    try:
        glovestore.export(store, tmp_path / "out.npy", name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16e6


# ---------------------------------------------------------------------- which format, and what is said about it


@pytest.mark.parametrize(
    ("name", "expected"), [("a.txt", "glove"), ("a.VEC", "word2vec"), ("a.bin", "word2vec-binary")]
)
def test_the_suffix_chooses_the_format(path: Path, tmp_path: Path, name: str, expected: str) -> None:
    assert glovestore.export(path, tmp_path / name).format == expected


def test_a_name_that_tells_no_format_lists_them(path: Path, tmp_path: Path) -> None:
    listed = r"glove \(\.txt\), word2vec \(\.vec\), .*, safetensors, spacy, projector"
    with pytest.raises(ValueError, match=rf"whose suffix tells the format, got 'a\.abc': say format=; {listed}"):
        glovestore.export(path, tmp_path / "a.abc")
    with pytest.raises(ValueError, match=r"format: expected one of glove, word2vec, .*, projector, got 'csv'"):
        glovestore.export(path, tmp_path / "a.txt", "csv")


def test_no_suffix_chooses_two_formats_and_the_docstring_has_all() -> None:
    suffixes = [suffix for made in formats.FORMATS.values() for suffix in made.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    for made in formats.FORMATS.values():
        assert f'"{made.name}"' in str(glovestore.export.__doc__)
        assert all(f"({suffix})" in str(glovestore.export.__doc__) for suffix in made.suffixes)


def test_the_report(path: Path, tmp_path: Path) -> None:
    report = glovestore.export(path, tmp_path / "out.txt")
    nbytes = (tmp_path / "out.txt").stat().st_size
    assert report.to_dict() == {
        "paths": (str(tmp_path / "out.txt"),), "format": "glove", "rows": 3, "dim": 3, "nbytes": nbytes,
        "seconds": report.seconds, "fsync_seconds": report.fsync_seconds,
    }  # fmt: skip
    assert report.seconds > 0
    assert report.fsync_seconds > 0
    lines = str(report).splitlines()
    assert lines[0] == f"3 rows x 3 as glove, {nbytes} bytes"
    assert lines[2] == str(tmp_path / "out.txt")


@pytest.mark.parametrize("name", WRITES_ONE_FILE)
def test_standard_output(name: str, path: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    expected = tmp_path / WRITES_ONE_FILE[name]
    glovestore.export(path, expected)
    report = glovestore.export(path, "-", name)
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == expected.read_bytes()
    assert (report.paths, report.nbytes) == ((), expected.stat().st_size)


def test_standard_output_takes_one_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(formats.FORMATS) - set(WRITES_ONE_FILE):
        with pytest.raises(ValueError, match=f"standard output, glove, word2vec, word2vec-binary; got '{name}'"):
            glovestore.export(path, "-", name)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OSError, match="expected an open standard output, got none"):
        glovestore.export(path, "-", "glove")


def test_an_open_store_stays_open(path: Path, tmp_path: Path) -> None:
    with glovestore.open(path) as store:
        glovestore.export(store, tmp_path / "out.txt")
        assert "the" in store


def test_progress_is_told_in_rows(path: Path, tmp_path: Path) -> None:
    told: list[int] = []
    for made in formats.FORMATS.values():
        if made.name not in ("gensim", "spacy"):
            with glovestore.open(path) as store:
                made.write(Job(store, tmp_path / f"{made.name}.npy", advance=told.append))
            assert told[-1] == 3
            told.clear()


def test_a_progress_bar(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    glovestore.export(path, tmp_path / "out.txt", progress=True)
    assert "store.h5: 100%" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gensim", "spacy"])
def test_a_missing_package_is_named(name: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"{name}.models", raising=False)
    with pytest.raises(ImportError, match=rf'the format {name} needs that package: pip install "glovestore\[{name}\]"'):
        glovestore.export(path, tmp_path / "out", name)
    assert os.listdir(tmp_path) == ["store.h5"]


# ---------------------------------------------------------------------- damaged stores


def damaged(path: Path, array: str, position: int, value: np.generic) -> Path:
    """Write one number into an array of a store's file, and leave its checksums, which opening does not look at."""
    with glovestore.open(path) as store:
        offset = store._layout.tensors[array].offset
    data = bytearray(path.read_bytes())
    begin = offset + position * value.nbytes
    data[begin : begin + value.nbytes] = value.tobytes()
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("number", [np.nan, -np.inf])
@pytest.mark.parametrize("name", ["glove", "projector"])
def test_text_of_a_number_that_is_not_finite_is_refused(name: str, number: float, path: Path, tmp_path: Path) -> None:
    damaged(path, "vectors", 4, np.float32(number))
    with pytest.raises(
        glovestore.StoreFormatError, match=r"store\.h5: vectors: row 1: expected finite numbers, got others"
    ):
        glovestore.export(path, tmp_path / "out", name)
    assert os.listdir(tmp_path) == ["store.h5"]


@pytest.mark.parametrize("name", [name for name in formats.FORMATS if name not in ("gensim", "spacy")])
@pytest.mark.parametrize("value", [0, 2**40, 2**64 - 1])
def test_damaged_offsets(name: str, value: int, path: Path, tmp_path: Path) -> None:
    damaged(path, "token_offsets", 2, np.uint64(value))
    with pytest.raises(
        glovestore.StoreFormatError, match=r"token_offsets: row 1: expected offsets that rise, got 3, \d+"
    ):
        glovestore.export(path, tmp_path / "out.npy", name)
    assert os.listdir(tmp_path) == ["store.h5"]


# ---------------------------------------------------------------------- what may be replaced


def test_a_file_is_replaced_only_if_asked(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"out\.txt: this file exists already: export with overwrite=True"):
        glovestore.export(path, tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "mine"
    glovestore.export(path, tmp_path / "out.txt", overwrite=True)
    assert (tmp_path / "out.txt").read_bytes() == glove_text(PLAIN[:3], numbers(3))


def test_a_store_is_never_replaced(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    (tmp_path / "link.txt").symlink_to(path)
    (tmp_path / "hard.txt").hardlink_to(path)
    (tmp_path / "other.txt").write_bytes(before)
    for name in ("store.h5", "link.txt", "hard.txt"):
        with pytest.raises(
            FileExistsError, match=r"(store\.h5|hard\.txt): expected a new file for the vectors, got the store itself"
        ):
            glovestore.export(path, tmp_path / name, "glove", overwrite=True)
    with pytest.raises(
        FileExistsError, match=r"other\.txt: expected a new file for the vectors, got a store: it stays"
    ):
        glovestore.export(path, tmp_path / "other.txt", overwrite=True)
    assert path.read_bytes() == (tmp_path / "other.txt").read_bytes() == before


def test_a_file_of_several_that_is_there(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out.tokens.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"out\.tokens\.txt: this file exists already"):
        glovestore.export(path, tmp_path / "out.npy")
    assert sorted(os.listdir(tmp_path)) == ["out.tokens.txt", "store.h5"]


def test_a_folder_is_replaced_only_by_the_same_kind_of_export(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    glovestore.export(path, tmp_path / "out", "projector")  # an empty folder may be filled
    with pytest.raises(FileExistsError, match="out: this folder exists already: export with overwrite=True"):
        glovestore.export(path, tmp_path / "out", "projector")
    with pytest.raises(
        FileExistsError, match=r"out: expected nothing there but an earlier export, got '.*\.tsv': it stays"
    ):
        glovestore.export(path, tmp_path / "out", "safetensors", overwrite=True)
    (tmp_path / "out" / "vectors.tsv").write_text("")
    glovestore.export(path, tmp_path / "out", "projector", overwrite=True)
    assert (tmp_path / "out" / "vectors.tsv").stat().st_size > 0
    (tmp_path / "out" / "deep").mkdir()
    (tmp_path / "out" / "deep" / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="got 'deep/file': it stays"):
        glovestore.export(path, tmp_path / "out", "projector", overwrite=True)
    assert (tmp_path / "out" / "deep" / "file").read_text() == "mine"


def test_a_folder_with_a_store_or_a_file_in_its_place(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        FileExistsError, match="file: expected a folder to replace or nothing there, got something else"
    ):
        glovestore.export(path, tmp_path / "file", "projector", overwrite=True)
    (tmp_path / "out").mkdir()
    path.rename(tmp_path / "out" / "vectors.tsv")
    with pytest.raises(
        FileExistsError, match=r"vectors\.tsv: expected a new file for the vectors, got the store itself"
    ):
        glovestore.export(tmp_path / "out" / "vectors.tsv", tmp_path / "out", "projector", overwrite=True)
    with pytest.raises(FileNotFoundError, match="none/out: expected an existing folder around it"):
        glovestore.export(tmp_path / "out" / "vectors.tsv", tmp_path / "none" / "out", "projector")


# ---------------------------------------------------------------------- whole or not at all


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


STEPS = ("fsync", "fchmod", "replace", "rename", "chmod", "fstat")
FAULTS = [(interrupt, KeyboardInterrupt, STEPS), (no_space, OSError, STEPS[:-1])]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a file object may be closed by its last reference
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("with_old", [False, True])
@pytest.mark.parametrize(("act", "error", "steps"), FAULTS, ids=["interrupted", "disk full"])
@pytest.mark.parametrize("name", ["glove", "npy", "projector"])
def test_an_export_that_fails_at_each_step(
    name: str,
    act: Callable[[], None],
    error: type[BaseException],
    steps: tuple[str, ...],
    with_old: bool,
    tmp_path: Path,
) -> None:
    old = write_store(tmp_path / "old.h5", [b"old"], numbers(1))
    new = write_store(tmp_path / "new.h5", [b"new", b"er"], numbers(2))
    (tmp_path / "whole").mkdir()
    glovestore.export(new, tmp_path / "whole" / "out.npy", name)
    number, calls = 0, [""]
    while len(calls) >= number:
        number += 1
        target = tmp_path / str(number) / "out.npy"
        target.parent.mkdir()
        if with_old:
            glovestore.export(old, target, name)
        before = snapshot(target.parent)
        with contextlib.suppress(error), at_step(number, steps, act) as calls:
            glovestore.export(new, target, name, overwrite=True)
        after = snapshot(target.parent)
        if act is interrupt or name != "npy":  # two files cannot be renamed at once
            assert after in (before, snapshot(tmp_path / "whole")), calls
        assert after.keys() <= snapshot(tmp_path / "whole").keys(), calls
        assert sorted(os.listdir(target.parent)) == sorted({Path(file).parts[0] for file in after}), calls
    assert number > 3


@pytest.mark.usefixtures("ctrl_c")
def test_an_interrupt_while_rows_are_written(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "row_batches", partial(rows.row_batches, numbers=3))

    def stop(row: int) -> None:
        interrupt()

    with glovestore.open(path) as store, pytest.raises(KeyboardInterrupt):
        formats.FORMATS["projector"].write(Job(store, tmp_path / "out", advance=stop))
    assert os.listdir(tmp_path) == ["store.h5"]
