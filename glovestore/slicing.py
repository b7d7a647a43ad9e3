"""A part of a store as a store of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glovestore.format.writer import StoreWriter
from glovestore.replacing import ReplacingFile
from glovestore.simd import chosen_tier
from glovestore.store import EmbeddingStore

BATCH = 4096  # rows that are copied at a time


def write_first_rows(store: EmbeddingStore, count: int, path: Path) -> None:
    """Write the first `count` rows of an open store, or all if it has fewer, as a new store at `path`.

    Its metadata say where the rows came from in the first place; rows left behind are counted as not kept.
    """
    count = min(count, len(store))
    token_bytes, offsets = store.tokens.arrays()
    with ReplacingFile(path) as file:
        writer = StoreWriter(file, store.dim, count, chosen_tier())
        writer.prepare()
        for start in range(0, count, BATCH):
            stop = min(start + BATCH, count)
            lengths = np.diff(offsets[start : stop + 1]).astype(np.uint16)
            writer.append(store.vectors[start:stop], token_bytes[int(offsets[start]) : int(offsets[stop])], lengths)
        writer.finish(_metadata(store, count))
        file.commit()


def _metadata(store: EmbeddingStore, count: int) -> dict[str, str]:
    """Return the store's own metadata, less what belongs to its index and checksums, with the lines added up again."""
    names = ("format", "format_version", "source_name", "source_bytes", "source_digest", "lines", "header")
    kept = {name: store.metadata[name] for name in (*names, "duplicates", "skipped", "final_newline", "not_kept")
            if name in store.metadata}  # fmt: skip
    not_kept = int(kept.get("not_kept", "0")) + len(store) - count
    return kept | ({"not_kept": str(not_kept)} if not_kept else {})
