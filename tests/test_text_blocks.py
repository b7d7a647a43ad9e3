"""No byte of a store, and no word of an error, depends on where the blocks of the source end."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import make_odd
import pytest
from comparing import assert_error_is
from reference import ReferenceError, read_text
from shared import ODD_TEXT
from tiny_texts import TINY

import glovestore
from glovestore.building import build_store
from glovestore.sources.reader import BLOCK_SIZE, ReadOptions

SMALL_BLOCKS = [1, 2, 3, 5, 7, 10, 20, 64, 1000]
LONGEST = max(make_odd.TOKENS, key=len)


def build_in_blocks(source: Path, target: Path, block_size: int, **options: Any) -> bytes:
    build_store(source, target, ReadOptions(**options, block_size=block_size), overwrite=True, durable=False)
    return target.read_bytes()


def odd_excerpt() -> bytes:
    """Return the fixture's strange rows without the longest one: a small file for small blocks."""
    lines = ODD_TEXT.read_bytes().split(b"\n")
    strange = [line for number, line in enumerate(lines) if number % 17 == 7 or number > 1_850]
    return b"\n".join(line for line in strange if not line.startswith(LONGEST))


def test_small_blocks(tmp_path: Path):
    source = tmp_path / "odd.txt"
    source.write_bytes(odd_excerpt())
    expected = build_in_blocks(source, tmp_path / "default.h5", BLOCK_SIZE)
    for block_size in SMALL_BLOCKS:
        assert build_in_blocks(source, tmp_path / "small.h5", block_size) == expected, block_size


@pytest.mark.parametrize("block_size", [999, 4096, 65_536, 100_003, 1 << 22])
def test_larger_blocks(tmp_path: Path, block_size: int):
    expected = build_in_blocks(ODD_TEXT, tmp_path / "default.h5", BLOCK_SIZE)
    assert build_in_blocks(ODD_TEXT, tmp_path / "other.h5", block_size) == expected


@pytest.mark.parametrize("block_size", [1, 7])
def test_tiny_files_in_small_blocks(tmp_path: Path, block_size: int):
    source, target = tmp_path / "source.txt", tmp_path / "store.h5"
    for text, options in TINY.values():
        if len(text) > 20_000:
            continue
        source.write_bytes(text)
        try:
            read_text(text, **options)
        except ReferenceError as expected:
            with pytest.raises(glovestore.TextFormatError) as caught:
                build_in_blocks(source, target, block_size, **options)
            assert_error_is(caught.value, expected, source)
        else:
            assert build_in_blocks(source, target, block_size, **options) == build_in_blocks(
                source, target, BLOCK_SIZE, **options
            )


def test_a_source_that_is_a_pipe(tmp_path: Path):
    """A pipe has no size and hands out what it has: 65,536 bytes at most, wherever that ends."""
    source, pipe = tmp_path / "file" / "odd.txt", tmp_path / "pipe" / "odd.txt"
    for path in (source, pipe):
        path.parent.mkdir()
    source.write_bytes(ODD_TEXT.read_bytes())
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(source.read_bytes(),))
    feeder.start()
    from_pipe = build_in_blocks(pipe, tmp_path / "pipe.h5", BLOCK_SIZE)
    feeder.join()
    assert from_pipe == build_in_blocks(source, tmp_path / "file.h5", BLOCK_SIZE)
