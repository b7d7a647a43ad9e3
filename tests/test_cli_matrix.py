"""`glovestore matrix`: vocabularies of every kind in, files of every kind out, whole or not at all."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open

import glovestore
from glovestore.cli import main
from glovestore.shell.matrix_file import SAVES, write_matrix

VOCAB = b"The\nof\nnone\n<pad>\nking"


def run(*arguments: str | Path, stdin: bytes = b"", code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["matrix", *map(str, arguments)], input=stdin)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "vectors.txt").write_bytes(b"the 1 2\nof 3 4\nking 0.1 5\n")
    glovestore.build(tmp_path / "vectors.txt", tmp_path / "store.h5", durable=False)
    return tmp_path / "store.h5"


@pytest.fixture
def vocab(tmp_path: Path) -> Path:
    (tmp_path / "vocab.txt").write_bytes(VOCAB)
    return tmp_path / "vocab.txt"


def read(path: Path) -> np.ndarray:
    """Read a matrix as its users do."""
    if path.suffix == ".npy":
        array: np.ndarray = np.load(path, allow_pickle=False)
        return array
    if path.suffix == ".pt":
        return torch.load(path, weights_only=True).numpy()
    tensors = safetensors.numpy.load_file(path)
    assert list(tensors) == ["vectors"]
    return tensors["vectors"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("suffix", [".npy", ".pt", ".safetensors", ".NPY"])
def test_the_file_holds_the_matrix(store: Path, vocab: Path, tmp_path: Path, suffix: str, dtype: str) -> None:
    out = tmp_path / f"out{suffix}"
    options = ["--oov", "normal", "--fallback", "lower", "--fallback", "nfkc", "--dtype", dtype]
    result = run(store, vocab, "-o", out, *options)
    with glovestore.open(store) as opened:
        expected = opened.matrix(VOCAB.decode().split(), oov="normal", fallbacks=["lower", "nfkc"], dtype=dtype)
    found = read(out.rename(out.with_suffix(suffix.lower())))
    assert found.dtype == dtype
    assert np.array_equal(found, expected.array)
    assert result.stdout == f"{out}: 5 x 2, {dtype}, padding row 3\n{expected.coverage}\n"
    assert result.stderr == ""


def test_safetensors_metadata(store: Path, vocab: Path, tmp_path: Path) -> None:
    run(store, vocab, "-o", tmp_path / "out.safetensors", "--fallback", "lower")
    with safe_open(tmp_path / "out.safetensors", "numpy") as file, glovestore.open(store) as opened:
        digest = opened.metadata["source_digest"]
        expected = {"source_name": "vectors.txt", "source_digest": digest, "oov": "zeros", "fallbacks": "lower"}
        assert file.metadata() == {**expected, "tokens": "4", "missing": "1", "padding_idx": "3"}
    with open(tmp_path / "out.safetensors", "rb") as file:
        assert int.from_bytes(file.read(8), "little") % 8 == 0, "the numbers are aligned"


def test_json(store: Path, vocab: Path, tmp_path: Path) -> None:
    document = json.loads(run(store, vocab, "-o", tmp_path / "out.npy", "--json").stdout)
    with glovestore.open(store) as opened:
        coverage = opened.matrix(VOCAB.decode().split()).coverage
    about = {"path": str(tmp_path / "out.npy"), "shape": [5, 2], "dtype": "float32", "padding_idx": 3}
    assert document == {**about, "oov": "zeros", "fallbacks": [], "coverage": coverage.to_dict()}


def test_low_coverage_is_a_warning_on_standard_error(store: Path, tmp_path: Path) -> None:
    result = run(store, "-", "-o", tmp_path / "out.npy", stdin=b"THE\nOF\nking\n")
    assert result.stderr.startswith("glovestore: warning: only 1 of 3 tokens found (33.3 %)")
    assert result.stderr.endswith("the fallback 'lower' would find 2 of the missing\n")


# ---------------------------------------------------------------------- vocabularies


LOW_COVERAGE = pytest.mark.filterwarnings("ignore::glovestore.CoverageWarning")  # of the oracle, not of the command


def shout(text: str) -> list[str]:
    return text.split()


@LOW_COVERAGE
def test_saved_vocabularies(store: Path, tmp_path: Path) -> None:
    """A callable tokenizer is not needed to make a matrix, and cannot be given here."""
    vocabularies = {
        "plain.json": glovestore.Vocabulary.from_tokens(["of", "none", "the"]),
        "bare.json": glovestore.Vocabulary.from_tokens(["of", "none", "the"], unk_token=None),
        "called.JSON": glovestore.Vocabulary.from_tokens(["of", "none", "\ud83d\ude00"], tokenizer=shout),
    }
    for name, vocabulary in vocabularies.items():
        vocabulary.save(tmp_path / name)
        result = run(store, tmp_path / name, "-o", tmp_path / "out.npy", "--oov", "mean")
        with glovestore.open(store) as opened:
            expected = opened.matrix(vocabulary, oov="mean")
        assert np.array_equal(read(tmp_path / "out.npy"), expected.array), name
        assert result.stdout.endswith(f"padding row 0\n{expected.coverage}\n"), name


@LOW_COVERAGE
@pytest.mark.parametrize(
    "document", [{"of": 1, "king": 3}, {"of": 0, "format": 2, "\udcff": 1}, ["the", "none", "\ud83d"], ["of"]]
)
def test_json_vocabularies(store: Path, tmp_path: Path, document: Any) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps(document))
    run(store, tmp_path / "vocab.json", "-o", tmp_path / "out.npy", "--oov", "mean")
    with glovestore.open(store) as opened:
        expected = opened.matrix(document, oov="mean").array
    assert np.array_equal(read(tmp_path / "out.npy"), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"of": 1, "the": 2, "of": 3}', "expected a vocabulary as JSON, got the key 'of' twice"),
        (b'{"of": 1.5}', "expected an integer index, got 1.5 for token 'of'"),
        (b'{"of": 1, "the": 1}', "expected one token for an index"),
        (b'{"of": 123456789}', "it looks like an id"),
        (b"[1]", "expected str or bytes, got int 1 as token 0"),
        (b"[]", "expected at least one token"),
        (b"{}", "expected at least one token"),
        (b"7", "expected a saved Vocabulary, an object token -> index or a list of tokens, got a int"),
        (b'["of"', "expected a vocabulary as JSON"),
        (b'["\xff"]', "expected a vocabulary as JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format": "glovestore-vocabulary", "version": 99}', "a newer glovestore wrote this file"),
    ],
)
def test_bad_vocabularies(store: Path, tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "vocab.json").write_bytes(text)
    result = run(store, tmp_path / "vocab.json", "-o", tmp_path / "out.npy", code=1)
    assert result.stderr.startswith(f"glovestore: error: {tmp_path / 'vocab.json'}: ")
    assert message in result.stderr
    assert not (tmp_path / "out.npy").exists()


def test_an_empty_standard_input_is_no_vocabulary(store: Path, tmp_path: Path) -> None:
    assert "expected at least one token" in run(store, "-", "-o", tmp_path / "out.npy", code=1).stderr


def test_oov_policies_that_fail(store: Path, vocab: Path, tmp_path: Path) -> None:
    unk = run(store, vocab, "-o", tmp_path / "out.npy", "--oov", "unk", code=1).stderr
    assert unk == (
        "glovestore: error: --oov unk: expected a row for '<unk>' in the store, which has none; try --oov mean\n"
    )
    error = run(store, vocab, "-o", tmp_path / "out.npy", "--oov", "error", code=1).stderr
    assert error == "glovestore: error: --oov error: expected a row for every token, 2 have none: 'The', 'none'\n"


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize("name", ["out", "out.txt", "out.npz", "npy"])
def test_another_suffix_is_wrong_usage(store: Path, vocab: Path, tmp_path: Path, name: str) -> None:
    assert ".npy, .pt, .safetensors" in run(store, vocab, "-o", tmp_path / name, code=2).stderr


def test_an_old_matrix_is_replaced_but_no_store_and_no_input(store: Path, vocab: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    run(store, vocab, "-o", out)
    run(store, vocab, "-o", out, "--dtype", "float64")
    assert read(out).dtype == np.float64
    other = tmp_path / "other.safetensors"
    other.write_bytes(store.read_bytes())
    assert "got a store: it stays" in run(store, vocab, "-o", other, code=1).stderr
    assert "got one of the inputs" in run(other, vocab, "-o", other, code=1).stderr
    listed = tmp_path / "list.npy"
    listed.write_bytes(VOCAB)
    assert "got one of the inputs" in run(store, listed, "-o", listed, code=1).stderr
    for link, method in (("soft.npy", "symlink_to"), ("hard.npy", "hardlink_to")):
        getattr(tmp_path / link, method)(vocab)
        assert "got one of the inputs" in run(store, vocab, "-o", tmp_path / link, code=1).stderr
    assert (other.read_bytes(), listed.read_bytes()) == (store.read_bytes(), VOCAB)


class Full(io.RawIOBase):
    """A file on a disk with room for so many writes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "matrix")
        return memoryview(data).nbytes


@pytest.mark.parametrize("suffix", [".npy", ".pt", ".safetensors"])
def test_every_write_that_fails_says_so(suffix: str) -> None:
    """Left to themselves, numpy and torch say something else."""
    failed = 0
    for room in range(100):
        stream = io.BufferedWriter(Full(room), 64)
        try:
            SAVES[suffix](stream, np.ones((40, 3), np.float32), {})
            stream.flush()
        except OSError as error:
            assert (error.errno, error.filename) == (errno.ENOSPC, "matrix")
            failed += 1
        else:
            break
        finally:
            stream.raw.room = 100  # closing flushes
            stream.close()
    assert failed == room > 0


def test_torch_says_what_else_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*arguments: Any) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(torch, "save", refuse)
    with pytest.raises(RuntimeError, match="something else"):
        SAVES[".pt"](io.BytesIO(), np.ones((4, 3), np.float32), {})


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"old")
    with pytest.raises(KeyError):  # after the temporary was created
        write_matrix(out, np.zeros((2, 2), np.complex64), {}, [])
    assert [path.name for path in tmp_path.iterdir()] == ["out.safetensors"]
    assert out.read_bytes() == b"old"


def test_folders(store: Path, vocab: Path, tmp_path: Path) -> None:
    assert "expected an existing folder" in run(store, vocab, "-o", tmp_path / "none" / "out.npy", code=1).stderr
    (tmp_path / "dir.npy").mkdir()
    assert "got a directory" in run(store, vocab, "-o", tmp_path / "dir.npy", code=1).stderr


def test_metadata_that_safetensors_would_refuse(tmp_path: Path) -> None:
    write_matrix(tmp_path / "out.safetensors", np.ones((1, 3), np.float32), {"source_name": "a\udcffb"}, [])
    with safe_open(tmp_path / "out.safetensors", "numpy") as file:
        assert file.metadata() == {"source_name": "a?b"}
        assert np.array_equal(file.get_tensor("vectors"), np.ones((1, 3), np.float32))


def test_without_torch(store: Path, vocab: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from glovestore.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "matrix", str(store), str(vocab), "-o", str(tmp_path / "out.pt")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("glovestore: error: ")
    assert 'pip install "glovestore[torch]"' in done.stderr
    assert not (tmp_path / "out.pt").exists()
