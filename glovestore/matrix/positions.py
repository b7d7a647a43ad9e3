"""Positions: which row of a matrix belongs to which token of a vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.strings import as_strings
from glovestore.threads import threads_for
from glovestore.tokens import first_few, shown

PADDING_TOKENS = ("<pad>", "[PAD]")

_EXPECTED = (
    "vocab: expected a sequence of tokens, a mapping token -> index (word_index, get_vocab(), vocabulary_), "
    "a Vocabulary, or an object with get_itos()"
)


@dataclass(frozen=True, eq=False)
class ResolvedVocab:
    """Every token of a vocabulary with the position of its row in a matrix of `size` rows.

    `indices` is int64 (len(tokens),), or None where token i has row i. Rows that no token names stay zero, and so
    does the row `padding_idx`, whatever its token. `unk_idx` is the row of a `Vocabulary`'s unknown token. `counts`,
    int64 (len(tokens),), says how often each token stands in texts, where that is known.
    """

    tokens: _core.Strings
    indices: NDArray[np.int64] | None
    size: int
    padding_idx: int | None
    unk_idx: int | None = None
    counts: NDArray[np.int64] | None = None

    @property
    def uncounted(self) -> frozenset[int]:
        """Return the positions that coverage leaves out: padding, and the unknown token of a `Vocabulary`."""
        return frozenset(i for i in (self.padding_idx, self.unk_idx) if i is not None)

    def number_of(self, position: int | None) -> int | None:
        """Return which of the tokens has this position, None if none has."""
        if position is None or self.indices is None:
            return position
        numbers = np.flatnonzero(self.indices == position)
        return int(numbers[0]) if numbers.size else None

    def uncounted_numbers(self) -> list[int]:
        """Return which of the tokens coverage leaves out."""
        return [number for i in self.uncounted if (number := self.number_of(i)) is not None]


def resolve_vocab(vocab: Any) -> ResolvedVocab:
    """Return the tokens of a vocabulary of any kind and the positions of their rows.

    A sequence (row i belongs to token i), a mapping token -> index, a `Vocabulary`, or anything with `get_itos()`;
    a `ResolvedVocab` is returned as it is. Raises `TypeError` for anything else, `ValueError` for impossible indices.
    """
    if isinstance(vocab, ResolvedVocab):
        return vocab
    if isinstance(vocab, (str, bytes)):
        raise TypeError(f"{_EXPECTED}; got the single token {shown(vocab)} (put it into a list)")
    if all(hasattr(vocab, name) for name in ("tokens", "padding_idx", "unk_idx")):
        return _from_vocabulary(vocab)
    if hasattr(vocab, "get_itos"):
        return _from_sequence(vocab.get_itos())
    if hasattr(vocab, "most_common"):
        raise TypeError(f"{_EXPECTED}; got counts ({type(vocab).__name__}): make them a Vocabulary first")
    if isinstance(vocab, Mapping):
        return _from_mapping(vocab)
    return _from_sequence(vocab)


def _from_vocabulary(vocab: Any) -> ResolvedVocab:
    tokens = as_strings(getattr(vocab, "token_strings", None) or vocab.tokens)
    counts = getattr(vocab, "count_array", None)
    return ResolvedVocab(tokens, None, len(tokens), vocab.padding_idx, vocab.unk_idx, counts)


def _from_sequence(vocab: Any) -> ResolvedVocab:
    if isinstance(vocab, (set, frozenset)):
        raise TypeError(f"{_EXPECTED}; got a {type(vocab).__name__}, which has no order (sort it)")
    if getattr(vocab, "ndim", 1) != 1:
        raise ValueError(f"vocab: expected one dimension, got {type(vocab).__name__} of shape {vocab.shape}")
    if not isinstance(vocab, (Iterable, _core.Strings)) and not hasattr(vocab, "__arrow_c_stream__"):
        raise TypeError(f"{_EXPECTED}; got {type(vocab).__name__}")
    tokens = as_strings(vocab)
    paddings = _checked(tokens, tuple(token.encode() for token in PADDING_TOKENS))
    return ResolvedVocab(tokens, None, len(tokens), next((i for i in paddings if i is not None), None))


def _from_mapping(vocab: Mapping[Any, Any]) -> ResolvedVocab:
    tokens = as_strings(list(vocab))
    _checked(tokens)
    indices = _indices(tokens, list(vocab.values()))
    size = int(indices.max()) + 1 if len(tokens) else 0
    if len(tokens) and indices.min() > 0:
        return ResolvedVocab(tokens, indices, size, 0)
    forms = (form for token in PADDING_TOKENS for form in (token, token.encode()))
    return ResolvedVocab(tokens, indices, size, next((int(vocab[form]) for form in forms if form in vocab), None))


def _checked(tokens: _core.Strings, wanted: tuple[bytes, ...] = ()) -> list[int | None]:
    """Return where the wanted tokens stand first; TypeError at the first of the tokens that is no string."""
    stranger, positions = tokens.survey(wanted, threads_for(len(tokens)))
    if stranger is not None:
        token = tokens[stranger]
        raise TypeError(f"vocab: expected str or bytes, got {type(token).__name__} {shown(token)} as token {stranger}")
    return positions


def _indices(tokens: _core.Strings, values: list[Any]) -> NDArray[np.int64]:
    """Return the values of a mapping as positions, or say which of them cannot be one."""
    for kind in set(map(type, values)):
        if not issubclass(kind, (int, np.integer)) or kind is bool:
            i = next(i for i, value in enumerate(values) if type(value) is kind)
            raise TypeError(f"vocab: expected an integer index, got {shown(values[i])} for token {shown(tokens[i])}")
    if not values:
        return np.empty(0, np.int64)
    _check_range(tokens, values)
    indices = np.array(values, np.int64)
    counts = np.bincount(indices)
    if counts.max() > 1:
        index = int(counts.argmax())
        rivals = [tokens[i] for i in np.flatnonzero(indices == index).tolist()]
        raise ValueError(f"vocab: expected one token for an index, got {len(rivals)} for {index}: {first_few(rivals)}")
    return indices


def _check_range(tokens: _core.Strings, values: list[Any]) -> None:
    low, high, limit = min(values), max(values), 10 * len(tokens) + 1000
    if low < 0:
        token = tokens[values.index(low)]
        raise ValueError(f"vocab: expected indices from 0, got {low} for token {shown(token)}")
    if high > limit:
        token = tokens[values.index(high)]
        raise ValueError(
            f"vocab: expected indices up to {limit:,} for {len(tokens):,} tokens, got {high} for token {shown(token)}: "
            "it looks like an id and not like the position of a row (number the tokens from 0)"
        )
