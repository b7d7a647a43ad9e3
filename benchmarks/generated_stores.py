"""Stores of any size without a text: tokens of the vectors' generator, and vectors that tell their row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import vectors_generator
from numpy.typing import NDArray

from glovestore.format import layout
from glovestore.format.writer import StoreWriter
from glovestore.replacing import ReplacingFile
from glovestore.simd import chosen_tier

BATCH = 1 << 16  # rows


def generate_store(path: Path, rows: int, dim: int) -> list[bytes]:
    """Write a store of generated tokens and `vectors_of` their rows; return the tokens in row order."""
    tokens: list[bytes] = []
    with ReplacingFile(path) as file:
        writer = StoreWriter(file, dim, rows, chosen_tier())
        writer.prepare()
        for batch in vectors_generator.token_batches(rows, BATCH, seed=0):
            vectors = vectors_of(np.arange(len(tokens), len(tokens) + len(batch)), dim)
            lengths = np.count_nonzero(batch, axis=1).astype(np.uint16)
            writer.append(vectors, batch[batch != 0], lengths)
            tokens += batch.view(f"S{batch.shape[1]}").ravel().tolist()
        writer.finish(metadata(path.name, rows))
        file.commit(durable=False)
    return tokens


def vectors_of(rows: NDArray[np.int64], dim: int) -> NDArray[np.float32]:
    """Return vectors (k, dim) that no other row has: whole numbers, which float32 holds up to 2**24."""
    vectors = (rows[:, np.newaxis] * 7919 + np.arange(dim) * 104729) % (1 << 24)
    return vectors.astype(np.float32)


def metadata(name: str, rows: int) -> dict[str, str]:
    """Return what a store says about its source, if there were one."""
    return {
        "format": layout.FORMAT,
        "format_version": str(layout.FORMAT_VERSION),
        "source_name": name,
        "source_bytes": "0",
        "source_digest": f"{0:016x}",
        "lines": str(rows),
        "header": "0",
        "duplicates": "0",
        "skipped": "0",
        "final_newline": "1",
    }
