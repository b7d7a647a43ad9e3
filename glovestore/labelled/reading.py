"""`read_labelled` and `read_texts`: a file of any of the formats -> texts, labels, and an account of its lines."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from glovestore.errors import TextFormatError
from glovestore.labelled.detecting import format_by_name_of, format_named, guess_format
from glovestore.labelled.formats import Column, Row, Rows, Texts, Wanted
from glovestore.labelled.lines import BadRow, Lines
from glovestore.labelled.plausible import problem_of
from glovestore.streams.files import open_source

OnBadRow = Literal["error", "skip"]
BATCH = 256  # texts
NAMES = {"tsv": "TSV", "csv": "CSV", "jsonl": "JSON lines", "fasttext": "fastText", "space": "label, space, text"}


class SkippedRow(NamedTuple):
    """A row that was left out: the number of its first line, from 1, and what is wrong with it."""

    line: int
    problem: str


@dataclass(frozen=True, repr=False)
class LabelledTexts:
    """Texts with their labels, in the order of the file. Made by `read_labelled`.

    `lines` are the numbers of the rows' first lines, from 1, and `skipped` the rows that were left out. The rest is
    what the file was taken for: `format`, `header`, and the columns, by name or by number from 1 (None where the
    format has no columns). total_lines and blank_lines count its lines, and those that hold nothing; latin1_lines are
    the numbers of those that encoding="auto" found not to be UTF-8.
    """

    path: str
    texts: list[str]
    labels: list[str]
    lines: list[int]
    skipped: list[SkippedRow]
    format: str
    text_column: Column | None
    label_column: Column | None
    header: bool
    total_lines: int
    blank_lines: int
    latin1_lines: list[int]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    @property
    def label_counts(self) -> dict[str, int]:
        """How many texts each label has, the most frequent first."""
        return dict(Counter(self.labels).most_common())

    def to_dict(self) -> dict[str, Any]:
        """Return what was read, without the texts, as plain values for JSON."""
        return {
            "path": self.path,
            "texts": len(self),
            "labels": self.label_counts,
            "format": self.format,
            "text_column": self.text_column,
            "label_column": self.label_column,
            "header": self.header,
            "lines": self.total_lines,
            "blank_lines": self.blank_lines,
            "latin1_lines": self.latin1_lines,
            "skipped": [row._asdict() for row in self.skipped],
        }

    def __str__(self) -> str:
        """Return a line for people."""
        columns = f", label {self.label_column!r}, text {self.text_column!r}" if self.text_column is not None else ""
        columns += ", header" if self.header else ""
        bad = f"; skipped {_counted(len(self.skipped), 'bad row')}" if self.skipped else ""
        kind = NAMES.get(self.format, self.format)
        other = f"; {_counted(len(self.latin1_lines), 'line')} in latin-1" if self.latin1_lines else ""
        counts = f"{_counted(len(self), 'text')}, {_counted(len(set(self.labels)), 'label')}"
        return f"{self.path}: {counts} ({kind}{columns}){bad}{other}"

    def __repr__(self) -> str:
        return f"LabelledTexts({self})"


def read_labelled(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    text: Column | None = None,
    label: Column | None = None,
    header: bool | None = None,
    encoding: str = "utf-8",
    on_bad_row: OnBadRow = "error",
) -> LabelledTexts:
    """Read labelled texts.

    path: the file, "-" for standard input; may be compressed, and `archive.zip#member`. format: "tsv" (raw fields),
    "csv", "jsonl", "fasttext" (`__label__x text`) or "space" (label, space, text); None: by the end of the name, else
    by the first lines. text, label: their columns, by name or by number from 1; by default the two columns label and
    text, or those that a header names so; in JSON lines the keys "text" and "label". header: whether the first row is
    one; None: look. encoding: "auto" is UTF-8, and latin-1 for each line that is not, with a UnicodeWarning. Labels are
    strings: JSON's integers, true and false as JSON writes them.

    A bad row (another number of fields, an empty label or text, invalid JSON, bytes that cannot be decoded, ...) is a
    TextFormatError with line and, where it is known, column; with on_bad_row="skip" it is left out and accounted for.
    Lines that are empty hold no row. Errors too, whatever `on_bad_row` is: an empty file, no row left, columns that are
    not there, texts that are all numbers, and a first row that may be a header as well as not.
    """
    if on_bad_row not in ("error", "skip"):
        raise ValueError(f"on_bad_row: expected 'error' or 'skip', got {on_bad_row!r}")
    wanted = Wanted(text, label, header)
    with open_source(Path(path)) as source:
        lines = Lines(source, encoding)
        kind = format_by_name_of(source.name) if format is None else format_named(format, wanted.labelled)
        rows = (kind or _guess(lines))(lines, wanted)
        read = _read(rows, on_bad_row)
        source.check_unchanged()
    if problem := problem_of(rows, wanted, kind is None, read.texts, read.labels):
        raise TextFormatError(problem[0], read.path, read.lines[problem[1]])
    return read


def read_texts(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    text: Column | None = None,
    header: bool | None = None,
    encoding: str = "utf-8",
    batch: int = BATCH,
) -> Iterator[list[str]]:
    """Yield texts in their order, empty ones included, in lists of `batch` at most.

    It never waits for more input while it has texts to yield: whoever writes a line into a pipe gets its text at once.

    path, text, header, encoding: as of `read_labelled`. format: also "text", a text a line, which is what it is if the
    end of the name says nothing else. Of the other formats the text is taken, and labels need not be there. Raises
    TextFormatError at the first bad row, after all texts in front of it.
    """
    wanted = Wanted(text, None, header, labelled=False)
    with open_source(Path(path)) as source:
        lines = Lines(source, encoding)
        kind = format_by_name_of(source.name) if format is None else format_named(format, wanted.labelled)
        texts: list[str] = []
        for line, row in (kind or Texts)(lines, wanted):
            if isinstance(row, BadRow):
                if texts:
                    yield texts
                raise _error(lines, line, row)
            texts.append(row.text)
            if len(texts) >= batch or not lines.pending:
                yield texts
                texts = []
        if texts:
            yield texts


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _guess(lines: Lines) -> type[Rows]:
    if not lines.peek(1):
        raise TextFormatError("expected labelled texts, got an empty file", lines.path)
    return guess_format(lines)


def _read(rows: Rows, on_bad_row: OnBadRow) -> LabelledTexts:
    texts: list[str] = []
    labels: list[str] = []
    numbers: list[int] = []
    skipped: list[SkippedRow] = []
    known: dict[str, str] = {}  # one string for each label
    for line, row in rows:
        if isinstance(row, Row):
            texts.append(row.text)
            labels.append(known.setdefault(row.label, row.label))
            numbers.append(line)
        elif on_bad_row == "error":
            raise _error(rows.lines, line, row)
        else:
            skipped.append(SkippedRow(line, row.problem))
    path = str(rows.lines.path)
    if not texts:
        raise _nothing(rows, skipped)
    columns = rows.text_column, rows.label_column
    return LabelledTexts(
        path,
        texts,
        labels,
        numbers,
        skipped,
        rows.name,
        *columns,
        rows.header,
        rows.lines.number,
        rows.blank,
        rows.lines.latin1_lines,
    )


def _nothing(rows: Rows, skipped: list[SkippedRow]) -> TextFormatError:
    if skipped:
        line, problem = skipped[0]
        return TextFormatError(
            f"expected at least one good row, got {len(skipped):,} bad ones; {problem}", rows.lines.path, line
        )
    got = "an empty file" if not rows.lines.number else "a header alone" if rows.header else "empty lines alone"
    return TextFormatError(f"expected labelled texts, got {got}", rows.lines.path)


def _error(lines: Lines, line: int, bad: BadRow) -> TextFormatError:
    return TextFormatError(bad.problem, lines.path, bad.line or line, bad.column)
