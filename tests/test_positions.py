"""Every kind of vocabulary, and what is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from matrix_reference import DIM, MEAN, TOKENS, VECTORS, FakeVocabulary, Itos, quiet, source

from glovestore.matrix import Coverage, make_matrix, resolve_vocab


@pytest.mark.parametrize(
    "vocab",
    [
        ["cat", "zzz", "the"],
        ("cat", "zzz", "the"),
        [b"cat", b"zzz", b"the"],
        np.array(["cat", "zzz", "the"]),
        np.array([b"cat", b"zzz", b"the"]),
        np.array(["cat", "zzz", "the"], object),
        dict.fromkeys(["cat", "zzz", "the"]).keys(),
        (token for token in ["cat", "zzz", "the"]),
        {"the": 2, "cat": 0, "zzz": 1},
        {"the": np.int64(2), "cat": np.uint8(0), "zzz": 1},
        Itos(["cat", "zzz", "the"]),
        resolve_vocab(["cat", "zzz", "the"]),
    ],
    ids=lambda vocab: type(vocab).__name__,
)
def test_every_kind_of_vocabulary_gives_the_same_matrix(vocab: Any) -> None:
    m = make_matrix(vocab, source())
    np.testing.assert_array_equal(m.array, [VECTORS[2], np.zeros(DIM), VECTORS[0]])
    assert m.coverage == Coverage(3, 2, {}, 1, ("zzz",))
    assert m.padding_idx is None


def test_string_dtype_arrays_are_sequences_of_str() -> None:
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("numpy 1 has no StringDType")
    m = make_matrix(np.array(["cat", "the"], np.dtypes.StringDType()), source())
    np.testing.assert_array_equal(m.array, VECTORS[[2, 0]])


def test_keras_word_index_keeps_row_zero_for_padding() -> None:
    m = make_matrix({"the": 1, "cat": 2}, source(), oov="mean")
    assert (m.padding_idx, m.shape) == (0, (3, DIM))
    np.testing.assert_array_equal(m.array, [np.zeros(DIM), VECTORS[0], VECTORS[2]])
    assert m.coverage.total == 2


def test_indices_between_tokens_stay_zero_under_every_policy() -> None:
    m = quiet({"the": 0, "zzz": 5}, oov="mean")
    np.testing.assert_array_equal(m.array[1:5], np.zeros((4, DIM)))
    np.testing.assert_array_equal(m.array[5], MEAN.astype(np.float32))
    assert m.padding_idx is None


@pytest.mark.parametrize("vocab", [["the", "<pad>"], {"the": 0, "<pad>": 1}, Itos(["the", "<pad>"]), ["the", b"<pad>"]])
def test_padding_is_zero_and_uncounted_even_if_the_source_has_that_token(vocab: Any) -> None:
    m = make_matrix(vocab, source(), oov="mean")
    np.testing.assert_array_equal(m.array, [VECTORS[0], np.zeros(DIM)])
    assert (m.padding_idx, m.coverage) == (1, Coverage(1, 1, {}, 0, ()))


def test_vocabulary_unk_is_the_sources_row_or_goes_by_policy_but_never_by_fallback() -> None:
    known = make_matrix(FakeVocabulary(["<pad>", "<unk>", "cat"]), source(), oov="mean")
    np.testing.assert_array_equal(known.array[1], VECTORS[TOKENS.index("<unk>")])
    absent = make_matrix(FakeVocabulary(["<pad>", "THE", "cat"]), source(), oov="mean", fallbacks=["lower"])
    np.testing.assert_array_equal(absent.array[1], MEAN.astype(np.float32))
    assert absent.coverage == Coverage(1, 1, {"lower": 0}, 0, ())


def test_absent_unk_of_a_vocabulary_is_no_missing_token_for_error() -> None:
    m = make_matrix(FakeVocabulary(["<pad>", "[UNK]", "cat"]), source(), oov="error")
    np.testing.assert_array_equal(m.array, [np.zeros(DIM), np.zeros(DIM), VECTORS[2]])


def test_duplicates_in_a_sequence_are_all_filled() -> None:
    m = make_matrix(["cat", "THE", "cat", "THE"], source(), fallbacks=["lower"])
    np.testing.assert_array_equal(m.array, VECTORS[[2, 0, 2, 0]])
    assert m.coverage == Coverage(4, 2, {"lower": 2}, 0, ())


def test_empty_vocabularies_make_empty_matrices_without_a_warning() -> None:
    for vocab in ([], {}, Itos([]), np.array([], "U1")):
        m = make_matrix(vocab, source(), oov="normal", fallbacks=["lower"])
        assert (m.shape, m.padding_idx, m.coverage.fraction) == ((0, DIM), None, 1.0)


def test_missing_tokens_come_in_the_order_of_their_positions() -> None:
    m = quiet({"c": 2, "a": 0, "b": 1})
    assert m.coverage.missing_tokens == ("a", "b", "c")


BAD_VOCABS = [
    ("the", TypeError, "single token 'the'"),
    (b"the", TypeError, "single token b'the'"),
    (None, TypeError, "got NoneType"),
    (7, TypeError, "got int"),
    ({"the", "of"}, TypeError, "has no order"),
    (Counter({"the": 3, "of": 1}), TypeError, "counts .Counter."),
    (np.array([["the", "of"]]), ValueError, r"one dimension.*\(1, 2\)"),
    (["the", 7], TypeError, "got int 7 as token 1"),
    (["the", None], TypeError, "got NoneType None as token 1"),
    (["the", bytearray(b"of")], TypeError, "got bytearray .* as token 1"),
    (["the", ["of"]], TypeError, "got list .* as token 1"),
    (np.arange(3), TypeError, "got int 0 as token 0"),
    ({"the": 0, 5: 1}, TypeError, "got int 5 as token 1"),
    ({"the": 1, "of": 2, "cat": 1}, ValueError, "one token for an index, got 2 for 1: 'the', 'cat'"),
    ({"the": 0, "of": -1}, ValueError, "got -1 for token 'of'"),
    ({"the": 0, "of": 1.0}, TypeError, "integer index, got 1.0 for token 'of'"),
    ({"the": 0, "of": True}, TypeError, "integer index, got True for token 'of'"),
    ({"the": 0, "of": "1"}, TypeError, "integer index, got '1' for token 'of'"),
    ({"the": 0, "of": None}, TypeError, "integer index, got None for token 'of'"),
    ({"the": 0, "of": 1021}, ValueError, "up to 1,020 for 2 tokens, got 1021 for token 'of'.*looks like an id"),
    ({"the": 0, "of": 2**70}, ValueError, "looks like an id"),
]


@pytest.mark.parametrize(("vocab", "error", "message"), BAD_VOCABS, ids=range(len(BAD_VOCABS)))
def test_bad_vocabularies_are_refused_with_the_place(vocab: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^vocab: expected .*{message}"):
        make_matrix(vocab, source())


def test_the_greatest_index_that_passes_for_a_position() -> None:
    assert make_matrix({"the": 0, "of": 1020}, source()).shape == (1021, DIM)
