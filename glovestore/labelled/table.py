"""The formats that are tables: TSV, whose fields are raw, and CSV, whose fields may be quoted (RFC 4180)."""

from __future__ import annotations

import csv
from abc import abstractmethod
from collections.abc import Iterator

from glovestore.errors import TextFormatError
from glovestore.labelled.columns import Columns, find_columns
from glovestore.labelled.formats import Row, Rows, checked
from glovestore.labelled.lines import BadRow

Record = tuple[int, list[str] | BadRow]
LARGEST_FIELD = 2**31 - 1  # what a C long holds everywhere; csv's own limit of 131,072 is shorter than texts are
NO_END = "unexpected end of data"
CSV_PROBLEMS = {
    "',' expected after '\"'": "expected a comma or the end of the row behind the quote that ends a field",
    "new-line character seen": "expected a line to end with a newline, got a carriage return alone",
}


class TableRows(Rows):
    """Records of fields, the first of which may be a header. It decides which column is which."""

    columns_have_names = True

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Yield the number of a record's first line, and its fields or what is wrong with it. Count blank lines."""

    def __iter__(self) -> Iterator[tuple[int, Row | BadRow]]:
        """Yield the rows."""
        columns: Columns | None = None
        for line, fields in self.records():
            if isinstance(fields, BadRow):
                yield line, fields
            elif columns is None:
                columns = self._columns(fields, line)
                if not self.header:
                    yield line, self._row(line, fields, columns)
            else:
                yield line, self._row(line, fields, columns)

    def _columns(self, fields: list[str], line: int) -> Columns:
        try:
            columns = find_columns(fields, self.wanted)
        except BadRow as bad:
            raise TextFormatError(bad.problem, self.lines.path, line) from None
        self.header = columns.header
        self.text_column, self.label_column = columns.named(fields)
        return columns

    def _row(self, line: int, fields: list[str], columns: Columns) -> Row | BadRow:
        try:
            if len(fields) != columns.width:
                raise BadRow(f"expected {columns.width} fields{self.separated}, got {len(fields)}")
            label = "" if columns.label is None else fields[columns.label]
            return checked(Row(label, fields[columns.text]), self.wanted.labelled, columns.label, columns.text)
        except BadRow as bad:
            bad.column = None if bad.at is None else self.column(line, fields, bad.at)
            return bad

    separated: str

    @abstractmethod
    def column(self, line: int, fields: list[str], index: int) -> int | None:
        """Return the byte column, from 1, where a field begins in its line; None where that is not known."""


class Tsv(TableRows):
    """Fields between tabs, as they are: no quotes, no escapes."""

    name = "tsv"
    separated = " separated by tabs"

    def records(self) -> Iterator[Record]:
        """Yield a record a line. An empty line is one too, if it may be an empty text: there is one column."""
        width = 0
        for raw in self.lines:
            line = raw.removesuffix("\r")
            if not line.strip() and width != 1:
                self.blank += 1
                continue
            fields = line.split("\t")
            width = width or len(fields)
            yield self.lines.number, self.lines.take_fault() or fields

    def column(self, line: int, fields: list[str], index: int) -> int:
        """As of TableRows."""
        return self.lines.column(line, "\t".join([*fields[:index], ""]), len("\t".join([*fields[:index], ""])))


class Csv(TableRows):
    """Fields between commas; in quotes, a field may hold commas, quotes (doubled) and the ends of lines."""

    name = "csv"
    separated = ""

    def records(self) -> Iterator[Record]:
        """Yield what the csv module reads, strictly. Behind what it cannot read, it goes on with the next line."""
        reader = csv.reader((line + "\n" for line in self.lines), strict=True)
        while True:
            first = self.lines.number + 1
            try:
                fields = _next_of(reader)
            except csv.Error as error:
                self.lines.take_fault()
                yield first, self._bad(str(error), first)
                continue
            if fields is None:
                return
            if fields:
                yield first, self.lines.take_fault() or fields
            else:
                self.blank += 1

    def _bad(self, error: str, line: int) -> BadRow:
        """Return what is wrong; raise it if nobody can tell where the next row begins."""
        if error.startswith(NO_END):
            problem = "expected the quote that ends a field, got the end of the file"
            raise TextFormatError(problem, self.lines.path, line)
        return BadRow(next((told for start, told in CSV_PROBLEMS.items() if error.startswith(start)), error))

    def column(self, line: int, fields: list[str], index: int) -> None:
        """As of TableRows: unknown, as nobody can tell how the fields were quoted."""


def _next_of(reader: Iterator[list[str]]) -> list[str] | None:
    """Return the next record, however long its fields are. The limit is the process's: put back before we leave."""
    limit = csv.field_size_limit(LARGEST_FIELD)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(limit)
