"""Other ways to write vectors to a file, each in the best of the reasonable ways that we tried."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Writer:
    """One way to write vectors: `write(prepared, path)` is timed, `rounds` times.

    `prepare(tokens, vectors)` makes what its users have in memory, before the clock starts. It cannot write tokens with
    a character of `refused` in them.
    """

    name: str
    prepare: Callable[[list[str], Matrix], Any]
    write: Callable[[Any, Path], None]
    package: str = ""
    rounds: int = 1
    refused: str = ""


def as_they_are(tokens: list[str], vectors: Matrix) -> tuple[list[str], Matrix]:
    return tokens, vectors


def python_loop(prepared: tuple[list[str], Matrix], path: Path) -> None:
    """Write line by line. `tolist` first would be twice as fast, and write each float32 with a double's 17 digits."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for token, vector in zip(*prepared, strict=True):
            file.write(f"{token} {' '.join(map(str, vector))}\n")


def numpy_text(prepared: tuple[list[str], Matrix], path: Path) -> None:
    """Write with np.savetxt, which knows no tokens: a row's number takes their place."""
    vectors = prepared[1]
    numbered = np.column_stack([np.arange(len(vectors)), vectors])
    np.savetxt(path, numbered, fmt=" ".join(["%d", *["%.9g"] * vectors.shape[1]]))


def pandas_frame(tokens: list[str], vectors: Matrix) -> Any:
    import pandas as pd

    return pd.DataFrame(vectors, index=tokens)


def pandas_text(frame: Any, path: Path) -> None:
    frame.to_csv(path, sep=" ", header=False, quoting=csv.QUOTE_NONE, lineterminator="\n")


def polars_frame(tokens: list[str], vectors: Matrix) -> Any:
    import polars as pl

    columns = {str(column): vectors[:, column] for column in range(vectors.shape[1])}
    return pl.DataFrame({"token": tokens, **columns})


def polars_text(frame: Any, path: Path) -> None:
    frame.write_csv(path, include_header=False, separator=" ", quote_style="never")


def arrow_table(tokens: list[str], vectors: Matrix) -> Any:
    import pyarrow as pa

    columns = {str(column): pa.array(vectors[:, column]) for column in range(vectors.shape[1])}
    return pa.table({"token": pa.array(tokens), **columns})


def arrow_text(table: Any, path: Path) -> None:
    from pyarrow import csv as arrow_csv

    options = arrow_csv.WriteOptions(include_header=False, delimiter=" ", quoting_style="none")
    arrow_csv.write_csv(table, path, options)


def gensim_keyed(tokens: list[str], vectors: Matrix) -> Any:
    from openers import as_gensim

    return as_gensim(tokens, vectors)


def gensim_text(keyed: Any, path: Path) -> None:
    keyed.save_word2vec_format(path, write_header=False)


def gensim_binary(keyed: Any, path: Path) -> None:
    keyed.save_word2vec_format(path, binary=True)


TEXT_WRITERS = (
    Writer("polars: write_csv", polars_frame, polars_text, "polars", rounds=3),
    Writer("pyarrow: write_csv", arrow_table, arrow_text, "pyarrow", rounds=3, refused='"'),
    Writer("pandas: to_csv", pandas_frame, pandas_text, "pandas"),
    Writer("gensim: save_word2vec_format", gensim_keyed, gensim_text, "gensim"),
    Writer("np.savetxt, numbers alone", as_they_are, numpy_text),
    Writer("Python loop", as_they_are, python_loop),
)
BINARY_WRITERS = (Writer("gensim: save_word2vec_format", gensim_keyed, gensim_binary, "gensim", rounds=3),)
