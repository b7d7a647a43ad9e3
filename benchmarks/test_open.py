"""What every process after the first one pays: opening, opening + the matrix of a vocabulary, and being a new process.

Opening maps and reading touches every page, so they are two numbers. The page cache is warm but where a group says
cold: there the files, copies that nobody has mapped, are dropped from it before each round.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import page_cache
import pytest
import second_process
import startup
from measuring import PROCESS_CLOCK, Measure, Task, in_a_process
from openers import GENSIM, GLOVESTORE, LMDB, PEERS, PICKLE, SQLITE, Converted, Opener

import glovestore

TOKENS = 20_000
IMPORT_ROUNDS = 31
USE_ROUNDS = 15
ROUNDS = {GLOVESTORE: 9, GENSIM: 3}  # whose import alone takes a second or two
ALL = pytest.mark.parametrize("opener", [GLOVESTORE, *PEERS], ids=lambda opener: opener.name)
COLD = pytest.mark.parametrize("opener", [GLOVESTORE, LMDB, PICKLE], ids=lambda opener: opener.name)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

OPEN = Task("open, in process")


@ALL
def test_open(
    measure: Measure, store: glovestore.EmbeddingStore, sample: Any, converted: Converted, opener: Opener
) -> None:
    folder, close = converted(opener), opener.close
    tokens, rows = sample(100)
    opened: list[Any] = []

    def open_it() -> None:
        opened[:] = [opener.open(folder)]

    def close_it() -> None:
        while opened:
            close(opened.pop()) if close else opened.pop()

    def check(_: None) -> str:
        assert np.array_equal(opener.matrix(opened[0], tokens), store.vectors[rows])
        close_it()
        return "reads the file at the first question" if opener is SQLITE else ""

    measure(
        OPEN,
        f"{opener.name}: open",
        open_it,
        check,
        rounds=20 if opener is GLOVESTORE else 9,
        iterations=100 if opener is GLOVESTORE else 1,
        setup=close_it if close else None,
        baseline=opener is GLOVESTORE,
    )


def test_h5py_without_a_dict(measure: Measure, store: glovestore.EmbeddingStore) -> None:
    """The store itself, through HDF5: what opening alone costs there, with no way yet to find a token."""
    h5py = pytest.importorskip("h5py")

    def open_datasets() -> tuple[Any, Any]:
        file = h5py.File(store.path, "r")
        return file["vectors"], file["token_offsets"]

    def check(opened: tuple[Any, Any]) -> str:
        vectors, offsets = opened
        assert vectors.shape == store.shape
        assert offsets.shape == (len(store) + 1,)
        return "cannot look up yet"

    measure(OPEN, "h5py: open two datasets", open_datasets, check, rounds=9, iterations=10)


def test_the_vectors_file_itself(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    vectors_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """`open` of the text that the cache has a store of: a look at the text, whether it is still the same, is in it."""
    monkeypatch.setenv("GLOVESTORE_CACHE", str(tmp_path))
    glovestore.open(vectors_file)

    def check(opened: glovestore.EmbeddingStore) -> str:
        assert opened.path.parent == tmp_path
        assert opened.shape == store.shape
        return "the text, its store in the cache"

    measure(OPEN, "glovestore: open the text", partial(glovestore.open, vectors_file), check, rounds=20, iterations=100)


# --- a second process ------------------------------------------------------------------------------------------------


@pytest.fixture
def measure_second_process(
    measure: Measure, store: glovestore.EmbeddingStore, sample: Any, tmp_path: Path
) -> Callable[..., None]:
    """Measure open + matrix in a second process, `(opener, folder, which, page cache, rounds, before each round)`."""

    def measure_it(
        opener: Opener,
        folder: Path,
        which: str,
        cache: str,
        rounds: int,
        setup: Callable[[], None] | None = None,
        note: Callable[[], str] = str,
    ) -> None:
        tokens, rows = sample(TOKENS, which)
        vocabulary, result = tmp_path / "tokens.json", tmp_path / "matrix.npy"
        vocabulary.write_text(json.dumps(tokens), encoding="utf-8")
        run = partial(second_process.run, opener, folder, vocabulary, result)

        def check(_: None) -> str:
            assert np.array_equal(np.load(result), store.vectors[rows])
            return note()

        name = f"the first {len(tokens):,} tokens" if which == "first" else f"{len(tokens):,} random tokens"
        measure(
            Task(f"open + matrix of {name}, second process, imports not counted, page cache {cache}"),
            f"{opener.name}: open + matrix",
            lambda: PROCESS_CLOCK.advance(run()),
            check,
            rounds=rounds,
            setup=setup,
            baseline=opener is GLOVESTORE,
        )

    return measure_it


@in_a_process
@pytest.mark.parametrize("which", ["first", "random"])
@ALL
def test_open_and_matrix_in_a_second_process(
    measure_second_process: Callable[..., None], converted: Converted, opener: Opener, which: str
) -> None:
    measure_second_process(opener, converted(opener), which, "warm", rounds=ROUNDS.get(opener, 5))


@in_a_process
@COLD
def test_open_and_matrix_in_a_second_process_cold(
    measure_second_process: Callable[..., None], converted: Converted, opener: Opener, tmp_path: Path
) -> None:
    copies = [Path(shutil.copy(file, tmp_path)) for file in converted(opener).glob(opener.files)]
    still_cached: list[float] = []

    def drop() -> None:
        for file in copies:
            page_cache.drop(file)
        still_cached.append(max(map(page_cache.cached_fraction, copies)))

    def note() -> str:
        return f"NOT cold: {max(still_cached):.0%} of a file stayed" if max(still_cached) > 0.01 else ""

    measure_second_process(opener, tmp_path, "random", "cold", rounds=5, setup=drop, note=note)


# --- a new process, from its start to its end ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imports(request: pytest.FixtureRequest) -> dict[str, list[float]]:
    """The seconds of processes that only import."""
    return startup.take_turns(startup.IMPORTS, [], rounds_of(request, IMPORT_ROUNDS))


@pytest.fixture(scope="module")
def vocabulary_file(sample: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random tokens, one a line."""
    path: Path = tmp_path_factory.mktemp("vocabulary") / "tokens.txt"
    path.write_text("\n".join(sample(TOKENS)[0]), encoding="utf-8", newline="\n")
    return path


@pytest.fixture(scope="module")
def uses(
    request: pytest.FixtureRequest, store: glovestore.EmbeddingStore, vocabulary_file: Path
) -> dict[str, list[float]]:
    """The seconds of processes that make a matrix."""
    arguments = [vocabulary_file, store.path, str(store.dim)]
    return startup.take_turns(startup.USES, arguments, rounds_of(request, USE_ROUNDS))


def rounds_of(request: pytest.FixtureRequest, rounds: int) -> int:
    """Return how many rounds processes take turns for, where pytest-benchmark does not count them itself."""
    return 1 if request.config.getoption("benchmark_disable") else rounds


@in_a_process
@pytest.mark.parametrize("name", startup.IMPORTS)
def test_import(measure: Measure, imports: dict[str, list[float]], name: str) -> None:
    numpy = "import numpy"
    seconds = iter(imports[name])
    measure(
        Task("new process that imports, from start to end"),
        name,
        lambda: PROCESS_CLOCK.advance(next(seconds)),
        lambda _: startup.above(imports, name, numpy) if "glovestore" in name else "",
        rounds=len(imports[name]),
        warmup_rounds=0,
        baseline=name == numpy,
    )


@in_a_process
@pytest.mark.parametrize("name", startup.USES)
def test_new_process(
    measure: Measure,
    store: glovestore.EmbeddingStore,
    sample: Any,
    uses: dict[str, list[float]],
    vocabulary_file: Path,
    tmp_path: Path,
    name: str,
) -> None:
    tokens, rows = sample(TOKENS)
    seconds = iter(uses[name])

    def check(_: None) -> None:
        code, left = startup.USES[name] + startup.LEAVE_BEHIND, tmp_path / "matrix.npy"
        second_process.run_python("-c", code, vocabulary_file, store.path, str(store.dim), left)
        matrix = np.load(left)
        filled = {"glovestore": store.vectors[rows], "numpy": np.full_like(matrix, "ones" in name)}
        assert matrix.shape == (len(tokens), store.dim)
        assert np.array_equal(matrix, filled[name.partition(":")[0]])

    measure(
        Task(f"new process, from start to end: read {len(tokens):,} tokens, make their matrix"),
        name,
        lambda: PROCESS_CLOCK.advance(next(seconds)),
        check,
        rounds=len(uses[name]),
        warmup_rounds=0,
        baseline="zeros" in name,
    )
