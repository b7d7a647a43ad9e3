"""The page cache: bring files into it, drop them from it, and look how much of a file is there."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

import numpy as np

LIBC = ctypes.CDLL(None, use_errno=True)


def drop(path: Path) -> None:
    """Drop a file's pages, which must not be mapped by anybody. On tmpfs nothing happens."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # what is not on disk yet stays
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def cached_fraction(path: Path) -> float:
    """Return how much of a file is in the page cache, 0 to 1, as `mincore` tells."""
    size = path.stat().st_size
    if not size:
        return 0.0
    pages = np.zeros(-(-size // mmap.PAGESIZE), np.uint8)
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped:
        view = np.frombuffer(mapped, np.uint8)
        address = ctypes.c_void_p(view.ctypes.data)
        del view
        if LIBC.mincore(address, ctypes.c_size_t(size), ctypes.c_void_p(pages.ctypes.data)):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    return float((pages & 1).mean())
