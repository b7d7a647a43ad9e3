"""`glovestore demo`: the whole path on real vectors, a step at a time, and what each step costs."""

from __future__ import annotations

import filecmp
import lzma
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import glovestore
from glovestore.display import aligned, human_bytes, human_seconds, visible
from glovestore.format import hdf5
from glovestore.shell import tables
from glovestore.shell.classifying import classify

SAMPLE = "glove.6B.100d.first15000.txt"
THE = (-0.038194, -0.24487, 0.72812, -0.39961)  # how "the" starts in it
TEXTS = ["The cat sat on mat", "we can play with model"]
QUERIES = ("king", "paris", "computer", "good")
NEAREST = 5
RUNS = 5
LARGE_FILE = 100e6  # bytes from which on reading all of it is timed once
ONE_UNIT = 2.0**-23  # relative distance of two float32 that are neighbours

Say = Callable[[str], None]
Matrix = NDArray[np.float32]
Result = TypeVar("Result")


@dataclass
class Demo:
    """What the steps share: the vectors file, a folder for what they make, and where their words go."""

    source: Path
    folder: Path
    is_sample: bool
    say: Say

    @property
    def store_path(self) -> Path:
        """The store that the first step builds."""
        return self.folder / "vectors.h5"

    def check(self, is_so: bool, problem: str) -> None:
        """Raise GlovestoreError if the sample is not what it must be. A user's own file may differ: that is said."""
        if is_so:
            return
        if self.is_sample:
            raise glovestore.GlovestoreError(f"{self.source.name}: {problem}")
        self.say(f"  note: {problem}")


def run_demo(vectors: Path | None, say: Say) -> dict[str, Any]:
    """Run all steps on a file of GloVe text, by default the sample, and return their results, ready for JSON.

    `say` gets the text for people, piece by piece. What the steps write is removed at the end.
    """
    results: dict[str, Any] = {}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="glovestore-demo-") as name:
        warnings.simplefilter("ignore", glovestore.CoverageWarning)  # the coverage is shown
        folder = Path(name)
        source = _source(vectors, folder)
        demo = Demo(source, folder, vectors is None, say)
        what = str(vectors or "the first 15,000 rows of glove.6B.100d.txt, which come with the package")
        size = human_bytes(source.stat().st_size)
        say(f"glovestore {glovestore.__version__}: from GloVe text to a classifier\nvectors: {what} ({size} of text)")
        for number, (title, step) in enumerate(STEPS, 1):
            say(f"\n{number}. {title}\n")
            results[step.__name__] = step(demo)
    return results


def _source(vectors: Path | None, folder: Path) -> Path:
    """Return the vectors file, which for the sample is unpacked into `folder`."""
    if vectors is not None:
        if vectors.exists() and not vectors.is_file():
            raise glovestore.GlovestoreError(f"{vectors}: expected a file that can be read several times")
        return vectors
    unpacked = folder / SAMPLE
    packed = files("glovestore").joinpath(f"data/{SAMPLE}.xz")
    with packed.open("rb") as compressed, lzma.open(compressed) as text, unpacked.open("wb") as file:
        shutil.copyfileobj(text, file)
    return unpacked


# ---------------------------------------------------------------------- steps


def build(demo: Demo) -> dict[str, Any]:
    """Build the store that the other steps use, and show the rate."""
    hdf5.preload()  # else the time of a short build would be mostly that of an import
    report = glovestore.build(demo.source, demo.store_path)
    rate = report.source_bytes / report.seconds
    demo.say(
        f"  >>> glovestore.build({demo.source.name!r}, {demo.store_path.name!r})\n"
        f"  {report.rows:,} rows x {report.dim}, {human_bytes(report.source_bytes)} of text"
        f" -> {human_bytes(report.store_bytes)} of store\n"
        f"  {human_seconds(report.seconds)}: {human_bytes(rate)} of text a second"
        f" (and {human_seconds(report.fsync_seconds)} until it was safe on disk)"
    )
    return report.to_dict()


def store(demo: Demo) -> dict[str, Any]:
    """Show what is in the store, and the neighbours of a few tokens."""
    with glovestore.open(demo.store_path) as opened:
        info = tables.describe(opened)
        queries = [token for token in QUERIES if token in opened] or opened.tokens[: len(QUERIES)]
        found = dict(zip(queries, opened.nearest(queries, NEAREST), strict=True))
    demo.say(f"  >>> store = glovestore.open({demo.store_path.name!r})\n{tables.info_table(info, '  ')}\n")
    columns = [[visible(token), *(visible(other) for other, _ in near)] for token, near in found.items()]
    cosines = [["", *(f"{cosine:.3f}" for _, cosine in near)] for near in found.values()]
    cells = [column for pair in zip(columns, cosines, strict=True) for column in pair]
    demo.say(f"  >>> store.nearest({queries!r}, k={NEAREST})")
    demo.say(aligned(zip(*cells, strict=True), "lr" * len(found), "  "))
    return {"info": info, "nearest": found}


def tutorial(demo: Demo) -> dict[str, Any]:
    """Show two texts on their way through a vocabulary and a matrix into nn.Embedding."""
    vocab = _vocab()
    ids = vocab.encode(TEXTS)
    with glovestore.open(demo.store_path) as opened:
        token = "the" if "the" in opened else opened.tokens[0]
        start = opened[token][: len(THE)]
        made = opened.matrix(vocab)
        rows = ["[" + " ".join(f"{number:2}" for number in line) + "]" for line in ids.tolist()]
        demo.say(
            f"  >>> store[{token!r}]\n  {' '.join(map(str, start))} ...\n"
            f"  >>> texts = {TEXTS!r}\n"
            f"  >>> vocab = glovestore.Vocabulary.fit(texts, unk_token=None)\n"
            f"  {len(vocab) - 1} tokens and, at index 0, padding: {' '.join(vocab.tokens)}\n"
            f"  >>> ids = vocab.encode(texts)\n  {'  '.join(rows)}\n"
            f"  >>> store.matrix(vocab).coverage\n  {made.coverage}"
        )
        known = not demo.is_sample or np.array_equal(start, np.array(THE, np.float32))
        demo.check(known, f"expected 'the' to start with {THE}, got {start}")
        demo.check(made.coverage.missing == 0, f"expected all ten tokens in the store, got {made.coverage}")
        torch_results = _torch_part(demo, opened, vocab, ids)
    return {
        "token": token,
        "first_numbers": tables.short_floats(start),
        "tokens": vocab.tokens,
        "ids": ids.tolist(),
        "coverage": made.coverage.to_dict(),
        **torch_results,
    }


def _torch_part(
    demo: Demo, opened: glovestore.EmbeddingStore, vocab: glovestore.Vocabulary, ids: Any
) -> dict[str, Any]:
    try:
        torch = glovestore.torch.torch  # the one place that imports it
    except ImportError as error:
        demo.say(f"  no nn.Embedding here: {error}")
        return {"embedding": None, "output_shape": None}
    module = glovestore.torch.embedding(opened, vocab)
    output = module(torch.from_numpy(ids))
    demo.say(
        f"  >>> embedding = glovestore.torch.embedding(store, vocab)\n  {module}\n"
        f"  >>> embedding(torch.from_numpy(ids)).shape\n  {output.shape}"
    )
    shape = (*ids.shape, opened.dim)
    demo.check(tuple(output.shape) == shape, f"expected an output of shape {shape}, got {tuple(output.shape)}")
    return {"embedding": str(module), "output_shape": list(output.shape)}


def times(demo: Demo) -> dict[str, Any]:
    """Measure, here and now, the usual recipe beside a build and beside what every later run needs; compare results."""
    vocab = _vocab()
    runs = RUNS if demo.source.stat().st_size <= LARGE_FILE else 1
    opening, matrix = _timed(lambda: _open_and_matrix(demo.store_path, vocab), RUNS)
    building = _timed_build(demo, runs)
    recipe = _timed_recipe(demo, vocab, runs, matrix)
    measured = {"text -> dict -> matrix": (recipe, runs), "build": (building, runs), "open + matrix": (opening, RUNS)}
    demo.say(aligned(_times_table(measured, recipe), "lrrr", "  "))
    demo.say(
        "\n  Medians, measured here and now on a file in the page cache, imports and flushing to disk not counted.\n"
        f"{'' if runs == RUNS else '  The file is large: what reads all of it ran once only.' + chr(10)}"
        "  The dict and the build read every line, so their times grow with the file; the build is needed only once.\n"
        f"  open + matrix reads a header and {len(vocab) - 1} rows: it grows with your vocabulary, not with the file."
    )
    return {name: {"seconds": seconds, "runs": count} for name, (seconds, count) in measured.items()}


def _times_table(measured: dict[str, tuple[float | None, int]], recipe: float | None) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "time", "runs", "speed-up")]
    for name, (seconds, count) in measured.items():
        speed_up = "" if seconds is None or recipe is None else f"{recipe / seconds:,.1f}x"
        cells = ("failed", "") if seconds is None else (human_seconds(seconds), str(count))
        rows.append((name, *cells, speed_up))
    return rows


def classifier(demo: Demo) -> dict[str, Any] | None:
    """Train a text classifier with the store's vectors and without; None if what it needs is not installed."""
    return classify(demo.store_path, demo.say)


STEPS: list[tuple[str, Callable[[Demo], dict[str, Any] | None]]] = [
    ("Build a store, once", build),
    ("Open it, for free", store),
    ("From texts to nn.Embedding", tutorial),
    ("What it costs", times),
    ("From texts to a classifier", classifier),
]


# ---------------------------------------------------------------------- what the steps are made of


def dict_recipe(source: Path, vocab: glovestore.Vocabulary) -> tuple[Matrix, dict[str, Matrix]]:
    """Make the matrix of a vocabulary as tutorials do: all lines into a dict, then a loop. Returns both."""
    vectors: dict[str, Matrix] = {}
    with open(source, encoding="utf-8") as file:
        for line in file:
            token, *numbers = line.rstrip().split(" ")
            vectors[token] = np.array(numbers, np.float32)
    matrix = np.zeros((len(vocab), len(numbers)), np.float32)
    for token, index in vocab.word_index.items():
        if token in vectors:
            matrix[index] = vectors[token]
    return matrix, vectors


def _open_and_matrix(path: Path, vocab: glovestore.Vocabulary) -> Matrix:
    with glovestore.open(path) as opened:
        matrix: Matrix = opened.matrix(vocab).array
        return matrix


def _timed_recipe(demo: Demo, vocab: glovestore.Vocabulary, runs: int, matrix: Matrix) -> float | None:
    """Return the median time of the recipe; None if it cannot read a user's file, such as one with spaces in tokens."""
    try:
        seconds, (expected, _) = _timed(lambda: dict_recipe(demo.source, vocab), runs)
    except ValueError as error:
        demo.check(False, f"the dict recipe fails on this file: {error}")
        return None
    demo.check(_equal(matrix, expected), "expected the recipe and the store to give the same matrix, they differ")
    return seconds


def _timed_build(demo: Demo, runs: int) -> float:
    """Return the median time of a build; every one must give the bytes of the first step's store."""
    target = demo.folder / "again.h5"
    seconds = []
    for _ in range(runs):
        seconds.append(_timed(lambda: glovestore.build(demo.source, target, durable=False), 1)[0])
        filecmp.clear_cache()
        same = filecmp.cmp(target, demo.store_path, shallow=False)
        demo.check(same, "expected a second build to give the same bytes, got others")
        target.unlink()
    return float(np.median(seconds))


def _timed(function: Callable[[], Result], runs: int) -> tuple[float, Result]:
    """Return the median time of some calls in seconds, and the last result. Freeing a result is not counted."""
    seconds: list[float] = []
    results: list[Result] = []
    for _ in range(runs):
        results.clear()
        start = time.perf_counter()
        results.append(function())
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), results[0]


def _equal(matrix: Matrix, expected: Matrix) -> bool:
    """Compare up to the last bit: numpy rounds twice, through float64, where a file has very many digits."""
    return matrix.shape == expected.shape and np.allclose(matrix, expected, rtol=ONE_UNIT, atol=0)


def _vocab() -> glovestore.Vocabulary:
    return glovestore.Vocabulary.fit(TEXTS, unk_token=None)
