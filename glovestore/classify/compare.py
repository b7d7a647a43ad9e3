"""What pretrained vectors are worth: a classifier with tuned, frozen and random ones, beside the mean of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glovestore.display import aligned
from glovestore.matrix.fallbacks import Rule
from glovestore.opening import open
from glovestore.store import EmbeddingStore
from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.tokenizers import Text, Tokenizer

TITLES = {
    "tuned": "pretrained vectors, tuned",
    "frozen": "pretrained vectors, frozen",
    "random": "random vectors, tuned",
    "mean": "mean of the vectors, logistic regression",
}


class Compared(NamedTuple):
    """The accuracy of one way on the test texts, and the seconds that training took."""

    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """The results of `compare`: a `Compared` for each way ("tuned", "frozen", "random", "mean"), in that order."""

    ways: Mapping[str, Compared]
    training_texts: int
    test_texts: int

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        ways = {way: compared._asdict() for way, compared in self.ways.items()}
        return {"training_texts": self.training_texts, "test_texts": self.test_texts, "ways": ways}

    def __str__(self) -> str:
        """Return a table with a line for each way."""
        rows = [("accuracy", "seconds", f"{self.training_texts:,} texts to train, {self.test_texts:,} to test")]
        rows += [(f"{found.accuracy:.3f}", f"{found.seconds:.1f}", TITLES[way]) for way, found in self.ways.items()]
        return aligned(rows, "rrl")


def compare(
    classifier: Any,
    texts: Iterable[Text],
    labels: Iterable[Any],
    test_texts: Iterable[Text],
    test_labels: Iterable[Any],
    *,
    validation_data: tuple[Any, Any] | None = None,
    known: Mapping[str, Compared] | None = None,
    say: Callable[[str], object] = lambda way: None,
) -> Comparison:
    """Train a `TextClassifier` with tuned, frozen and random vectors, and a logistic regression on mean vectors.

    `classifier` itself stays as it is, fitted or not: each way is a clone with its parameter `embeddings`. The last way
    has the same store, tokenizer and fallbacks. `validation_data` goes to `fit`. `known` has the results of ways that
    need no training again, and `say` gets the name of each way before it is trained. Everything is measured on
    (test_texts, test_labels). Raises what `fit` and `score` raise, and KeyboardInterrupt where a `fit` was interrupted.
    """
    training = list(texts), list(labels)
    testing = list(test_texts), list(test_labels)
    further = {} if validation_data is None else {"validation_data": validation_data}
    found: dict[str, Compared] = {}
    for way in TITLES:
        if known is not None and way in known:
            found[way] = known[way]
            continue
        say(way)
        if way == "mean":
            found[way] = _mean(classifier, training, testing)
        else:
            found[way] = _rnn(classifier, way, training, testing, further)
    return Comparison(found, len(training[0]), len(testing[0]))


def _rnn(classifier: Any, way: str, training: Any, testing: Any, further: Mapping[str, Any]) -> Compared:
    other = clone(classifier).set_params(embeddings=way)
    start = time.perf_counter()
    other.fit(*training, **further)
    seconds = time.perf_counter() - start
    if getattr(other, "interrupted_", False):
        raise KeyboardInterrupt
    return Compared(float(other.score(*testing)), seconds)


def _mean(classifier: Any, training: Any, testing: Any) -> Compared:
    """Fit a logistic regression to the texts' mean vectors. Scaled to unit variance they need fewer steps."""
    parameters = classifier.get_params(deep=False)
    store = parameters["store"]
    store = store if isinstance(store, EmbeddingStore) else open(store)
    how = store, parameters["tokenizer"], tuple(parameters["fallbacks"])
    regression = LogisticRegression(max_iter=1000, class_weight=parameters["class_weight"])
    start = time.perf_counter()
    model = make_pipeline(StandardScaler(), regression).fit(mean_vectors(training[0], *how), training[1])
    seconds = time.perf_counter() - start
    return Compared(float(model.score(mean_vectors(testing[0], *how), testing[1])), seconds)


def mean_vectors(
    texts: list[Text], store: EmbeddingStore, tokenizer: Tokenizer = "glove", fallbacks: tuple[str | Rule, ...] = ()
) -> NDArray[np.float32]:
    """Return for each text the mean of its tokens' vectors, float32 (texts, dim), as often as each token stands there.

    Tokens that the store lacks do not count; a text without any other has zeros.
    """
    vocab = Vocabulary.fit(texts, tokenizer, unk_token=None)
    vectors = store.matrix(vocab, oov="zeros", fallbacks=fallbacks).array
    values, offsets = vocab.encode_ragged(texts)
    counts = csr_matrix((np.ones(len(values), np.float32), values, offsets), shape=(len(texts), len(vectors)))
    found = counts @ vectors.any(axis=1).astype(np.float32)
    sums: NDArray[np.float32] = counts @ vectors
    sums /= np.maximum(found, 1)[:, np.newaxis]
    return sums
