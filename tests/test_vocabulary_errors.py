"""What count_tokens, TokenCounts and Vocabulary refuse, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from glovestore.vocabulary import TokenCounts, Vocabulary, count_tokens

fit, from_counts, from_tokens = Vocabulary.fit, Vocabulary.from_counts, Vocabulary.from_tokens
ABOVE_0 = "an integer of at least 1"


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ("a text", TypeError, "texts: expected a list of texts, got one str; pass [text]"),
        (b"a text", TypeError, "texts: expected a list of texts, got one bytes; pass [text]"),
        (None, TypeError, "texts: expected an iterable of texts, got NoneType"),
        (7, TypeError, "texts: expected an iterable of texts, got int"),
        ({"a": 1}, TypeError, "texts: expected a list of texts, got dict; list its keys or values"),
        (["a", b"b"], TypeError, "texts[1]: expected a str or a sequence of str, got bytes"),
        (["a", None], TypeError, "texts[1]: expected a str or a sequence of str, got NoneType"),
        ([3.0], TypeError, "texts[0]: expected a str or a sequence of str, got float"),
        ([{"a"}], TypeError, "texts[0]: expected a str or a sequence of str, got set"),
        ([np.array("a")], TypeError, "texts[0]: expected a str or a sequence of str, got a 0-D array"),
        ([["a"], ["b", b"c"]], TypeError, "texts[1][1]: expected a str, got bytes"),
        ([["a", None]], TypeError, "texts[0][1]: expected a str, got NoneType"),
        ([np.array([b"a"])], TypeError, "texts[0][0]: expected a str, got bytes"),
        ([np.array([["a"]])], TypeError, "texts[0]: expected a str or a sequence of str, got a 2-D array"),
    ],
)
def test_what_is_no_text(texts, error, message):
    vocab = from_tokens(["a"])
    for function in (count_tokens, fit, vocab.encode, vocab.encode_ragged):
        with pytest.raises(error) as caught:
            function(texts)
        assert str(caught.value) == message


def test_arrow_of_other_things_that_cannot_be_iterated():
    class Numbers:
        def __arrow_c_array__(self, requested_schema=None):
            return pytest.importorskip("pyarrow").array([1, 2]).__arrow_c_array__(requested_schema)

    with pytest.raises(TypeError, match="expected an Arrow array of strings, got one of format l"):
        count_tokens(Numbers())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: count_tokens([], "spacy"), ValueError, "expected 'keras', 'whitespace', 'glove' or a callable"),
        (lambda: count_tokens([], None), TypeError, "a callable from a str to a list of str, got NoneType"),
        (lambda: from_tokens(["a"], "Keras"), ValueError, "got 'Keras'"),
        (lambda: count_tokens(["a"], str.lower), TypeError, "texts[0]: expected a sequence of str from the tokenizer"),
        (lambda: count_tokens(["a"], lambda text: [text, 1]), TypeError, "texts[0][1]: expected a str, got int"),
        (lambda: count_tokens(["a"]) + count_tokens(["a"], str.split), ValueError, "same tokenizer, 'keras', got"),
        (lambda: count_tokens(["a"]) + 1, TypeError, "unsupported operand"),
        (lambda: 1 + count_tokens(["a"]), TypeError, "unsupported operand"),
        (lambda: count_tokens(["a"]).most_common(-1), ValueError, "k: expected an integer of at least 0, got -1"),
        (lambda: TokenCounts({"a": 0}), ValueError, f"counts['a']: expected {ABOVE_0}, got 0"),
        (lambda: TokenCounts({"a": 1, "b": 2.0}), ValueError, f"counts['b']: expected {ABOVE_0}, got 2.0"),
        (lambda: TokenCounts({1: 1}), TypeError, "counts[0]: expected a str, got int"),
        (lambda: TokenCounts(["a"]), TypeError, "counts: expected a mapping from tokens to counts, got list"),
        (lambda: from_counts({"a": 1}), TypeError, "counts: expected TokenCounts (see count_tokens), got dict"),
        (lambda: fit([], max_size=0), ValueError, f"max_size: expected {ABOVE_0}, got 0"),
        (lambda: fit([], max_size=True), ValueError, f"max_size: expected {ABOVE_0}, got True"),
        (lambda: fit([], min_count=1.5), ValueError, f"min_count: expected {ABOVE_0}, got 1.5"),
        (lambda: fit([], unk_token="<pad>"), ValueError, "unk_token: expected another token than"),
        (lambda: fit([], unk_token=1), TypeError, "unk_token: expected a str or None, got int"),
        (lambda: from_tokens([]), ValueError, "tokens: expected at least one token, got none"),
        (lambda: from_tokens("abc"), TypeError, "tokens: expected a sequence of str, got str"),
        (lambda: from_tokens({"a"}), TypeError, "tokens: expected a sequence of str, got set"),
        (lambda: from_tokens(None), TypeError, "tokens: expected a sequence of str, got NoneType"),
        (lambda: from_tokens(["a", b"b"]), TypeError, "tokens[1]: expected a str, got bytes"),
        (lambda: from_tokens(["a", "b", "a"]), ValueError, "tokens[2]: expected a new token, got 'a', as at t"),
        (lambda: from_tokens(["a", "<unk>"]), ValueError, "tokens[1]: expected no '<unk>', which is added"),
        (lambda: from_tokens(["<pad>", "a"]), ValueError, "tokens[0]: expected no '<pad>', which is added"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_len": 0}, f"max_len: expected {ABOVE_0}, got 0"),
        ({"max_len": 2.0}, f"max_len: expected {ABOVE_0}, got 2.0"),
        ({"padding": "left"}, "padding: expected 'pre' or 'post', got 'left'"),
        ({"truncating": None}, "truncating: expected 'pre' or 'post', got None"),
        ({"dtype": np.float32}, "dtype: expected int64 or int32, got <class 'numpy.float32'>"),
        ({"dtype": "nonsense"}, "dtype: expected int64 or int32, got 'nonsense'"),
    ],
)
def test_bad_arguments_of_encode(arguments, message):
    with pytest.raises(ValueError) as caught:
        from_tokens(["a"]).encode(["a"], **arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([2, 4], IndexError, "ids[1]: expected 0 to 3, got 4"),
        ([[0, 1], [-1, 2]], IndexError, "ids[1, 0]: expected 0 to 3, got -1"),
        (np.array([2**63], np.uint64), IndexError, "ids[0]: expected 0 to 3, got 9223372036854775808"),
        ([1.0], TypeError, "ids: expected integers, got float64"),
        ([True], TypeError, "ids: expected integers, got bool"),
        (["a"], TypeError, "ids: expected integers, got <U1"),
        (2, ValueError, "ids: expected 1-D or 2-D integers, got 0-D"),
        ([[[2]]], ValueError, "ids: expected 1-D or 2-D integers, got 3-D"),
        ([[2], [2, 3]], ValueError, "ids: expected 1-D or 2-D integers, got rows that differ in length; decode each"),
    ],
)
def test_bad_ids(ids, error, message):
    with pytest.raises(error) as caught:
        from_tokens(["a", "b"]).decode(ids)
    assert str(caught.value) == message
