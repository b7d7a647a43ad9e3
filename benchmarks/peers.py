"""Other ways to load GloVe text, each as its users write it: one function per rival, imports inside.

`TEXT_PEERS` load all of it; `WANTED_PEERS` only the tokens of a vocabulary, and leave nothing behind for the next
process. `WORD2VEC_PEERS` load word2vec's binary format.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from loaders import Arrays, Expected, Loader, check_arrays
from numpy.typing import NDArray

PACKAGES = (  # what the figures depend on
    "polars",
    "pyarrow",
    "pandas",
    "gensim",
    "lmdb",
    "h5py",
    "safetensors",
    "tokenizers",
    "scikit-learn",
    "isal",
    "backports.zstd",
)


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


def wanted_scan(path: Path, keep: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Load line by line, the numbers of wanted tokens only, as AllenNLP did."""
    wanted = set(keep)
    vectors = {}
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            token, _, numbers = line.partition(" ")
            if token in wanted:
                vectors[token] = np.array(numbers.split(" "), "f4")
    return vectors


def polars_read(path: Path) -> Arrays:
    """Load with polars' CSV reader, all cores, its types told in advance. The matrix is in column-major order."""
    import polars as pl

    schema = {"token": pl.String, **{str(column): pl.Float32 for column in range(first_dim(path))}}
    frame = pl.read_csv(path, separator=" ", has_header=False, quote_char=None, schema=schema)
    return frame["token"], frame.drop("token").to_numpy()


def pyarrow_read(path: Path) -> tuple[Any, NDArray[Any]]:
    """Load with Arrow's CSV reader, all cores, its types told in advance. The matrix is in column-major order."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    columns = [str(column) for column in range(first_dim(path))]
    table = arrow_csv.read_csv(
        path,
        read_options=arrow_csv.ReadOptions(column_names=["token", *columns]),
        parse_options=arrow_csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types={"token": pa.string(), **dict.fromkeys(columns, pa.float32())}
        ),
    )
    return table["token"], np.stack([table[column].to_numpy() for column in columns]).T


def gensim_load(path: Path) -> Any:
    """Load with gensim, which takes GloVe text since 4.0."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load_word2vec_format(path, no_header=True)


def gensim_binary(path: Path) -> Any:
    """Load word2vec's binary format with gensim."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load_word2vec_format(path, binary=True)


def numpy_binary(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Load word2vec's binary format row by row, as it is done by hand: read up to the space, then the numbers."""
    with path.open("rb") as file:
        rows, dim = map(int, file.readline().split())
        tokens, matrix = [], np.empty((rows, dim), np.float32)
        for row in range(rows):
            token = b"".join(iter(lambda: file.read(1), b" "))
            tokens.append(token.lstrip(b"\n").decode())
            matrix[row] = np.frombuffer(file.read(4 * dim), np.float32)
    return tokens, matrix


def first_dim(path: Path) -> int:
    """Return how many numbers the first line has, as somebody looks who has to name the columns."""
    with path.open("rb") as file:
        return file.readline().count(b" ")


def check_dict(vectors: dict[Any, NDArray[Any]], expected: Expected) -> str:
    """Check keys and values; a missing value as key is no word any more."""
    words = [key for key in vectors if isinstance(key, str)]
    return check_arrays((words, np.stack([vectors[word] for word in words])), expected)


def check_whole(check: Callable[[Any, Expected], str]) -> Callable[[Any, Expected], str]:
    """Make a check that takes no loss of words."""

    def check_all(result: Any, expected: Expected) -> str:
        assert not check(result, expected)
        return ""

    return check_all


def check_gensim(keyed: Any, expected: Expected) -> str:
    """Check gensim's list and matrix."""
    return check_arrays((keyed.index_to_key, keyed.vectors), expected)


def check_arrow(result: tuple[Any, NDArray[Any]], expected: Expected) -> str:
    """Check a column of strings, whose elements are no str, and a matrix."""
    tokens, matrix = result
    return check_arrays((tokens.to_pylist(), matrix), expected)


TEXT_PEERS = (
    Loader("polars", polars_read, check_whole(check_arrays), "polars", "polars", rounds=5, warmup_rounds=1),
    Loader("pyarrow", pyarrow_read, check_whole(check_arrow), "pyarrow.csv", "pyarrow", rounds=5, warmup_rounds=1),
    Loader("Python loop into a dict", python_loop, check_whole(check_dict), largest=1200),
    Loader("pandas + dict (the tutorial)", pandas_recipe, check_dict, "pandas", "pandas", largest=400),
    Loader("gensim", gensim_load, check_whole(check_gensim), "gensim.models", "gensim", rounds=1, largest=100),
)
WANTED_PEERS = (Loader("Python scan, wanted tokens into a dict", wanted_scan, check_whole(check_dict), rounds=5),)
WORD2VEC_PEERS = (
    Loader("gensim, binary=True", gensim_binary, check_whole(check_gensim), "gensim.models", "gensim", rounds=3),
    Loader("Python loop, np.frombuffer", numpy_binary, check_whole(check_arrays), rounds=3),
)
