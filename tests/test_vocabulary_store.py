"""Vocabularies over a store, which borrow its tokens and its index."""

from __future__ import annotations

import copy
import pickle
import tracemalloc

import keras_reference as reference
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import glovestore
from glovestore import Vocabulary

TOKENS = ["the", "café", ".", "cat", "\udcff", "🙂", "i̇", "οδος", "a\x00b"]
texts = st.lists(
    st.one_of(
        st.text(st.sampled_from("the cat.\udcff\udcc3\udca9\ud800🙂é Σςo"), max_size=20),
        st.lists(st.sampled_from([*TOKENS, "<pad>", "<unk>", "none", "caf\udcc3\udca9", "\ud800"]), max_size=6),
    ),
    max_size=5,
)


def text_of(tokens):
    return b"".join(token.encode("utf-8", "surrogateescape") + b" 1 2\n" for token in tokens)


@pytest.fixture(scope="module")
def store(build_bytes):
    return glovestore.open(build_bytes(text_of(TOKENS)).path)


@pytest.mark.parametrize("unk_token", [None, "<unk>", "cat-like"])
@pytest.mark.parametrize("tokenizer", ["keras", "whitespace", str.split])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_it_is_the_vocabulary_of_the_tokens(store, tokenizer, unk_token, given_texts):
    vocab = Vocabulary.from_store(store, tokenizer, unk_token)
    same = Vocabulary.from_tokens(list(store.tokens), tokenizer, unk_token)
    assert (vocab.tokens, dict(vocab.word_index)) == (same.tokens, dict(same.word_index))
    assert (len(vocab), vocab.unk_idx, vocab.unk_token, vocab.counts) == (len(same), same.unk_idx, unk_token, None)
    # "caf\udcc3\udca9" has the bytes of "café": as a store looks things up, it is the same token.
    read = [[as_read(token) for token in tokens_of(text, tokenizer)] for text in given_texts]
    assert vocab.encode(given_texts).tolist() == same.encode(read).tolist()
    ids, _ = vocab.encode(given_texts, 3, "pre", "pre", return_lengths=True, dtype=np.int32)
    assert ids.tolist() == same.encode(read, 3, "pre", "pre").tolist()
    assert vocab.decode(ids) == same.decode(ids)


def tokens_of(text, tokenizer):
    if isinstance(text, list):
        return text
    return reference.tokens_of(text) if tokenizer == "keras" else text.split()


def as_read(text):
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text


def test_ids_are_rows(store):
    vocab = Vocabulary.from_store(store, "whitespace")
    values, _ = vocab.encode_ragged(["cat none the", ["caf\udcc3\udca9", "\udcff", "\ud800"]])
    assert (values - 2).tolist() == [3, -1, 0, 1, 4, -1]
    assert store.rows(["cat", "none", "the", "caf\udcc3\udca9", "\udcff", "\ud800"]).tolist() == (values - 2).tolist()
    without = Vocabulary.from_store(store, "whitespace", unk_token=None)
    assert (without.encode_ragged(["cat none the"])[0] - 1).tolist() == [3, 0]
    assert "cat" in vocab and "<unk>" in vocab and "none" not in vocab and "<pad>" not in vocab
    assert "<unk>" not in without and "\udcff" in without
    assert vocab.decode([2, 0, 1, 6]) == ["the", "<unk>", "\udcff"]


def test_special_tokens_of_the_store(build_bytes, tmp_path):
    opened = glovestore.open(build_bytes(text_of(["a", "<pad>", "<unk>", "b"])).path)
    vocab = Vocabulary.from_store(opened, "whitespace")
    assert len(vocab) == 6 and vocab.tokens == ("<pad>", "<unk>", "a", "<pad>", "<unk>", "b")
    assert vocab.encode(["a <pad> <unk> b none"]).tolist() == [[2, 1, 1, 5, 1]]
    assert dict(vocab.word_index) == {"<unk>": 1, "a": 2, "b": 5} and list(vocab.word_index) == ["<unk>", "a", "b"]
    assert vocab.decode([4]) == ["<unk>"]
    with pytest.raises(ValueError, match=r"tokens\[3\]: expected a new token, got '<pad>', as at tokens\[0\]"):
        vocab.save(tmp_path / "vocab.json")
    without = Vocabulary.from_store(opened, "whitespace", unk_token=None)
    assert without.encode(["a <pad> <unk> b none"]).tolist() == [[1, 3, 4]]


def test_save_and_load(store, tmp_path):
    vocab = Vocabulary.from_store(store)
    vocab.save(tmp_path / "vocab.json")
    loaded = Vocabulary.load(tmp_path / "vocab.json")
    assert loaded.tokens == vocab.tokens and loaded == Vocabulary.from_tokens(list(store.tokens))


def test_equality(store, build_bytes):
    vocab = Vocabulary.from_store(store)
    assert vocab == Vocabulary.from_store(store)
    assert vocab != Vocabulary.from_store(store, "whitespace") and vocab != Vocabulary.from_store(store, unk_token=None)
    assert vocab != Vocabulary.from_store(glovestore.open(build_bytes(text_of(["a"])).path))
    assert vocab != Vocabulary.from_tokens(list(store.tokens))  # for which no store is needed
    assert Vocabulary.from_tokens(list(store.tokens)) != vocab


def test_it_pickles_as_the_store_that_it_is_over(store):
    for unk_token in (None, "<unk>", "\ud800"):
        vocab = Vocabulary.from_store(store, "whitespace", unk_token)
        make, arguments = vocab.__reduce__()
        assert any(argument is store for argument in arguments)
        assert make(*arguments) == vocab and make(*arguments).unk_token == unk_token
        pickled = pickle.dumps(vocab)
        assert len(pickled) < 1024 and pickled == pickle.dumps(Vocabulary.from_store(store, "whitespace", unk_token))
        arrived = pickle.loads(pickled)
        assert arrived == vocab and arrived.encode(["the none cat"]).tolist() == vocab.encode(["the none cat"]).tolist()


def test_after_the_store_was_closed(build_bytes):
    opened = glovestore.open(build_bytes(text_of(TOKENS)).path)
    vocab = Vocabulary.from_store(opened, "whitespace")
    opened.close()
    assert vocab.encode(["the none cat"]).tolist() == [[2, 1, 5]] and vocab.decode([5]) == ["cat"]
    assert copy.copy(vocab) is vocab and copy.deepcopy([vocab])[0] is vocab
    with pytest.raises(ValueError, match="expected an open store, got one that was closed"):
        pickle.dumps(vocab)


def test_an_unknown_token_that_stands_for_a_byte_of_the_stores(store):
    for unk_token in ("\udcff", "none"):
        over, own = (make(unk_token) for make in (over_store(store), of_tokens(store)))
        assert np.array_equal(store.matrix(over).array[:2], store.matrix(own).array[:2])
    assert store.matrix(over_store(store)("\udcff")).array[1].tolist() == store["\udcff"].tolist()


def over_store(store):
    return lambda unk_token: Vocabulary.from_store(store, "whitespace", unk_token)


def of_tokens(store):
    return lambda unk_token: Vocabulary.from_tokens(
        [t for t in store.tokens if t != unk_token], "whitespace", unk_token
    )


def test_nothing_is_copied(build_bytes):
    tokens = [f"token{i}" for i in range(50_000)]
    opened = glovestore.open(build_bytes(text_of(tokens)).path)
    tracemalloc.start()
    try:
        vocab = Vocabulary.from_store(opened)
        assert vocab.encode([["token7", "none"]]).tolist() == [[9, 1]]
        assert vocab.decode([9]) == ["token7"]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000  # two bytes a token


def test_it_outlives_the_store(build_bytes):
    with glovestore.open(build_bytes(text_of(TOKENS)).path) as opened:
        vocab = Vocabulary.from_store(opened)
    assert opened.closed
    assert vocab.encode(["the cat"]).tolist() == [[2, 5]]
    with pytest.raises(ValueError, match="expected an open store, got one that was closed"):
        Vocabulary.from_store(opened)


@pytest.mark.parametrize("kind", ["store", "own", "own with surrogates"])
def test_token_strings(store, kind):
    vocab = {
        "store": lambda: Vocabulary.from_store(store),
        "own": lambda: Vocabulary.from_tokens(["cat", "none", "café"]),
        "own with surrogates": lambda: Vocabulary.from_tokens(["\udcff", "\ud800", "cat", "caf\udcc3\udca9"]),
    }[kind]()
    strings = vocab.token_strings
    assert [strings[i] for i in range(len(strings))] == list(vocab.tokens)
    assert store.rows(strings).tolist() == store.rows(vocab.tokens).tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda store: Vocabulary.from_store("glove.h5"), TypeError, "store: expected an open EmbeddingStore, got str"),
        (lambda store: Vocabulary.from_store(store, "Keras"), ValueError, "got 'Keras'"),
        (
            lambda store: Vocabulary.from_store(store, unk_token="<pad>"),
            ValueError,
            "unk_token: expected another token",
        ),
        (
            lambda store: Vocabulary.from_store(store, unk_token=1),
            TypeError,
            "unk_token: expected a str or None, got int",
        ),
    ],
)
def test_bad_arguments(store, call, error, message):
    with pytest.raises(error) as caught:
        call(store)
    assert message in str(caught.value)
