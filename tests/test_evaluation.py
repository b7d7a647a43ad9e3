"""Evaluations against counting by hand, and the errors of bad input."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import FrozenInstanceError
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline
from stand_in import Told, one_sure_class

from glovestore.classify.evaluation import Evaluation, evaluate

CLASSES = ["bad", "good", "odd"]
TEXTS = ["a", "b", "c", "d", "e"]
LABELS = ["good", "good", "bad", "bad", "good"]
PREDICTED = [1, 0, 0, 1, 1]
CONFIDENCE = [0.9, 0.8, 0.7, 0.95, 0.6]


def small() -> Evaluation:
    return evaluate(Told(CLASSES, one_sure_class(PREDICTED, 3, CONFIDENCE)), TEXTS, LABELS)


def counted(true: Sequence[int], predicted: Sequence[int], classes: int) -> dict[str, Any]:
    """Count pair by pair, in fractions: the oracle."""
    pairs = Counter(zip(true, predicted, strict=True))
    scores = []
    for label in range(classes):
        hits = pairs[label, label]
        support, got = true.count(label), predicted.count(label)
        precision = Fraction(hits, got) if got else Fraction(0)
        recall = Fraction(hits, support) if support else Fraction(0)
        both = precision + recall
        scores.append((precision, recall, 2 * precision * recall / both if both else Fraction(0), support, got))
    present = [f1 for _, _, f1, support, got in scores if support or got]
    return {
        "confusion": [[pairs[i, j] for j in range(classes)] for i in range(classes)],
        "scores": scores,
        "accuracy": Fraction(sum(pairs[label, label] for label in range(classes)), len(true)),
        "macro_f1": sum(present, Fraction(0)) / len(present),
        "wrong": [i for i, (a, b) in enumerate(zip(true, predicted, strict=True)) if a != b],
    }


@st.composite
def predictions(draw: st.DrawFn) -> tuple[int, list[int], list[int], list[float]]:
    classes = draw(st.integers(2, 6))
    label = st.integers(0, classes - 1)
    rows = draw(st.lists(st.tuples(label, label, st.sampled_from([0.6, 0.7, 0.8, 0.9])), min_size=1, max_size=40))
    true, predicted, confidence = map(list, zip(*rows, strict=True))
    return classes, true, predicted, confidence


@given(predictions())
def test_scores_are_what_counting_gives(drawn: tuple[int, list[int], list[int], list[float]]) -> None:
    classes, true, predicted, confidence = drawn
    names = [f"class {i}" for i in range(classes)]
    classifier = Told(names, one_sure_class(predicted, classes, confidence))
    made = evaluate(classifier, [f"text {i}" for i in range(len(true))], [names[i] for i in true])
    expected = counted(true, predicted, classes)

    assert made.confusion.tolist() == expected["confusion"]
    assert made.accuracy == pytest.approx(float(expected["accuracy"]))
    assert made.macro_f1 == pytest.approx(float(expected["macro_f1"]))
    assert made.macro_f1 == pytest.approx(f1_score(made.labels, made.predicted, average="macro", zero_division=0.0))
    assert made.accuracy == accuracy_score(made.labels, made.predicted)
    for name, scores, (*shares, support, got) in zip(names, made.per_class(), expected["scores"], strict=True):
        assert (scores.label, scores.support, scores.predicted) == (name, support, got)
        assert [scores.precision, scores.recall, scores.f1] == pytest.approx(list(map(float, shares)))
        assert scores.occurs == bool(support or got)
    surest = sorted(expected["wrong"], key=lambda i: (-confidence[i], i))
    assert [mistake.position for mistake in made.mistakes()] == surest
    assert [mistake.position for mistake in made.mistakes(2)] == surest[:2]
    assert made.correct == len(true) - len(surest)


def test_arrays_have_the_types_that_the_docstring_says_and_stay_as_they_are() -> None:
    probabilities = one_sure_class(PREDICTED, 3, CONFIDENCE).astype(np.float32)
    classifier = Told(CLASSES, probabilities)
    made = evaluate(classifier, TEXTS, LABELS)
    assert made.labels.tolist() == LABELS
    assert made.predicted.tolist() == ["good", "bad", "bad", "good", "good"]
    assert made.labels.dtype == made.predicted.dtype == made.classes.dtype == classifier.classes_.dtype
    assert made.confusion.dtype == np.int64
    assert made.probabilities.dtype == made.confidence.dtype == np.float32
    assert np.array_equal(made.probabilities, probabilities)
    assert made.confidence.tolist() == np.float32(CONFIDENCE).tolist()
    for array in (made.classes, made.labels, made.predicted, made.probabilities, made.confidence, made.confusion):
        with pytest.raises(ValueError, match="read-only"):
            array.flat[0] = array.flat[1]
    probabilities[:] = 0  # the caller's own still can be written, and nothing here changes
    classifier.classes_[0] = "x"
    assert made.confidence[0] == np.float32(0.9)
    assert made.classes.tolist() == CLASSES
    with pytest.raises(FrozenInstanceError):
        made.seconds = 0.0  # type: ignore[misc]
    assert made.seconds >= 0


def test_a_class_that_is_never_predicted_has_precision_0_without_a_warning() -> None:
    bad, good, odd = small().per_class()
    assert (bad.precision, bad.recall, bad.f1, bad.support, bad.predicted) == (0.5, 0.5, 0.5, 2, 2)
    assert (good.support, good.predicted) == (3, 3)
    assert (odd.precision, odd.recall, odd.f1, odd.support, odd.predicted) == (0.0, 0.0, 0.0, 0, 0)


def test_the_most_confident_mistakes_come_first() -> None:
    first, second = small().mistakes()
    assert tuple(first) == (3, "d", "bad", "good", 0.95)
    assert tuple(second) == (1, "b", "good", "bad", 0.8)
    assert small().mistakes(1) == [first]
    assert small().mistakes(0) == []


def test_the_table_for_a_terminal() -> None:
    assert str(small()) == "\n".join(
        [
            "precision  recall     F1  texts  predicted  class",
            "    0.500   0.500  0.500      2          2  bad",
            "    0.667   0.667  0.667      3          3  good",
            "        -       -      -      0          0  odd",
            "",
            "accuracy  0.600  3 of 5",
            "macro F1  0.583",
        ]
    )
    assert repr(small()) == "Evaluation(5 texts, 3 classes, accuracy=0.600, macro_f1=0.583)"


def test_labels_that_cannot_be_seen_are_quoted_in_the_table() -> None:
    table = str(evaluate(Told(["", "\x1b[2J"], one_sure_class([0], 2)), ["a"], [""]))
    assert table.splitlines()[1].endswith("  ''")
    assert table.splitlines()[2].endswith(r"  '\x1b[2J'")


def test_a_dict_for_json() -> None:
    made = evaluate(Told([3, 7], one_sure_class([0, 0], 2)), ["a", "b"], np.array([3, 7]))
    values = json.loads(json.dumps(made.to_dict()))
    assert values.pop("seconds") >= 0
    assert values == {
        "texts": 2,
        "correct": 1,
        "accuracy": 0.5,
        "macro_f1": pytest.approx(1 / 3),
        "classes": [3, 7],
        "per_class": [
            {"label": 3, "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1, "predicted": 2},
            {"label": 7, "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1, "predicted": 0},
        ],
        "confusion": [[1, 0], [1, 0]],
    }


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (["a", "b"], ["b", "a"]),
        ([0, 1], np.array([1, 0], np.int8)),
        ([0, 1], [True, False]),
        ([0.5, 1.5], (1.5, 0.5)),
        (np.array([("x", 1), "y"], object)[:2], ["y", ("x", 1)]),
        ([b"a", b"b"], iter([b"b", b"a"])),
    ],
)
def test_labels_of_any_type(classes: Any, labels: Any) -> None:
    classifier = Told([0, 1], one_sure_class([1, 0], 2))
    classifier.classes_ = classes if isinstance(classes, np.ndarray) else np.array(classes)
    assert evaluate(classifier, ["a", "b"], labels).accuracy == 1.0


@pytest.mark.parametrize("texts", [("a", "b"), iter(["a", "b"]), np.array(["a", "b"]), pa.array(["a", "b"])])
def test_texts_of_any_kind(texts: Any) -> None:
    made = evaluate(Told([0, 1], one_sure_class([1, 0], 2)), texts, [1, 0])
    assert made.texts == ("a", "b")


def test_texts_that_are_tokens_already() -> None:
    made = evaluate(Told([0, 1], one_sure_class([1, 1], 2)), [["a", "b"], "c"], [1, 0])
    assert made.texts == (["a", "b"], "c")
    assert made.mistakes()[0].text == "c"


def test_a_pipeline_of_scikit_learn() -> None:
    texts, labels = ["good day", "bad day", "good", "bad night"], ["+", "-", "+", "-"]
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, labels)
    made = evaluate(model, texts, labels)
    assert made.predicted.tolist() == model.predict(texts).tolist() == labels
    assert made.mistakes() == []


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([], [], "texts: expected at least one text to evaluate, got none"),
        (["a", "b"], [0], "labels: expected one a text, 2, got 1"),
        (["a"], [0, 1], "labels: expected one a text, 1, got 2"),
        (["a", "b"], [1, "one"], "labels[1]: expected one of the classifier's 2 classes (0, 1), got 'one'"),
        (["a", "b"], [None, 1], "labels[0]: expected one of the classifier's 2 classes (0, 1), got None"),
        (["a", "b"], [1, [0]], "labels[1]: expected one of the classifier's 2 classes (0, 1), got [0]"),
        (["a", "b"], np.zeros((2, 1), int), "labels[0]: expected one of the classifier's 2 classes (0, 1), got [0]"),
        (["a", "b"], [0, float("nan")], "labels[1]: expected one of the classifier's 2 classes (0, 1), got nan"),
    ],
)
def test_bad_values(texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        evaluate(Told([0, 1], one_sure_class([1] * len(texts), 2)), texts, labels)
    assert str(error.value) == message


def test_of_many_classes_a_few_are_named() -> None:
    with pytest.raises(ValueError) as error:
        evaluate(Told(list("abcdefg"), one_sure_class([1], 7)), ["x"], ["z" * 100])
    expected = "one of the classifier's 7 classes ('a', 'b', 'c', 'd', 'e', ...)"
    assert str(error.value) == f"labels[0]: expected {expected}, got '{'z' * 59}..."


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ("ab", [0, 1], "texts: expected a list of texts, got one str; pass [text]"),
        (7, [0], "texts: expected an iterable of texts, got int"),
        (["a", "b"], "01", "labels: expected a list of labels, got the str '01'"),
        (pa.array(["a", None]), [0, 1], "texts[1]: expected a str, got null"),
    ],
)
def test_bad_types(texts: Any, labels: Any, message: str) -> None:
    with pytest.raises(TypeError) as error:
        evaluate(Told([0, 1], one_sure_class([1, 1], 2)), texts, labels)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (
            np.zeros((2, 3)),
            "predict_proba: expected shape (2, 2), a text a row and a class a column, got (2, 3)",
        ),
        (
            [[0.5, 0.5], [np.nan, np.nan]],
            "predict_proba: expected numbers, got NaN for 1 of 2 texts, first texts[1]",
        ),
    ],
)
def test_bad_probabilities(probabilities: Any, message: str) -> None:
    with pytest.raises(ValueError) as error:
        evaluate(Told([0, 1], probabilities), ["a", "b"], [0, 1])
    assert str(error.value) == message
