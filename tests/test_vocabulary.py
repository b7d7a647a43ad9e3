"""count_tokens, TokenCounts and Vocabulary, against the slow rules in `keras_reference`."""

from __future__ import annotations

import operator
import pickle
import random
from collections import deque
from itertools import pairwise

import keras_reference as reference
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glovestore.vocabulary import TokenCounts, Vocabulary, count_tokens

# Few letters, so that tokens repeat; characters that lower-case into two, or by their neighbours, or that other
# tokenizers take for white space; and every code point there is, lone surrogates among them.
ODD_CHARACTERS = (
    "aAbB  '\t\n-_.!\\\r\x00\x0b\x1c\x85\xa0\u2028\u3000"
    "iI\u0130\u0131\u03a3\u03c3\u03c2\xdf\u1e9e\u017f\u212a\u0301\u0307\U0001f642\ud83d\ude00"
)
any_text = st.text(st.one_of(st.sampled_from(ODD_CHARACTERS), st.integers(0, 0x10FFFF).map(chr)), max_size=30)
small_text = st.text(st.sampled_from("aAbBΣ '-\n"), max_size=12)
any_texts = st.lists(st.one_of(any_text, small_text), max_size=6)
token = st.one_of(st.sampled_from(["a", "b", "A b", "", "<unk>", "<pad>", "keras"]), any_text)
token_lists = st.lists(st.lists(token, max_size=8), max_size=6)

TEXTS = ["The cat sat on mat", "we can play with model"]
CORPUS = ["b a a c", "c a b d"]


@given(any_text)
@example("ΘΣ ΘΣΘ Σ ΘΣ-Σ")
@example("İstanbul İİ")
@example("\ud83d\ude00 \ude00\ud83d")
def test_keras_tokens(text):
    assert list(count_tokens([text]).items()) == unordered_counts(reference.tokens_of(text))


def unordered_counts(tokens):
    return [(token, tokens.count(token)) for token in dict.fromkeys(tokens)]


@pytest.mark.parametrize("pattern", ["x{}y", "\u0391{}\u03a3"])
def test_keras_tokens_of_every_code_point(pattern):
    text = " ".join(pattern.format(chr(point)) for point in range(0x110000))
    counts = count_tokens([text])
    tokens = reference.tokens_of(text)
    assert list(counts) == list(dict.fromkeys(tokens))
    assert counts.total == len(tokens) > 0x110000 - 100


@given(any_text)
def test_whitespace_tokens(text):
    assert list(count_tokens([text], "whitespace").items()) == unordered_counts(text.split())


@given(any_texts, st.sampled_from([None, "oov"]))
def test_fit_is_keras(texts, unk_token):
    lists = [reference.tokens_of(text) for text in texts]
    vocab = Vocabulary.fit(texts, unk_token=unk_token)
    assert list(vocab.word_index.items()) == list(reference.word_index(lists, unk_token).items())
    assert vocab.tokens == ("<pad>", *vocab.word_index)
    assert len(vocab) == len(vocab.word_index) + 1


@given(
    any_texts,
    any_texts,
    st.sampled_from([None, "oov"]),
    st.one_of(st.none(), st.integers(1, 12)),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
    st.sampled_from([np.int32, np.int64]),
)
def test_encode_is_keras(known, texts, unk_token, max_len, padding, truncating, dtype):
    index = reference.word_index([reference.tokens_of(text) for text in known], unk_token)
    rows = reference.sequences([reference.tokens_of(text) for text in texts], index, unk_token)
    expected = reference.pad_sequences(rows, max_len, padding, truncating)
    vocab = Vocabulary.fit(known, unk_token=unk_token)

    ids, lengths = vocab.encode(texts, max_len, padding, truncating, return_lengths=True, dtype=dtype)
    longest = max(map(len, rows), default=0)
    assert ids.dtype == dtype and ids.shape == (len(texts), longest if max_len is None else max_len)
    assert ids.tolist() == expected
    assert lengths.dtype == np.int64
    assert lengths.tolist() == [len(row) if max_len is None else min(len(row), max_len) for row in rows]
    assert np.array_equal(vocab.encode(iter(texts), max_len, padding, truncating), ids)

    values, offsets = vocab.encode_ragged(texts)
    assert values.dtype == offsets.dtype == np.int64 and len(offsets) == len(texts) + 1 and offsets[0] == 0
    assert [values[a:b].tolist() for a, b in pairwise(offsets.tolist())] == rows


@given(token_lists, st.sampled_from([None, "<unk>", "b"]), st.one_of(st.none(), st.integers(1, 4)), st.integers(1, 3))
def test_tokens_are_used_as_they_are(texts, unk_token, max_size, min_count):
    vocab = Vocabulary.fit(texts, max_size=max_size, min_count=min_count, unk_token=unk_token)
    kept = [pair for pair in reference.ranked(texts) if pair[1] >= min_count and pair[0] not in ("<pad>", unk_token)]
    specials = ["<pad>"] if unk_token is None else ["<pad>", unk_token]
    assert list(vocab.tokens) == specials + [token for token, _ in kept[:max_size]]
    values, _ = vocab.encode_ragged(texts)
    assert np.bincount(values, minlength=len(vocab)).tolist() == list(vocab.counts)
    tokens = [token for text in texts for token in text if token in vocab or unk_token is not None]
    assert vocab.decode(values) == [token if token in vocab else unk_token for token in tokens]


@given(any_texts, st.data())
def test_counts_of_parts_add_to_the_whole(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    again = data.draw(st.integers(cut, len(texts)))
    parts = [count_tokens(part) for part in (texts[:cut], texts[cut:again], texts[again:])]
    whole = count_tokens(texts)
    assert sum(parts) == whole == pickle.loads(pickle.dumps(whole))
    assert whole.texts == len(texts)
    assert whole.total == sum(whole.values())
    assert whole.most_common() == reference.ranked([reference.tokens_of(text) for text in texts])
    assert whole.most_common(2) == whole.most_common()[:2]


def test_the_tutorial():
    vocab = Vocabulary.fit(TEXTS, unk_token=None)
    assert list(vocab.word_index) == ["the", "cat", "sat", "on", "mat", "we", "can", "play", "with", "model"]
    assert len(vocab) == 11
    assert vocab.encode(TEXTS).tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    assert vocab.decode(vocab.encode(TEXTS)) == [["the", "cat", "sat", "on", "mat"], TEXTS[1].split()]


def test_attributes():
    vocab = Vocabulary.fit(CORPUS, min_count=2)
    assert vocab.tokens == ("<pad>", "<unk>", "a", "b", "c")
    assert dict(vocab.word_index) == {"<unk>": 1, "a": 2, "b": 3, "c": 4}
    assert vocab.counts == (0, 1, 3, 2, 2)
    assert vocab.count_array.tolist() == [0, 1, 3, 2, 2] and not vocab.count_array.flags.writeable
    assert (vocab.padding_idx, vocab.unk_idx, vocab.unk_token, vocab.tokenizer) == (0, 1, "<unk>", "keras")
    assert "a" in vocab and "<unk>" in vocab and "d" not in vocab and "<pad>" not in vocab
    assert repr(vocab) == "Vocabulary(5 tokens, tokenizer='keras', unk_token='<unk>')"
    without = Vocabulary.fit(CORPUS, unk_token=None)
    assert (without.padding_idx, without.unk_idx, without.unk_token) == (0, None, None)
    with pytest.raises(TypeError):
        operator.setitem(vocab.word_index, "new", 7)
    with pytest.raises(TypeError):
        hash(vocab)


def test_max_size_leaves_padding_and_unk_out_of_account():
    assert Vocabulary.fit(CORPUS, max_size=2).tokens == ("<pad>", "<unk>", "a", "b")
    assert Vocabulary.fit(CORPUS, max_size=2, unk_token=None).tokens == ("<pad>", "a", "b")
    assert Vocabulary.fit([["<unk>", "<unk>", "a", "b"]], max_size=1).tokens == ("<pad>", "<unk>", "a")


def test_special_tokens_inside_texts():
    texts = [["<unk>", "a", "<pad>", "<unk>"]]
    vocab = Vocabulary.fit(texts, tokenizer="whitespace")
    assert vocab.tokens == ("<pad>", "<unk>", "a")
    assert vocab.counts == (0, 3, 1)
    assert vocab.encode(["<unk> a <pad> zzz"]).tolist() == [[1, 2, 1, 1]]
    without = Vocabulary.fit(texts, tokenizer="whitespace", unk_token=None)
    assert without.tokens == ("<pad>", "<unk>", "a")
    assert without.encode(["<unk> a <pad> zzz"]).tolist() == [[1, 2]]


def test_from_tokens():
    vocab = Vocabulary.from_tokens(["b", "a", ""], "whitespace")
    assert vocab.tokens == ("<pad>", "<unk>", "b", "a", "")
    assert vocab.counts is None and vocab.tokenizer == "whitespace"
    assert vocab.encode([["", "a", "x"]]).tolist() == [[4, 3, 1]]
    assert Vocabulary.from_tokens(iter("ba"), unk_token=None).tokens == ("<pad>", "b", "a")
    assert Vocabulary.from_tokens(np.array(["b", "a"])) == Vocabulary.from_tokens(("b", "a"))
    assert Vocabulary.from_tokens(["<unk>"], unk_token="[UNK]").tokens == ("<pad>", "[UNK]", "<unk>")


@pytest.mark.parametrize(
    "text",
    [
        ["a", "B"],
        ("a", "B"),
        np.array(["a", "B"]),
        np.array(["a", "B"], object),
        [np.str_("a"), np.str_("B")],
        deque("aB"),
    ],
)
def test_kinds_of_tokenised_text(text):
    counts = count_tokens([text, "a"])
    assert list(counts.items()) == [("a", 2), ("B", 1)]
    assert set(map(type, counts)) == {str}
    assert Vocabulary.from_counts(counts).encode([text], max_len=1).tolist() == [[2]]


def test_callable_tokenizer():
    vocab = Vocabulary.fit(["a,B", "B,"], tokenizer=split_at_commas)
    assert vocab.tokens == ("<pad>", "<unk>", "B", "a", "")
    assert vocab.encode(["B,x"]).tolist() == [[2, 1]]
    assert vocab.tokenizer is split_at_commas
    assert pickle.loads(pickle.dumps(vocab)) == vocab


def split_at_commas(text):
    return tuple(text.split(","))


def test_shapes_without_tokens():
    vocab = Vocabulary.fit([])
    assert vocab.tokens == ("<pad>", "<unk>") and vocab.counts == (0, 0)
    assert vocab.encode([]).shape == (0, 0)
    assert vocab.encode([], max_len=np.int32(5)).shape == (0, 5)
    assert vocab.encode(["", []]).shape == (2, 0)
    values, offsets = vocab.encode_ragged([])
    assert values.tolist() == [] and values.dtype == np.int64 and offsets.tolist() == [0]


class Tensor:
    """What `np.asarray` understands without being an array, as torch tensors on the CPU."""

    def __array__(self, dtype=None, copy=None):
        return np.array([[2, 0], [0, 3]], np.int32)


def test_decode():
    vocab = Vocabulary.from_tokens(["a", "b"])
    assert vocab.decode([2, 0, 3, 1, 0]) == ["a", "b", "<unk>"]
    assert vocab.decode(Tensor()) == [["a"], ["b"]]
    assert vocab.decode(np.array([[2, 3]], np.uint8)) == [["a", "b"]]
    assert vocab.decode([]) == []
    assert vocab.decode([[], []]) == [[], []]
    assert vocab.decode(np.empty((0, 4), np.int64)) == []


def test_token_counts_are_a_mapping():
    counts = count_tokens(iter(["b a b", ["C"]]))
    assert list(counts) == ["b", "a", "C"] and counts["b"] == 2 and counts.get("x", 0) == 0 and len(counts) == 3
    assert counts == {"C": 1, "a": 1, "b": 2} and counts != {"b": 2}
    assert counts == TokenCounts({"b": 2, "a": 1, "C": 1}, texts=2)
    assert counts != TokenCounts({"a": 1, "b": 2, "C": 1}, texts=2)  # another order makes another vocabulary
    assert counts != TokenCounts({"b": 2, "a": 1, "C": 1}, texts=3)
    assert counts != TokenCounts({"b": 2, "a": 1, "C": 1}, tokenizer="whitespace", texts=2)
    assert repr(counts) == "TokenCounts(3 tokens, total=4, texts=2, tokenizer='keras')"
    added = counts + counts
    assert (added["b"], added.texts, added.total, counts["b"]) == (4, 4, 8, 2)
    with pytest.raises(TypeError):
        operator.setitem(counts, "b", 1)


def test_equality():
    vocab = Vocabulary.fit(CORPUS)
    assert vocab == Vocabulary.from_counts(count_tokens(CORPUS))
    assert vocab != Vocabulary.fit(CORPUS, unk_token=None)
    assert vocab != Vocabulary.fit(CORPUS, tokenizer="whitespace")
    assert vocab != Vocabulary.fit([*CORPUS, "a"])
    assert vocab != Vocabulary.from_tokens(["a", "b", "c", "d"])
    assert vocab != vocab.tokens


def test_the_global_random_state_is_left_alone(tmp_path):
    before, numpy_before = random.getstate(), np.random.get_state()[1].tolist()
    vocab = Vocabulary.fit(CORPUS)
    vocab.encode(CORPUS)
    vocab.save(tmp_path / "vocab.json")
    Vocabulary.load(tmp_path / "vocab.json")
    assert random.getstate() == before
    assert np.random.get_state()[1].tolist() == numpy_before
