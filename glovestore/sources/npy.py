"""A .npy file and a list of tokens -> rows of a store. Nothing of the file is unpickled or believed."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from glovestore.sources.matrix import Matrix, MatrixReader
from glovestore.sources.reader import ReadOptions
from glovestore.sources.row_tokens import TokenFile, find_beside
from glovestore.streams.files import Source
from glovestore.tokens import shown

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # numpy's own limit for what it takes apart safely
BESIDE = (".tokens.txt", ".txt", ".vocab", ".json")
SHOWN = 200  # characters of what a header says
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class NpyReader(MatrixReader):
    """Reads X.npy. Its tokens are `options.tokens`, or in X.tokens.txt, X.txt, X.vocab or X.json."""

    format = "npy"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.check_matrix(find_matrix(self))
        tokens: Any = options.tokens
        if tokens is None or isinstance(tokens, Path):
            path = Path(source.path)
            tokens = TokenFile(find_beside([path.with_suffix(suffix) for suffix in BESIDE], tokens, path))
        self.take_tokens(tokens)


def find_matrix(reader: MatrixReader) -> Matrix:
    """Return where the numbers of a reader's .npy file are; what its header says is held against the file's size."""
    file = io.BytesIO(reader.source.peek(LONGEST_HEADER + 12))
    try:
        version = np.lib.format.read_magic(file)
        if version not in HEADERS:
            raise ValueError(f"version {version[0]}.{version[1]}")
        with warnings.catch_warnings(action="ignore"):
            shape, by_columns, dtype = HEADERS[version](file, max_header_size=LONGEST_HEADER)
    except Exception as error:  # numpy's parser raises what its parts raise
        said = (str(error).splitlines() or [repr(error)])[0][:SHOWN]
        reader.fail(f"expected a header of a .npy file, version 1.0 or 2.0, got: {said}")
    if dtype.kind != "f" or dtype.itemsize > 8:
        reader.fail(f"expected a matrix of float16, float32 or float64, got {str(dtype)[:SHOWN]}")
    if len(shape) != 2 or not all(0 <= size < 2**63 for size in shape):
        reader.fail(f"expected a matrix of rows and columns, got the shape {shown(shape)}")
    matrix = Matrix(file.tell(), tuple(shape), dtype, by_columns)
    end = matrix.offset + matrix.nbytes
    if end != reader.file_size:
        reader.fail(f"expected a file of {end} bytes for the shape {shape} of {dtype}, got {reader.file_size}")
    return matrix
