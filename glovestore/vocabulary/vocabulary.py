"""Vocabularies: texts to tokens with an index each, and texts to arrays of these indices."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Set
from types import MappingProxyType
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt

from glovestore import _core
from glovestore.arguments import whole_number
from glovestore.strings import as_strings, speaks_arrow
from glovestore.vocabulary import file as vocabulary_file
from glovestore.vocabulary import packed
from glovestore.vocabulary.counts import TokenCounts, count_tokens, ranked
from glovestore.vocabulary.encoding import Shape, encoded_padded, encoded_ragged
from glovestore.vocabulary.entries import OwnEntries, StoreEntries
from glovestore.vocabulary.file import PADDING_TOKEN, Content
from glovestore.vocabulary.ids import Side, check_side, id_array, id_dtype
from glovestore.vocabulary.tokenizers import Text, Tokenizer, find_tokenizer, plain_tokens, tokenizer_name


class Vocabulary:
    """The tokens of a model, each with an index: padding is 0, then the unknown token (if there is one), then the rest.

    Make one with `fit`, `from_counts`, `from_tokens`, `from_store` or `load`; it never changes afterwards, and any
    number of threads may use it. ``len(vocab)`` counts the padding and the unknown token: it is the number of rows of
    the embedding matrix. Its tokens are arrays, and ids are found in the core, for large inputs on several cores.
    """

    __slots__ = ("_counts", "_entries", "_known_counts", "_tokenizer", "_tokens", "_unk_token", "_word_index")

    def __init__(
        self,
        entries: OwnEntries | StoreEntries,
        unk_token: str | None,
        tokenizer: Tokenizer,
        counts: npt.NDArray[np.int64] | None,
    ) -> None:
        """Take over checked parts (internal): use `fit`, `from_counts`, `from_tokens`, `from_store` or `load`."""
        self._entries = entries
        self._unk_token = unk_token
        self._tokenizer = tokenizer
        self._counts = counts
        if counts is not None:
            counts.flags.writeable = False
        self._tokens: tuple[str, ...] | None = None  # made when they are asked for, like the next two
        self._word_index: Mapping[str, int] | None = None
        self._known_counts: tuple[int, ...] | None = None

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
        tokens, numbers = counts.arrays()
        order = ranked(numbers)
        order = order[numbers[order] >= least]
        for row in _rows_of(specials, tokens):  # two at most; np.isin would import numpy.ma, 10 ms
            order = order[order != row]
        kept = order[:most]
        of_specials = (0, counts.total - int(numbers[kept].sum()))[: len(specials)]
        entries = OwnEntries(tokens.select(kept).behind(specials), unk_token is not None)
        all_counts = np.concatenate([np.array(of_specials, np.int64), numbers[kept]])
        return cls(entries, _plain(unk_token), counts.tokenizer, all_counts)

    @classmethod
    def from_tokens(
        cls, tokens: Iterable[str], tokenizer: Tokenizer = "keras", unk_token: str | None = "<unk>"
    ) -> Self:
        """Make a vocabulary of given tokens, in their order, after the padding and the unknown token.

        They are an iterable of str that has an order, or Arrow strings. `tokenizer` is what `encode` will use on texts.
        Duplicates, an empty list, and ``<pad>`` or `unk_token` among the tokens are ValueErrors; a token that is not a
        str is a TypeError.
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
        entries = OwnEntries(packed.pack((*specials, *given)), unk_token is not None)
        return cls(entries, _plain(unk_token), tokenizer, None)

    @classmethod
    def from_store(cls, store: Any, tokenizer: Tokenizer = "keras", unk_token: str | None = "<unk>") -> Self:
        """Make a vocabulary of all tokens of an open store, in row order, after the padding and the unknown token.

        It borrows the store's arrays and its index: making it takes no time and no memory, whatever the size of the
        store, and it works on after the store was closed (but pickling it needs an open one). An id is the row plus the
        number of special tokens, so ``ids - 2`` (with ``unk_token=None``: ``ids - 1``) are rows of the store, and what
        is below 0 has none.

        The texts' tokens are looked up as in `EmbeddingStore.rows`: lone surrogates U+DC80 to U+DCFF stand for bytes.
        Texts that contain ``<pad>`` or the unknown token mean what they mean everywhere (an unknown token, and the
        index 1), also if the store has a row for them: no text leads to that row. Pickling such a vocabulary pickles
        the store; equal ones are made from equal stores.
        """
        if not hasattr(store, "token_arrays"):
            raise TypeError(f"store: expected an open EmbeddingStore, got {type(store).__name__} (see glovestore.open)")
        find_tokenizer(tokenizer)
        return cls(StoreEntries(store, _special_tokens(unk_token)), _plain(unk_token), tokenizer, None)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The token of every index, padding and unknown token included."""
        if self._tokens is None:
            self._tokens = self._entries.texts()
        return self._tokens

    @property
    def token_strings(self) -> _core.Strings:
        """The token of every index as look-ups in a store take them, without a str for each."""
        return self._entries.strings()

    @property
    def word_index(self) -> Mapping[str, int]:
        """The index of every token but the padding, in index order: a read-only mapping (the name is Keras')."""
        if self._word_index is None:
            index = dict(zip(self.tokens[1:], range(1, len(self)), strict=True))
            index.pop(PADDING_TOKEN, None)  # of a store: no text leads there
            if self._unk_token is not None:
                index[self._unk_token] = 1
            self._word_index = MappingProxyType(index)
        return self._word_index

    @property
    def counts(self) -> tuple[int, ...] | None:
        """How often every index stands in the texts it was made from, when encoded; None if made from tokens alone.

        Padding counts 0; the unknown token counts everything that was not kept.
        """
        if self._counts is not None and self._known_counts is None:
            self._known_counts = tuple(self._counts.tolist())
        return self._known_counts

    @property
    def count_array(self) -> npt.NDArray[np.int64] | None:
        """`counts` as a read-only array, int64 (len,)."""
        return self._counts

    @property
    def padding_idx(self) -> int:
        """The index of the padding: 0, always."""
        return 0

    @property
    def unk_idx(self) -> int | None:
        """The index of the unknown token: 1, or None when unknown tokens are dropped."""
        return None if self._unk_token is None else 1

    @property
    def unk_token(self) -> str | None:
        """The unknown token, or None when unknown tokens are dropped."""
        return self._unk_token

    @property
    def tokenizer(self) -> Tokenizer:
        """The name of the tokenizer, or the callable that stands for it."""
        return self._tokenizer

    def __len__(self) -> int:
        """Return the number of indices, padding and unknown token included."""
        return len(self._entries)

    def __contains__(self, token: object) -> bool:
        """Say whether `encode` knows this token, that is whether it is in `word_index`."""
        if not isinstance(token, str):
            return False
        unknown = -1 if self._unk_token is None else 1
        return token == self._unk_token or self._entries.known.id_of(token) != unknown

    def __eq__(self, other: object) -> bool:
        """Compare tokens, unknown token, tokenizer and counts."""
        if not isinstance(other, Vocabulary):
            return NotImplemented
        if (self._unk_token, self._tokenizer) != (other._unk_token, other._tokenizer):
            return False
        if self._counts is None or other._counts is None:
            return self._counts is other._counts and self._entries == other._entries
        return np.array_equal(self._counts, other._counts) and self._entries == other._entries

    def __repr__(self) -> str:
        """Return a line for people."""
        name = tokenizer_name(self._tokenizer)
        return f"Vocabulary({len(self):,} tokens, tokenizer={name!r}, unk_token={self.unk_token!r})"

    def __copy__(self) -> Self:
        """Return the vocabulary itself: it never changes."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the vocabulary itself: it never changes."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Vocabulary], tuple[object, ...]]:
        """Pickle as the arrays of the core: equal vocabularies give equal pickles.

        (No strings: pickle would also record which of them happen to be one object.)
        """
        if isinstance(self._entries, OwnEntries):
            counts = None if self._counts is None else self._counts.astype("<i8").tobytes()
            has_unk = self._unk_token is not None
            return _unpickled, (type(self), *self._entries.tokens.state(), has_unk, self._tokenizer, counts)
        unk = None if self._unk_token is None else self._unk_token.encode("utf-8", "surrogatepass")
        return _unpickled_over_store, (type(self), self._entries.store, self._tokenizer, unk)

    @overload
    def encode(
        self,
        texts: Iterable[Text],
        max_len: int | None = None,
        padding: Side = "post",
        truncating: Side = "post",
        return_lengths: Literal[False] = False,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
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
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]: ...

    def encode(
        self,
        texts: Iterable[Text],
        max_len: int | None = None,
        padding: Side = "post",
        truncating: Side = "post",
        return_lengths: bool = False,
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
    ) -> npt.NDArray[Any] | tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Turn texts into an array of indices, a row a text, filled up with 0.

        The shape is (number of texts, `max_len`), always 2-D; without `max_len` the longest text decides, and 0 columns
        are possible. Longer texts are cut. `padding` and `truncating` say on which side: ``"pre"`` or ``"post"`` (the
        default of Keras' ``pad_sequences`` is ``"pre"`` for both). `dtype` is int64, which None stands for, or int32.
        With `return_lengths` the result is (ids, lengths): the int64 number of indices in each row after cutting.

        `out` is a writable C-contiguous array of that shape, or a tensor on the CPU, int64 or int32, which is filled
        and returned; `max_len` and `dtype`, if they are given, have to be its own. What it holds after an error is
        undefined.

        Texts are as for `count_tokens`. ValueErrors name a bad argument, a TypeError the position of what is no text.
        """
        width = None if max_len is None else whole_number("max_len", max_len)
        check_side("padding", padding)
        check_side("truncating", truncating)
        shape = Shape(width, padding, truncating, None if dtype is None else id_dtype(dtype))
        ids, lengths = encoded_padded(self._entries.known, texts, self._tokenizer, shape, out)
        return (ids, lengths) if return_lengths else ids

    def encode_ragged(self, texts: Iterable[Text]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Turn texts into (values, offsets), both int64: text i is ``values[offsets[i]:offsets[i + 1]]``.

        Nothing is padded or cut. Texts are as for `count_tokens`.
        """
        return encoded_ragged(self._entries.known, texts, self._tokenizer)

    def decode(self, ids: npt.ArrayLike) -> list[str] | list[list[str]]:
        """Turn indices back into tokens, without the padding: 1-D gives a list of tokens, 2-D a list of such lists.

        `ids` is anything that ``np.asarray`` takes (a tensor on a GPU needs ``.cpu()`` first). An index outside the
        vocabulary is an IndexError that names its position.
        """
        array = id_array(ids, len(self))
        names = self._entries.named(array)
        rows = ([names[index] for index in row if index] for row in np.atleast_2d(array).tolist())
        return next(rows) if array.ndim == 1 else list(rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary as JSON, one token a line; an existing file is replaced at once, or left as it was.

        A callable tokenizer cannot be written: its name is, and `load` then asks for the callable. A vocabulary over a
        store whose own tokens repeat a special one is a ValueError: the file has no token twice.
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
        return cls._of_content(content, chosen)

    @classmethod
    def _of_content(cls, content: Content, tokenizer: Tokenizer) -> Self:
        entries = OwnEntries(packed.pack(content.tokens), content.unk_idx is not None)
        counts = None if content.counts is None else np.array(content.counts, np.int64)
        return cls(entries, None if content.unk_idx is None else content.tokens[1], tokenizer, counts)

    def _dumps(self) -> bytes:
        if isinstance(self._entries, StoreEntries):
            vocabulary_file.check_distinct(self.tokens)
        name, is_callable = tokenizer_name(self._tokenizer), callable(self._tokenizer)
        return vocabulary_file.dumps(Content(self.tokens, self.unk_idx, name, is_callable, self.counts))


def _unpickled(
    cls: type[Vocabulary], data: bytes, offsets: bytes, has_unk: bool, tokenizer: Tokenizer, counts: bytes | None
) -> Vocabulary:
    entries = OwnEntries(packed.from_state(data, offsets), has_unk)
    numbers = None if counts is None else np.frombuffer(counts, "<i8").astype(np.int64)
    return cls(entries, entries.named(np.array([1]))[1] if has_unk else None, tokenizer, numbers)


def _unpickled_over_store(cls: type[Vocabulary], store: Any, tokenizer: Tokenizer, unk: bytes | None) -> Vocabulary:
    return cls.from_store(store, tokenizer, None if unk is None else unk.decode("utf-8", "surrogatepass"))


def _rows_of(specials: tuple[str, ...], tokens: packed.PackedTokens) -> list[int]:
    """Return the rows of those special tokens that are there."""
    strings = _core.Strings.of_packed(tokens.data, tokens.offsets, escaped=False)
    wanted = tuple(special.encode("utf-8", "surrogatepass") for special in specials)
    return [row for row in strings.survey(wanted)[1] if row is not None]


def _plain(unk_token: str | None) -> str | None:
    return None if unk_token is None else str.__str__(unk_token)


def _listed(tokens: Any) -> Any:
    """Read an iterable to its end; leave alone what is none, has no order, or is one string."""
    if speaks_arrow(tokens):
        return list(as_strings(tokens))
    return tokens if not isinstance(tokens, Iterable) or isinstance(tokens, (str, bytes, Set)) else list(tokens)


def _special_tokens(unk_token: str | None) -> tuple[str, ...]:
    if unk_token is None:
        return (PADDING_TOKEN,)
    if not isinstance(unk_token, str):
        raise TypeError(f"unk_token: expected a str or None, got {type(unk_token).__name__}")
    if unk_token == PADDING_TOKEN:
        raise ValueError(f"unk_token: expected another token than the padding's, got {unk_token!r}")
    return PADDING_TOKEN, str.__str__(unk_token)
