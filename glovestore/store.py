"""EmbeddingStore: vectors and tokens over a mapped file. Opening reads one header; nothing else is touched unasked."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from glovestore import _core
from glovestore.arguments import whole_number
from glovestore.cores import worker_threads
from glovestore.errors import StoreFormatError
from glovestore.format import layout
from glovestore.format.header import header_length, read_layout
from glovestore.format.verify import verify_file
from glovestore.matrix import EmbeddingMatrix, make_matrix
from glovestore.matrix.fallbacks import Rule
from glovestore.matrix.oov import Oov
from glovestore.matrix.vectors import Vectors
from glovestore.nearest import nearest_rows
from glovestore.strings import as_strings
from glovestore.tokens import Token, first_few

FIRST_READ = layout.HEADER_SIZE


class Tokens(Sequence[str]):
    """The tokens of a store in row order, decoded as they are asked for: UTF-8 with surrogateescape."""

    def __init__(self, offsets: NDArray[np.uint64], token_bytes: NDArray[np.uint8], path: Path) -> None:
        self._offsets = offsets
        self._bytes = token_bytes.data
        self._path = path

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        """Return the token of a row, or a list of the tokens of a slice."""
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(f"expected a row below {len(self)}, got {row}")
        return self.raw(row).decode("utf-8", "surrogateescape")

    def raw(self, row: int) -> bytes:
        """Return the bytes of a row's token."""
        row = row + len(self) if row < 0 else row
        begin, end = int(self._offsets[row]), int(self._offsets[row + 1])
        if not begin <= end <= len(self._bytes):
            raise StoreFormatError(
                f"token_offsets: row {row}: expected offsets that rise, got {begin}, {end}", self._path
            )
        return bytes(self._bytes[begin:end])

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        """Return the bytes of all tokens, one behind the other, and where in them each begins, and the last ends."""
        return np.frombuffer(self._bytes, np.uint8), self._offsets

    def __repr__(self) -> str:
        return f"<{len(self):,} tokens: {first_few(self[:5])}>"


class EmbeddingStore:
    """Pretrained vectors over one mapped file: `store["the"]`, `store.rows(tokens)`, `store.matrix(vocab)`.

    Made by `glovestore.open`. The map is shared and read-only: any number of stores and processes use one copy of the
    file's pages. `vectors` (n, dim) float32, `norms` (n,) float32, `mean` and `std` (dim,) float64 are read-only arrays
    over it, valid for as long as they are referenced, also after `close`.
    """

    def __init__(self, path: str | os.PathLike[str], *, copy: bool = False) -> None:
        """Open the store at `path`. `copy` reads it into memory, which survives that somebody truncates the file."""
        self.path = Path(path).absolute()
        self._layout, memory = _load(self.path, copy)
        arrays = {name: _array(memory, self._layout.tensors[name]) for name in layout.TENSORS}
        self.vectors: NDArray[np.float32] = arrays["vectors"]
        self.norms: NDArray[np.float32] = arrays["norms"]
        self.mean: NDArray[np.float64] = arrays["mean"]
        self.std: NDArray[np.float64] = arrays["std"]
        self.tokens = Tokens(arrays["token_offsets"], arrays["token_bytes"], self.path)
        self.shape = self._layout.shape
        self._open_index: _core.TokenIndex | None = _core.TokenIndex(
            arrays["index_slots"],
            arrays["token_offsets"],
            arrays["token_bytes"],
            self._layout.index_seed,
            self._layout.longest_probe,
        )

    # ------------------------------------------------------------------ what it is

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.shape[1]

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """The dtype of the vectors."""
        return self.vectors.dtype

    @property
    def nbytes(self) -> int:
        """The size of the file in bytes."""
        return self._layout.file_size

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself and its source: FORMAT.md, "Metadata". A copy."""
        return dict(self._layout.metadata)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._open_index is None

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"<EmbeddingStore {str(self.path)!r}: {self.shape[0]:,} x {self.dim}{state}>"

    def token_arrays(self) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint64]], _core.TokenIndex]:
        """Return what `Vocabulary.from_store` borrows: (bytes, offsets) of the tokens, and their index."""
        return self.tokens.arrays(), self._index

    # ------------------------------------------------------------------ look-ups

    @property
    def _index(self) -> _core.TokenIndex:
        index = self._open_index
        if index is None:
            raise ValueError(f"{self.path}: expected an open store, got one that was closed")
        return index

    def rows(self, tokens: Iterable[Token]) -> NDArray[np.int64]:
        """Return the row of each token, -1 for absent ones: beware, `vectors[-1]` is the last row, not an error.

        `tokens` is any iterable of k str or bytes, numpy arrays of them included; the result is int64 (k,). A str
        stands for its UTF-8 bytes (surrogateescape); one with other lone surrogates is absent. Raises TypeError for
        anything else.
        """
        strings = as_strings(tokens)
        rows = np.empty(len(strings), np.int64)
        self._index.find(strings, rows, worker_threads())
        return rows

    def __contains__(self, token: object) -> bool:
        return isinstance(token, (str, bytes)) and self._index.row(token) >= 0

    def get(self, token: Token, default: Any = None) -> Any:
        """Return the token's vector, read-only float32 (dim,), or `default` if the store lacks it."""
        row = self._index.row(token)
        return default if row < 0 else self.vectors[row]

    def __getitem__(self, tokens: Token | Iterable[Token]) -> NDArray[np.float32]:
        """Return the vector of one token, (dim,) over the map, or of k tokens, a new (k, dim): read-only float32.

        Raises KeyError naming the first tokens that the store lacks.
        """
        if isinstance(tokens, (str, bytes)):
            row = self._index.row(tokens)
            if row < 0:
                raise KeyError(tokens)
            vector: NDArray[np.float32] = self.vectors[row]
            return vector
        rows = self._present(as_strings(tokens))
        vectors = np.empty((len(rows), self.dim), np.float32)
        _core.gather(self.vectors, rows, vectors, threads=worker_threads())
        vectors.flags.writeable = False
        return vectors

    def _present(self, tokens: _core.Strings) -> NDArray[np.int64]:
        """Return the rows of tokens that must all be there."""
        rows = self.rows(tokens)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            named = first_few([tokens[i] for i in missing[:6]])
            raise KeyError(f"{len(missing)} of {len(tokens)} tokens are not in the store: {named}")
        return rows

    # ------------------------------------------------------------------ what is made of it

    def matrix(
        self,
        vocab: Any,
        *,
        oov: Oov = "zeros",
        fallbacks: Iterable[str | Rule] = (),
        dtype: DTypeLike | None = None,
        out: NDArray[Any] | None = None,
    ) -> EmbeddingMatrix:
        """Return the matrix of a vocabulary, `.array` (len, dim), with its `.coverage`: see `matrix.make_matrix`."""
        source = Vectors(self.rows, self.vectors, self.mean, self.std)
        return make_matrix(vocab, source, oov=oov, fallbacks=fallbacks, dtype=dtype, out=out)

    def nearest(self, query: Any, k: int = 10) -> Any:
        """Return the k tokens nearest to `query` by cosine, best first: [(token, cosine), ...].

        `query` is a token (itself not among the results), a list of tokens, or an array of queries (dim,) or (q, dim).
        A list, and a (q, dim) array, give one such list for each query. Exact: every row is looked at. Ties go to the
        lower row. Raises KeyError for tokens that the store lacks.
        """
        k = whole_number("k", k)
        self._index  # noqa: B018  (a closed store is an error)
        if isinstance(query, (str, bytes)):
            return self._nearest_rows(self._present(as_strings([query])), k)[0]
        if isinstance(query, np.ndarray) and query.dtype.kind in "fiu":
            return self._nearest_vectors(query, k)
        return self._nearest_rows(self._present(as_strings(query)), k)

    def _nearest_rows(self, rows: NDArray[np.int64], k: int) -> list[list[tuple[str, float]]]:
        return self._named(self.vectors[rows], k, [[int(row)] for row in rows])

    def _nearest_vectors(self, query: NDArray[Any], k: int) -> list[Any]:
        if query.ndim not in (1, 2) or query.shape[-1] != self.dim:
            raise ValueError(f"expected queries of shape ({self.dim},) or (q, {self.dim}), got {query.shape}")
        queries = np.atleast_2d(query).astype(np.float32)
        if not np.isfinite(queries).all():
            raise ValueError("expected finite queries, got infinity or NaN")
        found = self._named(queries, k, [[] for _ in queries])
        return found[0] if query.ndim == 1 else found

    def _named(self, queries: NDArray[np.float32], k: int, left_out: list[list[int]]) -> list[list[tuple[str, float]]]:
        rows, cosines = nearest_rows(self.vectors, self.norms, queries, k, left_out)
        return [
            [(self.tokens[row], cosine) for row, cosine in zip(line, values, strict=True) if cosine > -np.inf]
            for line, values in zip(rows.tolist(), cosines.tolist(), strict=True)
        ]

    def vectors_copy_on_write(self) -> NDArray[np.float32]:
        """Return the vectors as a writable (n, dim) array over a private map: written pages are copied, the file stays.

        For frameworks that want to own their memory. The written pages count as this process's own memory.
        """
        self._index  # noqa: B018
        _, memory = _load(self.path, copy=False, access=mmap.ACCESS_COPY, expected=self._layout)
        return _array(memory, self._layout.tensors["vectors"])

    # ------------------------------------------------------------------ its life

    def verify(self) -> None:
        """Read everything: all block checksums, then each token's way through the index.

        Raises StoreFormatError at the first damage, naming the array and, in it, the rows.
        """
        self._index  # noqa: B018
        verify_file(self.path, self._layout, self._index)

    def close(self) -> None:
        """Drop the index and refuse further look-ups. The map goes with its last array."""
        self._open_index = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _load(
    path: Path, copy: bool, access: int = mmap.ACCESS_READ, expected: layout.Layout | None = None
) -> tuple[layout.Layout, Any]:
    """Return a validated layout and the file's memory: a map, or bytes for `copy`. `expected`: refuse another file."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        start = _read(file, min(size, FIRST_READ))
        header_size = header_length(start, size, path)
        start += _read(file, max(0, header_size - len(start)))
        found = read_layout(start, size, path)
        if expected is not None and found != expected:
            raise StoreFormatError("expected the store that was opened, got another one in its place", path)
        if not copy:
            return found, mmap.mmap(file.fileno(), size, access=access)
        file.seek(0)
        memory = _read(file, size)
    if len(memory) != size:
        raise StoreFormatError(f"truncated: expected {size} bytes, got {len(memory)}", path)
    return found, memory


def _read(file: Any, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end of the file."""
    parts = []
    while size > 0 and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _array(memory: Any, tensor: layout.Tensor) -> NDArray[Any]:
    dtype = np.dtype(layout.DTYPES[tensor.dtype])
    return np.frombuffer(memory, dtype, tensor.nbytes // dtype.itemsize, tensor.offset).reshape(tensor.shape)
