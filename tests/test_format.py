"""The store file by its specification: read by 40 lines of Python, h5py and safetensors; every byte accounted for."""

from __future__ import annotations

import io
import json
import math
import re
import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import store_reader
from hypothesis import given
from hypothesis import strategies as st
from index_reference import index_by_the_book
from numpy.typing import NDArray
from safetensors.numpy import load_file
from shared import ODD_TEXT, Built
from vectors_generator import generate
from xxhash import xxh64_hexdigest, xxh64_intdigest

import glovestore
from glovestore.format import hdf5, writer

ROOT = Path(__file__).resolve().parents[1]
H = 16384
ARRAYS = ("vectors", "norms", "mean", "std", "token_bytes", "token_offsets", "index_slots", "block_checksums")
DTYPES = dict(zip(ARRAYS, ("<f4", "<f4", "<f8", "<f8", "u1", "<u8", "<u8", "<u8"), strict=True))

BuildBytes = Callable[..., Built]


@pytest.fixture(scope="module")
def large_store(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """More than two statistics blocks of 4,096 rows, two digest pieces of 1 MiB, many checksum blocks; an odd dim."""
    folder = tmp_path_factory.mktemp("large")
    source = generate(folder / "large.txt", rows=9_001, dim=27, seed=3)
    return Built(folder / "large.h5", glovestore.build(source, folder / "large.h5", durable=False))


@pytest.fixture(scope="module", params=["odd", "large", "one row", "one empty token", "duplicates"])
def built(request: pytest.FixtureRequest, odd_store: Built, large_store: Built, build_bytes: BuildBytes) -> Built:
    if request.param in ("odd", "large"):
        return {"odd": odd_store, "large": large_store}[request.param]
    text = {"one row": b"a 1\n", "one empty token": b" 1 2\n", "duplicates": b"a 1 2\nb 3 4\na 5 6\nc 7 8\nb 9 9\n"}
    return build_bytes(text[request.param])


# ----- three readers, one answer


def test_every_reader_sees_the_same_arrays(built: Built):
    metadata, arrays = store_reader.read(built.path)
    assert set(arrays) == set(ARRAYS)
    by_safetensors = load_file(built.path)
    with h5py.File(built.path, "r") as file, glovestore.open(built.path) as store:
        assert set(file) == set(ARRAYS)
        for name, array in arrays.items():
            for other in (file[name][...], by_safetensors[name], getattr(store, name, array)):
                assert other.dtype == np.dtype(DTYPES[name]), name
                assert other.shape == array.shape, name
                assert other.tobytes() == array.tobytes(), name
        assert store.metadata == metadata
        assert [store.tokens[row].encode("utf-8", "surrogateescape") for row in range(len(store))] == [
            store_reader.token_at(arrays, row) for row in range(len(store))
        ]


def test_hdf5_carries_the_same_map(built: Built):
    metadata, _ = store_reader.read(built.path)
    with h5py.File(built.path, "r") as file:
        assert list(file.attrs) == ["metadata"]
        assert all(not dataset.attrs for dataset in file.values())
        text = file.attrs["metadata"]
        assert isinstance(text, bytes)  # of fixed length
        assert json.loads(text) == {
            key: value for key, value in metadata.items() if key not in ("header_xxh64", "block_checksums_xxh64")
        }


def test_datasets_are_plain_and_where_the_header_says(built: Built):
    tensors = header_of(built.path)
    with h5py.File(built.path, "r") as file:
        assert file.userblock_size == H
        for name, dataset in file.items():
            assert dataset.chunks is None
            assert dataset.compression is None
            if dataset.size:
                assert dataset.id.get_offset() == H + tensors[name]["data_offsets"][0]


def header_of(path: Path) -> dict[str, dict[str, list[int]]]:
    begin, header = store_reader.read_header(path.read_bytes())
    assert begin == H
    return header


# ----- layout


def test_tensors_cover_the_file_without_a_hole(built: Built):
    header = header_of(built.path)
    del header["__metadata__"]
    spans = sorted((*tensor["data_offsets"], name) for name, tensor in header.items())
    position = 0
    for begin, end, name in spans:
        if begin == end:
            assert (begin, end) == (0, 0)
            assert name in ARRAYS
            assert 0 in header[name]["shape"]
            continue
        assert begin == position, name
        position = end
        assert name in ARRAYS or re.fullmatch(r"_hdf5_\d+", name)
        if name in ARRAYS:
            assert (H + begin) % 4096 == 0, name
        else:
            assert header[name]["dtype"] == "U8"
    assert position == built.path.stat().st_size - H


def test_vectors_start_where_a_writer_can_stream_them(built: Built):
    assert H + header_of(built.path)["vectors"]["data_offsets"][0] == 28_672


def test_format_md_states_the_numbers_of_a_store(odd_store: Built):
    text = " ".join((ROOT / "FORMAT.md").read_text(encoding="utf-8").split())
    data = odd_store.path.read_bytes()
    digits = data.index(b'"header_xxh64":"') + len(b'"header_xxh64":"')
    assert f"so bytes 8 to {digits} identify the format" in text
    assert f"16 lower-case hexadecimal digits at bytes {digits} to {digits + 16}" in text
    assert f"`{data[8:digits].decode()}`" in text
    assert f"Writers MUST write N = {H - 8}" in text
    assert f"With N = {H - 8}, H is {H:,} and `vectors` starts at byte 28,672" in text
    header = header_of(odd_store.path)
    for name in ARRAYS:
        assert re.search(rf"\| `?[^|]*`{name}`[^|]* \| {header[name]['dtype']} \|", text), name
    for key in header["__metadata__"]:
        assert re.search(rf"\| [^|]*`{key}`[^|]* \|", text), key


def test_header_text(built: Built):
    data = built.path.read_bytes()
    assert struct.unpack_from("<Q", data) == (H - 8,)
    assert data[8:41] == b'{"__metadata__":{"header_xxh64":"'
    assert re.fullmatch(rb"[0-9a-f]{16}", data[41:57])
    assert data[57:58] == b'"'
    text = data[8:H].rstrip(b" ")
    assert text.endswith(b"}")
    assert text.isascii()
    assert data[H : H + 8] == b"\x89HDF\r\n\x1a\n"


def test_metadata(built: Built):
    metadata, arrays = store_reader.read(built.path)
    source = Path(built.report.source)
    text = source.read_bytes()
    pieces = [xxh64_intdigest(text[at : at + (1 << 20)]) for at in range(0, len(text), 1 << 20)]
    assert metadata | {"header_xxh64": "", "block_checksums_xxh64": ""} == {
        "header_xxh64": "",
        "block_checksums_xxh64": "",
        "format": "glovestore",
        "format_version": "1",
        "index_seed": "0",
        "index_buckets": str(len(arrays["index_slots"]) // 8),
        "index_longest_probe": metadata["index_longest_probe"],
        "source_name": source.name,
        "source_bytes": str(len(text)),
        "source_digest": xxh64_hexdigest(struct.pack(f"<{len(pieces)}Q", *pieces)),
        **{name: str(getattr(built.report, name)) for name in ("lines", "rows", "header", "duplicates", "skipped")},
        "final_newline": str(int(text.endswith(b"\n"))),
    }


def test_checksums(built: Built):
    store_reader.check(built.path)
    data = built.path.read_bytes()
    _, arrays = store_reader.read(built.path)
    assert len(arrays["block_checksums"]) == math.ceil((len(data) - H) / 65_536)
    glovestore.open(built.path).verify()


# ----- the token index


def test_index_by_the_book(built: Built):
    metadata, arrays = store_reader.read(built.path)
    rows = len(arrays["vectors"])
    tokens = [store_reader.token_at(arrays, row) for row in range(rows)]
    buckets = len(arrays["index_slots"]) // 8
    assert buckets >= 2
    assert buckets & (buckets - 1) == 0
    assert rows / (8 * buckets) <= 0.7
    assert buckets == 2 or rows / (4 * buckets) > 0.7
    slots, longest = index_by_the_book(tokens, buckets)
    assert arrays["index_slots"].tolist() == slots
    assert int(metadata["index_longest_probe"]) == longest


def test_every_token_is_found_by_both_readers(built: Built):
    metadata, arrays = store_reader.read(built.path)
    tokens = [store_reader.token_at(arrays, row) for row in range(len(arrays["vectors"]))]
    assert [store_reader.find(arrays, metadata, token) for token in tokens] == list(range(len(tokens)))
    absent = [token + b"\0absent" for token in tokens]
    assert {store_reader.find(arrays, metadata, token) for token in absent} == {-1}
    with glovestore.open(built.path) as store:
        assert store.rows(tokens).tolist() == list(range(len(tokens)))
        assert set(store.rows(absent).tolist()) == {-1}


# ----- derived arrays


def ordered_norms(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum squares in float64 in eight lanes, then join the lanes, in the order that FORMAT.md states."""
    rows, dim = vectors.shape
    squares = np.zeros((rows, -(-dim // 8), 8))
    squares.reshape(rows, -1)[:, :dim] = vectors.astype(np.float64) ** 2
    lanes = np.zeros((rows, 8))
    for step in range(squares.shape[1]):
        lanes += squares[:, step]
    a = lanes.T
    return np.sqrt(((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))).astype(np.float32)


def test_norms_to_the_bit(built: Built):
    _, arrays = store_reader.read(built.path)
    assert arrays["norms"].tobytes() == ordered_norms(arrays["vectors"]).tobytes()


def test_mean_and_std(built: Built):
    _, arrays = store_reader.read(built.path)
    for column in range(arrays["vectors"].shape[1]):
        values = arrays["vectors"][:, column].astype(np.float64)
        mean = math.fsum(values) / len(values)
        std = math.sqrt(math.fsum((values - mean) ** 2) / len(values))
        assert arrays["mean"][column] == pytest.approx(mean, rel=1e-12, abs=1e-12 * max(std, 1e-300))
        assert arrays["std"][column] == pytest.approx(std, rel=1e-9, abs=1e-300)


# ----- nothing but the input decides


def test_same_input_same_bytes(tmp_path: Path, odd_store: Built):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "odd.txt").write_bytes(ODD_TEXT.read_bytes())
        glovestore.build(tmp_path / folder / "odd.txt", tmp_path / folder / f"{folder}.h5")
    a, b = (tmp_path / folder / f"{folder}.h5" for folder in ("a", "b"))
    assert a.read_bytes() == b.read_bytes() == odd_store.path.read_bytes()
    glovestore.build(tmp_path / "a" / "odd.txt", b, overwrite=True)
    assert a.read_bytes() == b.read_bytes()


def test_no_path_is_kept(tmp_path: Path):
    folder = tmp_path / "a folder of mine"
    folder.mkdir()
    (folder / "odd.txt").write_bytes(b"a 1 2\nb 3 4\n")
    glovestore.build(folder / "odd.txt", folder / "store-of-mine.h5")
    data = (folder / "store-of-mine.h5").read_bytes()
    assert b"of mine" not in data
    assert b"of-mine" not in data


@pytest.mark.parametrize(
    ("name", "kept"),
    [(b"caf\xe9.txt", "caf\ufffd.txt"), ("\u00e9".encode() * 120, "\u00e9" * 120), (b'a"\\\n.txt', 'a"\\\n.txt')],
)
def test_strange_source_names(tmp_path: Path, name: bytes, kept: str):
    source = Path(bytes(tmp_path).decode()) / name.decode("utf-8", "surrogateescape")
    source.write_bytes(b"a 1 2\nb 3 4\n")
    path = tmp_path / "store.h5"
    glovestore.build(source, path)
    assert glovestore.open(path).metadata["source_name"] == kept
    assert load_file(path)["vectors"].tolist() == [[1, 2], [3, 4]]
    with h5py.File(path, "r") as file:
        assert json.loads(file.attrs["metadata"])["source_name"] == kept


# ----- what HDF5 writes into


@given(st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=60), st.integers(0, 80)), max_size=12))
def test_the_file_in_memory_is_a_file(operations: list[tuple[int, bytes, int]]):
    """HDF5 may read what it wrote: each write is followed by a read around it."""
    ours, reference = io.BufferedRandom(hdf5._SparseFile(), 1), io.BytesIO()
    for offset, data, count in operations:
        for file in (ours, reference):
            file.seek(offset)
        if data:  # an empty write leaves a BytesIO as short as it was
            assert ours.write(data) == reference.write(data)
        assert ours.tell() == reference.tell()
        begin = max(0, offset - 20)
        assert ours.seek(begin) == reference.seek(begin)
        assert ours.read(count) == reference.read(count)
    assert ours.seek(0, io.SEEK_END) == len(reference.getvalue())


def test_an_hdf5_that_puts_the_vectors_elsewhere(build_bytes: BuildBytes, monkeypatch: pytest.MonkeyPatch):
    """They are written before it is asked."""
    monkeypatch.setattr(writer, "VECTORS_OFFSET", writer.VECTORS_OFFSET - 4096)
    with pytest.raises(RuntimeError, match=r"expected HDF5 to put vectors at \d+, got \d+"):
        build_bytes(b"a 1 2\n")
