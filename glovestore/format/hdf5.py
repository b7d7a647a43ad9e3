"""HDF5's own bytes of a store: superblock, groups, object headers. The arrays' bytes are the writer's.

h5py lays a file out whose datasets are never written; what it does write, about 4 KB, goes into a Python file object
and from there into the store. Only this file imports h5py, and only for writing.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glovestore.format.layout import DTYPES, HEADER_SIZE, Tensor, dtype_of
from glovestore.interrupts import deferred_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 4096


class Skeleton(NamedTuple):
    """A store without its content: HDF5's pieces as (offset, bytes), the arrays' places, and the file's size."""

    pieces: list[tuple[int, bytes]]
    tensors: dict[str, Tensor]
    file_size: int


def preload() -> None:
    """Import h5py, which takes about 0.1 s: in the calling thread while others parse, not in a thread of its own.

    CPython 3.11 may keep the lock of all imports for ever when Ctrl-C interrupts an import that waits for another
    thread's; the other one, and with it the end of the process, would wait for ever too.
    """
    with deferred_interrupt():
        import h5py  # noqa: F401


def make_skeleton(shapes: Mapping[str, tuple[int, ...]], metadata: str, vectors: str = "F32") -> Skeleton:
    """Lay out a file with one contiguous, page-aligned dataset per shape, and `metadata` as the root's one attribute.

    `vectors` is the dtype of the array of that name. The offset of the first dataset does not depend on any shape. The
    same arguments and HDF5 version give the same bytes.
    """
    import h5py

    file = _SparseFile()
    with h5py.File(
        file,
        "w",
        userblock_size=HEADER_SIZE,
        alignment_threshold=1,
        alignment_interval=PAGE,
        libver=("v110", "v110"),
        locking=False,
    ) as h5:
        tensors = {name: _create(h5, name, shape, dtype_of(name, vectors)) for name, shape in shapes.items()}
        h5.attrs["metadata"] = np.bytes_(metadata.encode("ascii"))
    return Skeleton(file.pieces, tensors, file.size)


def _create(h5: Any, name: str, shape: tuple[int, ...], dtype: str) -> Tensor:
    from h5py import h5d, h5p, h5s, h5t

    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_layout(h5d.CONTIGUOUS)
    creation.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5d.FILL_TIME_NEVER)
    creation.set_obj_track_times(False)
    dataset = h5d.create(
        h5.id, name.encode(), h5t.py_create(np.dtype(DTYPES[dtype])), h5s.create_simple(shape), creation
    )
    # HDF5 gives an empty dataset no place (and h5py a wrong one): by FORMAT.md it stands at the start.
    offset = dataset.get_offset() if math.prod(shape) else HEADER_SIZE
    return Tensor(dtype, shape, offset)


def describe(path: str) -> str:
    """Return what HDF5's library finds in a store, as JSON: the arrays [dtype, shape, offset], and `metadata`.

    Not for a process that has anything to lose: that library is not safe on hostile files.
    """
    import h5py

    with h5py.File(path, "r", locking=False) as h5:
        arrays = {}
        for name, dataset in h5.items():
            contiguous = dataset.chunks is None and dataset.compression is None
            offset = dataset.id.get_offset() if dataset.size and contiguous else None
            arrays[name] = [dataset.dtype.str, list(dataset.shape), offset]
        return json.dumps({"arrays": arrays, "metadata": json.loads(h5.attrs["metadata"])})


class _SparseFile(io.RawIOBase):
    """A file that remembers what was written where; bytes never written read as zero."""

    def __init__(self) -> None:
        self.pieces: list[tuple[int, bytes]] = []
        self.position = 0
        self.size = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = start + offset
        return self.position

    def truncate(self, size: int | None = None) -> int:
        self.size = self.position if size is None else size
        return self.size

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.pieces.append((self.position, piece))
        self.position += len(piece)
        self.size = max(self.size, self.position)
        return len(piece)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self.size - self.position))
        view[:count] = bytes(count)
        for start, part in self._overlaps(self.position, self.position + count):
            view[start - self.position : start - self.position + len(part)] = part
        self.position += count
        return count

    def _overlaps(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        for offset, piece in self.pieces:
            low, high = max(begin, offset), min(end, offset + len(piece))
            if low < high:
                yield low, piece[low - offset : high - offset]
