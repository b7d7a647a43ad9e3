"""`glovestore build` from all kinds of sources, and of some of their rows."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import glovestore
from glovestore.cli import main

TEXT = b"the 1 2\nof 3 4\ncaf\xc3\xa9 5 6\nof 7 8\nking 9 10\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.txt"
    path.write_bytes(TEXT)
    return path


def run(*arguments: Any, stdin: bytes | None = None, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def report(*arguments: Any, stdin: bytes | None = None) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run("build", *arguments, "--json", stdin=stdin).stdout)
    return result


def tokens(path: Path) -> list[str]:
    with glovestore.open(path) as store:
        return store.tokens[:]


def test_keep(source: Path, tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_bytes("king\ncafé\nabsent\nof\n".encode())
    built = report(source, tmp_path / "1.h5", "--keep", tmp_path / "keep.txt")
    assert tokens(tmp_path / "1.h5") == ["of", "café", "king"]
    assert {name: built[name] for name in ("rows", "lines", "not_kept", "missing", "duplicates")} == {
        "rows": 3,
        "lines": 5,
        "not_kept": 1,
        "missing": 1,
        "duplicates": 1,
    }
    report(source, tmp_path / "2.h5", "--keep", tmp_path / "keep.txt", "--order", "given")
    assert tokens(tmp_path / "2.h5") == ["king", "café", "of"]
    (tmp_path / "word_index.json").write_text(json.dumps({"king": 1, "the": 2}))
    report(source, tmp_path / "3.h5", "--keep", tmp_path / "word_index.json", "--order", "given")
    assert tokens(tmp_path / "3.h5") == ["king", "the"]
    said = run("build", source, tmp_path / "4.h5", "--keep", "-", stdin=b"of\nabsent\n").stdout
    assert "lines of other tokens: 3; tokens that are not there: 1\n" in said
    assert "5 = 1 rows + 0 header + 1 duplicates + 0 skipped + 3 not kept" in run("info", tmp_path / "4.h5").stdout


def test_nothing_to_keep(source: Path, tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_bytes(b"absent\n")
    said = run("build", source, tmp_path / "1.h5", "--keep", tmp_path / "keep.txt", exit_code=1).stderr
    assert said.endswith("expected rows of 2 numbers, got none of a token to keep; 5 are of others\n")


def test_limit(source: Path, tmp_path: Path) -> None:
    assert report(source, tmp_path / "1.h5", "--limit", 2)["source_bytes"] == len(b"the 1 2\nof 3 4\n")
    assert tokens(tmp_path / "1.h5") == ["the", "of"]
    assert report(source, tmp_path / "2.h5", "--limit", 99)["lines"] == 5


def test_threads(source: Path, tmp_path: Path) -> None:
    assert report(source, tmp_path / "1.h5", "--threads", 3)["threads"] == 3
    assert report(source, tmp_path / "2.h5")["threads"] >= 1
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_threads_are_as_many_as_the_cores(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("glovestore.building")
    for cores, threads in ((1, 1), (3, 3), (64, module.MOST_THREADS)):
        monkeypatch.setattr(module, "usable_cores", lambda cores=cores: cores)
        assert report(source, tmp_path / f"{cores}.h5")["threads"] == threads


def test_compressed(tmp_path: Path) -> None:
    (tmp_path / "any name").write_bytes(gzip.compress(TEXT))
    report(tmp_path / "any name", tmp_path / "1.h5")
    assert tokens(tmp_path / "1.h5") == ["the", "of", "café", "king"]


def test_members_of_a_zip(tmp_path: Path) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("glove.2d.txt", TEXT)
        archive.writestr("glove.1d.txt", b"the 1\n")
    path = tmp_path / "glove.zip"
    path.write_bytes(memory.getvalue())
    said = run("build", path, tmp_path / "1.h5", exit_code=1).stderr
    assert "glove.2d.txt" in said
    assert "glove.1d.txt" in said
    report(path, tmp_path / "2.h5", "--member", "glove.2d.txt")
    report(f"{path}#glove.2d.txt", tmp_path / "3.h5")
    assert (tmp_path / "2.h5").read_bytes() == (tmp_path / "3.h5").read_bytes()
    assert tokens(tmp_path / "2.h5") == ["the", "of", "café", "king"]


def test_wrong_usage(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "1.h5"
    assert "--keep" in run("build", source, target, "--order", "given", exit_code=2).stderr
    assert "two places" in run("build", "-", target, "--keep", "-", stdin=b"", exit_code=2).stderr
    assert "--limit" in run("build", source, target, "--limit", 0, exit_code=2).stderr
    assert "--threads" in run("build", source, target, "--threads", "many", exit_code=2).stderr
    said = run("build", source, target, "--member", "a", exit_code=1).stderr
    assert "expected a zip archive to take the member 'a' from" in said
    assert not target.exists()


def test_tokens_of_a_matrix(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.float32([[1, 2], [3, 4]]))
    (tmp_path / "tokens").write_bytes(b"the\nof\n")
    built = report(tmp_path / "x.npy", tmp_path / "x.h5", "--tokens", tmp_path / "tokens")
    assert (built["format"], built["rows"]) == ("npy", 2)
    assert tokens(tmp_path / "x.h5") == ["the", "of"]
    result = run("build", tmp_path / "x.npy", tmp_path / "y.h5", exit_code=1)
    assert "expected the tokens of its rows beside it" in result.stderr


def test_a_format_is_insisted_on(source: Path, tmp_path: Path) -> None:
    assert report(source, tmp_path / "x.h5", "--format", "text")["format"] == "text"
    result = run("build", source, tmp_path / "y.h5", "--format", "npy", exit_code=1)
    assert "expected npy, as --format says, got text by its content" in result.stderr
    run("build", source, tmp_path / "y.h5", "--format", "glove", exit_code=2)
    result = run("build", source, tmp_path / "y.h5", "--tokens", source, exit_code=1)
    assert "expected no --tokens, as text has its own" in result.stderr


def test_a_pickle_takes_a_word(tmp_path: Path) -> None:
    (tmp_path / "x.kv").write_bytes(b"\x80\4junk")
    result = run("build", tmp_path / "x.kv", tmp_path / "x.h5", exit_code=1)
    assert "trust where it comes from, say --format gensim" in result.stderr
