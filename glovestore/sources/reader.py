"""What all readers have in common: their options, what they tell about a source, and rows that come in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from glovestore import _core
from glovestore.errors import SourceFormatError
from glovestore.format.writer import StoreWriter
from glovestore.keeping import kept_tokens
from glovestore.streams.decoding import MOST_UNFOLDED, unfolds_too_much
from glovestore.streams.files import Source
from glovestore.tokens import shown

BLOCK_SIZE = 1 << 20
SHOWN_SKIPPED = 10
LONGEST_DIM = _core.LONGEST_LINE // 2  # a line has two bytes a number at least

HeaderOption = Literal["auto"] | bool
OnBadLine = Literal["error", "skip"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a source is read; the defaults are those of `glovestore.build`."""

    dim: int | None = None
    header: HeaderOption = "auto"  # of text only
    format: str | None = None  # what the caller says that it is; None: told by its content
    on_bad_line: OnBadLine = "error"
    tokens: Path | Iterable[Any] | None = None  # of the rows, where they stand elsewhere; None: beside the source
    keep: Sequence[bytes] | None = None  # distinct tokens; None: all
    limit: int | None = None  # rows that are read at most
    threads: int = 1
    block_size: int = BLOCK_SIZE  # no byte of a store depends on it


@dataclass(frozen=True, slots=True)
class SourceRead:
    """What became of a source: lines == header + rows + duplicates + skipped + not_kept.

    A line is a record: of text a line, elsewhere a token with its vector. `nbytes` and `digest` are of the bytes that
    were read, decompressed; a source that is no file has neither. `arrays` go into the store beside the rows, and
    `metadata` beside its own.
    """

    lines: int
    duplicates: int
    header: int = 0
    skipped: int = 0
    not_kept: int = 0
    final_newline: bool = True
    was_cut: bool = False  # `limit` was reached: there may be more
    nbytes: int = 0
    digest: str = ""
    first_duplicates: Sequence[bytes] = ()
    first_skipped: Sequence[Exception] = ()
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


class Reader(ABC):
    """Reads one source, once. A context manager: leaving it closes what it opened.

    format: what reports and stores call it. path: what messages name. name: the same without folders. size: how far
    `advance_to` will go, None if nobody knows. dim, expected_rows (a guess; 0: no idea): known from the start.
    """

    format: ClassVar[str]
    path: Path | str
    name: str
    size: int | None = None
    dim: int
    expected_rows: int = 0

    def __init__(self, options: ReadOptions) -> None:
        self.options = options

    @abstractmethod
    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Read all rows into `writer`; `advance_to` gets how far it came, every now and then."""

    def check_unchanged(self, read: SourceRead | None = None) -> None:  # noqa: B027 - memory does not change
        """Raise if the source was changed since it was opened; `read` is what came of reading it to the end."""

    def close(self) -> None:  # noqa: B027
        """Close what was opened."""

    def fail(self, problem: str) -> NoReturn:
        """Raise the error for a source that is not what its format says."""
        raise SourceFormatError(problem, self.path)

    def beside(self) -> Sequence[Path]:
        """Return the files that were read beside the source."""
        return ()

    def disk_bytes(self) -> int | None:
        """Return how many bytes on disk the rows are made of, as far as that is known; None: they come from memory."""
        return None

    def check_dim(self) -> None:
        """Raise if the caller wants another dim than the source has, or if a row would not fit into any block."""
        if self.dim > LONGEST_DIM:
            self.fail(f"expected a dim of at most {LONGEST_DIM}, got {self.dim}")
        if self.options.dim not in (None, self.dim):
            self.fail(f"expected dim {self.options.dim}, got {self.dim}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FileReader(Reader):
    """Reads the bytes of a file, as `streams.open_source` opened it; closes it at the end."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(options)
        self.source = source
        self.path, self.name, self.size = source.path, source.name, source.size

    def check_unchanged(self, read: SourceRead | None = None) -> None:
        """Compare the file with what it was. All of a regular one must have been read, unless there was a limit."""
        whole = read is not None and self.source.regular and not read.was_cut
        self.source.check_unchanged(read.nbytes if read is not None and whole else None)

    def disk_bytes(self) -> int | None:
        """Return the size of the file, or how much a pipe gave so far."""
        return self.source.position if self.source.size is None else self.source.size

    def close(self) -> None:
        """Close the file."""
        self.source.close()


class Batches:
    """Rows on their way into a store: those not to be kept and bad ones passed over, cut at the limit, counted."""

    def __init__(self, reader: Reader, writer: StoreWriter) -> None:
        self._reader = reader
        self._options = reader.options
        self._writer = writer
        self._keep = None if self._options.keep is None else kept_tokens(self._options.keep)
        self.lines = self.not_kept = self.skipped = 0
        self.first_skipped: list[Exception] = []

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached: nothing more will be taken."""
        return self._options.limit is not None and self.lines >= self._options.limit

    def append(
        self, vectors: NDArray[np.float32], token_bytes: NDArray[np.uint8], token_lengths: NDArray[np.uint16]
    ) -> None:
        """Take rows (k, dim) and their tokens, one behind the other. A bad row is one that is not finite."""
        if self._options.limit is not None:
            count = min(len(vectors), self._options.limit - self.lines)
            vectors, token_lengths = vectors[:count], token_lengths[:count]
            token_bytes = token_bytes[: int(token_lengths.sum(dtype=np.int64))]
        wanted = np.ones(len(vectors), np.bool_)
        if self._keep is not None:
            self._keep.find(token_bytes, token_lengths, wanted.view(np.uint8))
            self.not_kept += int(np.count_nonzero(~wanted))
        self._pass_bad_rows(vectors, token_bytes, token_lengths, wanted)
        self.lines += len(vectors)
        self._check_unfolded()
        if not wanted.all():
            token_bytes = token_bytes[np.repeat(wanted, token_lengths)]
            vectors, token_lengths = vectors[wanted], token_lengths[wanted]
        self._writer.append(vectors, token_bytes, token_lengths)

    def _check_unfolded(self) -> None:
        """Refuse what was made to fill a disk: rows that share their bytes in the file, a million times over."""
        made, size = 4 * self.lines * self._reader.dim, self._reader.disk_bytes()
        if size is not None and unfolds_too_much(made, size):
            self._reader.fail(
                f"expected vectors of at most {MOST_UNFOLDED} times the bytes they are made of, got {made} bytes of"
                f" {size}"
            )

    def _pass_bad_rows(
        self,
        vectors: NDArray[np.float32],
        token_bytes: NDArray[np.uint8],
        token_lengths: NDArray[np.uint16],
        wanted: NDArray[np.bool_],
    ) -> None:
        first = 0
        while (row := _core.first_not_finite(vectors, first)) is not None:
            first = row + 1
            if not wanted[row]:
                continue
            begin = int(token_lengths[:row].sum(dtype=np.int64))
            token = token_bytes[begin : begin + int(token_lengths[row])].tobytes()
            error = not_finite(self.lines + row, token, vectors[row], self._reader.path)
            if self._options.on_bad_line == "error":
                raise error
            wanted[row] = False
            self.skipped += 1
            if len(self.first_skipped) < SHOWN_SKIPPED:
                self.first_skipped.append(error)

    def finish(
        self,
        nbytes: int = 0,
        digest: str = "",
        arrays: Mapping[str, NDArray[Any]] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> SourceRead:
        """Return what became of the source; raise if no row is left."""
        rows = self._writer.rows
        if rows.rows == 0:
            self._reader.fail(f"expected rows of {self._reader.dim} numbers, got none{self._detail()}")
        return SourceRead(
            lines=self.lines,
            duplicates=rows.duplicates,
            skipped=self.skipped,
            not_kept=self.not_kept,
            was_cut=self.is_full,
            nbytes=nbytes,
            digest=digest,
            first_duplicates=rows.first_duplicates,
            first_skipped=self.first_skipped,
            arrays=arrays or {},
            metadata=metadata or {},
        )

    def _detail(self) -> str:
        detail = f" of a token to keep; {self.not_kept} are of others" if self.not_kept else ""
        return detail + (f"; the first of {self.skipped} bad rows: {self.first_skipped[0]}" if self.skipped else "")


def not_finite(row: int, token: bytes, vector: NDArray[np.float32], path: Path | str) -> SourceFormatError:
    """Return the error for a row, counted from 0, that has an infinity or a NaN."""
    column = int(np.flatnonzero(~np.isfinite(vector))[0])
    problem = f"expected finite numbers, got {vector[column]} in column {column}"
    return SourceFormatError(f"row {row}, token {shown(token)}: {problem}", path)
