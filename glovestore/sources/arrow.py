"""Tables -> rows of a store: whatever gives Arrow's data (pandas, polars, pyarrow ...), Parquet and Arrow IPC files.

A table has one column of strings, the tokens, and either one column of lists of floats or any number of columns of
floats, where null is NaN. pyarrow reads them all, a batch at a time; it is imported here only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.format.writer import StoreWriter
from glovestore.sources.batching import rows_in_batch, to_float32
from glovestore.sources.pairs import ObjectReader
from glovestore.sources.reader import Batches, FileReader, Reader, ReadOptions, SourceRead
from glovestore.streams.files import Source

try:
    import pyarrow as pa  # type: ignore[import, unused-ignore]
except ImportError as error:
    raise ImportError('tables are read by pyarrow: pip install "glovestore[arrow]"') from error


class TableReader(ObjectReader):
    """Reads an object with `__arrow_c_stream__`: a DataFrame of pandas or polars, a pyarrow Table, ..."""

    format = "table"

    def __init__(self, source: Any, options: ReadOptions) -> None:
        super().__init__(source, options)
        with arrow_errors(self):
            stream = pa.RecordBatchReader.from_stream(source)
        self._rows = TableRows(self, stream.schema, stream)
        self.dim = self._rows.dim

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`."""
        return self._rows.read_into(writer, advance_to)


class TableFileReader(FileReader):
    """Reads a regular file through pyarrow. A subclass opens it."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        if not source.regular:
            self.fail(
                f"expected a regular file, as {self.format} is read from its end, got one that is compressed or a pipe"
            )
        with arrow_errors(self):
            self._rows = TableRows(self, *self.open(str(source.path)))
        self.dim, self.size = self._rows.dim, None

    def open(self, path: str) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
        """Return the schema and the batches."""
        raise NotImplementedError

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`."""
        return self._rows.read_into(writer, advance_to)

    def check_unchanged(self, read: SourceRead | None = None) -> None:
        """Compare the file with what it was."""
        self.source.check_unchanged()


class ParquetReader(TableFileReader):
    """Reads a Parquet file."""

    format = "parquet"

    def open(self, path: str) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
        """Return the schema and the batches; a group of rows is in memory at a time."""
        from pyarrow import parquet

        file = parquet.ParquetFile(path, pre_buffer=False, page_checksum_verification=True)
        return file.schema_arrow, file.iter_batches(batch_size=1 << 12, use_threads=False)


class ArrowFileReader(TableFileReader):
    """Reads an Arrow IPC file, which is also Feather's second version."""

    format = "arrow"

    def open(self, path: str) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
        """Return the schema and the batches; Arrow trusts the offsets in them unless it is told to look."""
        file = pa.ipc.open_file(pa.OSFile(path))
        return file.schema, (file.get_batch(number) for number in range(file.num_record_batches))


class TableRows:
    """The rows of a table: which columns they are in, and batch after batch of them."""

    def __init__(self, reader: Reader, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self._reader = reader
        self._token_column = self._one_token_column(schema)
        self._columns = [column for column in range(len(schema)) if column != self._token_column]
        types = [schema.types[column] for column in self._columns]
        self._is_list = len(types) == 1 and _is_list(types[0])
        floats = [types[0].value_type] if self._is_list else types
        if not floats or not all(map(pa.types.is_floating, floats)):
            reader.fail(
                "expected one column of strings and one of lists of floats, or columns of floats, got"
                f" {_described(schema)}"
            )
        self._names = [schema.names[column] for column in self._columns]
        self._batches = iter(batches)
        self.dim = len(floats) if not self._is_list else self._list_size(types[0])

    def _one_token_column(self, schema: pa.Schema) -> int:
        columns = [column for column, kind in enumerate(schema.types) if _is_string(kind)]
        if len(columns) != 1:
            self._reader.fail(f"expected one column of strings, the tokens, got {_described(schema)}")
        return columns[0]

    def _list_size(self, kind: pa.DataType) -> int:
        """Return the size of the first list, which decides `dim`; what a type says is believed when there is a list."""
        size = 0
        for batch in self._batches:
            if batch.num_rows:
                self._batches = chain([batch], self._batches)
                lists = _checked(batch).column(self._columns[0])
                size = kind.list_size if pa.types.is_fixed_size_list(kind) else lists.value_lengths()[0].as_py() or 0
                break
        if size <= 0:
            self._reader.fail(f"column {self._names[0]!r}: expected lists of numbers, got none, or an empty one first")
        return int(size)

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`."""
        taken = Batches(self._reader, writer)
        done = 0
        for vectors, token_bytes, token_lengths in self._parts():
            taken.append(vectors, token_bytes, token_lengths)
            done += len(vectors)
            advance_to(done)
            if taken.is_full:
                break
        return taken.finish()

    def _parts(self) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint16]]]:
        """Yield vectors, and bytes and lengths of their tokens. What comes of writing them is no error of Arrow's."""
        step = rows_in_batch(self.dim)
        first = 0
        with arrow_errors(self._reader):
            for batch in self._batches:
                checked = _checked(batch)
                for begin in range(0, checked.num_rows, step):
                    part = checked.slice(begin, step)
                    yield self._vectors(part, first), *self._tokens(part, first)
                    first += part.num_rows

    def _tokens(self, batch: pa.RecordBatch, first: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        column = batch.column(self._token_column)
        self._refuse_nulls(column, first, "a token")
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        column = column.cast(pa.large_binary())
        _, offsets_buffer, bytes_buffer = column.buffers()
        offsets = np.frombuffer(offsets_buffer, np.int64)[column.offset : column.offset + len(column) + 1]
        lengths = np.diff(offsets)
        longest = int(lengths.argmax())
        size = int(lengths[longest])
        if size > _core.LONGEST_TOKEN:
            problem = f"expected a token of at most {_core.LONGEST_TOKEN} bytes, got {size}"
            self._reader.fail(f"row {first + longest}: {problem}")
        data = np.empty(0, np.uint8) if bytes_buffer is None else np.frombuffer(bytes_buffer, np.uint8)
        return data[offsets[0] : offsets[-1]], lengths.astype(np.uint16)

    def _vectors(self, batch: pa.RecordBatch, first: int) -> NDArray[np.float32]:
        if self._is_list:
            return self._vectors_of_lists(batch.column(self._columns[0]), first)
        vectors = np.empty((batch.num_rows, self.dim), np.float32)
        for place, column in enumerate(self._columns):
            vectors[:, place] = to_float32(batch.column(column).to_numpy(zero_copy_only=False))
        return vectors

    def _vectors_of_lists(self, lists: Any, first: int) -> NDArray[np.float32]:
        self._refuse_nulls(lists, first, f"a list in column {self._names[0]!r}")
        if not pa.types.is_fixed_size_list(lists.type):
            lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
            if len(others := np.flatnonzero(lengths != self.dim)):
                row = int(others[0])
                self._reader.fail(f"row {first + row}: expected {self.dim} numbers, got {lengths[row]}")
        return to_float32(lists.flatten().to_numpy(zero_copy_only=False)).reshape(len(lists), self.dim)

    def _refuse_nulls(self, column: Any, first: int, expected: str) -> None:
        if column.null_count:
            row = int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
            self._reader.fail(f"row {first + row}: expected {expected}, got null")


@contextmanager
def arrow_errors(reader: Reader) -> Iterator[None]:
    """Raise what Arrow finds wrong as an error about the source."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reader.fail(
            f"expected a table that Arrow can read, got: {str(error).splitlines()[0] if str(error) else error!r}"
        )


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose offsets were looked at: Arrow believes those of a file."""
    batch.validate(full=True)
    return batch


def _is_string(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_string,
            types.is_large_string,
            types.is_string_view,
            types.is_binary,
            types.is_large_binary,
        )
    )


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return any(is_kind(kind) for is_kind in (types.is_list, types.is_large_list, types.is_fixed_size_list))


def _described(schema: pa.Schema) -> str:
    """Return the columns for a message, not too many of them."""
    few = [f"{name}: {kind}" for name, kind in zip(schema.names[:8], schema.types[:8], strict=True)]
    return ", ".join(few) + (f" and {len(schema) - 8} more" if len(schema) > 8 else "") or "no column"
