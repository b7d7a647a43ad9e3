"""Files that are read in threads: ext/ingest.hpp does the work, for whatever kind of records."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from threading import Thread

from glovestore import _core
from glovestore.errors import SourceFormatError, naming
from glovestore.format.writer import StoreWriter
from glovestore.keeping import kept_tokens
from glovestore.sources.reader import FileReader, ReadOptions, SourceRead
from glovestore.streams.files import Source

HEAD_BLOCK = 1 << 16
PATIENCE = 0.05  # seconds: how long a wait keeps Ctrl-C and the progress bar waiting
ALL_RECORDS = 2**64 - 1

BadRecord = tuple[int, str, int, int, int, bool, bytes]  # as of _core.Ingest.bad_records


class IngestReader(FileReader):
    """Reads the records of a file through `_core.Ingest`. A subclass says what is wrong with a bad one."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._fd = source.fileno()
        self._pieces = source.pieces() if self._fd is None else iter(())
        self._taken = b"" if self._fd is None else source.head  # pieces() begins with it

    @abstractmethod
    def bad_record(self, bad: BadRecord) -> SourceFormatError:
        """Return the error for a record that is no row."""

    @abstractmethod
    def check_fault(self, outcome: str, ingest: _core.Ingest) -> None:
        """Raise if the outcome is a fault of the source that only this format has."""

    def read_some(self) -> bytes:
        """Return the next bytes before `ingest` is called, which is given them as its head; b"" at the end."""
        if self._taken:
            taken, self._taken = self._taken, b""
            return taken
        with naming(self.path):
            return next(self._pieces, b"") if self._fd is None else os.read(self._fd, HEAD_BLOCK)

    def estimate_rows(self, of_source: int) -> int:
        """Return about how many rows will come; `of_source`: how many the source has, counts only if its size does."""
        limits = [len(self.options.keep)] if self.options.keep is not None else []
        limits += [self.options.limit] if self.options.limit is not None else []
        limits += [of_source] if self._fd is not None and self.source.size else []
        return min(limits, default=0)

    def ingest(
        self,
        writer: StoreWriter,
        advance_to: Callable[[int], object],
        head: bytes,
        prefix: int,
        *,
        header: int = 0,
        word2vec_rows: int | None = None,
    ) -> _core.Ingest:
        """Read all records into `writer`, in `threads` threads. Raises what is wrong, the first of several bad records.

        `head` are the bytes that were taken, `prefix` of them no records. `advance_to` gets the number of bytes of the
        source that were read, every now and then. The others are as of `_core.Ingest`.
        """
        options = self.options
        with naming(self.path):
            descriptor = -1 if self._fd is None else os.dup(self._fd)
        ingest = _core.Ingest(
            writer.rows,
            descriptor,
            head,
            prefix,
            bool(header),
            options.on_bad_line == "skip",
            None if options.keep is None else kept_tokens(options.keep),
            ALL_RECORDS if options.limit is None else options.limit,
            options.block_size,
            word2vec_rows,
        )
        self._run(ingest, writer.prepare, advance_to)
        self._check_outcome(ingest)
        writer.check(ingest.outcome, ingest.error)
        return ingest

    def source_read(self, ingest: _core.Ingest, writer: StoreWriter, header: int = 0) -> SourceRead:
        """Return what became of the source."""
        counts = ingest.counts
        return SourceRead(
            lines=counts["lines"],
            header=header,
            duplicates=writer.rows.duplicates,
            skipped=counts["skipped"],
            not_kept=counts["not_kept"],
            final_newline=counts["final_newline"],
            was_cut=ingest.was_cut,
            nbytes=ingest.source_bytes,
            digest=f"{ingest.source_digest:016x}",
            first_duplicates=writer.rows.first_duplicates,
            first_skipped=self.bad_records(ingest),
        )

    def bad_records(self, ingest: _core.Ingest) -> Sequence[SourceFormatError]:
        """Return the errors for the first records that are no rows."""
        return [self.bad_record(bad) for bad in ingest.bad_records]

    def no_rows(self, ingest: _core.Ingest, records: str) -> str:
        """Return the sentence for a source without a row; `records` is what the format calls them."""
        counts, detail = ingest.counts, ""
        if counts["not_kept"]:
            detail = f" of a token to keep; {counts['not_kept']} are of others"
        if counts["skipped"]:
            detail += f"; the first of {counts['skipped']} bad {records}: {self.bad_records(ingest)[0]}"
        return f"expected rows of {self.dim} numbers, got none{detail}"

    def _check_outcome(self, ingest: _core.Ingest) -> None:
        outcome = ingest.outcome
        if outcome == "bad_line":
            raise self.bad_records(ingest)[-1]
        if outcome == "read_failed":
            raise OSError(ingest.error, os.strerror(ingest.error), str(self.source.path))
        if outcome == "out_of_memory":
            raise MemoryError("expected room for blocks of the source and the tokens, got none")
        self.check_fault(outcome, ingest)

    # ------------------------------------------------------------------ threads

    def _run(self, ingest: _core.Ingest, meanwhile: Callable[[], object], advance_to: Callable[[int], object]) -> None:
        """Let all threads work, and feed them what has to be decompressed; on Ctrl-C they end within PATIENCE."""
        threads: list[Thread] = []
        try:
            _start_threads(ingest.work, self.options.threads, threads)
            if self._fd is None:
                self._feed(ingest, advance_to)
            meanwhile()
            for thread in threads:
                while thread.is_alive():
                    thread.join(PATIENCE)
                    advance_to(self._position(ingest))
            advance_to(self._position(ingest))
        except BaseException:
            ingest.stop()
            raise
        finally:
            for thread in threads:
                if thread.is_alive():
                    thread.join()

    def _position(self, ingest: _core.Ingest) -> int:
        return self.source.position if self._fd is None else ingest.bytes_read

    def _feed(self, ingest: _core.Ingest, advance_to: Callable[[int], object]) -> None:
        for piece in self._pieces:
            while not ingest.feed(piece, PATIENCE):
                pass
            advance_to(self.source.position)
            if ingest.is_used_up:
                return
        ingest.finish_feeding()


def _start_threads(work: Callable[[], object], count: int, started: list[Thread]) -> None:
    """Start so many threads, or as many as there is memory for, and add them to `started`; MemoryError if none."""
    for number in range(count):
        thread = Thread(target=work, name=f"glovestore-{number}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            if not started:
                raise MemoryError(f"expected to start a thread that reads, got none: {error}") from None
            return
        started.append(thread)
