"""Exports, opened by those whose formats they are."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_reference import content, write_store

import glovestore

TOKENS = [
    "the",
    "cat",
    "sat",
    "on",
    ",",
    "mat",
    "café",
    "'s",
    "new york",
    "\u00a0",
    "ß",
    "1.5",
    "<b>",
    "\u2028x",
    "a\nb",
]
VECTORS = np.random.default_rng(3).normal(size=(len(TOKENS), 4)).astype(np.float32)


def named(name: str) -> Any:
    """Import a package whose own modules may warn when they are loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with every kind of token that is UTF-8 and not empty."""
    return write_store(tmp_path / "store.h5", [token.encode() for token in TOKENS], VECTORS)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A store of tokens without spaces and newlines."""
    kept = [row for row, token in enumerate(TOKENS) if " " not in token and "\n" not in token]
    return write_store(tmp_path / "plain.h5", [TOKENS[row].encode() for row in kept], VECTORS[kept])


def check(path: Path, tokens: list[str], vectors: Any) -> None:
    """Compare what a peer has with the store."""
    expected, bits = content(path)
    assert [token.encode("utf-8", "surrogateescape") for token in tokens] == expected
    assert np.asarray(vectors).dtype == np.float32
    assert np.array_equal(np.array(vectors).view(np.uint32), bits)


# ---------------------------------------------------------------------- gensim


@pytest.fixture
def gensim() -> Any:
    named("gensim.models")
    return sys.modules["gensim"].models.KeyedVectors


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # without a header it leaves a file open
@pytest.mark.parametrize("name", ["glove", "word2vec", "word2vec-binary"])
def test_gensim_reads_the_formats_of_word2vec(name: str, gensim: Any, plain: Path, tmp_path: Path) -> None:
    glovestore.export(plain, tmp_path / "out", name)
    options = {"binary": name == "word2vec-binary", "no_header": name == "glove"}
    found = gensim.load_word2vec_format(tmp_path / "out", **options)
    check(plain, found.index_to_key, found.vectors)


def test_binary_is_what_gensim_writes(gensim: Any, plain: Path, tmp_path: Path) -> None:
    glovestore.export(plain, tmp_path / "out.bin")
    gensim.load_word2vec_format(tmp_path / "out.bin", binary=True).save_word2vec_format(
        tmp_path / "theirs", binary=True
    )
    assert (tmp_path / "out.bin").read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("mmap", [None, "r"])
def test_gensim_loads_its_own_format(mmap: str | None, gensim: Any, tmp_path: Path) -> None:
    """That one holds every token, whatever its bytes."""
    tokens = [*(token.encode() for token in TOKENS), b"", b"\xff\xfe", b" x "]
    vectors = np.random.default_rng(4).normal(size=(len(tokens), 5)).astype(np.float32)
    store = write_store(tmp_path / "any.h5", tokens, vectors)
    report = glovestore.export(store, tmp_path / "out.kv")
    assert report.paths == (str(tmp_path / "out.kv.vectors.npy"), str(tmp_path / "out.kv"))
    assert sorted(os.listdir(tmp_path)) == ["any.h5", "out.kv", "out.kv.vectors.npy"]
    found = gensim.load(str(tmp_path / "out.kv"), mmap=mmap)
    check(store, found.index_to_key, found.vectors)
    assert isinstance(found.vectors, np.memmap) == (mmap == "r")
    assert np.array_equal(found["cat"], vectors[1])
    with glovestore.open(store) as ours:
        theirs = found.most_similar("cat", topn=3)
        assert [token for token, _ in theirs] == [token for token, _ in ours.nearest("cat", 3)]


def test_the_gensim_files_say_nothing_about_time_and_place(gensim: Any, store: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        glovestore.export(store, tmp_path / folder / "out.kv")
    assert (tmp_path / "a" / "out.kv").read_bytes() == (tmp_path / "b" / "out.kv").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "a" / "out.kv").read_bytes()


# ---------------------------------------------------------------------- Hugging Face


def test_tokenizers_give_rows(store: Path, tmp_path: Path) -> None:
    tokenizers = named("tokenizers")
    glovestore.export(store, tmp_path / "out", "safetensors")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert [tokenizer.token_to_id(token) for token in TOKENS] == list(range(len(TOKENS)))
    assert tokenizer.get_vocab_size() == len(TOKENS) + 1
    ids = tokenizer.encode("The cat sat, on  MAT? café").ids
    assert ids == [0, 1, 2, 4, 3, 5, len(TOKENS), 6]
    assert tokenizer.id_to_token(len(TOKENS)) == "<unk>"


def test_a_store_with_capitals_keeps_them(tmp_path: Path) -> None:
    tokenizers = named("tokenizers")
    store = write_store(tmp_path / "store.h5", [b"The", b"cat"], np.ones((2, 2), np.float32))
    glovestore.export(store, tmp_path / "out", "safetensors")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.encode("The the cat").ids == [0, 2, 1]


@pytest.fixture
def sentence_transformers(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return named("sentence_transformers")


def test_sentence_transformers_load_the_folder(sentence_transformers: Any, store: Path, tmp_path: Path) -> None:
    glovestore.export(store, tmp_path / "out", "safetensors")
    model = sentence_transformers.SentenceTransformer(str(tmp_path / "out"), device="cpu")
    found = model.encode(["the cat", "Sat, unknown"])
    expected = [VECTORS[[0, 1]].mean(0), (VECTORS[2] + VECTORS[4]) / 3]
    assert np.allclose(found, expected, atol=1e-6)
    [module] = model
    assert type(module).__name__ == "StaticEmbedding"
    loaded = type(module).load(str(tmp_path / "out"))
    assert np.array_equal(loaded.embedding.weight.detach().numpy()[: len(TOKENS)], VECTORS)


# ---------------------------------------------------------------------- spaCy


@pytest.fixture
def spacy() -> Any:
    return named("spacy")


def test_spacy_loads_the_folder(spacy: Any, store: Path, tmp_path: Path) -> None:
    report = glovestore.export(store, tmp_path / "out", "spacy")
    assert {Path(path).name for path in report.paths} >= {
        "meta.json",
        "config.cfg",
        "vectors",
        "key2row",
        "vectors.cfg",
    }
    nlp = spacy.load(tmp_path / "out")
    assert nlp.lang == "xx"
    assert nlp.vocab.vectors.shape == VECTORS.shape
    for token, vector in zip(TOKENS, VECTORS, strict=True):
        assert nlp.vocab.has_vector(token)
        assert np.array_equal(nlp.vocab.get_vector(token), vector), token
    assert np.array_equal(nlp("the cat")[1].vector, VECTORS[1])
    meta = json.loads((tmp_path / "out" / "meta.json").read_bytes())["vectors"]
    assert (meta["width"], meta["vectors"], meta["keys"]) == (4, len(TOKENS), len(TOKENS))


def test_spacy_loads_the_parts(spacy: Any, store: Path, tmp_path: Path) -> None:
    glovestore.export(store, tmp_path / "out", "spacy")
    vocab = named("spacy.vocab").Vocab().from_disk(tmp_path / "out" / "vocab")
    assert np.array_equal(vocab.get_vector("mat"), VECTORS[5])
    vectors = named("spacy.vectors").Vectors().from_disk(tmp_path / "out" / "vocab")
    assert np.array_equal(vectors.data, VECTORS)
    assert vectors.find(key="mat") == 5


@pytest.mark.parametrize(("token", "why"), [(b"", "it is empty"), (b"\xff", "its bytes are not UTF-8")])
def test_spacy_cannot_hold_every_token(token: bytes, why: str, spacy: Any, tmp_path: Path) -> None:
    store = write_store(tmp_path / "store.h5", [b"a", token], np.ones((2, 2), np.float32))
    with pytest.raises(
        glovestore.GlovestoreError, match=f"row 1: expected a token that spaCy can hold, got .*: {why};"
    ):
        glovestore.export(store, tmp_path / "out", "spacy")
    assert os.listdir(tmp_path) == ["store.h5"]


@pytest.mark.parametrize("name", ["gensim", "spacy"])
def test_an_earlier_export_is_replaced(name: str, store: Path, plain: Path, tmp_path: Path) -> None:
    named(f"{name}.models" if name == "gensim" else name)
    glovestore.export(store, tmp_path / "out", name)
    with pytest.raises(FileExistsError, match="exists already: export with overwrite=True"):
        glovestore.export(plain, tmp_path / "out", name)
    glovestore.export(plain, tmp_path / "out", name, overwrite=True)
    glovestore.export(plain, tmp_path / "new", name)
    files = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert {file for file in files if file.startswith("out")} == {
        file.replace("new", "out", 1) for file in files if file.startswith("new")
    }


# ---------------------------------------------------------------------- numpy


def test_numpy_writes_the_same_npy(store: Path, tmp_path: Path) -> None:
    glovestore.export(store, tmp_path / "out.npy")
    np.save(tmp_path / "theirs.npy", VECTORS)
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()
