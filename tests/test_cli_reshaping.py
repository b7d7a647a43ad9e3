"""`glovestore build --dtype`, `convert`, `slice` and `merge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import glovestore
from glovestore.cli import main


def run(*arguments: Any, stdin: bytes | None = None, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result


def report(*arguments: Any, stdin: bytes | None = None) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(run(*arguments, "--json", stdin=stdin).stdout)
    return result


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "source.txt").write_bytes(b"the 1 2\nof 3 4\ncaf\xc3\xa9 5 6\nking 9 10\n")
    glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5")
    return tmp_path / "store.h5"


def test_build(store: Path, tmp_path: Path):
    built = report("build", tmp_path / "source.txt", tmp_path / "half.h5", "--dtype", "float16")
    assert built["dtype"] == "float16"
    assert (
        "4 rows x 2 in int8 from" in run("build", tmp_path / "source.txt", tmp_path / "8.h5", "--dtype", "int8").stdout
    )
    assert "4 x 2, int8" in run("info", tmp_path / "8.h5").stdout
    assert run("get", tmp_path / "half.h5", "king").stdout == "king 9 10\n"


def test_convert(store: Path, tmp_path: Path):
    converted = report("convert", store, "--dtype", "int8", "-o", tmp_path / "small.h5")
    assert (converted["dtype"], converted["source_dtype"], converted["rows"]) == ("int8", "float32", 4)
    with glovestore.open(tmp_path / "small.h5") as opened:
        assert opened.dtype == "int8"
    said = run("convert", store, "--dtype", "float16", "-o", tmp_path / "half.h5", "--no-durable").stdout
    assert said.startswith(f"{tmp_path / 'half.h5'}: 4 rows x 2 in float16, ")
    said = run("convert", store, "--dtype", "float16", "-o", tmp_path / "half.h5", exit_code=1).stderr
    assert "exists already: open it, or write with --overwrite" in said
    run("convert", store, "--dtype", "float16", "-o", tmp_path / "half.h5", "--overwrite")
    assert "'--dtype'" in run("convert", store, "-o", tmp_path / "3.h5", exit_code=2).stderr
    assert "'-o'" in run("convert", store, "--dtype", "int8", exit_code=2).stderr
    assert "float16" in run("convert", store, "--dtype", "int4", "-o", tmp_path / "3.h5", exit_code=2).stderr
    run("convert", tmp_path / "none.h5", "--dtype", "int8", "-o", tmp_path / "3.h5", exit_code=1)
    assert not (tmp_path / "3.h5").exists()


def test_slice(store: Path, tmp_path: Path):
    (tmp_path / "vocab.txt").write_bytes("king\nabsent\ncafé\n".encode())
    part = tmp_path / "part.h5"
    said = run("slice", store, "--vocab", tmp_path / "vocab.txt", "-o", part, exit_code=1).stderr
    problem = "1 of 3 tokens are not in the store: 'absent': say --missing to leave them out or fill them"
    assert said == f"glovestore: error: {problem}\n"
    assert not part.exists()
    sliced = report("slice", store, "--vocab", tmp_path / "vocab.txt", "-o", part, "--missing", "zeros")
    assert (sliced["rows"], sliced["found"], sliced["missing"], sliced["first_missing"]) == (3, 2, 1, ["absent"])
    with glovestore.open(part) as opened:
        assert list(opened.tokens) == ["king", "absent", "café"]
        assert opened.vectors.tolist() == [[9, 10], [0, 0], [5, 6]]
    assert "4 + 1 filled = 3 rows + 0 header + 0 duplicates + 0 skipped + 2 not kept" in run("info", part).stdout
    (tmp_path / "word_index.json").write_text(json.dumps({"of": 2, "the": 1}))
    run("slice", store, "--vocab", tmp_path / "word_index.json", "-o", part, "--overwrite")
    with glovestore.open(part) as opened:
        assert list(opened.tokens) == ["<pad>", "the", "of"]
    run("slice", store, "--vocab", "-", "-o", part, "--overwrite", "--missing", "skip", stdin=b"of\nabsent\n")
    with glovestore.open(part) as opened:
        assert list(opened.tokens) == ["of"]
    said = run("slice", store, "--vocab", "-", "-o", part, "--overwrite", stdin=b"of\nof\n", exit_code=1).stderr
    assert "expected each token once, got 1 again: 'of'" in said
    said = run(
        "slice", store, "--vocab", "-", "-o", part, "--overwrite", "--missing", "unk", stdin=b"x\n", exit_code=1
    ).stderr
    assert "expected a row for '<unk>'" in said


def test_merge(store: Path, tmp_path: Path):
    (tmp_path / "mine.txt").write_bytes(b"mine 1 1\nthe 7 7\n")
    glovestore.build(tmp_path / "mine.txt", tmp_path / "mine.h5")
    merged = report("merge", tmp_path / "mine.h5", store, "-o", tmp_path / "both.h5")
    assert (merged["rows"], merged["rows_of"], merged["left_out"], merged["how"]) == (5, [2, 3], 1, "first")
    wide = report("merge", tmp_path / "mine.h5", store, "-o", tmp_path / "wide.h5", "--how", "concat")
    assert (wide["rows"], wide["dim"]) == (1, 4)
    wide = report("merge", tmp_path / "mine.h5", store, "-o", tmp_path / "all.h5", "--how", "concat", "--tokens", "all")
    assert (wide["rows"], wide["dim"]) == (5, 4)
    assert "source   mine.txt + source.txt\n" in run("info", tmp_path / "both.h5").stdout
    said = run("merge", tmp_path / "wide.h5", store, "-o", tmp_path / "3.h5", exit_code=1).stderr
    assert "expected dim 4, as in" in said
    assert said.endswith("say --how concat\n")
    assert "two stores or more" in run("merge", store, "-o", tmp_path / "3.h5", exit_code=2).stderr
    assert "--how concat" in run("merge", store, store, "-o", tmp_path / "3.h5", "--tokens", "all", exit_code=2).stderr
    assert not (tmp_path / "3.h5").exists()
