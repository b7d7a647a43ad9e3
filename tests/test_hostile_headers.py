"""Headers that lie under a correct checksum: each lie meets the check that is there for it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damage import Header, in_order, json_text, move_border, refuse, shift, with_header, with_json
from shared import SMALL_ROWS

import glovestore
from glovestore.format import header as headers
from glovestore.format.layout import Tensor

Change = Callable[[Header], Any]


def metadata(**values: Any) -> Change:
    return lambda header: header["__metadata__"].update(values)


def without_metadata(key: str) -> Change:
    return lambda header: header["__metadata__"].pop(key)


def entry(name: str, **values: Any) -> Change:
    return lambda header: header[name].update(values)


def renamed(name: str, new: str) -> Change:
    def change(header: Header) -> None:
        header[new] = header.pop(name)

    return change


def offsets(name: str, begin: Callable[[int], Any], end: Callable[[int], Any]) -> Change:
    def change(header: Header) -> None:
        low, high = header[name]["data_offsets"]
        header[name]["data_offsets"] = [begin(low), end(high)]

    return change


def same(value: int) -> int:
    return value


def fewer_buckets(header: Header) -> None:
    slots = header["index_slots"]["shape"][0]
    move_border(header, "index_slots", -64, 1)
    header["index_slots"]["shape"] = [slots - 8]


def one_bucket(header: Header) -> None:
    slots = header["index_slots"]["shape"][0]
    move_border(header, "index_slots", 64 - 8 * slots, 1)
    header["index_slots"]["shape"] = [8]
    header["__metadata__"]["index_buckets"] = "1"


def one_checksum_more(header: Header) -> None:
    move_border(header, "block_checksums", -8, 0)
    header["block_checksums"]["shape"][0] += 1


def fewer_rows(header: Header) -> None:
    move_border(header, "vectors", -12, 1)
    header["vectors"]["shape"] = [SMALL_ROWS - 1, 3]


def overlap(header: Header) -> None:
    header["std"]["data_offsets"] = header["mean"]["data_offsets"]


def drop_filler(header: Header) -> None:
    del header[next(name for name in in_order(header)[1:] if name.startswith("_hdf5_"))]


def drop_last(header: Header) -> None:
    del header[in_order(header)[-1]]


def two_copies(header: Header) -> None:
    header["vectors2"] = header["vectors"]


def emptied(header: Header, name: str, shape: list[int]) -> None:
    """Give an array no bytes; a filler stands where it was."""
    begin, end = header[name]["data_offsets"]
    header[f"_hdf5_{name}"] = {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]}
    header[name] |= {"shape": shape, "data_offsets": [0, 0]}


def no_rows(header: Header) -> None:
    emptied(header, "vectors", [0, 3])
    emptied(header, "norms", [0])
    move_border(header, "token_offsets", -8 * SMALL_ROWS, 1)
    header["token_offsets"]["shape"] = [1]


def no_dim(header: Header) -> None:
    emptied(header, "vectors", [SMALL_ROWS, 0])
    emptied(header, "mean", [0])
    emptied(header, "std", [0])


HUGE = 1 << 62
LIES: dict[str, tuple[Change, str]] = {
    "another format": (metadata(format="word2vec"), "expected format 'glovestore', got 'word2vec'"),
    "an endless format": (metadata(format="x" * 9000), "expected format"),
    "no format": (without_metadata("format"), "expected format"),
    "a newer version": (metadata(format_version="2"), "format_version.*newer"),
    "a much newer version": (metadata(format_version="1000"), "format_version.*newer"),
    "version 0": (metadata(format_version="0"), "format_version"),
    "no version": (without_metadata("format_version"), "format_version"),
    "a version that is no number": (metadata(format_version="one"), "format_version"),
    "a version in other digits": (metadata(format_version="\u0661"), "format_version"),
    "a number among the metadata": (metadata(rows=63), "map of strings"),
    "null among the metadata": (metadata(rows=None), "map of strings"),
    "a longest probe too long": (metadata(index_longest_probe="129"), "index_longest_probe"),
    "a negative longest probe": (metadata(index_longest_probe="-1"), "index_longest_probe"),
    "an endless longest probe": (metadata(index_longest_probe="9" * 5000), "index_longest_probe"),
    "no longest probe": (without_metadata("index_longest_probe"), "index_longest_probe"),
    "a seed beyond 64 bits": (metadata(index_seed=str(1 << 64)), "index_seed"),
    "a seed that is no number": (metadata(index_seed="0x10"), "index_seed"),
    "no seed": (without_metadata("index_seed"), "index_seed"),
    "other buckets": (metadata(index_buckets="32"), "index_buckets"),
    "no buckets": (without_metadata("index_buckets"), "index_buckets"),
    "vectors missing": (renamed("vectors", "victors"), "missing: vectors"),
    "norms missing": (renamed("norms", "_hdf5_99"), "missing: norms"),
    "index missing": (renamed("index_slots", "x"), "missing: index_slots"),
    "checksums missing": (renamed("block_checksums", "x"), "missing: block_checksums"),
    "a tensor that is no object": (lambda header: header.update(norms=[1]), "norms: expected dtype, shape"),
    "a tensor without shape": (lambda header: header["norms"].pop("shape"), "norms: expected"),
    "a tensor with more": (entry("norms", compression="gzip"), "norms: expected"),
    "dtype of vectors": (entry("vectors", dtype="I32"), "vectors: expected dtype F32"),
    "dtype is no string": (entry("mean", dtype=8), "mean: expected dtype"),
    "dtype unhashable": (entry("mean", dtype=["F64"]), "mean: expected dtype"),
    "shape of vectors is flat": (entry("vectors", shape=[SMALL_ROWS * 3]), "vectors: expected the shape"),
    "shape of vectors has three sides": (entry("vectors", shape=[SMALL_ROWS, 3, 1]), "vectors: expected the shape"),
    "shape of vectors is turned": (entry("vectors", shape=[3, SMALL_ROWS]), "expected shape"),
    "shape of vectors is empty": (entry("vectors", shape=[]), "vectors: expected"),
    "one row less": (fewer_rows, "expected shape"),
    "more rows than bytes": (entry("vectors", shape=[SMALL_ROWS + 1, 3]), "vectors: expected"),
    "no rows": (no_rows, "vectors: expected 1 to"),
    "no dim": (no_dim, "vectors: expected 1 to"),
    "sizes that overflow 64 bits": (entry("vectors", shape=[HUGE, 1 << 40]), "vectors: expected"),
    "sizes that wrap to the right one": (entry("norms", shape=[(1 << 62) + SMALL_ROWS]), "norms: expected"),
    "sides beyond 64 bits": (entry("norms", shape=[1 << 70]), "norms: expected"),
    "a negative side": (entry("norms", shape=[-SMALL_ROWS]), "norms: expected natural numbers"),
    "two negative sides": (entry("vectors", shape=[-SMALL_ROWS, -3]), "vectors: expected natural numbers"),
    "a side with a fraction": (entry("norms", shape=[63.0]), "norms: expected natural numbers"),
    "a side that is true": (entry("norms", shape=[True]), "norms: expected natural numbers"),
    "shape is no list": (entry("norms", shape=SMALL_ROWS), "norms: expected natural numbers"),
    "a thousand sides": (entry("norms", shape=[1] * 1000), "norms: expected"),
    "norms are a column": (entry("norms", shape=[SMALL_ROWS, 1]), "norms: expected shape"),
    "offsets in columns": (entry("token_offsets", shape=[SMALL_ROWS + 1, 1]), "token_offsets: expected shape"),
    "slots in rows": (entry("index_slots", shape=[16, 8]), "expected"),
    "offsets beyond the file": (offsets("vectors", same, lambda at: at + (1 << 40)), "vectors: expected data_offsets"),
    "offsets beyond 64 bits": (entry("norms", data_offsets=[1 << 64, (1 << 64) + 252]), "norms: expected"),
    "offsets end before they begin": (offsets("norms", lambda at: at + 1000, same), "norms: expected data_offsets"),
    "negative offsets": (offsets("norms", lambda begin: begin - (1 << 40), same), "norms: expected natural numbers"),
    "offsets with a fraction": (offsets("norms", float, float), "norms: expected natural numbers"),
    "three offsets": (entry("norms", data_offsets=[0, 4, 8]), "norms: expected"),
    "offsets are no list": (entry("norms", data_offsets="0"), "norms: expected natural numbers"),
    "one byte off": (lambda header: shift(header, "vectors", 1), "vectors: expected an offset"),
    "four bytes off": (lambda header: shift(header, "token_offsets", 4), "token_offsets: expected an offset"),
    "an overlap": (overlap, "overlap"),
    "two names for the same bytes": (two_copies, "overlap"),
    "a hole": (drop_filler, "hole"),
    "a hole at the end": (drop_last, "end"),
    "buckets are no power of two": (fewer_buckets, "power of two"),
    "one bucket": (one_bucket, "power of two|at least 2"),
    "a checksum more": (one_checksum_more, "block_checksums: expected shape"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), LIES.values(), ids=list(LIES))
def test_headers_that_lie(copy: Path, small_store: bytes, change: Change, expected: str):
    copy.write_bytes(with_header(small_store, change))
    refuse(copy, expected)


def insert_key_twice(text: bytes) -> bytes:
    return text.replace(b'"norms":{', b'"norms":{"shape":[1],', 1)


def insert_tensor_twice(text: bytes) -> bytes:
    norms = re.search(rb'"norms":\{[^}]*\}', text)
    assert norms
    return text[:-1] + b"," + norms[0] + b"}"


JSON_LIES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda text: text[:-1],
    "more behind it": lambda text: text + b"x",
    "another object behind it": lambda text: text + b"{}",
    "a zero byte behind it": lambda text: text + b"\0",
    "no UTF-8": lambda text: text.replace(b'"source_name":"', b'"source_name":"\xff', 1),
    "a key twice": insert_key_twice,
    "a tensor twice": insert_tensor_twice,
    "the metadata twice": lambda text: text[:-1] + b',"__metadata__":{"format":"glovestore"}}',
    "a checksum twice": lambda text: text.replace(b'"format":', b'"header_xxh64":"0000000000000000","format":', 1),
    "NaN": lambda text: text.replace(b'"shape":[63]', b'"shape":[NaN]', 1),
    "Infinity": lambda text: text.replace(b'"shape":[63]', b'"shape":[Infinity]', 1),
    "a number of 5,000 digits": lambda text: text.replace(b'"shape":[63]', b'"shape":[%s]' % (b"9" * 5000), 1),
    "nested too deep": lambda text: text[:-1] + b',"x":' + b"[" * 6000 + b"]" * 6000 + b"}",
    "nested without end": lambda text: text[:-1] + b',"x":' + b"[" * 10_000,
    "a comment": lambda text: text.replace(b'"format":', b'/* */"format":', 1),
    "single quotes": lambda text: text.replace(b'"format"', b"'format'", 1),
}  # fmt: skip


@pytest.mark.parametrize("change", JSON_LIES.values(), ids=list(JSON_LIES))
def test_json_that_is_none(copy: Path, small_store: bytes, change: Callable[[bytes], bytes]):
    text = change(json_text(small_store))
    assert text != json_text(small_store)
    copy.write_bytes(with_json(small_store, text))
    refuse(copy, "header|expected|JSON")


def test_a_machine_of_another_byte_order(copy: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(headers, "_valid", ())
    monkeypatch.setattr(sys, "byteorder", "big")
    refuse(copy, "expected a little-endian machine: stores are mapped as they are")


def test_a_header_that_would_not_fit():
    tensors = {f"array{i}": Tensor("F32", (1,), 16384 + 4 * i) for i in range(300)}
    with pytest.raises(ValueError, match=r"expected a header of at most 16376 bytes, got \d+"):
        headers.encode_header(tensors, {}, 16384 + 1200)


def test_zero_bytes_as_padding(copy: Path, small_store: bytes):
    copy.write_bytes(with_json(small_store, json_text(small_store), b"\0"))
    refuse(copy, "JSON")


def test_a_tensor_of_a_later_version_is_ignored(copy: Path, small_store: bytes):
    def change(header: Header) -> None:
        header["later"] = header.pop("_hdf5_0") | {"dtype": "F4_E2M1", "shape": [7, 7]}

    copy.write_bytes(with_header(small_store, change))
    with glovestore.open(copy) as opened:
        assert opened["token7"].tolist() == [7.0, 7.5, -7.0]


def test_more_metadata_is_ignored(copy: Path, small_store: bytes):
    copy.write_bytes(with_header(small_store, metadata(made_by="somebody", surrogate="\ud800")))
    with glovestore.open(copy) as opened:
        assert opened.metadata["made_by"] == "somebody"
