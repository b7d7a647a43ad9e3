"""Options, fixtures and the table of the benchmarks: `make bench`, or `pytest benchmarks --benchmark-only`.

    --vectors FILE   the vectors file they are about; without it, one is generated
    --rows N         rows of the generated file
    --sweep WHICH    file sizes of test_sweep.py: none (as without it), small (up to 200 MB), full (up to 5.6 GB)
    --folder DIR     where the files of a sweep are generated and loaded from (default: pytest's temporary folder)
    --texts FILE     texts to encode, one a line, behind a label and a tab or alone; without it, they are generated
    --texts-mb N     MB of generated texts

Everything is measured warm unless its row says cold: files are in the page cache, and functions ran before (but for
peers that run once).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import numpy as np
import openers
import pytest
import vectors_generator
from corpus import Corpus, generated_texts, read_texts
from measuring import Measure
from numpy.typing import NDArray
from openers import Converted, Opener
from processes import Job
from pytest_benchmark.fixture import BenchmarkFixture
from table import Row, render
from texts import SHAPES, Text, check_store, read_text, settled

import glovestore

DIM = 100
CACHE = "page cache warm unless a row says cold"
ROWS: pytest.StashKey[list[Row]] = pytest.StashKey()
LEFT_OUT: pytest.StashKey[list[dict[str, Any]]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("glovestore")
    group.addoption("--vectors", type=Path, metavar="FILE", help="vectors file (default: a generated one)")
    group.addoption("--rows", type=int, default=100_000, help="rows of the generated file (default: %(default)s)")
    group.addoption("--sweep", choices=list(SHAPES), default="none", help="file sizes of the sweep")
    group.addoption(
        "--folder", type=Path, metavar="DIR", help="where the sweep's files go (default: a temporary folder)"
    )
    group.addoption("--texts", type=Path, metavar="FILE", help="texts to encode (default: generated ones)")
    group.addoption("--texts-mb", type=float, default=16, help="MB of generated texts (default: %(default)s)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    config.stash[LEFT_OUT] = []


def pytest_report_header() -> str:
    return f"benchmarks: {machine.describe()}; {CACHE}"


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info["glovestore"] = f"{machine.describe()}; {CACHE}"


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    output_json["left_out"] = config.stash[LEFT_OUT]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rows := config.stash[ROWS] + [Row.from_json(entry) for entry in config.stash[LEFT_OUT]]:
        terminalreporter.write_sep("=", "benchmarks")
        terminalreporter.write_line(render(rows))
        terminalreporter.write_line(f"\n{machine.describe()}; {CACHE}")


@pytest.fixture
def measure(benchmark: BenchmarkFixture, pytestconfig: pytest.Config) -> Measure:
    """The one way to time something: it wants a check of the result."""
    return Measure(benchmark, pytestconfig.stash[ROWS], pytestconfig.stash[LEFT_OUT])


@pytest.fixture(scope="session")
def vectors_file(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vectors file of this run."""
    path: Path | None = pytestconfig.getoption("vectors")
    if path is not None:
        return path
    generated = tmp_path_factory.mktemp("text") / "generated.txt"
    return settled(vectors_generator.generate(generated, pytestconfig.getoption("rows"), DIM))


@pytest.fixture(scope="session")
def built(vectors_file: Path, tmp_path_factory: pytest.TempPathFactory) -> glovestore.BuildReport:
    """The report of a store made of the file, alone in its folder under the name store.h5."""
    return glovestore.build(vectors_file, tmp_path_factory.mktemp("store") / "store.h5")


@pytest.fixture(scope="session")
def text(built: glovestore.BuildReport) -> Text:
    """The vectors file, read the slow way."""
    return read_text(built)


@pytest.fixture(scope="session")
def store(built: glovestore.BuildReport, text: Text) -> Iterator[glovestore.EmbeddingStore]:
    """The store, checked against the text: whatever agrees with it is right."""
    with glovestore.open(built.path) as store:
        check_store(store, text)
        yield store


@pytest.fixture
def job(text: Text, store: glovestore.EmbeddingStore, tmp_path: Path) -> Job:
    """A load of the file in a process of its own, with the loader's name still to be filled in."""
    return Job("", str(text.path), str(store.path), str(tmp_path))


@pytest.fixture(scope="session")
def plain_text(text: Text, built: glovestore.BuildReport) -> Text:
    """The text, if it is one that other libraries read as well: only "token number number ..."."""
    oddities = {
        "a header": built.header > 0,
        "duplicates": built.duplicates > 0,
        "tokens with a space in them, or empty ones": any(not token or b" " in token for token in text.tokens),
    }
    found = [oddity for oddity, present in oddities.items() if present]
    if found:
        pytest.skip(f"{text.path.name} has {' and '.join(found)}, which the peers do not handle")
    return text


@pytest.fixture(scope="session")
def sample(store: glovestore.EmbeddingStore) -> Callable[..., tuple[list[str], NDArray[np.int64]]]:
    """Take tokens with their rows, `sample(count)`: in random order, or the first ones.

    The strings are new ones, as a pipeline has them, not the very objects that are keys of some dict.
    """

    def take(count: int, which: str = "random") -> tuple[list[str], NDArray[np.int64]]:
        rows = np.arange(len(store), dtype=np.int64)
        if which == "random":
            rows = np.random.default_rng(0).permutation(rows)
        return [store.tokens[row] for row in rows[:count].tolist()], rows[:count]

    return take


@pytest.fixture(scope="session")
def row_dict(store: glovestore.EmbeddingStore) -> dict[str, int]:
    """The dict token -> row that everybody else keeps in memory."""
    return {token: row for row, token in enumerate(store.tokens)}


@pytest.fixture(scope="session")
def vector_dict(store: glovestore.EmbeddingStore, row_dict: dict[str, int]) -> dict[str, NDArray[np.float32]]:
    """The tutorial's dict: a numpy array for every token."""
    return {token: store.vectors[row].copy() for token, row in row_dict.items()}


@pytest.fixture(scope="session")
def converted(store: glovestore.EmbeddingStore) -> Converted:
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


@pytest.fixture(scope="session")
def keyed(store: glovestore.EmbeddingStore) -> Any:
    """The vectors in gensim."""
    pytest.importorskip("gensim")
    return openers.as_gensim(list(store.tokens), np.array(store.vectors))


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Corpus:
    """The texts of this run."""
    path: Path | None = pytestconfig.getoption("texts")
    if path is not None:
        return Corpus(f"the texts of {path.name}", read_texts(path))
    return Corpus("generated texts", generated_texts(int(pytestconfig.getoption("texts_mb") * 1e6)))
