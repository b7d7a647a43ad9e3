"""`glovestore train`, `predict` and `evaluate`: the whole way on a tiny store, beside what the library says."""

from __future__ import annotations

import gzip
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tiny_topics import build_store, topic_texts, write_tsv

import glovestore
from glovestore.classify import TextClassifier, estimator
from glovestore.classify.evaluation import evaluate
from glovestore.cli import main
from glovestore.shell import estimator_options, training
from glovestore.torch.pooling import POOLINGS
from glovestore.torch.rnn import Kind

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "glovestore")
WAIT = 300  # seconds: only a hang takes so long
PARAMETERS = {"units": 4, "epochs": 8, "batch_size": 8, "averaging": 0.8, "learning_rate": 0.02}
SMALL = [part for name, n in PARAMETERS.items() for part in (f"--{name}".replace("_", "-"), str(n))]


@contextmanager
def standard_input(data: bytes) -> Iterator[None]:
    """Let descriptor 0 have these bytes: texts are read from there, not from sys.stdin."""
    before = os.dup(0)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        os.dup2(file.fileno(), 0)
        try:
            yield
        finally:
            os.dup2(before, 0)
            os.close(before)


def run(*arguments: str | Path, stdin: bytes = b"", code: int = 0) -> Result:
    with standard_input(stdin):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return result


def as_json(*arguments: str | Path, **options: Any) -> Any:
    return json.loads(run(*arguments, "--json", **options).stdout_bytes.decode("ascii"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, texts to train on and to test with."""
    folder = tmp_path_factory.mktemp("train")
    build_store(folder / "store.h5")
    write_tsv(folder / "train.tsv", *topic_texts(60))
    write_tsv(folder / "test.tsv", *topic_texts(20, seed=1))
    return folder


@pytest.fixture(scope="module")
def trained(root: Path) -> Any:
    """What `train` said, as JSON; the model is root/model."""
    options = ["--test", root / "test.tsv", "--report", root / "page.html", *SMALL]
    return as_json("train", root / "train.tsv", "--store", root / "store.h5", "--out", root / "model", *options)


def train(root: Path, out: Path, *options: str | Path, code: int = 0, texts: Path | None = None, **rest: Any) -> Result:
    given = ["--store", root / "store.h5", "--out", out, *SMALL, *options]
    return run("train", texts or root / "train.tsv", *given, code=code, **rest)


# ---------------------------------------------------------------------- train


def test_train_says_what_the_library_says(root: Path, trained: Any) -> None:
    texts, labels = topic_texts(60)
    classifier = TextClassifier(root / "store.h5", **PARAMETERS).fit(texts, labels)
    timeless = [{name: n for name, n in row.items() if name != "seconds"} for row in trained["history"]]
    assert timeless == [{name: n for name, n in row.items() if name != "seconds"} for row in classifier.history_]
    assert (trained["best_epoch"], trained["interrupted"]) == (classifier.best_epoch_, False)
    expected = evaluate(classifier, *topic_texts(20, seed=1)).to_dict()
    assert {**trained["evaluation"], "seconds": 0} == {"on": str(root / "test.tsv"), **expected, "seconds": 0}
    assert trained["train"]["labels"] == {"sea": 30, "sky": 30}
    assert (trained["train"]["texts"], trained["test"]["texts"]) == (60, 20)
    whole = glovestore.Vocabulary.fit(texts, "glove")
    coverage = glovestore.open(root / "store.h5").matrix(whole).coverage
    assert trained["coverage"] == {name: n for name, n in coverage.to_dict().items() if name != "missing_tokens"}
    assert (trained["model"], trained["report"]) == (str(root / "model"), str(root / "page.html"))
    assert trained["seconds"] > 0
    saved = TextClassifier.load(root / "model")
    np.testing.assert_array_equal(saved.predict_proba(texts), classifier.predict_proba(texts))
    assert b"<!doctype html>" in (root / "page.html").read_bytes()


def test_train_prints_tables(root: Path, tmp_path: Path) -> None:
    result = train(root, tmp_path / "model", "--test", root / "test.tsv")
    assert result.stderr == ""
    train_line, test_line, coverage, *rest = result.stdout.splitlines()
    assert train_line == f"{root / 'train.tsv'}: 60 texts, 2 labels (TSV, label 1, text 2)"
    assert test_line == f"{root / 'test.tsv'}: 20 texts, 2 labels (TSV, label 1, text 2)"
    assert coverage == "coverage: 18 of 18 tokens found (100.0 %); 100.0 % of their occurrences"
    text = "\n".join(rest)
    assert re.search(r"^epoch +train loss +train accuracy +valid loss +valid accuracy +seconds\n +\*?1 ", text, re.M)
    assert len(re.findall(r"^ *\*\d ", text, re.M)) == 1
    assert re.search(r"^trained in .* m?s: the model is that of epoch \d$", text, re.M)
    assert f"\nmodel: {tmp_path / 'model'}\n" in text
    assert re.search(
        rf"^{root / 'test.tsv'}:\n\nprecision +recall .*\n.* sea\n.* sky\n\naccuracy +[01]\.\d\d\d", text, re.M
    )


def test_without_test_texts_those_of_validation_count(root: Path, tmp_path: Path) -> None:
    assert "\nvalidation texts:\n\nprecision" in train(root, tmp_path / "1", "--validation", "0.2").stdout
    file = train(root, tmp_path / "2", "--validation", root / "test.tsv", "--json")
    assert json.loads(file.stdout)["evaluation"]["texts"] == 20
    assert json.loads(file.stdout)["validation"]["path"] == str(root / "test.tsv")
    none = train(root, tmp_path / "3", "--validation", "0").stdout
    assert none.endswith("no test texts, no validation texts: nobody knows how good it is\n")
    missing = train(root, tmp_path / "4", "--validation", "0", "--report", tmp_path / "page.html", code=1)
    assert (
        missing.stderr == "glovestore: error: --report: expected test or validation texts to report about, got none\n"
    )
    assert (tmp_path / "4" / "config.json").exists()


def test_parameters_reach_the_classifier(root: Path, tmp_path: Path) -> None:
    options = """
        --tokenizer keras --oov mean --fallback lower --fallback nfkc --embeddings frozen --rnn gru --layers 2
        --one-way --pooling mean --pooling attention --dropout 0.25 --max-len 9 --learning-rate 0.01 --clip 2
        --averaging 0.5
        --patience 7 --class-weight balanced --validation 0.3 --seed 5 --device cpu
    """.split()  # noqa: SIM905
    train(root, tmp_path / "model", *options)
    parameters = json.loads((tmp_path / "model" / "config.json").read_text())["parameters"]
    assert parameters == {
        "tokenizer": "keras", "oov": "mean", "fallbacks": ["lower", "nfkc"], "embeddings": "frozen", "rnn": "gru",
        "units": 4, "layers": 2, "bidirectional": False, "pooling": ["mean", "attention"], "dropout": 0.25,
        "max_len": 9, "epochs": 8, "batch_size": 8, "learning_rate": 0.01, "clip": 2.0, "averaging": 0.5,
        "patience": 7, "class_weight": "balanced", "validation": 0.3,
    }  # fmt: skip


def test_the_seed_is_the_model(root: Path, tmp_path: Path) -> None:
    for name, seed in (("1", "1"), ("again", "1"), ("2", "2")):
        train(root, tmp_path / name, "--seed", seed)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("1", "again", "2")]
    assert weights[0] == weights[1] != weights[2]


def test_every_parameter_is_an_option_with_its_own_default() -> None:
    parameters = inspect.signature(TextClassifier).parameters
    assert {*estimator_options.PARAMETERS, "store", "validation", "progress"} == set(parameters)
    text = " ".join(run("train", "--help").stdout.split())
    for name, shown in [("batch_size", "Texts a step"), ("dropout", "in training"), ("tokenizer", "becomes tokens")]:
        assert f"{shown}; default: {parameters[name].default}." in text
    assert f"several; default: {', '.join(parameters['pooling'].default)}." in text
    assert "both directions; default: both." in text
    assert "default: None" not in text
    options = {option.name: option for option in training.train.params}
    assert all(options[name].default in (None, ()) for name in estimator_options.PARAMETERS)


def test_the_choices_are_those_of_the_library() -> None:
    assert estimator_options.EMBEDDINGS == estimator.EMBEDDINGS
    assert get_args(Kind) == estimator_options.RNNS
    assert set(estimator_options.POOLINGS) == set(POOLINGS)


def test_help_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "glovestore.classify", None)
    assert "Texts a step." in run("train", "--help").stdout


def test_train_without_the_extra(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("glovestore.classify")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "skorch", None)
    message = 'glovestore: error: glovestore.classify needs skorch: pip install "glovestore[train]"\n'
    assert train(root, tmp_path / "model", code=1).stderr == message


# ---------------------------------------------------------------------- what is read


def test_files_as_they_are(root: Path, tmp_path: Path) -> None:
    """As TREC's: a label and a space, and somewhere a byte that is not UTF-8."""
    texts, labels = topic_texts(40)
    lines = [f"{label} {text} ?\n".encode() for text, label in zip(texts, labels, strict=True)]
    lines[7] = b"sky the caf\xe9 of the moon\n"
    (tmp_path / "train.all").write_bytes(b"".join(lines))
    place = f"{tmp_path / 'train.all'}:8:12: expected utf-8, got the byte 0xe9"
    result = train(root, tmp_path / "1", texts=tmp_path / "train.all")
    assert result.stderr == (
        f"glovestore: warning: {place}: lines that are not UTF-8 are read as latin-1;"
        " say --encoding (such as latin-1, cp1252) if they are not\n"
    )
    assert "(label, space, text); 1 line in latin-1\n" in result.stdout
    assert train(root, tmp_path / "2", "--encoding", "latin-1", texts=tmp_path / "train.all").stderr == ""
    strict = train(root, tmp_path / "3", "--encoding", "utf-8", code=1, texts=tmp_path / "train.all")
    assert strict.stderr == f"glovestore: error: {place}: say --encoding (such as latin-1, cp1252)\n"


def test_columns_and_standard_input(root: Path, tmp_path: Path) -> None:
    texts, labels = topic_texts(40)
    rows = [f"{i},{text},{label}\n" for i, (text, label) in enumerate(zip(texts, labels, strict=True))]
    data = "".join(["id,what,topic\n", *rows]).encode()
    by_name = ["--text", "what", "--label", "topic", "--format", "csv"]
    result = train(root, tmp_path / "1", *by_name, texts=Path("-"), stdin=data)
    assert result.stdout.startswith("<stdin>: 40 texts, 2 labels (CSV, label 'topic', text 'what', header)\n")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(data.partition(b"\n")[2]))
    by_number = train(root, tmp_path / "2", "--text", "2", "--label", "3", texts=tmp_path / "t.csv.gz")
    assert "40 texts, 2 labels (CSV, label 3, text 2)\n" in by_number.stdout


def test_bad_rows_are_named(root: Path, tmp_path: Path) -> None:
    data = (root / "train.tsv").read_text() + "sea\n" * 7
    (tmp_path / "t.tsv").write_text(data)
    problem = "expected 2 fields separated by tabs, got 1"
    strict = train(root, tmp_path / "model", texts=tmp_path / "t.tsv", code=1)
    assert strict.stderr == f"glovestore: error: {tmp_path / 't.tsv'}:61: {problem}\n"
    lenient = train(root, tmp_path / "model", "--skip-bad-rows", texts=tmp_path / "t.tsv")
    named = [f"glovestore: skipped: {tmp_path / 't.tsv'}:{line}: {problem}" for line in range(61, 66)]
    assert lenient.stderr.splitlines() == [*named, f"glovestore: skipped: 2 more rows of {tmp_path / 't.tsv'}"]
    assert "; skipped 7 bad rows\n" in lenient.stdout


GOOD = "sea\tthe ship\nsky\tthe star\n"


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("sea\tthe ship\nsky\t...\n", ["--tokenizer", "keras"],
         "t.tsv:2: expected a text to train on, got '...': no token in it"),
        ("sea\tthe ship\nsea\ta wave\n", [], "labels: expected two classes or more, got 1 class, 'sea'"),
        ("the ship\nthe star\n", [], "t.tsv:1: expected two columns, label and text, got 1: say --text and --label"),
        ("sea\t1\nsky\t2\n", [], "t.tsv:1: expected texts in column 2, got nothing but numbers, such as '1'"),
        (GOOD, ["--format", "csv"], "got 1: say --text and --label"),
        (GOOD, ["--text", "2", "--label", "3"], "expected the label in column 3, got 2 columns"),
        (GOOD, ["--text", "x", "--no-header"], "as the column 'x' is named, got header=False"),
        (GOOD, ["--encoding", "utf-9"], "encoding: expected the name of one"),
        (GOOD, ["--batch-size", "0"], "batch_size: expected an integer of at least 1, got 0"),
        (GOOD, ["--validation", "1.5"], "validation: expected a number from 0"),
    ],
)  # fmt: skip
def test_bad_input(root: Path, tmp_path: Path, text: str, options: list[str], message: str) -> None:
    (tmp_path / "t.tsv").write_text(text)
    result = train(root, tmp_path / "model", *options, code=1, texts=tmp_path / "t.tsv")
    assert message in result.stderr
    assert result.stderr.startswith("glovestore: error: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("option", ["--test", "--validation"])
def test_labels_that_are_not_trained_on(root: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "t.tsv").write_text("sea\tthe ship\nearth\ta tree\n")
    result = train(root, tmp_path / "model", option, tmp_path / "t.tsv", code=1)
    expected = f"expected one of the labels of {root / 'train.tsv'} ('sea', 'sky'), got 'earth'"
    assert result.stderr == f"glovestore: error: {tmp_path / 't.tsv'}:2: {expected}\n"
    assert not (tmp_path / "model").exists()


# ---------------------------------------------------------------------- what is written


def test_places_that_cannot_be_written_to_are_named_at_once(root: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.tsv"  # nobody gets as far as to read it
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    other = "expected a saved model or nothing there, got something else: it stays"
    for out, problem in [
        ("no/model", "no: expected a folder to save the model in, got none"),
        ("file", f"file: {other}"),
        ("folder", f"folder: {other}"),
    ]:
        for options in ([], ["--overwrite"]):
            result = train(root, tmp_path / out, *options, texts=absent, code=1)
            assert result.stderr == f"glovestore: error: {tmp_path}/{problem}\n"
    page = tmp_path / "no" / "page.html"
    message = f"glovestore: error: {tmp_path / 'no'}: expected a folder to write the report in, got none\n"
    assert train(root, tmp_path / "model", "--report", page, texts=absent, code=1).stderr == message
    assert run("evaluate", tmp_path / "model", absent, "--report", page, code=1).stderr == message
    assert "--test FILE" in train(root, tmp_path / "model", "--compare", texts=absent, code=2).stderr


def test_a_model_is_replaced_only_when_told(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    out.mkdir()  # an empty folder is no model
    train(root, out)
    before = (out / "model.safetensors").read_bytes()
    refused = train(root, out, "--seed", "1", code=1)
    assert refused.stderr == f"glovestore: error: {out}: a model is there already: train with --overwrite\n"
    assert (out / "model.safetensors").read_bytes() == before
    train(root, out, "--seed", "1", "--overwrite")
    assert (out / "model.safetensors").read_bytes() != before


def test_a_report_does_not_replace_other_files(root: Path, trained: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    result = run("evaluate", root / "model", root / "test.tsv", "--report", page, code=1)
    assert "write with --overwrite to replace it" in result.stderr
    assert page.read_text() == "mine"
    run("evaluate", root / "model", root / "test.tsv", "--report", page, "--overwrite")
    run("evaluate", root / "model", root / "test.tsv", "--report", page)
    assert page.read_bytes().startswith(b"<!doctype html>")


def test_extra_tokens_make_a_model_that_needs_no_store(root: Path, tmp_path: Path) -> None:
    store = build_store(tmp_path / "store.h5")
    options = ["--store", store, *SMALL, "--epochs", "12", "--embeddings", "frozen"]
    run("train", root / "train.tsv", "--out", tmp_path / "own", "--extra-tokens", "100", *options)
    run("train", root / "train.tsv", "--out", tmp_path / "none", *options)
    texts = b"anchor\ngalaxy\n"  # in no training text
    expected = run("predict", tmp_path / "none", stdin=texts).stdout
    store.unlink()
    assert run("predict", tmp_path / "own", stdin=texts).stdout == expected
    without = run("predict", tmp_path / "none", stdin=texts)
    assert "give --store, or train with --extra-tokens" in without.stderr
    assert without.stdout != expected
    build_store(store)
    assert run("predict", tmp_path / "none", "--store", store, stdin=texts).stdout == expected


# ---------------------------------------------------------------------- compare


def test_compare(root: Path, tmp_path: Path) -> None:
    result = train(root, tmp_path / "1", "--test", root / "test.tsv", "--compare").stdout
    lines = result.splitlines()[-5:]
    assert lines[0] == "accuracy  seconds  60 texts to train, 20 to test"
    assert [line.split(None, 2)[2] for line in lines[1:]] == [
        "pretrained vectors, tuned",
        "pretrained vectors, frozen",
        "random vectors, tuned",
        "mean of the vectors, logistic regression",
    ]
    done = train(root, tmp_path / "2", "--test", root / "test.tsv", "--compare", "--embeddings", "random", "--json")
    found = json.loads(done.stdout)
    assert list(found["compared"]["ways"]) == ["tuned", "frozen", "random", "mean"]
    own = found["compared"]["ways"]["random"]
    assert own == {"accuracy": found["evaluation"]["accuracy"], "seconds": found["seconds"]}


# ---------------------------------------------------------------------- predict


def test_predict_is_the_library(root: Path, trained: Any, tmp_path: Path) -> None:
    texts = ["the ship", "", "star moon", "anchor", "  ", "the ship"]
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in texts))
    classifier = TextClassifier.load(root / "model")
    probabilities = classifier.predict_proba(texts)
    expected = [
        f"{label}\t{row.max():.4f}" for label, row in zip(classifier.predict(texts), probabilities, strict=True)
    ]
    assert run("predict", root / "model", tmp_path / "texts.txt").stdout.splitlines() == expected
    piped = run("predict", root / "model", stdin=(tmp_path / "texts.txt").read_bytes())
    assert piped.stdout.splitlines() == expected
    both = run("predict", root / "model", tmp_path / "texts.txt", "--top", "5").stdout.splitlines()
    for line, row in zip(both, probabilities, strict=True):
        ranked = sorted(zip(row, ("sea", "sky"), strict=True), key=lambda pair: -pair[0])
        assert line == "\t".join(f"{label}\t{probability:.4f}" for probability, label in ranked)


def test_predict_as_json_lines(root: Path, trained: Any) -> None:
    classifier = TextClassifier.load(root / "model")
    row = classifier.predict_proba(["the star"])[0]
    one = run("predict", root / "model", "--json", stdin=b"the star\nthe ship\n").stdout.splitlines()
    assert json.loads(one[0]) == {"label": "sky", "probability": pytest.approx(float(row[1]))}
    assert len(one) == 2
    two = json.loads(run("predict", root / "model", "--json", "-k", "2", stdin=b"the star").stdout)
    assert [found["label"] for found in two["labels"]] == ["sky", "sea"]
    assert sum(found["probability"] for found in two["labels"]) == pytest.approx(1)


def test_predict_takes_the_texts_of_labelled_files(root: Path, trained: Any) -> None:
    texts, _ = topic_texts(20, seed=1)
    plain = run("predict", root / "model", stdin="\n".join(texts).encode()).stdout
    assert run("predict", root / "model", root / "test.tsv").stdout == plain
    assert run("predict", root / "model", root / "test.tsv", "--text", "2", "--no-header").stdout == plain
    assert run("predict", root / "model", root / "test.tsv", "--format", "text").stdout.count("\n") == 20


def test_predict_errors(root: Path, trained: Any, tmp_path: Path) -> None:
    bad = run("predict", root / "model", "--encoding", "utf-8", stdin=b"the ship\n\xff\n", code=1)
    assert bad.stdout.startswith("sea\t")
    assert bad.stderr.startswith("glovestore: error: <stdin>:2:1: expected utf-8, got the byte 0xff: say --encoding")
    assert "expected the folder of a saved model" in run("predict", tmp_path / "absent", code=1).stderr
    assert "texts.txt: No such file" in run("predict", root / "model", tmp_path / "texts.txt", code=1).stderr
    (tmp_path / "two.tsv").write_text("a\tb\tc\n")
    assert "two.tsv:1: expected two columns" in run("predict", root / "model", tmp_path / "two.tsv", code=1).stderr


def test_no_texts_no_lines(root: Path, trained: Any) -> None:
    assert run("predict", root / "model").stdout == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_predict_answers_line_by_line(root: Path, trained: Any) -> None:
    """Each line is sent only when the one before was answered."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [SCRIPT, "predict", root / "model"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=buffered
    )
    assert process.stdin and process.stdout
    for text, label in [(b"ship\n", b"sea"), (b"\n", None), (b"the star of the moon\n", b"sky")]:
        process.stdin.write(text)
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer.count(b"\t") == 1
        assert label is None or answer.startswith(label)
    assert process.communicate(timeout=WAIT)[0] == b""
    assert process.returncode == 0


# ---------------------------------------------------------------------- evaluate


def test_evaluate_is_what_train_said(root: Path, trained: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = as_json("evaluate", root / "model", root / "test.tsv", "--report", page)
    timed = {**found["evaluation"], "seconds": 0}
    assert {"on": str(root / "test.tsv"), **timed} == {**trained["evaluation"], "seconds": 0}
    assert found["test"] == trained["test"]
    assert (found["model"], found["report"]) == (str(root / "model"), str(page))
    assert page.read_bytes().startswith(b"<!doctype html>")
    text = run("evaluate", root / "model", root / "test.tsv", "--report", page).stdout
    assert text.startswith(f"{root / 'test.tsv'}: 20 texts, 2 labels (TSV, label 1, text 2)\n\nprecision")
    assert text.endswith(f"\n\nreport: {page}\n")


def test_evaluate_names_the_line_of_an_unknown_label(root: Path, trained: Any, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("\nsea\tthe ship\nearth\ta tree\n")
    result = run("evaluate", root / "model", tmp_path / "t.tsv", code=1)
    expected = "expected one of the classifier's 2 classes ('sea', 'sky'), got 'earth'"
    assert result.stderr == f"glovestore: error: {tmp_path / 't.tsv'}:3: {expected}\n"


def test_labels_that_are_numbers_in_the_library(root: Path, tmp_path: Path) -> None:
    texts, labels = topic_texts(40)
    numbers = [["sea", "sky"].index(label) for label in labels]
    TextClassifier(root / "store.h5", **PARAMETERS).fit(texts, numbers).save(tmp_path / "model")
    write_tsv(tmp_path / "t.tsv", texts, numbers)
    found = as_json("evaluate", tmp_path / "model", tmp_path / "t.tsv")
    assert found["evaluation"]["texts"] == 40
    assert found["evaluation"]["classes"] == [0, 1]
    assert run("predict", tmp_path / "model", stdin=b"the ship\n").stdout[:2] in ("0\t", "1\t")


# ---------------------------------------------------------------------- processes


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.usefixtures("ctrl_c")
def test_control_c_saves_the_model_so_far(root: Path, tmp_path: Path) -> None:
    options = ["--units", "4", "--batch-size", "8", "--epochs", "100000", "--patience", "100000", "--progress"]
    process = subprocess.Popen(
        [SCRIPT, "train", root / "train.tsv", "--store", root / "store.h5", "--out", tmp_path / "model", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    seen = b""
    while b"epoch 3/" not in seen:
        more = os.read(process.stderr.fileno(), 1 << 16)
        assert more, seen
        seen += more
    process.send_signal(signal.SIGINT)
    output, messages = process.communicate(timeout=WAIT)
    assert process.returncode == 128 + signal.SIGINT
    *_, warning, last = messages.decode().splitlines()
    assert re.search(r"glovestore: warning: training was interrupted after \d+ epochs", warning)
    assert last == f"glovestore: interrupted: the model so far is in {tmp_path / 'model'}"
    assert f"\nmodel: {tmp_path / 'model'}\n".encode() in output
    model = TextClassifier.load(tmp_path / "model")
    assert model.interrupted_
    assert len(model.history_) >= 2


VERB = """
import sys
from glovestore.cli import main
main({!r}, standalone_mode=False)
print(*sys.modules)
"""
HEAVY = {
    "torch",
    "sklearn",
    "skorch",
    "scipy",
    "safetensors",
    "jinja2",
    "h5py",
    "glovestore.classify",
    "glovestore.labelled",
}


def test_other_verbs_load_nothing_of_this(root: Path) -> None:
    for arguments in (["info", str(root / "store.h5")], ["get", str(root / "store.h5"), "the"]):
        command = [sys.executable, "-P", "-c", VERB.format(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 0, done.stderr
        assert HEAVY.isdisjoint(done.stdout.splitlines()[-1].split())
