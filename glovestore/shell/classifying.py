"""The last step of the demo: what pretrained vectors are worth to a classifier, on text that is there anyway."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import glovestore
from glovestore.display import aligned, human_seconds, visible
from glovestore.shell.docstrings import Corpus, read_corpus

if TYPE_CHECKING:
    from glovestore.classify import TextClassifier

EACH = 1_500  # sentences of a package
# Half the work of the defaults: nobody wants to wait for a demo.
SETTINGS: dict[str, Any] = {"units": 64, "epochs": 6, "batch_size": 100, "learning_rate": 4e-3}
SHOWN = 3  # predictions

Say = Callable[[str], None]


@dataclass
class Trained:
    """A classifier, how long it was trained, and its accuracy on the texts to test with."""

    classifier: TextClassifier
    seconds: float
    accuracy: float

    def to_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return {"accuracy": self.accuracy, "seconds": self.seconds}


def classify(store: Path, say: Say) -> dict[str, Any] | None:
    """Train on docstrings with a store's vectors and with random ones, and show how good both are.

    None, and a sentence that says why, if something that it needs is not installed.
    """
    try:
        from glovestore.classify import TextClassifier
    except ImportError as error:
        say(f"  no classifier here: {error}")
        return None
    start = time.perf_counter()
    corpus = read_corpus(EACH)
    reading = time.perf_counter() - start
    packages = sorted(set(corpus.train.labels) & set(corpus.test.labels))
    if corpus.missing:
        say(f"  not installed, and left out: {', '.join(corpus.missing)}")
    if len(packages) < 2:
        say(f"  no classifier here: expected docstrings of two packages or more, got {', '.join(packages) or 'none'}")
        return None
    _say_corpus(corpus, packages, reading, say)
    tuned, random = (
        _train(TextClassifier(store, embeddings=embeddings, progress=sys.stderr.isatty(), **SETTINGS), corpus)
        for embeddings in ("tuned", "random")
    )
    majority = majority_accuracy(corpus)
    say(aligned(_accuracies(tuned, random, majority), "lrr", "  ") + "\n")
    predictions = _predictions(tuned.classifier, corpus)
    say(predictions_text(predictions))
    return {
        "packages": packages,
        "missing": corpus.missing,
        "train_texts": len(corpus.train.texts),
        "test_texts": len(corpus.test.texts),
        "seconds": time.perf_counter() - start,
        "tuned": tuned.to_dict(),
        "random": random.to_dict(),
        "majority": {"accuracy": majority},
        "predictions": predictions,
    }


def _say_corpus(corpus: Corpus, packages: list[str], seconds: float, say: Say) -> None:
    settings = ", ".join(f"{name}={value!r}" for name, value in SETTINGS.items())
    say(
        "  Which package is a docstring from? First sentences, without the names of the packages, out of source files\n"
        f"  of {', '.join(packages)}:\n"
        f"  {len(corpus.train.texts):,} to train on and {len(corpus.test.texts):,} of other files to test with,"
        f" read in {human_seconds(seconds)}.\n"
        f"  >>> classifier = glovestore.classify.TextClassifier(store, {settings})\n"
        "  >>> classifier.fit(texts, packages)\n"
    )


def _train(classifier: TextClassifier, corpus: Corpus) -> Trained:
    start = time.perf_counter()
    with _one_thread():
        classifier.fit(corpus.train.texts, corpus.train.labels)
        seconds = time.perf_counter() - start
        return Trained(classifier, seconds, float(classifier.score(corpus.test.texts, corpus.test.labels)))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch use one thread: so small a model gains little by two, and loses much where others use the cores too."""
    torch = glovestore.torch.torch
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def majority_accuracy(corpus: Corpus) -> float:
    """Return the accuracy of always saying what most of the training texts are; of equals the first in the alphabet."""
    most = min(Counter(corpus.train.labels).items(), key=lambda pair: (-pair[1], pair[0]))[0]
    return corpus.test.labels.count(most) / len(corpus.test.labels)


def _accuracies(tuned: Trained, random: Trained, majority: float) -> list[tuple[str, ...]]:
    return [
        ("vectors", "accuracy", "trained in"),
        ("the store's, tuned", f"{tuned.accuracy:.3f}", human_seconds(tuned.seconds)),
        ("random", f"{random.accuracy:.3f}", human_seconds(random.seconds)),
        ("none: always the most frequent package", f"{majority:.3f}", ""),
    ]


def _predictions(classifier: TextClassifier, corpus: Corpus) -> list[dict[str, Any]]:
    """Return what the classifier says about the middle sentence to test with of the first packages."""
    chosen = []
    for package in list(dict.fromkeys(corpus.test.labels))[:SHOWN]:
        own = [position for position, label in enumerate(corpus.test.labels) if label == package]
        chosen.append(own[len(own) // 2])
    texts = [corpus.test.texts[position] for position in chosen]
    probabilities = classifier.predict_proba(texts)
    return [
        {
            "text": text,
            "package": corpus.test.labels[position],
            "predicted": str(classifier.classes_[row.argmax()]),
            "probability": float(row.max()),
        }
        for text, position, row in zip(texts, chosen, probabilities, strict=True)
    ]


def predictions_text(predictions: list[dict[str, Any]]) -> str:
    """Return each text, and below it what was predicted, how sure that is, and whether it is right."""
    lines = ["  >>> classifier.predict_proba(sentences)"]
    for found in predictions:
        is_right = found["predicted"] == found["package"]
        verdict = "right" if is_right else f"it is from {found['package']}"
        lines.append(f"  {visible(found['text'])}\n      {found['predicted']}, {found['probability']:.2f}: {verdict}")
    return "\n".join(lines)
