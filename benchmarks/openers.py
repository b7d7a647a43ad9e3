"""From converted files to the matrix of a vocabulary: what every later process of a pipeline does.

As a script, the second process itself: it imports, starts its clock, opens, makes the matrix, stops the clock, and
leaves the matrix behind to be checked.

    python benchmarks/openers.py OPENER FOLDER TOKENS.json MATRIX.npy      prints the seconds
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Opener:
    """One way to keep vectors on disk: `convert` writes them once into a folder, `open` and `matrix` use them."""

    name: str
    open: Callable[[Path], Any]
    matrix: Callable[[Any, list[str]], Matrix]
    convert: Callable[[Path, list[str], Matrix], None] | None = None  # None: the store is there already
    module: str = "numpy"  # imported before the clock starts
    package: str = ""


def open_store(folder: Path) -> Any:
    import glovestore

    return glovestore.open(folder / "store.h5")


def store_matrix(store: Any, tokens: list[str]) -> Matrix:
    array: Matrix = store.matrix(tokens).array
    return array


def pickle_rows(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    (folder / "rows.pickle").write_bytes(pickle.dumps({token: row for row, token in enumerate(tokens)}))
    np.save(folder / "vectors.npy", vectors)


def open_pickle(folder: Path) -> tuple[dict[str, int], Matrix]:
    return pickle.loads((folder / "rows.pickle").read_bytes()), np.load(folder / "vectors.npy", mmap_mode="r")


def pickle_matrix(opened: tuple[dict[str, int], Matrix], tokens: list[str]) -> Matrix:
    rows, vectors = opened
    return np.take(vectors, [rows[token] for token in tokens], axis=0)


def save_gensim(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(vectors.shape[1], count=len(tokens))
    keyed.add_vectors(tokens, vectors)
    keyed.save(str(folder / "gensim.kv"))


def open_gensim(folder: Path) -> Any:
    from gensim.models import KeyedVectors

    return KeyedVectors.load(str(folder / "gensim.kv"), mmap="r")


def gensim_matrix(keyed: Any, tokens: list[str]) -> Matrix:
    return np.take(keyed.vectors, [keyed.key_to_index[token] for token in tokens], axis=0)


GLOVESTORE = Opener("glovestore", open_store, store_matrix, module="glovestore")
PEERS = (
    Opener("pickled dict + mapped npy", open_pickle, pickle_matrix, pickle_rows),
    Opener("gensim mapped", open_gensim, gensim_matrix, save_gensim, "gensim.models", "gensim"),
)


def run_second_process(opener: Opener, folder: Path, tokens: Path, matrix: Path) -> float:
    """Run this file in a new interpreter and return the seconds on its clock."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    command = [sys.executable, __file__, opener.name, str(folder), str(tokens), str(matrix)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{opener.name}: expected a time from the second process, got\n{done.stderr}")
    return float(done.stdout)


def main(name: str, folder: str, tokens_file: str, matrix_file: str) -> None:
    """Be the second process."""
    opener = next(opener for opener in (GLOVESTORE, *PEERS) if opener.name == name)
    tokens = json.loads(Path(tokens_file).read_bytes())
    import_module(opener.module)
    start = time.perf_counter()
    matrix = opener.matrix(opener.open(Path(folder)), tokens)
    seconds = time.perf_counter() - start
    np.save(matrix_file, matrix)
    print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
