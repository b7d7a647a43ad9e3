"""Texts to arrays of ids, block by block."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.vocabulary.ids import Side, target_of
from glovestore.vocabulary.lower_case import LOWER_CASE
from glovestore.vocabulary.texts import blocks, core_tokenizer, length_of, threads_for_texts
from glovestore.vocabulary.tokenizers import Text, Tokenizer


class Shape(NamedTuple):
    """The rows of an array of ids: their width (None: that of the longest text), and how a text is laid into one.

    The dtype None is that of a caller's array, or int64.
    """

    width: int | None
    padding: Side
    truncating: Side
    dtype: np.dtype[Any] | None


def encoded_ragged(
    known: _core.KnownTokens, texts: Iterable[Text], tokenizer: Tokenizer
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (values, offsets): text i is values[offsets[i]:offsets[i + 1]]."""
    found = _ragged(known, texts, tokenizer)
    values, offsets = np.empty(found.ids, np.int64), np.empty(found.texts + 1, np.int64)
    found.copy(values, offsets)
    return values, offsets


def encoded_padded(
    known: _core.KnownTokens, texts: Iterable[Text], tokenizer: Tokenizer, shape: Shape, out: Any
) -> tuple[Any, NDArray[np.int64]]:
    """Return (ids, lengths); the ids are `out` if that is given."""
    if out is not None:
        return out, _fill(known, texts, tokenizer, shape, target_of(out, shape.width, shape.dtype))
    shape = shape._replace(dtype=shape.dtype or np.dtype(np.int64))
    if shape.width is None:
        return _as_wide_as_the_longest(known, texts, tokenizer, shape)
    number = length_of(texts)
    if number is None:
        return _of_unknown_length(known, texts, tokenizer, shape)
    ids = np.empty((number, shape.width), shape.dtype)
    return ids, _fill(known, texts, tokenizer, shape, _core.Target(ids))


def _fill(
    known: _core.KnownTokens, texts: Iterable[Text], tokenizer: Tokenizer, shape: Shape, target: _core.Target
) -> NDArray[np.int64]:
    """Write a row for each text, and return the lengths; a ValueError if there are more or fewer rows than texts."""
    number, first = length_of(texts), 0
    lengths = np.empty(target.rows, np.int64)
    if number not in (None, target.rows):
        raise ValueError(f"out: expected shape {(number, target.columns)}, got {(target.rows, target.columns)}")
    for block in blocks(texts, tokenizer):
        if first + len(block) > target.rows:
            raise ValueError(f"out: expected a row for each text, got {target.rows} for {first + len(block)} or more")
        _encode(known, block, tokenizer, shape, target, first, lengths)
        first += len(block)
    if first < target.rows:
        raise ValueError(f"out: expected shape {(first, target.columns)}, got {(target.rows, target.columns)}")
    return lengths


def _of_unknown_length(
    known: _core.KnownTokens, texts: Iterable[Text], tokenizer: Tokenizer, shape: Shape
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    parts = [np.empty((0, shape.width or 0), shape.dtype)]
    lengths = [np.empty(0, np.int64)]
    for block in blocks(texts, tokenizer):
        parts.append(np.empty((len(block), shape.width or 0), shape.dtype))
        lengths.append(np.empty(len(block), np.int64))
        _encode(known, block, tokenizer, shape, _core.Target(parts[-1]), 0, lengths[-1])
    if len(parts) == 2:
        return parts[1], lengths[1]
    return np.concatenate(parts), np.concatenate(lengths)


def _as_wide_as_the_longest(
    known: _core.KnownTokens, texts: Iterable[Text], tokenizer: Tokenizer, shape: Shape
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    found = _ragged(known, texts, tokenizer)
    ids, lengths = np.empty((found.texts, found.longest), shape.dtype), np.empty(found.texts, np.int64)
    found.pad(_core.Target(ids), lengths, fill_left=shape.padding == "pre")
    return ids, lengths


def _encode(
    known: _core.KnownTokens,
    block: _core.Texts,
    tokenizer: Tokenizer,
    shape: Shape,
    target: _core.Target,
    first: int,
    lengths: NDArray[np.int64],
) -> None:
    known.encode(
        block,
        core_tokenizer(tokenizer),
        LOWER_CASE,
        target,
        first,
        lengths,
        fill_left=shape.padding == "pre",
        cut_left=shape.truncating == "pre",
        threads=threads_for_texts(block),
    )


def _ragged(known: _core.KnownTokens, texts: Iterable[Text], tokenizer: Tokenizer) -> _core.RaggedIds:
    found = _core.RaggedIds()
    for block in blocks(texts, tokenizer):
        found.encode(known, block, core_tokenizer(tokenizer), LOWER_CASE, threads_for_texts(block))
    return found
