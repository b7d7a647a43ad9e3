"""Token counts: how often each token stands in some texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.arguments import whole_number
from glovestore.vocabulary import packed
from glovestore.vocabulary.file import MOST_COUNTED
from glovestore.vocabulary.lower_case import LOWER_CASE
from glovestore.vocabulary.texts import blocks, core_tokenizer, threads_for_texts
from glovestore.vocabulary.tokenizers import Text, Tokenizer, find_tokenizer, plain_tokens, tokenizer_name


class TokenCounts(Mapping[str, int]):
    """How often each token stands in some texts: a read-only mapping, in the order in which the tokens were first seen.

    Counts made with the same tokenizer add, so parts of a corpus can be counted in parallel: ``sum(parts)``, in the
    order of the parts, is what counting the whole gives. (A callable tokenizer must then be a module-level function,
    which is the same object again when a worker sends it back.) Two counts are equal if tokens, counts, order,
    tokenizer and number of texts are; any other mapping is compared by tokens and counts. Tokens and counts are kept as
    arrays; what reads them as a mapping makes a dict of them, once.
    """

    __slots__ = ("_arrays", "_counted", "_dict", "_texts", "_tokenizer")

    def __init__(self, counts: Mapping[str, int], tokenizer: Tokenizer = "keras", texts: int = 0) -> None:
        """Copy a mapping from tokens to counts of at least 1, made from `texts` texts with `tokenizer`."""
        find_tokenizer(tokenizer)
        if not isinstance(counts, Mapping):
            raise TypeError(f"counts: expected a mapping from tokens to counts, got {type(counts).__name__}")
        numbers = list(counts.values())
        if not set(map(type, numbers)) <= {int} or min(numbers, default=1) < 1:
            numbers = [whole_number(f"counts[{token!r}]", count) for token, count in counts.items()]
        if sum(numbers) > MOST_COUNTED:
            raise ValueError(f"counts: expected a total of at most 2**63 - 1, got {sum(numbers)}")
        counted = _core.CountedTokens(packed.INDEX_SEEDS)
        tokens = _core.Strings.of_objects(plain_tokens(list(counts), "counts"), escaped=False)
        counted.add_counts(tokens, np.array(numbers, np.int64))
        self._take(counted, tokenizer, whole_number("texts", texts, least=0))

    def _take(self, counted: _core.CountedTokens, tokenizer: Tokenizer, texts: int) -> None:
        self._counted = counted
        data, offsets, counts = counted.arrays()
        self._arrays = packed.from_memory(data, offsets), np.frombuffer(counts, np.int64)
        self._tokenizer = tokenizer
        self._texts = texts
        self._dict: dict[str, int] | None = None

    @classmethod
    def _of(cls, counted: _core.CountedTokens, tokenizer: Tokenizer, texts: int) -> TokenCounts:
        """Take over what the core counted."""
        made = cls.__new__(cls)
        made._take(counted, tokenizer, texts)
        return made

    def arrays(self) -> tuple[packed.PackedTokens, NDArray[np.int64]]:
        """Return the tokens as the core has them, and the count of each: read-only arrays."""
        return self._arrays

    @property
    def tokenizer(self) -> Tokenizer:
        """The name of the tokenizer, or the callable, that the tokens were made with."""
        return self._tokenizer

    @property
    def texts(self) -> int:
        """The number of texts counted."""
        return self._texts

    @property
    def total(self) -> int:
        """The number of tokens counted, repetitions included."""
        return self._counted.total

    def most_common(self, k: int | None = None) -> list[tuple[str, int]]:
        """Return the k most frequent tokens (without k, all) with their counts; of equals the first seen is first.

        This is the order of a vocabulary's tokens.
        """
        most = None if k is None else whole_number("k", k, least=0)
        tokens, counts = self._arrays
        rows = ranked(counts)[:most]
        return list(zip(tokens.select(rows).texts(), counts[rows].tolist(), strict=True))

    def __getitem__(self, token: str) -> int:
        """Return the count of a token; one that was not seen is a KeyError."""
        return self._mapping()[token]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the tokens in the order in which they were first seen."""
        return iter(self._mapping())

    def __len__(self) -> int:
        """Return the number of different tokens."""
        return len(self._counted)

    def __add__(self, other: TokenCounts) -> TokenCounts:
        """Return the counts of both; the tokens of the left side come first.

        Different tokenizers are a ValueError, a total beyond int64 is an OverflowError.
        """
        if not isinstance(other, TokenCounts):
            return NotImplemented
        if self._tokenizer != other._tokenizer:
            names = tokenizer_name(self._tokenizer), tokenizer_name(other._tokenizer)
            raise ValueError(f"expected counts made with the same tokenizer, {names[0]!r}, got {names[1]!r}")
        both = _core.CountedTokens(packed.INDEX_SEEDS)
        both.add(self._counted)
        both.add(other._counted)
        return TokenCounts._of(both, self._tokenizer, self._texts + other._texts)

    def __radd__(self, other: object) -> TokenCounts:
        """Let ``sum`` start from 0."""
        return self if type(other) is int and other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        """Compare with counts in everything, with another mapping in tokens and counts."""
        if isinstance(other, TokenCounts):
            (tokens, counts), (other_tokens, other_counts) = self._arrays, other._arrays
            same_source = (self._tokenizer, self._texts) == (other._tokenizer, other._texts)
            return same_source and np.array_equal(counts, other_counts) and tokens.equals(other_tokens)
        return super().__eq__(other)

    def __repr__(self) -> str:
        """Return a line for people."""
        name = tokenizer_name(self._tokenizer)
        return f"TokenCounts({len(self):,} tokens, total={self.total:,}, texts={self._texts:,}, tokenizer={name!r})"

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        """Pickle as the arrays of the core: equal counts give equal pickles."""
        tokens, counts = self._arrays
        return _unpickled, (*tokens.state(), counts.astype("<i8").tobytes(), self._tokenizer, self._texts)

    def _mapping(self) -> dict[str, int]:
        """Return the counts as a dict, made when it is first asked for."""
        if self._dict is None:
            tokens, counts = self._arrays
            self._dict = dict(zip(tokens.texts(), counts.tolist(), strict=True))
        return self._dict


def ranked(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of tokens by their counts, the most frequent first; of equals the first seen is first."""
    return np.argsort(-counts, kind="stable")


def _unpickled(data: bytes, offsets: bytes, counts: bytes, tokenizer: Tokenizer, texts: int) -> TokenCounts:
    counted = _core.CountedTokens(packed.INDEX_SEEDS)
    tokens = packed.from_state(data, offsets)
    numbers = np.frombuffer(counts, "<i8").astype(np.int64)
    counted.add_counts(_core.Strings.of_packed(tokens.data, tokens.offsets, escaped=False), numbers)
    return TokenCounts._of(counted, tokenizer, texts)


def count_tokens(texts: Iterable[Text], tokenizer: Tokenizer = "keras") -> TokenCounts:
    """Count the tokens of some texts.

    `texts` is any iterable, a generator too, or strings in whatever speaks the Arrow PyCapsule interface (pyarrow,
    polars, pandas). A text is a str, or an already tokenised list, tuple or array of str, whose tokens are used as they
    are (Keras would lower-case them). A single str as `texts` and whatever is no text, an Arrow null too, are
    TypeErrors, which name the position. Large inputs are counted on several cores; the result does not depend on them.

    Tokenizers: ``"keras"``, the rules of the Keras ``Tokenizer`` (lower-case, punctuation but the apostrophe to spaces,
    split on spaces); ``"glove"``, which keeps punctuation and splits clitics (``do n't``, ``it 's``), much as GloVe's
    own texts were (see `tokenizers.glove_tokens`); ``"whitespace"``, which is ``str.split()``; or a callable from a str
    to a sequence of str.
    """
    counted, number = _core.CountedTokens(packed.INDEX_SEEDS), 0
    for block in blocks(texts, tokenizer):
        counted.count(block, core_tokenizer(tokenizer), LOWER_CASE, threads_for_texts(block))
        number += len(block)
    return TokenCounts._of(counted, tokenizer, number)
