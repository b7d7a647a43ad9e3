"""The golden store: written once by the first version, never again, and read by every later one."""

from __future__ import annotations

from pathlib import Path

import h5py
import store_reader
from reference import read_text
from safetensors.numpy import load_file
from xxhash import xxh64_hexdigest

import glovestore

GOLDEN = Path(__file__).parent / "data" / "golden.h5"
GOLDEN_TEXT = Path(__file__).parent / "data" / "golden.txt"


def test_golden_store():
    expected = read_text(GOLDEN_TEXT.read_bytes(), header=True)
    store_reader.check(GOLDEN)
    metadata, arrays = store_reader.read(GOLDEN)
    assert arrays["vectors"].tobytes() == expected.values.tobytes()
    by_safetensors = load_file(GOLDEN)
    with h5py.File(GOLDEN, "r") as file, glovestore.open(GOLDEN) as store:
        store.verify()
        for name in arrays:
            assert file[name][...].tobytes() == by_safetensors[name].tobytes() == arrays[name].tobytes()
        assert store.vectors.tobytes() == expected.values.tobytes()
        assert store.rows(expected.tokens).tolist() == list(range(len(expected.tokens)))
        rows = [store_reader.find(arrays, metadata, token) for token in expected.tokens]
        assert rows == list(range(len(expected.tokens)))
        assert [token.encode("utf-8", "surrogateescape") for token in store.tokens] == expected.tokens
    assert (metadata["lines"], metadata["rows"], metadata["duplicates"]) == ("14", "12", "1")


def test_golden_store_is_never_regenerated():
    assert xxh64_hexdigest(GOLDEN.read_bytes()) == "73ad0274020f3019"


def test_a_store_of_today_has_the_arrays_of_the_golden_one(tmp_path: Path):
    glovestore.build(GOLDEN_TEXT, tmp_path / "today.h5")
    metadata, arrays = store_reader.read(tmp_path / "today.h5")
    golden_metadata, golden = store_reader.read(GOLDEN)
    for name in golden.keys() - {"block_checksums"}:  # another HDF5 may write its own bytes otherwise
        assert arrays[name].tobytes() == golden[name].tobytes()
    sums = {"header_xxh64", "block_checksums_xxh64"}
    assert {key: metadata[key] for key in metadata.keys() - sums} == {
        key: golden_metadata[key] for key in golden_metadata.keys() - sums
    }
