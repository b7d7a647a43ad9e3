"""verify(): whatever is wrong in a store that opens, it finds and names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import store_reader
from damage import HEADER_SIZE, spans, with_checksums
from shared import SMALL_TEXT, Built

import glovestore
from glovestore import StoreFormatError
from glovestore.format import verify


def test_verify_finds_each_flipped_byte(copy: Path, small_store: bytes):
    positions = [at for at in range(HEADER_SIZE, len(small_store)) if small_store[at] or at % 41 == 0]
    for name in ("vectors", "norms", "token_bytes", "block_checksums", "mean"):
        ((begin, end),) = spans(small_store, name)
        positions += [at for at in range(begin, end) if small_store[at] == 0]
    opened = glovestore.open(copy)
    with copy.open("r+b", buffering=0) as file:
        for position in positions:
            file.seek(position)
            file.write(bytes([small_store[position] ^ (1 << position % 8)]))
            with pytest.raises(StoreFormatError, match="damaged"):
                opened.verify()
            file.seek(position)
            file.write(small_store[position : position + 1])
    opened.verify()


def test_verify_names_the_array_and_the_rows(build_bytes: Callable[..., Built]):
    text = b"".join(b"t%d %d 1 2 3 4 5 6 7\n" % (i, i) for i in range(20_000))
    path = build_bytes(text).path
    data = path.read_bytes()
    ((begin, _),) = spans(data, "vectors")
    row = 12_345
    position = begin + row * 32 + 5
    path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
    with pytest.raises(StoreFormatError, match=r"vectors rows (\d+) to (\d+)") as caught:
        glovestore.open(path).verify()
    said = re.search(r"vectors rows (\d+) to (\d+)", caught.value.problem)
    assert said
    assert "norms" not in caught.value.problem
    first, last = int(said[1]), int(said[2])
    assert first <= row <= last < first + 2050  # 64 KiB of rows of 32 bytes


def test_verify_finds_a_lie_that_its_checksums_cover(copy: Path, small_store: bytes):
    """A slot emptied, all checksums made right again: only looking the tokens up finds that."""
    _, arrays = store_reader.read(copy)
    ((begin, _),) = spans(small_store, "index_slots")
    slot = int(np.flatnonzero(arrays["index_slots"])[5])
    damaged = bytearray(small_store)
    damaged[begin + 8 * slot : begin + 8 * slot + 8] = bytes(8)
    copy.write_bytes(with_checksums(bytes(damaged)))
    store_reader.check(copy)
    with pytest.raises(StoreFormatError, match="index_slots"):
        glovestore.open(copy).verify()


def test_a_store_replaced_while_open(copy: Path, small_store: bytes, build_bytes: Callable[..., Built]):
    opened = glovestore.open(copy)
    other = build_bytes(SMALL_TEXT.replace(b"token7 7", b"token7 8")).path.read_bytes()
    assert len(other) == len(small_store)
    copy.unlink()
    copy.write_bytes(other)
    with pytest.raises(StoreFormatError, match="another one in its place"):
        opened.verify()
    assert opened["token7"].tolist() == [7.0, 7.5, -7.0]  # the old file, as long as it is mapped


@pytest.mark.parametrize("change", [-1, 1, -30_000, 30_000])
def test_a_size_that_changed_while_open(copy: Path, small_store: bytes, change: int):
    opened = glovestore.open(copy, copy=True)
    copy.write_bytes((small_store + bytes(30_000))[: len(small_store) + change])
    with pytest.raises(StoreFormatError, match=rf"truncated or replaced: expected {len(small_store)} bytes, got"):
        opened.verify()


def test_a_file_that_is_cut_while_it_is_read(copy: Path, monkeypatch: pytest.MonkeyPatch):
    opened, preadv = glovestore.open(copy, copy=True), os.preadv

    def after_a_cut(fd: int, buffers: list[memoryview], offset: int) -> int:
        if offset:
            os.truncate(copy, HEADER_SIZE + 1)
        return preadv(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", after_a_cut)
    with pytest.raises(StoreFormatError, match=r"truncated: expected \d+ more bytes at byte \d+"):
        opened.verify()


def test_verify_names_damaged_checksums(copy: Path, small_store: bytes):
    ((begin, _),) = spans(small_store, "block_checksums")
    copy.write_bytes(small_store[:begin] + b"\xa5" + small_store[begin + 1 :])
    with pytest.raises(StoreFormatError, match="block_checksums: damaged: expected their XXH64 to be"):
        glovestore.open(copy).verify()


# ---------------------------------------------------------------------- quick, HDF5


def test_quick_looks_at_the_structure_only(copy: Path, small_store: bytes) -> None:
    opened = glovestore.open(copy)
    ((begin, _),) = spans(small_store, "vectors")
    with copy.open("r+b", buffering=0) as file:
        file.seek(begin)
        file.write(bytes([small_store[begin] ^ 1]))
    opened.verify(quick=True)
    with pytest.raises(StoreFormatError, match="vectors rows 0 to"):
        opened.verify()
    with copy.open("r+b", buffering=0) as file:
        file.seek(100)
        file.write(bytes([small_store[100] ^ 1]))
    with pytest.raises(StoreFormatError, match="damaged header"):
        opened.verify(quick=True)


def test_hdf5_agrees(copy: Path) -> None:
    glovestore.open(copy).verify(hdf5=True)


def renamed_dataset(data: bytes) -> bytes:
    """Give a dataset another name in HDF5's group."""
    at = data.index(b"norms", HEADER_SIZE)
    return data[:at] + b"NORMS" + data[at + 5 :]


def other_metadata(data: bytes) -> bytes:
    at = data.index(b'"source_name":"') + len(b'"source_name":"')
    return data[:at] + b"X" + data[at + 1 :]


def no_signature(data: bytes) -> bytes:
    return data[:HEADER_SIZE] + b"XXXX" + data[HEADER_SIZE + 4 :]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (renamed_dataset, "hdf5: "),
        (other_metadata, "hdf5: expected the attribute metadata to be the header's, got other values"),
        (no_signature, "hdf5: expected its library to read the file, got OSError: "),
    ],
)
def test_a_lie_to_hdf5_alone(copy: Path, small_store: bytes, damage: Callable[[bytes], bytes], expected: str) -> None:
    """Checksums made right again: whoever reads the header sees nothing, but HDF5's library would."""
    copy.write_bytes(with_checksums(damage(small_store)))
    opened = glovestore.open(copy)
    opened.verify()
    with pytest.raises(StoreFormatError, match=re.escape(expected)):
        opened.verify(hdf5=True)


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda arrays: arrays["norms"].__setitem__(2, 36_856), "['<f4', [63], 36856]"),
        (lambda arrays: arrays.pop("norms"), "None"),
    ],
    ids=["elsewhere", "missing"],
)
def test_hdf5_describes_other_arrays(
    copy: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], object], got: str
) -> None:
    described = verify._described_by_hdf5

    def changed(path: str) -> Any:
        found = described(path)
        change(found["arrays"])
        return found

    monkeypatch.setattr(verify, "_described_by_hdf5", changed)
    expected = f"hdf5: norms: expected dtype, shape and offset ['<f4', [63], 36864], got {got}"
    with pytest.raises(StoreFormatError, match=re.escape(expected)):
        glovestore.open(copy).verify(hdf5=True)


def test_hdf5_is_never_loaded_here(copy: Path) -> None:
    code = "import glovestore, sys; glovestore.open(sys.argv[1]).verify(hdf5=True); print('h5py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, copy], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_crash_of_the_library_is_damage(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGABRT)"  # ASAN keeps SIGSEGV to itself
    monkeypatch.setattr(subprocess, "run", lambda command, **options: real([sys.executable, "-c", kill], **options))
    with pytest.raises(StoreFormatError, match="hdf5: expected its library to read the file, got signal 6"):
        glovestore.open(copy).verify(hdf5=True)


def test_an_answer_of_the_library_that_does_not_come(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "HDF5_PATIENCE", 0)
    with pytest.raises(StoreFormatError, match="hdf5: expected an answer within 0 s, got none"):
        glovestore.open(copy).verify(hdf5=True)


def test_every_single_byte_is_covered_and_named(copy: Path, small_store: bytes) -> None:
    """Each byte of the file, header included, changed in one bit: opening or `verify` finds it and says where."""
    opened = glovestore.open(copy)
    silent = []
    with copy.open("r+b", buffering=0) as file:
        for position in range(len(small_store)):
            file.seek(position)
            file.write(bytes([small_store[position] ^ (1 << position % 8)]))
            try:
                opened.verify()
                silent.append(position)
            except StoreFormatError as error:
                assert error.problem[-1] not in " ,"
            file.seek(position)
            file.write(small_store[position : position + 1])
    assert silent == []
