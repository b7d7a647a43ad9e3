"""Stores of float16 and int8 that lie: a header that does not fit, and numbers that no writer writes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import Header, move_border, refuse, spans, with_checksums, with_header
from shared import SMALL_ROWS, SMALL_TEXT, Built

import glovestore

BuildBytes = Callable[..., Built]
Change = Callable[[Header], Any]


@pytest.fixture(scope="session")
def small_int8(build_bytes: BuildBytes) -> bytes:
    return build_bytes(SMALL_TEXT, dtype="int8").path.read_bytes()


@pytest.fixture(scope="session")
def small_float16(build_bytes: BuildBytes) -> bytes:
    return build_bytes(SMALL_TEXT, dtype="float16").path.read_bytes()


def entry(name: str, **values: Any) -> Change:
    return lambda header: header[name].update(values)


def renamed(name: str, new: str) -> Change:
    def change(header: Header) -> None:
        header[new] = header.pop(name)

    return change


def one_scale_less(header: Header) -> None:
    move_border(header, "scales", -4, 1)
    header["scales"]["shape"] = [SMALL_ROWS - 1]


def scales_at_an_odd_place(header: Header) -> None:
    move_border(header, "scales", -1, 1)
    move_border(header, "scales", -1, 0)


def no_scales(header: Header) -> None:
    begin, end = header["scales"]["data_offsets"]
    header["_hdf5_99"] = {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]}
    header["scales"] |= {"shape": [0], "data_offsets": [0, 0]}


LIES_ABOUT_INT8: dict[str, tuple[Change, str]] = {
    "no scales": (renamed("scales", "_hdf5_99"), "scales: expected with vectors of I8, and only with them, got I8"),
    "scales of another dtype": (entry("scales", dtype="F64"), "scales: expected dtype F32, got 'F64'"),
    "scales of two dimensions": (entry("scales", shape=[SMALL_ROWS, 1]), r"scales: expected shape \(63,\)"),
    "one scale less": (one_scale_less, r"scales: expected shape \(63,\), got \(62,\)"),
    "scales without a number": (no_scales, r"scales: expected shape \(63,\)"),
    "scales at an odd place": (scales_at_an_odd_place, "scales: expected an offset that is a multiple of 4"),
    "int8 as float16": (entry("vectors", dtype="F16"), "vectors: expected 378 bytes"),
    "int8 as float32": (entry("vectors", dtype="F32"), "vectors: expected 756 bytes"),
    "int8 as other bytes": (entry("vectors", dtype="U8"), "vectors: expected dtype F32 or F16 or I8, got 'U8'"),
    "int8 as another half": (entry("vectors", dtype="BF16"), "vectors: expected dtype"),
    "norms as int8": (entry("norms", dtype="I8"), "norms: expected dtype F32, got 'I8'"),
}


@pytest.mark.parametrize(("change", "expected"), LIES_ABOUT_INT8.values(), ids=list(LIES_ABOUT_INT8))
def test_headers_of_int8(tmp_path: Path, small_int8: bytes, change: Change, expected: str):
    (tmp_path / "copy.h5").write_bytes(with_header(small_int8, change))
    refuse(tmp_path / "copy.h5", expected)


def add_scales(header: Header) -> None:
    begin, end = header["norms"]["data_offsets"]
    header["scales"] = header["norms"] | {}
    header["norms"] = {"dtype": "F32", "shape": [SMALL_ROWS], "data_offsets": [begin, end]}


def filler_as_scales(header: Header) -> None:
    """Take bytes of a filler for scales."""
    name = next(name for name in header if name.startswith("_hdf5_") and header[name]["shape"][0] > 2000)
    begin, end = header[name]["data_offsets"]
    cut = begin + 4 * SMALL_ROWS
    header["scales"] = {"dtype": "F32", "shape": [SMALL_ROWS], "data_offsets": [begin, cut]}
    header[name] = {"dtype": "U8", "shape": [end - cut], "data_offsets": [cut, end]}


LIES_ABOUT_FLOAT16: dict[str, tuple[Change, str]] = {
    "scales": (filler_as_scales, "scales: expected with vectors of I8, and only with them, got F16"),
    "scales in the place of norms": (add_scales, "an overlap"),
    "float16 as int8": (entry("vectors", dtype="I8"), "vectors: expected 189 bytes"),
    "float16 as int8 of twice the dim": (
        entry("vectors", dtype="I8", shape=[SMALL_ROWS, 6]),
        r"mean: expected shape \(6,\)",
    ),
    "float16 as whole numbers": (entry("vectors", dtype="I16"), "vectors: expected dtype"),
}


@pytest.mark.parametrize(("change", "expected"), LIES_ABOUT_FLOAT16.values(), ids=list(LIES_ABOUT_FLOAT16))
def test_headers_of_float16(tmp_path: Path, small_float16: bytes, change: Change, expected: str):
    (tmp_path / "copy.h5").write_bytes(with_header(small_float16, change))
    refuse(tmp_path / "copy.h5", expected)


def use(path: Path) -> None:
    """Do everything with a store whose numbers are garbage."""
    with glovestore.open(path) as store, np.errstate(all="ignore"):
        store.verify()
        assert store["token7"].shape == (3,)
        assert store[store.tokens[:]].shape == (SMALL_ROWS, 3)
        assert store.matrix(store.tokens[:], dtype="float16").shape == (SMALL_ROWS, 3)
        assert len(store.nearest("token3", k=5)) <= 5
        assert len(store.nearest(np.ones((20, 3)), k=5)) == 20
        for dtype in ("float32", "int8"):
            glovestore.convert(store, path.with_name("converted.h5"), dtype=dtype, overwrite=True)
        glovestore.slice(store, path.with_name("part.h5"), store.tokens[3:9], overwrite=True)


@pytest.mark.parametrize("scale", [np.nan, np.inf, -np.inf, -1.0, 0.0, -0.0, 3e38, 1e-45])
def test_scales_that_no_writer_writes(tmp_path: Path, small_int8: bytes, scale: float):
    ((begin, end),) = spans(small_int8, "scales")
    scales = struct.pack("<f", scale) * SMALL_ROWS
    assert len(scales) == end - begin
    (tmp_path / "copy.h5").write_bytes(with_checksums(small_int8[:begin] + scales + small_int8[end:]))
    use(tmp_path / "copy.h5")


@pytest.mark.parametrize("half", [b"\0\x7c", b"\0\xfc", b"\1\x7c", b"\xff\x7f", b"\1\0", b"\0\x80"])
def test_halves_that_no_writer_writes(tmp_path: Path, small_float16: bytes, half: bytes):
    ((begin, end),) = spans(small_float16, "vectors")
    halves = half * (3 * SMALL_ROWS)
    (tmp_path / "copy.h5").write_bytes(with_checksums(small_float16[:begin] + halves + small_float16[end:]))
    use(tmp_path / "copy.h5")


def test_minus_128(tmp_path: Path, small_int8: bytes):
    ((begin, end),) = spans(small_int8, "vectors")
    data = small_int8[:begin] + b"\x80" * (end - begin) + small_int8[end:]
    (tmp_path / "copy.h5").write_bytes(with_checksums(data))
    use(tmp_path / "copy.h5")


def test_damage_is_named(tmp_path: Path, small_int8: bytes):
    ((begin, _),) = spans(small_int8, "scales")
    data = bytearray(small_int8)
    data[begin] ^= 1
    (tmp_path / "copy.h5").write_bytes(data)
    with glovestore.open(tmp_path / "copy.h5") as store, pytest.raises(glovestore.StoreFormatError) as caught:
        store.verify()
    assert "scales rows 0 to 62" in caught.value.problem
