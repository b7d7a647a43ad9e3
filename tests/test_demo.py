"""`glovestore demo`, on the sample and on files of other kinds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import glovestore
from glovestore.cli import main
from glovestore.shell import demo

WORDS = ["the", "cat", "sat", "on", "mat", "we", "can", "play", "with", "model"]


def demo_of(path: Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["demo", "--vectors", str(path)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def text_and_json(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, dict]]:
    """One run on the sample, seen both ways; its temporary folder is gone afterwards."""
    folder = tmp_path_factory.mktemp("tmp")
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        results = demo.run_demo(None, said.append)
    assert list(folder.iterdir()) == []
    return "\n".join(said), json.loads(json.dumps(results))


def test_the_steps(text_and_json: tuple[str, dict[str, dict]]) -> None:
    text, results = text_and_json
    assert list(results) == [step.__name__ for _, step in demo.STEPS] == ["build", "store", "tutorial", "times"]
    titles = [line for line in text.splitlines() if line[:2] in ("1.", "2.", "3.", "4.")]
    assert titles == [f"{number}. {title}" for number, (title, _) in enumerate(demo.STEPS, 1)]


def test_build_and_store(text_and_json: tuple[str, dict[str, dict]]) -> None:
    text, results = text_and_json
    report, info = results["build"], results["store"]["info"]
    assert (report["rows"], report["dim"], report["lines"]) == (15_000, 100, 15_000)
    assert info["source"] == {"name": demo.SAMPLE, "bytes": 12_868_692, "digest": info["source"]["digest"]}
    assert "B of text a second" in text
    nearest = {token: [other for other, _ in found] for token, found in results["store"]["nearest"].items()}
    assert nearest["king"][:2] == ["prince", "queen"]
    assert nearest["paris"][0] == "france"


def test_tutorial(text_and_json: tuple[str, dict[str, dict]]) -> None:
    text, results = text_and_json
    tutorial = results["tutorial"]
    assert (tutorial["token"], tutorial["first_numbers"]) == ("the", [-0.038194, -0.24487, 0.72812, -0.39961])
    assert tutorial["tokens"] == ["<pad>", *WORDS]
    assert tutorial["ids"] == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert (tutorial["coverage"]["found"], tutorial["coverage"]["missing"]) == (10, 0)
    assert "-0.038194 -0.24487 0.72812 -0.39961 ..." in text
    assert "  10 of 10 tokens found (100.0 %); 100.0 % of their occurrences\n" in text
    assert "  Embedding(11, 100, padding_idx=0)\n" in text
    assert f"  {torch.Size([2, 5, 100])}\n" in text


def test_times(text_and_json: tuple[str, dict[str, dict]]) -> None:
    text, results = text_and_json
    assert list(results["times"]) == ["text -> dict -> matrix", "build", "open + matrix"]
    assert all(time["runs"] == 5 and time["seconds"] > 0 for time in results["times"].values())
    assert "grow with the file" in text
    assert "not with the file" in text


def test_json_is_the_same_run_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("".join(f"{word} {i} 1 2\n" for i, word in enumerate(WORDS)))
    result = CliRunner().invoke(main, ["demo", "--vectors", str(tmp_path / "v.txt"), "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert list(document) == ["build", "store", "tutorial", "times"]
    assert document["tutorial"]["output_shape"] == [2, 5, 3]
    assert document["tutorial"]["embedding"] == "Embedding(11, 3, padding_idx=0)"


def test_the_recipe_is_right(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("cat 1 2\nthe 0.1 -4\nother 5 6\n")
    vocab = glovestore.Vocabulary.from_tokens(["the", "none", "cat"], unk_token=None)
    matrix, vectors = demo.dict_recipe(path, vocab)
    assert np.array_equal(matrix, np.array([[0, 0], [0.1, -4], [0, 0], [1, 2]], np.float32))
    assert list(vectors) == ["cat", "the", "other"]


# ---------------------------------------------------------------------- other files


def test_a_file_in_another_language(tmp_path: Path) -> None:
    """Its tokens are not the tutorial's, and one has a space in it, which the recipe cannot read. That is said."""
    (tmp_path / "de.txt").write_text("3 2\nder 1 2\ndie . 3 4\ndas 5 6")
    command = [sys.executable, "-P", "-m", "glovestore", "demo", "--vectors", str(tmp_path / "de.txt")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")  # no warning about coverage beside the note
    text = done.stdout
    assert "note: expected all ten tokens in the store, got 0 of 10" in text
    assert "note: the dict recipe fails on this file: could not convert string to float: '.'" in text
    assert "Embedding(11, 2, padding_idx=0)" in text


def test_a_large_file_is_read_fewer_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.txt").write_text("".join(f"{word} {i} 1 2\n" for i, word in enumerate(WORDS)))
    monkeypatch.setattr(demo, "LARGE_FILE", 10)
    text = demo_of(tmp_path / "v.txt")
    assert "what reads all of it ran once only" in text
    runs = {line.split("  ")[1].strip(): line.split()[-2] for line in text.splitlines() if line.endswith("x")}
    assert runs == {"text -> dict -> matrix": "1", "build": "1", "open + matrix": "5"}


def test_bad_files(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("a 1 2\nb 3 x\n")
    assert "bad.txt:2:5: expected a number, got 'x'" in demo_of(tmp_path / "bad.txt", code=1)
    assert "No such file" in demo_of(tmp_path / "none.txt", code=1)
    assert "expected a file that can be read several times" in demo_of(tmp_path, code=1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("THE", (1.0, 2.0, 3.0, 4.0), "expected 'the' to start with"),
        ("TEXTS", ["The cat sat on mat", "we can play with mxdel"], "expected all ten tokens in the store"),
    ],
)
def test_a_sample_that_is_not_what_it_must_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, message: str
) -> None:
    monkeypatch.setattr(demo, name, value)
    with pytest.raises(glovestore.GlovestoreError, match=message):
        demo.run_demo(None, lambda text: None)


def test_matrices_that_differ_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.txt").write_text("".join(f"{word} {i} 1 2\n" for i, word in enumerate(WORDS)))
    recipe = demo.dict_recipe
    monkeypatch.setattr(demo, "dict_recipe", lambda source, vocab: (recipe(source, vocab)[0] + 1, {}))
    assert "note: expected the recipe and the store to give the same matrix" in demo_of(tmp_path / "v.txt")


def test_without_torch_it_says_what_is_missing_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("".join(f"{word} {i} 1 2\n" for i, word in enumerate(WORDS)))
    code = "import sys; sys.modules['torch'] = None; from glovestore.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "demo", "--vectors", str(tmp_path / "v.txt")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'pip install "glovestore[torch]"' in done.stdout
    assert "open + matrix" in done.stdout
