"""A classifier that is told what it predicts, with the attributes of a trained one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import Vocabulary, count_tokens
from glovestore.matrix.coverage import Coverage

HISTORY = [
    {
        "epoch": epoch,
        "train_loss": loss,
        "train_accuracy": accuracy,
        "valid_loss": loss + 0.25,
        "valid_accuracy": accuracy - 0.125,
        "seconds": 1.5,
    }
    for epoch, loss, accuracy in [(1, 1.5, 0.5), (2, 0.75, 0.75), (3, 0.25, 1.0)]
]


class Told:
    """Predicts the rows of `probabilities`, whatever the texts are. Has nothing else but what it is given."""

    def __init__(self, classes: Sequence[Any], probabilities: Any, **attributes: Any) -> None:
        self.classes_ = np.array(classes)
        self.probabilities = np.asarray(probabilities)
        vars(self).update(attributes)

    def predict_proba(self, texts: Sequence[Any]) -> NDArray[Any]:
        assert isinstance(texts, list)
        return self.probabilities


class Trained(Told):
    """Has what a trained classifier has; `without` names what to leave out."""

    def __init__(
        self, classes: Sequence[Any], probabilities: Any, without: Sequence[str] = (), **attributes: Any
    ) -> None:
        tokens = {"the": 90, "<b>rust</b>": 40, "ok": 30, "zyx": 20, "zzyzx": 20}
        vocabulary = Vocabulary.from_counts(
            count_tokens([[token] * n for token, n in tokens.items()], tokenizer="whitespace")
        )
        own = {
            "history_": HISTORY,
            "best_epoch_": 2,
            "interrupted_": False,
            "vocabulary_": vocabulary,
            "coverage_": Coverage(5, 1, {"lower": 1}, 3, ("zyx", "<b>rust</b>", "zzyzx"), 200, 120),
            "pooling": ("max", "attention"),
            "parameters": {"units": 256, "oov": "normal", "note": "<script>alert(1)</script>"},
        }
        kept = {name: value for name, value in own.items() if name not in without}
        super().__init__(classes, probabilities, **(kept | attributes))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return self.parameters

    def attention(self, texts: Sequence[Any]) -> list[list[tuple[str, float]]]:
        split = [text.split() if isinstance(text, str) else list(text) for text in texts]
        return [[(token, (i + 1) / sum(range(len(s) + 1))) for i, token in enumerate(s)] for s in split]


def one_sure_class(predicted: Sequence[int], classes: int, confidence: Sequence[float] | float = 0.75) -> NDArray[Any]:
    """Return probabilities (n, classes) that are `confidence` for the predicted classes; the others share the rest."""
    n = len(predicted)
    sure = np.broadcast_to(np.asarray(confidence, np.float64), n)
    array = np.repeat(((1 - sure) / (classes - 1))[:, None], classes, axis=1)
    array[np.arange(n), predicted] = sure
    return array
