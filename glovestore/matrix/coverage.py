"""Coverage: how much of a vocabulary was found, by which rule, and what was not."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any

from glovestore.errors import CoverageWarning
from glovestore.matrix.fallbacks import best_fallback
from glovestore.matrix.vectors import Find
from glovestore.tokens import first_few

LOW_COVERAGE = 0.5
ADVISED_ON = 1000  # missing tokens that the fallbacks are tried on, in Python


@dataclass(frozen=True)
class Coverage:
    """Count the tokens of a vocabulary that were found.

    `found` counts tokens found exactly as they are, `by_rule` those found by each fallback, and `missing_tokens`
    names all the others, in the order of the vocabulary. Padding, and the unknown token of a `Vocabulary`, do not
    count: total == found + sum(by_rule.values()) + missing.

    Of a `Vocabulary` that was made from texts, `occurrences` says how often its tokens stand there, and
    `occurrences_found` how often those that were found, as they are or by a rule; else both are None.

    `by_subwords`: how many of the missing got a vector of their n-grams that is not zero; None if they were not to.
    """

    total: int
    found: int
    by_rule: dict[str, int]
    missing: int
    missing_tokens: tuple[str, ...]
    occurrences: int | None = None
    occurrences_found: int | None = None
    by_subwords: int | None = None

    @property
    def fraction(self) -> float:
        """Return the part that was found, as it is or by a rule, from 0.0 to 1.0; 1.0 for an empty vocabulary."""
        return (self.total - self.missing) / self.total if self.total else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, the fraction and the missing tokens as plain values for JSON."""
        occurrences = {"occurrences": self.occurrences, "occurrences_found": self.occurrences_found}
        return {
            "total": self.total,
            "found": self.found,
            "by_rule": dict(self.by_rule),
            "missing": self.missing,
            "fraction": self.fraction,
            **(occurrences if self.occurrences is not None else {}),
            **({} if self.by_subwords is None else {"by_subwords": self.by_subwords}),
            "missing_tokens": list(self.missing_tokens),
        }

    def __str__(self) -> str:
        head = f"{self.total - self.missing:,} of {self.total:,} tokens found ({percent(self)})"
        if self.by_rule:
            head += f": {self.found:,} as they are" + "".join(f", {n:,} by {rule}" for rule, n in self.by_rule.items())
        if self.occurrences is not None and self.occurrences_found is not None:
            head += f"; {share(self.occurrences_found, self.occurrences)} of their occurrences"
        if not self.missing:
            return head
        made = "" if self.by_subwords is None else f" ({self.by_subwords:,} with vectors of their subwords)"
        return f"{head}; {self.missing:,} missing{made}: {first_few(self.missing_tokens)}"


def percent(coverage: Coverage) -> str:
    """Return the fraction as a percentage, rounded down: 100 % means that nothing is missing."""
    return share(coverage.total - coverage.missing, coverage.total) if coverage.total else "100.0 %"


def share(count: int, total: int) -> str:
    """Return a part of a whole as a percentage, rounded down: 100 % is all of it. Nothing of nothing is 0 %."""
    tenths = 1000 * count // total if total else 0
    return f"{tenths // 10}.{tenths % 10} %"


def warn_if_low(coverage: Coverage, find: Find) -> None:
    """Issue a `CoverageWarning` at the user's line if less than half was found, naming the fallback that helps most.

    Missing tokens that have vectors of their subwords are no reason to warn.
    """
    with_vectors = coverage.total - coverage.missing + (coverage.by_subwords or 0)
    if with_vectors >= LOW_COVERAGE * coverage.total:
        return
    name, wins = best_fallback(find, coverage.missing_tokens[:ADVISED_ON])
    those = "the missing" if coverage.missing <= ADVISED_ON else f"the first {ADVISED_ON:,} missing"
    advice = f"no fallback would find any of {those}"
    if wins:
        advice = f"the fallback {name!r} would find {wins:,} of {those}"
    found = f"{coverage.total - coverage.missing:,} of {coverage.total:,} tokens"
    message = f"only {found} found ({percent(coverage)}); missing: {first_few(coverage.missing_tokens)}; {advice}"
    warnings.warn(message, CoverageWarning, stacklevel=_level_of_user())


def _level_of_user() -> int:
    """Count the frames from the caller to the first one outside this package (store.matrix, torch.embedding, ...)."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "glovestore":
        frame, level = frame.f_back, level + 1
    return level
