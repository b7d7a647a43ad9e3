"""Tokens -> matrix: one look-up, one gather, and something sensible for what is missing. Knows no store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from glovestore import _core
from glovestore.matrix.coverage import Coverage, warn_if_low
from glovestore.matrix.fallbacks import Fallback, Rule, apply_fallbacks, resolve_fallbacks
from glovestore.matrix.oov import Oov, resolve_oov
from glovestore.matrix.positions import ResolvedVocab, resolve_vocab
from glovestore.matrix.vectors import Vectors
from glovestore.tokens import as_text

DTYPES = (np.dtype(np.float32), np.dtype(np.float16), np.dtype(np.float64))


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddingMatrix:
    """The vectors of a vocabulary: `array` (size, dim), `coverage`, and `padding_idx`, the row kept zero (or None).

    The array belongs to the caller and may be changed. numpy and torch take the matrix as it is, without a copy:
    `np.asarray(m)`, `torch.from_dlpack(m)`.
    """

    array: NDArray[Any]
    coverage: Coverage
    padding_idx: int | None

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, dim)."""
        rows, dim = self.array.shape
        return rows, dim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the array."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        padding = f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        return f"<EmbeddingMatrix {self.shape[0]} x {self.shape[1]} {self.dtype}{padding}; {self.coverage}>"

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Follow numpy's protocol: copy=None copies only for another dtype, where copy=False raises."""
        if dtype is None or np.dtype(dtype) == self.dtype:
            return self.array.copy() if copy else self.array
        if copy is False:
            raise ValueError(f"expected dtype {self.dtype} for copy=False, got {np.dtype(dtype)}: a cast is a copy")
        return self.array.astype(dtype)

    def __dlpack__(self, **options: Any) -> Any:
        """Hand the array's memory to another framework; the options are those of `numpy.ndarray.__dlpack__`."""
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return where the memory is: (kDLCPU, 0)."""
        return self.array.__dlpack_device__()


def make_matrix(
    vocab: Any,
    source: Vectors,
    *,
    oov: Oov = "zeros",
    fallbacks: Iterable[str | Rule] = (),
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
) -> EmbeddingMatrix:
    """Make the matrix of a vocabulary: row i is the vector of the token whose index is i.

    `vocab` is a sequence of tokens, a mapping token -> index, a `Vocabulary`, or anything with `get_itos()`. The
    padding row and rows that no token names are zero. Tokens without a row are looked up again under each of the
    `fallbacks` in turn: names (those of `FALLBACKS`, such as "lower" or "strip_accents") and callables str -> str. What
    is missing then gets the vector that `oov` says: "zeros", "mean", "normal", "unk", a vector (dim,), a callable
    token -> vector, or "error", which raises `KeyError`. The row of a `Vocabulary`'s unknown token is its own where
    the source has one, else by `oov` (zero for "error"), and never by a fallback.

    Fills and returns the caller's `out` (C-contiguous, (size, dim), of `dtype`) or a new array; `dtype` is float32,
    float16 or float64, None for out's own, else float32. Arguments are checked and every callable has run before
    anything is written. Issues a `CoverageWarning` if less than half of the tokens is found.
    """
    resolved = resolve_vocab(vocab)
    rules = resolve_fallbacks(fallbacks)
    policy = resolve_oov(oov, source)
    shape, dtype = (resolved.size, source.dim), _checked_dtype(dtype, out)
    if out is not None:
        _check_out(out, shape, dtype)

    rows, coverage = _look_up(resolved, source, rules)
    orphans = _orphans(resolved, rows, oov)
    values = policy([resolved.tokens[i] for i in orphans.tolist()])
    warn_if_low(coverage, source.find)

    array = np.empty(shape, dtype) if out is None else out
    _fill(array, resolved, source.vectors, rows, orphans, values)
    return EmbeddingMatrix(array, coverage, resolved.padding_idx)


def _look_up(resolved: ResolvedVocab, source: Vectors, rules: Sequence[Fallback]) -> tuple[NDArray[np.int64], Coverage]:
    """Return the row of every token, by a fallback if need be, -1 for missing ones and for padding."""
    rows = source.find(resolved.tokens)
    padding = resolved.number_of(resolved.padding_idx)
    if padding is not None:
        rows[padding] = -1  # zero even if the source has that token
    inexact = _missing(resolved, rows)
    names = [as_text(resolved.tokens[i]) for i in inexact.tolist()]
    rows[inexact], by_rule = apply_fallbacks(rules, source.find, names)
    left = tuple(name for name, row in zip(names, rows[inexact].tolist(), strict=True) if row < 0)
    total = len(resolved.tokens) - len(resolved.uncounted_numbers())
    return rows, Coverage(total, total - len(names), by_rule, len(left), left)


def _missing(resolved: ResolvedVocab, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the counted tokens without a row, by position: a mapping may come in any order."""
    missing = np.flatnonzero(rows < 0)
    if resolved.indices is not None:
        missing = missing[np.argsort(resolved.indices[missing])]
    for number in resolved.uncounted_numbers():  # two at most; np.isin would import numpy.ma, 10 ms
        missing = missing[missing != number]
    return missing


def _orphans(resolved: ResolvedVocab, rows: NDArray[np.int64], oov: Oov) -> NDArray[np.int64]:
    """Return the numbers of the tokens whose vector comes from the policy: what is missing, and an absent unk."""
    missing = _missing(resolved, rows)
    unk = resolved.number_of(resolved.unk_idx)
    if unk is None or rows[unk] >= 0 or (isinstance(oov, str) and oov == "error"):
        return missing
    return np.append(missing, unk)


def _fill(
    array: NDArray[Any],
    resolved: ResolvedVocab,
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    orphans: NDArray[np.int64],
    values: NDArray[np.float32],
) -> None:
    """Write every row of the array once: vectors, zeros where there is none, and the values of the orphans."""
    if resolved.indices is not None:
        row_at = np.full(resolved.size, -1, np.int64)
        row_at[resolved.indices] = rows
        rows, orphans = row_at, resolved.indices[orphans]
    work = array if array.dtype == np.float32 else np.empty(array.shape, np.float32)
    _core.gather(vectors, rows, work)
    work[rows < 0] = 0
    if orphans.size:
        work[orphans] = values
    if work is not array:
        array[...] = work


def _checked_dtype(dtype: DTypeLike | None, out: NDArray[Any] | None) -> np.dtype[Any]:
    if dtype is None:
        dtype = out.dtype if isinstance(out, np.ndarray) else np.float32
    try:
        checked = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype: expected float32, float16 or float64, got {dtype!r}") from error
    if checked not in DTYPES:
        raise ValueError(f"dtype: expected float32, float16 or float64, got {checked}")
    return checked


def _check_out(out: NDArray[Any], shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: expected a numpy array, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out: expected shape {shape}, got {out.shape}")
    if out.dtype != dtype:
        raise ValueError(f"out: expected dtype {dtype}, got {out.dtype}")
    if not out.flags.carray:
        problem = "read-only" if not out.flags.writeable else f"strides {out.strides}"
        raise ValueError(f"out: expected a writable C-contiguous array, got {problem}")
