"""Stores that are wrong in one place and right elsewhere: a changed header with its checksum made right again."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_reader import DIGITS, PIECE
from xxhash import xxh64_hexdigest, xxh64_intdigest

import glovestore
from glovestore import StoreFormatError

HEADER_SIZE = 16384

Header = dict[str, Any]


def sign(header: bytes) -> bytes:
    """Return the header with its checksum put where it belongs."""
    blank = header[: DIGITS.start] + b"0" * 16 + header[DIGITS.stop :]
    return header[: DIGITS.start] + xxh64_hexdigest(blank).encode() + header[DIGITS.stop :]


def with_json(store: bytes, text: bytes, padding: bytes = b" ") -> bytes:
    """Return the store under another JSON text."""
    return sign(store[:8] + text.ljust(HEADER_SIZE - 8, padding)) + store[HEADER_SIZE:]


def with_header(store: bytes, change: Callable[[Header], Any]) -> bytes:
    """Return the store under a header that `change` has worked on: the JSON object, fillers included."""
    header = json.loads(store[8:HEADER_SIZE])
    change(header)
    return with_json(store, json.dumps(header, separators=(",", ":")).encode())


def with_checksums(store: bytes) -> bytes:
    """Return the store with all block checksums, and what covers them, made right."""
    ((low, high),) = spans(store, "block_checksums")
    sums = []
    for begin in range(HEADER_SIZE, len(store), PIECE):
        end = min(begin + PIECE, len(store))
        sums.append(xxh64_intdigest(store[begin : max(begin, min(low, end))] + store[min(end, max(high, begin)) : end]))
    array = struct.pack(f"<{len(sums)}Q", *sums)
    assert len(array) == high - low
    digits = xxh64_hexdigest(array)
    store = store[:low] + array + store[high:]
    return with_header(store, lambda header: header["__metadata__"].update(block_checksums_xxh64=digits))


def json_text(store: bytes) -> bytes:
    """Return the header's JSON without its padding."""
    return store[8:HEADER_SIZE].rstrip(b" ")


def spans(store: bytes, *names: str) -> list[tuple[int, int]]:
    """Return where arrays begin and end in the file."""
    header = json.loads(store[8:HEADER_SIZE])
    both = [header[name]["data_offsets"] for name in names]
    return [(HEADER_SIZE + begin, HEADER_SIZE + end) for begin, end in both]


def in_order(header: Header) -> list[str]:
    """Return the names of the tensors that have bytes, in file order."""
    names = [name for name in header if name != "__metadata__" and header[name]["data_offsets"] != [0, 0]]
    return sorted(names, key=lambda name: header[name]["data_offsets"])


def move_border(header: Header, name: str, count: int, side: int = 0) -> None:
    """Move the start (side 0) or the end (1) of a tensor, and with it the end or the start of the filler beside it."""
    names = in_order(header)
    filler = names[names.index(name) + (1 if side else -1)]
    assert filler.startswith("_hdf5_"), filler
    header[name]["data_offsets"][side] += count
    header[filler]["data_offsets"][1 - side] += count
    begin, end = header[filler]["data_offsets"]
    header[filler]["shape"] = [end - begin]
    assert end >= begin


def shift(header: Header, name: str, count: int) -> None:
    """Move a tensor inside the fillers on both sides of it."""
    move_border(header, name, count, 1)
    move_border(header, name, count, 0)


def refuse(path: Path, expected: str) -> None:
    """Demand that a file is refused, however it is opened, with a short message that says what `expected` does."""
    for options in ({}, {"copy": True}, {"build": False}):
        with pytest.raises(StoreFormatError) as caught:
            glovestore.open(path, **options)
        assert re.search(expected, caught.value.problem), (expected, caught.value.problem)
        assert caught.value.path == str(path)
        assert str(caught.value) == f"{path}: {caught.value.problem}"
        assert len(str(caught.value)) < 1000
