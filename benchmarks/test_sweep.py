"""Time against size: generated files from 43 MB to 5.6 GB of text, all rivals, the physical floor below them.

    pytest benchmarks/test_sweep.py --benchmark-only --sweep small

The slow peers are left out above a size of their own (`largest` in peers.py); the table and the plot say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import vectors_generator
from loaders import Loader
from measuring import Measure, Task, in_a_process
from ours import GLOVESTORE, READ, READ_AND_WRITE
from peers import TEXT_PEERS
from processes import Job
from texts import SHAPES, Text, check_store, generated_text, settled

import glovestore

LARGE = 500  # MB; from there on, three rounds are enough

pytestmark = in_a_process


class Stage(NamedTuple):
    """A generated file, and a checked store that was made of it."""

    text: Text
    store: glovestore.EmbeddingStore


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    shapes = SHAPES[metafunc.config.getoption("sweep")]
    nothing = pytest.param(None, marks=pytest.mark.skip(reason="--sweep was not asked for"), id="none")
    parameters = [pytest.param(shape, id=f"{shape[0]}x{shape[1]}") for shape in shapes] or [nothing]
    metafunc.parametrize("stage", parameters, indirect=True, scope="module")


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A file of some shape, for as long as it is needed."""
    rows, dim = request.param
    folder = request.config.getoption("folder") or tmp_path_factory.mktemp("sweep")
    folder.mkdir(parents=True, exist_ok=True)
    path, target = folder / f"sweep-{rows}x{dim}.txt", folder / f"sweep-{rows}x{dim}.h5"
    try:
        text = generated_text(settled(vectors_generator.generate(path, rows, dim)), rows, dim)
        glovestore.build(path, target)
        with glovestore.open(target) as store:
            check_store(store, text)
            yield Stage(text, store)
    finally:
        path.unlink(missing_ok=True)
        target.unlink(missing_ok=True)


@pytest.fixture
def folder(stage: Stage) -> Iterator[Path]:
    """A folder for what is written, on the file system of the text; empty again afterwards."""
    folder = stage.text.path.with_suffix(".written")
    folder.mkdir()
    yield folder
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.mark.parametrize("loader", [GLOVESTORE, READ, READ_AND_WRITE, *TEXT_PEERS], ids=lambda it: it.load.__name__)
def test_sweep(measure: Measure, stage: Stage, folder: Path, loader: Loader) -> None:
    text, store = stage
    rows, dim = store.shape
    task = Task(f"{text.size}, {rows:,} x {dim}", text.megabytes, "MB/s", rows)
    labels = {"figure": "sizes", "series": loader.name, "rows": rows, "dim": dim}
    if text.megabytes > loader.largest:
        measure.leave_out(task, loader.name, f"above {loader.largest:,.0f} MB", labels)
    options = {"nbytes": store.path.stat().st_size} if loader is READ_AND_WRITE else {}
    job = Job(loader.name, str(text.path), str(store.path), str(folder), options)
    loader = replace(loader, rounds=rounds(loader, text))
    measure.load(task, loader, job, baseline=loader.name == GLOVESTORE.name, labels=labels)


def rounds(loader: Loader, text: Text) -> int:
    """Return fewer rounds than elsewhere, as the files are many; one for the slow peers, which need no warming up."""
    return 1 if not loader.warmup_rounds else min(loader.rounds, 3) if text.megabytes >= LARGE else loader.rounds
