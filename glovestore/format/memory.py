"""A store's memory: a map of its file, or a copy of it, handed out once the header has passed its checks."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import numpy as np

from glovestore import _core
from glovestore.errors import StoreFormatError, naming
from glovestore.format.header import header_length, read_layout
from glovestore.format.layout import DTYPES, HEADER_SIZE, Layout, Tensor

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from numpy.typing import NDArray

    Memory: TypeAlias = _core.FileMap | bytes

READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)  # a pipe, too, is opened without waiting
PREFAULT_STEP = 64 << 20  # what is read between two looks at signals

_DTYPES = {name: np.dtype(dtype) for name, dtype in DTYPES.items()}
_USUAL_LENGTH = (HEADER_SIZE - 8).to_bytes(8, "little")


def absolute(path: str | os.PathLike[str]) -> str:
    """Return the path as `Path.absolute` has it, without the work if it is like that already."""
    text = os.fspath(path)
    if type(text) is str and text.startswith("/") and "//" not in text and "/." not in text and not text.endswith("/"):
        return text
    from pathlib import Path  # 4 ms, and most paths do without

    return str(Path(path).absolute())


def load(
    path: str, copy: bool = False, copy_on_write: bool = False, fingerprint: str | None = None
) -> tuple[Layout, Memory]:
    """Return a validated layout and the file's memory: a map, for `copy` its bytes.

    fingerprint: refuse a file with another one. Raises StoreFormatError, or OSError for what the system refuses.
    """
    fd = os.open(path, READ_FLAGS)
    with naming(path):
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise _no_file(status.st_mode, path)
            size = status.st_size
            layout = read_layout(_read_header(fd, size, path), size, path)
            if fingerprint is not None and layout.fingerprint != fingerprint:
                raise StoreFormatError(
                    f"expected fingerprint {fingerprint}, got {layout.fingerprint}: another store in its place", path
                )
            if not copy:
                return layout, _core.FileMap(fd, size, copy_on_write)
            memory = read_all(fd, size, 0)
        finally:
            os.close(fd)
    if len(memory) != size:
        raise StoreFormatError(f"truncated: expected {size} bytes, got {len(memory)}", path)
    return layout, memory


def _no_file(mode: int, path: str) -> Exception:
    if stat.S_ISDIR(mode):
        return IsADirectoryError(f"{path}: expected a store or a vectors file, got a directory: name the file in it")
    return StoreFormatError(
        "expected a regular file, got a pipe or a device, which can be neither mapped nor read twice: save it to a"
        " file, or build a store from it first (`glovestore build`)",
        path,
    )


def array_of(memory: Memory, tensor: Tensor) -> NDArray[Any]:
    """Return one array over the memory, which it keeps alive."""
    buffer: Any = memory  # FileMap is a buffer, which type checkers see from Python 3.12 on
    return np.ndarray(tensor.shape, _DTYPES[tensor.dtype], buffer, tensor.offset)


def prefault(memory: Memory, path: str) -> int:
    """Bring all of a map into memory, and return its bytes. A file truncated meanwhile is a StoreFormatError."""
    if isinstance(memory, bytes):
        return len(memory)
    try:
        for begin in range(0, len(memory), PREFAULT_STEP):
            memory.prefault(begin, min(begin + PREFAULT_STEP, len(memory)))
    except OSError as error:
        found = os.stat(path).st_size
        if found < len(memory):
            raise StoreFormatError(f"truncated: expected {len(memory)} bytes, got {found}", path) from None
        raise OSError(error.errno, error.strerror, path) from None
    return len(memory)


def advise(memory: Memory, advice: str) -> None:
    """Tell the system how a map's pages will be asked for; the advices are `_core.ADVICES`."""
    if advice not in _core.ADVICES:
        raise ValueError(f"advice: expected one of {', '.join(map(repr, _core.ADVICES))}, got {advice!r}")
    if not isinstance(memory, bytes):
        memory.advise(advice)


def _read_header(fd: int, size: int, path: str) -> bytes:
    """Return the whole header, or of a file that has none so much that `read_layout` can say so."""
    start = read_all(fd, min(size, HEADER_SIZE), 0)
    if not start.startswith(_USUAL_LENGTH):
        start += read_all(fd, max(0, header_length(start, size, path) - len(start)), len(start))
    return start


def read_all(fd: int, size: int, offset: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the file."""
    parts = []
    while size > 0 and (part := os.pread(fd, size, offset)):
        parts.append(part)
        size, offset = size - len(part), offset + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
