"""export(): the rows of a store, in the format of others."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from glovestore.display import human_bytes
from glovestore.exporting.formats import choose_format
from glovestore.exporting.job import Job
from glovestore.opening import open
from glovestore.progress import byte_progress
from glovestore.store import EmbeddingStore


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote: the rows of the store, to `paths` (none: standard output), `nbytes` in all.

    `seconds` is the time until all of it was in its place, without the flushes to disk, which are in `fsync_seconds`.
    """

    paths: tuple[str, ...]
    format: str
    rows: int
    dim: int
    nbytes: int
    seconds: float
    fsync_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        rate = self.nbytes / max(self.seconds, 1e-9) / 1e6
        lines = [
            f"{self.rows:,} rows x {self.dim} as {self.format}, {human_bytes(self.nbytes)}",
            f"{self.seconds:.2f} s ({rate:,.0f} MB/s) and {self.fsync_seconds:.2f} s until it was safe on disk",
        ]
        return "\n".join([*lines, *self.paths])


def export(
    store_or_path: EmbeddingStore | str | os.PathLike[str],
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    overwrite: bool = False,
    progress: bool = False,
) -> ExportReport:
    """Write all rows of a store in the format of others, and return an ExportReport.

    format: None for what the suffix of `path` says, or one of

    - "glove" (.txt), "word2vec" (.vec), "word2vec-binary" (.bin): one file, or standard output where `path` is "-";
    - "npy" (.npy): NAME.npy and NAME.tokens.txt, or NAME.json where a token has a newline in it;
    - "gensim" (.kv): for `KeyedVectors.load(path, mmap="r")`, two files, by gensim;
    - "safetensors": a folder for sentence-transformers' StaticEmbedding and Hugging Face's tokenizers;
    - "spacy": a folder for `spacy.load`, by spaCy; "projector": a folder for TensorBoard's embedding projector.

    Nothing is lost: reading any of them gives the same float32 bit for bit (the projector's, as digits). What a format
    cannot hold is a GlovestoreError that names the first such token and its row, before anything is written; `npy` and
    `gensim` hold every token. Numbers in text have the fewest digits that give the same float32 again, without an
    exponent for 1e-10 <= |x| < 1e9 (0.25, -1, 0.0000043; beyond, 1.5e+20): a text of such numbers, as the published
    GloVe 6B is, comes out of its store as it went in, byte for byte.

    Memory stays bounded: rows are written some at a time (gensim and spaCy hold all tokens, though). Files and folders
    appear whole or not at all; of several files the one that the others are found by comes last. overwrite: replace
    existing files, or a folder that holds nothing but an earlier export; a store is never replaced. progress: a bar on
    standard error.
    """
    start = time.perf_counter()
    target = Path(path)
    chosen = choose_format(target, format)
    opened = nullcontext(store_or_path) if isinstance(store_or_path, EmbeddingStore) else open(store_or_path)
    with opened as store:
        row_bytes = 4 * store.dim
        with byte_progress(store.path.name, len(store) * row_bytes, progress) as advance_to:
            job = Job(store, target, overwrite, lambda row: advance_to(row * row_bytes))
            chosen.write(job)
        seconds = time.perf_counter() - start - job.fsync_seconds
        paths = tuple(map(str, job.paths))
        return ExportReport(paths, chosen.name, len(store), store.dim, job.nbytes, seconds, job.fsync_seconds)
