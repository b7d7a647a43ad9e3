"""Rows as text: what the formats of one row a line share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import GlovestoreError, StoreFormatError, TextFormatError
from glovestore.exporting.job import Job, Write
from glovestore.exporting.rows import RowBatch, row_batches
from glovestore.sources.detecting import format_of
from glovestore.sources.head import read_head
from glovestore.store import EmbeddingStore
from glovestore.streams.files import SIGNATURES
from glovestore.threads import worker_threads

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Form = Callable[[RowBatch], NDArray[np.uint8]]


def glove_rows(tokens: Sequence[bytes], vectors: NDArray[np.float32]) -> bytes:
    """Return rows of GloVe text: the tokens' bytes, and the numbers as the core spells them (ext/shortest.hpp)."""
    offsets = np.zeros(len(tokens) + 1, np.uint64)
    np.cumsum([len(token) for token in tokens], out=offsets[1:])
    token_bytes = np.frombuffer(b"".join(tokens), np.uint8)
    out = np.empty(_core.format_room(len(vectors), vectors.shape[1], len(token_bytes)), np.uint8)
    size, _ = _core.format_rows(vectors, token_bytes, offsets, out)
    return out[:size].tobytes()


def text_of(store: EmbeddingStore, separator: str = " ", with_tokens: bool = True) -> Form:
    """Return the function that makes the text of a batch. StoreFormatError names a row whose numbers are not finite."""

    def form(batch: RowBatch) -> NDArray[np.uint8]:
        first, token_bytes, offsets = batch.tokens
        rows, dim = batch.vectors.shape
        out = np.empty(_core.format_room(rows, dim, len(token_bytes)), np.uint8)
        tokens, edges = (token_bytes, offsets) if with_tokens else (None, None)
        size, done = _core.format_rows(batch.vectors, tokens, edges, out, separator)
        if done < rows:
            raise StoreFormatError(f"vectors: row {first + done}: expected finite numbers, got others", store.path)
        return out[:size]

    return form


def packed(batch: RowBatch) -> NDArray[np.uint8]:
    """Return the rows of a batch in word2vec's binary form: token, space, float32."""
    _, token_bytes, offsets = batch.tokens
    rows, dim = batch.vectors.shape
    out = np.empty(rows * (4 * dim + 1) + len(token_bytes), np.uint8)
    return out[: _core.pack_rows(batch.vectors, token_bytes, offsets, out)]


def write_rows(job: Job, write: Write, form: Form) -> None:
    """Write what `form` makes of all rows, in order. It runs on one thread a core, a batch or two ahead."""
    done = 0
    for batch, data in _in_order(row_batches(job.store), form, worker_threads()):
        write(data.data)
        done += len(batch.vectors)
        job.advance(done)


def _in_order(batches: Iterable[RowBatch], form: Form, threads: int) -> Iterator[tuple[RowBatch, NDArray[np.uint8]]]:
    from concurrent.futures import ThreadPoolExecutor  # 5 ms that not every verb of the shell has to wait for

    waiting: deque[tuple[RowBatch, Future[NDArray[np.uint8]]]] = deque()
    with ThreadPoolExecutor(threads, "glovestore-export") as pool:
        for batch in batches:
            waiting.append((batch, _submitted(pool, form, batch)))
            if len(waiting) > threads:
                first, future = waiting.popleft()
                yield first, future.result()
        for batch, future in waiting:
            yield batch, future.result()


def _submitted(pool: ThreadPoolExecutor, form: Form, batch: RowBatch) -> Future[NDArray[np.uint8]]:
    try:
        return pool.submit(form, batch)
    except RuntimeError as error:
        raise MemoryError(f"expected to start a thread that writes, got none: {error}") from None


# ---------------------------------------------------------------------- would it be read back?


def check_read_back(store: EmbeddingStore, header: bytes = b"") -> None:
    """Raise a GlovestoreError unless `glovestore.build` would take the text, `header` and rows, for what it is.

    Its first lines tell it the dim and whether there is a header; a token of theirs could look like something else.
    """
    longest = _core.format_room(1, store.dim, _core.LONGEST_TOKEN)
    if longest > _core.LONGEST_LINE:
        raise _unreadable(store, f"lines that may have {longest} bytes, more than {_core.LONGEST_LINE}")
    form = text_of(store)
    rows = (form(batch).tobytes() for batch in row_batches(store, numbers=1))
    first = header + next(rows)
    for kind, signature in SIGNATURES.items():
        if signature.match(first):
            raise _unreadable(store, f"a {kind} file, by the first token")
    beginning = _Beginning(first, rows)
    taken_for = format_of(beginning).name
    if taken_for != "text":
        raise _unreadable(store, f"{taken_for}, by the first bytes")
    pieces = beginning.pieces()
    try:
        head = read_head(lambda: next(pieces, b""), store.path, None, "auto")
    except TextFormatError as error:
        raise _unreadable(store, error.problem) from None
    if (head.dim, head.header, head.prefix) != (store.dim, int(header != b""), len(header)):
        has = "a byte order mark" if head.has_bom else "a header" if head.header else "no header"
        raise _unreadable(store, f"dim {head.dim} and {has}")


class _Beginning:
    """A text that is not written yet, as far as somebody looks at it."""

    def __init__(self, first: bytes, rest: Iterator[bytes]) -> None:
        self._seen = [first]
        self._rest = rest

    def peek(self, count: int) -> bytes:
        while sum(map(len, self._seen)) < count and (more := next(self._rest, b"")):
            self._seen.append(more)
        return b"".join(self._seen)[:count]

    def pieces(self) -> Iterator[bytes]:
        return chain(self._seen, self._rest)


def _unreadable(store: EmbeddingStore, got: str) -> GlovestoreError:
    return GlovestoreError(
        f"{store.path}: expected rows whose text would be read back as vectors of dim {store.dim}, got {got};"
        " nothing was written (npy and gensim hold any token)"
    )
