"""convert: the bytes of a build with that dtype, and honest metadata where numbers were rounded before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import store_reader
from shared import ODD_TEXT, Built
from stored_reference import DTYPES, kept
from vectors_generator import generate

import glovestore
from glovestore import _core
from glovestore.simd import VARIABLE

BuildBytes = Callable[..., Built]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A store of each dtype, with duplicates and an odd token or two."""
    folder = tmp_path_factory.mktemp("converted")
    source = generate(folder / "source.txt", rows=5_000, dim=5)
    with source.open("ab") as file:
        file.write(b"caf\xe9 1e-8 2 3 4 5\n 0 0 0 0 0\ncaf\xe9 1 2 3 4 5")
    for dtype in DTYPES:
        glovestore.build(source, folder / f"{dtype}.h5", dtype=dtype)
    return {dtype: folder / f"{dtype}.h5" for dtype in DTYPES}


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_the_file_that_build_makes(built: dict[str, Path], dtype: str, tmp_path: Path):
    report = glovestore.convert(built["float32"], tmp_path / "new.h5", dtype=dtype)
    assert (tmp_path / "new.h5").read_bytes() == built[dtype].read_bytes()
    assert report.source_dtype == "float32"
    assert (report.rows, report.dim, report.dtype) == (len(glovestore.open(built[dtype])), 5, dtype)
    assert report.store_bytes == built[dtype].stat().st_size
    assert report.source_bytes == built["float32"].stat().st_size
    assert report.sources == (str(built["float32"]),)
    assert report.path == str(tmp_path / "new.h5")
    assert report.to_dict()["dtype"] == dtype
    assert f"in {dtype}, {report.store_bytes:,} bytes, " in str(report)


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
def test_in_every_tier(built: dict[str, Path], tier: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, tier)
    for dtype in DTYPES:
        glovestore.convert(built["float32"], tmp_path / "new.h5", dtype=dtype, overwrite=True, durable=False)
        assert (tmp_path / "new.h5").read_bytes() == built[dtype].read_bytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", ["float16", "int8"])
def test_of_rounded_vectors(built: dict[str, Path], source: str, dtype: str, tmp_path: Path):
    new = tmp_path / "new.h5"
    with glovestore.open(built[source]) as store:
        glovestore.convert(store, new, dtype=dtype)
        if source == dtype:
            assert new.read_bytes() == built[dtype].read_bytes()  # int8 too: not rounded twice
            return
        metadata, _ = store_reader.read(new)
        assert metadata.pop("rounded") == source
        assert metadata.keys() == store.metadata.keys()
        with glovestore.open(new) as made:
            made.verify()
            assert list(made.tokens) == list(store.tokens)
            expected = kept(store.decoded(0, len(store)), dtype)
            assert made.decoded(0, len(made)).tobytes() == expected.tobytes()


def test_rounded_more_than_once(built: dict[str, Path], tmp_path: Path):
    for number, (source, dtype, said) in enumerate(
        [
            (built["int8"], "float32", "int8"),
            (tmp_path / "0.h5", "float16", "int8"),
            (tmp_path / "1.h5", "float32", "int8, float16"),
            (tmp_path / "2.h5", "float32", "int8, float16"),
        ]
    ):
        glovestore.convert(source, tmp_path / f"{number}.h5", dtype=dtype)
        assert glovestore.open(tmp_path / f"{number}.h5").metadata["rounded"] == said


def test_every_trap_in_int8(odd_store: Built, tmp_path: Path):
    glovestore.build(ODD_TEXT, tmp_path / "built.h5", dtype="int8")
    glovestore.convert(odd_store.path, tmp_path / "converted.h5", dtype="int8")
    assert (tmp_path / "converted.h5").read_bytes() == (tmp_path / "built.h5").read_bytes()


def test_beyond_float16(build_bytes: BuildBytes, tmp_path: Path):
    path, _ = build_bytes(b"a 1 2\nb 3 65520\n")
    with pytest.raises(
        glovestore.GlovestoreError, match="row 1, token 'b': expected numbers within float16, got 65520 in"
    ):
        glovestore.convert(path, tmp_path / "new.h5", dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_wrong_arguments(built: dict[str, Path], tmp_path: Path):
    with pytest.raises(ValueError, match="dtype: expected float32, float16, int8, got 'int16'"):
        glovestore.convert(built["float32"], tmp_path / "new.h5", dtype=np.int16)
    with pytest.raises(FileNotFoundError):
        glovestore.convert(tmp_path / "none.h5", tmp_path / "new.h5", dtype="int8")
    closed = glovestore.open(built["float32"])
    closed.close()
    with pytest.raises(ValueError, match="expected an open store, got one that was closed"):
        glovestore.convert(closed, tmp_path / "new.h5", dtype="int8")
    assert list(tmp_path.iterdir()) == []


def test_the_callers_store_stays_open(built: dict[str, Path], tmp_path: Path):
    with glovestore.open(built["float32"]) as store:
        glovestore.convert(store, tmp_path / "new.h5", dtype="int8")
        assert not store.closed
