"""From text to something one can look tokens up in."""

from __future__ import annotations

import filecmp
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task
from peers import TEXT_PEERS, TextPeer
from texts import Text

import glovestore


def task(store: glovestore.EmbeddingStore, text: Text) -> Task:
    rows, dim = store.shape
    return Task(f"load {text.megabytes:,.3g} MB of text, {rows:,} x {dim}", text.megabytes, "MB/s")


@pytest.mark.parametrize("durable", [False, True], ids=["without-fsync", "with-fsync"])
def test_glovestore(
    measure: Measure, text: Text, store: glovestore.EmbeddingStore, tmp_path: Path, durable: bool
) -> None:
    numbers = itertools.count()

    def new_target() -> tuple[tuple[()], dict[str, Any]]:
        for old in tmp_path.iterdir():
            old.unlink()
        return (), {"path": tmp_path / f"{next(numbers)}.h5"}

    def build(path: Path) -> glovestore.BuildReport:
        return glovestore.build(text.path, path, durable=durable)

    def check(report: glovestore.BuildReport) -> str:
        assert (report.rows, report.dim) == store.shape
        assert filecmp.cmp(report.path, store.path, shallow=False)
        return f"of which fsync {report.fsync_seconds * 1e3:.0f} ms, the last time" if durable else ""

    what = "glovestore.build" + (" + fsync" if durable else "")
    measure(task(store, text), what, build, check, rounds=7, setup=new_target, baseline=not durable)


@pytest.mark.parametrize("peer", TEXT_PEERS, ids=lambda peer: peer.load.__name__)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_peer(measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, peer: TextPeer) -> None:
    if peer.package:
        pytest.importorskip(peer.package)

    def check(result: Any) -> str:
        lost = words_lost(store, *peer.arrays(result))
        assert peer.loses_words or not lost
        return f"loses {lost} words" if lost else ""

    measure(
        task(store, plain_text),
        peer.name,
        lambda: peer.load(plain_text.path),
        check,
        rounds=peer.rounds,
        warmup_rounds=peer.warmup_rounds,
    )


def words_lost(store: glovestore.EmbeddingStore, tokens: Any, matrix: Any) -> int:
    """Check that each token has the store's vector; return how many tokens of the store are not there."""
    rows = store.rows(tokens)
    assert (rows >= 0).all()
    assert matrix.shape == (len(rows), store.dim)
    assert np.allclose(matrix, store.vectors[rows], rtol=1e-6, atol=0)
    return len(store) - len(np.unique(rows))
