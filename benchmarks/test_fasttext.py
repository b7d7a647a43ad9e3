"""fastText's binary models: a build beside other libraries' loads, and vectors of tokens that no model has.

The model is generated: --rows words, half as many buckets again, 100 numbers a row; 140 MB by default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fasttext_peers import FASTTEXT_PEERS
from fasttext_reference import Model, write
from loaders import Loader
from measuring import Measure, Task, in_a_process
from numpy.typing import NDArray
from ours import GLOVESTORE, READ_AND_WRITE
from processes import Job
from texts import settled

import glovestore

DIM = 100
UNSEEN = 20_000
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)

Check = Callable[[Any], None]


def some_tokens(count: int, seed: int, shortest: int, longest: int) -> list[bytes]:
    """Return different tokens of random letters."""
    random = np.random.default_rng(seed)
    found: dict[bytes, None] = {}
    while len(found) < count:
        found[random.choice(LETTERS, random.integers(shortest, longest, endpoint=True)).tobytes()] = None
    return list(found)


@pytest.fixture(scope="module")
def model_file(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = some_tokens(pytestconfig.getoption("rows"), 1, 3, 11)
    bucket = len(words) + len(words) // 2
    matrix = np.random.default_rng(2).normal(size=(len(words) + bucket, DIM)).astype(np.float32)
    path = tmp_path_factory.mktemp("model") / "generated.bin"
    path.write_bytes(write(Model(words, matrix, bucket)))
    return settled(path)


@pytest.fixture(scope="module")
def model_store(model_file: Path) -> glovestore.EmbeddingStore:
    glovestore.build(model_file, model_file.with_suffix(".h5"))
    return glovestore.open(model_file.with_suffix(".h5"))


@pytest.fixture
def model_job(model_file: Path, model_store: glovestore.EmbeddingStore, tmp_path: Path) -> Job:
    return Job("", str(model_file), str(model_store.path), str(tmp_path))


@pytest.fixture(scope="module")
def unseen(model_store: glovestore.EmbeddingStore) -> list[str]:
    return [token.decode() for token in some_tokens(UNSEEN, 3, 12, 16)]  # longer than any word


@pytest.fixture(scope="module")
def gensim_model(model_file: Path) -> Any:
    return pytest.importorskip("gensim.models.fasttext").load_facebook_vectors(str(model_file))


@pytest.fixture(scope="module")
def official_model(model_file: Path) -> Any:
    return pytest.importorskip("fasttext").load_model(str(model_file))


@pytest.fixture(scope="module")
def agrees(official_model: Any, unseen: list[str]) -> Check:
    expected = np.array([official_model.get_word_vector(token) for token in unseen])

    def check(found: NDArray[np.float32]) -> None:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)

    return check


def load_task(model_file: Path, store: glovestore.EmbeddingStore) -> Task:
    rows, dim = store.shape
    megabytes = model_file.stat().st_size / 1e6
    return Task(f"load a fastText model of {megabytes:,.0f} MB, {rows:,} x {dim}", megabytes, "MB/s", rows)


# ----- all words


@in_a_process
def test_build(measure: Measure, model_file: Path, model_store: glovestore.EmbeddingStore, model_job: Job) -> None:
    job = replace(model_job, loader=GLOVESTORE.name)
    measure.load(load_task(model_file, model_store), GLOVESTORE, job, baseline=True)


@in_a_process
def test_build_floor(
    measure: Measure, model_file: Path, model_store: glovestore.EmbeddingStore, model_job: Job
) -> None:
    job = replace(model_job, loader=READ_AND_WRITE.name, options={"nbytes": model_store.nbytes})
    measure.load(load_task(model_file, model_store), READ_AND_WRITE, job)


@in_a_process
@pytest.mark.parametrize("peer", FASTTEXT_PEERS, ids=lambda peer: peer.load.__name__)
def test_peer(
    measure: Measure, model_file: Path, model_store: glovestore.EmbeddingStore, model_job: Job, peer: Loader
) -> None:
    measure.load(load_task(model_file, model_store), peer, replace(model_job, loader=peer.name))


# ----- tokens that are not in the model

TASK = Task(f"vectors of {UNSEEN:,} tokens that the model lacks", 0, "", UNSEEN)


def test_store(measure: Measure, model_store: glovestore.EmbeddingStore, unseen: list[str], agrees: Check) -> None:
    assert not (model_store.rows(unseen) >= 0).any()
    measure(TASK, "store.token_vectors", lambda: model_store.token_vectors(unseen), agrees, rounds=15, baseline=True)


def test_matrix(measure: Measure, model_store: glovestore.EmbeddingStore, unseen: list[str], agrees: Check) -> None:
    measure(TASK, "store.matrix", lambda: model_store.matrix(unseen).array, agrees, rounds=15)


def test_gensim(measure: Measure, gensim_model: Any, unseen: list[str], agrees: Check) -> None:
    def vectors() -> NDArray[np.float32]:
        return np.array([gensim_model.get_vector(token) for token in unseen])

    measure(TASK, "gensim get_vector", vectors, agrees, rounds=3)


def test_official(measure: Measure, official_model: Any, unseen: list[str], agrees: Check) -> None:
    def vectors() -> NDArray[np.float32]:
        return np.array([official_model.get_word_vector(token) for token in unseen])

    measure(TASK, "fasttext get_word_vector", vectors, agrees, rounds=3)
