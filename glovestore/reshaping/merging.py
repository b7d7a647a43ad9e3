"""Several stores as one: their tokens together, or their dimensions side by side."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import GlovestoreError
from glovestore.format.layout import FORMAT, FORMAT_VERSION
from glovestore.format.writer import StoreWriter
from glovestore.matrix.vectors import take_rows
from glovestore.reshaping.reports import MergeReport
from glovestore.reshaping.writing import (
    Advance,
    StoreLike,
    append_rows,
    batches,
    opened,
    packed_rows,
    warn_of_arrays_left_behind,
    write_store,
)
from glovestore.store import EmbeddingStore

How = Literal["first", "concat"]
Which = Literal["common", "all"]
HOW: tuple[How, ...] = ("first", "concat")
WHICH: tuple[Which, ...] = ("common", "all")
MOST_STORES = 256  # their fingerprints stand in the header


def merge(
    stores: Iterable[StoreLike],
    path: str | os.PathLike[str],
    *,
    how: How = "first",
    tokens: Which | None = None,
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
) -> MergeReport:
    """Write one store of several, and return a MergeReport.

    how: "first" has the rows of the first store, then those of the second whose tokens are new, and so on; all have the
    same dim. "concat" puts the vectors of a token side by side, so that dims add up. `tokens` is for "concat" only:
    "common", the default, are those that all stores have, in the order of the first; "all" are those that any has, in
    the order of "first", with zeros where a store has no vector.

    The new store has the dtype that all of them have, else float32; int8 side by side is float32 too, as a row has one
    scale. Each store is read once, in batches. Further arrays, such as subwords, stay behind with a UserWarning. The
    other arguments are those of `convert`.
    """
    given = list(stores)
    if how not in HOW:
        raise ValueError(f"how: expected 'first' or 'concat', got {how!r}")
    if tokens is not None and (how == "first" or tokens not in WHICH):
        raise ValueError(f"tokens: expected 'common' or 'all', and only with how='concat', got {tokens!r}")
    if not 2 <= len(given) <= MOST_STORES:
        raise ValueError(f"stores: expected 2 to {MOST_STORES} stores, got {len(given)}")
    with opened(given) as sources:
        warn_of_arrays_left_behind(sources)
        if how == "first":
            _check_dims(sources)
        merging = _Merging(sources, how, tokens or "common")
        written = write_store(
            path,
            sources,
            merging.fill,
            dim=sources[0].dim if how == "first" else sum(store.dim for store in sources),
            expected_rows=len(sources[0]),
            dtype=_dtype(sources, how),
            overwrite=overwrite,
            durable=durable,
            progress=progress,
        )
        return MergeReport(**written, how=how, rows_of=tuple(merging.rows_of), left_out=merging.left_out)


def _check_dims(stores: Sequence[EmbeddingStore]) -> None:
    for store in stores[1:]:
        if store.dim != stores[0].dim:
            raise GlovestoreError(
                f"{store.path}: expected dim {stores[0].dim}, as in {stores[0].path}, got {store.dim}:"
                " to have both side by side, say how='concat'"
            )


def _dtype(stores: Sequence[EmbeddingStore], how: How) -> str:
    dtypes = {store.dtype.name for store in stores}
    return "float32" if len(dtypes) > 1 or (how == "concat" and "int8" in dtypes) else dtypes.pop()


class _Merging:
    """One merge: fills the writer, and counts how many rows came from each store."""

    def __init__(self, stores: Sequence[EmbeddingStore], how: How, which: Which) -> None:
        self._stores = stores
        self._how = how
        self._which = which
        self.rows_of: list[int] = []
        self.left_out = 0

    def fill(self, writer: StoreWriter, advance: Advance) -> tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]:
        done = 0
        for number, store in enumerate(self._stores):
            before = writer.rows.rows
            if self._how == "first":
                append_rows(writer, store, len(store), advance, done)
            elif number == 0 or self._which == "all":
                self._append_joined(writer, number)
            self.rows_of.append(writer.rows.rows - before)
            done += store.vectors.nbytes
            advance(done)
        if writer.rows.rows == 0:
            raise GlovestoreError(f"expected tokens that all {len(self._stores)} stores have, got none")
        if self._how == "first" or self._which == "common":
            read = self._stores if self._how == "first" else self._stores[:1]
            self.left_out = sum(map(len, read)) - writer.rows.rows
        return self._metadata(writer.rows.rows), {}

    def _append_joined(self, writer: StoreWriter, number: int) -> None:
        """Append the rows of one store's tokens that no earlier store has, with what the others have of them."""
        store = self._stores[number]
        for start, end in batches(len(store)):
            token_bytes, lengths = packed_rows(store, start, end)
            rows = self._rows_of_tokens(number, start, token_bytes, lengths)
            wanted = (rows >= 0).all(axis=0) if self._which == "common" else (rows[:number] < 0).all(axis=0)
            parts = [take_rows(other.stored, rows[i, wanted]) for i, other in enumerate(self._stores)]
            writer.append(np.concatenate(parts, axis=1), token_bytes[np.repeat(wanted, lengths)], lengths[wanted])

    def _rows_of_tokens(
        self, number: int, start: int, token_bytes: NDArray[np.uint8], lengths: NDArray[np.uint16]
    ) -> NDArray[np.int64]:
        """Return the row of each token in each store, -1 for none: (stores, tokens). The tokens are of `number`."""
        offsets = np.concatenate([np.zeros(1, np.uint64), np.cumsum(lengths, dtype=np.uint64)])
        strings = _core.Strings.of_packed(token_bytes, offsets)
        rows = np.empty((len(self._stores), len(lengths)), np.int64)
        for i, other in enumerate(self._stores):
            rows[i] = np.arange(start, start + len(lengths)) if i == number else other.rows(strings)
        return rows

    def _metadata(self, rows: int) -> dict[str, str]:
        """Return what the new store says about its source. A line is a row of a store, side by side a token."""
        name = " + ".join(store.metadata.get("source_name", "unknown") for store in self._stores)
        counts = {"header": 0, "duplicates": 0, "skipped": 0}
        if self._how == "first":
            counts["duplicates"] = self.left_out
        else:
            counts["not_kept"] = self.left_out
        return {
            "format": FORMAT,
            "format_version": str(FORMAT_VERSION),
            "source_name": name.encode("utf-8", "replace")[:255].decode("utf-8", "ignore"),
            "source_format": f"merged stores, {self._how}",
            "source_fingerprints": " ".join(store.fingerprint for store in self._stores),
            "lines": str(rows + self.left_out),
            **{key: str(count) for key, count in counts.items()},
            "final_newline": "1",
        }
