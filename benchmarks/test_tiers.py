"""Builds by SIMD tier and number of threads, beside the physical floor."""

from __future__ import annotations

import filecmp
from dataclasses import replace
from pathlib import Path

import pytest
from loaders import Loader
from measuring import Measure, Task, in_a_process
from ours import GLOVESTORE, READ, READ_AND_WRITE
from processes import Job
from texts import Text

import glovestore
from glovestore._core import SIMD_TIERS
from glovestore.cores import usable_cores

CORES = usable_cores()
THREADS = sorted({count for count in (1, 2, 4, 8, 16, CORES) if count <= CORES})

pytestmark = in_a_process


def task(text: Text, store: glovestore.EmbeddingStore) -> Task:
    group = f"build from {text.size}, by SIMD tier and threads"
    return Task(group, text.megabytes, "MB/s", len(store))


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("tier", SIMD_TIERS)
def test_tier(
    measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job, tmp_path: Path, tier: str, threads: int
) -> None:
    measure.load(
        task(text, store),
        GLOVESTORE,
        replace(job, loader=GLOVESTORE.name, options={"threads": threads}),
        what=f"{tier}, {threads} thread{'s' if threads > 1 else ''}",
        baseline=(tier, threads) == (SIMD_TIERS[0], THREADS[-1]),
        environment={"GLOVESTORE_SIMD": tier},
        labels={"figure": "tiers", "series": tier, "threads": threads},
    )
    [built] = tmp_path.glob("*.h5")
    assert filecmp.cmp(built, store.path, shallow=False)


@pytest.mark.parametrize("floor", [READ, READ_AND_WRITE], ids=lambda floor: floor.load.__name__)
def test_floor(measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job, floor: Loader) -> None:
    options = {"nbytes": store.path.stat().st_size} if floor.writes else {}
    job = replace(job, loader=floor.name, options=options)
    measure.load(task(text, store), floor, job, labels={"figure": "tiers", "series": floor.name})
