"""gzip, bzip2, xz and zstd: the text comes out whole, or an error says what is wrong; never a part of it."""

from __future__ import annotations

import lzma
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packing import LONG_TEXT, PACKERS, SIGNATURE_BYTES, TEXT, deflate, gzip_with_everything, pack_zstd, read_source

from glovestore import TextFormatError
from glovestore.sources import compressed, decoding
from glovestore.sources.decoding import PIECE, SMALLEST_SLICE, Feed, ZlibInflater
from glovestore.sources.files import BLOCK, open_source

ZEROS = 1 << 25


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.packed"


@pytest.fixture(params=[True, False], ids=["isal", "zlib"])
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inflate with isal, and with the zlib that takes its place."""
    assert decoding.HAS_ISAL, "the tests need isal"
    monkeypatch.setattr(decoding, "HAS_ISAL", request.param)


def error_of(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(TextFormatError) as caught:
        read_source(path)
    assert caught.value.path == str(path)
    return caught.value.problem


KINDS = pytest.mark.parametrize("kind", PACKERS)
BEHIND_ALL = f"behind {len(TEXT)} bytes of text: "

# ------------------------------------------------------------------ whole files


@KINDS
@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("text", [b"", b"a", TEXT, LONG_TEXT, bytes(3 * PIECE), bytes(PIECE)])
def test_a_text_comes_out_as_it_went_in(path: Path, kind: str, text: bytes):
    packed = PACKERS[kind](text)
    path.write_bytes(packed)
    with open_source(path) as source:
        assert (source.path, source.name, source.size) == (path, "glove.packed", len(packed))
        assert (source.regular, source.fileno(), source.head, source.position) == (False, None, b"", 0)
    assert read_source(path) == text


@KINDS
@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize(
    "parts", [[TEXT, TEXT], [b"", TEXT, b"", LONG_TEXT, b""], [b"%d 1\n" % i for i in range(3000)]]
)
def test_streams_one_behind_the_other(path: Path, kind: str, parts: list[bytes]):
    path.write_bytes(b"".join(map(PACKERS[kind], parts)))
    assert read_source(path) == b"".join(parts)


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("zeros", [1, 511, 1 << 20])
def test_gzip_with_padding(path: Path, zeros: int):
    packed = PACKERS["gzip"](TEXT)
    path.write_bytes(packed + bytes(zeros))
    assert read_source(path) == TEXT
    problem = error_of(path, packed + bytes(zeros) + packed)
    assert problem.endswith(BEHIND_ALL + "expected the end of the file behind its padding of zero bytes, got more")


def test_xz_with_padding(path: Path):
    packed = PACKERS["xz"](TEXT)
    path.write_bytes(packed + bytes(8) + packed + bytes(1 << 19))
    assert read_source(path) == 2 * TEXT
    for content in (packed + bytes(3), packed + bytes(6) + packed):
        assert BEHIND_ALL + "expected a multiple of 4 zero bytes between streams, got" in error_of(path, content)


@pytest.mark.parametrize("check", [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256])
def test_xz_with_every_check(path: Path, check: int):
    path.write_bytes(lzma.compress(TEXT, check=check))
    assert read_source(path) == TEXT


def test_zstd_with_frames_to_skip(path: Path):
    skipped = b"\x5a\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    path.write_bytes(skipped + pack_zstd(TEXT) + skipped + pack_zstd(TEXT))
    assert read_source(path) == 2 * TEXT


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("name", [b"", b"x" * 63, b"x" * 64, b"x" * 65_535])
def test_gzip_with_every_field(path: Path, name: bytes):
    packed = gzip_with_everything(TEXT, name)
    path.write_bytes(packed + packed)
    assert read_source(path) == 2 * TEXT


# ---------------------------------------------------------------------- damage


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


def flips(content: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(len(content)):
        for bit in range(8):
            yield at, content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


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
def test_what_gzip_says_of_its_text(path: Path):
    packed = PACKERS["gzip"](TEXT)
    crc, size = zlib.crc32(TEXT), len(TEXT)
    wrong_crc = packed[:-8] + (crc ^ 1).to_bytes(4, "little") + packed[-4:]
    wrong_size = packed[:-4] + (size + 1).to_bytes(4, "little")
    start = "expected a sound gzip file, got one that cannot be read " + BEHIND_ALL
    assert error_of(path, wrong_crc) == start + f"expected CRC-32 {crc ^ 1:08x}, as it says itself, got {crc:08x}"
    assert error_of(path, wrong_size) == start + f"expected {size + 1} bytes of text, as it says itself, got {size}"
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


# -------------------------------------------------------------- memory and speed


@KINDS
@pytest.mark.usefixtures("inflater")
def test_zeros_do_not_unfold_into_memory(path: Path, kind: str):
    path.write_bytes(PACKERS[kind](bytes(ZEROS)))
    with open_source(path) as source:
        tracemalloc.start()
        size = sum(map(len, source.pieces()))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size == ZEROS
    assert peak < 8 << 20


@pytest.mark.usefixtures("inflater")
def test_the_first_piece_of_a_gigabyte_of_zeros(path: Path):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + 1024 * mebibyte)
    with open_source(path) as source:
        tracemalloc.start()
        assert next(source.pieces()) == bytes(PIECE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert source.position <= BLOCK
    assert peak < 4 << 20


def test_many_tiny_streams_are_fed_in_small_slices():
    """However much of a block is unused behind a stream, what the decoder gets for the next one is small."""
    block = bytes(BLOCK)
    blocks = iter([block, b""])
    source = Feed(lambda count: next(blocks))
    assert [len(source.take()) for _ in range(6)] == [1 << 14, 1 << 15, 1 << 16, 1 << 17, SMALLEST_SLICE, 0]
    source.give_back(10)
    assert len(source.take()) == 10


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=9), st.data())
def test_a_feed_loses_nothing(blocks: list[bytes], data: st.DataObject):
    left = iter([*blocks, *[b""] * 99])
    source, whole, at = Feed(lambda count: next(left)), b"".join(blocks), 0
    for _ in range(data.draw(st.integers(0, 12))):
        count = data.draw(st.integers(0, 20))
        match data.draw(st.sampled_from(["peek", "skip", "take", "zeros"])):
            case "peek":
                assert source.peek(count) == whole[at : at + count]
            case "skip":
                assert source.skip(count) == whole[at : at + count]
                at = min(len(whole), at + count)
            case "take":
                taken = bytes(source.take())
                assert taken == whole[at : at + len(taken)] and bool(taken) == (at < len(whole))
                unused = min(count, len(taken))
                source.give_back(unused)
                at += len(taken) - unused
            case "zeros":
                rest = whole[at:].lstrip(b"\0")
                assert source.skip_zeros() == len(whole) - at - len(rest)
                at = len(whole) - len(rest)


@given(st.integers(1, 50), st.integers(1, 300))
def test_the_zlib_inflater_with_pieces_and_slices_of_every_size(slice_size: int, piece_size: int):
    packed, inflater, text, at = deflate(TEXT) + b"behind", ZlibInflater(), b"", 0
    while not inflater.eof:
        data = b""
        if inflater.needs_input:
            data = packed[at : at + slice_size]
            at += len(data)
            assert data
        piece = inflater.decompress(data, piece_size)
        assert len(piece) <= piece_size
        text += piece
    assert text == TEXT
    assert packed[at - len(inflater.unused_data) :] == b"behind"


# ------------------------------------------------------------- missing packages

WITHOUT = """
import sys
from pathlib import Path
sys.modules[sys.argv[1]] = None
from glovestore.sources import decoding
from glovestore.sources.files import open_source
with open_source(Path(sys.argv[2])) as source:
    sys.stdout.buffer.write(b"".join(source.pieces()))
assert decoding.HAS_ISAL == (sys.argv[1] != "isal")
"""


def run_without(module: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-P", "-c", WITHOUT, module, path], capture_output=True, check=False)


def test_without_isal(path: Path):
    path.write_bytes(PACKERS["gzip"](TEXT))
    done = run_without("isal", path)
    assert (done.stdout, done.stderr) == (TEXT, b"")


def test_without_zstd(path: Path):
    path.write_bytes(PACKERS["zstd"](TEXT))
    module = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    assert f'ImportError: {path}: zstd needs a package: pip install "glovestore[zstd]"' in (
        run_without(module, path).stderr.decode()
    )
    path.write_bytes(PACKERS["xz"](TEXT))
    assert run_without(module, path).stdout == TEXT
