"""Fallbacks: other spellings under which a missing token may be found."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore.matrix.vectors import Find
from glovestore.tokens import shown

Rule = Callable[[str], str]


def _nfkc(token: str) -> str:
    return unicodedata.normalize("NFKC", token)


FALLBACKS: dict[str, Rule] = {"lower": str.lower, "nfkc": _nfkc}


class Fallback(NamedTuple):
    """A rule and the name under which coverage reports it."""

    name: str
    rule: Rule


def resolve_fallbacks(fallbacks: Iterable[str | Rule]) -> list[Fallback]:
    """Check the argument `fallbacks` and return its rules, in order.

    Raises `ValueError` for an unknown name and `TypeError` for anything but names and callables in a list.
    """
    if isinstance(fallbacks, (str, bytes)) or callable(fallbacks) or not isinstance(fallbacks, Iterable):
        raise TypeError(
            f'fallbacks: expected a list of names and callables, such as ["lower"]; got {shown(fallbacks)} '
            "(put a single one into a list)"
        )
    return [_fallback(item, i) for i, item in enumerate(fallbacks)]


def _fallback(item: object, i: int) -> Fallback:
    if isinstance(item, str):
        if item not in FALLBACKS:
            raise ValueError(f"fallbacks[{i}]: expected one of {', '.join(map(repr, FALLBACKS))}; got {shown(item)}")
        return Fallback(item, FALLBACKS[item])
    if callable(item):
        return Fallback(getattr(item, "__name__", type(item).__name__), item)
    raise TypeError(f"fallbacks[{i}]: expected a name or a callable, got {type(item).__name__}")


def apply_fallbacks(
    fallbacks: Sequence[Fallback], find: Find, tokens: Sequence[str]
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Look the tokens up again, rule by rule, each rule on the original token and only for what is still missing.

    Returns the int64 (len(tokens),) rows, -1 for those that no rule finds, and how many tokens each rule won.
    """
    rows = np.full(len(tokens), -1, np.int64)
    won: dict[str, int] = {}
    for fallback in fallbacks:
        left = np.flatnonzero(rows < 0)
        if left.size:
            rows[left] = find([_respelled(fallback, tokens[i]) for i in left.tolist()])
        won[fallback.name] = won.get(fallback.name, 0) + int(np.count_nonzero(rows[left] >= 0))
    return rows, won


def best_fallback(find: Find, tokens: Sequence[str]) -> tuple[str, int]:
    """Return which of `FALLBACKS` would find the most of these missing tokens, and how many; ("", 0) if none does.

    One that was in use finds none of them by nature. The first of equals wins, in the order of `FALLBACKS`.
    """
    best = ("", 0)
    for name, rule in FALLBACKS.items():
        wins = int(np.count_nonzero(find([rule(token) for token in tokens]) >= 0))
        best = (name, wins) if wins > best[1] else best
    return best


def _respelled(fallback: Fallback, token: str) -> str:
    spelling = fallback.rule(token)
    if not isinstance(spelling, str):
        raise TypeError(f"fallback {fallback.name}({shown(token)}): expected a str, got {type(spelling).__name__}")
    return spelling
