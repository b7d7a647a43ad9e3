"""A part of a store as a store of its own: its first rows, or those of a vocabulary."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.format.writer import StoreWriter
from glovestore.keeping import packed_tokens
from glovestore.matrix.lookup import look_up, missing_numbers
from glovestore.matrix.oov import Policy, resolve_oov
from glovestore.matrix.positions import ResolvedVocab, resolve_vocab
from glovestore.matrix.vectors import Vectors, take_rows
from glovestore.reshaping.reports import SliceReport
from glovestore.reshaping.writing import (
    Advance,
    StoreLike,
    append_rows,
    batches,
    kept_metadata,
    opened,
    warn_of_arrays_left_behind,
    write_store,
)
from glovestore.store import EmbeddingStore
from glovestore.tokens import as_bytes, as_text, first_few

Missing = Literal["error", "skip", "zeros", "mean", "normal", "unk"]
MISSING: tuple[Missing, ...] = ("error", "skip", "zeros", "mean", "normal", "unk")
PADDING = b"<pad>"  # names the index 0 of a mapping that begins at 1
SHOWN_MISSING = 10
ABOUT_ROWS = frozenset(
    [
        *("format", "format_version", "source_name", "source_format", "source_bytes", "source_digest", "rounded"),
        *("source_fingerprints", "lines", "header", "duplicates", "skipped", "final_newline", "not_kept", "filled"),
    ]
)  # the metadata that a part of the rows keeps: what belongs to further arrays stays behind with them
GREATEST_HALF = 65504.0


def slice(
    store: StoreLike,
    path: str | os.PathLike[str],
    vocab: Any,
    *,
    missing: Missing = "error",
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
) -> SliceReport:
    """Write a store of the tokens of a vocabulary, row i being that of token i, and return a SliceReport.

    `vocab` is whatever `store.matrix` takes; the rows are those of its matrix, so that ids of the vocabulary are rows
    of the new store. That has room for a token only once: a token that comes twice is a ValueError. Padding is a row of
    zeros, and gets the token `<pad>` where a mapping leaves index 0 unnamed; another index without a token is an error.

    missing: what becomes of tokens that the store lacks. "error": a KeyError that names the first; "skip": they are
    left out, and what follows moves up; "zeros", "mean", "normal", "unk": the row that `matrix` would give them.

    The new store has the dtype of the old one, and vectors of its tokens to the last bit. Mean and deviation are those
    of its own rows. Further arrays, such as subwords, stay behind with a UserWarning. The other arguments are those of
    `convert`.
    """
    if missing not in MISSING:
        raise ValueError(f"missing: expected one of {', '.join(map(repr, MISSING))}, got {missing!r}")
    with opened([store]) as (source,):
        warn_of_arrays_left_behind([source])
        plan = _plan(source, resolve_vocab(vocab), missing)

        def fill(writer: StoreWriter, advance: Advance) -> tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]:
            plan.append_to(writer, advance)
            return _metadata(source, plan.found, len(plan.tokens) - plan.found), {}

        written = write_store(
            path,
            [source],
            fill,
            dim=source.dim,
            expected_rows=len(plan.tokens),
            dtype=source.dtype.name,
            overwrite=overwrite,
            durable=durable,
            progress=progress,
        )
        return SliceReport(
            **written,
            found=plan.found,
            missing=len(plan.missing),
            skipped=len(plan.missing) if missing == "skip" else 0,
            special=len(plan.tokens) - plan.found - (0 if missing == "skip" else len(plan.missing)),
            first_missing=tuple(as_text(token) for token in plan.missing[:SHOWN_MISSING]),
        )


def write_first_rows(store: EmbeddingStore, count: int, path: Path) -> None:
    """Write the first `count` rows of an open store, or all if it has fewer, as a new store of the same dtype.

    Its metadata say where the rows came from in the first place; rows left behind are counted as not kept.
    """
    count = min(count, len(store))

    def fill(writer: StoreWriter, advance: Advance) -> tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]:
        append_rows(writer, store, count, advance)
        return _metadata(store, count, 0), {}

    write_store(path, [store], fill, dim=store.dim, expected_rows=count, dtype=store.dtype.name)


@dataclass(frozen=True, eq=False)
class _Plan:
    """What each row of a slice is: a row of the store, or -1, then filled by `policy` where `is_filled`, else zero."""

    store: EmbeddingStore
    tokens: Sequence[bytes]
    rows: NDArray[np.int64]
    is_filled: NDArray[np.bool_]
    policy: Policy
    missing: Sequence[bytes]

    @property
    def found(self) -> int:
        """Rows of the store."""
        return int(np.count_nonzero(self.rows >= 0))

    def append_to(self, writer: StoreWriter, advance: Advance) -> None:
        """Write all rows."""
        for start, end in batches(len(self.tokens)):
            tokens, filled = self.tokens[start:end], np.flatnonzero(self.is_filled[start:end])
            values = self.policy([tokens[i] for i in filled.tolist()])
            writer.append(_stored_rows(self.store, self.rows[start:end], filled, values), *packed_tokens(tokens))
            advance(self.store.vectors.nbytes * end // len(self.tokens))


def _plan(store: EmbeddingStore, vocab: ResolvedVocab, missing: Missing) -> _Plan:
    """Look a vocabulary up, and decide about each of its rows."""
    names = _names(vocab)
    places = np.arange(len(names)) if vocab.indices is None else vocab.indices
    tokens = _tokens_by_place(vocab.size, names, places)
    found, coverage = look_up(vocab, store.rows, ())
    numbers = missing_numbers(vocab, found)
    lacking = [names[i] for i in numbers.tolist()]
    if lacking and missing == "error":
        raise KeyError(
            f"{len(lacking):,} of {coverage.total:,} tokens are not in the store: {first_few(lacking)}:"
            " say missing= to leave them out or fill them"
        )
    rows, is_filled = np.full(vocab.size, -1, np.int64), np.zeros(vocab.size, np.bool_)
    rows[places] = found
    is_filled[places[numbers]] = True
    unk = vocab.number_of(vocab.unk_idx)
    if unk is not None and found[unk] < 0 and missing not in ("error", "skip"):
        is_filled[places[unk]] = True
    if missing == "skip":
        kept = np.flatnonzero(~is_filled)
        tokens, rows, is_filled = [tokens[i] for i in kept.tolist()], rows[kept], is_filled[kept]
    if not tokens:
        raise ValueError("vocab: expected at least one token that the store has, got none")
    policy = resolve_oov("zeros" if missing in ("error", "skip") else missing, _source_of(store))
    return _Plan(store, tokens, rows, is_filled, policy, lacking)


def _names(vocab: ResolvedVocab) -> list[bytes]:
    """Return the tokens as bytes; ValueError for a null, or one that no store can have."""
    names = []
    for number, token in enumerate(vocab.tokens):
        if token is None:
            raise ValueError(f"vocab: expected tokens, got a null as token {number}")
        names.append(as_bytes(token))
        if len(names[-1]) > _core.LONGEST_TOKEN:
            raise ValueError(
                f"vocab: expected tokens of at most {_core.LONGEST_TOKEN} bytes, got {len(names[-1])} in token {number}"
            )
    return names


def _tokens_by_place(size: int, names: Sequence[bytes], places: NDArray[np.int64]) -> list[bytes]:
    """Return the token of each row; ValueError for a row without, and for a token with two."""
    at: list[bytes | None] = [None] * size
    for name, place in zip(names, places.tolist(), strict=True):
        at[place] = name
    if size and at[0] is None and PADDING not in names:
        at[0] = PADDING
    tokens = [name for name in at if name is not None]
    if len(tokens) < size:
        raise ValueError(f"vocab: expected a token for each index below {size:,}, got none for {at.index(None):,}")
    if len(set(tokens)) < size:
        seen: set[bytes] = set()
        again = [name for name in tokens if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
        raise ValueError(f"vocab: expected each token once, got {len(again):,} again: {first_few(again)}")
    return tokens


def _source_of(store: EmbeddingStore) -> Vectors:
    return Vectors(store.rows, store.stored, store.mean, store.std)


def _stored_rows(
    store: EmbeddingStore, rows: NDArray[np.int64], filled: NDArray[np.int64], values: NDArray[np.float32]
) -> NDArray[np.float32] | _core.StoredVectors:
    """Return rows of a store, zeros for -1, and the values in those that are filled, all in the store's dtype."""
    if store.dtype == np.float32:
        vectors = take_rows(store.stored, rows)
        vectors[filled] = values
        return vectors
    absent = rows < 0
    stored, scales = store.vectors[np.where(absent, 0, rows)], None
    stored[absent] = 0
    if store.scales is not None:
        scales = np.where(absent, np.float32(0), store.scales[np.where(absent, 0, rows)])
    if len(filled):
        new, new_scales = _encoded(np.broadcast_to(values, (len(filled), store.dim)), store.dtype)
        stored[filled] = new
        if scales is not None:
            scales[filled] = new_scales
    return _core.StoredVectors(stored, scales)


def _encoded(values: NDArray[np.float32], dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    """Return vectors in another dtype; noise around numbers near the end of float16 stays within."""
    values = np.ascontiguousarray(values if dtype == np.int8 else np.clip(values, -GREATEST_HALF, GREATEST_HALF))
    stored = np.empty(values.shape, dtype)
    scales = np.empty(len(values), np.float32) if dtype == np.int8 else None
    _core.encode_rows(values, stored.view(np.uint8), scales)
    return stored, scales


def _metadata(store: EmbeddingStore, found: int, added: int) -> dict[str, str]:
    """Return the store's own metadata, the lines added up with the rows left behind, and those that are new."""
    kept = {name: value for name, value in kept_metadata(store).items() if name in ABOUT_ROWS}
    counts = {"not_kept": len(store) - found, "filled": added}
    sums = {name: int(kept.get(name, "0")) + count for name, count in counts.items()}
    return kept | {name: str(count) for name, count in sums.items() if count}
