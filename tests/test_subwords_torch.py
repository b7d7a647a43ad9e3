"""An embedding and a classifier over a store with subwords: what tokens get that the store lacks, or the folder."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fasttext_reference import random_model, vector, write
from tiny_topics import OTHERS, TOPICS, build_store, topic_texts

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

import glovestore  # noqa: E402 - after the skip
from glovestore.classify import TextClassifier  # noqa: E402

TEXTS, LABELS = topic_texts(60)
SMALL: dict[str, Any] = {"units": 4, "epochs": 1, "device": "cpu"}
UNSEEN = ["ships and starships", "harbours", "ship"]
WORDS = [token.encode() for token in (*TOPICS["sea"], *TOPICS["sky"], *OTHERS)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    (folder / "m.bin").write_bytes(write(random_model(words=WORDS, dim=4, bucket=50)))
    glovestore.build(folder / "m.bin", folder / "m.h5")
    return folder / "m.h5"


def test_an_embedding(store: Path) -> None:
    model = random_model(words=WORDS, dim=4, bucket=50)
    with glovestore.open(store) as opened:
        module = glovestore.torch.embedding(opened, ["ship", "harbours"])
        np.testing.assert_array_equal(module.weight[1].numpy(), vector(model, b"harbours"))
        assert glovestore.torch.embedding(opened).weight.shape == (len(opened), 4)
        made = glovestore.torch.embedding(opened, opened.matrix(["ship"]))
        assert torch.equal(made.weight, glovestore.torch.embedding(opened, ["ship"]).weight)


@pytest.mark.parametrize("oov", ["subword", "auto"])
def test_unseen_tokens_get_their_subwords(store: Path, tmp_path: Path, oov: str) -> None:
    fitted = TextClassifier(store, oov=oov, **SMALL).fit(TEXTS, LABELS)
    model = random_model(words=WORDS, dim=4, bucket=50)
    found = fitted.vectors_.matrix(["harbours", "ship"]).array
    np.testing.assert_array_equal(found, [vector(model, b"harbours"), vector(model, b"ship")])
    expected = fitted.predict_proba(UNSEEN)
    fitted.save(tmp_path / "model", extra_tokens=3, test=(TEXTS, LABELS))
    config = json.loads((tmp_path / "model" / "config.json").read_bytes())
    assert config["parameters"]["oov"] == oov
    np.testing.assert_array_equal(TextClassifier.load(tmp_path / "model", store).predict_proba(UNSEEN), expected)
    # The folder's own tokens have no subwords: zeros.
    own = TextClassifier.load(tmp_path / "model")
    assert own.store_ is not None
    assert own.store_.subwords is None
    assert own.store_.verify() is None
    assert not own.vectors_.matrix(["harbours"]).array.any()
    assert np.isfinite(own.predict_proba(UNSEEN)).all()
    np.testing.assert_array_equal(own.predict_proba(["ship"]), fitted.predict_proba(["ship"]))


def test_a_folder_whose_store_is_gone(store: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.h5").write_bytes(store.read_bytes())
    fitted = TextClassifier(tmp_path / "copy.h5", oov="subword", **SMALL).fit(TEXTS, LABELS)
    fitted.save(tmp_path / "model")
    (tmp_path / "copy.h5").unlink()
    with pytest.warns(UserWarning, match="tokens that were not seen in training get vectors by `oov`"):
        again = TextClassifier.load(tmp_path / "model")
    assert not again.vectors_.matrix(["harbours"]).array.any()
    np.testing.assert_array_equal(again.predict_proba(["ship"]), fitted.predict_proba(["ship"]))


def test_noise_stays_the_default(store: Path) -> None:
    fitted = TextClassifier(store, **SMALL).fit(TEXTS, LABELS)
    with glovestore.open(store) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        noise = opened.matrix(["harbours"], oov="normal").array
    np.testing.assert_array_equal(fitted.vectors_.matrix(["harbours"]).array, noise)


def test_training_by_subwords_needs_them(tmp_path: Path) -> None:
    plain = build_store(tmp_path / "plain.h5")
    with pytest.raises(ValueError, match="oov='subword': expected a store with subwords"):
        TextClassifier(plain, oov="subword", **SMALL).fit(TEXTS, LABELS)
    fitted = TextClassifier(plain, oov="auto", **SMALL).fit(TEXTS, LABELS)
    assert not fitted.vectors_.matrix(["harbours"]).array.any()
