"""The input matrix of fastText's binary files, dense or quantised: a row for each word, then one for each bucket.

It may be larger than memory, and n-gram rows are wanted in no order. So it goes into a scratch file of our own once, as
it comes, and n-gram rows are mapped from there: the user's file, which others may truncate, is never mapped.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.replacing import ReplacingFile
from glovestore.sources.byte_stream import ByteStream
from glovestore.sources.fasttext_dictionary import Dictionary
from glovestore.sources.fasttext_header import UNVERSIONED, Header

BATCH_BYTES = 4 << 20
CENTROIDS = 256  # of each part of a row: a code is a byte
PAGE = 4096


def batch_rows(dim: int) -> int:
    """Return how many rows are worked on at a time."""
    return max(1, BATCH_BYTES // (4 * dim))


def batches(count: int, dim: int) -> Iterator[tuple[int, int]]:
    """Yield [first, stop) of all batches of `count` rows."""
    step = batch_rows(dim)
    for first in range(0, count, step):
        yield first, min(first + step, count)


class InputMatrix(ABC):
    """The rows of the words, and those of character n-grams; the latter stay mapped when the scratch file is gone."""

    is_quantised: ClassVar[bool]
    ngram_rows: NDArray[np.float32] | None = None

    @abstractmethod
    def word_rows(self, first: int, stop: int) -> NDArray[np.float32]:
        """Return the words' own rows [first, stop), new float32 (k, dim)."""


def read_matrix(
    stream: ByteStream, header: Header, dictionary: Dictionary, scratch: ReplacingFile, threads: int
) -> InputMatrix:
    """Take the matrix into `scratch`."""
    if header.version != UNVERSIONED and _flag(stream, "quant_input"):
        return _Quantised(stream, header, dictionary, scratch, threads)
    if header.pruned is not None:
        stream.fail("expected a quantised matrix in a model with a pruned dictionary, got a dense one: fetch it anew")
    return _Dense(stream, header, scratch)


def take_output(stream: ByteStream, header: Header, is_quantised: bool) -> None:
    """Take the output matrix, of which no vector comes: it shows that the file is whole."""
    if header.version != UNVERSIONED and _flag(stream, "qout") and is_quantised:
        _skip_quantised(stream, header)
    else:
        stream.skip(4 * _output_rows(stream, header) * header.dim, "output matrix")


def _skip_quantised(stream: ByteStream, header: Header) -> None:
    has_norms = _flag(stream, "qnorm")
    rows = _output_rows(stream, header)
    (codes,) = _take(stream, "<i", "number of codes")
    if codes < 0:
        stream.fail(f"expected a natural number of codes, got {codes}", stream.position - 4)
    stream.skip(codes, "codes of the output matrix")
    _Quantiser.take(stream, header.dim)
    if has_norms:
        stream.skip(rows, "codes of norms")
        _Quantiser.take(stream, 1)


class _Dense(InputMatrix):
    is_quantised = False

    def __init__(self, stream: ByteStream, header: Header, scratch: ReplacingFile) -> None:
        self.dim, self.scratch = header.dim, scratch
        _check_shape(stream, header)
        row_bytes = 4 * header.dim
        stream.expect(row_bytes * header.rows, "input matrix")
        self._spool(stream, header.words, 0)
        if not header.has_subwords:
            stream.skip(row_bytes * header.bucket_rows, "input matrix")
            return
        begin = _next_page(row_bytes * header.words)
        self._spool(stream, header.bucket_rows, begin, are_ngrams=True)
        self.ngram_rows = scratch.mapped(np.float32, begin, (header.bucket_rows, header.dim))

    def _spool(self, stream: ByteStream, count: int, begin: int, are_ngrams: bool = False) -> None:
        for first, stop in batches(count, self.dim):
            rows = np.empty((stop - first, self.dim), np.float32)
            stream.take_into(_bytes_of(rows), "input matrix")
            if are_ngrams:
                _check_finite(stream, rows, first)
            self.scratch.write(rows, begin + 4 * self.dim * first)

    def word_rows(self, first: int, stop: int) -> NDArray[np.float32]:
        rows = np.empty((stop - first, self.dim), np.float32)
        self.scratch.read_into(_bytes_of(rows), 4 * self.dim * first)
        return rows


@dataclass(frozen=True, eq=False)
class _Quantiser:
    """The centroids (256 * dim,) of a product quantiser that cuts rows into parts of `part_dim` numbers."""

    centroids: NDArray[np.float32]
    parts: int
    part_dim: int

    @classmethod
    def take(cls, stream: ByteStream, dim: int) -> _Quantiser:
        found_dim, parts, part_dim, last_dim = _take(stream, "<4i", "shape of a quantiser")
        if found_dim != dim or not 1 <= part_dim <= max(1, dim):
            stream.fail(f"expected a quantiser of dim {dim}, got dim {found_dim} in parts of {part_dim}")
        if parts != -(-dim // part_dim) or last_dim != dim - part_dim * (parts - 1):
            stream.fail(
                f"expected {-(-dim // part_dim)} parts of {part_dim} numbers for dim {dim}, got {parts}, the last of"
                f" {last_dim}"
            )
        data = stream.take(4 * CENTROIDS * dim, "centroids")
        return cls(np.frombuffer(data, np.float32), parts, part_dim)


class _Quantised(InputMatrix):
    """Codes stay codes in the scratch file, but for those of n-grams: a store keeps float32, one kind of look-up."""

    is_quantised = True

    def __init__(
        self, stream: ByteStream, header: Header, dictionary: Dictionary, scratch: ReplacingFile, threads: int
    ) -> None:
        self.dim, self.scratch, self.threads = header.dim, scratch, threads
        has_norms = _flag(stream, "qnorm")
        _check_shape(stream, header)
        (size,) = _take(stream, "<i", "number of codes")
        if header.rows == 0 or size % header.rows or not 1 <= size // header.rows <= header.dim:
            stream.fail(f"expected codes for {header.rows} rows, 1 to {header.dim} each, got {size}")
        self.parts = size // header.rows
        self._spool_codes(stream, size)
        self.quantiser = _Quantiser.take(stream, header.dim)
        stream.check_unfolded(4 * header.dim * header.rows, "vectors")
        if self.quantiser.parts != self.parts:
            stream.fail(f"expected a quantiser of {self.parts} parts, got {self.quantiser.parts}")
        self.norms = self._take_norms(stream, header.rows) if has_norms else None
        if header.has_subwords:
            self._spool_ngram_rows(stream, header, dictionary, _next_page(size))

    def _spool_codes(self, stream: ByteStream, size: int) -> None:
        at = 0
        for part in stream.parts(size, "codes"):
            self.scratch.write(part, at)
            at += len(part)

    def _take_norms(self, stream: ByteStream, rows: int) -> NDArray[np.float32]:
        codes = np.frombuffer(stream.take(rows, "codes of norms"), np.uint8)
        return _Quantiser.take(stream, 1).centroids[codes]

    def _spool_ngram_rows(self, stream: ByteStream, header: Header, dictionary: Dictionary, begin: int) -> None:
        """Write the rows of the buckets, in the order of the buckets."""
        numbers = dictionary.bucket_rows
        codes = self.scratch.mapped(np.uint8, 0, (header.rows, self.parts))
        for first, stop in batches(header.bucket_rows, self.dim):
            wanted = np.arange(first, stop) if numbers is None else numbers[first:stop]
            rows = self._dequantised(np.ascontiguousarray(codes[header.words + wanted]), header.words + wanted)
            _check_finite(stream, rows, first)
            self.scratch.write(rows, begin + 4 * self.dim * first)
        self.ngram_rows = self.scratch.mapped(np.float32, begin, (header.bucket_rows, self.dim))

    def _dequantised(self, codes: NDArray[np.uint8], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = np.empty((len(codes), self.dim), np.float32)
        norms = None if self.norms is None else self.norms[numbers]
        _core.dequantise(self.quantiser.centroids, self.quantiser.part_dim, codes, norms, rows, self.threads)
        return rows

    def word_rows(self, first: int, stop: int) -> NDArray[np.float32]:
        codes = np.empty((stop - first, self.parts), np.uint8)
        self.scratch.read_into(_bytes_of(codes), self.parts * first)
        return self._dequantised(codes, np.arange(first, stop))


def _take(stream: ByteStream, format: str, what: str) -> tuple[int, ...]:
    return struct.unpack(format, stream.take(struct.calcsize(format), what))


def _flag(stream: ByteStream, name: str) -> bool:
    (value,) = stream.take(1, name)
    if value > 1:
        stream.fail(f"expected {name} to be 0 or 1, got {value}", stream.position - 1)
    return bool(value)


def _check_shape(stream: ByteStream, header: Header) -> None:
    rows, dim = _take(stream, "<2q", "shape of the input matrix")
    if (rows, dim) != (header.rows, header.dim):
        stream.fail(
            f"expected an input matrix of {header.rows} x {header.dim}, for {header.words} words and"
            f" {header.bucket_rows} buckets, got {rows} x {dim}",
            stream.position - 16,
        )


def _output_rows(stream: ByteStream, header: Header) -> int:
    rows, dim = _take(stream, "<2q", "shape of the output matrix")
    if rows < 0 or dim != header.dim:
        stream.fail(f"expected an output matrix of dim {header.dim}, got {rows} x {dim}", stream.position - 16)
    return rows


def _check_finite(stream: ByteStream, rows: NDArray[np.float32], first: int) -> None:
    row = _core.first_not_finite(rows)
    if row is not None:
        column = int(np.flatnonzero(~np.isfinite(rows[row]))[0])
        stream.fail(f"n-gram row {first + row}: expected finite numbers, got {rows[row, column]} in column {column}")


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _next_page(offset: int) -> int:
    return -(-offset // PAGE) * PAGE
