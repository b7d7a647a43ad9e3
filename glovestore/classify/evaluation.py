"""How well a classifier does on labelled texts: scores per class, the confusion matrix, the mistakes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from glovestore.display import aligned, visible
from glovestore.tokens import as_text, shown
from glovestore.vocabulary.texts import as_list
from glovestore.vocabulary.tokenizers import Text


class ClassScores(NamedTuple):
    """The scores of one class; `support` counts the texts that have its label, `predicted` those that got it.

    What would divide by zero is 0: the precision of a class that is never predicted, the recall of one without texts.
    """

    label: Any
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int

    @property
    def occurs(self) -> bool:
        """Say whether any text has this label or got it; the scores of a class that does not occur say nothing."""
        return bool(self.support or self.predicted)


class Mistake(NamedTuple):
    """A text whose prediction is not its label, and the probability that the classifier gave to the prediction."""

    position: int
    text: Text
    true: Any
    predicted: Any
    probability: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier predicted for some labelled texts. Made by `evaluate`; the arrays are read-only.

    `classes` (k,) are the classifier's own, in its order. For each of n texts: `labels` (n,), `predicted` (n,), both
    of the dtype of `classes`; `probabilities` (n, k) as the classifier gave them, and `confidence` (n,), that of the
    predicted class. `confusion` is int64 (k, k): row i counts what was predicted for the texts whose label is
    classes[i]. `seconds` is the time that the predictions took.
    """

    classes: NDArray[Any]
    texts: tuple[Text, ...]
    labels: NDArray[Any]
    predicted: NDArray[Any]
    probabilities: NDArray[Any]
    confidence: NDArray[Any]
    confusion: NDArray[np.int64]
    scores: tuple[ClassScores, ...]
    seconds: float

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    @property
    def correct(self) -> int:
        """The number of texts whose prediction is their label."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The part of the texts whose prediction is their label, from 0.0 to 1.0."""
        return self.correct / len(self)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes that some text has or got, as `f1_score(average="macro")` of scikit-learn."""
        return float(np.mean([scores.f1 for scores in self.scores if scores.occurs]))

    def per_class(self) -> list[ClassScores]:
        """Return the scores of every class, in the order of `classes`."""
        return list(self.scores)

    def mistakes(self, k: int | None = None) -> list[Mistake]:
        """Return the k mistakes (without k, all) that the classifier was surest of; of equals the first text first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        order = wrong[np.argsort(-self.confidence[wrong], kind="stable")][:k]
        labels, predicted = self.labels[order].tolist(), self.predicted[order].tolist()
        texts = [self.texts[i] for i in order.tolist()]
        return list(map(Mistake, order.tolist(), texts, labels, predicted, self.confidence[order].tolist()))

    def to_dict(self) -> dict[str, Any]:
        """Return scores and confusion as plain values for JSON."""
        return {
            "texts": len(self),
            "correct": self.correct,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "seconds": self.seconds,
            "classes": self.classes.tolist(),
            "per_class": [scores._asdict() for scores in self.scores],
            "confusion": self.confusion.tolist(),
        }

    def __str__(self) -> str:
        """Return a table with a line for each class, and the totals below it."""
        rows = [("precision", "recall", "F1", "texts", "predicted", "class"), *map(_cells, self.scores)]
        totals = [
            ("accuracy", f"{self.accuracy:.3f}", f"{self.correct:,} of {len(self):,}"),
            ("macro F1", f"{self.macro_f1:.3f}", ""),
        ]
        return f"{aligned(rows, 'rrrrrl')}\n\n{aligned(totals, 'lrl')}"

    def __repr__(self) -> str:
        """Return a line for people: the fields may be long."""
        scores = f"accuracy={self.accuracy:.3f}, macro_f1={self.macro_f1:.3f}"
        return f"Evaluation({len(self):,} texts, {len(self.classes):,} classes, {scores})"


def evaluate(classifier: Any, texts: Iterable[Text], labels: Iterable[Any]) -> Evaluation:
    """Let a classifier predict labelled texts, and count.

    `classifier` is anything fitted with `classes_` (k,) and `predict_proba(texts)` (n, k). The class of the greatest
    probability, of equals the first, is the prediction. ValueError if there are no texts, if there are not as many
    labels, if a label is none of the classes (naming the first), or if the probabilities are no numbers.
    """
    classes = np.asarray(classifier.classes_)
    listed, known = as_list(texts), _listed_labels(labels)
    if not listed:
        raise ValueError("texts: expected at least one text to evaluate, got none")
    if len(known) != len(listed):
        raise ValueError(f"labels: expected one a text, {len(listed):,}, got {len(known):,}")
    true = _positions(known, classes)
    start = time.perf_counter()
    probabilities = _checked(classifier.predict_proba(listed), (len(listed), len(classes)))
    return _counted(classes, listed, true, probabilities, time.perf_counter() - start)


def label_text(label: Any) -> str:
    """Return a label as people read it: as it is where it can be seen, quoted and escaped where it cannot."""
    return visible(as_text(label) if isinstance(label, bytes) else str(label))


def _listed_labels(labels: Any) -> list[Any]:
    if isinstance(labels, (str, bytes)):
        raise TypeError(f"labels: expected a list of labels, got the {type(labels).__name__} {shown(labels)}")
    return labels.tolist() if isinstance(labels, np.ndarray) else list(labels)


def _positions(labels: list[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each label stands in `classes`."""
    position = {label: i for i, label in enumerate(classes.tolist())}
    found = [_looked_up(position, label) for label in labels]
    if -1 in found:
        first = found.index(-1)
        names = ", ".join([*map(shown, list(position)[:5]), *(["..."] if len(position) > 5 else [])])
        expected = f"one of the classifier's {len(classes):,} classes ({names})"
        raise ValueError(f"labels[{first}]: expected {expected}, got {shown(labels[first])}")
    return np.array(found, np.int64)


def _looked_up(position: dict[Any, int], label: Any) -> int:
    try:
        return position.get(label, -1)
    except TypeError:  # a list, say, has no hash
        return -1


def _checked(probabilities: Any, shape: tuple[int, int]) -> NDArray[Any]:
    array = np.array(probabilities)
    if array.shape != shape:
        raise ValueError(f"predict_proba: expected shape {shape}, a text a row and a class a column, got {array.shape}")
    unusable = np.flatnonzero(np.isnan(array).any(axis=1))
    if len(unusable):
        affected = f"{len(unusable):,} of {len(array):,} texts, first texts[{unusable[0]}]"
        raise ValueError(f"predict_proba: expected numbers, got NaN for {affected}")
    return array


def _counted(
    classes: NDArray[Any], texts: list[Text], true: NDArray[np.int64], probabilities: NDArray[Any], seconds: float
) -> Evaluation:
    predicted = probabilities.argmax(axis=1)
    all_classes = np.arange(len(classes))
    arrays = (
        classes.copy(),
        classes[true],
        classes[predicted],
        probabilities,
        probabilities[np.arange(len(texts)), predicted],
        confusion_matrix(true, predicted, labels=all_classes).astype(np.int64),
    )
    for array in arrays:
        array.flags.writeable = False
    own_classes, labels, guesses, probabilities, confidence, confusion = arrays
    numbers = precision_recall_fscore_support(true, predicted, labels=all_classes, zero_division=0.0)
    columns = (*(column.tolist() for column in numbers), confusion.sum(axis=0).tolist())
    scores = tuple(map(ClassScores, classes.tolist(), *columns))
    return Evaluation(own_classes, tuple(texts), labels, guesses, probabilities, confidence, confusion, scores, seconds)


def _cells(scores: ClassScores) -> tuple[str, ...]:
    numbers = (scores.precision, scores.recall, scores.f1)
    shares = (f"{number:.3f}" if scores.occurs else "-" for number in numbers)
    return *shares, f"{scores.support:,}", f"{scores.predicted:,}", label_text(scores.label)
