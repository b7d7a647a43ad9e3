"""What every process after the first one pays: opening, and opening + the matrix of a vocabulary.

Opening maps and reading touches every page, so they are two numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openers
import pytest
from measuring import PROCESS_CLOCK, Measure, Task, in_a_process
from openers import GLOVESTORE, PEERS, Opener

import glovestore

TOKENS = 20_000
ALL = pytest.mark.parametrize("opener", [GLOVESTORE, *PEERS], ids=lambda opener: opener.name)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def converted(store: glovestore.EmbeddingStore) -> Callable[[Opener], Path]:
    """Convert the vectors for an opener, once, into the folder of the store; return the folder."""
    done: set[Opener] = set()

    def convert(opener: Opener) -> Path:
        if opener.package:
            pytest.importorskip(opener.package)
        if opener.convert and opener not in done:
            opener.convert(store.path.parent, list(store.tokens), np.array(store.vectors))
            done.add(opener)
        return store.path.parent

    return convert


@ALL
def test_open(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    sample: Any,
    converted: Callable[[Opener], Path],
    opener: Opener,
) -> None:
    folder = converted(opener)
    tokens, rows = sample(100)

    def check(opened: Any) -> None:
        assert np.array_equal(opener.matrix(opened, tokens), store.vectors[rows])

    measure(
        Task("open, in process"),
        f"{opener.name}: open",
        lambda: opener.open(folder),
        check,
        rounds=20 if opener is GLOVESTORE else 3,
        iterations=100 if opener is GLOVESTORE else 1,
        baseline=opener is GLOVESTORE,
    )


@in_a_process
@pytest.mark.parametrize("which", ["first", "random"])
@ALL
def test_open_and_matrix_in_a_second_process(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    sample: Any,
    converted: Callable[[Opener], Path],
    tmp_path: Path,
    opener: Opener,
    which: str,
) -> None:
    folder, result = converted(opener), tmp_path / "matrix.npy"
    tokens, rows = sample(TOKENS, which)
    vocabulary = tmp_path / "tokens.json"
    vocabulary.write_text(json.dumps(tokens), encoding="utf-8")
    run = partial(openers.run_second_process, opener, folder, vocabulary, result)

    def check(_: None) -> None:
        assert np.array_equal(np.load(result), store.vectors[rows])

    vocabulary_name = f"the first {len(tokens):,} tokens" if which == "first" else f"{len(tokens):,} random tokens"
    measure(
        Task(f"open + matrix of {vocabulary_name}, second process, imports not counted"),
        f"{opener.name}: open + matrix",
        lambda: PROCESS_CLOCK.advance(run()),
        check,
        rounds=9 if opener is GLOVESTORE else 5,
        baseline=opener is GLOVESTORE,
    )
