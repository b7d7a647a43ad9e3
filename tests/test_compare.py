"""What vectors are worth: the comparison trains what it says, and its baseline is the mean of the vectors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny_topics import OTHERS, TOPICS, build_store, topic_texts

import glovestore
from glovestore.classify import TextClassifier
from glovestore.classify.compare import Compared, Comparison, compare, mean_vectors

TOKENS = [*TOPICS["sea"], *OTHERS, "absent", "Ship", "<unk>", "<pad>"]


class Fake(ClassifierMixin, BaseEstimator):
    """Has the parameters that matter here, and remembers all fits of all clones."""

    fits: list[tuple[str, int, Any]] = []  # noqa: RUF012

    def __init__(
        self, store: Any, embeddings: str = "tuned", stop: str = "", tokenizer: str = "glove",
        fallbacks: tuple[str, ...] = (), class_weight: Any = None,
    ) -> None:  # fmt: skip
        self.store, self.embeddings, self.stop = store, embeddings, stop
        self.tokenizer, self.fallbacks, self.class_weight = tokenizer, fallbacks, class_weight

    def fit(self, texts: list[str], labels: list[str], validation_data: Any = None) -> Fake:
        self.fits.append((self.embeddings, len(texts), validation_data))
        self.interrupted_ = self.embeddings == self.stop
        return self

    def score(self, texts: list[str], labels: list[str]) -> float:
        return {"tuned": 0.75, "frozen": 0.5, "random": 0.25}[self.embeddings]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[glovestore.EmbeddingStore]:
    with glovestore.open(build_store(tmp_path_factory.mktemp("compare") / "store.h5")) as opened:
        yield opened


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, Any]]:
    monkeypatch.setattr(Fake, "fits", [])
    return Fake.fits


def obvious_means(texts: list[str], store: glovestore.EmbeddingStore, lower: bool) -> np.ndarray:
    means = np.zeros((len(texts), store.dim))
    for row, text in enumerate(texts):
        tokens = [token.lower() if lower and token not in store else token for token in text.split(" ") if token]
        found = [store[token].astype(np.float64) for token in tokens if token in store]
        if found:
            means[row] = np.mean(found, axis=0)
    return means


@given(st.lists(st.lists(st.sampled_from(TOKENS), max_size=5).map(" ".join), max_size=5), st.booleans())
def test_mean_vectors(store: glovestore.EmbeddingStore, texts: list[str], lower: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", glovestore.CoverageWarning)
        means = mean_vectors(texts, store, "whitespace", ("lower",) if lower else ())
    assert (means.dtype, means.shape) == (np.float32, (len(texts), store.dim))
    np.testing.assert_allclose(means, obvious_means(texts, store, lower), atol=1e-6)


def test_every_way_is_a_clone(store: glovestore.EmbeddingStore, fits: list[Any]) -> None:
    classifier = Fake(store, embeddings="frozen")
    said: list[str] = []
    train, test = topic_texts(20), topic_texts(10, seed=1)
    found = compare(classifier, *train, *test, say=said.append)
    assert fits == [("tuned", 20, None), ("frozen", 20, None), ("random", 20, None)]
    assert said == list(found.ways) == ["tuned", "frozen", "random", "mean"]
    assert [found.ways[way].accuracy for way in said[:3]] == [0.75, 0.5, 0.25]
    assert not hasattr(classifier, "interrupted_")
    assert (found.training_texts, found.test_texts) == (20, 10)


def test_the_baseline_is_a_logistic_regression_on_means(store: glovestore.EmbeddingStore, fits: list[Any]) -> None:
    texts, labels = topic_texts(30)
    labels = [*labels[:20], *labels[20:][::-1]]  # some of them wrong
    test, expected = topic_texts(40, seed=2)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
    model.fit(obvious_means(texts, store, False), labels)
    found = compare(Fake(str(store.path), class_weight="balanced"), texts, labels, test, expected)
    assert found.ways["mean"].accuracy == model.score(obvious_means(test, store, False), expected)


def test_known_ways_are_not_trained_again(store: glovestore.EmbeddingStore, fits: list[Any]) -> None:
    known = {"tuned": Compared(0.9, 12.5), "mean": Compared(0.8, 0.5)}
    given = (["the star"], ["sky"])
    found = compare(Fake(store), *topic_texts(20), *topic_texts(10), known=known, validation_data=given)
    assert fits == [("frozen", 20, given), ("random", 20, given)]
    assert (found.ways["tuned"], found.ways["mean"]) == (known["tuned"], known["mean"])


def test_an_interrupted_fit_ends_it(store: glovestore.EmbeddingStore, fits: list[Any]) -> None:
    with pytest.raises(KeyboardInterrupt):
        compare(Fake(store, stop="frozen"), *topic_texts(20), *topic_texts(10))
    assert [way for way, _, _ in fits] == ["tuned", "frozen"]


def test_the_table_and_the_dict() -> None:
    found = Comparison({"tuned": Compared(0.9375, 28.04), "mean": Compared(0.5, 0.2)}, 5452, 500)
    assert str(found).splitlines() == [
        "accuracy  seconds  5,452 texts to train, 500 to test",
        "   0.938     28.0  pretrained vectors, tuned",
        "   0.500      0.2  mean of the vectors, logistic regression",
    ]
    assert found.to_dict() == {
        "training_texts": 5452,
        "test_texts": 500,
        "ways": {"tuned": {"accuracy": 0.9375, "seconds": 28.04}, "mean": {"accuracy": 0.5, "seconds": 0.2}},
    }


def test_the_real_classifier(store: glovestore.EmbeddingStore) -> None:
    """Tokens that no training text has: only who has vectors can know them."""
    classifier = TextClassifier(store, units=8, epochs=12, patience=12, batch_size=8)
    test = ["my anchor", "anchor of the anchor", "near a galaxy", "old galaxy"], ["sea", "sea", "sky", "sky"]
    found = compare(classifier, *topic_texts(80), *test)
    assert found.ways["frozen"].accuracy == found.ways["mean"].accuracy == 1
    assert found.ways["random"].accuracy < 1
    assert all(compared.seconds > 0 for compared in found.ways.values())
