"""The matrix of a vocabulary against a slow loop that does one row at a time; `out=`, dtypes, EmbeddingMatrix."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matrix_reference import (
    DIM,
    MEAN,
    RULES,
    TOKENS,
    VECTORS,
    FakeVocabulary,
    Itos,
    length_vector,
    matrix_reference,
    quiet,
    source,
    swap_case,
    to_bytes,
)

from glovestore.errors import CoverageWarning
from glovestore.matrix import make_matrix

SPELLINGS = st.one_of(
    st.sampled_from([*TOKENS, "The", "OF", "\ufb01", "\uff21", "\uff23at", "\ud800", "a", "Fi", "x" * 70, "[PAD]"]),
    st.sampled_from(
        ["caf\u00e9", "7", "42", "\u0664\u0662", "the!", "\u201cthe\u201d", "dog's", "cat\u2019s", "s'", "'s", "--"]
    ),
    st.text(max_size=3),
    st.text("aes0\u0663'\u2019.$\u0301\u00e9# \n", max_size=5),
)
BYTES = SPELLINGS.filter(lambda token: to_bytes(token) is not None).map(lambda token: to_bytes(token))
MIXED = st.one_of(SPELLINGS, BYTES, SPELLINGS.map(np.str_))
POLICIES = st.sampled_from(["zeros", "mean", "normal", "unk", np.array([7.0, 8.0, 9.0]), [1, 2, 3], length_vector])
FALLBACK_LISTS = st.lists(st.sampled_from([*RULES, swap_case]), max_size=3)


def check(vocab: Any, layout: dict[int, Any], size: int, padding: int | None, oov: Any, fallbacks: list[Any]) -> None:
    expected, coverage = matrix_reference(layout, size, padding, getattr(vocab, "unk_idx", None), oov, fallbacks)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        m = make_matrix(vocab, source(), oov=oov, fallbacks=fallbacks)
    assert m.array.dtype == np.float32
    np.testing.assert_array_equal(m.array, expected)
    assert m.coverage == coverage
    assert m.padding_idx == padding
    assert [w.category for w in caught] == [CoverageWarning] * (coverage.fraction < 0.5)


@given(st.lists(MIXED, max_size=12), POLICIES, FALLBACK_LISTS)
@example(["the", "<pad>", "of", "<pad>"], "normal", [])
@example([b"[PAD]", "<pad>"], "mean", ["lower"])
@example(["\u0301", "'s"], "mean", ["strip_accents", "strip_possessive"])  # "", which is a token, must not be found
@example([], "zeros", [])
def test_sequence_equals_the_loop(tokens: list[str | bytes], oov: Any, fallbacks: list[Any]) -> None:
    spelled = [token if isinstance(token, str) else token.decode("utf-8", "replace") for token in tokens]
    pads = [spelled.index(pad) for pad in ("<pad>", "[PAD]") if pad in spelled]
    check(tokens, dict(enumerate(tokens)), len(tokens), pads[0] if pads else None, oov, fallbacks)


@given(st.lists(MIXED, max_size=12, unique_by=lambda t: (isinstance(t, bytes), t)), POLICIES, FALLBACK_LISTS, st.data())
def test_mapping_equals_the_loop(
    tokens: list[str | bytes], oov: Any, fallbacks: list[Any], data: st.DataObject
) -> None:
    positions = data.draw(st.lists(st.integers(0, 40), min_size=len(tokens), max_size=len(tokens), unique=True))
    mapping = dict(zip(tokens, positions, strict=True))
    size = max(positions, default=-1) + 1
    padding = next((mapping[pad] for pad in ("<pad>", b"<pad>", "[PAD]", b"[PAD]") if pad in mapping), None)
    if positions and 0 not in positions:
        padding = 0
    check(mapping, {i: token for token, i in mapping.items()}, size, padding, oov, fallbacks)


@given(
    st.lists(SPELLINGS, min_size=2, max_size=12), POLICIES, FALLBACK_LISTS, st.sampled_from([(0, 1), (0, None), (1, 0)])
)
def test_vocabulary_equals_the_loop(
    tokens: list[str], oov: Any, fallbacks: list[Any], special: tuple[int, int | None]
) -> None:
    vocab = FakeVocabulary(tokens, *special)
    check(vocab, dict(enumerate(tokens)), len(tokens), special[0], oov, fallbacks)


@given(st.lists(SPELLINGS, max_size=12), POLICIES, FALLBACK_LISTS)
def test_itos_equals_the_loop(tokens: list[str], oov: Any, fallbacks: list[Any]) -> None:
    pads = [tokens.index(pad) for pad in ("<pad>", "[PAD]") if pad in tokens]
    check(Itos(tokens), dict(enumerate(tokens)), len(tokens), pads[0] if pads else None, oov, fallbacks)


# out=, dtype=


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64, "f8", None])
def test_dtypes_round_the_float32_values(dtype: Any) -> None:
    m = make_matrix(["cat", "zzz"], source(), oov="mean", dtype=dtype)
    expected = np.stack([VECTORS[2], MEAN.astype(np.float32)]).astype(dtype or np.float32)
    np.testing.assert_array_equal(m.array, expected, strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
@pytest.mark.parametrize("vocab", [{"<pad>": 0, "the": 2, "zzz": 3}, ["<pad>", "the", "of", "zzz"]])
def test_out_is_filled_completely_and_returned(dtype: Any, vocab: Any) -> None:
    out = np.full((4, DIM), np.nan, dtype)
    m = make_matrix(vocab, source(), oov="mean", dtype=dtype, out=out)
    assert m.array is out
    np.testing.assert_array_equal(out, make_matrix(vocab, source(), oov="mean", dtype=dtype).array)
    out[:] = np.nan
    assert make_matrix(vocab, source(), out=out, oov="mean").array is out  # its own dtype is the default


def read_only() -> np.ndarray:
    array = np.zeros((2, DIM), np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.zeros((3, DIM), np.float32), ValueError, r"shape \(2, 3\), got \(3, 3\)"),
        (np.zeros(2 * DIM, np.float32), ValueError, r"shape \(2, 3\), got \(6,\)"),
        (np.zeros((2, DIM), np.float64), ValueError, "dtype float32, got float64"),
        (np.zeros((2, DIM), ">f4"), ValueError, "dtype float32, got >f4"),
        (np.zeros((2, 2 * DIM), np.float32)[:, ::2], ValueError, r"C-contiguous array, got strides \(24, 8\)"),
        (np.zeros((DIM, 2), np.float32).T, ValueError, r"C-contiguous array, got strides \(4, 8\)"),
        (read_only(), ValueError, "writable .*got read-only"),
        ([[0.0] * DIM] * 2, TypeError, "a numpy array or a tensor on the CPU, got list"),
    ],
)
def test_bad_out_is_refused(out: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"out: expected .*{message}"):
        make_matrix(["the", "of"], source(), dtype=np.float32, out=out)


@pytest.mark.parametrize(("dtype", "error"), [(np.int32, ValueError), (">f4", ValueError), ("no", TypeError)])
def test_bad_dtype_is_refused(dtype: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"dtype: expected float32, float16 or float64, or .* got"):
        make_matrix(["the"], source(), dtype=dtype)


@pytest.mark.parametrize(
    "options",
    [
        {"oov": "error"},
        {"oov": lambda token: [1]},
        {"oov": lambda token: 1 / 0},
        {"oov": np.zeros(9)},
        {"fallbacks": [lambda token: 1 / 0]},
        {"fallbacks": ["upper"]},
        {"dtype": np.float16},
        {},  # the CoverageWarning, made an error
    ],
)
def test_a_failed_call_leaves_out_alone(options: dict[str, Any]) -> None:
    out = np.full((3, DIM), 5, np.float32)
    with pytest.raises((KeyError, ValueError, ZeroDivisionError, CoverageWarning)):
        make_matrix(["the", "x", "y"], source(), out=out, **options)
    assert (out == 5).all()


def test_the_oov_vector_may_be_a_part_of_out() -> None:
    out = np.ones((2, DIM), np.float32)
    make_matrix(["the", "zzz"], source(), oov=out[0], out=out)
    np.testing.assert_array_equal(out, [VECTORS[0], np.ones(DIM)])


# EmbeddingMatrix


def test_matrix_describes_itself() -> None:
    m = make_matrix(["the", "<pad>", "THE"], source(), fallbacks=["lower"])
    assert (m.shape, m.dtype, len(m)) == ((3, DIM), np.float32, 3)
    assert repr(m) == (
        "<EmbeddingMatrix 3 x 3 float32, padding_idx=1; 2 of 2 tokens found (100.0 %): 1 as they are, 1 by lower>"
    )


def test_numpy_takes_the_matrix_without_a_copy_unless_it_must() -> None:
    m = make_matrix(["the", "of"], source())
    assert np.asarray(m) is m.array
    assert np.asarray(m, np.float32) is m.array
    assert not np.shares_memory(np.array(m), m.array)
    assert m.__array__(copy=False) is m.array
    assert m.__array__(copy=True) is not m.array
    wide = np.asarray(m, np.float64)
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(wide, m.array)
    with pytest.raises(ValueError, match="expected dtype float32 for copy=False, got float64"):
        m.__array__(np.float64, copy=False)


def test_dlpack_hands_over_the_same_memory() -> None:
    m = make_matrix(["the", "of"], source())
    taken = np.from_dlpack(m)
    assert np.shares_memory(taken, m.array)
    np.testing.assert_array_equal(taken, m.array)
    assert m.__dlpack_device__() == (1, 0)


def test_matrix_and_coverage_pickle() -> None:
    m = make_matrix(["the", "zzz"], source())
    copy = pickle.loads(pickle.dumps(m))
    np.testing.assert_array_equal(copy.array, m.array)
    assert (copy.coverage, copy.padding_idx) == (m.coverage, m.padding_idx)


def test_nulls_and_stray_surrogates_are_missing_whatever_the_fallback() -> None:
    pa = pytest.importorskip("pyarrow")
    kinds = {
        "null": pa.array(["the", None, "OF"]),
        "list": ["the", "\ud800", "OF"],
        "array": np.array(["the", "\ud800", "OF"]),
    }
    made = {
        kind: quiet(vocab, oov="normal", fallbacks=["lower", lambda token: token.strip("\ud800")])
        for kind, vocab in kinds.items()
    }
    for m in made.values():
        assert (m.coverage.found, m.coverage.by_rule["lower"], m.coverage.missing) == (1, 1, 1)
    assert made["list"].coverage.missing_tokens == made["array"].coverage.missing_tokens == ("\ud800",)
    np.testing.assert_array_equal(made["list"].array, made["array"].array)
