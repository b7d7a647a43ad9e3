"""What the page says, section by section, as plain values: None or empty where the classifier has no such thing.

Nothing here is HTML: texts, tokens and labels stay as they are, and the templates escape them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glovestore.classify.evaluation import Evaluation, Mistake
from glovestore.classify.report.curves import epoch_of, finite
from glovestore.display import human_seconds, visible
from glovestore.matrix.coverage import Coverage, share
from glovestore.tokens import as_text

MOST_MISSING = 60  # tokens
LONGEST_VALUE = 300  # characters of a setting
TEXT_SHOWN, TEXT_KEPT = 280, 20_000  # characters of a text at once, and at all
WORDS_SHOWN, WORDS_KEPT = 60, 1_000
TOP_WORDS = 5
SHADES = 9


class Fact(NamedTuple):
    """A number of the summary, its name and what it is about."""

    name: str
    value: str
    about: str = ""


class Setting(NamedTuple):
    """A parameter of the classifier."""

    name: str
    value: str


class Share(NamedTuple):
    """A count of tokens and the part that it is of all."""

    name: str
    tokens: int
    share: str


class Missing(NamedTuple):
    """A token that the store lacks, and how often it stands in the training texts, if that is known."""

    token: str
    times: int | None


class Found(NamedTuple):
    """How much of the vocabulary, and of the texts' tokens, has a vector."""

    shares: list[Share]
    fraction: float
    occurrences: str
    missing: list[Missing]
    hidden: int


class CutText(NamedTuple):
    """A text in what is seen at once, what can be unfolded, and how many characters are left out altogether."""

    head: str
    rest: str
    dropped: int


class Word(NamedTuple):
    """A token with its attention weight; `shade` goes from 0 to SHADES, the most of the text."""

    token: str
    weight: float
    shade: int


class Attention(NamedTuple):
    """The words of a text with their weights, and those of the most weight."""

    head: list[Word]
    rest: list[Word]
    dropped: int
    top: list[Word]


class ShownMistake(NamedTuple):
    """A mistake as the page shows it; `attention` is None where the classifier has none."""

    position: int
    true: str
    predicted: str
    probability: float
    probability_of_true: float
    text: CutText
    attention: Attention | None


class Epoch(NamedTuple):
    """A row of the history; None is a number that is missing, NaN stays NaN."""

    epoch: int
    numbers: list[float | None]
    is_best: bool


HISTORY = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "valid_loss": "validation loss",
    "valid_accuracy": "validation accuracy",
    "seconds": "seconds",
}


# ---------------------------------------------------------------------- summary


def facts(classifier: Any, evaluation: Evaluation, labels: Sequence[str]) -> list[Fact]:
    """Return the numbers that stand at the top. `labels` are the names of the classes."""
    total, most = len(evaluation), max(range(len(labels)), key=lambda i: evaluation.scores[i].support)
    return [
        Fact("accuracy", f"{evaluation.accuracy:.3f}", f"{evaluation.correct:,} of {total:,} right"),
        Fact("macro F1", f"{evaluation.macro_f1:.3f}", "the mean over the classes"),
        Fact("majority", f"{evaluation.scores[most].support / total:.3f}", f"accuracy of always saying {labels[most]}"),
        Fact("texts", f"{total:,}", f"predicted in {human_seconds(evaluation.seconds)}"),
        Fact("classes", f"{len(evaluation.classes):,}", _absent(evaluation)),
        *_training(classifier),
    ]


def _absent(evaluation: Evaluation) -> str:
    absent = sum(not scores.support for scores in evaluation.scores)
    return f"{absent:,} without a text here" if absent else "each with a text here"


def _training(classifier: Any) -> list[Fact]:
    entries = history(classifier)
    if not entries:
        return []
    best, seconds = best_epoch(classifier), [finite(entry.get("seconds")) for entry in entries]
    about = [] if best is None else [f"the best was {best}"]
    if any(number is not None for number in seconds):
        about.append(f"{human_seconds(sum(number or 0.0 for number in seconds))} of training")
    return [Fact("epochs", f"{len(entries):,}", "; ".join(about))]


def settings(classifier: Any) -> list[Setting]:
    """Return the parameters of a scikit-learn estimator, by name."""
    if not hasattr(classifier, "get_params"):
        return []
    parameters = classifier.get_params(deep=False)
    return [Setting(name, _value(parameters[name])) for name in sorted(parameters)]


def _value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def was_interrupted(classifier: Any) -> bool:
    """Say whether training ended early because somebody stopped it."""
    return bool(getattr(classifier, "interrupted_", False))


# ---------------------------------------------------------------------- training


def history(classifier: Any) -> Sequence[Mapping[str, Any]]:
    """Return the classifier's history, an entry an epoch; empty if it has none."""
    return getattr(classifier, "history_", None) or ()


def best_epoch(classifier: Any) -> int | None:
    """Return the epoch whose weights were kept, if the classifier says so."""
    best = getattr(classifier, "best_epoch_", None)
    return None if best is None else int(best)


def epochs(classifier: Any) -> tuple[list[str], list[Epoch]]:
    """Return the history as a table: the names of the columns that have a number, and the rows."""
    entries, best = history(classifier), best_epoch(classifier)
    columns = [key for key in HISTORY if any(entry.get(key) is not None for entry in entries)]
    rows = []
    for i, entry in enumerate(entries):
        epoch = epoch_of(entry, i)
        rows.append(Epoch(epoch, [entry.get(key) for key in columns], epoch == best))
    return [HISTORY[key] for key in columns], rows


# ---------------------------------------------------------------------- coverage


def coverage(classifier: Any) -> Found | None:
    """Return what the store has of the training texts' tokens; None if the classifier does not say."""
    found = getattr(classifier, "coverage_", None)
    if found is None:
        return None
    missing = _most_frequent(found.missing_tokens, getattr(classifier, "vocabulary_", None))
    occurrences = ""
    if found.occurrences is not None and found.occurrences_found is not None:
        known = share(found.occurrences_found, found.occurrences)
        occurrences = f"{found.occurrences_found:,} of their {found.occurrences:,} occurrences in the texts, {known},"
    return Found(_shares(found), found.fraction, occurrences, missing, found.missing - len(missing))


def _shares(found: Coverage) -> list[Share]:
    counts = {"found as they are" if found.by_rule else "found": found.found}
    counts |= {f"found by {rule}": count for rule, count in found.by_rule.items()}
    counts |= {"missing": found.missing, "all": found.total}
    return [Share(name, count, share(count, found.total)) for name, count in counts.items()]


def _most_frequent(tokens: Sequence[str], vocabulary: Any) -> list[Missing]:
    """Return the missing tokens that stand most often in the texts; of equals the vocabulary's first is first."""
    counts = getattr(vocabulary, "count_array", None)
    if counts is None:
        return [Missing(visible(as_text(token)), None) for token in tokens[:MOST_MISSING]]
    index = vocabulary.word_index
    own = np.array([counts[index[token]] if token in index else 0 for token in tokens], np.int64)
    order = np.argsort(-own, kind="stable")[:MOST_MISSING].tolist()
    return [Missing(visible(as_text(tokens[i])), int(own[i])) for i in order]


# ---------------------------------------------------------------------- mistakes


def mistakes(classifier: Any, evaluation: Evaluation, labels: Sequence[str], most: int) -> list[ShownMistake]:
    """Return the most confident mistakes, with the attention over their words where the classifier has it.

    `labels` are the names of the classes.
    """
    made = evaluation.mistakes(most)
    weights = _attention(classifier, made) or [None] * len(made)
    position = {label: i for i, label in enumerate(evaluation.classes.tolist())}
    return [
        ShownMistake(
            mistake.position,
            labels[position[mistake.true]],
            labels[position[mistake.predicted]],
            mistake.probability,
            float(evaluation.probabilities[mistake.position, position[mistake.true]]),
            cut_text(mistake.text if isinstance(mistake.text, str) else " ".join(mistake.text)),
            None if pairs is None else weighted_words(pairs),
        )
        for mistake, pairs in zip(made, weights, strict=True)
    ]


def _attention(classifier: Any, made: Sequence[Mistake]) -> list[Any] | None:
    pooling = getattr(classifier, "pooling", ())
    has_attention = pooling == "attention" or (isinstance(pooling, (tuple, list)) and "attention" in pooling)
    if not (has_attention and made and hasattr(classifier, "attention")):
        return None
    return list(classifier.attention([mistake.text for mistake in made]))


def cut_text(text: str) -> CutText:
    """Cut a long text at a space, or inside a word that is longer than all that is shown at once."""
    if len(text) <= TEXT_SHOWN * 5 // 4:  # not worth a cut
        return CutText(text, "", 0)
    space = text.rfind(" ", TEXT_SHOWN // 2, TEXT_SHOWN)
    end = space if space > 0 else TEXT_SHOWN
    return CutText(text[:end], text[end:TEXT_KEPT], max(0, len(text) - TEXT_KEPT))


def weighted_words(pairs: Sequence[tuple[str, float]]) -> Attention:
    """Shade the words of a text by their weight, in parts of the greatest one."""
    weights = [max(0.0, finite(weight) or 0.0) for _, weight in pairs]
    most = max(weights, default=0.0) or 1.0
    tokens = [visible(as_text(token)) for token, _ in pairs]
    words = [
        Word(token, weight, math.floor(SHADES * weight / most)) for token, weight in zip(tokens, weights, strict=True)
    ]
    top = sorted(words, key=lambda word: -word.weight)[:TOP_WORDS]
    dropped = max(0, len(words) - WORDS_KEPT)
    return Attention(words[:WORDS_SHOWN], words[WORDS_SHOWN:WORDS_KEPT], dropped, top)
