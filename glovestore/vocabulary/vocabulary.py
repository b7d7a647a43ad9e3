"""Vocabularies: texts to tokens with an index each, and texts to arrays of these indices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Set
from itertools import repeat
from types import MappingProxyType
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt

from glovestore.arguments import whole_number
from glovestore.vocabulary import file as vocabulary_file
from glovestore.vocabulary.counts import TokenCounts, count_tokens
from glovestore.vocabulary.file import PADDING_TOKEN, Content
from glovestore.vocabulary.ids import Side, check_side, id_array, id_dtype, kept_part, padded
from glovestore.vocabulary.tokenizers import Text, Tokenizer, find_tokenizer, plain_tokens, tokenized, tokenizer_name


class Vocabulary:
    """The tokens of a model, each with an index: padding is 0, then the unknown token (if there is one), then the rest.

    Make one with `fit`, `from_counts`, `from_tokens` or `load`; it never changes afterwards. ``len(vocab)`` counts the
    padding and the unknown token: it is the number of rows of the embedding matrix.
    """

    __slots__ = ("_counts", "_index", "_tokenizer", "_tokens", "_unk_idx")

    def __init__(
        self, tokens: tuple[str, ...], unk_idx: int | None, tokenizer: Tokenizer, counts: tuple[int, ...] | None
    ) -> None:
        """Take over checked parts (internal): use `fit`, `from_counts`, `from_tokens` or `load`."""
        self._tokens = tokens
        self._unk_idx = unk_idx
        self._tokenizer = tokenizer
        self._counts = counts
        self._index = dict(zip(tokens, range(len(tokens)), strict=True))
        # A text's own "<pad>" is an unknown token: only `encode` pads.
        del self._index[PADDING_TOKEN]

    @classmethod
    def fit(
        cls,
        texts: Iterable[Text],
        tokenizer: Tokenizer = "keras",
        max_size: int | None = None,
        min_count: int = 1,
        unk_token: str | None = "<unk>",
    ) -> Self:
        """Make a vocabulary of the most frequent tokens of some texts.

        The same as ``from_counts(count_tokens(texts, tokenizer), ...)``; see `count_tokens` for what a text may be and
        what tokenizers there are, and `from_counts` for the rest.
        """
        return cls.from_counts(count_tokens(texts, tokenizer), max_size, min_count, unk_token)

    @classmethod
    def from_counts(
        cls,
        counts: TokenCounts,
        max_size: int | None = None,
        min_count: int = 1,
        unk_token: str | None = "<unk>",
    ) -> Self:
        """Make a vocabulary of the most frequent tokens, ordered by count, then by first seen (as Keras does).

        `max_size` is the most tokens to keep from the texts; padding and the unknown token come on top, so the
        vocabulary has at most ``max_size + 2`` entries. (Keras' ``num_words=n`` keeps the indices below n: n - 1
        tokens, an ``oov_token`` among them; torchtext's ``max_tokens`` counts the special tokens too.) Tokens seen
        fewer than `min_count` times are left out.

        With ``unk_token=None`` unknown tokens are dropped by `encode` and index 1 is the first real token, as in Keras.
        Texts that contain the unknown token themselves (the Penn Treebank's ``<unk>``) mean just that index; a
        ``<pad>`` of theirs is an unknown token. Neither enters the vocabulary a second time.
        """
        if not isinstance(counts, TokenCounts):
            raise TypeError(f"counts: expected TokenCounts (see count_tokens), got {type(counts).__name__}")
        specials = _special_tokens(unk_token)
        least = whole_number("min_count", min_count)
        most = None if max_size is None else whole_number("max_size", max_size)
        kept = [pair for pair in counts.most_common() if pair[1] >= least and pair[0] not in specials][:most]
        tokens = (*specials, *(token for token, _ in kept))
        kept_counts = [count for _, count in kept]
        of_specials = (0, counts.total - sum(kept_counts))[: len(specials)]
        return cls(tokens, None if unk_token is None else 1, counts.tokenizer, (*of_specials, *kept_counts))

    @classmethod
    def from_tokens(
        cls, tokens: Iterable[str], tokenizer: Tokenizer = "keras", unk_token: str | None = "<unk>"
    ) -> Self:
        """Make a vocabulary of given tokens, in their order, after the padding and the unknown token.

        `tokenizer` is what `encode` will use on texts. Duplicates, an empty list, and ``<pad>`` or `unk_token` among
        the tokens are ValueErrors; a token that is not a str is a TypeError.
        """
        find_tokenizer(tokenizer)
        specials = _special_tokens(unk_token)
        given = plain_tokens(_listed(tokens), "tokens")
        if not given:
            raise ValueError("tokens: expected at least one token, got none")
        vocabulary_file.check_distinct(given)
        for position, token in enumerate(given):
            if token in specials:
                raise ValueError(f"tokens[{position}]: expected no {token!r}, which is added by itself; leave it out")
        return cls((*specials, *given), None if unk_token is None else 1, tokenizer, None)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The token of every index, padding and unknown token included."""
        return self._tokens

    @property
    def word_index(self) -> Mapping[str, int]:
        """The index of every token but the padding, in index order: a read-only view (the name is Keras')."""
        return MappingProxyType(self._index)

    @property
    def counts(self) -> tuple[int, ...] | None:
        """How often every index stands in the texts it was made from, when encoded; None if made from tokens alone.

        Padding counts 0; the unknown token counts everything that was not kept.
        """
        return self._counts

    @property
    def padding_idx(self) -> int:
        """The index of the padding: 0, always."""
        return 0

    @property
    def unk_idx(self) -> int | None:
        """The index of the unknown token: 1, or None when unknown tokens are dropped."""
        return self._unk_idx

    @property
    def unk_token(self) -> str | None:
        """The unknown token, or None when unknown tokens are dropped."""
        return None if self._unk_idx is None else self._tokens[self._unk_idx]

    @property
    def tokenizer(self) -> Tokenizer:
        """The name of the tokenizer, or the callable that stands for it."""
        return self._tokenizer

    def __len__(self) -> int:
        """Return the number of indices, padding and unknown token included."""
        return len(self._tokens)

    def __contains__(self, token: object) -> bool:
        """Say whether `encode` knows this token, that is whether it is in `word_index`."""
        return token in self._index

    def __eq__(self, other: object) -> bool:
        """Compare tokens, unknown token, tokenizer and counts."""
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self._parts() == other._parts()

    def __repr__(self) -> str:
        """Return a line for people."""
        name = tokenizer_name(self._tokenizer)
        return f"Vocabulary({len(self):,} tokens, tokenizer={name!r}, unk_token={self.unk_token!r})"

    def __reduce__(self) -> tuple[Callable[..., Vocabulary], tuple[object, ...]]:
        """Pickle as the bytes of the file: equal vocabularies give equal pickles.

        (Pickling the tokens one by one would also record which of the strings happen to be one object.)
        """
        return _unpickled, (type(self), self._dumps(), self._tokenizer if callable(self._tokenizer) else None)

    @overload
    def encode(
        self,
        texts: Iterable[Text],
        max_len: int | None = None,
        padding: Side = "post",
        truncating: Side = "post",
        return_lengths: Literal[False] = False,
        dtype: npt.DTypeLike = np.int64,
    ) -> npt.NDArray[Any]: ...

    @overload
    def encode(
        self,
        texts: Iterable[Text],
        max_len: int | None = None,
        padding: Side = "post",
        truncating: Side = "post",
        *,
        return_lengths: Literal[True],
        dtype: npt.DTypeLike = np.int64,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]: ...

    def encode(
        self,
        texts: Iterable[Text],
        max_len: int | None = None,
        padding: Side = "post",
        truncating: Side = "post",
        return_lengths: bool = False,
        dtype: npt.DTypeLike = np.int64,
    ) -> npt.NDArray[Any] | tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Turn texts into a new array of indices, a row a text, filled up with 0.

        The shape is (number of texts, `max_len`), always 2-D; without `max_len` the longest text decides, and 0 columns
        are possible. Longer texts are cut. `padding` and `truncating` say on which side: ``"pre"`` or ``"post"`` (the
        default of Keras' ``pad_sequences`` is ``"pre"`` for both). `dtype` is int64 or int32. With `return_lengths` the
        result is (ids, lengths): the int64 number of indices in each row after cutting.

        Texts are as for `count_tokens`. ValueErrors name a bad argument, a TypeError the position of what is no text.
        """
        width = None if max_len is None else whole_number("max_len", max_len)
        check_side("padding", padding)
        check_side("truncating", truncating)
        checked_dtype = id_dtype(dtype)
        values, offsets = self._encoded(texts, kept_part(width, truncating))
        ids = padded(values, offsets, width, padding, checked_dtype)
        return (ids, np.diff(offsets)) if return_lengths else ids

    def encode_ragged(self, texts: Iterable[Text]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Turn texts into (values, offsets), both int64: text i is ``values[offsets[i]:offsets[i + 1]]``.

        Nothing is padded or cut. Texts are as for `count_tokens`.
        """
        return self._encoded(texts, slice(None))

    def decode(self, ids: npt.ArrayLike) -> list[str] | list[list[str]]:
        """Turn indices back into tokens, without the padding: 1-D gives a list of tokens, 2-D a list of such lists.

        `ids` is anything that ``np.asarray`` takes (a tensor on a GPU needs ``.cpu()`` first). An index outside the
        vocabulary is an IndexError that names its position.
        """
        array = id_array(ids, len(self))
        rows = ([self._tokens[index] for index in row if index] for row in np.atleast_2d(array).tolist())
        return next(rows) if array.ndim == 1 else list(rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary as JSON, one token a line; an existing file is replaced at once, or left as it was.

        A callable tokenizer cannot be written: its name is, and `load` then asks for the callable.
        """
        vocabulary_file.write(path, self._dumps())

    @classmethod
    def load(cls, path: str | os.PathLike[str], tokenizer: Tokenizer | None = None) -> Self:
        """Read a vocabulary that `save` wrote.

        `tokenizer` is needed when the vocabulary had a callable one, and must be the same name otherwise (ValueErrors).
        A file with anything wrong in it is a GlovestoreError that says what was expected, what was there, and where.
        """
        content = vocabulary_file.read(path)
        chosen = vocabulary_file.chosen_tokenizer(content, tokenizer, os.fspath(path))
        return cls(content.tokens, content.unk_idx, chosen, content.counts)

    def _encoded(self, texts: Iterable[Text], kept: slice) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Encode as `encode_ragged` does, but only this part of each text's indices."""
        ids: list[int] = []
        offsets = [0]
        find = self._index.get
        for tokens in tokenized(texts, self._tokenizer):
            if self._unk_idx is None:
                ids.extend(list(filter(None, map(find, tokens)))[kept])  # no token has index 0
            else:
                ids.extend(map(find, tokens[kept], repeat(self._unk_idx)))
            offsets.append(len(ids))
        return np.array(ids, dtype=np.int64), np.array(offsets, dtype=np.int64)

    def _dumps(self) -> bytes:
        name, is_callable = tokenizer_name(self._tokenizer), callable(self._tokenizer)
        return vocabulary_file.dumps(Content(self._tokens, self._unk_idx, name, is_callable, self._counts))

    def _parts(self) -> tuple[object, ...]:
        return self._unk_idx, self._tokenizer, self._counts, self._tokens


def _unpickled(cls: type[Vocabulary], data: bytes, tokenizer: Any) -> Vocabulary:
    content = vocabulary_file.loads(data)
    return cls(content.tokens, content.unk_idx, tokenizer if content.is_callable else content.tokenizer, content.counts)


def _listed(tokens: Any) -> Any:
    """Read an iterable to its end; leave alone what is none, has no order, or is one string."""
    return tokens if not isinstance(tokens, Iterable) or isinstance(tokens, (str, bytes, Set)) else list(tokens)


def _special_tokens(unk_token: str | None) -> tuple[str, ...]:
    if unk_token is None:
        return (PADDING_TOKEN,)
    if not isinstance(unk_token, str):
        raise TypeError(f"unk_token: expected a str or None, got {type(unk_token).__name__}")
    if unk_token == PADDING_TOKEN:
        raise ValueError(f"unk_token: expected another token than the padding's, got {unk_token!r}")
    return PADDING_TOKEN, str.__str__(unk_token)
