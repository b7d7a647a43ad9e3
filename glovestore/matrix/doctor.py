"""The coverage doctor: what a vocabulary lacks, and which fallbacks to use. Takes a look-up, knows no store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore.matrix.coverage import Coverage
from glovestore.matrix.fallbacks import FALLBACKS, found_by_each, resolve_fallbacks
from glovestore.matrix.lookup import look_up, missing_numbers
from glovestore.matrix.positions import resolve_vocab
from glovestore.matrix.vectors import Find


@dataclass(frozen=True)
class Win:
    """What a fallback finds of the missing tokens.

    `tokens` counts them; `occurrences` says how often they stand in texts, None where that is not known. `example` is
    the most frequent of them with the spelling that was found, None if there is none.
    """

    fallback: str
    tokens: int
    occurrences: int | None
    example: tuple[str, str] | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; what is not known is left out."""
        occurrences = {} if self.occurrences is None else {"occurrences": self.occurrences}
        example = None if self.example is None else list(self.example)
        return {"fallback": self.fallback, "tokens": self.tokens, **occurrences, "example": example}


@dataclass(frozen=True)
class Diagnosis:
    """Say what a vocabulary lacks, and which fallbacks to use.

    `coverage` is that with the fallbacks in use, of which there may be none. `missing` names what is missing, the most
    frequent first, and `missing_counts` says how often each stands in texts; where that is not known it is None, and
    the order is that of the vocabulary.

    `alone` says for each of `FALLBACKS` what it would find by itself, and `in_order` what each of the useful ones adds
    to those before it. `fallbacks` are those in use and then these; `advised` is the coverage with them.
    """

    coverage: Coverage
    missing: tuple[str, ...]
    missing_counts: tuple[int, ...] | None
    alone: tuple[Win, ...]
    in_order: tuple[Win, ...]
    fallbacks: tuple[str, ...]
    advised: Coverage

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: those of `coverage`, and the advice."""
        advised = self.advised.to_dict()
        del advised["missing_tokens"]  # all but a few stand in the other list
        return {
            **self.coverage.to_dict(),
            "missing_tokens": list(self.missing),
            **({} if self.missing_counts is None else {"missing_counts": list(self.missing_counts)}),
            "alone": [win.to_dict() for win in self.alone],
            "in_order": [win.to_dict() for win in self.in_order],
            "fallbacks": list(self.fallbacks),
            "advised": advised,
        }


@dataclass(frozen=True, eq=False)
class _Missing:
    """The missing tokens in the order of the vocabulary, and their counts: int64 (len(tokens),), or None."""

    tokens: tuple[str, ...]
    counts: NDArray[np.int64] | None

    def occurrences(self, some: NDArray[np.bool_]) -> int | None:
        """Return how often some of them stand in texts."""
        return None if self.counts is None else int(self.counts[some].sum())

    def ranked(self) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
        """Return tokens and counts, the most frequent first."""
        if self.counts is None:
            return self.tokens, None
        order = np.argsort(-self.counts, kind="stable")
        return tuple(self.tokens[i] for i in order.tolist()), tuple(self.counts[order].tolist())

    def win(self, fallback: str, won: NDArray[np.bool_]) -> Win:
        """Describe what a fallback found."""
        numbers = np.flatnonzero(won)
        if not numbers.size:
            return Win(fallback, 0, self.occurrences(won), None)
        first = numbers[0 if self.counts is None else self.counts[numbers].argmax()]
        token = self.tokens[first]
        return Win(fallback, len(numbers), self.occurrences(won), (token, FALLBACKS[fallback](token)))


def diagnose(vocab: Any, find: Find, fallbacks: Iterable[str] = ()) -> Diagnosis:
    """Find out what a vocabulary lacks, and which of `FALLBACKS` to use, in which order.

    `vocab` is whatever `make_matrix` takes; of a `Vocabulary` that was made from texts, what stands there most often
    counts most, of others each token counts the same. `fallbacks`, by their names, are in use already: the advice is on
    top of them. Each missing token is spelled once by each rule, and looked up in one batch.
    """
    resolved, names = resolve_vocab(vocab), tuple(fallbacks)
    rows, coverage = look_up(resolved, find, resolve_fallbacks(names))
    counts = None if resolved.counts is None else resolved.counts[missing_numbers(resolved, rows)]
    missing = _Missing(coverage.missing_tokens, counts)
    found = found_by_each(find, missing.tokens)
    rules = list(FALLBACKS)
    steps = [missing.win(rules[i], won) for i, won in best_order(found, counts)]
    return Diagnosis(
        coverage,
        *missing.ranked(),
        tuple(missing.win(rule, won) for rule, won in zip(rules, found, strict=True)),
        tuple(steps),
        (*names, *(win.fallback for win in steps)),
        _with_wins(coverage, missing, steps, np.logical_or.reduce(found)),
    )


def best_order(
    found: NDArray[np.bool_], counts: NDArray[np.int64] | None = None
) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return rules, each with what it finds on top of those before it, until none finds anything.

    `found` (rules, tokens) says what each finds alone, `counts` (tokens,) how much a token counts: 1 if None. Greedy:
    next comes the rule whose tokens count most, of equals the first. A token that counts 0 is still worth a rule.
    """
    counts = np.ones(found.shape[1], np.int64) if counts is None else counts
    left, order = found.copy(), []
    while left.any():
        gains = np.where(left.any(axis=1), left @ counts, -1)
        best = int(gains.argmax())
        won = left[best].copy()
        left &= ~won
        order.append((best, won))
    return order


def _with_wins(coverage: Coverage, missing: _Missing, wins: Sequence[Win], won: NDArray[np.bool_]) -> Coverage:
    """Return the coverage with more fallbacks, which found these of the missing tokens."""
    left = tuple(token for token, found in zip(missing.tokens, won.tolist(), strict=True) if not found)
    by_rule = coverage.by_rule | {win.fallback: win.tokens for win in wins}
    known, more = coverage.occurrences_found, missing.occurrences(won)
    occurrences_found = None if known is None or more is None else known + more
    return Coverage(coverage.total, coverage.found, by_rule, len(left), left, coverage.occurrences, occurrences_found)
