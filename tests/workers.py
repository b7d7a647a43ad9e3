"""What worker processes and threads run in test_workers.py: importable, so that spawned processes find it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import glovestore
import glovestore.opening  # whose imports are not the memory of a store
from glovestore import EmbeddingStore


class Answer(NamedTuple):
    """What a store says about some tokens: their rows, and digests of vectors and of a matrix."""

    rows: list[int]
    vectors: str
    matrix: str


def answer(store: EmbeddingStore, tokens: Sequence[str]) -> Answer:
    """Ask a store in each of its ways about tokens, the last of which it lacks."""
    *known, absent = tokens
    assert absent not in store
    assert known[0] in store
    vectors = store[known]
    assert np.array_equal(store[known[-1]], vectors[-1])
    array = store.matrix(list(tokens), oov="normal").array
    return Answer(store.rows(tokens).tolist(), digest(vectors), digest(array))


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def answer_from(path: Path, tokens: Sequence[str]) -> Answer:
    with glovestore.open(path) as store:
        return answer(store, tokens)


def put_answer(store: EmbeddingStore, tokens: Sequence[str], answers: Any) -> None:
    answers.put((os.getpid(), store.fingerprint, answer(store, tokens)))


inherited: EmbeddingStore | None = None  # set before a fork


def put_inherited_answer(tokens: Sequence[str], answers: Any) -> None:
    assert inherited is not None
    put_answer(inherited, tokens, answers)


# ----- memory of workers


class Memory(NamedTuple):
    """Kilobytes of this process: pages of its own, and its share of all pages."""

    private: int
    share: int

    @classmethod
    def now(cls) -> Memory:
        """Read /proc/self/smaps_rollup."""
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
        sizes = {name: int(size.split()[0]) for name, size in (line.split(":") for line in lines)}
        return cls(sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Pss"])


def measure(source: Path | bytes, copy: bool, seed: int, barrier: Any, answers: Any) -> None:
    """Open a store, or unpickle it, work with it, and say by how much memory grew while all workers hold theirs."""
    before = Memory.now()
    store = pickle.loads(source) if isinstance(source, bytes) else glovestore.open(source, copy=copy)
    random = np.random.default_rng(seed)
    for _ in range(3):
        tokens = [store.tokens[row] for row in random.integers(0, len(store), 3000).tolist()]
        assert (store.rows(tokens) >= 0).all()
        assert np.isfinite(store.matrix(list(dict.fromkeys(tokens))).array).all()
        assert np.isfinite(store[tokens]).all()
    del tokens
    barrier.wait(60)
    after = Memory.now()
    barrier.wait(60)
    answers.put(Memory(after.private - before.private, after.share - before.share))


def grown(method: str, source: Path | bytes, copy: bool, count: int) -> list[Memory]:
    """Return by how much the memory of each of `count` workers grew, all at once."""
    context = multiprocessing.get_context(method)
    barrier, answers = context.Barrier(count), context.Queue()
    children = [context.Process(target=measure, args=(source, copy, seed, barrier, answers)) for seed in range(count)]
    for child in children:
        child.start()
    found = [answers.get(timeout=120) for _ in children]
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * count
    return found


# ----- torch


class Texts:
    """A map-style dataset of (text, label); a text's first token has to be in the store."""

    def __init__(self, store: EmbeddingStore, texts: Sequence[str]) -> None:
        self.store = store
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, place: int) -> tuple[str, int]:
        text = self.texts[place]
        return text, int(self.store.rows([text.split()[0]])[0])
