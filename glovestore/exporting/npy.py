"""A `.npy` file with the vectors, and a list of tokens beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

from glovestore.exporting.job import Job
from glovestore.exporting.rows import TokenBatch, row_batches, token_batches
from glovestore.store import EmbeddingStore
from glovestore.tokens import as_text

WRITTEN_NUMBERS = 1 << 20


def write(job: Job) -> None:
    """Write NAME.npy, float32 (n, dim), and its tokens: NAME.tokens.txt, one a line, or where a token has a newline in
    it or ends with a carriage return, NAME.json, a list of strings (bytes that are no UTF-8 as U+DC80 to U+DCFF).

    Row i belongs to token i. FileExistsError if the other one of the two lists is there: a reader might take that.
    """
    as_lines = all(_fits_lines(batch) for batch in token_batches(job.store))
    names = [job.path.with_suffix(suffix) for suffix in (".tokens.txt", ".json")]
    listed, other = names if as_lines else reversed(names)
    if other.exists():
        raise FileExistsError(f"{other}: expected no such file: it would be taken for the tokens of {job.path.name}")
    with job.files(listed, job.path) as (tokens, vectors):
        pieces = map(_lines, token_batches(job.store)) if as_lines else _json(job.store)
        for piece in pieces:
            tokens.write(piece)
        write_npy(job, vectors)


def write_npy(job: Job, stream: BinaryIO) -> None:
    """Write the vectors as numpy's format, version 1.0."""
    header = {"descr": "<f4", "fortran_order": False, "shape": job.store.shape}
    np.lib.format.write_array_header_1_0(stream, header)
    write_vectors(job, stream)


def write_vectors(job: Job, stream: BinaryIO) -> None:
    """Write the bytes of all vectors, little-endian float32, row by row."""
    for batch in row_batches(job.store, WRITTEN_NUMBERS):
        stream.write(batch.vectors.data)
        job.advance(batch.tokens.first + len(batch.vectors))


def _fits_lines(batch: TokenBatch) -> bool:
    """Tell whether these tokens can stand one a line: readers may drop a carriage return before a newline."""
    ends = batch.offsets[1:][batch.offsets[1:] > batch.offsets[:-1]].astype(np.int64) - 1
    return not (batch.token_bytes == ord("\n")).any() and not (batch.token_bytes[ends] == ord("\r")).any()


def _json(store: EmbeddingStore) -> Iterator[bytes]:
    yield b"[\n"
    yield from joined(map(json.dumps, map(as_text, batch.tokens())) for batch in token_batches(store))
    yield b"\n]\n"


def _lines(batch: TokenBatch) -> bytes:
    return b"\n".join([*batch.tokens(), b""])


def joined(batches: Iterable[Iterable[str]]) -> Iterator[bytes]:
    """Yield the pieces of a JSON list or object whose ASCII items come in batches: one a line, commas between."""
    between = b""
    for items in batches:
        yield between + ",\n".join(items).encode("ascii")
        between = b",\n"
