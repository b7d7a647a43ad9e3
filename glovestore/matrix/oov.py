"""OOV policies: the vectors of tokens that no row belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glovestore import _core
from glovestore.matrix.vectors import Vectors, take_rows
from glovestore.threads import threads_for
from glovestore.tokens import Token, as_bytes, as_text, first_few, shown

# k tokens -> float32 (k, dim), or (dim,) when all of them get the same vector. Runs before anything is written.
Policy = Callable[[Sequence[Token]], NDArray[np.float32]]
Oov = str | ArrayLike | Callable[[str], ArrayLike]

UNK_TOKEN = "<unk>"
AUTO = "auto"


def without_auto(oov: Oov, has_subwords: bool) -> Oov:
    """Return what "auto" stands for, "subword" or "zeros", and any other policy as it is."""
    if isinstance(oov, str) and oov == AUTO:
        return "subword" if has_subwords else "zeros"
    return oov


def resolve_oov(oov: Oov, source: Vectors) -> Policy:
    """Check the argument `oov`, which is not "auto" any more, and return its policy.

    Raises `ValueError` for an unknown name, a vector of another shape than (dim,), "unk" where the source has no
    `<unk>` row, and "subword" where it has no subwords; `TypeError` for what is no policy at all.
    """
    if isinstance(oov, str):
        if oov not in _POLICIES:
            names = ", ".join(map(repr, (AUTO, *_POLICIES)))
            raise ValueError(f"oov: expected one of {names}, a vector or a callable; got {shown(oov)}")
        return _POLICIES[oov](source)
    if callable(oov):
        return _called(oov, source.dim)
    return _constant(_vector(oov, source.dim, "oov"))


def _constant(vector: NDArray[np.float32]) -> Policy:
    return lambda tokens: vector


def _zeros(source: Vectors) -> Policy:
    return _constant(np.zeros(source.dim, np.float32))


def _mean(source: Vectors) -> Policy:
    return _constant(source.mean.astype(np.float32))


def _unk(source: Vectors) -> Policy:
    row = int(source.find([UNK_TOKEN])[0])
    if row < 0:
        raise ValueError(f"oov='unk': expected a row for {UNK_TOKEN!r} in the store, which has none; try oov='mean'")
    return _constant(take_rows(source.vectors, np.array([row]))[0])


def _normal(source: Vectors) -> Policy:
    def policy(tokens: Sequence[Token]) -> NDArray[np.float32]:
        values = np.empty((len(tokens), source.dim), np.float32)
        seeds = _core.Strings.of_objects(map(as_bytes, tokens))
        threads = threads_for(8 * len(tokens))  # each is as dear as so many look-ups
        _core.normal_vectors(seeds, source.mean, source.std, values, threads)
        return values

    return policy


def _subword(source: Vectors) -> Policy:
    if source.subwords is None:
        raise ValueError(
            "oov='subword': expected a store with subwords, of a fastText .bin or .ftz file, got one without"
        )
    return source.subwords.vectors_of


def _error(source: Vectors) -> Policy:
    def policy(tokens: Sequence[Token]) -> NDArray[np.float32]:
        if tokens:
            raise KeyError(
                f"oov='error': expected a row for every token, {len(tokens):,} have none: {first_few(tokens)}"
            )
        return np.empty((0, source.dim), np.float32)

    return policy


def _called(function: Callable[[str], ArrayLike], dim: int) -> Policy:
    def policy(tokens: Sequence[Token]) -> NDArray[np.float32]:
        values = np.empty((len(tokens), dim), np.float32)
        for token, value in zip(map(as_text, tokens), values, strict=True):
            value[:] = _vector(function(token), dim, f"oov({shown(token)})")
        return values

    return policy


_POLICIES: dict[str, Callable[[Vectors], Policy]] = {
    "zeros": _zeros,
    "mean": _mean,
    "normal": _normal,
    "unk": _unk,
    "subword": _subword,
    "error": _error,
}


def _vector(values: Any, dim: int, where: str) -> NDArray[np.float32]:
    """Return a float32 copy, for the values may be a view of the very array that is to be filled."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{where}: expected a vector of shape ({dim},), got a {type(values).__name__}") from error
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{where}: expected a vector of {dim} numbers, got {type(values).__name__} {shown(values)}")
    if array.shape != (dim,):
        raise ValueError(f"{where}: expected a vector of shape ({dim},), got shape {array.shape}")
    return array.astype(np.float32)
