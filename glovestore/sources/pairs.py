"""Python objects -> rows of a store: iterables of (token, vector), mappings token -> vector, gensim's KeyedVectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore.format.writer import StoreWriter
from glovestore.keeping import packed_tokens
from glovestore.sources.batching import rows_in_batch, to_float32, token_bytes, tokens_bytes
from glovestore.sources.reader import Batches, Reader, ReadOptions, SourceRead
from glovestore.tokens import shown


class ObjectReader(Reader):
    """Reads what is in memory; messages name its type. `advance_to` gets numbers of rows."""

    def __init__(self, source: object, options: ReadOptions) -> None:
        super().__init__(options)
        self.path = self.name = f"<{type(source).__name__}>"
        self.size = self.expected_rows = len(source) if hasattr(source, "__len__") else 0
        self.size = self.size or None


class PairsReader(ObjectReader):
    """Reads pairs (token, vector), or a mapping's items, as they come. The first vector decides `dim`."""

    format = "pairs"

    def __init__(self, source: Mapping[Any, Any] | Iterable[Any], options: ReadOptions) -> None:
        super().__init__(source, options)
        pairs = iter(source.items() if isinstance(source, Mapping) else source)
        first = next(pairs, None)
        if first is None:
            self.fail("expected (token, vector) pairs, got none")
        self.dim = len(self._checked(0, first)[1])
        self._pairs = chain([first], pairs)

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all pairs into `writer`, a batch in memory at a time."""
        batches = Batches(self, writer)
        vectors = np.empty((rows_in_batch(self.dim), self.dim), np.float32)
        numbered = enumerate(self._pairs)
        while not batches.is_full and (tokens := self._next_batch(numbered, vectors)):
            batches.append(vectors[: len(tokens)], *packed_tokens(tokens))
            advance_to(batches.lines)
        return batches.finish()

    def _next_batch(self, pairs: Iterator[tuple[int, Any]], vectors: NDArray[np.float32]) -> list[bytes]:
        """Fill `vectors` from its start and return the tokens, none at the end."""
        tokens = []
        for row, (position, pair) in enumerate(islice(pairs, len(vectors))):
            token, vector = self._checked(position, pair)
            if len(vector) != self.dim:
                self.fail(f"pair {position}, token {shown(token)}: expected {self.dim} numbers, got {len(vector)}")
            vectors[row] = to_float32(vector)
            tokens.append(token)
        return tokens

    def _checked(self, position: int, pair: Any) -> tuple[bytes, NDArray[Any]]:
        """Return a pair's token and vector, a 1-D array of numbers."""
        if isinstance(pair, str | bytes) or not hasattr(pair, "__len__") or len(pair) != 2:
            self.fail(f"pair {position}: expected a token and its vector, got {shown(pair)}")
        try:
            token = token_bytes(pair[0])
        except ValueError as error:
            self.fail(f"pair {position}: {error}")
        try:
            vector = np.asarray(pair[1])
        except ValueError:  # lists of different lengths
            vector = np.empty(0, object)
        if vector.ndim != 1 or vector.dtype.kind not in "fiu" or not len(vector):
            got = type(pair[1]).__name__ if vector.ndim == 0 else f"an array of {vector.dtype}, shape {vector.shape}"
            self.fail(f"pair {position}, token {shown(token)}: expected a vector of numbers, got {got}")
        return token, vector


class KeyedVectorsReader(ObjectReader):
    """Reads gensim's KeyedVectors, or what looks like them."""

    format = "keyed_vectors"

    def __init__(self, source: Any, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._rows = KeyedRows(self, source)
        self.dim = self._rows.dim

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`."""
        return self._rows.read_into(writer, advance_to)


class KeyedRows:
    """The rows of KeyedVectors: `index_to_key`, a list, and `vectors`, (rows, dim). gensim itself is not needed."""

    def __init__(self, reader: Reader, keyed: Any) -> None:
        self._reader = reader
        self._tokens, self._vectors = keyed.index_to_key, keyed.vectors
        shape = np.shape(self._vectors)
        if len(shape) != 2 or shape[0] != len(self._tokens) or 0 in shape:
            reader.fail(f"expected vectors of shape ({len(self._tokens)}, dim), a row for each token, got {shape}")
        self.dim = shape[1]

    def __len__(self) -> int:
        return len(self._tokens)

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`; `advance_to` gets numbers of rows."""
        batches = Batches(self._reader, writer)
        step = rows_in_batch(self.dim)
        for first in range(0, len(self), step):
            if batches.is_full:
                break
            try:
                tokens = tokens_bytes(self._tokens[first : first + step], first)
            except ValueError as error:
                self._reader.fail(str(error))
            batches.append(to_float32(np.asarray(self._vectors[first : first + step])), *packed_tokens(tokens))
            advance_to(first + len(tokens))
        return batches.finish()
