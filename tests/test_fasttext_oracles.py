"""fastText's files as other programs make and read them: the official package, gensim; and real files, where they are.

The two small models of tests/data were made by the official package, with the vectors that it gave: `make_fasttext.py`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fasttext_reference import read, vector, write

import glovestore

DATA = Path(__file__).parent / "data"
REAL = Path.home() / ".cache" / "glovestore-data"
EXPECTED = json.loads((DATA / "fasttext.json").read_text())
OTHERS = [b"theof", b"unseen", "\u65e5\u672c".encode(), "na\u00efvet\u00e9".encode(), b"a", b"", b"<x>", b"x" * 200]
OTHERS += [b"\xff\xfe", b"caf\xc3", b"\x80\x80"]


def build(source: Path, folder: Path) -> glovestore.EmbeddingStore:
    glovestore.build(source, folder / f"{source.name}.h5", durable=False)
    return glovestore.open(folder / f"{source.name}.h5")


def tokens_of(store: glovestore.EmbeddingStore) -> list[bytes]:
    return [store.tokens.raw(row) for row in range(len(store))]


def expect_close(found: Any, wanted: Any) -> None:
    """To the last bits: relative to the largest number of a vector, for sums cancel."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    largest = np.maximum(np.abs(wanted).max(axis=-1, keepdims=True), 1e-30)
    assert (np.abs(found - wanted) / largest).max() <= 1e-6


@pytest.mark.parametrize("name", EXPECTED)
def test_models_that_the_official_package_made(tmp_path: Path, name: str) -> None:
    with build(DATA / name, tmp_path) as store:
        assert store.subwords is not None
        assert (store.subwords.buckets is not None) == name.endswith("ftz")
        tokens = [bytes.fromhex(token) for token in EXPECTED[name]]
        wanted = np.array(list(EXPECTED[name].values()), np.float32)
        assert tokens_of(store) == tokens[: len(store)]
        found = store.token_vectors(tokens)
        np.testing.assert_array_equal(store.vectors, found[: len(store)])
        expect_close(found, wanted)
        if name.endswith("bin"):
            np.testing.assert_array_equal(found, wanted)
        store.verify()


@pytest.mark.parametrize("name", EXPECTED)
def test_the_reference_agrees_with_the_official_package(name: str) -> None:
    model = read((DATA / name).read_bytes())
    found = [vector(model, bytes.fromhex(token)) for token in EXPECTED[name]]
    expect_close(found, np.array(list(EXPECTED[name].values()), np.float32))


# ----- the official package, where it is installed


@pytest.fixture(scope="module")
def fasttext() -> Any:
    return pytest.importorskip("fasttext")


def official(model: Any, tokens: list[bytes]) -> np.ndarray:
    """Return getWordVector's vectors, also of bytes that are no UTF-8."""
    import fasttext_pybind

    found = fasttext_pybind.Vector(model.get_dimension())
    vectors = []
    for token in tokens:
        model.f.getWordVector(found, token)
        vectors.append(np.array(found))
    return np.array(vectors)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from make_fasttext import text

    folder = tmp_path_factory.mktemp("corpus")
    (folder / "plain.txt").write_text(text(300, False), encoding="utf-8")
    (folder / "labelled.txt").write_text(text(600, True), encoding="utf-8")
    return folder


UNSUPERVISED: dict[str, dict[str, Any]] = {
    "skipgram": {"model": "skipgram"},
    "cbow": {"model": "cbow", "bucket": 1000},
    "hierarchical": {"loss": "hs", "dim": 7},
    "single characters": {"minn": 1, "maxn": 2},
    "no n-grams": {"maxn": 0},
}
SUPERVISED: dict[str, dict[str, Any]] = {
    "supervised": {"minn": 2, "maxn": 4},
    "no n-grams": {},
    "word n-grams": {"wordNgrams": 3},
    "quantised": {"minn": 2, "maxn": 3, "quantise": {}},
    "quantised, norms": {"minn": 2, "maxn": 3, "quantise": {"qnorm": True, "dsub": 3}},
    "pruned": {"minn": 2, "maxn": 3, "quantise": {"cutoff": 290}},
    "pruned, trained again": {"minn": 2, "maxn": 3, "quantise": {"cutoff": 400, "retrain": True, "qnorm": True}},
    "quantised output": {"minn": 2, "maxn": 3, "quantise": {"cutoff": 400, "qout": True}, "many": True},
    "pruned, word n-grams": {"wordNgrams": 2, "quantise": {"cutoff": 300}},
}


def compare(model: Any, folder: Path, exact: bool) -> None:
    model.save_model(str(folder / "model"))
    with build(folder / "model", folder) as store:
        assert tokens_of(store) == [word.encode() for word in model.get_words()]
        words = official(model, tokens_of(store))
        expect_close(store.vectors, words)
        if exact:
            np.testing.assert_array_equal(store.vectors, words)
        if store.subwords is not None:
            others = [token for token in OTHERS if token not in store]
            expect_close(store.token_vectors(others), official(model, others))
        store.verify()


def trained(train: Callable[..., Any], text: Path, **settings: Any) -> Any:
    """Train a model. The package may come upon a NaN, by memory of its that nobody has initialised: then once more."""
    for _ in range(50):
        with contextlib.suppress(RuntimeError):
            return train(str(text), **settings)
    raise AssertionError("expected the package to train a model, got an error 50 times")


@pytest.mark.parametrize("settings", UNSUPERVISED.values(), ids=list(UNSUPERVISED))
def test_unsupervised_models(fasttext: Any, corpus: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    settings = {"dim": 10, "bucket": 500, "minn": 3, "maxn": 5, "t": 1, "lr": 0.01} | settings
    settings |= {"minCount": 1, "epoch": 1, "thread": 10, "verbose": 0}
    compare(trained(fasttext.train_unsupervised, corpus / "plain.txt", **settings), tmp_path, exact=True)


@pytest.mark.parametrize("settings", SUPERVISED.values(), ids=list(SUPERVISED))
def test_supervised_models(fasttext: Any, corpus: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    settings, text = dict(settings), corpus / "labelled.txt"
    quantise = settings.pop("quantise", None)
    if settings.pop("many", False):  # labels, of which it takes 256
        lines = [line.split(" ", 1)[1] for line in text.read_text(encoding="utf-8").splitlines()]
        text = tmp_path / "labels.txt"
        text.write_text("".join(f"__label__{i % 300} {line}\n" for i, line in enumerate(lines)), encoding="utf-8")
    model = trained(fasttext.train_supervised, text, dim=10, bucket=500, epoch=1, thread=10, verbose=0, **settings)
    if quantise is not None:
        model.quantize(input=str(text), thread=2, epoch=1, verbose=0, **quantise)
    compare(model, tmp_path, exact=quantise is None)


# ----- gensim, where it is installed


@pytest.fixture(scope="module")
def gensim_fasttext() -> Any:
    pytest.importorskip("gensim")
    logging.getLogger("gensim").setLevel(logging.CRITICAL)  # it logs words that are no UTF-8
    from gensim.models import fasttext

    return fasttext


def test_a_model_that_gensim_saved(gensim_fasttext: Any, tmp_path: Path) -> None:
    sentences = [["caf\u00e9", "the", f"word{i % 20}", "\u65e5\u672c\u8a9e"] for i in range(200)]
    model = gensim_fasttext.FastText(sentences, vector_size=6, min_count=1, bucket=300, epochs=1, workers=1, seed=3)
    gensim_fasttext.save_facebook_model(model, str(tmp_path / "gensim.bin"))
    with build(tmp_path / "gensim.bin", tmp_path) as store:
        assert list(store.tokens) == model.wv.index_to_key
        expect_close(store.vectors, model.wv.vectors)
        others = ["cafes", "word99", "\u65e5\u672c", "x"]
        expect_close(store.token_vectors(others), [model.wv.get_vector(token) for token in others])


# ----- real files, where they are

# Trained by fastText of 2016, without a version, all but the first. What is no UTF-8 gensim hashes in another encoding.
REAL_FILES = ("crime-and-punishment.bin", "lee_fasttext.bin", "non_ascii_fasttext.bin", "cp852_fasttext.bin")


@pytest.mark.parametrize("name", REAL_FILES)
def test_real_files_by_gensim(gensim_fasttext: Any, tmp_path: Path, name: str) -> None:
    if not (REAL / name).exists():
        pytest.skip("the real file is not there")
    encoding = "cp852" if name.startswith("cp852") else "utf-8"
    theirs = gensim_fasttext.load_facebook_vectors(str(REAL / name), encoding=encoding)
    with build(REAL / name, tmp_path) as store:
        assert [token.decode(encoding) for token in tokens_of(store)] == theirs.index_to_key
        same = [row for row, token in enumerate(tokens_of(store)) if encoding == "utf-8" or token.isascii()]
        if name.startswith("crime"):  # "</s>" has no n-grams; in gensim it has
            same.remove(store.rows(["</s>"])[0])
        expect_close(store.vectors[same], theirs.vectors[same])
        others = ["theof", "unseen", "\u0436\u0438\u0437\u043d\u044c", "a", "x" * 50]
        wanted = [theirs.get_vector(token) for token in others if store.token_vectors([token]).any()]
        expect_close(store.token_vectors([token for token in others if store.token_vectors([token]).any()]), wanted)


@pytest.mark.parametrize("name", REAL_FILES)
def test_real_files_by_the_official_package(fasttext: Any, tmp_path: Path, name: str) -> None:
    """Those without a version under a new header: the package does not read them any more."""
    if not (REAL / name).exists():
        pytest.skip("the real file is not there")
    model = read((REAL / name).read_bytes())
    is_old, model.version = model.version is None, 12
    (tmp_path / "new.bin").write_bytes(write(model))
    theirs = fasttext.load_model(str(tmp_path / "new.bin"))
    with build(REAL / name, tmp_path) as store:
        tokens = tokens_of(store)
        rows = [row for row, token in enumerate(tokens) if not (is_old and token == b"</s>")]  # it had n-grams then
        wanted = official(theirs, tokens)
        np.testing.assert_array_equal(store.vectors[rows], wanted[rows])
        others = [token for token in OTHERS if token not in store]
        np.testing.assert_array_equal(store.token_vectors(others), official(theirs, others))


@pytest.mark.parametrize("name", ["crime-and-punishment", "lee_fasttext"])
def test_real_pairs(tmp_path: Path, name: str) -> None:
    """The .vec beside a .bin has the same vectors, with five digits."""
    if not (REAL / f"{name}.bin").exists():
        pytest.skip("the real file is not there")
    with build(REAL / f"{name}.bin", tmp_path) as model, build(REAL / f"{name}.vec", tmp_path) as text:
        assert tokens_of(model) == tokens_of(text)
        np.testing.assert_allclose(text.vectors, model.vectors, rtol=5.1e-5)
        assert model.metadata.keys() - text.metadata.keys() >= {"subword_minn", "source_format"}


def test_the_magic_number() -> None:
    assert struct.unpack("<i", (DATA / "fasttext.bin").read_bytes()[:4]) == (793712314,)
