"""Read a store with nothing but json, struct, numpy and xxhash: the proof that FORMAT.md is enough for a reader."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from xxhash import xxh64_hexdigest, xxh64_intdigest

DTYPES = {"F32": "<f4", "F64": "<f8", "U64": "<u8", "U8": "u1", "F16": "<f2", "I8": "i1"}
DIGITS = slice(41, 57)  # where the 16 digits of header_xxh64 stand in the file
PIECE = 65_536


def read_header(data: bytes) -> tuple[int, dict]:
    """Return where the data begins, and the JSON header."""
    (length,) = struct.unpack_from("<Q", data)
    assert data[8 : DIGITS.start] == b'{"__metadata__":{"header_xxh64":"'
    return 8 + length, json.loads(data[8 : 8 + length])


def read(path: Path | str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Return the metadata and every array but HDF5's own bytes."""
    data = Path(path).read_bytes()
    begin, tensors = read_header(data)
    metadata = tensors.pop("__metadata__")
    arrays = {}
    for name, tensor in tensors.items():
        first, end = (begin + offset for offset in tensor["data_offsets"])
        arrays[name] = np.frombuffer(data[first:end], DTYPES[tensor["dtype"]]).reshape(tensor["shape"])
    return metadata, {name: array for name, array in arrays.items() if not name.startswith("_hdf5_")}


def find(arrays: dict[str, np.ndarray], metadata: dict[str, str], token: bytes) -> int:
    """Return the row of a token, -1 when the store does not have it."""
    buckets = arrays["index_slots"].reshape(-1, 8)
    key = xxh64_intdigest(token, int(metadata["index_seed"]))
    home = key >> (64 - (len(buckets).bit_length() - 1))
    for step in range(int(metadata["index_longest_probe"]) + 1):
        for slot in buckets[(home + step) % len(buckets)].tolist():
            row = (slot & 0xFFFFFFFF) - 1
            if slot == 0:
                return -1
            if slot >> 32 == key & 0xFFFFFFFF and token_at(arrays, row) == token:
                return row
    return -1


def token_at(arrays: dict[str, np.ndarray], row: int) -> bytes:
    """Return the bytes of the token of a row."""
    first, end = arrays["token_offsets"][row : row + 2].tolist()
    return arrays["token_bytes"][first:end].tobytes()


def check(path: Path | str) -> None:
    """Recompute the three checksums of a store."""
    data = Path(path).read_bytes()
    begin, tensors = read_header(data)
    metadata, arrays = read(path)
    header = bytearray(data[:begin])
    header[DIGITS] = b"0" * 16
    assert metadata["header_xxh64"] == xxh64_hexdigest(bytes(header)), "header_xxh64"
    sums = arrays["block_checksums"]
    assert metadata["block_checksums_xxh64"] == xxh64_hexdigest(sums.tobytes()), "block_checksums_xxh64"
    first, end = (begin + offset for offset in tensors["block_checksums"]["data_offsets"])
    starts = range(begin, len(data), PIECE)
    assert len(sums) == len(starts), "number of blocks"
    for number, start in enumerate(starts):
        stop = min(start + PIECE, len(data))
        left_out = data[start : min(max(first, start), stop)] + data[max(min(end, stop), start) : stop]
        assert int(sums[number]) == xxh64_intdigest(left_out), f"block {number}"
