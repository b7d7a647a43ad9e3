"""The only writer of stores: batches of rows go into the temporary as they come, everything else follows at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import GlovestoreError, naming
from glovestore.format import hdf5, header, layout
from glovestore.replacing import ReplacingFile
from glovestore.tokens import as_text, shown

VECTORS_OFFSET = layout.HEADER_SIZE + 3 * hdf5.PAGE  # superblock, root group, the dataset's header: whatever the shapes

INDEX_SEEDS = _core.INDEX_SEEDS
MOST_EXPECTED = 1 << 22  # rows for which memory is taken before they come: a guess may be wrong


class Written(NamedTuple):
    """What a finished store holds."""

    rows: int
    file_size: int


class StoreWriter:
    """Writes one store into `file`. `rows` takes the rows: through `append`, or from a reader that works in threads.

    `dtype`, one of `layout.VECTORS`, is what vectors are rounded to; norms and statistics are of the rounded ones.
    `expected_rows` is a guess that saves time; `tier` one of `_core.SIMD_TIERS`: no byte depends on either.
    """

    def __init__(self, file: ReplacingFile, dim: int, expected_rows: int, tier: str, dtype: str = "float32") -> None:
        self.file = file
        self.dim = dim
        self.dtype = dtype
        with naming(file.target):
            descriptor = os.dup(file.fileno())
        self.rows = _core.RowWriter(
            descriptor,
            VECTORS_OFFSET,
            layout.HEADER_SIZE,
            layout.CHECKSUM_BLOCK,
            dim,
            min(expected_rows, MOST_EXPECTED),
            tier,
            INDEX_SEEDS,
            dtype,
        )

    def prepare(self) -> None:
        """Do what takes time and needs no rows. To be called while other threads make the rows."""
        hdf5.preload()

    def append(
        self,
        vectors: NDArray[np.float32] | _core.StoredVectors,
        token_bytes: NDArray[np.uint8],
        token_lengths: NDArray[np.uint16],
    ) -> None:
        """Write rows (k, dim) and their tokens, which stand one behind the other; rows of known tokens are left out.

        Vectors that are of the store's dtype already are written as they are.
        """
        self.check(*self.rows.append(vectors, token_bytes, token_lengths))

    def check(self, outcome: str, error: int) -> None:
        """Raise what an outcome of `rows`, or of a reader that was given it, means, unless it is not about writing."""
        if outcome == "collisions":
            raise GlovestoreError(
                "expected tokens that spread over the token index, got thousands that collide under each of"
                f" {INDEX_SEEDS} seeds: the file was made to do that"
            )
        if outcome == "write_failed":
            raise OSError(error, os.strerror(error), str(self.file.target))
        if outcome == "out_of_range":
            row, column, value, token = self.rows.out_of_range
            raise GlovestoreError(
                f"{self.file.target}: row {row}, token {shown(as_text(token))}: expected numbers within {self.dtype},"
                f" got {value:g} in column {column}: choose another dtype"
            )

    def finish_rows(self) -> dict[str, NDArray[Any]]:
        """Complete the rows, and return every array but the vectors, without copying any."""
        if not self.rows.finish():
            self.check("collisions", 0)
        arrays = self.rows.arrays()
        return {name: np.frombuffer(memory, layout.DTYPES[layout.dtype_of(name)]) for name, memory in arrays.items()}

    def finish(self, metadata: Mapping[str, str], optional: Mapping[str, NDArray[Any]] | None = None) -> Written:
        """Write all that is not rows, and the header last. `metadata` is the caller's part of the map of strings; the
        number of rows and what belongs to the index are added here. `optional`: arrays of `layout.OPTIONAL`.
        """
        arrays, optional = self.finish_rows(), dict(optional or {})
        if "scales" in arrays:
            optional["scales"] = arrays.pop("scales")
        metadata = {
            **metadata,
            "rows": str(self.rows.rows),
            "index_seed": str(self.rows.index_seed),
            "index_buckets": str(len(arrays["index_slots"]) // layout.BUCKET_SLOTS),
            "index_longest_probe": str(self.rows.longest_probe),
        }
        return Written(self.rows.rows, self._write_rest(metadata, arrays, optional))

    def _write_rest(
        self, metadata: Mapping[str, str], arrays: Mapping[str, NDArray[Any]], optional: Mapping[str, NDArray[Any]]
    ) -> int:
        shapes = partial(
            layout.tensor_shapes,
            self.rows.rows,
            self.dim,
            len(arrays["token_bytes"]),
            len(arrays["index_slots"]) // layout.BUCKET_SLOTS,
            optional={name: array.shape for name, array in optional.items()},
        )
        skeleton = _fitting_skeleton(shapes, json.dumps(metadata), layout.VECTORS[self.dtype])
        self.file.truncate(skeleton.file_size)
        for offset, piece in skeleton.pieces:
            self.file.write(piece, offset)
        for name, array in {**arrays, **optional}.items():
            self.file.write(array, skeleton.tensors[name].offset)
        checksums = self._checksums(skeleton)
        self.file.write(checksums, skeleton.tensors["block_checksums"].offset)
        metadata = {**metadata, "block_checksums_xxh64": f"{_core.xxh64(checksums.view(np.uint8)):016x}"}
        self.file.write(header.encode_header(skeleton.tensors, metadata, skeleton.file_size), 0)
        return skeleton.file_size

    def _checksums(self, skeleton: hdf5.Skeleton) -> NDArray[np.uint64]:
        """Return all block checksums: those of whole blocks of vectors are known, the others are read back."""
        own = skeleton.tensors["block_checksums"]
        checksums = np.empty(own.shape, np.uint64)
        known = np.frombuffer(self.rows.block_hashes(), np.uint64)
        checksums[: len(known)] = known
        for block in [0, *range(max(1, len(known)), len(checksums))]:
            data = _block_without(self.file, block, own, skeleton.file_size)
            checksums[block] = _core.xxh64(data)
        return checksums


def _fitting_skeleton(
    shapes: Callable[[int], dict[str, tuple[int, ...]]], metadata: str, vectors: str
) -> hdf5.Skeleton:
    """Return the skeleton whose block_checksums has one checksum for each block of the file it is in.

    `shapes(blocks)` are all arrays, `vectors` the dtype of that one. The first guess is nearly always right: before
    each stands one page of HDF5's.
    """
    blocks = layout.checksum_blocks(_likely_size(shapes(0), vectors))
    while True:
        skeleton = hdf5.make_skeleton(shapes(blocks), metadata, vectors)
        needed = layout.checksum_blocks(skeleton.file_size)
        if needed == blocks:
            break
        blocks = needed
    if skeleton.tensors["vectors"].offset != VECTORS_OFFSET:
        raise RuntimeError(
            f"expected HDF5 to put vectors at {VECTORS_OFFSET}, got {skeleton.tensors['vectors'].offset}"
        )
    return skeleton


def _likely_size(shapes: Mapping[str, tuple[int, ...]], vectors: str) -> int:
    """Return how long the file is if each array has a page of HDF5's before it."""
    end = VECTORS_OFFSET - hdf5.PAGE
    for name, shape in shapes.items():
        begin = end + hdf5.PAGE
        nbytes = layout.Tensor(layout.dtype_of(name, vectors), shape, begin).nbytes
        end = begin + -(-nbytes // hdf5.PAGE) * hdf5.PAGE
    return end + 8 * layout.checksum_blocks(end)


def _block_without(file: ReplacingFile, block: int, left_out: layout.Tensor, file_size: int) -> bytearray:
    data = bytearray()
    for begin, end in layout.covered_ranges(block, left_out, layout.HEADER_SIZE, file_size):
        part = bytearray(end - begin)
        file.read_into(memoryview(part), begin)
        data += part
    return data
