"""Tokens -> matrix: one look-up, one gather, and something sensible for what is missing. Knows no store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from glovestore import _core
from glovestore.matrix.coverage import Coverage, warn_if_low
from glovestore.matrix.fallbacks import Rule, resolve_fallbacks
from glovestore.matrix.lookup import look_up, missing_numbers
from glovestore.matrix.oov import Oov, resolve_oov, without_auto
from glovestore.matrix.positions import ResolvedVocab, resolve_vocab
from glovestore.matrix.targets import array_dtype, checked_target
from glovestore.matrix.vectors import Vectors
from glovestore.threads import threads_for
from glovestore.tokens import Token


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddingMatrix:
    """The vectors of a vocabulary: `array` (size, dim), `coverage`, and `padding_idx`, the row kept zero (or None).

    The array belongs to the caller and may be changed; it is the caller's own `out` if there was one, a tensor perhaps.
    numpy and torch take the matrix as it is, without a copy: `np.asarray(m)`, `torch.from_dlpack(m)`.
    """

    array: Any
    coverage: Coverage
    padding_idx: int | None

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, dim)."""
        rows, dim = self.array.shape
        return rows, dim

    @property
    def dtype(self) -> Any:
        """Return the dtype of the array: numpy's, or torch's of a tensor."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        padding = f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        return f"<EmbeddingMatrix {self.shape[0]} x {self.shape[1]} {self.dtype}{padding}; {self.coverage}>"

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Follow numpy's protocol: copy=None copies only for another dtype, where copy=False raises."""
        if str(self.dtype) == "torch.bfloat16":
            raise TypeError("expected a dtype that numpy knows, got bfloat16: take .array.float(), or use the tensor")
        array = np.asarray(self.array)
        if dtype is None or np.dtype(dtype) == array.dtype:
            return array.copy() if copy else array
        if copy is False:
            raise ValueError(f"expected dtype {array.dtype} for copy=False, got {np.dtype(dtype)}: a cast is a copy")
        return array.astype(dtype)

    def __dlpack__(self, **options: Any) -> Any:
        """Hand the array's memory to another framework; the options are those of `numpy.ndarray.__dlpack__`."""
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return where the memory is: (kDLCPU, 0)."""
        kind, number = self.array.__dlpack_device__()
        return int(kind), int(number)


def make_matrix(
    vocab: Any,
    source: Vectors,
    *,
    oov: Oov = "auto",
    fallbacks: Iterable[str | Rule] = (),
    dtype: DTypeLike | None = None,
    out: Any = None,
) -> EmbeddingMatrix:
    """Make the matrix of a vocabulary: row i is the vector of the token whose index is i.

    `vocab` is a sequence of tokens, a mapping token -> index, a `Vocabulary`, or anything with `get_itos()`. The
    padding row and rows that no token names are zero. Tokens without a row are looked up again under each of the
    `fallbacks` in turn: names (those of `FALLBACKS`, such as "lower" or "strip_accents") and callables str -> str. What
    is missing then gets the vector that `oov` says: "subword", the mean of the rows of its character n-grams, of a
    source that has such rows; "zeros", "mean", "normal", "unk", a vector (dim,), a callable token -> vector, or
    "error", which raises `KeyError`. "auto" is "subword" where the source has subwords, else "zeros". The row of a
    `Vocabulary`'s unknown token is its own where the source has one, else by `oov` (zero for "error" and "subword"),
    and never by a fallback.

    Fills and returns the caller's `out` or a new array. `out` is C-contiguous, (size, dim), of `dtype`: a numpy array,
    or whatever hands over memory of the CPU by DLPack, such as a torch tensor, pinned ones included. `dtype` is
    float32, float16 or float64, or with `out` "bfloat16", which numpy lacks; None for out's own, else float32. Numbers
    too large for float16 become infinite. Large matrices are filled by all cores. Arguments are checked and every
    callable has run before anything is written. Issues a `CoverageWarning` if less than half of the tokens is found.
    """
    resolved = resolve_vocab(vocab)
    rules = resolve_fallbacks(fallbacks)
    oov = without_auto(oov, source.subwords is not None)
    policy = resolve_oov(oov, source)
    shape = (resolved.size, source.dim)
    target = None if out is None else checked_target(out, shape, dtype)
    new_dtype = array_dtype(dtype) if out is None else None

    rows, coverage = look_up(resolved, source.find, rules)
    orphans = _orphans(resolved, rows, oov)
    values = policy([_token(resolved, i) for i in orphans.tolist()])
    if isinstance(oov, str) and oov == "subword":
        coverage = replace(coverage, by_subwords=int(np.count_nonzero(values.any(axis=1))))
    warn_if_low(coverage, source.find)

    array = np.empty(shape, new_dtype) if target is None else out
    _fill(target or _core.Target(array), resolved, source.vectors, rows, orphans, values)
    return EmbeddingMatrix(array, coverage, resolved.padding_idx)


NO_UNK = ("error", "subword")  # the n-grams of a name that stands for others mean nothing


def _token(resolved: ResolvedVocab, number: int) -> Token:
    """Return a token as it was given; a null is the empty token, where one has to be named."""
    token = resolved.tokens[number]
    return "" if token is None else token


def _orphans(resolved: ResolvedVocab, rows: NDArray[np.int64], oov: Oov) -> NDArray[np.int64]:
    """Return the numbers of the tokens whose vector comes from the policy: what is missing, and an absent unk."""
    missing = missing_numbers(resolved, rows)
    unk = resolved.number_of(resolved.unk_idx)
    if unk is None or rows[unk] >= 0 or (isinstance(oov, str) and oov in NO_UNK):
        return missing
    return np.append(missing, unk)


def _fill(
    target: _core.Target,
    resolved: ResolvedVocab,
    vectors: NDArray[np.float32] | _core.StoredVectors,
    rows: NDArray[np.int64],
    orphans: NDArray[np.int64],
    values: NDArray[np.float32],
) -> None:
    """Write every row of the array: vectors, zeros where there is none, then the values of the orphans."""
    if resolved.indices is not None:
        row_at = np.full(resolved.size, -1, np.int64)
        row_at[resolved.indices] = rows
        rows, orphans = row_at, resolved.indices[orphans]
    threads = threads_for(len(rows))
    _core.gather(vectors, rows, target, threads=threads)
    one_for_all = values.ndim == 1
    sources = np.zeros(len(orphans), np.int64) if one_for_all else np.arange(len(orphans))
    _core.gather(np.atleast_2d(values), sources, target, orphans, threads)
