"""gzip, bzip2, xz and zstd files that are cut or damaged: an error says so, and no part of the text passes for all."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from packing import (
    BEHIND_ALL,
    KINDS,
    LONG_TEXT,
    PACKERS,
    SIGNATURE_BYTES,
    TEXT,
    error_of,
    flips,
    gzip_with_everything,
    read_source,
)

from glovestore import TextFormatError
from glovestore.streams import compressed
from glovestore.streams.files import open_source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.packed"


@KINDS
@pytest.mark.usefixtures("inflater")
def test_every_cut_is_an_error(path: Path, kind: str):
    packed = PACKERS[kind](TEXT)
    for size in range(SIGNATURE_BYTES[kind], len(packed)):
        assert f"expected a whole {kind} file, got one that ends after" in error_of(path, packed[:size])
    for size in range(len(packed) + 1, 2 * len(packed)):
        error_of(path, (packed + packed)[:size])
    assert error_of(path, (packed + packed)[:-1]).endswith(f"ends after {2 * len(TEXT)} bytes of text")


@pytest.mark.usefixtures("inflater")
def test_every_cut_of_a_gzip_header_is_an_error(path: Path):
    packed = gzip_with_everything(TEXT)
    for size in range(2, len(packed)):
        assert error_of(path, packed[:size]).startswith("expected a whole gzip file, got one that ends after ")


@KINDS
def test_a_cut_in_a_long_file(path: Path, kind: str):
    packed = PACKERS[kind](LONG_TEXT)
    for size in range(len(packed) // 7, len(packed), len(packed) // 7):
        assert f"expected a whole {kind} file, got one that ends after " in error_of(path, packed[:size])


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("pack", [*PACKERS.values(), gzip_with_everything], ids=[*PACKERS, "gzip with every field"])
def test_every_flipped_bit_is_an_error_or_does_not_matter(path: Path, pack: Callable[[bytes], bytes]):
    packed, errors = pack(TEXT), 0
    for at, damaged in flips(packed):
        path.write_bytes(damaged)
        with open_source(path) as source:
            if source.fileno() is not None:
                assert at < 10, "only the first bytes make it something else"
                continue
            try:
                assert b"".join(source.pieces()) == TEXT, at
            except TextFormatError:
                errors += 1
    assert errors > 4 * len(packed)


@pytest.mark.usefixtures("inflater")
def test_what_gzip_says_of_its_text(path: Path, monkeypatch: pytest.MonkeyPatch):
    packed = PACKERS["gzip"](TEXT)
    crc, size = zlib.crc32(TEXT), len(TEXT)
    wrong_crc = packed[:-8] + (crc ^ 1).to_bytes(4, "little") + packed[-4:]
    wrong_size = packed[:-4] + (size + 1).to_bytes(4, "little")
    start = "expected a sound gzip file, got one that cannot be read " + BEHIND_ALL
    assert error_of(path, wrong_crc) == start + f"expected CRC-32 {crc ^ 1:08x}, as it says itself, got {crc:08x}"
    assert error_of(path, wrong_size) == start + f"expected {size + 1} bytes of text, as it says itself, got {size}"
    monkeypatch.setattr(compressed, "GZIP_LENGTHS", 100)  # as if the text were longer than 4 GiB
    path.write_bytes(packed[:-4] + (size % 100).to_bytes(4, "little"))
    assert size > 100 and read_source(path) == TEXT
    header = gzip_with_everything(TEXT)
    wrong_header = header.replace(b"comment", b"Comment")
    assert "behind 0 bytes of text: expected a header of CRC-16 " in error_of(path, wrong_header)
    assert error_of(path, b"\x1f\x8b\x07" + packed[3:]).endswith("expected compression method 8, deflate, got 7")
    assert error_of(path, b"\x1f\x8b\x08\x20" + packed[4:]).endswith("no reserved flags in the header, got 0x20")
    endless = b"\x1f\x8b\x08\x08" + packed[4:10] + b"x" * (1 << 18)
    assert error_of(path, endless).endswith("a name of at most 65536 bytes in the header, got a longer one")
    assert "behind 0 bytes of text: Error" in error_of(path, packed[:10] + b"\xff" * 90)


@KINDS
@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("garbage", [b"x", b"the 0.1 0.2\n", bytes(4) + b"x"])
def test_garbage_behind_the_end(path: Path, kind: str, garbage: bytes):
    start = f"expected a sound {kind} file, got one that cannot be read {BEHIND_ALL}expected the end of the file"
    assert error_of(path, PACKERS[kind](TEXT) + garbage).startswith(start)
    if kind in ("bzip2", "zstd"):
        problem = error_of(path, PACKERS[kind](TEXT) + bytes(1))
        assert problem.endswith(f"expected the end of the file or another {kind} stream, got a zero byte")


@KINDS
@pytest.mark.usefixtures("inflater")
def test_another_kind_behind_the_end(path: Path, kind: str):
    for other in PACKERS.keys() - {kind}:
        problem = error_of(path, PACKERS[kind](TEXT) + PACKERS[other](TEXT))
        assert f"expected the end of the file or another {kind} stream, got b'" in problem


def test_damage_in_each_kind_is_told_in_its_own_words(path: Path):
    for kind, words in {"bzip2": "Invalid data stream", "xz": "Corrupt input data", "zstd": "Zstandard"}.items():
        packed = bytearray(PACKERS[kind](LONG_TEXT))
        packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
        problem = error_of(path, bytes(packed))
        assert problem.startswith(f"expected a sound {kind} file, got one that cannot be read behind ")
        assert words in problem


def test_xz_that_needs_too_much_memory(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compressed, "XZ_MEMORY", 1 << 20)
    assert error_of(path, lzma.compress(TEXT, preset=6)).endswith("behind 0 bytes of text: Memory usage limit exceeded")
