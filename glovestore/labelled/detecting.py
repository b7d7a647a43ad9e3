"""Which format a file is in: by the end of its name, else by its first lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import PurePath

from glovestore.errors import TextFormatError
from glovestore.labelled.columns import ROLES
from glovestore.labelled.formats import FASTTEXT_PREFIX, FastText, JsonLines, Rows, Spaced, Texts
from glovestore.labelled.lines import Lines
from glovestore.labelled.table import Csv, Tsv

FORMATS: dict[str, type[Rows]] = {kind.name: kind for kind in (Tsv, Csv, JsonLines, FastText, Spaced, Texts)}
LABELLED = tuple(name for name in FORMATS if name != Texts.name)
SUFFIXES: dict[str, type[Rows]] = {".tsv": Tsv, ".csv": Csv, ".jsonl": JsonLines, ".ndjson": JsonLines}
COMPRESSED = {".gz", ".bz2", ".xz", ".zst", ".zip"}
HEAD = 20  # lines


def format_named(name: str, labelled: bool) -> type[Rows]:
    """Return a format by its name, or raise ValueError."""
    names = LABELLED if labelled else tuple(FORMATS)
    if name not in names:
        raise ValueError(f"format: expected one of {', '.join(names)}, got {name!r}")
    return FORMATS[name]


def format_by_name_of(file: str) -> type[Rows] | None:
    """Return the format that the end of a file's name says, in front of the ending of a compressed file."""
    path = PurePath(file)
    if path.suffix.lower() in COMPRESSED:
        path = path.with_suffix("")
    return SUFFIXES.get(path.suffix.lower())


def guess_format(lines: Lines) -> type[Rows]:
    """Return the format of labelled texts that the first lines show. TextFormatError if they show none."""
    head = [line.removesuffix("\r") for line in lines.peek(HEAD)]
    filled = [line for line in head if line.strip()]
    for kind, fits in GUESSES:
        if filled and fits(filled):
            return kind
    raise TextFormatError(
        f"expected a format that its first lines show, got none: say format= ({', '.join(LABELLED)})", lines.path
    )


def _is_csv(head: Sequence[str]) -> bool:
    """Tell whether these are records of one width, and the first field no part of a sentence or the first row a header.

    A text may go on behind what we see, so the last record does not count.
    """
    try:
        records = [fields for fields in csv.reader(line + "\n" for line in head) if fields]
    except csv.Error:
        return False
    records = records[:-1] if len(records) > 1 else records
    widths = {len(fields) for fields in records}
    has_names = any(name.strip().casefold() in ROLES for name in records[0])
    return (
        len(widths) == 1
        and widths.isdisjoint({0, 1})
        and (has_names or all(" " not in fields[0] for fields in records))
    )


GUESSES = (
    (JsonLines, lambda head: all(line.lstrip().startswith("{") for line in head)),
    (FastText, lambda head: all(line.startswith(FASTTEXT_PREFIX) for line in head)),
    (Tsv, lambda head: all("\t" in line for line in head)),
    (Csv, _is_csv),
    (Spaced, lambda head: all(re.match(r"\S+ +\S", line) for line in head)),
)
