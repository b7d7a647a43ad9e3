"""Where things stand in a store: names, dtypes, versions, arrays, and fillers between them. FORMAT.md specifies it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

FORMAT = "glovestore"
FORMAT_VERSION = 1
HEADER_SIZE = 16384  # the 8-byte length and the JSON with its padding: HDF5's user block
LONGEST_HEADER = 1 << 20
CHECKSUM_BLOCK = 65536
BUCKET_SLOTS = 8
MOST_ROWS = 2**32 - 2

DTYPES = {"U8": "|u1", "U64": "<u8", "F32": "<f4", "F64": "<f8", "F16": "<f2", "I8": "|i1"}
ITEM_SIZES = {"U8": 1, "U64": 8, "F32": 4, "F64": 8, "F16": 2, "I8": 1}
TENSORS = {
    "vectors": "F32",
    "norms": "F32",
    "mean": "F64",
    "std": "F64",
    "token_bytes": "U8",
    "token_offsets": "U64",
    "index_slots": "U64",
    "block_checksums": "U64",
}
VECTORS = {"float32": "F32", "float16": "F16", "int8": "I8"}  # what `vectors` may be; I8 has `scales`
# Tensors that some stores have beside those; they stand before block_checksums.
OPTIONAL = {"scales": "F32", "subword_vectors": "F32", "subword_buckets": "U64"}
FILLER = "_hdf5_"  # U8 tensors over HDF5's own bytes


def dtype_of(name: str, vectors: str = "F32") -> str:
    """Return the dtype of an array of a store whose `vectors` are of another one of VECTORS."""
    return vectors if name == "vectors" else TENSORS.get(name) or OPTIONAL[name]


def vectors_dtype(dtype: object) -> str:
    """Return the name of a dtype that vectors may be kept in: one of VECTORS, from its name, or numpy's or torch's.

    Raises ValueError for any other.
    """
    name = str(getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)).removeprefix("torch.")
    if name not in VECTORS:
        raise ValueError(f"dtype: expected {', '.join(VECTORS)}, got {name!r}")
    return name


class Tensor(NamedTuple):
    """One array of the file: `offset` counts bytes from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * ITEM_SIZES[self.dtype]

    @property
    def end(self) -> int:
        """The first byte behind the array."""
        return self.offset + self.nbytes


class Layout(NamedTuple):
    """A validated header: where every array of a store stands."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    header_size: int
    file_size: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dim)."""
        rows, dim = self.tensors["vectors"].shape
        return rows, dim

    @property
    def fingerprint(self) -> str:
        """The digits of header_xxh64."""
        return self.metadata["header_xxh64"][:16]

    @property
    def index_seed(self) -> int:
        """The seed of the tokens' hashes."""
        return int(self.metadata["index_seed"])

    @property
    def longest_probe(self) -> int:
        """How many buckets beyond home a look-up may have to go."""
        return int(self.metadata["index_longest_probe"])


def tensor_shapes(
    rows: int,
    dim: int,
    token_bytes: int,
    buckets: int,
    blocks: int,
    optional: Mapping[str, tuple[int, ...]] = {},
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array of a store, in the order in which they stand in the file."""
    return {
        "vectors": (rows, dim),
        "norms": (rows,),
        "mean": (dim,),
        "std": (dim,),
        "token_bytes": (token_bytes,),
        "token_offsets": (rows + 1,),
        "index_slots": (buckets * BUCKET_SLOTS,),
        **optional,
        "block_checksums": (blocks,),
    }


def checksum_blocks(file_size: int, header_size: int = HEADER_SIZE) -> int:
    """Return the number of checksum blocks between the header and the end of the file."""
    return -(-(file_size - header_size) // CHECKSUM_BLOCK)


def covered_ranges(block: int, left_out: Tensor, header_size: int, file_size: int) -> Iterator[tuple[int, int]]:
    """Yield the parts [begin, end) of the file that a block's checksum covers: all of it but `left_out`."""
    begin = header_size + block * CHECKSUM_BLOCK
    end = min(begin + CHECKSUM_BLOCK, file_size)
    for low, high in ((begin, min(end, left_out.offset)), (max(begin, left_out.end), end)):
        if low < high:
            yield low, high


def with_fillers(tensors: Mapping[str, Tensor], file_size: int) -> dict[str, Tensor]:
    """Return the arrays and U8 tensors over all bytes between them, in file order."""
    result: dict[str, Tensor] = {}
    position, fillers = HEADER_SIZE, 0
    ordered = sorted(tensors.items(), key=lambda item: (item[1].nbytes > 0, item[1].offset))
    for name, tensor in [*ordered, ("", Tensor("U8", (0,), file_size))]:
        if (name == "" or tensor.nbytes) and tensor.offset > position:
            result[f"{FILLER}{fillers}"] = Tensor("U8", (tensor.offset - position,), position)
            fillers += 1
        if name:
            result[name] = tensor
            position = max(position, tensor.end)
    return result
