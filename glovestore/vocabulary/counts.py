"""Token counts: how often each token stands in some texts."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from glovestore.arguments import whole_number
from glovestore.vocabulary.tokenizers import Text, Tokenizer, find_tokenizer, plain_tokens, tokenized, tokenizer_name


class TokenCounts(Mapping[str, int]):
    """How often each token stands in some texts: a read-only mapping, in the order in which the tokens were first seen.

    Counts made with the same tokenizer add, so parts of a corpus can be counted in parallel: ``sum(parts)``, in the
    order of the parts, is what counting the whole gives. (A callable tokenizer must then be a module-level function,
    which is the same object again when a worker sends it back.) Two counts are equal if tokens, counts, order,
    tokenizer and number of texts are; any other mapping is compared by tokens and counts.
    """

    __slots__ = ("_counts", "_texts", "_tokenizer", "_total")

    def __init__(self, counts: Mapping[str, int], tokenizer: Tokenizer = "keras", texts: int = 0) -> None:
        """Copy a mapping from tokens to counts of at least 1, made from `texts` texts with `tokenizer`."""
        find_tokenizer(tokenizer)
        if not isinstance(counts, Mapping):
            raise TypeError(f"counts: expected a mapping from tokens to counts, got {type(counts).__name__}")
        numbers = list(counts.values())
        if not set(map(type, numbers)) <= {int} or min(numbers, default=1) < 1:
            numbers = [whole_number(f"counts[{token!r}]", count) for token, count in counts.items()]
        self._counts = dict(zip(plain_tokens(list(counts), "counts"), numbers, strict=True))
        self._total = sum(numbers)
        self._tokenizer = tokenizer
        self._texts = whole_number("texts", texts, least=0)

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
        return self._total

    def most_common(self, k: int | None = None) -> list[tuple[str, int]]:
        """Return the k most frequent tokens (without k, all) with their counts; of equals the first seen is first.

        This is the order of a vocabulary's tokens.
        """
        most = None if k is None else whole_number("k", k, least=0)
        return sorted(self._counts.items(), key=operator.itemgetter(1), reverse=True)[:most]

    def __getitem__(self, token: str) -> int:
        """Return the count of a token; one that was not seen is a KeyError."""
        return self._counts[token]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the tokens in the order in which they were first seen."""
        return iter(self._counts)

    def __len__(self) -> int:
        """Return the number of different tokens."""
        return len(self._counts)

    def __add__(self, other: TokenCounts) -> TokenCounts:
        """Return the counts of both; the tokens of the left side come first. Different tokenizers are a ValueError."""
        if not isinstance(other, TokenCounts):
            return NotImplemented
        if self._tokenizer != other._tokenizer:
            names = tokenizer_name(self._tokenizer), tokenizer_name(other._tokenizer)
            raise ValueError(f"expected counts made with the same tokenizer, {names[0]!r}, got {names[1]!r}")
        both = self._counts.copy()
        for token, count in other._counts.items():
            both[token] = both.get(token, 0) + count
        return TokenCounts(both, self._tokenizer, self._texts + other._texts)

    def __radd__(self, other: object) -> TokenCounts:
        """Let ``sum`` start from 0."""
        return self if type(other) is int and other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        """Compare with counts in everything, with another mapping in tokens and counts."""
        if isinstance(other, TokenCounts):
            return self._parts() == other._parts() and list(self._counts) == list(other._counts)
        return super().__eq__(other)

    def __repr__(self) -> str:
        """Return a line for people."""
        name = tokenizer_name(self._tokenizer)
        return f"TokenCounts({len(self):,} tokens, total={self._total:,}, texts={self._texts:,}, tokenizer={name!r})"

    def __reduce__(self) -> tuple[type[TokenCounts], tuple[dict[str, int], Tokenizer, int]]:
        """Pickle as the arguments that make it."""
        return TokenCounts, self._parts()

    def _parts(self) -> tuple[dict[str, int], Tokenizer, int]:
        return self._counts, self._tokenizer, self._texts


def count_tokens(texts: Iterable[Text], tokenizer: Tokenizer = "keras") -> TokenCounts:
    """Count the tokens of some texts.

    `texts` is any iterable, a generator too. A text is a str, or an already tokenised list, tuple or array of str,
    whose tokens are used as they are (Keras would lower-case them). A single str as `texts` and whatever is no text
    are TypeErrors, which name the position.

    Tokenizers: ``"keras"``, the rules of the Keras ``Tokenizer`` (lower-case, punctuation but the apostrophe to spaces,
    split on spaces); ``"whitespace"``, which is ``str.split()``; or a callable from a str to a sequence of str.
    """
    counter: Counter[str] = Counter()
    number = 0
    for number, tokens in enumerate(tokenized(texts, tokenizer), 1):  # noqa: B007
        counter.update(tokens)
    return TokenCounts(counter, tokenizer, number)
