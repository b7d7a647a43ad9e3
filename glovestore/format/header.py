"""The store's header: how it is written, and what is checked before anything is mapped. FORMAT.md specifies it."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NoReturn

from glovestore import _core, strict_json
from glovestore.errors import NotAStoreError, StoreFormatError
from glovestore.format.layout import (
    BUCKET_SLOTS,
    FORMAT,
    FORMAT_VERSION,
    HEADER_SIZE,
    ITEM_SIZES,
    LONGEST_HEADER,
    MOST_ROWS,
    OPTIONAL,
    TENSORS,
    VECTORS,
    Layout,
    Tensor,
    checksum_blocks,
    tensor_shapes,
    with_fillers,
)
from glovestore.tokens import shown

Path = str | os.PathLike[str]

TENSOR_KEYS = {"dtype", "shape", "data_offsets"}
_fields = itemgetter("dtype", "shape", "data_offsets")

MOST_KEPT = 8  # headers that were valid, 16 KB each

# The header starts with its own checksum, so that a reader finds it before it believes any JSON.
MAGIC = b'{"__metadata__":{"header_xxh64":"'
CHECKSUM_AT = 8 + len(MAGIC)
CHECKSUM_DIGITS = 16

_NO_DIGITS = b"0" * CHECKSUM_DIGITS
_PADDING = b" " * HEADER_SIZE


def encode_header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], file_size: int) -> bytes:
    """Return the HEADER_SIZE bytes of a header, its checksum included.

    `tensors` are the arrays; fillers over everything between them are added here, as safetensors allows no hole.
    """
    entries: dict[str, Any] = {"__metadata__": {"header_xxh64": "0" * CHECKSUM_DIGITS, **metadata}}
    for name, tensor in with_fillers(tensors, file_size).items():
        start = tensor.offset - HEADER_SIZE if tensor.nbytes else 0
        offsets = [start, start + tensor.nbytes]
        entries[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    if 8 + len(text) > HEADER_SIZE:
        raise ValueError(f"expected a header of at most {HEADER_SIZE - 8} bytes, got {len(text)}")
    header = (HEADER_SIZE - 8).to_bytes(8, "little") + text.ljust(HEADER_SIZE - 8)
    return _with_checksum(header, header_checksum(header))


def header_checksum(header: bytes) -> bytes:
    """Return the digits of header_xxh64: the hash of all of the header with these digits taken as zeros."""
    return f"{_core.xxh64(_with_checksum(header, _NO_DIGITS)):016x}".encode()


def _with_checksum(header: bytes, digits: bytes) -> bytes:
    return header[:CHECKSUM_AT] + digits + header[CHECKSUM_AT + CHECKSUM_DIGITS :]


def looks_like_store(start: bytes) -> bool:
    """Tell whether a file's first bytes are those of a store, whole or damaged."""
    return start[8:CHECKSUM_AT] == MAGIC


def read_layout(start: bytes, file_size: int, path: Path) -> Layout:
    """Validate a header and return the layout.

    `start` is at least the first min(file_size, LONGEST_HEADER + 8) bytes or the whole header. Nothing of it is
    trusted: each number is checked before it is used. Raises StoreFormatError with what was expected and what is there.

    Nothing but these bytes and the size decides: a header that was valid among the last few is not checked again.
    """
    global _valid
    for header, size, layout in _valid:
        if size == file_size and header == start:
            return layout
    found = _Header(path, file_size).read(start)
    _valid = ((start, file_size, found), *_valid[: MOST_KEPT - 1])
    return found


_valid: tuple[tuple[bytes, int, Layout], ...] = ()


def header_length(start: bytes, file_size: int, path: Path) -> int:
    """Return how many bytes the header takes, its 8-byte length included, after the checks that need only `start`."""
    if file_size < 8 + len(MAGIC) or len(start) < 8 + len(MAGIC):
        raise NotAStoreError(f"not a glovestore file: expected at least {8 + len(MAGIC)} bytes, got {file_size}", path)
    if not looks_like_store(start):
        raise NotAStoreError(f"not a glovestore file: expected {MAGIC!r} at byte 8, got {start[8:CHECKSUM_AT]!r}", path)
    size = int.from_bytes(start[:8], "little")
    if not CHECKSUM_AT + CHECKSUM_DIGITS - 8 <= size <= LONGEST_HEADER:
        raise StoreFormatError(f"expected a header of at most {LONGEST_HEADER} bytes, got a length of {size}", path)
    if 8 + size > file_size:
        raise StoreFormatError(f"truncated: expected a header of {8 + size} bytes, the file has {file_size}", path)
    return 8 + size


class _Header:
    """The checks, in the order of FORMAT.md; the first that fails is the one reported."""

    def __init__(self, path: Path, file_size: int) -> None:
        self.path = path
        self.file_size = file_size

    def fail(self, problem: str) -> NoReturn:
        raise StoreFormatError(problem, self.path)

    def read(self, start: bytes) -> Layout:
        if sys.byteorder != "little":
            self.fail("expected a little-endian machine: stores are mapped as they are")
        size = header_length(start, self.file_size, self.path)
        header = start[:size]
        self.check_header_checksum(header)
        entries = self.parse(header[8:])
        metadata = self.check_metadata(entries.pop("__metadata__", None))
        tensors = {name: self.check_tensor(name, entry, size) for name, entry in entries.items()}
        self.check_cover(entries, size)
        self.check_shapes(tensors, size)
        self.check_index(tensors, metadata)
        self.check_subwords(tensors, metadata)
        return Layout(tensors, metadata, size, self.file_size)

    def check_header_checksum(self, header: bytes) -> None:
        stated = header[CHECKSUM_AT : CHECKSUM_AT + CHECKSUM_DIGITS]
        actual = header_checksum(header)
        if stated != actual:
            self.fail(f"damaged header: expected header_xxh64 {actual!r}, got {stated!r}")

    def parse(self, text: bytes) -> dict[str, Any]:
        entries: dict[str, Any]  # it starts with MAGIC, and so like an object
        try:
            entries = strict_json.loads(_without_padding(text))
        except ValueError as error:
            self.fail(f"expected a JSON header, got {error}")
        return entries

    def check_metadata(self, metadata: Any) -> dict[str, str]:
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            self.fail("expected __metadata__ to be a map of strings")
        if metadata.get("format") != FORMAT:
            self.fail(f"expected format {FORMAT!r}, got {shown(metadata.get('format'))}")
        version = self.number(metadata, "format_version", 1, 2**31)
        if version > FORMAT_VERSION:
            self.fail(
                f"expected format_version {FORMAT_VERSION}, got {version}, of a newer glovestore: upgrade to read it"
            )
        return metadata

    def number(self, metadata: Mapping[str, str], key: str, low: int, high: int) -> int:
        text = metadata.get(key)
        if text is None or not (text.isascii() and text.isdigit() and len(text) <= 20 and low <= int(text) <= high):
            self.fail(f"expected {key} to be a number from {low} to {high}, got {shown(text)}")
        return int(text)

    def check_tensor(self, name: str, entry: Any, header_size: int) -> Tensor:
        if not isinstance(entry, dict) or entry.keys() != TENSOR_KEYS:
            self.fail(f"{name}: expected dtype, shape and data_offsets, got {shown(entry)}")
        dtype, shape, offsets = _fields(entry)
        if not (isinstance(shape, list) and isinstance(offsets, list) and _naturals(shape, offsets)):
            self.fail(
                f"{name}: expected natural numbers as shape and data_offsets, got {shown(shape)}, {shown(offsets)}"
            )
        known = _known_dtypes(name)
        if not isinstance(dtype, str) or (known and dtype not in known):
            self.fail(f"{name}: expected dtype {' or '.join(known) or 'a string'}, got {shown(dtype)}")
        begin, end = offsets
        if begin > end or header_size + end > self.file_size:
            self.fail(
                f"{name}: expected data_offsets inside {self.file_size - header_size} bytes, got {shown(offsets)}"
            )
        item_size = ITEM_SIZES.get(dtype)
        if item_size is None:  # of a later version: never read, but its bytes are accounted for
            return Tensor("U8", (end - begin,), header_size + begin)
        size = math.prod(shape) * item_size
        if size != end - begin:
            self.fail(f"{name}: expected {size} bytes for shape {shown(shape)}, got {end - begin}")
        if size and (header_size + begin) % item_size:
            self.fail(f"{name}: expected an offset that is a multiple of {item_size}, got {header_size + begin}")
        return Tensor(dtype, tuple(shape), header_size + begin)

    def check_cover(self, entries: Mapping[str, Any], header_size: int) -> None:
        """Check that the entries, which have passed `check_tensor`, follow each other from the header to the end."""
        position, before = 0, "the header"
        spans = [(*entry["data_offsets"], name) for name, entry in entries.items()]
        for begin, end, name in sorted(spans, key=itemgetter(0)):
            if begin == end:
                continue
            if begin != position:
                kind = "an overlap" if begin < position else "a hole"
                self.fail(
                    f"{name}: expected to start at byte {header_size + position}, behind {before},"
                    f" got {header_size + begin}: {kind}"
                )
            position, before = end, name
        if header_size + position != self.file_size:
            self.fail(
                f"expected the file to end at byte {header_size + position}, behind {before}, got {self.file_size}"
            )

    def check_shapes(self, tensors: Mapping[str, Tensor], header_size: int) -> None:
        missing = [name for name in TENSORS if name not in tensors]
        if missing:
            self.fail(f"expected the arrays {', '.join(TENSORS)}; missing: {', '.join(missing)}")
        if len(tensors["vectors"].shape) != 2:
            self.fail(f"vectors: expected the shape (rows, dim), got {shown(tensors['vectors'].shape)}")
        rows, dim = tensors["vectors"].shape
        if not (1 <= rows <= MOST_ROWS and dim >= 1):
            self.fail(f"vectors: expected 1 to {MOST_ROWS} rows of at least 1 number, got shape {(rows, dim)}")
        token_bytes = math.prod(tensors["token_bytes"].shape)
        buckets = math.prod(tensors["index_slots"].shape) // BUCKET_SLOTS
        blocks = checksum_blocks(self.file_size, header_size)
        for name, shape in tensor_shapes(rows, dim, token_bytes, buckets, blocks).items():
            if tensors[name].shape != shape:
                self.fail(f"{name}: expected shape {shape}, got {shown(tensors[name].shape)}")

        is_scaled = tensors["vectors"].dtype == VECTORS["int8"]
        if is_scaled != ("scales" in tensors):
            self.fail(f"scales: expected with vectors of I8, and only with them, got {tensors['vectors'].dtype}")
        if is_scaled and tensors["scales"].shape != (rows,):
            self.fail(f"scales: expected shape {(rows,)}, got {shown(tensors['scales'].shape)}")

    def check_index(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        buckets = tensors["index_slots"].shape[0] // BUCKET_SLOTS
        if buckets < 2 or buckets & (buckets - 1):
            self.fail(f"index_slots: expected a power of two of buckets, at least 2, got {buckets}")
        self.number(metadata, "index_seed", 0, 2**64 - 1)
        self.number(metadata, "index_longest_probe", 0, _core.MOST_PROBES)
        if self.number(metadata, "index_buckets", 2, 2**61) != buckets:
            self.fail(f"expected index_buckets {buckets}, got {metadata['index_buckets']}")

    def check_subwords(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        if "subword_vectors" not in tensors:
            if "subword_buckets" in tensors:
                self.fail("subword_buckets: expected subword_vectors beside it, got none")
            return
        shape, dim = tensors["subword_vectors"].shape, tensors["vectors"].shape[1]
        if len(shape) != 2 or shape[1] != dim or shape[0] < 1:
            self.fail(f"subword_vectors: expected at least one row of {dim} numbers, got shape {shown(shape)}")
        maxn = self.number(metadata, "subword_maxn", 1, _core.MOST_NGRAM)
        self.number(metadata, "subword_minn", 1, maxn)
        count = self.number(metadata, "subword_bucket_count", shape[0], _core.MOST_BUCKETS)
        if "subword_buckets" in tensors:
            if tensors["subword_buckets"].shape != (shape[0],):
                self.fail(
                    f"subword_buckets: expected shape {(shape[0],)}, got {shown(tensors['subword_buckets'].shape)}"
                )
        elif count != shape[0]:
            self.fail(f"subword_vectors: expected {count} rows, one for each bucket, got {shape[0]}")


def _known_dtypes(name: str) -> tuple[str, ...]:
    """Return the dtypes that an array may have; none for one that is not known."""
    if name == "vectors":
        return tuple(VECTORS.values())
    known = TENSORS.get(name) or OPTIONAL.get(name)
    return (known,) if known else ()


def _without_padding(text: bytes) -> bytes:
    """Return the JSON without the spaces behind it: reading them takes longer than reading it."""
    end = text.rfind(b"}") + 1
    return text[:end] if text.endswith(_PADDING[: len(text) - end]) else text


def _naturals(shape: list[Any], offsets: list[Any]) -> bool:
    if len(shape) > 8 or len(offsets) != 2:
        return False
    for item in shape + offsets:  # noqa: SIM110 - a generator would take three times as long
        if type(item) is not int or not 0 <= item < 2**63:
            return False
    return True
