"""Reading a whole store to find damage: checksums of blocks, then every token's way through the index."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import StoreFormatError, naming
from glovestore.format import layout
from glovestore.format.header import read_layout

BLOCKS_AT_A_TIME = 64
HDF5_PATIENCE = 60  # seconds
NOT_IN_HDF5 = ("header_xxh64", "block_checksums_xxh64")  # they cover HDF5's bytes


def verify_file(path: str, expected: layout.Layout, index: _core.TokenIndex, quick: bool = False) -> None:
    """Raise StoreFormatError at the first damage. `quick`: of the header and what opening checks, nothing else.

    Reads the file anew instead of through the map: an error of the disk is an exception then, not a signal.
    """
    with naming(path), open(path, "rb", buffering=0) as file:
        fd = file.fileno()
        size = os.fstat(fd).st_size
        if size != expected.file_size:
            raise StoreFormatError(f"truncated or replaced: expected {expected.file_size} bytes, got {size}", path)
        start = bytes(_pread(fd, expected.header_size, 0, path))
        if read_layout(start, size, path) != expected:
            raise StoreFormatError("expected the store that was opened, got another one in its place", path)
        if quick:
            return
        _verify_checksums(fd, expected, path)
    lost = index.first_lost_row()
    if lost is not None:
        raise StoreFormatError(
            f"index_slots: expected to find the token of row {lost} by its hash, it is not there", path
        )


def _verify_checksums(fd: int, expected: layout.Layout, path: str) -> None:
    own = expected.tensors["block_checksums"]
    data = _pread(fd, own.nbytes, own.offset, path)
    stated, actual = expected.metadata.get("block_checksums_xxh64"), f"{_core.xxh64(data):016x}"
    if stated != actual:
        raise StoreFormatError(f"block_checksums: damaged: expected their XXH64 to be {stated}, got {actual}", path)
    checksums: NDArray[np.uint64] = np.frombuffer(data, np.uint64)
    for first in range(0, len(checksums), BLOCKS_AT_A_TIME):
        begin = expected.header_size + first * layout.CHECKSUM_BLOCK
        text = _pread(fd, min(BLOCKS_AT_A_TIME * layout.CHECKSUM_BLOCK, expected.file_size - begin), begin, path)
        for number in range(first, min(first + BLOCKS_AT_A_TIME, len(checksums))):
            ranges = layout.covered_ranges(number, own, expected.header_size, expected.file_size)
            if _core.xxh64(b"".join(text[low - begin : high - begin] for low, high in ranges)) != checksums[number]:
                start = expected.header_size + number * layout.CHECKSUM_BLOCK
                end = min(start + layout.CHECKSUM_BLOCK, expected.file_size)
                raise StoreFormatError(_describe(expected, start, end), path)


def verify_hdf5(path: str, expected: layout.Layout) -> None:
    """Raise StoreFormatError unless HDF5's own description of the file agrees with the header."""
    found = _described_by_hdf5(path)
    if found["metadata"] != {name: text for name, text in expected.metadata.items() if name not in NOT_IN_HDF5}:
        raise StoreFormatError("hdf5: expected the attribute metadata to be the header's, got other values", path)
    arrays = {
        name: [np.dtype(layout.DTYPES[tensor.dtype]).str, list(tensor.shape), tensor.offset if tensor.nbytes else None]
        for name, tensor in expected.tensors.items()
        if not name.startswith(layout.FILLER)
    }
    for name in sorted({*arrays, *found["arrays"]}):
        stated, actual = arrays.get(name), found["arrays"].get(name)
        if stated != actual:
            raise StoreFormatError(f"hdf5: {name}: expected dtype, shape and offset {stated}, got {actual}", path)


def _described_by_hdf5(path: str) -> Any:
    """Let HDF5's library read the file, in a process of its own: on a hostile one it may crash, which is damage too."""
    import subprocess

    code = "import sys; from glovestore.format import hdf5; sys.stdout.write(hdf5.describe(sys.argv[1]))"
    command = [sys.executable, "-P", "-c", code, path]
    try:
        done = subprocess.run(command, capture_output=True, timeout=HDF5_PATIENCE, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise StoreFormatError(f"hdf5: expected an answer within {HDF5_PATIENCE} s, got none", path) from None
    if done.returncode == 0:
        return json.loads(done.stdout)
    last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    problem = f"signal {-done.returncode}" if done.returncode < 0 else last
    raise StoreFormatError(f"hdf5: expected its library to read the file, got {problem}", path)


def _describe(expected: layout.Layout, begin: int, end: int) -> str:
    """Return the sentence for a damaged block [begin, end): the arrays in it, and which of their rows."""
    parts = []
    for name, tensor in sorted(expected.tensors.items(), key=lambda item: item[0].startswith(layout.FILLER)):
        low, high = max(begin, tensor.offset), min(end, tensor.end)
        if low >= high or name == "block_checksums":
            continue
        if name.startswith(layout.FILLER):
            parts.append(f"bytes {low} to {high} of HDF5")
            continue
        per_row = tensor.nbytes // tensor.shape[0]
        first, last = (low - tensor.offset) // per_row, (high - 1 - tensor.offset) // per_row
        unit = dict.fromkeys(("vectors", "scales", "norms", "token_offsets"), "rows").get(name, "items")
        parts.append(f"{name} {unit} {first} to {last}")
    return f"damaged: the checksum of bytes {begin} to {end} is wrong; they hold {', '.join(parts)}"


def _pread(fd: int, size: int, offset: int, path: str) -> memoryview:
    """Read exactly `size` bytes."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = os.preadv(fd, [view], offset)
        if count == 0:
            raise StoreFormatError(f"truncated: expected {len(view)} more bytes at byte {offset}", path)
        view, offset = view[count:], offset + count
    return memoryview(data)
