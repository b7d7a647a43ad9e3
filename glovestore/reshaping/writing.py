"""What all that makes a store of stores has in common: batches of rows out of one, and a new file to put them in."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import StoreFormatError
from glovestore.format.target import may_replace
from glovestore.format.writer import StoreWriter
from glovestore.opening import open
from glovestore.progress import byte_progress
from glovestore.replacing import ReplacingFile
from glovestore.simd import chosen_tier
from glovestore.store import EmbeddingStore

BATCH = 4096  # rows that are copied at a time
OWN = (  # metadata that the writer makes
    "header_xxh64",
    "rows",
    "index_seed",
    "index_buckets",
    "index_longest_probe",
    "block_checksums_xxh64",
)

StoreLike = EmbeddingStore | str | os.PathLike[str]
Advance = Callable[[int], object]  # takes how many bytes of the sources' vectors went through, in all
# Fills a writer, and returns metadata and optional arrays.
Fill = Callable[[StoreWriter, Advance], tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]]


@contextmanager
def opened(stores: Sequence[StoreLike]) -> Iterator[list[EmbeddingStore]]:
    """Yield open stores; those that came as paths are closed at the end."""
    found: list[EmbeddingStore] = []
    try:
        for store in stores:
            found.append(store if isinstance(store, EmbeddingStore) else open(store))
            if found[-1].closed:
                raise ValueError(f"{found[-1].path}: expected an open store, got one that was closed")
        yield found
    finally:
        for given, store in zip(stores, found, strict=False):
            if given is not store:
                store.close()


def write_store(
    path: str | os.PathLike[str],
    sources: Sequence[EmbeddingStore],
    fill: Fill,
    *,
    dim: int,
    expected_rows: int,
    dtype: str,
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
) -> dict[str, Any]:
    """Write a store at `path`, which appears whole or not at all, and return the fields of a StoreReport."""
    start = time.perf_counter()
    tier = chosen_tier()
    total = sum(store.vectors.nbytes for store in sources)
    with ReplacingFile(Path(path), may_replace([store.path for store in sources], overwrite)) as file:
        writer = StoreWriter(file, dim, expected_rows, tier, dtype)
        writer.prepare()
        with byte_progress(os.path.basename(path), total, progress) as advance_to:
            metadata, optional = fill(writer, advance_to)
        written = writer.finish(metadata, optional)
        file.commit(durable)
        return {
            "path": str(file.target),
            "sources": tuple(str(store.path) for store in sources),
            "rows": written.rows,
            "dim": dim,
            "dtype": dtype,
            "source_bytes": sum(store.nbytes for store in sources),
            "store_bytes": written.file_size,
            "seconds": time.perf_counter() - start - file.fsync_seconds,
            "fsync_seconds": file.fsync_seconds,
        }


def append_rows(writer: StoreWriter, store: EmbeddingStore, stop: int, advance: Advance, done: int = 0) -> None:
    """Append the rows of a store up to `stop`, as they are if they are of the writer's dtype.

    `done` bytes went through before.
    """
    row_size = store.vectors.nbytes // len(store)
    for start, end in batches(stop):
        writer.append(_vectors_for(writer, store, start, end), *packed_rows(store, start, end))
        advance(done + end * row_size)


def batches(stop: int) -> Iterator[tuple[int, int]]:
    """Yield where batches of [0, stop) begin and end."""
    for start in range(0, stop, BATCH):
        yield start, min(start + BATCH, stop)


def _vectors_for(
    writer: StoreWriter, store: EmbeddingStore, start: int, end: int
) -> NDArray[np.float32] | _core.StoredVectors:
    if writer.dtype != store.dtype.name:
        return store.decoded(start, end)
    return _core.StoredVectors(store.vectors[start:end], None if store.scales is None else store.scales[start:end])


def packed_rows(store: EmbeddingStore, start: int, end: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return the tokens of rows start to end, one behind the other, and their lengths; damage is a StoreFormatError."""
    token_bytes, all_offsets = store.tokens.arrays()
    offsets = all_offsets[start : end + 1].astype(np.int64)
    lengths = np.diff(offsets)
    outside = offsets[0] < 0 or offsets[-1] > len(token_bytes)
    if outside or lengths.min() < 0 or lengths.max() > _core.LONGEST_TOKEN:
        raise StoreFormatError(
            f"token_offsets: rows {start} to {end - 1}: expected offsets that rise, by {_core.LONGEST_TOKEN} at most",
            store.path,
        )
    return token_bytes[offsets[0] : offsets[-1]], lengths.astype(np.uint16)


def kept_metadata(store: EmbeddingStore) -> dict[str, str]:
    """Return what a store says about its source, less what belongs to its rows, index and checksums."""
    return {name: value for name, value in store.metadata.items() if name not in OWN}


def kept_arrays(store: EmbeddingStore) -> dict[str, NDArray[Any]]:
    """Return the arrays that a store has beside those of its rows."""
    return {name: array for name, array in store.optional_arrays().items() if name != "scales"}


def warn_of_arrays_left_behind(stores: Sequence[EmbeddingStore]) -> None:
    """Warn the caller's caller of arrays that a new store will not have."""
    for store in stores:
        if names := ", ".join(kept_arrays(store)):
            warnings.warn(f"{store.path}: {names}: left behind: the new store has vectors of tokens only", stacklevel=3)
