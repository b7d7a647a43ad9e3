"""What float16 and int8 cost in accuracy, and save in bytes: `make accuracy VECTORS=glove.6B.100d.txt DATA=folder`.

DATA holds wordsim353.tsv and simlex999.txt. A line has two words and the mean of what people said about their
similarity, with tabs between them; # is before comments. Nothing is downloaded. A word is looked up as it is, then in
lower case; pairs with a word that the store lacks do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

import glovestore
from glovestore.display import aligned

DTYPES = ("float32", "float16", "int8")
SETS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
K = 10
FREQUENT = 50_000  # rows that queries are drawn from
QUERIES = 1000


@dataclass(frozen=True)
class Pairs:
    """Pairs of words, and how similar people find them: `scores` (pairs,)."""

    name: str
    first: list[str]
    second: list[str]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """One dtype: bytes of the store and its vectors, rank correlations, and how many of the 10 nearest stay."""

    dtype: str
    store_bytes: int
    vector_bytes: int
    spearman: dict[str, float]
    pairs: dict[str, tuple[int, int]]  # with both words in the store, and all
    overlap: float
    largest_error: float


def read_pairs(name: str, path: Path) -> Pairs:
    """Read word, word, score; with tabs between them."""
    lines = path.read_text("utf-8").splitlines()
    fields = [line.split("\t")[:3] for line in lines if line.strip() and not line.startswith("#")]
    first, second, scores = zip(*fields, strict=True)
    return Pairs(name, list(first), list(second), np.array(scores, np.float64))


def correlation(store: glovestore.EmbeddingStore, pairs: Pairs) -> tuple[float, int]:
    """Return Spearman's rank correlation of cosines and scores, and of how many pairs."""
    vocab = list(dict.fromkeys(pairs.first + pairs.second))
    made = store.matrix(vocab, fallbacks=["lower"])
    missing = set(made.coverage.missing_tokens)
    number = {word: i for i, word in enumerate(vocab)}
    there = [i for i, both in enumerate(zip(pairs.first, pairs.second, strict=True)) if not missing & set(both)]
    vectors = made.array.astype(np.float64)
    a, b = (vectors[[number[words[i]] for i in there]] for words in (pairs.first, pairs.second))
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return float(spearmanr(cosines, pairs.scores[there]).statistic), len(there)


def overlap(found: Sequence[list[tuple[str, float]]], expected: Sequence[list[tuple[str, float]]]) -> float:
    """Return which part of the expected neighbours was found."""
    common = sum(len(dict(a).keys() & dict(b).keys()) for a, b in zip(found, expected, strict=True))
    return common / sum(map(len, expected))


def measure(vectors: Path, sets: Sequence[Pairs], folder: Path) -> Iterator[Measured]:
    """Build a store of each dtype in `folder`, and measure it beside that of float32."""
    plain_path = folder / "float32.h5"
    glovestore.build(vectors, plain_path, durable=False)
    with glovestore.open(plain_path) as plain:
        rows = np.random.default_rng(0).permutation(min(FREQUENT, len(plain)))[:QUERIES]
        queries = [plain.tokens[row] for row in rows.tolist()]
        expected = plain.nearest(queries, K)
        for dtype in DTYPES:
            path = folder / f"{dtype}.h5"
            if dtype != "float32":
                glovestore.convert(plain, path, dtype=dtype, durable=False)
            with glovestore.open(path) as store:
                found = {pairs.name: correlation(store, pairs) for pairs in sets}
                yield Measured(
                    dtype,
                    store.nbytes,
                    store.vectors.nbytes + (0 if store.scales is None else store.scales.nbytes),
                    {name: value for name, (value, _) in found.items()},
                    {pairs.name: (found[pairs.name][1], len(pairs.scores)) for pairs in sets},
                    overlap(store.nearest(queries, K), expected),
                    largest_error(store, plain),
                )


def largest_error(store: glovestore.EmbeddingStore, plain: glovestore.EmbeddingStore, step: int = 1 << 14) -> float:
    """Return the largest difference of any number, as a part of the largest magnitude of its row."""
    largest = 0.0
    for start in range(0, len(plain), step):
        exact = plain.decoded(start, min(start + step, len(plain)))
        errors = np.abs(store.decoded(start, start + len(exact)) - exact).max(axis=1)
        magnitudes = np.abs(exact).max(axis=1)
        largest = max(largest, float((errors[magnitudes > 0] / magnitudes[magnitudes > 0]).max(initial=0)))
    return largest


def table(results: Sequence[Measured]) -> str:
    """Return the table: a line a dtype."""
    plain = results[0]
    names = [f"{name} ({plain.pairs[name][0]} of {plain.pairs[name][1]} pairs)" for name in plain.spearman]
    rows = [["dtype", "store", "", "vectors", *names, f"nearest {K} kept", "largest error"]]
    for one in results:
        rows.append(
            [
                one.dtype,
                f"{one.store_bytes / 1e6:.1f} MB",
                f"{one.store_bytes / plain.store_bytes:.1%}",
                f"{one.vector_bytes / plain.vector_bytes:.1%}",
                *(f"{one.spearman[name]:.4f}" for name in plain.spearman),
                f"{one.overlap:.2%}",
                f"{one.largest_error:.2%}",
            ]
        )
    return aligned(rows, "l" + "r" * (len(rows[0]) - 1))


def main(arguments: Sequence[str]) -> None:
    """Print the table of a vectors file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path, help="vectors file, such as glove.6B.100d.txt")
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {' and '.join(SETS.values())}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    given = parser.parse_args(arguments)
    sets = [read_pairs(name, given.data / file) for name, file in SETS.items()]
    with tempfile.TemporaryDirectory() as folder:
        results = list(measure(given.vectors, sets, Path(folder)))
    print(json.dumps([asdict(one) for one in results]) if given.json else table(results))


if __name__ == "__main__":
    main(sys.argv[1:])
