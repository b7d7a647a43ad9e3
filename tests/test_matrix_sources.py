# ruff: noqa: E501  (tables of sentences)
"""Matrices with their tokens elsewhere: .npy, safetensors, spaCy; and gensim's saves. Every error, and what is odd."""

from __future__ import annotations

import gc
import gzip
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from source_formats import gensim_save, keyed_vectors, safetensors_bytes, spacy_vocab, tokenizer_json

import glovestore
from glovestore.sources import batching, reader, safetensors
from glovestore.streams import decoding

VECTORS = np.array([[0.5, -1], [2, 3], [4, 5]], np.float32)
TOKENS = [b"the", b"of", b"and"]


def build(source: Any, target: Path, **options: Any) -> glovestore.BuildReport:
    return glovestore.build(source, target, durable=False, overwrite=True, **options)


def read(source: Any, target: Path, **options: Any) -> dict[str, list[float]]:
    """Build, and return what is in the store."""
    build(source, target, **options)
    with glovestore.open(target) as store:
        store.verify()
        return {token: store.vectors[row].tolist() for row, token in enumerate(store.tokens)}


def refuse(source: Path, named: Path, expected: str, **options: Any) -> None:
    target = source.parent / "store.h5"
    with pytest.raises(glovestore.SourceFormatError) as caught:
        build(source, target, **options)
    assert str(caught.value) == f"{named}: {expected}"
    assert not target.exists()


EXPECTED = dict(zip([token.decode() for token in TOKENS], VECTORS.tolist(), strict=True))

# --- .npy ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    """A matrix without tokens."""
    np.save(tmp_path / "x.npy", VECTORS)
    return tmp_path / "x.npy"


@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_every_kind_of_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, order: Any, version: tuple[int, int]
) -> None:
    monkeypatch.setattr(batching, "MOST_ROWS", 7)
    values = np.random.default_rng(0).standard_normal((50, 3)).astype(dtype, order)
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, values, version)
    found = read(tmp_path / "x.npy", tmp_path / "x.h5", tokens=map(str, range(50)))
    np.testing.assert_array_equal(list(found.values()), values.astype(np.float32))
    rows = {str(row): row for row in (0, 3, 4, 29, 31, 49)}
    found = read(tmp_path / "x.npy", tmp_path / "x.h5", tokens=rows)
    np.testing.assert_array_equal(list(found.values()), values[list(rows.values())].astype(np.float32))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.tokens.txt", b"the\nof\nand\n"),
        ("x.txt", b"the\r\nof\r\nand"),
        ("x.vocab", b"the\nof\nand"),
        ("x.json", b' ["the", "of", "and"]'),
        ("x.json", b'{"of": 1, "and": 2, "the": 0}'),
        ("other", b"the\nof\nand\n"),
    ],
)
def test_tokens_in_a_file(npy: Path, name: str, content: bytes) -> None:
    (npy.parent / name).write_bytes(content)
    options = {"tokens": npy.parent / name} if name == "other" else {}
    assert read(npy, npy.parent / "x.h5", **options) == EXPECTED


def test_tokens_of_the_caller(npy: Path) -> None:
    target = npy.parent / "x.h5"
    assert read(npy, target, tokens=TOKENS) == EXPECTED
    assert read(npy, target, tokens={"b": 2, "a": np.int64(0)}) == {"a": [0.5, -1], "b": [4, 5]}
    with glovestore.open(target) as store:
        assert store.metadata["rows_without_token"] == "1"
    assert read(npy, target, tokens={"b": 2, "a": 0, "c": 2}) == {"a": [0.5, -1], "b": [4, 5], "c": [4, 5]}


def test_odd_lines(npy: Path) -> None:
    (npy.parent / "x.txt").write_bytes(b"\n\r\r\n \n")
    assert list(read(npy, npy.parent / "x.h5")) == ["", "\r", " "]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"the\nof\n", "expected 3 tokens, as the matrix has rows, got 2"),
        (b"", "expected 3 tokens, as the matrix has rows, got 0"),
        (b"a\n" + b"x" * 65_536 + b"\r\nb", "line 2: expected a token of at most 65535 bytes, got 65536"),
        (b'["the", "of"]', "expected 3 tokens, as the matrix has rows, got 2"),
        (b'["the", "of", 5]', "token 2: expected a token (str or bytes), got int"),
        (b'["the", "of", "\\ud800"]', r"token 2: expected a token in Unicode, got '\ud800' with a lone surrogate"),
        (b'{"the": 3}', "token 'the': expected a row from 0 to 2, got 3"),
        (b'{"the": -1}', "token 'the': expected a row from 0 to 2, got -1"),
        (b'{"the": true}', "token 'the': expected a row from 0 to 2, got True"),
        (b"{}", "expected a token for some row, got none"),
        (b'{"the": 1, "the": 2}', "the key 'the' twice"),
        (b"[1", "Expecting ',' delimiter: line 1 column 3 (char 2)"),
    ],
)
def test_tokens_that_do_not_fit(npy: Path, content: bytes, problem: str) -> None:
    (npy.parent / "x.json").write_bytes(content)
    refuse(npy, npy.parent / "x.json", problem)


def test_no_tokens(npy: Path) -> None:
    wanted = "expected the tokens of its rows beside it (x.tokens.txt, x.txt, x.vocab, x.json), got no such file: say tokens="
    refuse(npy, npy, wanted)
    with pytest.raises(FileNotFoundError):
        build(npy, npy.parent / "x.h5", tokens="absent.txt")
    refuse(npy, npy, "expected 3 tokens, as the matrix has rows, got 1", tokens=["a"])


def test_tokens_from_a_pipe(npy: Path) -> None:
    os.mkfifo(npy.parent / "pipe")
    writer = os.open(npy.parent / "pipe", os.O_RDWR)
    os.write(writer, b"the\nof\nand\n")
    refuse(
        npy,
        npy.parent / "pipe",
        "expected a regular file, got a pipe or a device",
        tokens=npy.parent / "pipe",
    )
    os.close(writer)


def header(text: str, version: bytes = b"\1\0", data: bytes = b"") -> bytes:
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode() + data


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (header("{'descr': '<i4', 'fortran_order': False, 'shape': (1, 1)}\n"), "a matrix of float16, float32 or float64, got int32"),
        (header("{'descr': '<f16', 'fortran_order': False, 'shape': (1, 1)}\n"), "a matrix of float16, float32 or float64, got float128"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}\n"), "a matrix of float16, float32 or float64, got object"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}\n", data=bytes(16)), "a matrix of rows and columns, got the shape (4,)"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4)}\n"), "a matrix of rows and columns, got the shape (0, 4)"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}\n"), "a matrix of rows and columns, got the shape (-1, 4)"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (9, 4)}\n"), "a file of 212 bytes for the shape (9, 4) of float32, got 68"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 9999999)}\n"), "a file of 39999995999960000089 bytes for the shape (999999999999, 9999999) of float32, got 85"),
        (header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'9' * 4000}, {'9' * 4000})}}\n"), f"a matrix of rows and columns, got the shape ({'9' * 59}..."),
        (header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1, ' * 3000})}}\n"), f"a matrix of rows and columns, got the shape ({'1, ' * 19}1,..."),
        (header(f"{{'descr': '{'f4,' * 3000}', 'fortran_order': False, 'shape': (1, 1)}}\n"), "a matrix of float16, float32 or float64, got [('f0', '<f4'), ('f1', '<f4'), ('f2', '<f4'), ('f3', '<f4'), ('f4', '<f4'), ('f5', '<f4'), ('f6', '<f4'), ('f7', '<f4'), ('f8', '<f4'), ('f9', '<f4'), ('f10', '<f4'), ('f11', '<f4'), ('f12', '<f4'), ("),
        (header("{}", b"\3\0"), "a header of a .npy file, version 1.0 or 2.0, got: version 3.0"),
        (header("5"), "a header of a .npy file, version 1.0 or 2.0, got: Header is not a dictionary: 5"),
    ],
)  # fmt: skip
def test_what_is_no_matrix(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    refuse(tmp_path / "x.npy", tmp_path / "x.npy", f"expected {problem}")


@pytest.mark.parametrize("descr", ["-" * 9000 + "1", "(" * 4000 + ")" * 4000])
def test_a_header_that_no_parser_takes(tmp_path: Path, descr: str) -> None:
    """Python's own says MemoryError of some, and nothing more."""
    (tmp_path / "x.npy").write_bytes(header(f"{{'descr': {descr}}}"))
    with pytest.raises(glovestore.SourceFormatError, match=r"x\.npy: expected a header of a \.npy file") as caught:
        build(tmp_path / "x.npy", tmp_path / "x.h5")
    assert len(str(caught.value)) < 1000


def test_rows_that_are_too_long(npy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LONGEST_DIM", 1)
    refuse(npy, npy, "expected a dim of at most 1, got 2", tokens=TOKENS)


def test_a_row_of_a_million_tokens(npy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made to fill a disk."""
    monkeypatch.setattr(batching, "MOST_ROWS", 100)
    monkeypatch.setattr(decoding, "UNFOLDED_FREELY", 10_000)
    monkeypatch.setattr(decoding, "MOST_UNFOLDED", 10)
    tokens = {f"t{i}": 0 for i in range(5000)}
    size = npy.stat().st_size
    with pytest.raises(glovestore.SourceFormatError) as caught:
        build(npy, npy.parent / "x.h5", tokens=tokens)
    assert re.search(
        rf": expected vectors of at most \d+ times the bytes .*, got \d+ bytes of {size}$", str(caught.value)
    )
    assert len(read(npy, npy.parent / "x.h5", tokens=dict(list(tokens.items())[:1000]))) == 1000


def test_compressed_matrices(npy: Path) -> None:
    npy.write_bytes(gzip.compress(npy.read_bytes()))
    refuse(npy, npy, "expected a regular file, as the rows of npy are read in place, got one that is not")


def test_tokens_for_what_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"the 1 2\n")
    with pytest.raises(ValueError, match="expected no tokens=, as text has its own"):
        build(tmp_path / "x.txt", tmp_path / "x.h5", tokens=["a"])
    with pytest.raises(glovestore.SourceFormatError, match="expected npy, as format= says, got text by its content"):
        build(tmp_path / "x.txt", tmp_path / "x.h5", format="npy")


# --- safetensors -----------------------------------------------------------------------------------------------------


def tensors(folder: Path, arrays: dict[str, tuple[str, NDArray[Any]]], tokens: str = '["the", "of", "and"]') -> Path:
    (folder / "vocab.json").write_text(tokens)
    (folder / "x.safetensors").write_bytes(safetensors_bytes(arrays))
    return folder / "x.safetensors"


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32", "F64"])
def test_every_dtype(tmp_path: Path, dtype: str) -> None:
    kinds: dict[str, Callable[[], NDArray[Any]]] = {
        "F16": lambda: VECTORS.astype("<f2"),
        "BF16": lambda: (VECTORS.view(np.uint32) >> 16).astype("<u2"),
        "F32": lambda: VECTORS,
        "F64": lambda: VECTORS.astype("<f8"),
    }
    assert read(tensors(tmp_path, {"x": (dtype, kinds[dtype]())}), tmp_path / "x.h5") == EXPECTED


@pytest.mark.parametrize("name", ["embedding.weight", "embeddings", "vectors"])
def test_a_matrix_among_others(tmp_path: Path, name: str) -> None:
    others = {
        "a": ("F32", np.eye(2, dtype=np.float32)),
        "b": ("F32", np.zeros(3, np.float32)),
        "c": ("I8", np.int8([1])),
    }
    assert read(tensors(tmp_path, {**others, name: ("F32", VECTORS)}), tmp_path / "x.h5") == EXPECTED
    path = tensors(tmp_path, {**others, "z": ("F32", VECTORS)})
    wanted = "expected one matrix of F16, BF16, F32, F64, or one named embedding.weight or embeddings or vectors, got 'a', 'z'"
    (tmp_path / "x.h5").unlink()
    refuse(path, path, wanted)
    refuse(tensors(tmp_path, {"c": others["c"]}), path, wanted.replace("'a', 'z'", "none"))


@pytest.mark.parametrize("kind", ["WordLevel", "WordPiece", "BPE", "Unigram"])
def test_the_vocabularies_of_tokenizers(tmp_path: Path, kind: str) -> None:
    path = tensors(tmp_path, {"x": ("F32", VECTORS)}, "not looked at")
    (tmp_path / "tokenizer.json").write_text(tokenizer_json(TOKENS, kind))
    assert read(path, tmp_path / "x.h5") == EXPECTED
    assert read(tmp_path, tmp_path / "x.h5") == EXPECTED


@pytest.mark.parametrize(
    ("tokenizer", "problem"),
    [
        ({"model": {}}, "expected a tokenizer.json with a vocabulary (model.vocab, added_tokens), got another structure"),
        ({"model": {"vocab": [1]}}, "expected a tokenizer.json with a vocabulary (model.vocab, added_tokens), got another structure"),
        ({"model": {"vocab": {}}, "added_tokens": 5}, "expected a tokenizer.json with a vocabulary (model.vocab, added_tokens), got another structure"),
        ({"model": {"vocab": {}}, "added_tokens": [5]}, "expected a tokenizer.json with a vocabulary (model.vocab, added_tokens), got another structure"),
        ({"model": {"vocab": {"a": 1}}, "added_tokens": [{"content": "a", "id": 2}]}, "token 'a': expected one id, got two"),
        ({"model": {"vocab": {"a": 1, "b": 3}}}, "token 'b': expected a row from 0 to 2, got 3"),
    ],
)  # fmt: skip
def test_tokenizers_that_are_none(tmp_path: Path, tokenizer: Any, problem: str) -> None:
    path = tensors(tmp_path, {"x": ("F32", VECTORS)})
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    refuse(path, tmp_path / "tokenizer.json", problem)


def test_a_model_whose_tokens_share_rows(tmp_path: Path) -> None:
    path = tensors(tmp_path, {"embeddings": ("F32", VECTORS), "mapping": ("I32", np.int32([0, 1, 2]))})
    refuse(path, path, "expected a row for each token, got a model whose tokens share rows (a tensor 'mapping')")


def test_folders(tmp_path: Path) -> None:
    source = tmp_path / "source"
    inner = source / "0_StaticEmbedding"
    inner.mkdir(parents=True)
    tensors(inner, {"embedding.weight": ("F32", VECTORS)})
    assert read(source, tmp_path / "x.h5") == EXPECTED
    assert read(source, tmp_path / "x.h5", format="safetensors", tokens=TOKENS) == EXPECTED
    shutil.copy(inner / "x.safetensors", inner / "y.safetensors")
    with pytest.raises(
        glovestore.SourceFormatError, match=r"expected one \.safetensors file, got x\.safetensors, y\.saf"
    ):
        build(source, tmp_path / "x.h5")
    with pytest.raises(IsADirectoryError, match="expected a file, or a folder of spacy or safetensors, got another"):
        build(tmp_path, tmp_path / "x.h5")
    with pytest.raises(ValueError, match="expected a zip archive to take the member 'x' from, got a directory"):
        build(source, tmp_path / "x.h5", member="x")


def with_header(text: str, data: bytes = b"") -> bytes:
    return len(text).to_bytes(8, "little") + text.encode() + data


ENTRY = '{"x": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\0\0\0\0\0\0\0{", "expected a header inside 9 bytes, got a length of 255"),
        (with_header("{]"), "expected a JSON header, got Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (with_header("{" * 100_000), "expected a JSON header, got Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (with_header(ENTRY.replace("dtype", "kind"), bytes(8)), "'x': expected dtype, shape and data_offsets, got {'kind': 'F32', 'shape': [1, 2], 'data_offsets': [0, 8]}"),
        (with_header(ENTRY.replace("1", "-1"), bytes(8)), "'x': expected natural numbers as shape and data_offsets, got {'dtype': 'F32', 'shape': [-1, 2], 'data_offsets': [0, 8]}"),
        (with_header(ENTRY.replace("[0, 8]", "[9, 8]"), bytes(8)), "'x': expected natural numbers as shape and data_offsets, got {'dtype': 'F32', 'shape': [1, 2], 'data_offsets': [9, 8]}"),
        (with_header(ENTRY.replace("[1, 2]", f"[{'4611686018427387904, ' * 100_000}1]"), bytes(8)), "'x': expected natural numbers as shape and data_offsets, got {'dtype': 'F32', 'shape': [4611686018427387904, 461168601842..."),
        (with_header(ENTRY.replace("[1, 2]", "[999999999, 999999999]"), bytes(8)), "'x': expected as many bytes as the shape [999999999, 999999999] takes, got 8"),
        (with_header(ENTRY.replace("[0, 8]", "[1, 9]"), bytes(9)), "expected a tensor at byte 72, got the next one at 73"),
        (with_header(ENTRY, bytes(9)), "expected the file to end at byte 80, behind its tensors, got 81"),
        (with_header(ENTRY, bytes(7)), "expected the file to end at byte 80, behind its tensors, got 79"),
    ],
)  # fmt: skip
def test_headers_that_are_wrong(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "vocab.txt").write_bytes(b"a")
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(glovestore.SourceFormatError) as caught:
        build(path, tmp_path / "x.h5")
    # shown() cuts long reprs: compare what is there
    assert str(caught.value).removesuffix("...").startswith(f"{path}: {problem}"[: len(str(caught.value)) - 3])


def test_a_header_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors, "LONGEST_HEADER", 100)
    (tmp_path / "x.safetensors").write_bytes(with_header(ENTRY.ljust(101), bytes(8)))
    refuse(
        tmp_path / "x.safetensors",
        tmp_path / "x.safetensors",
        "expected a header of at most 100 bytes, got a length of 101",
    )


def test_a_pipe_in_a_folder(tmp_path: Path) -> None:
    """Nobody will ever write to it, and to open it would wait for that."""
    os.mkfifo(tmp_path / "model.safetensors")
    refuse(tmp_path, tmp_path / "model.safetensors", "expected a regular file, got a pipe or a device")
    with pytest.raises(glovestore.SourceFormatError, match="expected a regular file, got a pipe or a device"):
        glovestore.open(tmp_path)


def test_a_store_is_no_source(tmp_path: Path) -> None:
    build([("a", [1, 2])], tmp_path / "a.h5")
    with pytest.raises(glovestore.SourceFormatError, match="got a glovestore file: it needs no build, open it"):
        build(tmp_path / "a.h5", tmp_path / "b.h5")


# --- gensim ----------------------------------------------------------------------------------------------------------


class Exploit:
    """What an attacker puts into a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_not_loaded_unasked(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "x.kv").write_bytes(pickle.dumps(Exploit(tmp_path / "touched"), protocol))
    wanted = (
        "expected vectors, got a Python pickle, as gensim's save() writes: loading it runs whatever code it holds. If you"
        " trust where it comes from, say format='gensim'"
    )
    refuse(tmp_path / "x.kv", tmp_path / "x.kv", wanted)
    assert not (tmp_path / "touched").exists()


def test_pickles_of_something_else(tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    path = tmp_path / "x.kv"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(glovestore.SourceFormatError, match="expected what gensim's save"):
        build(path, tmp_path / "x.h5", format="gensim")
    path.write_bytes(b"\x80\4junk")
    with pytest.raises(glovestore.SourceFormatError, match="expected what gensim's save"):
        build(path, tmp_path / "x.h5", format="gensim")
    path.write_bytes(gzip.compress(b"\x80\4junk"))
    with pytest.raises(glovestore.SourceFormatError, match="expected a regular file, as gensim opens it by its name"):
        build(path, tmp_path / "x.h5", format="gensim")


def test_arrays_beside_a_pickle_must_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = gensim_save(tmp_path, TOKENS, VECTORS, sep_limit=0)
    array = tmp_path / "vectors.kv.vectors.npy"
    assert array.is_file()
    monkeypatch.setattr(
        "glovestore.sources.pairs.to_float32", lambda values: (array.write_bytes(b"") and None) or values + 0
    )
    monkeypatch.setattr("numpy.load", lambda *args, **options: VECTORS)
    with pytest.raises(glovestore.SourceFormatError, match="expected the file to stay"):
        build(path, tmp_path / "x.h5", format="gensim")


# --- spaCy -----------------------------------------------------------------------------------------------------------


def test_pipelines_and_shared_rows(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    for token, vector in EXPECTED.items():
        pipeline.vocab.set_vector(token, np.float32(vector))
    key = pipeline.vocab.strings.add("another")
    pipeline.vocab.vectors.add(key, row=1)
    pipeline.vocab.vectors.add(pipeline.vocab.strings.add("NOUN"), row=2)  # a symbol: its id is no hash
    pipeline.to_disk(tmp_path / "model")
    found = read(tmp_path / "model", tmp_path / "x.h5")
    assert found == {**EXPECTED, "another": EXPECTED["of"], "NOUN": EXPECTED["and"]}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("vectors.cfg", b'{"mode": "floret"}', "expected vectors of tokens, got the mode 'floret': floret's are made of n-grams"),
        ("vectors.cfg", b"[", "expected settings as JSON, got Expecting value: line 1 column 2 (char 1)"),
        ("key2row", b"\x93\1\2\3", "expected a map of keys to rows, got list"),
        ("strings.json", b"5", "expected a list of strings as JSON, got: int"),
    ],
)  # fmt: skip
def test_parts_that_are_wrong(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    folder = tmp_path / "vocab"
    folder.mkdir()
    spacy_vocab(folder, TOKENS, VECTORS)
    (folder / name).write_bytes(content)
    refuse(folder, folder / name, problem)


@pytest.mark.parametrize("name", ["vectors", "strings.json"])
def test_a_pipe_among_the_parts(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "vocab"
    folder.mkdir()
    spacy_vocab(folder, TOKENS, VECTORS)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refuse(folder, folder / name, "expected a regular file, got a pipe or a device")


KEYS = {
    "many arrays": b"\xdd\0\1\xff\xff" * 100_000,
    "deep arrays": b"\x91" * 1_000_000,
    "a huge map": b"\xdf\xff\xff\xff\xff",
    "an array of objects": b"\x83\xc4\2nd\xc3\xc4\4type\xa2|O\xc4\4data\xc4\x08AAAAAAAA",
    "a list as key": b"\x81\x90\1",
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_hostile_keys(tmp_path: Path, keys: bytes) -> None:
    folder = tmp_path / "vocab"
    folder.mkdir()
    spacy_vocab(folder, TOKENS, VECTORS)
    (folder / "key2row").write_bytes(keys)
    with pytest.raises(glovestore.SourceFormatError, match=r"key2row: expected a map as msgpack, got: \w"):
        build(folder, tmp_path / "x.h5")
    assert gc.isenabled()


# --- without the libraries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("package", "kind"), [("gensim", "gensim"), ("spacy", "spaCy")])
def test_without_a_library(tmp_path: Path, package: str, kind: str) -> None:
    if package == "gensim":
        (tmp_path / "source").write_bytes(b"\x80\4junk")
    else:
        (tmp_path / "source").mkdir()
        np.save(tmp_path / "source" / "vectors.npy", VECTORS)
        (tmp_path / "source" / "vectors.npy").rename(tmp_path / "source" / "vectors")
        (tmp_path / "source" / "key2row").write_bytes(b"\x80")
        (tmp_path / "source" / "strings.json").write_bytes(b"[]")
    code = f"""
import sys, glovestore
sys.modules["{package}"] = None
try:
    glovestore.build(sys.argv[1], sys.argv[2], format="{package}")
except ImportError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "source"), str(tmp_path / "x.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.endswith(f'pip install "glovestore[{package}]"\n'), done.stderr


def test_keyed_vectors_of_the_same_object(tmp_path: Path) -> None:
    assert read(keyed_vectors(TOKENS, VECTORS), tmp_path / "x.h5") == EXPECTED
