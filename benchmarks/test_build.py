"""From text to something one can look tokens up in, beside other libraries and the physical floor.

Each loader runs in a process of its own that loads once before it is timed, but for the slow peers.
"""

from __future__ import annotations

import filecmp
from dataclasses import replace
from pathlib import Path

import pytest
from loaders import Loader
from measuring import Measure, Task, in_a_process
from ours import GLOVESTORE, READ, READ_AND_WRITE
from peers import TEXT_PEERS
from processes import Job
from texts import Text

import glovestore

pytestmark = in_a_process


def task(store: glovestore.EmbeddingStore, text: Text) -> Task:
    rows, dim = store.shape
    return Task(f"load {text.size}, {rows:,} x {dim}", text.megabytes, "MB/s", rows)


@pytest.mark.parametrize("durable", [False, True], ids=["without-fsync", "with-fsync"])
def test_glovestore(
    measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job, tmp_path: Path, durable: bool
) -> None:
    job = replace(job, loader=GLOVESTORE.name, options={"durable": durable})
    what = GLOVESTORE.name + (" + fsync" if durable else "")
    measure.load(task(store, text), GLOVESTORE, job, what=what, baseline=not durable)
    [built] = tmp_path.glob("*.h5")
    assert filecmp.cmp(built, store.path, shallow=False)


@pytest.mark.parametrize("floor", [READ, READ_AND_WRITE], ids=lambda floor: floor.load.__name__)
def test_floor(measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job, floor: Loader) -> None:
    options = {"nbytes": store.path.stat().st_size} if floor.writes else {}
    measure.load(task(store, text), floor, replace(job, loader=floor.name, options=options))


@pytest.mark.parametrize("peer", TEXT_PEERS, ids=lambda peer: peer.load.__name__)
def test_peer(measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, job: Job, peer: Loader) -> None:
    measure.load(task(store, plain_text), peer, replace(job, loader=peer.name))
