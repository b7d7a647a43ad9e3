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


def resolve_oov(oov: Oov, source: Vectors) -> Policy:
    """Check the argument `oov` and return its policy.

    Raises `ValueError` for an unknown name, a vector of another shape than (dim,), and "unk" where the source has no
    `<unk>` row; `TypeError` for what is no policy at all.
    """
    if isinstance(oov, str):
        if oov not in _POLICIES:
            names = ", ".join(map(repr, _POLICIES))
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
