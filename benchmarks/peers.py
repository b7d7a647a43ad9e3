"""Other ways to load GloVe text, each as its users write it: one function per rival, imports inside.

`TEXT_PEERS` lists them. `load` is what is timed; `arrays` turns its result into (tokens, matrix) afterwards, so that
the result can be checked. What a peer needs beyond numpy is in `package`: without it, it is skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGES = ("pandas", "polars", "gensim")

Arrays = tuple[Sequence[Any], NDArray[Any]]


@dataclass(frozen=True)
class TextPeer:
    """One way to load the text. `rounds` is small for the slow ones; `warmup_rounds` for what is slow only once."""

    name: str
    load: Callable[[Path], Any]
    arrays: Callable[[Any], Arrays]
    package: str = ""
    rounds: int = 3
    warmup_rounds: int = 0
    loses_words: bool = False


def pandas_recipe(path: Path) -> dict[Any, NDArray[np.float64]]:
    """Load as the tutorials do. "nan", "null" and some others become missing values, and share one key."""
    import pandas as pd

    glove = pd.read_csv(path, sep=" ", quoting=csv.QUOTE_NONE, header=None, index_col=0)
    return {key: value.values for key, value in glove.T.items()}


def python_loop(path: Path) -> dict[str, NDArray[np.float32]]:
    """Load line by line into a dict."""
    vectors = {}
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            fields = line.split(" ")
            vectors[fields[0]] = np.array(fields[1:], "f4")
    return vectors


def polars_read(path: Path) -> Arrays:
    """Load with the fastest CSV reader there is, all cores, its types told in advance."""
    import polars as pl

    with path.open("rb") as file:
        dim = file.readline().count(b" ")
    schema = {"token": pl.String, **{str(column): pl.Float32 for column in range(dim)}}
    frame = pl.read_csv(path, separator=" ", has_header=False, quote_char=None, schema=schema)
    return frame["token"], frame.drop("token").to_numpy()


def gensim_load(path: Path) -> Any:
    """Load with gensim, which takes GloVe text since 4.0."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load_word2vec_format(path, no_header=True)


def dict_arrays(vectors: dict[Any, NDArray[Any]]) -> Arrays:
    """Return keys and values as one sequence and one matrix; a missing value as key is no word any more."""
    words = [key for key in vectors if isinstance(key, str)]
    return words, np.stack([vectors[word] for word in words])


TEXT_PEERS = (
    TextPeer("polars read_csv + to_numpy", polars_read, lambda pair: pair, "polars", rounds=5, warmup_rounds=1),
    TextPeer("Python loop into a dict", python_loop, dict_arrays),
    TextPeer("pandas read_csv + dict (the tutorial)", pandas_recipe, dict_arrays, "pandas", loses_words=True),
    TextPeer("gensim load_word2vec_format", gensim_load, lambda kv: (kv.index_to_key, kv.vectors), "gensim", rounds=1),
)
