"""Fallbacks: other spellings under which a missing token may be found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore.matrix.vectors import Find
from glovestore.tokens import shown

Rule = Callable[[str], str]


# unicodedata, 1 MB of tables, is imported by those who need it: `import glovestore` does not.


def _nfkc(token: str) -> str:
    from unicodedata import normalize

    return normalize("NFKC", token)


def _strip_accents(token: str) -> str:
    if token.isascii():  # most are, and the rest takes 2 us a token
        return token
    from unicodedata import category, normalize

    return normalize("NFC", "".join(char for char in normalize("NFD", token) if category(char) != "Mn"))


def _digits_to_zero(token: str) -> str:
    return re.sub(r"\d", "0", token)


def _digits_to_hash(token: str) -> str:
    """Follow the vectors of GoogleNews, which have ##, #:## and 7: digits are hidden where there are two or more."""
    hidden, digits = re.subn(r"\d", "#", token)
    return hidden if digits > 1 else token


def _strip_punctuation(token: str) -> str:
    from unicodedata import category

    inside = [i for i, char in enumerate(token) if category(char)[0] not in "PS"]
    return token[inside[0] : inside[-1] + 1] if inside else token


def _strip_possessive(token: str) -> str:
    return re.sub(r"(?<=.)['\u2019][sS]\Z|(?<=[sS])['\u2019]\Z", "", token, flags=re.DOTALL)


FALLBACKS: dict[str, Rule] = {
    "lower": str.lower,
    "nfkc": _nfkc,
    "strip_accents": _strip_accents,
    "digits_to_zero": _digits_to_zero,
    "digits_to_hash": _digits_to_hash,
    "strip_punctuation": _strip_punctuation,
    "strip_possessive": _strip_possessive,
}
"""The fallbacks that have a name.

`lower`: `str.lower`. `nfkc`: Unicode's NFKC. `strip_accents`: NFD without combining marks (Mn), then NFC: café, cafe.
`digits_to_zero`: each decimal digit, of any script, as 0. `digits_to_hash`: each as #, unless it is the token's only
one: 1984, ####. `strip_punctuation`: without punctuation and symbols (P*, S*) at both ends, unless there is nothing
else: "hello!", hello. `strip_possessive`: without a final 's, or the ' behind a final s, also with U+2019.
"""


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
    fallbacks: Sequence[Fallback], find: Find, tokens: Sequence[str | None]
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Look missing tokens up again, rule by rule, each rule on the original token and only for what is still missing.

    A spelling that is empty is none: it never finds the row of the empty token. Nor does None, a null, which has no
    spelling at all.
    Returns the int64 (len(tokens),) rows, -1 for those that no rule finds, and how many tokens each rule won.
    """
    rows = np.full(len(tokens), -1, np.int64)
    won: dict[str, int] = {}
    for fallback in fallbacks:
        left = np.flatnonzero(rows < 0)
        rows[left] = _rows_by(fallback, find, [tokens[i] for i in left.tolist()])
        won[fallback.name] = won.get(fallback.name, 0) + int(np.count_nonzero(rows[left] >= 0))
    return rows, won


def found_by_each(find: Find, tokens: Sequence[str | None]) -> NDArray[np.bool_]:
    """Say which of these missing tokens each of `FALLBACKS` alone would find: (len(FALLBACKS), len(tokens)).

    One that was in use finds none of them by nature.
    """
    found = np.empty((len(FALLBACKS), len(tokens)), np.bool_)
    for i, (name, rule) in enumerate(FALLBACKS.items()):
        found[i] = _rows_by(Fallback(name, rule), find, tokens) >= 0
    return found


def best_fallback(find: Find, tokens: Sequence[str]) -> tuple[str, int]:
    """Return which of `FALLBACKS` would find the most of these missing tokens, and how many; ("", 0) if none does.

    The first of equals wins, in the order of `FALLBACKS`.
    """
    wins = np.count_nonzero(found_by_each(find, tokens), axis=1)
    best = int(wins.argmax())
    return (list(FALLBACKS)[best], int(wins[best])) if wins[best] else ("", 0)


def _rows_by(fallback: Fallback, find: Find, tokens: Sequence[str | None]) -> NDArray[np.int64]:
    """Return the rows of missing tokens under another spelling; those that keep theirs are not looked up again."""
    spellings = [None if token is None else _respelled(fallback, token) for token in tokens]
    other = [i for i, (token, spelling) in enumerate(zip(tokens, spellings, strict=True)) if spelling != token]
    rows = np.full(len(tokens), -1, np.int64)
    if other:
        rows[np.array(other, np.int64)] = find([spellings[i] for i in other])
    return rows


def _respelled(fallback: Fallback, token: str) -> str:
    """Return the spelling to look a missing token up under."""
    spelling = fallback.rule(token)
    if not isinstance(spelling, str):
        raise TypeError(f"fallback {fallback.name}({shown(token)}): expected a str, got {type(spelling).__name__}")
    return spelling or token  # which keeps its spelling then
