"""Ways to keep converted vectors on disk, and from there to the matrix of a vocabulary: what later processes do.

Each in the best of the reasonable ways that we tried; what was slower is said.
"""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Rows = tuple[dict[str, int], Matrix]

MAP_SIZE = 1 << 40  # LMDB's largest size of a file, which costs nothing


@dataclass(frozen=True)
class Opener:
    """One way to keep vectors on disk: `convert` writes `files` into a folder once, `open` and `matrix` use them."""

    name: str
    open: Callable[[Path], Any]
    matrix: Callable[[Any, list[str]], Matrix]
    convert: Callable[[Path, list[str], Matrix], None] | None  # None: the store is there already
    files: str  # a pattern
    module: str = "numpy"  # imported before the clock starts, with `names` of it that load on first use
    package: str = ""
    close: Callable[[Any], None] | None = None  # needed before the files can be opened again
    names: tuple[str, ...] = ()

    def do_imports(self) -> None:
        """Import all that opening and the matrix take."""
        module = import_module(self.module)
        for name in self.names:
            getattr(module, name)


Converted = Callable[[Opener], Path]
"""Convert the vectors of a run for an opener, once, and return the folder."""


# --- ours ------------------------------------------------------------------------------------------------------------


def open_store(folder: Path) -> Any:
    import glovestore

    return glovestore.open(folder / "store.h5")


def store_matrix(store: Any, tokens: list[str]) -> Matrix:
    array: Matrix = store.matrix(tokens).array
    return array


# --- a dict in a pickle, the vectors mapped --------------------------------------------------------------------------


def pickle_rows(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    (folder / "rows.pickle").write_bytes(pickle.dumps({token: row for row, token in enumerate(tokens)}))
    np.save(folder / "rows.npy", vectors)


def open_pickle(folder: Path) -> Rows:
    return pickle.loads((folder / "rows.pickle").read_bytes()), np.load(folder / "rows.npy", mmap_mode="r")


def rows_matrix(opened: Rows, tokens: list[str]) -> Matrix:
    rows, vectors = opened
    return np.take(vectors, [rows[token] for token in tokens], axis=0)


# --- gensim ----------------------------------------------------------------------------------------------------------


def as_gensim(tokens: list[str], vectors: Matrix) -> Any:
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(tokens, vectors)
    return keyed


def save_gensim(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    as_gensim(tokens, vectors).save(str(folder / "gensim.kv"))


def open_gensim(folder: Path) -> Any:
    from gensim.models import KeyedVectors

    return KeyedVectors.load(str(folder / "gensim.kv"), mmap="r")


def gensim_matrix(keyed: Any, tokens: list[str]) -> Matrix:
    return np.take(keyed.vectors, [keyed.key_to_index[token] for token in tokens], axis=0)


# --- LMDB: a token's vector is the value of its bytes ----------------------------------------------------------------


def save_lmdb(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    import lmdb

    with (
        lmdb.open(str(folder / "vectors.lmdb"), subdir=False, map_size=MAP_SIZE) as environment,
        environment.begin(write=True) as transaction,
    ):
        transaction.cursor().putmulti(sorted(pairs(map(as_key, tokens), vectors)), append=True)


def open_lmdb(folder: Path) -> Any:
    import lmdb

    return lmdb.open(str(folder / "vectors.lmdb"), subdir=False, readonly=True, lock=False)


def close_lmdb(environment: Any) -> None:
    environment.close()


def lmdb_matrix(environment: Any, tokens: list[str]) -> Matrix:
    """Join the values and call them a matrix: faster than row by row, than `buffers=True`, than `getmulti`."""
    with environment.begin() as transaction:
        joined = bytearray().join(map(transaction.get, map(as_key, tokens)))
    return as_matrix(joined, len(tokens))


def as_key(token: str) -> bytes:
    return token.encode("utf-8", "surrogateescape")


def pairs(keys: Any, vectors: Matrix) -> Iterator[tuple[Any, bytes]]:
    return ((key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True))


def as_matrix(joined: bytearray, rows: int) -> Matrix:
    return np.frombuffer(joined, np.float32).reshape(rows, -1)


# --- SQLite: a table of tokens and blobs -----------------------------------------------------------------------------


def save_sqlite(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    database = sqlite3.connect(folder / "vectors.sqlite")
    with database:
        database.execute("CREATE TABLE vectors (token TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        database.executemany("INSERT INTO vectors VALUES (?, ?)", sorted(pairs(tokens, vectors)))
    database.close()


def open_sqlite(folder: Path) -> sqlite3.Connection:
    database = sqlite3.connect(folder / "vectors.sqlite")
    database.execute(f"PRAGMA mmap_size = {1 << 31}")
    return database


def sqlite_matrix(database: sqlite3.Connection, tokens: list[str]) -> Matrix:
    """Ask one question about all tokens, in their order: faster than batches of IN (...), 3 times a SELECT each."""
    question = "SELECT vector FROM json_each(?) AS asked CROSS JOIN vectors ON vectors.token = asked.value"
    found = database.execute(question, [json.dumps(tokens)]).fetchall()
    return as_matrix(bytearray().join([vector for (vector,) in found]), len(tokens))


# --- HDF5 with h5py: a dict of tokens, the vectors' rows read with an array as index ---------------------------------


def save_h5py(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    import h5py

    with h5py.File(folder / "plain.hdf5", "w") as file:
        file["vectors"] = vectors
        file["tokens"] = np.array(list(map(as_key, tokens)))  # of one width: read 10 times as fast as strings


def open_h5py(folder: Path) -> tuple[dict[bytes, int], Any]:
    import h5py

    file = h5py.File(folder / "plain.hdf5", "r")
    return {token: row for row, token in enumerate(file["tokens"][:].tolist())}, file["vectors"]


def h5py_matrix(opened: tuple[dict[bytes, int], Any], tokens: list[str]) -> Matrix:
    rows, vectors = opened
    return fancy_indexed(vectors, [rows[as_key(token)] for token in tokens])


def fancy_indexed(dataset: Any, rows: Any) -> Matrix:
    """Read rows of an HDF5 dataset, which wants them rising."""
    distinct, back = np.unique(rows, return_inverse=True)
    matrix: Matrix = np.take(dataset[distinct], back, axis=0)
    return matrix


# --- safetensors with a list of words in JSON ------------------------------------------------------------------------


def save_safetensors(folder: Path, tokens: list[str], vectors: Matrix) -> None:
    from safetensors.numpy import save_file

    (folder / "words.json").write_text(json.dumps(tokens), encoding="utf-8")
    save_file({"vectors": vectors}, folder / "words.safetensors")


def open_safetensors(folder: Path) -> Rows:
    from safetensors.numpy import load_file

    words = json.loads((folder / "words.json").read_bytes())
    return {token: row for row, token in enumerate(words)}, load_file(folder / "words.safetensors")["vectors"]


GLOVESTORE = Opener(
    "glovestore", open_store, store_matrix, None, "store.h5", "glovestore", names=("open", "EmbeddingMatrix")
)
PICKLE = Opener("pickled dict + mapped npy", open_pickle, rows_matrix, pickle_rows, "rows.*")
GENSIM = Opener("gensim mapped", open_gensim, gensim_matrix, save_gensim, "gensim.*", "gensim.models", "gensim")
LMDB = Opener("LMDB", open_lmdb, lmdb_matrix, save_lmdb, "vectors.lmdb*", "lmdb", "lmdb", close_lmdb)
SQLITE = Opener("SQLite", open_sqlite, sqlite_matrix, save_sqlite, "vectors.sqlite*", "sqlite3")
H5PY = Opener("h5py, dict of tokens", open_h5py, h5py_matrix, save_h5py, "plain.hdf5", "h5py", "h5py")
SAFETENSORS = Opener(
    "safetensors + JSON words",
    open_safetensors,
    rows_matrix,
    save_safetensors,
    "words.*",
    "safetensors.numpy",
    "safetensors",
)
PEERS = (LMDB, PICKLE, SQLITE, SAFETENSORS, GENSIM, H5PY)
OPENERS = {opener.name: opener for opener in (GLOVESTORE, *PEERS)}
