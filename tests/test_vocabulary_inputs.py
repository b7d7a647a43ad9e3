"""Texts in Arrow's memory and in arrays, and ids into arrays and tensors of the caller."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glovestore.vocabulary import Vocabulary, count_tokens

CORPUS = ["b a a c", "c a b d"]

# ----- strings in Arrow's memory

LIBRARIES = ("pyarrow", "polars", "pandas")


def arrow_array(library, strings):
    if library == "pyarrow":
        return pytest.importorskip("pyarrow").array(strings, "string")
    if library == "polars":
        return pytest.importorskip("polars").Series(strings, dtype=pytest.importorskip("polars").String)
    pytest.importorskip("pyarrow")
    return pytest.importorskip("pandas").Series(strings, dtype="string")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("tokenizer", ["keras", "whitespace", str.split])
def test_arrow_strings_are_texts(library, tokenizer):
    strings = ["Ein Maß", "", "ΘΣ ΘΣ-Σ", "a a 🙂", "İstanbul", "plain ASCII text, longer than twelve bytes"]
    array = arrow_array(library, strings)
    counts = count_tokens(array, tokenizer)
    assert counts == count_tokens(strings, tokenizer)
    vocab = Vocabulary.from_counts(counts)
    assert vocab.encode(array).tolist() == vocab.encode(strings).tolist()
    assert vocab.encode(array, 2, "pre", "pre").tolist() == vocab.encode(strings, 2, "pre", "pre").tolist()
    assert vocab.encode_ragged(array)[0].tolist() == vocab.encode_ragged(strings)[0].tolist()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_null_is_no_text(library):
    array = arrow_array(library, ["a", None])
    for function in (count_tokens, Vocabulary.fit, Vocabulary.from_tokens(["a"]).encode):
        with pytest.raises(TypeError) as caught:
            function(array)
        assert str(caught.value) == "texts[1]: expected a str, got null"


def test_arrow_tokens():
    assert Vocabulary.from_tokens(arrow_array("pyarrow", ["b", "ä"])).tokens == ("<pad>", "<unk>", "b", "ä")
    with pytest.raises(TypeError, match=r"tokens\[1\]: expected a str, got NoneType"):
        Vocabulary.from_tokens(arrow_array("pyarrow", ["b", None]))


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"abcdefg\xe2\x82"]
)
def test_bytes_that_are_no_text(bad):
    array = pytest.importorskip("pyarrow").array([b"a", "€ in UTF-8".encode(), bad], "binary")
    with pytest.raises(ValueError) as caught:
        count_tokens(array)
    assert str(caught.value) == f"texts[2]: expected UTF-8, got {bad!r}"


def test_a_table_is_no_list_of_texts():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="texts: expected a list of texts, got DataFrame; take one of its columns"):
        count_tokens(pandas.DataFrame({"a": ["b"]}))


def test_a_series_of_lists():
    series = pytest.importorskip("pandas").Series([["a", "b"], ["b"]])
    assert dict(count_tokens(series)) == {"a": 1, "b": 2}


def test_arrays_of_texts():
    for dtype in ("U", object):
        array = np.array(["a b", "Ö"], dtype)
        assert list(count_tokens(array).items()) == [("a", 1), ("b", 1), ("ö", 1)]


# ----- out=


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("of_torch", [False, True])
@pytest.mark.parametrize("as_iterator", [False, True])
def test_out(dtype, of_torch, as_iterator):
    vocab = Vocabulary.fit(CORPUS)
    array = np.full((2, 3), 9, dtype)
    out = torch.from_numpy(array) if of_torch else array
    ids, lengths = vocab.encode(iter(CORPUS) if as_iterator else CORPUS, padding="pre", return_lengths=True, out=out)
    assert ids is out
    assert array.tolist() == vocab.encode(CORPUS, 3, "pre").tolist()
    assert lengths.tolist() == [3, 3]


def test_out_is_filled_up():
    array = np.full((2, 6), 9, np.int32)
    vocab = Vocabulary.fit(CORPUS)
    assert vocab.encode(CORPUS, 6, out=array) is array
    assert array.tolist() == vocab.encode(CORPUS, 6).tolist()


WHAT = "out: expected a writable C-contiguous 2-D array of int64 or int32, or such a tensor on the CPU, got "


def read_only():
    array = np.zeros((2, 3), np.int64)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "arguments", "message"),
    [
        (
            np.zeros((2, 3), np.float32),
            {},
            f"{WHAT}float32",
        ),
        (
            np.zeros((2, 3), np.uint32),
            {},
            f"{WHAT}ndarray: of a dtype that is not written to, with the format 'I'",
        ),
        (np.zeros((2, 3), ">i8"), {}, f"{WHAT}ndarray: of a dtype that is not written to, with the format '>q'"),
        (np.zeros(6, np.int64), {}, f"{WHAT}ndarray: expected 2 dimensions, got 1"),
        (np.zeros((2, 6), np.int64)[:, ::2], {}, f"{WHAT}ndarray: ndarray is not C-contiguous"),
        (read_only(), {}, f"{WHAT}ndarray: buffer source array is read-only"),
        ([[0, 0, 0]], {}, f"{WHAT}list: a bytes-like object is required, not 'list'"),
        (torch.zeros((2, 3)), {}, f"{WHAT}float32"),
        (
            torch.zeros((2, 3), dtype=torch.uint8),
            {},
            f"{WHAT}Tensor: of a dtype that is not written to, with code 1 and 8 bits",
        ),
        (torch.zeros((3, 2), dtype=torch.int64).T, {}, f"{WHAT}Tensor: expected a C-contiguous array"),
        (torch.zeros(6, dtype=torch.int64), {}, f"{WHAT}Tensor: expected 2 dimensions, got 1"),
        (np.zeros((3, 3), np.int64), {}, "out: expected shape (2, 3), got (3, 3)"),
        (np.zeros((1, 3), np.int64), {}, "out: expected shape (2, 3), got (1, 3)"),
        (np.zeros((2, 3), np.int64), {"max_len": 4}, "out: expected 4 columns, as max_len says, got 3"),
        (np.zeros((2, 3), np.int64), {"dtype": np.int32}, "out: expected int32, as dtype says, got int64"),
        (np.zeros((2, 3), np.int32), {"dtype": "int64"}, "out: expected int64, as dtype says, got int32"),
    ],
)
def test_bad_out(out, arguments, message):
    with pytest.raises(ValueError) as caught:
        Vocabulary.fit(CORPUS).encode(CORPUS, out=out, **arguments)
    assert str(caught.value) == message


def test_bad_out_for_an_iterator():
    vocab = Vocabulary.fit(CORPUS)
    with pytest.raises(ValueError, match=r"out: expected shape \(2, 3\), got \(3, 3\)"):
        vocab.encode(iter(CORPUS), out=np.zeros((3, 3), np.int64))
    with pytest.raises(ValueError, match=r"out: expected a row for each text, got 1 for 2 or more"):
        vocab.encode(iter(CORPUS), out=np.zeros((1, 3), np.int64))
