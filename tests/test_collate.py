"""`glovestore.torch.collate`: batches of texts for a DataLoader, beside a plain loop."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glovestore import Vocabulary

torch = pytest.importorskip("torch")

import glovestore.torch as gt  # noqa: E402 - after the skip
from glovestore.torch import Collate  # noqa: E402

TEXTS = ["the cat sat", "the mat", "", "a dog and the cat sat on the mat", ["cat", "zzz"]]
LABELS = [0, 1, 2, 3, 4]
VOCAB = Vocabulary.from_tokens(["the", "cat", "sat", "mat", "on"], tokenizer="whitespace")


def loop(texts: list[Any], max_len: int | None, padding: str, truncating: str) -> tuple[list[list[int]], list[int]]:
    """Return ids and lengths, one token at a time."""
    rows = []
    for text in texts:
        tokens = text.split() if isinstance(text, str) else text
        ids = [VOCAB.word_index.get(token, 1) for token in tokens]
        if max_len is not None:
            ids = ids[:max_len] if truncating == "post" else ids[-max_len:]
        rows.append(ids)
    width = max(map(len, rows)) if max_len is None else max_len
    zeros = [[0] * (width - len(ids)) for ids in rows]
    padded = [[*ids, *zero] if padding == "post" else [*zero, *ids] for ids, zero in zip(rows, zeros, strict=True)]
    return padded, [len(ids) for ids in rows]


texts = st.one_of(
    st.lists(st.sampled_from(["the", "cat", "zzz"]), max_size=6),
    st.lists(st.sampled_from(["the", "cat", "zzz"]), max_size=6).map(" ".join),
)
sides = st.sampled_from(["pre", "post"])


@given(st.lists(texts, min_size=1, max_size=6), st.none() | st.integers(1, 7), sides, sides)
def test_batches_equal_the_loop(batch: list[Any], max_len: int | None, padding: Any, truncating: Any) -> None:
    expected, expected_lengths = loop(batch, max_len, padding, truncating)
    fn = gt.collate(VOCAB, max_len, padding=padding, truncating=truncating)
    labels = list(range(len(batch)))
    without = fn(batch)
    assert len(without) == 2
    for ids, lengths in (without, fn(list(zip(batch, labels, strict=True)))[:2]):
        assert (ids.dtype, lengths.dtype) == (torch.int64, torch.int64)
        assert ids.shape == (len(batch), len(expected[0]))
        assert ids.tolist() == expected
        assert lengths.tolist() == expected_lengths
        assert ids.device.type == lengths.device.type == "cpu"


def test_all_kinds_of_batches_agree() -> None:
    fn = gt.collate(VOCAB, max_len=4)
    plain = fn(TEXTS)
    labelled = fn(list(zip(TEXTS, LABELS, strict=True)))
    mappings = fn([{"text": text, "label": label, "idx": 7} for text, label in zip(TEXTS, LABELS, strict=True)])
    unlabelled = fn([{"text": text} for text in TEXTS])
    assert [len(made) for made in (plain, labelled, mappings, unlabelled)] == [2, 3, 3, 2]
    for made in (plain, labelled, mappings, unlabelled):
        assert all(torch.equal(a, b) for a, b in zip(made[:2], plain, strict=True))
    assert labelled[2].tolist() == mappings[2].tolist() == LABELS
    assert fn(tuple(TEXTS))[0].tolist() == plain[0].tolist()


@pytest.mark.parametrize(
    ("labels", "dtype", "shape"),
    [
        ([1, 2], torch.int64, (2,)),
        ([0.5, 2.0], torch.float32, (2,)),
        ([True, False], torch.bool, (2,)),
        ([np.int32(1), np.int32(2)], torch.int32, (2,)),
        ([torch.tensor(1), torch.tensor(2)], torch.int64, (2,)),
        ([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]], torch.float32, (2, 3)),
        ([np.zeros(3), np.ones(3)], torch.float64, (2, 3)),
    ],
)
def test_labels(labels: list[Any], dtype: Any, shape: tuple[int, ...]) -> None:
    made = gt.collate(VOCAB)([("the cat", label) for label in labels])[2]
    assert (made.dtype, tuple(made.shape)) == (dtype, shape)
    assert made.tolist() == torch.tensor(np.array(labels)).tolist()


def test_it_can_be_packed() -> None:
    ids, lengths = gt.collate(VOCAB)(["the cat", "the"])
    packed = torch.nn.utils.rnn.pack_padded_sequence(ids, lengths, batch_first=True)
    assert packed.data.tolist() == [2, 2, 3]


def test_it_pickles() -> None:
    fn = gt.collate(VOCAB, 3, padding="pre", truncating="pre")
    again = pickle.loads(pickle.dumps(fn))
    assert isinstance(again, Collate)
    assert repr(again) == repr(fn) == f"glovestore.torch.collate({VOCAB!r}, max_len=3, padding='pre', truncating='pre')"
    assert again(TEXTS)[0].tolist() == fn(TEXTS)[0].tolist()


MIXED = "expected a tuple (text, label) as batch[0] is, got a text"
BAD = {
    "nothing": ([], ValueError, "batch: expected at least one text, got none"),
    "mixed": ([("the", 1), "the"], ValueError, f"batch[1]: {MIXED}"),
    "label lost": (
        [{"text": "the", "label": 1}, {"text": "the"}],
        ValueError,
        "batch[1]: expected a mapping with a text and a label as batch[0] is, got a mapping with a text",
    ),
    "three": ([("the", 1, 2)], ValueError, "batch[0]: expected (text, label), got a tuple of 3"),
    "no text": (
        [{"sentence": "the", "label": 1}],
        ValueError,
        "expected a mapping with a \"text\", got 'sentence', 'l",
    ),
    "empty mapping": ([{}], ValueError, 'expected a mapping with a "text", got nothing'),
    "no label": ([("the", None)], TypeError, "labels: expected numbers, or lists or tensors of one shape"),
    "text as label": ([("the", "cat")], TypeError, "labels: expected numbers, or lists or tensors of one shape"),
    "shapes": ([("a", [1]), ("b", [1, 2])], TypeError, "labels: expected numbers, or lists or tensors of one shape"),
    "number": (["the", 1], TypeError, "texts[1]: expected a str or a sequence of str, got int"),
    "swapped": ([(1, "the")], TypeError, "texts[0]: expected a str or a sequence of str, got int"),
    "tokens": ([["the", 1]], TypeError, "texts[0][1]: expected a str, got int"),
}


@pytest.mark.parametrize(("batch", "error", "message"), BAD.values(), ids=list(BAD))
def test_bad_batches(batch: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        gt.collate(VOCAB)(batch)


def test_bad_arguments_are_errors_at_once() -> None:
    with pytest.raises(TypeError, match="vocab: expected a Vocabulary, got list"):
        gt.collate(["the"])
    for options, name in (({"max_len": 0}, "max_len"), ({"padding": "left"}, "padding"), ({"truncating": 1}, "trunc")):
        with pytest.raises(ValueError, match=name):
            gt.collate(VOCAB, **options)


def test_any_iterable_is_a_batch() -> None:
    fn = gt.collate(VOCAB)
    expected = fn(TEXTS)
    for batch in (tuple(TEXTS), iter(TEXTS), np.array(TEXTS[:4], object)):
        ids, lengths = fn(batch)
        assert ids.tolist() == expected[0][: len(lengths), : ids.shape[1]].tolist()
        assert lengths.tolist() == expected[1][: len(lengths)].tolist()


def test_columns_are_no_batch() -> None:
    with pytest.raises(
        TypeError, match=r"^batch: expected a sequence of items, got a mapping: columns have to be zipped"
    ):
        gt.collate(VOCAB)({"text": TEXTS, "label": LABELS})
