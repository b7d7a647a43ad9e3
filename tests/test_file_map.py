"""_core.FileMap: what is mapped, how long it lasts, and what it refuses."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from glovestore import _core

CONTENT = bytes(range(256)) * 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(CONTENT)
    return tmp_path / "file"


def mapped(path: Path, size: int = len(CONTENT), copy_on_write: bool = False) -> _core.FileMap:
    fd = os.open(path, os.O_RDONLY)
    try:
        return _core.FileMap(fd, size, copy_on_write)
    finally:
        os.close(fd)


def test_it_is_the_file(path: Path) -> None:
    for size in (1, 4095, 4096, 4097, len(CONTENT)):
        file_map = mapped(path, size)
        assert len(file_map) == size
        assert bytes(memoryview(file_map)) == CONTENT[:size]


def test_it_is_read_only_and_shared(path: Path) -> None:
    array = np.frombuffer(mapped(path), np.uint8)
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    with path.open("r+b") as file:
        file.write(b"\xff")
    assert array[0] == 255


def test_copy_on_write_stays_here(path: Path) -> None:
    array = np.frombuffer(mapped(path, copy_on_write=True), np.uint8)
    array[0] = 7
    assert array[:2].tolist() == [7, 1]
    assert path.read_bytes() == CONTENT


def test_views_keep_it(path: Path) -> None:
    array = np.frombuffer(mapped(path), np.uint8, 10, 5)
    path.unlink()
    assert array.tolist() == list(CONTENT[5:15])


def test_what_the_system_refuses(path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)) as caught:
        _core.FileMap(-1, 1)
    assert caught.value.errno == errno.EBADF
    for size in (0, -1):
        with pytest.raises(ValueError, match="expected at least one byte to map"):
            mapped(path, size)


def test_prefault_of_every_part(path: Path) -> None:
    file_map = mapped(path)
    for begin, end in ((0, 0), (0, 1), (4096, 8192), (1, 20_000), (5000, len(CONTENT)), (0, len(CONTENT))):
        file_map.prefault(begin, end)
    for begin, end in ((-1, 1), (2, 1), (0, len(CONTENT) + 1)):
        with pytest.raises(ValueError, match="expected a part of the map"):
            file_map.prefault(begin, end)


def test_every_advice(path: Path) -> None:
    file_map = mapped(path)
    assert _core.ADVICES == ("normal", "random", "sequential", "willneed")
    for advice in _core.ADVICES:
        file_map.advise(advice)
    with pytest.raises(ValueError, match="expected one of 'normal', 'random', 'sequential', 'willneed', got 'never'"):
        file_map.advise("never")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="reads Linux's page tables")
def test_prefault_fills_the_page_table(tmp_path: Path) -> None:
    size = 8 << 20
    (tmp_path / "large").write_bytes(bytes(size))
    file_map = mapped(tmp_path / "large", size)
    assert resident(file_map) < size
    file_map.prefault(0, size)
    assert resident(file_map) == size


def resident(file_map: _core.FileMap) -> int:
    """Return how many bytes of a map this process has in its page table: /proc/self/smaps."""
    start = np.frombuffer(file_map, np.uint8).ctypes.data  # type: ignore[call-overload]
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    assert any(line.startswith(f"{start:x}-") for line in lines)
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Rss:"))
