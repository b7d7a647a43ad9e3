"""Builds to be measured, and the physical floors below them: what the machine takes for the bytes alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loaders import Loader, check_build, check_bytes_inflated, check_bytes_read, check_bytes_written

import glovestore

PIECE = 1 << 20
DEFLATED_PIECE = 1 << 16  # the fastest of 16 KiB to 1 MiB


def build(source: Path, target: Path, **options: Any) -> glovestore.BuildReport:
    """Build the store; without a flush to disk unless asked for."""
    return glovestore.build(source, target, **{"durable": False, **options})


def build_from_pipe(source: Path, target: Path) -> glovestore.BuildReport:
    """Build from standard input, `cat source |` before it."""
    with subprocess.Popen(["cat", str(source)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        with standard_input(cat.stdout.fileno()):
            return build(Path("-"), target)


@contextmanager
def standard_input(descriptor: int) -> Iterator[None]:
    """Put a descriptor in the place of standard input, for a while."""
    before = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def read_once(source: Path) -> int:
    """Read the file into one small buffer; return its size."""
    descriptor = os.open(source, os.O_RDONLY)
    try:
        return read_pieces(descriptor, bytearray(PIECE))
    finally:
        os.close(descriptor)


def read_pieces(descriptor: int, buffer: bytearray) -> int:
    total = 0
    while size := os.preadv(descriptor, [buffer], total):
        total += size
    return total


def read_and_write(source: Path, target: Path, nbytes: int) -> tuple[int, Path]:
    """Read the file and write a new one of `nbytes`, renamed when it is whole, with nothing done in between."""
    read = read_once(source)
    unfinished = target.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    try:
        os.posix_fallocate(descriptor, 0, nbytes)  # faster than to let the file grow
        piece = memoryview(bytes(PIECE))
        for start in range(0, nbytes, PIECE):
            os.pwrite(descriptor, piece[: nbytes - start], start)
    finally:
        os.close(descriptor)
    unfinished.rename(target)
    return read, target


def inflate_once(source: Path) -> int:
    """Inflate a gzip file piece by piece with ISA-L, and throw the text away; return the text's size."""
    from isal import isal_zlib

    inflater = isal_zlib.decompressobj(wbits=31)
    total = 0
    with open(source, "rb", buffering=0) as file:
        while piece := file.read(DEFLATED_PIECE):
            total += len(inflater.decompress(piece))
    return total


GLOVESTORE = Loader("glovestore.build", build, check_build, "glovestore", rounds=7, warmup_rounds=1, writes=True)
FROM_PIPE = Loader(
    "standard input, from cat", build_from_pipe, check_build, "glovestore", rounds=5, warmup_rounds=1, writes=True
)
READ = Loader("floor: read once", read_once, check_bytes_read, rounds=7, warmup_rounds=1)
READ_AND_WRITE = Loader(
    "floor: read once, write once", read_and_write, check_bytes_written, rounds=7, warmup_rounds=1, writes=True
)
INFLATE = Loader(
    "floor: inflate alone (isal)", inflate_once, check_bytes_inflated, "isal", "isal", rounds=5, warmup_rounds=1
)
