"""scikit-learn's own checks of an estimator, on texts that its rows of numbers are turned into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_topics import build_store

pytest.importorskip("torch")
pytest.importorskip("skorch")

from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import validate_data

from glovestore.classify import TextClassifier

SMALL: dict[str, Any] = {"units": 6, "epochs": 5, "batch_size": 10, "learning_rate": 0.05, "averaging": 0.5}


class NumberClassifier(TextClassifier):
    """TextClassifier on numbers: the cell in column i becomes the token "c", i, and its rounded value.

    What has no counterpart in texts (the shape of the input, sparse input, NaN) scikit-learn's own helper checks, as in
    other estimators.
    """

    def fit(self, X: Any, y: Any) -> NumberClassifier:
        X, y = validate_data(self, X, y, dtype=None)
        super().fit(texts_of(X), y)
        return self

    def predict_proba(self, X: Any) -> Any:
        if not hasattr(self, "module_"):
            return super().predict_proba([])
        return super().predict_proba(texts_of(validate_data(self, X, reset=False, dtype=None)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array, tags.input_tags.string = False, True, False
        return tags


def texts_of(rows: Any) -> list[list[str]]:
    return [[f"c{i}_{round(float(cell))}" for i, cell in enumerate(row)] for row in np.asarray(rows)]


EXPECTED_FAILURES = {
    "check_methods_subset_invariance": "a text in another batch is padded otherwise, which changes the last bit or two",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_store(tmp_path_factory.mktemp("store") / "store.h5")


@pytest.mark.filterwarnings("ignore")
def test_on_numbers_as_texts(store: Path) -> None:
    results = check_estimator(
        NumberClassifier(store, **SMALL), expected_failed_checks=EXPECTED_FAILURES, on_fail=None, on_skip=None
    )
    failed = {result["check_name"]: repr(result["exception"]) for result in results if result["status"] == "failed"}
    assert failed == {}
    expected = {result["check_name"] for result in results if result["status"] == "xfail"}
    assert expected <= set(EXPECTED_FAILURES)  # whether bits differ is up to the machine
    assert sum(result["status"] == "passed" for result in results) > 40


@pytest.mark.filterwarnings("ignore")
def test_on_texts_as_they_are(store: Path) -> None:
    """The tags say that texts are what it takes, so that scikit-learn runs what needs no data only."""
    results = check_estimator(TextClassifier(store, **SMALL), on_fail=None, on_skip=None)
    assert {result["status"] for result in results} == {"passed"}
