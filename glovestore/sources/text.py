"""GloVe text -> rows of a store. The rules stand in FORMAT.md, "Text input"; ext/lines.hpp has the work."""

from __future__ import annotations

from collections.abc import Callable

from glovestore import _core
from glovestore.errors import TextFormatError
from glovestore.format.writer import StoreWriter
from glovestore.sources.head import BOM, HEADER, read_head
from glovestore.sources.ingesting import BadRecord, IngestReader
from glovestore.sources.problems import describe_fault, line_too_long
from glovestore.sources.reader import ReadOptions, SourceRead
from glovestore.streams.files import Source


class TextReader(IngestReader):
    """Reads text: GloVe's, word2vec's, fastText's `.vec`. `head` is known after construction."""

    format = "text"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.head = read_head(self.read_some, source.path, options.dim, options.header)
        self.dim = self.head.dim
        self.expected_rows = self.estimate_rows(self.head.estimate_rows(source.size or 0))

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        """Parse all rows into `writer`. Raises what is wrong, the first of several bad lines."""
        head = self.head
        ingest = self.ingest(writer, advance_to, head.data, head.prefix, header=head.header)
        self._check_rows(ingest, writer.rows.rows)
        return self.source_read(ingest, writer, head.header)

    def check_fault(self, outcome: str, ingest: _core.Ingest) -> None:
        """Raise for a line that is too long."""
        if outcome == "record_too_long":
            raise line_too_long(self.path, ingest.counts["lines"] + 1)

    def bad_record(self, bad: BadRecord) -> TextFormatError:
        """Return the error for a bad line: what is wrong with which field."""
        number, fault, field, field_size, found, unfinished, line = bad
        problem = describe_fault(fault, line, line[field : field + field_size], self.dim, found, unfinished)
        if number == 1 and HEADER.fullmatch(line.rstrip(b" \r")):
            problem += "; if it is a header, say header=True: line 2 is not a row of that many numbers"
        column = field + 1 + (len(BOM) if number == 1 and self.head.has_bom else 0)
        return TextFormatError(problem, self.path, number, column)

    def _check_rows(self, ingest: _core.Ingest, rows: int) -> None:
        counts, stated = ingest.counts, self.head.stated_rows
        if rows == 0:
            raise TextFormatError(self.no_rows(ingest, "lines"), self.path)
        data_lines = counts["lines"] - self.head.header
        if stated not in (None, data_lines, data_lines - counts["last_is_unk"]) and not ingest.was_cut:
            raise TextFormatError(f"expected {stated} rows, as the header says, got {data_lines}", self.path, 1, 1)
