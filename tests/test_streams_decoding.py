"""What decoders are fed and what they return: bounded memory, no byte lost, and other threads run meanwhile."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from gil import another_thread
from hypothesis import given
from hypothesis import strategies as st
from packing import KINDS, PACKERS, TEXT, deflate

from glovestore.streams.decoding import PIECE, SMALLEST_SLICE, Feed, ZlibInflater
from glovestore.streams.files import BLOCK, open_source

ZEROS = 1 << 25


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.packed"


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
    blocks = iter([bytes(BLOCK), bytes(BLOCK), b""])
    source = Feed(lambda count: next(blocks))
    kib = [len(source.take()) >> 10 for _ in range(4)]
    assert kib == [SMALLEST_SLICE >> 10, 32, 64, 128]
    source.give_back(1000)
    assert len(source.take()) == SMALLEST_SLICE
    assert [len(source.take()) for _ in range(3)] == [1000, 1 << 16, 1 << 17]


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


@KINDS
@pytest.mark.usefixtures("inflater")
def test_other_threads_run_while_a_file_is_decompressed(path: Path, kind: str):
    """No thread has to give the GIL away before its time: what the other one counts is what the decoder let it have."""
    packed = PACKERS[kind](b"token 0.12 0.34\n" * 50_000)
    assert len(packed) < BLOCK, "then nothing is read between the first two pieces"
    path.write_bytes(packed)

    def moved_meanwhile(count: Callable[[], int]) -> bool:
        with open_source(path) as source:
            pieces = source.pieces()
            next(pieces)
            before = count()
            next(pieces)
            return count() != before

    with another_thread() as count:
        assert any(moved_meanwhile(count) for _ in range(100))


def test_the_zlib_inflater_holds_text_when_all_input_is_used():
    """The last byte may stand for hundreds of bytes of text: whether pieces of 1, 2, ... fill up there or not."""
    text = b"ab" * 400
    for piece_size in range(1, len(text) + 2):
        inflater, pieces = ZlibInflater(), []
        data = deflate(text)
        while not inflater.eof:
            assert data or not inflater.needs_input
            pieces.append(inflater.decompress(data if inflater.needs_input else b"", piece_size))
            data = b""
        assert b"".join(pieces) == text
