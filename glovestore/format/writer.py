"""The only writer of stores: batches of rows go into the temporary as they come, everything else follows at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import GlovestoreError
from glovestore.format import hdf5, header, layout
from glovestore.replacing import PIECE, ReplacingFile

VECTORS_OFFSET = layout.HEADER_SIZE + 3 * hdf5.PAGE  # superblock, root group, the dataset's header: whatever the shapes
INDEX_SEEDS = range(4)


class Written(NamedTuple):
    """What a finished store holds. `duplicates` of the rows that were appended were left out."""

    rows: int
    duplicates: int
    duplicate_tokens: list[bytes]  # the first ones
    file_size: int


class BuiltIndex(NamedTuple):
    """The token index of a table, ready to be written."""

    slots: NDArray[np.uint64]
    seed: int
    longest_probe: int
    is_duplicate: NDArray[np.uint8]


class StoreWriter:
    """Writes one store into `file`. Rows are (k, dim) float32; tokens are bytes, and the length of each."""

    def __init__(self, file: ReplacingFile, dim: int) -> None:
        self.file = file
        self.dim = dim
        self.rows = _Rows(file, dim)
        self.token_bytes: list[bytes] = []
        self.token_lengths: list[NDArray[np.uint16]] = []

    def append(
        self, vectors: NDArray[np.float32], token_bytes: NDArray[np.uint8], token_lengths: NDArray[np.uint16]
    ) -> None:
        """Write a batch. Nothing of the arguments is kept: the caller may reuse their memory."""
        self.rows.append(vectors)
        self.token_bytes.append(token_bytes.tobytes())
        self.token_lengths.append(token_lengths.copy())

    def finish(self, metadata: Mapping[str, str], show_duplicates: int = 10) -> Written:
        """Write all that is not rows, and the header last. `metadata` is the caller's part of the map of strings; rows,
        duplicates and what belongs to the index are added here.
        """
        token_bytes, offsets = self._token_table()
        index = _build_index(token_bytes, offsets)
        duplicates = np.flatnonzero(index.is_duplicate)
        shown = [bytes(token_bytes[offsets[row] : offsets[row + 1]]) for row in duplicates[:show_duplicates]]
        if len(duplicates):
            keep = index.is_duplicate == 0
            token_bytes, offsets = _keep_tokens(token_bytes, offsets, keep)
            index = _build_index(token_bytes, offsets)
            self._compact(keep)
        metadata = {
            **metadata,
            "rows": str(self.rows.count),
            "duplicates": str(len(duplicates)),
            "index_seed": str(index.seed),
            "index_buckets": str(len(index.slots) // layout.BUCKET_SLOTS),
            "index_longest_probe": str(index.longest_probe),
        }
        file_size = self._write_rest(metadata, token_bytes, offsets, index.slots)
        return Written(self.rows.count, len(duplicates), shown, file_size)

    def _token_table(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        token_bytes = np.frombuffer(b"".join(self.token_bytes), np.uint8)
        self.token_bytes.clear()
        lengths = np.concatenate(self.token_lengths)
        self.token_lengths.clear()
        return token_bytes, _offsets(lengths)

    def _compact(self, keep: NDArray[np.bool_]) -> None:
        """Move the kept rows forward inside the temporary, and compute again what depends on where rows stand."""
        rows = _Rows(self.file, self.dim)
        step = max(1, PIECE // (4 * self.dim))
        for first in range(0, len(keep), step):
            part = keep[first : first + step]
            vectors = np.empty((len(part), self.dim), np.float32)
            self.file.read_into(vectors.data.cast("B"), VECTORS_OFFSET + first * 4 * self.dim)
            rows.append(np.ascontiguousarray(vectors[part]))
        self.rows = rows

    def _write_rest(
        self,
        metadata: Mapping[str, str],
        token_bytes: NDArray[np.uint8],
        offsets: NDArray[np.uint64],
        slots: NDArray[np.uint64],
    ) -> int:
        mean, std = self.rows.finish()
        skeleton = _fitting_skeleton(
            self.rows.count, self.dim, len(token_bytes), len(slots) // layout.BUCKET_SLOTS, json.dumps(metadata)
        )
        norms = np.concatenate(self.rows.norms)
        arrays = {"norms": norms, "mean": mean, "std": std, "token_bytes": token_bytes, "token_offsets": offsets}
        # A dropped row may have left bytes beyond the last one: cut first, then every gap reads as zero.
        self.file.truncate(VECTORS_OFFSET + self.rows.count * 4 * self.dim)
        self.file.truncate(skeleton.file_size)
        for offset, piece in skeleton.pieces:
            self.file.write(piece, offset)
        for name, array in {**arrays, "index_slots": slots}.items():
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
        known = np.concatenate([*self.rows.checksums, np.empty(0, np.uint64)])
        checksums[: len(known)] = known
        for block in [0, *range(max(1, len(known)), len(checksums))]:
            data = _block_without(self.file, block, own, skeleton.file_size)
            checksums[block] = _core.xxh64(data)
        return checksums


class _Rows:
    """The vectors on their way into the file, and what is computed from them while they are in the cache."""

    def __init__(self, file: ReplacingFile, dim: int) -> None:
        self.file = file
        self.dim = dim
        self.count = 0
        self.norms: list[NDArray[np.float32]] = []
        self.checksums: list[NDArray[np.uint64]] = []  # the first is of a block not seen from its start
        self._statistics = _core.Statistics(np.empty((5, dim), np.float64))
        self._hasher = _core.BlockHasher(layout.CHECKSUM_BLOCK, VECTORS_OFFSET - layout.HEADER_SIZE)

    def append(self, vectors: NDArray[np.float32]) -> None:
        data = vectors.reshape(-1).view(np.uint8)
        self.file.write(data, VECTORS_OFFSET + self.count * 4 * self.dim)
        checksums = np.empty(len(data) // layout.CHECKSUM_BLOCK + 1, np.uint64)
        finished = self._hasher.update(data, checksums)
        norms = np.empty(len(vectors), np.float32)
        _core.row_norms(vectors, norms)
        self._statistics.update(vectors)
        self.checksums.append(checksums[:finished])
        self.norms.append(norms)
        self.count += len(vectors)

    def finish(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        mean, std = np.empty(self.dim), np.empty(self.dim)
        self._statistics.finish(mean, std)
        return mean, std


def _offsets(lengths: NDArray[np.uint16]) -> NDArray[np.uint64]:
    offsets = np.zeros(len(lengths) + 1, np.uint64)
    np.cumsum(lengths, dtype=np.uint64, out=offsets[1:])
    return offsets


def _keep_tokens(
    token_bytes: NDArray[np.uint8], offsets: NDArray[np.uint64], keep: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    lengths = np.diff(offsets).astype(np.uint16)
    return token_bytes[np.repeat(keep, lengths)], _offsets(lengths[keep])


def _build_index(token_bytes: NDArray[np.uint8], offsets: NDArray[np.uint64]) -> BuiltIndex:
    rows = len(offsets) - 1
    for seed in INDEX_SEEDS:
        slots = np.zeros(_core.buckets_for(rows) * layout.BUCKET_SLOTS, np.uint64)
        is_duplicate = np.zeros(rows, np.uint8)
        built = _core.build_index(slots, offsets, token_bytes, seed, is_duplicate)
        if built is not None:
            return BuiltIndex(slots, seed, built[0], is_duplicate)
    raise GlovestoreError(
        f"expected tokens that spread over the token index, got thousands that collide under each of"
        f" {len(INDEX_SEEDS)} seeds: the file was made to do that"
    )


def _fitting_skeleton(rows: int, dim: int, token_bytes: int, buckets: int, metadata: str) -> hdf5.Skeleton:
    """Return the skeleton whose block_checksums has one checksum for each block of the file it is in."""
    blocks = 1
    while True:
        skeleton = hdf5.make_skeleton(layout.tensor_shapes(rows, dim, token_bytes, buckets, blocks), metadata)
        needed = layout.checksum_blocks(skeleton.file_size)
        if needed == blocks:
            break
        blocks = needed
    if skeleton.tensors["vectors"].offset != VECTORS_OFFSET:
        raise RuntimeError(
            f"expected HDF5 to put vectors at {VECTORS_OFFSET}, got {skeleton.tensors['vectors'].offset}"
        )
    return skeleton


def _block_without(file: ReplacingFile, block: int, left_out: layout.Tensor, file_size: int) -> bytearray:
    data = bytearray()
    for begin, end in layout.covered_ranges(block, left_out, layout.HEADER_SIZE, file_size):
        part = bytearray(end - begin)
        file.read_into(memoryview(part), begin)
        data += part
    return data
