"""A matrix in a file, the tokens of its rows elsewhere: what .npy, safetensors and spaCy's vectors have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore.errors import SourceFormatError
from glovestore.format.writer import StoreWriter
from glovestore.sources.batching import rows_in_batch, to_float32
from glovestore.sources.reader import Batches, FileReader, ReadOptions, SourceRead
from glovestore.sources.row_tokens import RowTokens, TokenFile, tokens_of
from glovestore.streams.files import PlainSource, Source

BF16 = np.dtype("V2")  # what numpy has no number for: the upper half of a float32


class Matrix(NamedTuple):
    """Where the numbers of a matrix stand in a file."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool = False  # Fortran's order

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


class MatrixReader(FileReader):
    """Reads the rows of a matrix, in a regular file, that have a token. `check_matrix` and `take_tokens` come first."""

    source: PlainSource

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        if not isinstance(source, PlainSource) or not source.regular:
            self.fail(f"expected a regular file, as the rows of {self.format} are read in place, got one that is not")
        self.file_size = source.size or 0
        self.token_files: list[TokenFile] = []

    def disk_bytes(self) -> int:
        """Return the size of all files."""
        return self.file_size + sum(tokens.size for tokens in self.token_files)

    def beside(self) -> Sequence[Path]:
        """Return the files that say which token has which row."""
        return [file.path for file in self.token_files]

    def check_matrix(self, matrix: Matrix) -> None:
        """Take a matrix whose numbers are known to stand in the file."""
        if len(matrix.shape) != 2 or 0 in matrix.shape:
            self.fail(f"expected a matrix of rows and columns, got the shape {matrix.shape}")
        self.matrix = matrix
        self.rows, self.dim = matrix.shape
        self.size = matrix.nbytes

    def take_tokens(self, tokens: Any) -> None:
        """Take the rows' tokens: a TokenFile, a list or a mapping."""
        try:
            self.tokens = self._row_tokens(tokens)
        except BaseException:
            self.close()
            raise
        self.expected_rows = len(self.tokens)

    def _row_tokens(self, tokens: Any) -> RowTokens:
        if isinstance(tokens, TokenFile):
            self.token_files.append(tokens)
            return tokens.read(self.rows)
        try:
            return tokens_of(tokens, self.rows)
        except ValueError as error:
            self.fail(str(error))

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read the rows in the order in which they stand in the file."""
        batches = Batches(self, writer)
        step = rows_in_batch(self.dim)
        for first in range(0, len(self.tokens), step):
            if batches.is_full:
                break
            rows = self.tokens.rows[first : first + step]
            batches.append(self._vectors(rows, step), *self.tokens.packed(first, first + len(rows)))
            advance_to(int(rows[-1] + 1) * self.matrix.nbytes // self.rows)
        unnamed = self.rows - _distinct(self.tokens)
        metadata = {"rows_without_token": str(unnamed)} if unnamed else {}
        return batches.finish(nbytes=self.disk_bytes(), metadata=metadata)

    def _vectors(self, rows: NDArray[np.int64], step: int) -> NDArray[np.float32]:
        """Return the vectors of ascending rows, however far apart, reading `step` rows of the file at a time."""
        vectors = np.empty((len(rows), self.dim), np.float32)
        done = 0
        while done < len(rows):
            first = int(rows[done])
            end = int(np.searchsorted(rows, first + step))
            vectors[done:end] = self._read(first, int(rows[end - 1]) + 1)[rows[done:end] - first]
            done = end
        return vectors

    def _read(self, first: int, end: int) -> NDArray[np.float32]:
        matrix, count = self.matrix, end - first
        if not matrix.by_columns:
            return _numbers(self._bytes(first * self.dim, count * self.dim), matrix.dtype).reshape(count, self.dim)
        columns = [self._bytes(column * self.rows + first, count) for column in range(self.dim)]
        return _numbers(b"".join(columns), matrix.dtype).reshape(self.dim, count).T

    def _bytes(self, first: int, count: int) -> bytes:
        size = self.matrix.dtype.itemsize
        data = self.source.read_at(self.matrix.offset + first * size, count * size)
        if len(data) < count * size:
            raise SourceFormatError("expected the file to stay as it is while it is read: it became shorter", self.path)
        return data

    def check_unchanged(self, read: SourceRead | None = None) -> None:
        """Compare all files with what they were."""
        self.source.check_unchanged()
        for tokens in self.token_files:
            tokens.file.check_unchanged()

    def close(self) -> None:
        """Close all files."""
        super().close()
        for tokens in self.token_files:
            tokens.close()


def _numbers(data: bytes, dtype: np.dtype[Any]) -> NDArray[np.float32]:
    if dtype == BF16:
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return to_float32(np.frombuffer(data, dtype))


def _distinct(tokens: RowTokens) -> int:
    return int(np.count_nonzero(np.diff(tokens.rows))) + 1
