"""A damaged or hostile store: StoreFormatError or a miss; never a crash, a hang, or a read outside of it."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from damage import HEADER_SIZE, json_text, refuse, sign, spans
from shared import SMALL_ROWS

import glovestore
from glovestore import StoreFormatError, TextFormatError

# ----- what is no small_store, or not all of one


def test_the_store_itself_is_fine(copy: Path):
    with glovestore.open(copy) as opened:
        opened.verify()
        assert len(opened) == SMALL_ROWS


def test_truncated_anywhere(copy: Path, small_store: bytes):
    size = len(small_store)
    around_borders = [*range(70), *range(HEADER_SIZE - 2, HEADER_SIZE + 2), *range(size - 40, size)]
    for length in [*around_borders, *range(0, size, 997)]:
        copy.write_bytes(small_store[:length])
        with pytest.raises(StoreFormatError):
            glovestore.open(copy, build=False)
        if length > 70:  # a store that is cut before may be anything
            with pytest.raises(StoreFormatError):
                glovestore.open(copy)


def test_longer_than_it_says(copy: Path, small_store: bytes):
    for more in (b"\0", b"x", bytes(4096), bytes(100_000)):
        copy.write_bytes(small_store + more)
        refuse(copy, "end|checksum|block")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", bytes(100), bytes(100_000), b"a 1 2\nb 3 4\n", b"\x89HDF\r\n\x1a\n" + bytes(1000), b"\xff" * 100_000,
     b"\x10\0\0\0\0\0\0\0{\"a\":1}         ", struct.pack("<Q", 2) + b"{}"],
)  # fmt: skip
def test_other_files(tmp_path: Path, content: bytes):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(StoreFormatError, match="expected"):
        glovestore.open(path, build=False)


@pytest.mark.parametrize("content", [b"", b"\0", bytes(100_000), b"\x89HDF\r\n\x1a\n" + bytes(1000), b"\xff" * 100_000])
def test_neither_a_store_nor_vectors(tmp_path: Path, content: bytes):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(TextFormatError, match="expected"):
        glovestore.open(path)


def test_a_text_file_says_how_to_build_it(tmp_path: Path):
    path = tmp_path / "my vectors.txt"
    path.write_bytes(b"the 1 2\n")
    with pytest.raises(StoreFormatError) as caught:
        glovestore.open(path, build=False)
    assert f"glovestore build '{path}' '{tmp_path / 'my vectors.h5'}'" in str(caught.value)


def test_what_cannot_be_opened(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="missing"):
        glovestore.open(tmp_path / "missing.h5")
    with pytest.raises(IsADirectoryError, match="directory"):
        glovestore.open(tmp_path)


BAD_LENGTHS = {
    **dict.fromkeys([0, 1, 40, 48, (1 << 64) - 1], "expected a header of at most"),
    **dict.fromkeys([49, 56, HEADER_SIZE - 9, HEADER_SIZE - 7], "damaged header"),
    **dict.fromkeys([100_000, 1 << 20], "truncated: expected a header of"),
    **dict.fromkeys([(1 << 20) + 1, 1 << 32, (1 << 63) - 8, (1 << 64) - 8], "expected a header of at most"),
}


@pytest.mark.parametrize(("length", "expected"), BAD_LENGTHS.items())
def test_wrong_header_length(copy: Path, small_store: bytes, length: int, expected: str):
    copy.write_bytes(struct.pack("<Q", length) + small_store[8:])
    refuse(copy, expected)


def with_header_size(store: bytes, size: int) -> bytes:
    return sign(struct.pack("<Q", size - 8) + json_text(store).ljust(size - 8)) + store[HEADER_SIZE:]


@pytest.mark.parametrize("size", [HEADER_SIZE + 4096, 1 << 20])
def test_a_longer_header_is_read(copy: Path, small_store: bytes, size: int):
    """The header's length is whatever the file says; 16,384 is only what this version writes."""
    copy.write_bytes(with_header_size(small_store, size))
    with glovestore.open(copy) as opened:
        assert opened["token7"].tolist() == [7.0, 7.5, -7.0]


def test_a_header_beyond_one_mebibyte(copy: Path, small_store: bytes):
    copy.write_bytes(with_header_size(small_store, (1 << 20) + 4096))
    refuse(copy, "expected a header of at most 1048576 bytes, got a length of 1052664")


def test_each_byte_of_the_header_flipped(copy: Path, small_store: bytes):
    used = 8 + len(json_text(small_store))
    with copy.open("r+b", buffering=0) as file:
        for position in [*range(used), *range(used, HEADER_SIZE, 101), HEADER_SIZE - 1]:
            for mask in (0x01, 0x80) if position % 3 else (0xFF, 0x20):
                file.seek(position)
                file.write(bytes([small_store[position] ^ mask]))
                with pytest.raises(StoreFormatError):
                    glovestore.open(copy, build=False)
            file.seek(position)
            file.write(small_store[position : position + 1])
    glovestore.open(copy).verify()


# ----- damage behind the header


def use(path: Path, tokens: list[str | bytes]) -> None:
    """Do everything that follows a store's own numbers; the answers may be wrong, but they are answers."""
    opened = glovestore.open(path)
    found = opened.rows(tokens)
    assert ((found >= -1) & (found < SMALL_ROWS)).all()
    for row in range(SMALL_ROWS):
        try:
            assert isinstance(opened.tokens[row], str)
        except StoreFormatError as error:
            assert "token_offsets" in error.problem
    opened.matrix(tokens)
    opened.close()


STORED = [*(f"token{i}" for i in range(60)), b"caf\xc3\xa9", "caf\xe9", b"\xff", ""]
TOKENS: list[str | bytes] = [*STORED, "absent", b"\0", "x" * 1000]


@pytest.mark.filterwarnings("ignore::glovestore.CoverageWarning")
def test_flipped_bytes_of_index_and_tokens(copy: Path, small_store: bytes):
    with copy.open("r+b", buffering=0) as file:
        for begin, end in spans(small_store, "index_slots", "token_offsets", "token_bytes"):
            for position in range(begin, end):
                file.seek(position)
                file.write(bytes([small_store[position] ^ (0x80 if position % 2 else 0xFF)]))
                use(copy, TOKENS)
                file.seek(position)
                file.write(small_store[position : position + 1])


@pytest.mark.filterwarnings("ignore::glovestore.CoverageWarning")
@pytest.mark.parametrize("name", ["index_slots", "token_offsets", "token_bytes"])
@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x80", b"\x01", None], ids=["00", "ff", "80", "01", "random"])
def test_index_and_tokens_overwritten(copy: Path, small_store: bytes, name: str, fill: bytes | None):
    ((begin, end),) = spans(small_store, name)
    random_ = random.Random(begin)
    for _ in range(1 if fill else 50):
        junk = fill * (end - begin) if fill else random_.randbytes(end - begin)
        copy.write_bytes(small_store[:begin] + junk + small_store[end:])
        use(copy, TOKENS)
        with pytest.raises(StoreFormatError):
            glovestore.open(copy).verify()


@pytest.mark.filterwarnings("ignore::glovestore.CoverageWarning")
def test_slots_that_name_every_row_and_more(copy: Path, small_store: bytes):
    """Slots with the right hash and a row that is not there: a miss."""
    ((begin, end),) = spans(small_store, "index_slots")
    slots = np.frombuffer(small_store[begin:end], "<u8").copy()
    for row in (0, SMALL_ROWS, SMALL_ROWS + 1, 2**31, 2**32 - 2):
        slots[slots != 0] = (slots[slots != 0] >> 32 << 32) | (row + 1)
        copy.write_bytes(small_store[:begin] + slots.tobytes() + small_store[end:])
        use(copy, TOKENS)


def test_a_file_that_is_cut_while_it_is_copied(copy: Path, small_store: bytes, monkeypatch: pytest.MonkeyPatch):
    pread = os.pread

    def after_a_cut(fd: int, size: int, offset: int) -> bytes:
        if size == len(small_store):
            os.truncate(copy, 20_000)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", after_a_cut)
    with pytest.raises(StoreFormatError, match=rf"truncated: expected {len(small_store)} bytes, got 20000"):
        glovestore.open(copy, copy=True)


def test_a_copy_survives_a_truncated_file(copy: Path, small_store: bytes):
    """A map would not: the next access to what is gone kills the process."""
    opened = glovestore.open(copy, copy=True)
    copy.write_bytes(b"")
    assert opened["token7"].tolist() == [7.0, 7.5, -7.0]
    assert opened.rows(STORED).tolist() == [*range(60), 60, 60, 61, 62]
    with pytest.raises(StoreFormatError, match="truncated"):
        opened.verify()
