"""TextClassifier: what it learns, what it keeps, and what it says when something is wrong."""

from __future__ import annotations

import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_topics import UNSEEN, build_store, topic_texts

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

from sklearn.base import clone  # noqa: E402 - after the skip
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

import glovestore  # noqa: E402
from glovestore.classify import TextClassifier  # noqa: E402
from glovestore.classify.averaging import AveragedWeights  # noqa: E402
from glovestore.classify.batches import BucketedBatches, EncodedTexts, SortedBatches  # noqa: E402
from glovestore.classify.inputs import split  # noqa: E402
from glovestore.classify.training import Net  # noqa: E402

TEXTS, LABELS = topic_texts(60)
SMALL: dict[str, Any] = {"units": 4, "epochs": 3, "batch_size": 10, "learning_rate": 0.05, "averaging": 0.5}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_store(tmp_path_factory.mktemp("store") / "store.h5")


@pytest.fixture
def new(store: Path) -> Any:
    return lambda **options: TextClassifier(options.pop("store", store), **SMALL | options)


@pytest.fixture(scope="module")
def fitted(store: Path) -> TextClassifier:
    return TextClassifier(store, **SMALL).fit(TEXTS, LABELS)


# ---------------------------------------------------------------------- learning


def test_it_learns(fitted: TextClassifier) -> None:
    texts, labels = topic_texts(40, seed=1)
    assert fitted.score(texts, labels) == 1.0
    assert fitted.classes_.tolist() == ["sea", "sky"]
    probabilities = fitted.predict_proba(texts)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (40, 2))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    assert fitted.predict(texts).tolist() == fitted.classes_[probabilities.argmax(1)].tolist()
    assert [row["epoch"] for row in fitted.history_] == [1, 2, 3]
    assert {*fitted.history_[0]} == {
        "epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds",
    }  # fmt: skip
    assert fitted.training_texts_ == 54
    assert len(fitted.validation_[0]) == len(fitted.validation_[1]) == 6
    assert not fitted.interrupted_


def test_tokens_that_were_not_seen_take_the_vectors_of_the_store(fitted: TextClassifier, store: Path) -> None:
    assert not set(UNSEEN.values()) & set(fitted.vocabulary_.tokens)
    assert fitted.predict(list(UNSEEN.values())).tolist() == list(UNSEEN)
    with glovestore.open(store) as opened:
        anchor = torch.from_numpy(opened["anchor"].copy())
    the = fitted.module_.embedding.weight[fitted.vocabulary_.word_index["the"]]
    logits = fitted.module_.classify(torch.stack([the, anchor])[None], torch.ones(1, 2, dtype=torch.bool))
    expected = logits.softmax(1).detach().numpy()
    np.testing.assert_allclose(fitted.predict_proba(["the anchor"]), expected, atol=1e-6)
    nothing = fitted.predict_proba(["", "  "])
    np.testing.assert_allclose(nothing[0], fitted.module_.linear.bias.softmax(0).detach().numpy(), atol=1e-6)


def test_tokens_that_are_nowhere_take_the_same_noise_every_time(fitted: TextClassifier) -> None:
    one, *rest = fitted.predict_proba(["zzz", "the zzz", "yyy"])
    np.testing.assert_allclose(fitted.predict_proba(["zzz"])[0], one, atol=1e-6)  # padded, or not
    assert not np.allclose(one, rest[1], atol=1e-3)


def test_the_same_seed_gives_the_same_bits_and_leaves_others_alone(new: Any) -> None:
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    before = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    one, two = (new().fit(TEXTS, LABELS) for _ in range(2))
    assert (torch.rand(1), np.random.rand(), random.random()) == before
    np.testing.assert_array_equal(one.predict_proba(TEXTS), two.predict_proba(TEXTS))
    other = new(random_state=1).fit(TEXTS, LABELS)
    assert not np.array_equal(one.predict_proba(TEXTS), other.predict_proba(TEXTS))


@pytest.mark.parametrize("embeddings", ["tuned", "frozen", "random"])
def test_what_becomes_of_the_vectors(embeddings: str, new: Any, store: Path) -> None:
    made = new(embeddings=embeddings).fit(TEXTS, LABELS)
    weights = made.module_.embedding.weight.detach().numpy()
    assert len(weights) == len(made.vocabulary_)
    assert not weights[0].any()  # padding
    with glovestore.open(store) as opened:
        same = np.equal(weights, opened.matrix(made.vocabulary_, oov="normal").array).all(1)
    assert same[2:].all() if embeddings == "frozen" else not same[2:].any()
    assert (made.coverage_.found == 0) == (embeddings == "random")


def test_tokens_of_validation_texts_alone_are_not_trained(new: Any, store: Path) -> None:
    made = new().fit(TEXTS, LABELS, validation_data=(["the anchor", "galaxy"], ["sea", "sky"]))
    assert made.training_texts_ == 60
    assert "anchor" not in made.vocabulary_
    assert made.history_[-1]["valid_accuracy"] == made.score(["the anchor", "galaxy"], ["sea", "sky"])


@pytest.mark.parametrize("rnn", ["lstm", "gru", "rnn"])
def test_other_models(rnn: str, new: Any) -> None:
    made = new(rnn=rnn, layers=2, bidirectional=False, pooling=["mean", "attention"], max_len=3, epochs=9).fit(
        TEXTS, LABELS
    )
    assert made.score(TEXTS, LABELS) > 0.9
    weights = made.attention(["the old ship sail", ""])
    assert [token for token, _ in weights[0]] == ["the", "old", "ship"]
    assert sum(weight for _, weight in weights[0]) == pytest.approx(1, abs=1e-5)
    assert weights[1] == []


def test_attention_has_to_be_there(fitted: TextClassifier) -> None:
    with pytest.raises(ValueError, match='expected "attention" to be among them, got max, last'):
        fitted.attention(TEXTS)


# ---------------------------------------------------------------------- inputs


@pytest.mark.parametrize(
    "given",
    [
        lambda texts: np.array(texts, object),
        lambda texts: np.array(texts),
        pd.Series,
        pl.Series,
        pa.array,
        iter,
        tuple,
        lambda texts: [text.split() for text in texts],
    ],
)
def test_texts_from_anywhere(given: Any, new: Any, fitted: TextClassifier) -> None:
    made = new().fit(given(TEXTS), LABELS)
    np.testing.assert_array_equal(made.predict_proba(given(TEXTS)), fitted.predict_proba(TEXTS))


@pytest.mark.parametrize("kinds", [(3, 7), (False, True), (0.0, 2.0), (np.int8(-1), np.int8(1)), ("x", "é")])
@pytest.mark.parametrize("given", [list, np.array, pd.Series, pa.array])
def test_labels_of_any_kind(kinds: tuple[Any, Any], given: Any, new: Any) -> None:
    labels = given([kinds[label == "sky"] for label in LABELS])
    made = new().fit(TEXTS, labels)
    assert made.predict(["ship", "star"]).tolist() == list(kinds)
    assert made.classes_.tolist() == list(kinds)


BAD_INPUT = [
    (TEXTS, ["sea"] * 60, ValueError, "labels: expected two classes or more, got 1 class, 'sea'"),
    ([], [], ValueError, "labels: expected two classes or more, got no texts"),
    (TEXTS, LABELS[:-1], ValueError, "labels: expected one a text, 60; got 59"),
    (["a", " ", ""], ["x", "y", "x"], ValueError,
     r"texts\[1\]: expected a text to train on, got ' ': no token in it \(and 1 more such texts\)"),
    (["a", "b"], ["x", None], ValueError, r"labels\[1\]: expected a label, got None: it is missing"),
    (["a", "b"], [1.0, float("nan")], ValueError, r"labels\[1\]: expected a label, got nan: it is missing"),
    (["a", "b"], ["x", pd.NA], ValueError, r"labels\[1\]: expected a label, got <NA>: it is missing"),
    (["a", "b"], pd.array([1, None]), ValueError, r"labels\[1\]: expected a label, got <NA>: it is missing"),
    (["a", "b"], pd.to_datetime(["2000-01-01", None]), ValueError, r"labels\[1\]: expected a label, got NaT: it is"),
    (["a", "b"], [("x", "y"), ("z",)], ValueError, "labels: expected one label a text, got sequences of several le"),
    (["a", "b"], np.eye(2), ValueError, r"labels: expected one label a text, got an array of shape \(2, 2\)"),
    (["a", "b"], ["x", 1], TypeError, "labels: expected labels of one kind, got both strings and others"),
    (["a", "b"], [0.5, 0.25], ValueError, "Unknown label type: continuous"),
    (["a", b"b"], ["x", "y"], TypeError, r"texts\[1\]: expected a str or a list of tokens, got bytes b'b'"),
    (["a", 7], ["x", "y"], TypeError, r"texts\[1\]: expected a str or a list of tokens, got int 7"),
    (["a", None], ["x", "y"], TypeError, r"texts\[1\]: expected a str or a list of tokens, got NoneType None"),
    ("a text", ["x", "y"], TypeError, "texts: expected a list of texts, got one str; pass .text."),
    (["a", "b"], "xy", TypeError, "labels: expected a list of labels, got str 'xy'"),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "labels", "kind", "sentence"), BAD_INPUT)
def test_bad_input(texts: Any, labels: Any, kind: type[Exception], sentence: str, new: Any) -> None:
    with pytest.raises(kind, match=sentence):
        new().fit(texts, labels)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"epochs": 0}, "epochs: expected an integer of at least 1, got 0"),
        ({"units": 1.5}, "units: expected an integer of at least 1, got 1.5"),
        ({"embeddings": "none"}, "embeddings: expected one of 'tuned', 'frozen', 'random', got 'none'"),
        ({"validation": 1.0}, "validation: expected a number from 0 up to, but not, 1; got 1.0"),
        ({"averaging": -0.1}, "averaging: expected a number from 0 up to, but not, 1; got -0.1"),
        ({"learning_rate": 0}, "learning_rate: expected a number above 0, got 0"),
        ({"learning_rate": "fast"}, "learning_rate: expected a number above 0, got 'fast'"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a number above 0, got nan"),
        ({"clip": None}, "clip: expected a number above 0, got None"),
        ({"validation": "some"}, "validation: expected a number from 0 up to, but not, 1; got 'some'"),
        ({"validation": True}, "validation: expected a number from 0 up to, but not, 1; got True"),
        ({"averaging": None}, "averaging: expected a number from 0 up to, but not, 1; got None"),
        ({"bidirectional": "no"}, "bidirectional: expected True or False, got 'no'"),
        ({"rnn": "cnn"}, "rnn: expected one of"),
        ({"pooling": "sum"}, "pooling: expected"),
        ({"oov": "none"}, "oov: expected one of"),
        ({"class_weight": "equal"}, 'class_weight: expected None, "balanced" or a mapping label -> weight, got'),
        ({"class_weight": {"sea": 0}}, "class_weight: expected numbers above 0, got 0 for 'sea'"),
        ({"class_weight": {"sea": -1.0}}, "class_weight: expected numbers above 0, got -1.0 for 'sea'"),
        ({"class_weight": {"sea": float("inf")}}, "class_weight: expected numbers above 0, got inf for 'sea'"),
        ({"class_weight": {"sea": float("nan")}}, "class_weight: expected numbers above 0, got nan for 'sea'"),
        ({"class_weight": {"sea": "2"}}, "class_weight: expected numbers above 0, got '2' for 'sea'"),
        ({"class_weight": {"moon": 2.0}}, "class_weight: expected labels that stand in the texts, got 'moon'"),
    ],
)
def test_bad_parameters(option: dict[str, Any], sentence: str, new: Any) -> None:
    with pytest.raises(ValueError, match=sentence):
        new(**option).fit(TEXTS, LABELS)


def test_labels_that_were_not_trained_on(fitted: TextClassifier, new: Any) -> None:
    with pytest.raises(ValueError, match=r"^labels\[1\]: expected a label that was trained on, got 'moon'$"):
        new().fit(TEXTS, LABELS, validation_data=(TEXTS[:2], ["sea", "moon"]))


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        (5, TypeError, r"validation_data: expected \(texts, labels\), got int 5"),
        ((TEXTS, LABELS, LABELS), TypeError, r"validation_data: expected \(texts, labels\), got tuple"),
        ((TEXTS, LABELS[:2]), ValueError, "validation_data: expected one a text, 60; got 2"),
        ((TEXTS[:1], [None]), ValueError, r"validation_data\[0\]: expected a label, got None: it is missing"),
    ],
)
def test_validation_data_that_are_none(given: Any, kind: type[Exception], sentence: str, new: Any) -> None:
    with pytest.raises(kind, match=f"^{sentence}"):
        new().fit(TEXTS, LABELS, validation_data=given)


def test_before_fit_and_with_a_store_that_is_not_there(new: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        new().predict(TEXTS)
    with pytest.raises(FileNotFoundError):
        new(store=tmp_path / "none.h5").fit(TEXTS, LABELS)


# ---------------------------------------------------------------------- training


def test_class_weights(new: Any) -> None:
    few = [i for i, label in enumerate(LABELS) if label == "sea" or i < 10]
    texts, labels = [TEXTS[i] for i in few], [LABELS[i] for i in few]
    options = {"epochs": 1, "validation": 0, "learning_rate": 0.01}
    plain = new(**options).fit(texts, labels).predict_proba(texts)[:, 1].mean()
    balanced = new(class_weight="balanced", **options).fit(texts, labels).predict_proba(texts)[:, 1].mean()
    heavy = new(class_weight={"sky": 50.0}, **options).fit(texts, labels).predict_proba(texts)[:, 1].mean()
    assert plain < balanced < heavy


def test_without_validation_the_last_epoch_is_kept(new: Any) -> None:
    made = new(validation=0).fit(TEXTS, LABELS)
    assert made.best_epoch_ == 3
    assert made.validation_[0] == []
    assert "valid_loss" not in made.history_[0]


def test_the_best_epoch_is_kept_and_patience_ends_the_training(new: Any) -> None:
    """Validation labels are wrong on purpose: what is learned makes them worse."""
    wrong = {"sea": "sky", "sky": "sea"}
    validation = TEXTS[:10], [wrong[label] for label in LABELS[:10]]
    made = new(epochs=20, patience=2).fit(TEXTS, LABELS, validation_data=validation)
    ranks = [(row["valid_accuracy"], -row["valid_loss"]) for row in made.history_]
    assert made.best_epoch_ == ranks.index(max(ranks)) + 1
    assert len(made.history_) == made.best_epoch_ + 2 < 20
    assert made.score(*validation) == made.history_[made.best_epoch_ - 1]["valid_accuracy"]


def test_averages() -> None:
    """Against the sum written out."""
    layer = torch.nn.Linear(2, 1).double()
    layer.bias.requires_grad_(False)
    average, expected = AveragedWeights(layer, 0.6), layer.weight.detach().numpy().copy()
    for step in range(1, 12):
        with torch.no_grad():
            layer.weight.add_(step)
        average.update()
        keep = min(0.6, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * layer.weight.detach().numpy()
    own = layer.weight.detach().numpy().copy()
    with average.in_place():
        np.testing.assert_allclose(layer.weight.detach().numpy(), expected)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), own)


def test_what_is_kept_is_the_average_of_the_best_epoch(new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the weights of every step, averaged in Python; the loss against the probabilities that are predicted."""
    steps: list[dict[str, np.ndarray]] = []
    original = Net.train_step

    def wrapped(net: Net, *arguments: Any, **options: Any) -> Any:
        before = {name: weight.detach().numpy().copy() for name, weight in net.module_.named_parameters()}
        done = original(net, *arguments, **options)
        after = {name: weight.detach().numpy().copy() for name, weight in net.module_.named_parameters()}
        steps.extend([after] if steps else [before, after])
        return done

    monkeypatch.setattr(Net, "train_step", wrapped)
    validation = ["the anchor", "galaxy of old", "a ship", "zzz comet"], ["sky", "sea", "sky", "sea"]
    made = new(averaging=0.9, epochs=4).fit(TEXTS, LABELS, validation_data=validation)
    expected = {name: weight.astype(np.float64) for name, weight in steps[0].items()}
    assert len(steps) == 1 + 4 * 6 and made.best_epoch_ < 4  # the labels are wrong on purpose
    for number, step in enumerate(steps[1 : 1 + 6 * made.best_epoch_], 1):
        keep = min(0.9, (1 + number) / (10 + number))
        expected = {name: keep * expected[name] + (1 - keep) * weight for name, weight in step.items()}
    rows = len(made.vocabulary_)
    assert len(expected["embedding.weight"]) == rows + 3  # anchor, galaxy, zzz
    expected["embedding.weight"] = expected["embedding.weight"][:rows]
    found = {name: weight.detach().numpy() for name, weight in made.module_.named_parameters()}
    assert set(found) == set(expected)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)
    right = made.predict_proba(validation[0])[range(4), np.searchsorted(made.classes_, validation[1])]
    assert made.history_[made.best_epoch_ - 1]["valid_loss"] == pytest.approx(-np.log(right).mean(), rel=1e-5)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 7), st.integers(1, 9))
def test_batches_hold_every_text_once(lengths: list[int], batch_size: int, max_len: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    texts = EncodedTexts(np.arange(1, offsets[-1] + 1), offsets, max_len, np.arange(len(lengths)))
    expected = {i: list(range(offsets[i] + 1, offsets[i] + 1 + min(n, max_len))) for i, n in enumerate(lengths)}
    for batches in (BucketedBatches(texts, batch_size, np.random.RandomState(0)), SortedBatches(texts, batch_size)):
        found = [row for batch in batches for row in zip(*map(torch.Tensor.tolist, batch), strict=True)]
        assert {label: [token for token in ids if token] for ids, label in found} == expected
        assert len(found) == len(lengths)
        assert [len(batch[1]) for batch in batches].count(batch_size) >= len(lengths) // batch_size
        assert len(list(batches)) == len(batches)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.floats(0, 0.99))
def test_splits_leave_every_class_a_text(numbers: list[int], share: float) -> None:
    dense = np.unique(numbers, return_inverse=True)[1]
    chosen = split(dense, share, np.random.RandomState(0))
    for number in range(dense.max() + 1):
        size = int((dense == number).sum())
        assert int(chosen[dense == number].sum()) == min(round(share * size), size - 1)


# ---------------------------------------------------------------------- what goes wrong


class At:
    """Does something in place of the n-th step of a training."""

    def __init__(self, number: int, monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
        self.step, original = 0, Net.train_step_single

        def wrapped(net: Net, *arguments: Any, **options: Any) -> Any:
            self.step += 1
            if self.step == number:
                act(net)
            return original(net, *arguments, **options)

        monkeypatch.setattr(Net, "train_step_single", wrapped)


def interrupt(net: Net) -> None:
    raise KeyboardInterrupt


def spoil(net: Net) -> None:
    with torch.no_grad():
        net.module_.linear.bias.fill_(float("nan"))


def test_an_interrupt_keeps_the_best_epoch(new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = new(epochs=1).fit(TEXTS, LABELS)
    At(9, monkeypatch, interrupt)  # 6 steps an epoch
    with pytest.warns(UserWarning, match="interrupted after 1 epoch; the model is that of epoch 1") as caught:
        made = new().fit(TEXTS, LABELS)
    assert caught[0].filename == __file__
    assert made.interrupted_ and made.best_epoch_ == len(made.history_) == 1
    np.testing.assert_array_equal(made.predict_proba(TEXTS), one.predict_proba(TEXTS))


def test_an_interrupt_in_the_first_epoch(new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    At(4, monkeypatch, interrupt)
    with pytest.warns(UserWarning, match="interrupted after 0 epochs; the model is that of the steps until then"):
        made = new().fit(TEXTS, LABELS)
    assert (made.interrupted_, made.best_epoch_, made.history_) == (True, 0, [])
    assert np.isfinite(made.predict_proba(TEXTS)).all()


def test_a_loss_that_is_no_number_keeps_the_best_epoch(new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = new(epochs=1).fit(TEXTS, LABELS)
    At(9, monkeypatch, spoil)
    with pytest.warns(UserWarning, match="the loss is no number any more; the model is that of epoch 1"):
        made = new().fit(TEXTS, LABELS)
    assert not made.interrupted_
    np.testing.assert_array_equal(made.predict_proba(TEXTS), one.predict_proba(TEXTS))


def test_a_loss_that_is_no_number_from_the_start(new: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    At(2, monkeypatch, spoil)
    made = new()
    with pytest.raises(glovestore.GlovestoreError, match=r"in the first epoch: nothing was learned; .* than 0\.05$"):
        made.fit(TEXTS, LABELS)
    with pytest.raises(NotFittedError):
        made.predict(TEXTS)


def spoil_after(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spoil the weights behind the n-th step: its own loss is still a number."""
    steps, original = iter(range(1, 10**6)), Net.train_step

    def wrapped(net: Net, *arguments: Any, **options: Any) -> Any:
        done = original(net, *arguments, **options)
        if next(steps) == number:
            spoil(net)
        return done

    monkeypatch.setattr(Net, "train_step", wrapped)


@pytest.mark.parametrize("validation", [0.1, 0])
def test_an_epoch_whose_last_step_spoils_the_weights_is_not_kept(
    validation: float, new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new(epochs=1, validation=validation).fit(TEXTS, LABELS)
    spoil_after(12, monkeypatch)  # the last one of the second epoch, of 6 steps
    with pytest.warns(UserWarning, match="after 1 epoch: the loss is no number any more; the model is that of epoch 1"):
        made = new(epochs=2, validation=validation).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(made.predict_proba(TEXTS), one.predict_proba(TEXTS))


@pytest.mark.parametrize("validation", [0.1, 0])
def test_a_first_step_that_is_the_last_and_too_large(validation: float, new: Any) -> None:
    with pytest.raises(glovestore.GlovestoreError, match=r"in the first epoch: nothing was learned; .* than 1e\+38$"):
        new(learning_rate=1e38, batch_size=60, epochs=1, validation=validation).fit(TEXTS, LABELS)


PROCESS = """
import sys, warnings
sys.path.insert(0, sys.argv[2])
from tiny_topics import topic_texts
import torch
torch.set_num_threads(1)
from glovestore.classify import TextClassifier
warnings.simplefilter("ignore")
made = TextClassifier(sys.argv[1], units=4, epochs=100_000, patience=100_000, progress=True)
made.fit(*topic_texts(60))
print(made.interrupted_, made.best_epoch_ > 0, made.score(*topic_texts(40, 1)))
"""


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c(store: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(store), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        seen = ""
        while "epoch 5/" not in seen and process.poll() is None:
            seen += process.stderr.read(50)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, seen + errors
    assert output.split()[:2] == ["True", "True"]
    assert "validation: loss" in seen


# ---------------------------------------------------------------------- scikit-learn


def test_clones_and_parameters(new: Any, store: Path) -> None:
    made = new(units=7)
    assert clone(made).get_params() == made.get_params()
    assert made.set_params(units=3).get_params()["units"] == 3
    with glovestore.open(store) as opened:
        assert clone(TextClassifier(opened)).store == opened


@pytest.mark.parametrize("embeddings", ["tuned", "random"])
def test_pickles_hold_no_store(embeddings: str, new: Any) -> None:
    made = new(embeddings=embeddings).fit(TEXTS, LABELS)
    assert pickle.dumps(made.vectors_).count(b"store.h5") == (embeddings == "tuned")
    assert len(pickle.dumps(made.vectors_)) < 1000
    again = pickle.loads(pickle.dumps(made))
    texts = [*TEXTS, "anchor", "zzz"]
    np.testing.assert_array_equal(again.predict_proba(texts), made.predict_proba(texts))


def test_a_store_that_is_open(new: Any, fitted: TextClassifier, store: Path) -> None:
    with glovestore.open(store) as opened:
        made = new(store=opened).fit(TEXTS, LABELS)
        np.testing.assert_array_equal(made.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_a_store_that_was_closed(new: Any, fitted: TextClassifier, store: Path) -> None:
    """What was seen in training needs no store."""
    opened = glovestore.open(store)
    made = new(store=opened).fit(TEXTS, LABELS)
    opened.close()
    np.testing.assert_array_equal(made.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    for refused in (lambda: made.predict(["anchor"]), lambda: made.fit(TEXTS, LABELS)):
        with pytest.raises(ValueError, match=r"store\.h5: expected an open store, got one that was closed"):
            refused()


@pytest.mark.parametrize("jobs", [1, 2])
def test_cross_validation(jobs: int, new: Any) -> None:
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        assert cross_val_score(new(), TEXTS, LABELS, cv=3, n_jobs=jobs).mean() > 0.9


def test_grid_search_and_pipelines(new: Any) -> None:
    search = GridSearchCV(new(), {"pooling": ["max", ("mean", "last")]}, cv=2).fit(TEXTS, LABELS)
    assert search.best_score_ > 0.9
    assert make_pipeline(new()).fit(TEXTS, LABELS).score(TEXTS, LABELS) > 0.9


def test_progress(new: Any, capsys: pytest.CaptureFixture[str]) -> None:
    new(progress=True, epochs=2).fit(TEXTS, LABELS)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "epoch 1/2: 100%" in captured.err and "epoch 2/2: 100%" in captured.err
    new().fit(TEXTS, LABELS)
    assert capsys.readouterr().err == ""
