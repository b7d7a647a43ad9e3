"""build(): a vectors file becomes a store, once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from glovestore.arguments import whole_number
from glovestore.cores import usable_cores
from glovestore.errors import SourceFormatError
from glovestore.format import layout
from glovestore.format.target import may_replace
from glovestore.format.writer import StoreWriter, Written
from glovestore.keeping import append_in_order, distinct_tokens
from glovestore.progress import byte_progress
from glovestore.replacing import ReplacingFile
from glovestore.simd import chosen_tier
from glovestore.sources.detecting import FORMATS, open_reader
from glovestore.sources.reader import HeaderOption, OnBadLine, Reader, ReadOptions, SourceRead
from glovestore.threads import MOST_THREADS
from glovestore.tokens import Token

PathLike = str | os.PathLike[str]
Order = Literal["source", "given"]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build read and wrote: lines == rows + header + duplicates + skipped + not_kept.

    A line is a record of the source, a token and its vector; `format` is the source's, of docs/formats.md ("text").
    `not_kept` lines were of tokens other than those to keep, and of those to keep `missing` are not in the source.
    `dtype` is what the store keeps vectors in. `simd` names the processor's instructions that were used, by `threads`
    threads. `seconds` is the time up to the renamed store without the flushes to disk, which are in `fsync_seconds`;
    `source_bytes` counts the source's bytes, decompressed: 0 for what is no file.
    `first_duplicates` are tokens that came again (the first row is kept), `first_skipped` messages about bad lines;
    ten at most of each. `final_newline` is False where the source's last line has none: it may have been cut.
    """

    source: str
    path: str
    format: str
    rows: int
    dim: int
    dtype: str
    lines: int
    header: int
    duplicates: int
    skipped: int
    not_kept: int
    missing: int
    final_newline: bool
    source_bytes: int
    store_bytes: int
    threads: int
    simd: str
    seconds: float
    fsync_seconds: float
    first_duplicates: tuple[str, ...] = ()
    first_skipped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        what = "lines" if self.format == "text" else f"rows ({self.format})"
        shape = f"{self.dim}" if self.dtype == "float32" else f"{self.dim} in {self.dtype}"
        rate = f" ({self.source_bytes / max(self.seconds, 1e-9) / 1e6:,.0f} MB/s)" if self.source_bytes else ""
        lines = [
            f"{self.path}: {self.rows:,} rows x {shape} from {self.lines:,} {what}, {self.store_bytes:,} bytes",
            f"{self.seconds:.2f} s{rate} and {self.fsync_seconds:.2f} s until it was safe on disk",
        ]
        if self.duplicates:
            shown = ", ".join(map(repr, self.first_duplicates))
            more = ", ..." if self.duplicates > len(self.first_duplicates) else ""
            lines.append(f"duplicates left out: {self.duplicates:,} ({shown}{more})")
        if self.not_kept or self.missing:
            lines.append(f"lines of other tokens: {self.not_kept:,}; tokens that are not there: {self.missing:,}")
        if self.skipped:
            lines.append(f"bad lines skipped: {self.skipped:,} (the first: {self.first_skipped[0]})")
        if not self.final_newline:
            lines.append("the last line has no newline: if the file was cut there, its last number may be short")
        return "\n".join(lines)


def build(
    source: PathLike | Any,
    path: PathLike,
    *,
    dim: int | None = None,
    header: HeaderOption = "auto",
    on_bad_line: OnBadLine = "error",
    keep: Iterable[Token] | None = None,
    order: Order = "source",
    limit: int | None = None,
    member: str | None = None,
    format: str | None = None,
    tokens: PathLike | Iterable[Token] | None = None,
    dtype: Any = "float32",
    threads: int | None = None,
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
) -> BuildReport:
    """Build the store `path` from the vectors of `source` and return a BuildReport.

    `source` is a file: text (GloVe's, word2vec's, fastText's), word2vec's binary format, .npy, safetensors, Parquet,
    Arrow, told by its content; or the folder of a StaticEmbedding or of spaCy's vectors. The first two may be
    compressed (gzip, zip, bzip2, xz, zstd), a pipe, or "-" for standard input. Or it is an object: a table (pandas,
    polars, pyarrow), a mapping token -> vector, an iterable of (token, vector), gensim's KeyedVectors.

    The store appears whole or not at all; an interrupted build leaves an old store as it was. Memory stays below 200 MB
    and 64 bytes a token, whatever the size of the source, but for what its own libraries take (Arrow, gensim, spaCy).
    Floats are the correctly rounded float32 of each decimal; tokens are the file's bytes.

    dim: numbers in a row; None: what most of the first 100 rows have. header: whether the first line is "rows dim";
    "auto" looks. on_bad_line: "error", or "skip" to leave bad lines out and count them. Of equal tokens the first row
    is kept.

    keep: the only tokens to keep (`str` or `bytes`; of a mapping, its keys). Lines of other tokens are passed over
    before their numbers are looked at: bad ones among them are no error. order: "source", or "given" for the order of
    `keep`. limit: read no more than the first `limit` rows of the source.

    member: which file of a zip archive, also spelt "archive.zip#member". format: the source has to be of that format,
    one of `glovestore.sources.detecting.FORMATS`; what gensim saved is read only for format="gensim", as a pickle runs
    code. tokens: of the rows of a .npy or safetensors file: a file (one a line, or JSON), a list, or a mapping token ->
    row; None: in a file beside it (X.tokens.txt, X.txt, X.vocab, X.json; tokenizer.json, vocab.json, vocab.txt).

    dtype: what vectors are kept in. "float16" rounds them to half precision, "int8" to 8 bits and a scale for each row
    (its largest magnitude / 127): half and a quarter of the bytes. Look-ups give float32 all the same. A number beyond
    float16 is a GlovestoreError.

    threads: how many read text and word2vec's format, and average fastText's; None: one for each core that this process
    may use, 16 at most. overwrite: replace an existing *store*; any other existing file is an error, always. durable:
    flush to disk before the store appears. progress: a bar on standard error.

    The environment variable GLOVESTORE_SIMD (avx512, avx2, scalar) chooses the processor's instructions; neither it nor
    `threads` changes a byte of the store.

    Raises SourceFormatError (path, byte; of text TextFormatError: path, line, column) for a source that breaks the
    rules or changes while it is read, ImportError for a package that its format needs, with the extra that brings it,
    FileExistsError for a target that may not be replaced, and OSError for what the system refuses.
    """
    if order not in ("source", "given"):
        raise ValueError(f"expected order to be 'source' or 'given', got {order!r}")
    if order == "given" and keep is None:
        raise ValueError("expected keep= with order='given', got no list to take the order from")
    if header is not True and header is not False and header != "auto":
        raise ValueError(f"expected header to be 'auto', True or False, got {header!r}")
    if format is not None and format not in FORMATS:
        raise ValueError(f"expected format to be one of {', '.join(FORMATS)}, got {format!r}")
    if on_bad_line not in ("error", "skip"):
        raise ValueError(f"expected on_bad_line to be 'error' or 'skip', got {on_bad_line!r}")
    options = ReadOptions(
        dim=None if dim is None else whole_number("dim", dim),
        header=header,
        format=format,
        tokens=Path(tokens) if isinstance(tokens, str | os.PathLike) else tokens,
        on_bad_line=on_bad_line,
        keep=None if keep is None else distinct_tokens(keep),
        limit=None if limit is None else whole_number("limit", limit),
        threads=min(usable_cores(), MOST_THREADS) if threads is None else whole_number("threads", threads),
    )
    stored = layout.vectors_dtype(dtype)
    return build_store(source, Path(path), options, order, member, overwrite, durable, progress, stored)


def build_store(
    source: PathLike | Any,
    path: Path,
    options: ReadOptions,
    order: Order = "source",
    member: str | None = None,
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
    dtype: str = "float32",
) -> BuildReport:
    """Do what `build` says, with options that only tests change."""
    start = time.perf_counter()
    tier = chosen_tier()
    with (
        ReplacingFile(path, may_replace(_files_of(source), overwrite, "build")) as file,
        open_reader(source, options, member) as reader,
    ):
        reader.check_dim()
        writer = StoreWriter(file, reader.dim, reader.expected_rows, tier, dtype)
        with byte_progress(reader.name, reader.size, progress) as advance_to:
            try:
                read = _read_rows(reader, writer, order, tier, advance_to)
            except SourceFormatError:
                reader.check_unchanged()  # if it was changed meanwhile, that is what is wrong
                raise
        reader.check_unchanged(read)
        written = writer.finish(_metadata(reader, read), read.arrays)
        file.commit(durable)
        seconds = time.perf_counter() - start - file.fsync_seconds
        return _report(reader, read, file, written, seconds, writer, tier)


def _read_rows(
    reader: Reader, writer: StoreWriter, order: Order, tier: str, advance_to: Callable[[int], object]
) -> SourceRead:
    """Read all rows into `writer`; in the order of the tokens to keep by way of a scratch file."""
    if order == "source":
        return reader.read_into(writer, advance_to)
    tokens = reader.options.keep or []
    with ReplacingFile(writer.file.target, writer.file.may_replace) as scratch:
        found = StoreWriter(scratch, writer.dim, reader.expected_rows, tier)
        read = reader.read_into(found, advance_to)
        append_in_order(tokens, found, writer)
    return read


def _files_of(source: PathLike | Any) -> list[Path]:
    return [Path(source)] if isinstance(source, str | os.PathLike) else []


def _metadata(reader: Reader, read: SourceRead) -> dict[str, str]:
    """Return what the store keeps about its source: no path and no time, so that equal input gives equal bytes."""
    metadata = {
        "format": layout.FORMAT,
        "format_version": str(layout.FORMAT_VERSION),
        "source_name": os.fsencode(reader.name)[:255].decode("utf-8", "replace"),
    }
    if reader.format != "text":
        metadata["source_format"] = reader.format
    if read.digest:
        metadata |= {"source_bytes": str(read.nbytes), "source_digest": read.digest}
    metadata |= {
        "lines": str(read.lines),
        "header": str(read.header),
        "duplicates": str(read.duplicates),
        "skipped": str(read.skipped),
        "final_newline": "1" if read.final_newline else "0",
    }
    if read.not_kept:
        metadata["not_kept"] = str(read.not_kept)
    return {**metadata, **read.metadata}


def _report(
    reader: Reader,
    read: SourceRead,
    file: ReplacingFile,
    written: Written,
    seconds: float,
    writer: StoreWriter,
    tier: str,
) -> BuildReport:
    keep = reader.options.keep
    return BuildReport(
        source=str(reader.path),
        path=str(file.target),
        format=reader.format,
        rows=written.rows,
        dim=reader.dim,
        dtype=writer.dtype,
        lines=read.lines,
        header=read.header,
        duplicates=read.duplicates,
        skipped=read.skipped,
        not_kept=read.not_kept,
        missing=0 if keep is None else len(keep) - written.rows,
        final_newline=read.final_newline,
        source_bytes=read.nbytes,
        store_bytes=written.file_size,
        threads=reader.options.threads,
        simd=tier,
        seconds=seconds,
        fsync_seconds=file.fsync_seconds,
        first_duplicates=tuple(token.decode("utf-8", "surrogateescape") for token in read.first_duplicates),
        first_skipped=tuple(str(error) for error in read.first_skipped),
    )
