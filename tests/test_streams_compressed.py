"""gzip, bzip2, xz and zstd: the text comes out whole, or an error says what is wrong; never a part of it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packing import BEHIND_ALL, KINDS, LONG_TEXT, PACKERS, TEXT, error_of, gzip_with_everything, pack_zstd, read_source

from glovestore.streams.decoding import PIECE, SMALLEST_PIECE
from glovestore.streams.files import open_source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.packed"


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


# ------------------------------------------------------------- missing packages

WITHOUT = """
import sys
from pathlib import Path
sys.modules[sys.argv[1]] = None
from glovestore.streams import decoding
from glovestore.streams.files import open_source
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


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_file_of_tiny_streams(tmp_path: Path, pack: Callable[[bytes], bytes]):
    """Their text comes in pieces that are worth the way, not one byte at a time."""
    path = tmp_path / "tiny"
    text = bytes(range(256)) * 150
    path.write_bytes(b"".join(map(pack, (text[i : i + 1] for i in range(len(text))))))
    with open_source(path) as source:
        assert source.peek(20_000) == text[:20_000]
        pieces = list(source.pieces())
    assert b"".join(pieces) == text
    assert [len(piece) for piece in pieces[:-1]] == [SMALLEST_PIECE] * (len(text) // SMALLEST_PIECE)
