"""Counting and encoding in blocks and on threads: neither changes a result."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import keras_reference as reference
import numpy as np
import pytest
from gil import another_thread
from hypothesis import given
from hypothesis import strategies as st
from test_vocabulary import any_text, any_texts
from test_vocabulary import token as any_token

from glovestore.vocabulary import TokenCounts, Vocabulary, count_tokens, texts

BLOCK_SIZES = (1, 2, 3, 5, 7, 10, 20)
mixed_texts = st.lists(st.one_of(any_text, st.lists(any_token, max_size=8)), max_size=8)


@contextmanager
def cut(block: int, threads: int) -> Iterator[None]:
    """Work in blocks of so many texts, on so many threads, however little there is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "TEXTS_OF_A_LIST", block)
        patch.setattr(texts, "TEXTS_OF_AN_ITERATOR", block)
        patch.setattr(texts, "CHARACTERS_A_THREAD", 1)
        patch.setattr(texts, "worker_threads", lambda: threads)
        yield


def tokens_of(text):
    return reference.tokens_of(text) if isinstance(text, str) else text


# ----- neither blocks nor threads change a result


@given(mixed_texts, st.sampled_from(BLOCK_SIZES), st.integers(1, 5), st.booleans())
def test_blocks_and_threads_of_count(given_texts, block, threads, as_iterator):
    with cut(block, threads):
        counts = count_tokens(iter(given_texts) if as_iterator else given_texts)
    lists = list(map(tokens_of, given_texts))
    expected = {}
    for token in [token for tokens in lists for token in tokens]:
        expected[token] = expected.get(token, 0) + 1
    assert list(counts.items()) == list(expected.items())
    assert (counts.texts, counts.total) == (len(given_texts), sum(map(len, lists)))
    assert counts.most_common() == reference.ranked(lists)


@given(
    mixed_texts,
    any_texts,
    st.sampled_from(BLOCK_SIZES),
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from([None, "<unk>"]),
    st.one_of(st.none(), st.integers(1, 12)),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
)
def test_blocks_and_threads_of_encode(
    given_texts, known, block, threads, as_iterator, unk_token, max_len, padding, truncating
):
    vocab = Vocabulary.fit(known, unk_token=unk_token)
    rows = reference.sequences(list(map(tokens_of, given_texts)), dict(vocab.word_index), unk_token)
    expected = reference.pad_sequences(rows, max_len, padding, truncating)
    with cut(block, threads):
        again = (lambda: iter(given_texts)) if as_iterator else (lambda: given_texts)
        ids, lengths = vocab.encode(again(), max_len, padding, truncating, return_lengths=True)
        values, offsets = vocab.encode_ragged(again())
    assert ids.tolist() == expected
    assert lengths.tolist() == [len(row) if max_len is None else min(len(row), max_len) for row in rows]
    assert [values[a:b].tolist() for a, b in pairwise(offsets.tolist())] == rows


def test_long_texts_are_cut_as_they_are_encoded():
    # Longer than any batch of the core, with unknown tokens that are dropped on the way.
    known = [f"t{i}" for i in range(1000)]
    vocab = Vocabulary.from_tokens(known, unk_token=None)
    text = [token for i in range(1000) for token in (known[i], "unknown")[: 1 + (i % 3 == 0)]]
    for length in (1, 255, 256, 257, 600, 999, 1000, 1001):
        assert vocab.encode([text], length, truncating="post")[0, :1000].tolist() == padded(
            range(1, 1001), length, "post"
        )
        assert vocab.encode([text], length, truncating="pre")[0].tolist() == padded(range(1, 1001), length, "pre")


def padded(ids, length, truncating):
    return reference.pad_sequences([list(ids)], length, "post", truncating)[0][: 1000 if truncating == "post" else None]


@given(st.lists(st.lists(st.tuples(any_token, st.integers(1, 3)), max_size=5), max_size=4))
def test_counts_add_like_dicts(parts):
    dicts = [dict(part) for part in parts]
    expected = {}
    for part in dicts:
        for name, count in part.items():
            expected[name] = expected.get(name, 0) + count
    total = sum((TokenCounts(part, texts=1) for part in dicts), TokenCounts({}))
    assert list(total.items()) == list(expected.items())
    assert total.texts == len(parts)


def test_many_tokens():
    # More than the index of an empty counter has room for, many times over.
    tokens = [f"token{i}" for i in range(50_000)]
    text = " ".join([*tokens, *reversed(tokens)])
    counts = count_tokens([text])
    assert list(counts) == tokens and set(counts.values()) == {2}
    vocab = Vocabulary.from_counts(counts, max_size=40_000)
    assert vocab.encode([text])[0].tolist() == [
        *range(2, 40_002), *[1] * 10_000, *[1] * 10_000, *range(40_001, 1, -1)
    ]  # fmt: skip
    assert vocab.counts[:3] == (0, 20_000, 2)


def test_tokens_that_are_alike():
    # In a text of this size the core remembers where it found the tokens of up to 16 bytes.
    chosen = random.Random(1)
    tokens = ["".join(chosen.choices("ab\0é", (8, 1, 1, 1), k=chosen.randrange(21))) for _ in range(50_000)]
    counts = count_tokens([tokens, tokens[:100]])
    assert sum(map(len, tokens)) > 1 << 18
    assert dict(counts) == Counter(tokens + tokens[:100]) and list(counts) == list(dict.fromkeys(tokens))
    for unk_token in (None, "<unk>"):
        vocab = Vocabulary.from_counts(counts, max_size=1000, unk_token=unk_token)
        expected = reference.sequences([tokens], dict(vocab.word_index), unk_token)
        assert vocab.encode_ragged([tokens])[0].tolist() == expected[0]
        assert vocab.encode([tokens], 20_000, truncating="pre").tolist() == [expected[0][-20_000:]]


def test_tokens_and_texts_of_any_length():
    long = "x" * 100_000
    text = f"{long} y {long}"
    counts = count_tokens([text, [long, ""]])
    assert dict(counts) == {long: 3, "y": 1, "": 1}
    assert Vocabulary.from_counts(counts).encode([text]).tolist() == [[2, 3, 2]]


def test_threads_hammer_one_vocabulary():
    corpus = [f"text {i} of a töken {i % 7}" for i in range(500)]
    vocab = Vocabulary.fit(corpus)
    expected = vocab.encode(corpus).tolist()
    results = []

    def work():
        results.extend(vocab.encode(corpus).tolist() == expected and "text" in vocab for _ in range(10))
        results.append(vocab.decode(vocab.encode(corpus[:1])) == [reference.tokens_of(corpus[0])])
        results.append(len(vocab.word_index) == len(vocab) - 1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 * 12 and all(results)


def test_the_gil_is_released():
    text = "many tokens of one text, again and again " * 50_000
    vocab = Vocabulary.fit([text])
    out = np.empty((1, 8), np.int64)
    for work in (
        partial(count_tokens, [text]),
        partial(vocab.encode_ragged, [text]),
        partial(vocab.encode, [text], out=out),
    ):
        with another_thread() as count:
            moved = 0
            for _ in range(20):
                before = count()
                work()
                moved += count() > before
        assert moved
