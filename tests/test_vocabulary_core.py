"""What counting and encoding refuse in the core: collisions, totals beyond int64, and buffers that do not fit."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from test_core import COLLIDING, tokens_at_home

from glovestore import _core
from glovestore.vocabulary import TokenCounts, Vocabulary, count_tokens, packed
from glovestore.vocabulary.lower_case import LOWER_CASE

U1, U8, I8 = np.uint8, np.uint64, np.int64
COLLISIONS = "thousands of tokens collide under every seed of the index, as only made-up ones do"


@pytest.fixture(scope="module")
def colliding() -> list[str]:
    return [token.decode() for token in tokens_at_home(5, _core.buckets_for(COLLIDING), COLLIDING)]


def test_collisions_take_another_seed(colliding):
    vocab = Vocabulary.fit([colliding])
    assert vocab.encode([colliding])[0].tolist() == list(range(2, COLLIDING + 2))


def test_collisions_under_every_seed_are_refused(colliding, monkeypatch):
    monkeypatch.setattr(packed, "INDEX_SEEDS", 1)  # tokens that collide under four seeds take days to find
    for call in (
        lambda: count_tokens([colliding]),
        lambda: count_tokens([" ".join(colliding)]),
        lambda: TokenCounts(dict.fromkeys(colliding, 1)),
        lambda: Vocabulary.from_tokens(colliding),
    ):
        with pytest.raises(ValueError, match=COLLISIONS):
            call()


def test_nothing_is_counted_after_a_collision(colliding):
    counted = _core.CountedTokens(1)
    for message in (COLLISIONS, "counting failed before"):
        with pytest.raises(ValueError, match=message):
            counted.count(_core.Texts(strings(" ".join(colliding))), "keras", LOWER_CASE)


def test_totals_beyond_int64():
    half = TokenCounts({"a": 2**62})
    assert (half + TokenCounts({"a": 2**62 - 1}))["a"] == 2**63 - 1
    with pytest.raises(OverflowError, match="more than 2\\*\\*63 - 1 tokens"):
        half + half
    with pytest.raises(ValueError, match=f"counts: expected a total of at most 2\\*\\*63 - 1, got {2**63}"):
        TokenCounts({"a": 2**62, "b": 2**62})


def test_equal_counts_pickle_to_equal_bytes():
    first = count_tokens(["keras ä a", "a"])
    second = count_tokens(["keras ä"]) + count_tokens(["a", "a"])
    second["a"]  # makes the dict
    third = TokenCounts({"keras": 1, "".join("ä"): 1, "a": 2}, "".join(["ker", "as"]), texts=2)
    assert second.texts == 3
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.dumps(first, protocol) == pickle.dumps(third, protocol) != pickle.dumps(second, protocol)
        loaded = pickle.loads(pickle.dumps(first, protocol))
        assert loaded == first and pickle.dumps(loaded, protocol) == pickle.dumps(first, protocol)


def test_pickles_of_vocabularies_are_small():
    vocab = Vocabulary.from_tokens([f"token{i}" for i in range(1000)])
    _ = vocab.tokens, vocab.word_index
    assert len(pickle.dumps(vocab)) < 1000 * (len("token999") + 8) + 300


@pytest.mark.parametrize("offsets", [[], [1], [0, 1], [0, 3, 2], [0, 2, 3], [0, 2**63, 2]])
def test_a_damaged_pickle(offsets):
    with pytest.raises(ValueError, match="offsets: expected them to rise from 0 to the number of bytes"):
        packed.from_state(b"ab", np.array(offsets, "<u8").tobytes())


def test_equal_tokens_are_refused():
    with pytest.raises(ValueError, match="expected tokens that differ"):
        packed.make_index(packed.pack(["a", "b", "a"]))


# ----- guards: a wrong buffer is an error, never a stray read or write


def strings(*tokens, escaped=False):
    return _core.Strings.of_objects(tokens, escaped=escaped)


def known():
    return _core.KnownTokens(packed.make_index(packed.pack(["<pad>", "a"])), 0, 0, -1, -1, False)


def ragged():
    found = _core.RaggedIds()
    found.encode(known(), _core.Texts(strings("a a", "a")), "keras", LOWER_CASE)
    return found


def finished():
    counted = _core.CountedTokens()
    counted.add_counts(strings("a"), np.ones(1, I8))
    counted.arrays()
    return counted


def encode(rows, first, lengths, width=2):
    out = _core.Target(np.zeros((rows, width), I8))
    known().encode(_core.Texts(strings("a", "a")), "keras", LOWER_CASE, out, first, np.zeros(lengths, I8), False, False)


BYTES, OFFSETS = np.frombuffer(b"abc", U1), np.array([0, 1, 3], U8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _core.Texts(strings(b"a")), TypeError, "expected strings, got bytes"),
        (lambda: _core.Texts(strings("a", escaped=True)), ValueError, "expected strings that are not escaped"),
        (lambda: _core.Texts(strings("a"), np.zeros(0, I8), np.zeros(0, U1)), ValueError, "is_tokenised does not fit"),
        (lambda: _core.Texts(strings("a"), np.array([0, 1])), ValueError, "is_tokenised does not fit starts"),
        (lambda: _core.Texts(strings("a"), np.array([0, 1]), np.ones(2, U1)), ValueError, "is_tokenised does not fit"),
        (lambda: _core.Texts(strings("a"), np.array([0, 2]), np.ones(1, U1)), ValueError, "starts does not fit"),
        (lambda: _core.Texts(strings("a"), np.array([-1, 1]), np.ones(1, U1)), ValueError, "starts does not fit"),
        (lambda: _core.Texts(strings("a"), np.array([1, 0, 1]), np.ones(2, U1)), ValueError, "starts does not fit"),
        (lambda: _core.Texts(strings("a"), np.array([0, 0]), np.zeros(1, U1)), ValueError, "starts does not fit"),
        (lambda: _core.lay_out(("a",), 0, [], np.zeros(1, I8), np.ones(1, U1)), ValueError, "do not fit the texts"),
        (lambda: _core.lay_out(("a",), 0, [], np.zeros(2, I8), np.ones(2, U1)), ValueError, "do not fit the texts"),
        (lambda: finished().add_counts(strings("a"), np.ones(1, I8)), ValueError, "the counts are finished"),
        (lambda: finished().add(finished()), ValueError, "the counts are finished"),
        (
            lambda: finished().count(_core.Texts(strings("a")), "keras", LOWER_CASE),
            ValueError,
            "the counts are finished",
        ),
        (lambda: _core.CountedTokens().add_counts(strings("a"), np.ones(2, I8)), ValueError, "counts does not fit"),
        (lambda: _core.CountedTokens().add_counts(strings(1), np.ones(1, I8)), ValueError, "a token is no str"),
        (
            lambda: _core.CountedTokens().count(_core.Texts(strings("a")), "Keras", LOWER_CASE),
            ValueError,
            "expected one of keras, whitespace, glove, got 'Keras'",
        ),
        (lambda: _core.build_index(BYTES, OFFSETS, np.zeros(8, U8)), ValueError, "slots does not fit the tokens"),
        (lambda: _core.build_index(BYTES, OFFSETS[:0], np.zeros(16, U8)), ValueError, "offsets does not begin with 0"),
        (lambda: _core.build_index(BYTES, OFFSETS[1:], np.zeros(16, U8)), ValueError, "offsets does not begin with 0"),
        (lambda: _core.build_index(BYTES, OFFSETS[:2], np.zeros(16, U8)), ValueError, "offsets do not fit the tokens"),
        (lambda: _core.select_tokens(BYTES, OFFSETS, np.array([2]), np.zeros(3, U1)), ValueError, "row 2 of 2"),
        (lambda: _core.select_tokens(BYTES, OFFSETS, np.array([-1]), np.zeros(3, U1)), ValueError, "row -1 of 2"),
        (lambda: _core.select_tokens(BYTES, OFFSETS, np.array([0]), np.zeros(3, U1)), ValueError, "out does not fit"),
        (lambda: encode(1, 0, 1), ValueError, "expected 1 texts, got more"),
        (lambda: encode(3, 2, 3), ValueError, "expected 3 texts, got more"),
        (lambda: encode(3, -1, 3), ValueError, "expected 3 texts, got more"),
        (lambda: encode(2, 0, 3), ValueError, "lengths does not fit out"),
        (lambda: ragged().copy(np.zeros(2, I8), np.zeros(3, I8)), ValueError, "values does not fit the ids"),
        (lambda: ragged().copy(np.zeros(3, I8), np.zeros(2, I8)), ValueError, "offsets does not fit the texts"),
        (
            lambda: ragged().pad(_core.Target(np.zeros((2, 3), I8)), np.zeros(2, I8), False),
            ValueError,
            "out does not fit the ids",
        ),
        (
            lambda: ragged().pad(_core.Target(np.zeros((2, 2), I8)), np.zeros(1, I8), False),
            ValueError,
            "lengths does not fit out",
        ),
    ],
)
def test_guards(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_packed_strings_are_texts_too():
    data, offsets = packed.pack(["Ä a", "b"])
    counted = _core.CountedTokens()
    counted.count(_core.Texts(_core.Strings.of_packed(data, offsets)), "keras", LOWER_CASE, 2)
    assert packed.from_memory(*counted.arrays()[:2]).texts() == ["ä", "a", "b"]
    with pytest.raises(TypeError, match=r"texts\[1\]: expected a str, got null"):
        _core.Texts(_core.Strings.of_packed(data, np.array([0, 4, 2**40], U8)))
