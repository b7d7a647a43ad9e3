"""Small files of every format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parents[2] / "tests"
ROWS = b"the 1 2 3\nof 4 5 6\ncaf\xc3\xa9 7 8 9\nq q 0.5 -1e-3 2\n"
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
TOKENS = ["the", "of", "caf\u00e9", "q q"]
TEXTS = ["the of", "caf\u00e9 the absent \U0001f600", "", "q q"]
LABELLED = b"sea\tthe old ship\nsky\ta star near the moon\nsea\tmy sail\nsky\tthe comet\n" * 3


def zipped(method: int, *members: str) -> bytes:
    """Return an archive in which each member is the same text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for member in members:
            archive.writestr(member, ROWS)
    return file.getvalue()


def npy(vectors: Any) -> bytes:
    """Return a .npy file."""
    file = io.BytesIO()
    np.save(file, vectors)
    return file.getvalue()


def safetensors(vectors: Any) -> bytes:
    """Return a safetensors file."""
    from safetensors.numpy import save

    return save({"embedding.weight": vectors})


def table(write: Callable[[Any, Any], None], **columns: Any) -> bytes:
    """Return a file of Arrow's family."""
    import pyarrow as pa

    file = io.BytesIO()
    write(pa.table({"token": TOKENS, **columns}), file)
    return file.getvalue()


def tables() -> list[bytes]:
    """Return tables in Parquet, Arrow's and Feather's format."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    lists = pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel()), 3)
    columns = {f"d{i}": VECTORS[:, i] for i in range(3)}
    return [
        table(parquet.write_table, vector=VECTORS.tolist()),
        table(parquet.write_table, **columns),
        table(lambda made, file: feather.write_feather(made, file, compression="uncompressed"), vector=lists),
        table(lambda made, file: feather.write_feather(made, file, compression="lz4"), **columns),
    ]
