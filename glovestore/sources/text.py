"""GloVe text -> rows of a store. The rules stand in FORMAT.md, "Text input"; ext/ingest.hpp does the work."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Thread

from glovestore import _core
from glovestore.errors import TextFormatError
from glovestore.format.writer import StoreWriter
from glovestore.keeping import kept_tokens
from glovestore.sources.head import BOM, HEADER, read_head
from glovestore.sources.problems import describe_fault, line_too_long
from glovestore.sources.reader import FileReader, ReadOptions, SourceRead
from glovestore.streams.files import Source

HEAD_BLOCK = 1 << 16
PATIENCE = 0.05  # seconds: how long a wait keeps Ctrl-C and the progress bar waiting
ALL_LINES = 2**64 - 1


class TextReader(FileReader):
    """Reads text: GloVe's, word2vec's, fastText's `.vec`. `head` is known after construction."""

    format = "text"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self._fd = source.fileno()
        self._pieces = source.pieces() if self._fd is None else iter(())
        self._taken = b"" if self._fd is None else source.head  # pieces() begins with it
        self.head = read_head(self._read_some, source.path, options.dim, options.header)
        self.dim = self.head.dim
        self.expected_rows = self._estimate_rows()

    def _estimate_rows(self) -> int:
        limits = [len(self.options.keep)] if self.options.keep is not None else []
        limits += [self.options.limit] if self.options.limit is not None else []
        limits += [self.head.estimate_rows(self.source.size)] if self._fd is not None and self.source.size else []
        return min(limits, default=0)

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Parse all rows into `writer`, in `threads` threads. Raises what is wrong, the first of several bad lines.

        `advance_to` gets the number of bytes of the source that were read, every now and then.
        """
        head, options = self.head, self.options
        keep = None if options.keep is None else kept_tokens(options.keep)
        ingest = _core.Ingest(
            writer.rows,
            -1 if self._fd is None else os.dup(self._fd),
            head.data,
            head.prefix,
            bool(head.header),
            options.on_bad_line == "skip",
            keep,
            ALL_LINES if options.limit is None else options.limit + head.header,
            options.block_size,
        )
        self._run(ingest, writer.prepare, advance_to)
        self._check_outcome(ingest)
        writer.check(ingest.outcome, ingest.error)
        self._check_rows(ingest, writer.rows.rows)
        counts = ingest.counts
        return SourceRead(
            lines=counts["lines"],
            header=head.header,
            duplicates=writer.rows.duplicates,
            skipped=counts["skipped"],
            not_kept=counts["not_kept"],
            final_newline=counts["final_newline"],
            was_cut=ingest.was_cut,
            nbytes=ingest.source_bytes,
            digest=f"{ingest.source_digest:016x}",
            first_duplicates=writer.rows.first_duplicates,
            first_skipped=self._bad_lines(ingest),
        )

    def _read_some(self) -> bytes:
        if self._taken:
            taken, self._taken = self._taken, b""
            return taken
        return next(self._pieces, b"") if self._fd is None else os.read(self._fd, HEAD_BLOCK)

    # ------------------------------------------------------------------ threads

    def _run(self, ingest: _core.Ingest, meanwhile: Callable[[], object], advance_to: Callable[[int], object]) -> None:
        """Let all threads work, and feed them what has to be decompressed; on Ctrl-C they end within PATIENCE."""
        threads = [
            Thread(target=ingest.work, name=f"glovestore-{number}", daemon=True)
            for number in range(self.options.threads)
        ]
        try:
            for thread in threads:
                thread.start()
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

    # ------------------------------------------------------------------ what went wrong

    def _check_outcome(self, ingest: _core.Ingest) -> None:
        outcome = ingest.outcome
        if outcome == "bad_line":
            raise self._bad_lines(ingest)[-1]
        if outcome == "line_too_long":
            raise line_too_long(self.source.path, ingest.counts["lines"] + 1)
        if outcome == "read_failed":
            raise OSError(ingest.error, os.strerror(ingest.error), str(self.source.path))
        if outcome == "out_of_memory":
            raise MemoryError("expected room for blocks of text and the tokens, got none")

    def _bad_lines(self, ingest: _core.Ingest) -> list[TextFormatError]:
        return [self._bad_line(*bad) for bad in ingest.bad_lines]

    def _bad_line(
        self, number: int, fault: str, field: int, field_size: int, found: int, unfinished: bool, line: bytes
    ) -> TextFormatError:
        problem = describe_fault(fault, line, line[field : field + field_size], self.head.dim, found, unfinished)
        if number == 1 and HEADER.fullmatch(line.rstrip(b" \r")):
            problem += "; if it is a header, say header=True: line 2 is not a row of that many numbers"
        column = field + 1 + (len(BOM) if number == 1 and self.head.has_bom else 0)
        return TextFormatError(problem, self.source.path, number, column)

    def _check_rows(self, ingest: _core.Ingest, rows: int) -> None:
        counts, stated = ingest.counts, self.head.stated_rows
        if rows == 0:
            self._no_rows(ingest)
        data_lines = counts["lines"] - self.head.header
        if stated not in (None, data_lines, data_lines - counts["last_is_unk"]) and not ingest.was_cut:
            raise TextFormatError(
                f"expected {stated} rows, as the header says, got {data_lines}", self.source.path, 1, 1
            )

    def _no_rows(self, ingest: _core.Ingest) -> None:
        counts, detail = ingest.counts, ""
        if counts["not_kept"]:
            detail = f" of a token to keep; {counts['not_kept']} are of others"
        if counts["skipped"]:
            detail += f"; the first of {counts['skipped']} bad lines: {self._bad_lines(ingest)[0]}"
        raise TextFormatError(f"expected rows of {self.head.dim} numbers, got none{detail}", self.source.path)
