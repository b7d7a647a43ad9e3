"""build(): a vectors file becomes a store, once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from glovestore.format import hdf5, layout
from glovestore.format.header import CHECKSUM_AT, looks_like_store
from glovestore.format.writer import StoreWriter, Written
from glovestore.progress import byte_progress
from glovestore.replacing import ReplacingFile
from glovestore.sources.blocks import FileBlocks
from glovestore.sources.lines import BLOCK_SIZE
from glovestore.sources.text import Batch, Header, OnBadLine, TextReader

if TYPE_CHECKING:
    from concurrent.futures import Future

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build read and wrote: lines == rows + header + duplicates + skipped.

    `seconds` is the time up to the renamed store without the flushes to disk, which are in `fsync_seconds`.
    `first_duplicates` are tokens that came again (the first row is kept), `first_skipped` messages about bad lines;
    ten at most of each. `final_newline` is False where the source's last line has none: it may have been cut.
    """

    source: str
    path: str
    rows: int
    dim: int
    lines: int
    header: int
    duplicates: int
    skipped: int
    final_newline: bool
    source_bytes: int
    store_bytes: int
    seconds: float
    fsync_seconds: float
    first_duplicates: tuple[str, ...] = ()
    first_skipped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        rate = self.source_bytes / max(self.seconds, 1e-9) / 1e6
        lines = [
            f"{self.path}: {self.rows:,} rows x {self.dim} from {self.lines:,} lines, {self.store_bytes:,} bytes",
            f"{self.seconds:.2f} s ({rate:,.0f} MB/s of text) and {self.fsync_seconds:.2f} s until it was safe on disk",
        ]
        if self.duplicates:
            shown = ", ".join(map(repr, self.first_duplicates))
            more = ", ..." if self.duplicates > len(self.first_duplicates) else ""
            lines.append(f"duplicates left out: {self.duplicates:,} ({shown}{more})")
        if self.skipped:
            lines.append(f"bad lines skipped: {self.skipped:,} (the first: {self.first_skipped[0]})")
        if not self.final_newline:
            lines.append("the last line has no newline: if the file was cut there, its last number may be short")
        return "\n".join(lines)


def build(
    source: PathLike,
    path: PathLike,
    *,
    dim: int | None = None,
    header: Header = "auto",
    on_bad_line: OnBadLine = "error",
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
) -> BuildReport:
    """Build the store `path` from the vectors file `source` (GloVe text) and return a BuildReport.

    The store appears whole or not at all; an interrupted build leaves an old store as it was. Memory stays below 200 MB
    and 64 bytes a token, whatever the size of the file. Floats are the correctly rounded float32 of each decimal;
    tokens are the file's bytes.

    dim: numbers in a row; None: what most of the first 100 rows have. header: whether the first line is "rows dim";
    "auto" looks. on_bad_line: "error", or "skip" to leave bad lines out and count them. Of equal tokens the first row
    is kept. overwrite: replace an existing *store*; any other existing file is an error, always. durable: flush to
    disk before the store appears. progress: a bar on standard error.

    Raises TextFormatError (path, line, column) for a source that breaks the rules or changes while it is read,
    FileExistsError for a target that may not be replaced, and OSError for what the system refuses.
    """
    return build_store(Path(source), Path(path), dim, header, on_bad_line, overwrite, durable, progress)


def build_store(
    source: Path,
    path: Path,
    dim: int | None,
    header: Header,
    on_bad_line: OnBadLine,
    overwrite: bool,
    durable: bool,
    progress: bool,
    block_size: int = BLOCK_SIZE,
) -> BuildReport:
    """Do what `build` says. `block_size` is for the tests: no byte of the store depends on it."""
    start = time.perf_counter()
    with FileBlocks(source) as blocks, ReplacingFile(path, _may_replace(source, overwrite)) as file:
        Thread(target=hdf5.preload, daemon=True).start()
        reader = TextReader(blocks, dim, header, on_bad_line, block_size)
        writer = StoreWriter(file, reader.dim)
        with _one_behind(writer) as append, byte_progress(source.name, blocks.size, progress) as advance_to:
            for batch in reader.batches():
                append(batch)
                advance_to(blocks.nbytes)
        blocks.check_unchanged()
        written = writer.finish(_metadata(blocks, reader))
        file.commit(durable)
        seconds = time.perf_counter() - start - file.fsync_seconds
        return _report(blocks, reader, file, written, seconds)


def _may_replace(source: Path, overwrite: bool) -> Callable[[Path], None]:
    """Return the check of an existing target: only a store may go, and only if the caller says so."""

    def check(target: Path) -> None:
        if source.exists() and os.path.samefile(source, target):
            raise FileExistsError(f"{target}: expected a new file for the store, got the source itself")
        with open(target, "rb") as file:
            is_store = looks_like_store(file.read(CHECKSUM_AT))
        if not is_store:
            raise FileExistsError(
                f"{target}: expected a store or no file there, got a file that is not a store: it stays"
            )
        if not overwrite:
            raise FileExistsError(f"{target}: this store exists already: open it, or build with overwrite=True")

    return check


@contextmanager
def _one_behind(writer: StoreWriter) -> Iterator[Callable[[Batch], None]]:
    """Write each batch in a second thread while the next one is parsed: at most one is on its way at a time."""
    from concurrent.futures import ThreadPoolExecutor  # here: `import glovestore` need not wait for it

    pending: Future[None] | None = None

    def append(batch: Batch) -> None:
        nonlocal pending
        if pending is not None:
            pending.result()
        pending = pool.submit(writer.append, *batch)

    with ThreadPoolExecutor(1, "glovestore-writer") as pool:
        yield append
        if pending is not None:
            pending.result()


def _metadata(blocks: FileBlocks, reader: TextReader) -> dict[str, str]:
    """Return what the store keeps about its source: no path and no time, so that equal input gives equal bytes."""
    name = os.fsencode(blocks.name)[:255].decode("utf-8", "replace")
    return {
        "format": layout.FORMAT,
        "format_version": str(layout.FORMAT_VERSION),
        "source_name": name,
        "source_bytes": str(blocks.nbytes),
        "source_digest": blocks.digest,
        "lines": str(reader.lines),
        "header": str(reader.header),
        "skipped": str(reader.skipped),
        "final_newline": "1" if reader.final_newline else "0",
    }


def _report(
    blocks: FileBlocks, reader: TextReader, file: ReplacingFile, written: Written, seconds: float
) -> BuildReport:
    return BuildReport(
        source=str(blocks.path),
        path=str(file.target),
        rows=written.rows,
        dim=reader.dim,
        lines=reader.lines,
        header=reader.header,
        duplicates=written.duplicates,
        skipped=reader.skipped,
        final_newline=reader.final_newline,
        source_bytes=blocks.nbytes,
        store_bytes=written.file_size,
        seconds=seconds,
        fsync_seconds=file.fsync_seconds,
        first_duplicates=tuple(token.decode("utf-8", "surrogateescape") for token in written.duplicate_tokens),
        first_skipped=tuple(str(error) for error in reader.first_skipped),
    )
