"""The vectors file that a run is about, read the slow and obvious way: what every build has to agree with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import vectors_generator
from numpy.typing import NDArray
from table import significant

import glovestore

SAMPLED = 1000

# (rows, dim) of the generated files of a sweep.
SMALL = [(100_000, 50), (100_000, 100), (400_000, 50)]
FULL = [(rows, dim) for rows in (100_000, 400_000, 2_200_000) for dim in (50, 100, 300)]
SHAPES = {"none": [], "tiny": [(30, 5), (100, 7)], "small": SMALL, "full": FULL}


class Text(NamedTuple):
    """A vectors file: its size, its tokens in order (of equal ones the first), and the values of some of them."""

    path: Path
    nbytes: int
    tokens: list[bytes]
    sample: dict[bytes, NDArray[np.float32]]

    @property
    def megabytes(self) -> float:
        """The size in MB."""
        return self.nbytes / 1e6

    @property
    def size(self) -> str:
        """The size in words."""
        return f"{significant(self.megabytes)} MB of text"


def settled(path: Path) -> Path:
    """Wait until a new file is on disk, so that nobody's time has its writing in it; return the path."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path


def read_text(report: glovestore.BuildReport) -> Text:
    """Read the file that a report is about. This also brings it into the page cache."""
    path = Path(report.source)
    tokens: dict[bytes, None] = {}
    sample = {}
    sampled = set(np.linspace(report.header, report.lines - 1, SAMPLED, dtype=np.int64).tolist())
    with path.open("rb") as file:
        for number, line in enumerate(file):
            token, *numbers = line.rstrip(b" \r\n").rsplit(b" ", report.dim)
            if number < report.header or token in tokens:
                continue
            tokens[token] = None
            if number in sampled:
                sample[token] = np.array([float(field) for field in numbers]).astype(np.float32)
    return Text(path, path.stat().st_size, list(tokens), sample)


def generated_text(path: Path, rows: int, dim: int) -> Text:
    """Tell what a generated file has in it, from the generator instead of the file."""
    tokens = vectors_generator.tokens(rows)
    sampled = np.linspace(0, rows - 1, SAMPLED, dtype=np.int64).tolist()
    return Text(path, path.stat().st_size, tokens, {tokens[row]: generated_vector(row, dim) for row in sampled})


def generated_vector(row: int, dim: int) -> NDArray[np.float32]:
    fields = vectors_generator.number_fields(row * dim, dim, seed=0).tobytes().translate(None, b"\0").split()
    return np.array([float(field) for field in fields]).astype(np.float32)


def check_store(store: glovestore.EmbeddingStore, text: Text) -> None:
    """Check that a store holds all tokens of the text in order, and the sampled values."""
    assert list(store.tokens) == [token.decode("utf-8", "surrogateescape") for token in text.tokens]
    assert store.rows(text.tokens).tolist() == list(range(len(text.tokens)))
    for token, values in text.sample.items():
        assert np.array_equal(store[token], values), token
