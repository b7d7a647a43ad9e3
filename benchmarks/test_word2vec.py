"""word2vec's binary format to a store, beside gensim, a loop and the physical floor.

Nothing is parsed. The limit is memory, which every byte goes through several times: read, copied, hashed, written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import vectors_generator
from loaders import Loader
from measuring import Measure, Task, in_a_process
from numpy.typing import NDArray
from ours import GLOVESTORE, READ, READ_AND_WRITE
from peers import WORD2VEC_PEERS
from processes import Job
from table import significant
from texts import settled

import glovestore

ROWS, DIM, BATCH = 400_000, 300, 10_000  # as GoogleNews, but 3 million rows: 486 MB
FEW = 300  # when nothing is timed

pytestmark = in_a_process


def batches(rows: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the vectors, a batch at a time, and where it starts."""
    generator = np.random.default_rng(0)
    for start in range(0, rows, BATCH):
        yield start, generator.standard_normal((min(BATCH, rows - start), DIM), np.float32)


@pytest.fixture(scope="module")
def binary(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the tool of 2013 writes it, with a newline behind each row."""
    rows = FEW if pytestconfig.getoption("benchmark_disable") else ROWS
    path = tmp_path_factory.mktemp("word2vec") / "vectors.bin"
    tokens = vectors_generator.tokens(rows)
    with path.open("wb") as file:
        file.write(b"%d %d\n" % (rows, DIM))
        for start, vectors in batches(rows):
            batch = zip(tokens[start : start + BATCH], vectors, strict=False)
            file.writelines(token + b" " + vector.tobytes() + b"\n" for token, vector in batch)
    return settled(path)


@pytest.fixture(scope="module")
def checked(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[glovestore.EmbeddingStore]:
    """A store of the file, checked against what was written: whatever agrees with it is right."""
    report = glovestore.build(binary, tmp_path_factory.mktemp("store") / "store.h5")
    with glovestore.open(report.path) as store:
        assert [token.encode() for token in store.tokens] == vectors_generator.tokens(len(store))
        for start, vectors in batches(len(store)):
            assert np.array_equal(store.vectors[start : start + BATCH], vectors)
        yield store


@pytest.fixture
def load(
    measure: Measure, binary: Path, checked: glovestore.EmbeddingStore, tmp_path: Path
) -> Callable[[Loader], None]:
    """Time a loader of the file."""

    def measured(loader: Loader) -> None:
        megabytes = binary.stat().st_size / 1e6
        group = f"load {significant(megabytes)} MB of word2vec's binary format, {len(checked):,} x {DIM}"
        options = {"nbytes": checked.path.stat().st_size} if loader is READ_AND_WRITE else {}
        job = Job(loader.name, str(binary), str(checked.path), str(tmp_path), options)
        measure.load(Task(group, megabytes, "MB/s", len(checked)), loader, job, baseline=loader is GLOVESTORE)

    return measured


@pytest.mark.parametrize(
    "loader", [GLOVESTORE, READ, READ_AND_WRITE, *WORD2VEC_PEERS], ids=lambda loader: loader.load.__name__
)
def test_load(load: Callable[[Loader], None], loader: Loader) -> None:
    load(loader)
