"""`glovestore demo`, on the sample and on files of other kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import glovestore
from glovestore.classify import TextClassifier
from glovestore.cli import main
from glovestore.shell import classifying, demo
from glovestore.shell.docstrings import Corpus, Part, read_corpus

EACH, SETTINGS = 20, {"units": 4, "epochs": 1}
SMALL = f"from glovestore.shell import classifying as c; c.EACH, c.SETTINGS = {EACH}, {SETTINGS}"
NAMES = ["build", "store", "tutorial", "times", "classifier"]
WORDS = ["the", "cat", "sat", "on", "mat", "we", "can", "play", "with", "model"]


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Train on a few docstrings only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifying, "EACH", EACH)
        patch.setattr(classifying, "SETTINGS", SETTINGS)
        yield


def demo_in_a_process(path: Path, before: str = "") -> str:
    """Return what the command prints, run after some code; nothing may stand on standard error."""
    code = f"import sys; {before}\n{SMALL}\nfrom glovestore.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "demo", "--vectors", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


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
    left = {path.name for path in folder.iterdir() if not path.name.startswith("torchinductor_")}  # torch's own
    assert left == set()
    return "\n".join(said), json.loads(json.dumps(results))


def test_the_steps(text_and_json: tuple[str, dict[str, dict]]) -> None:
    text, results = text_and_json
    assert list(results) == [step.__name__ for _, step in demo.STEPS] == NAMES
    titles = [line for line in text.splitlines() if line[:2] in ("1.", "2.", "3.", "4.", "5.")]
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
    assert list(document) == NAMES
    assert list(document["classifier"]["predictions"][0]) == ["text", "package", "predicted", "probability"]
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
    text = demo_in_a_process(tmp_path / "de.txt")  # no warning about coverage beside the note
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


@pytest.mark.parametrize("module", ["torch", "skorch", "sklearn"])
def test_without_a_package_it_says_what_is_missing_and_goes_on(tmp_path: Path, module: str) -> None:
    (tmp_path / "v.txt").write_text("".join(f"{word} {i} 1 2\n" for i, word in enumerate(WORDS)))
    text = demo_in_a_process(tmp_path / "v.txt", f"sys.modules['{module}'] = None")
    name = {"sklearn": "scikit-learn"}.get(module, module)
    missing = 'no nn.Embedding here: glovestore.torch needs PyTorch: pip install "glovestore[torch]"'
    assert (missing in text) == (module == "torch")
    assert "open + matrix" in text
    assert text.endswith(
        f'\n\n  no classifier here: glovestore.classify needs {name}: pip install "glovestore[train]"\n'
    )


# ---------------------------------------------------------------------- the classifier


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    (folder / "v.txt").write_text("".join(f"{word} {i} 1 2\n" for i, word in enumerate(WORDS)))
    glovestore.build(folder / "v.txt", folder / "v.h5")
    return folder / "v.h5"


@pytest.mark.filterwarnings("ignore::glovestore.CoverageWarning")
def test_the_classifiers_accuracies_are_the_librarys(store: Path) -> None:
    said: list[str] = []
    results = classifying.classify(store, said.append)
    corpus = read_corpus(EACH)
    assert results is not None
    assert (results["train_texts"], results["test_texts"]) == (
        16 * len(results["packages"]),
        4 * len(results["packages"]),
    )
    assert results["missing"] == corpus.missing
    for embeddings in ("tuned", "random"):
        known = TextClassifier(store, embeddings=embeddings, **SETTINGS).fit(corpus.train.texts, corpus.train.labels)
        accuracy = known.score(corpus.test.texts, corpus.test.labels)
        assert results[embeddings]["accuracy"] == accuracy
        assert f"{accuracy:.3f}" in "\n".join(said)
        if embeddings == "tuned":
            check_predictions(results["predictions"], known, corpus)


def check_predictions(predictions: list[dict], classifier: TextClassifier, corpus: Corpus) -> None:
    assert len(predictions) == classifying.SHOWN
    assert len({found["package"] for found in predictions}) == classifying.SHOWN
    for found in predictions:
        assert (found["text"], found["package"]) in zip(corpus.test.texts, corpus.test.labels, strict=True)
        assert found["predicted"] == classifier.predict([found["text"]])[0]
        assert found["probability"] == pytest.approx(classifier.predict_proba([found["text"]]).max(), abs=1e-5)


def test_predictions_as_text() -> None:
    right = {"text": "Some text.", "package": "numpy", "predicted": "numpy", "probability": 0.987}
    wrong = {"text": "Other\u200b", "package": "torch", "predicted": "sympy", "probability": 0.5}
    assert classifying.predictions_text([right, wrong]).splitlines()[1:] == [
        "  Some text.",
        "      numpy, 0.99: right",
        "  'Other\\u200b'",
        "      sympy, 0.50: it is from torch",
    ]


@pytest.mark.parametrize(
    ("train", "test", "accuracy"), [("aab", "abbb", 0.25), ("ab", "abb", 1 / 3), ("ba", "abb", 1 / 3), ("bb", "a", 0)]
)
def test_the_majority(train: str, test: str, accuracy: float) -> None:
    parts = [Part(list(labels), list(labels)) for labels in (train, test)]
    assert classifying.majority_accuracy(Corpus(parts[0], parts[1], [])) == pytest.approx(accuracy)


@pytest.mark.parametrize(("packages", "got"), [(("numpy", "gone"), "numpy"), (("gone",), "none")])
def test_fewer_than_two_packages(
    monkeypatch: pytest.MonkeyPatch, store: Path, packages: tuple[str, ...], got: str
) -> None:
    monkeypatch.setattr(classifying, "read_corpus", lambda each: read_corpus(each, packages))
    said: list[str] = []
    assert classifying.classify(store, said.append) is None
    assert said == [
        "  not installed, and left out: gone",
        f"  no classifier here: expected docstrings of two packages or more, got {got}",
    ]
