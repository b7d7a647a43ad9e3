"""EmbeddingStore: vectors and tokens over a mapped file. Opening reads one header; nothing else is touched unasked."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

import numpy as np

from glovestore import _core
from glovestore.arguments import whole_number
from glovestore.errors import StoreFormatError
from glovestore.format import memory
from glovestore.format.layout import OPTIONAL
from glovestore.strings import as_strings
from glovestore.threads import threads_for
from glovestore.tokens import first_few

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import DTypeLike, NDArray

    from glovestore.matrix import EmbeddingMatrix
    from glovestore.matrix.fallbacks import Rule
    from glovestore.matrix.oov import Oov
    from glovestore.subwords import Subwords


class Tokens(Sequence[str]):
    """The tokens of a store in row order, decoded as they are asked for: UTF-8 with surrogateescape."""

    def __init__(self, offsets: NDArray[np.uint64], token_bytes: NDArray[np.uint8], path: str) -> None:
        self._offsets = offsets
        self._bytes = token_bytes  # no memoryview: CPython 3.13 without a GIL may release one that threads share
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
        return self._bytes[begin:end].tobytes()

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        """Return the bytes of all tokens, one behind the other, and where in them each begins, and the last ends."""
        return self._bytes, self._offsets

    def __repr__(self) -> str:
        return f"<{len(self):,} tokens: {first_few(self[:5])}>"


class EmbeddingStore(_core.SingleLookups):
    """Pretrained vectors over one mapped file: `store["the"]`, `store.rows(tokens)`, `store.matrix(vocab)`.

    Made by `glovestore.open`. The map is shared and read-only: any number of stores and processes use one copy of the
    file's pages. `vectors` (n, dim) float32, `norms` (n,) float32, `mean` and `std` (dim,) float64 are read-only arrays
    over it, valid for as long as they are referenced, also after `close`.

    A store that was built with another `dtype` has `vectors` of float16, or of int8 with `scales` (n,) float32, which
    are None elsewhere: row i is vectors[i] * scales[i]. All look-ups give float32 nevertheless.

    A pickled store is its path and fingerprint, and is opened again where it arrives: StoreFormatError if the file was
    changed, FileNotFoundError if it is not there. `copy.copy` and `copy.deepcopy` return the store itself. Stores are
    equal if they have the same path, fingerprint and `copy=`.
    """

    def __init__(self, path: str | os.PathLike[str], *, copy: bool = False, fingerprint: str | None = None) -> None:
        """Open the store at `path`. `copy` reads it into memory, which survives that somebody truncates the file.

        A store with another fingerprint than the one that is asked for is a StoreFormatError.
        """
        self._path = memory.absolute(path)
        self._layout, self._memory = memory.load(self._path, copy, fingerprint=fingerprint)
        scaled = "scales" in self._layout.tensors
        self.scales: NDArray[np.float32] | None = self._array("scales") if scaled else None
        self._set_vectors(self._array("vectors"), self.scales)
        self.norms: NDArray[np.float32] = self._array("norms")
        self.mean: NDArray[np.float64] = self._array("mean")
        self.std: NDArray[np.float64] = self._array("std")
        offsets, token_bytes = self._array("token_offsets"), self._array("token_bytes")
        self.tokens = Tokens(offsets, token_bytes, self._path)
        self.shape = self._layout.shape
        slots, seed = self._array("index_slots"), self._layout.index_seed
        self._set_index(_core.TokenIndex(slots, offsets, token_bytes, seed, self._layout.longest_probe))

    def _array(self, name: str) -> NDArray[Any]:
        return memory.array_of(self._memory, self._layout.tensors[name])

    # ------------------------------------------------------------------ what it is

    @property
    def path(self) -> Path:
        """Where the file is: an absolute path."""
        from pathlib import Path

        return Path(self._path)

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that stand for all of the file: FORMAT.md's `header_xxh64`.

        It covers the header and, through the checksums that the header covers, every byte of the content: two builds
        with the same content have the same one. Damage behind the header does not change it; that is for `verify`. As
        an XXH64 it is no protection from somebody who means to deceive.
        """
        return self._layout.fingerprint

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the vectors in the file: float32, float16 or int8."""
        return self.vectors.dtype

    @property
    def nbytes(self) -> int:
        """The size of the file in bytes."""
        return self._layout.file_size

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says about itself and its source: FORMAT.md, "Metadata". A copy."""
        return dict(self._layout.metadata)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"<EmbeddingStore {str(self.path)!r}: {self.shape[0]:,} x {self.dim}{state}>"

    def optional_arrays(self) -> dict[str, NDArray[Any]]:
        """Return those arrays over the map that only some stores have: FORMAT.md, "Arrays"."""
        return {name: self._array(name) for name in OPTIONAL if name in self._layout.tensors}

    def token_arrays(self) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint64]], _core.TokenIndex]:
        """Return what `Vocabulary.from_store` borrows: (bytes, offsets) of the tokens, and their index."""
        return self.tokens.arrays(), self._index

    # ------------------------------------------------------------------ look-ups

    def rows(self, tokens: Any) -> NDArray[np.int64]:
        """Return the row of each token, -1 for absent ones: beware, `vectors[-1]` is the last row, not an error.

        `tokens` is any iterable of k `str` or `bytes`; an array of numpy's (S, U, StringDType, object); or an Arrow
        array of strings, of pyarrow, polars, pandas and others, whose nulls are absent. The result is int64 (k,). A str
        stands for its UTF-8 bytes (surrogateescape); one with other lone surrogates is absent. Large inputs are looked
        up by all cores. Arrow arrays, and numpy's of S and U, are read where they are, StringDType from a copy, all of
        them without the GIL; Python's objects are read with it. Raises TypeError for anything else.
        """
        if not isinstance(tokens, (list, tuple)):
            tokens = as_strings(tokens)
        rows = np.empty(len(tokens), np.int64)
        self._index.find(tokens, rows, threads_for(len(tokens)))
        return rows

    def _vectors_of(self, tokens: Any) -> NDArray[np.float32]:
        """Return the vectors of k tokens, a new read-only (k, dim); KeyError names the first that are missing."""
        rows = self._present(as_strings(tokens))
        vectors = np.empty((len(rows), self.dim), np.float32)
        _core.gather(self.stored, rows, vectors, threads=threads_for(len(rows)))
        vectors.flags.writeable = False
        return vectors

    def _decoded_row(self, row: int) -> NDArray[np.float32]:
        """Return the vector of a row that the file has in another dtype, a new read-only (dim,)."""
        vector = np.empty(self.shape[1], np.float32)
        self.stored.decode_row(row, vector)
        vector.flags.writeable = False
        return vector

    def decoded(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the vectors of rows start to stop as float32 (k, dim): over the map, if that has them, else new."""
        if self.dtype == np.float32:
            view: NDArray[np.float32] = self.vectors[start:stop]
            return view
        vectors = np.empty((stop - start, self.dim), np.float32)
        self.stored.decode(start, vectors)
        return vectors

    def _present(self, tokens: _core.Strings | list[Any]) -> NDArray[np.int64]:
        """Return the rows of tokens that must all be there."""
        rows = self.rows(tokens)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            named = first_few([tokens[i] for i in missing[:6]])
            raise KeyError(f"{len(missing)} of {len(tokens)} tokens are not in the store: {named}")
        return rows

    @property
    def subwords(self) -> Subwords | None:
        """The rows of character n-grams, of a store that was built from a fastText `.bin` or `.ftz`; else None."""
        self._index  # noqa: B018  (a closed store is an error)
        if "subword_vectors" not in self._layout.tensors:
            return None
        from glovestore.subwords import Subwords

        names = [name for name in OPTIONAL if name in self._layout.tensors]
        return Subwords.of_store({name: self._array(name) for name in names}, self._layout.metadata)

    def token_vectors(self, tokens: Any) -> NDArray[np.float32]:
        """Return the vector of each token, also of those that are not in the store, as fastText does: (k, dim), new.

        `tokens` are those of `rows`. One that the store has gets its row, any other the mean of the rows of its
        character n-grams: zeros if it has none, as a null or a token of more than 65,535 bytes. A `str` stands for its
        UTF-8 bytes (surrogateescape); one with other lone surrogates for those that "surrogatepass" gives. Raises
        ValueError for a store without subwords.
        """
        subwords = self.subwords
        if subwords is None:
            raise ValueError(f"{self.path}: expected a store with subwords, of a fastText .bin or .ftz file, got none")
        strings = as_strings(tokens)
        rows = self.rows(strings)
        vectors = np.empty((len(rows), self.dim), np.float32)
        _core.gather(self.stored, rows, vectors, threads=threads_for(len(rows)))
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            vectors[missing] = subwords.vectors_of(strings[i] for i in missing.tolist())
        return vectors

    # ------------------------------------------------------------------ what is made of it

    def matrix(
        self,
        vocab: Any,
        *,
        oov: Oov = "auto",
        fallbacks: Iterable[str | Rule] = (),
        dtype: DTypeLike | None = None,
        out: Any = None,
    ) -> EmbeddingMatrix:
        """Return the matrix of a vocabulary, `.array` (len, dim), with its `.coverage`: see `matrix.make_matrix`.

        oov "auto": tokens that are missing get the vectors of their subwords if the store has any, else zeros.
        """
        from glovestore.matrix import Vectors, make_matrix  # opening need not wait for them

        source = Vectors(self.rows, self.stored, self.mean, self.std, subwords=self.subwords)
        return make_matrix(vocab, source, oov=oov, fallbacks=fallbacks, dtype=dtype, out=out)

    def nearest(self, query: Any, k: int = 10, *, restrict_to: Any = None) -> Any:
        """Return the k tokens nearest to `query` by cosine, best first: [(token, cosine), ...].

        `query` is a token (itself not among the results), a list of tokens, or an array of queries (dim,) or (q, dim).
        A list, and a (q, dim) array, give one such list for each query, the same as the query alone would get.
        `restrict_to` says what may be found: rows, or a vocabulary of any kind that `matrix` takes (or a set of
        tokens), of which tokens that the store lacks, and padding, are passed over.

        Exact: every row is looked at, and cosines are rounded once, to float32. Ties go to the lower row. Raises
        KeyError for queries that the store lacks, IndexError for rows to restrict to that it lacks.
        """
        from glovestore.nearest import Search, rows_allowed

        k = whole_number("k", k)
        self._index  # noqa: B018  (a closed store is an error)
        allowed = rows_allowed(restrict_to, self.rows, len(self))
        search = Search(self.stored, self.norms, self.tokens, k, allowed)
        if isinstance(query, (str, bytes)):
            return search.near_rows(self._present([query]))[0]
        if isinstance(query, np.ndarray) and query.dtype.kind in "fiu":
            return search.near_vectors(query)
        return search.near_rows(self._present(as_strings(query)))

    def vectors_copy_on_write(self) -> NDArray[np.float32]:
        """Return the vectors as a writable (n, dim) array over a private map: written pages are copied, the file stays.

        For frameworks that want to own their memory. The written pages count as this process's own memory. Vectors that
        the file has in another dtype than float32 are decoded into new memory instead, all of them.
        """
        self._index  # noqa: B018
        if self.dtype != np.float32:
            return self.decoded(0, len(self))
        found, own = memory.load(self._path, copy_on_write=True, fingerprint=self.fingerprint)
        return memory.array_of(own, found.tensors["vectors"])

    # ------------------------------------------------------------------ its life

    def verify(self, *, quick: bool = False, hdf5: bool = False) -> None:
        """Read everything: all block checksums, then each token's way through the index.

        quick: only the file's size and its header, once more. hdf5: also hold HDF5's own description of the arrays
        against the header; its library reads the file in a child process. Raises StoreFormatError at the first damage,
        naming the array and, in it, the rows.
        """
        from glovestore.format.verify import verify_file, verify_hdf5

        verify_file(self._path, self._layout, self._index, quick)
        if hdf5:
            verify_hdf5(self._path, self._layout)

    def prefault(self) -> int:
        """Read all of the file into memory and into this process's page table; return its bytes. A copy is there.

        For what will touch most of a store: one pass in the order of the file instead of a page fault here and there.
        Other threads go on meanwhile. Raises StoreFormatError if the file was truncated.
        """
        self._index  # noqa: B018
        return memory.prefault(self._memory, self._path)

    def advise(self, advice: Literal["normal", "random", "sequential", "willneed"]) -> None:
        """Tell the system how this store's pages will be asked for: madvise, which changes speed and nothing else.

        "random" reads no more than is asked for, "sequential" reads ahead, "willneed" starts to read everything now,
        "normal" is the default. A copy, and a system without madvise, take any of them and do nothing.
        """
        self._index  # noqa: B018
        memory.advise(self._memory, advice)

    def close(self) -> None:
        """Drop the index and refuse further look-ups. The map goes with its last array."""
        self._set_index(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ the same store, elsewhere

    def __reduce__(self) -> tuple[Any, ...]:
        self._index  # noqa: B018
        return _open_again, (type(self), self._path, self.fingerprint, self._is_copy)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, EmbeddingStore) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, bool]:
        return self._path, self.fingerprint, self._is_copy

    @property
    def _is_copy(self) -> bool:
        return isinstance(self._memory, bytes)


def _open_again(kind: type[EmbeddingStore], path: str, fingerprint: str, copy: bool) -> EmbeddingStore:
    """Open the store that was pickled, and no other."""
    try:
        return kind(path, copy=copy, fingerprint=fingerprint)
    except FileNotFoundError:
        problem = f"expected the pickled store with fingerprint {fingerprint}, got no file"
        raise FileNotFoundError(errno.ENOENT, problem, path) from None
