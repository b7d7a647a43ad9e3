"""What a file that can be read may still have wrong: a header taken for a row, columns taken for one another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glovestore.labelled.formats import Rows, Spaced, Wanted
from glovestore.tokens import shown

NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
FEW = 10  # fewer rows than these say nothing about which labels repeat


def problem_of(
    rows: Rows, wanted: Wanted, guessed: bool, texts: Sequence[str], labels: Sequence[str]
) -> tuple[str, int] | None:
    """Return what is wrong with what was read, and the number of the row (from 0) that shows it; else None.

    What the caller stated is never doubted. `guessed`: the format was taken from the first lines.
    """
    if all(map(NUMBER.fullmatch, texts)):
        return f"expected texts{_in_column(rows.text_column)}, got nothing but numbers, such as {shown(texts[0])}", 0
    if isinstance(rows.text_column, int) and not rows.header:
        return _of_table(wanted, texts, labels)
    return _of_guess(texts, labels) if guessed and isinstance(rows, Spaced) else None


def _of_table(wanted: Wanted, texts: Sequence[str], labels: Sequence[str]) -> tuple[str, int] | None:
    """Look for a header that was taken for a row: only words, its label nowhere else. And for columns the other way."""
    words = len(texts) >= FEW and not _has_space(texts[0]) and not _has_space(labels[0])
    if wanted.header is None and words and labels[0] not in labels[1:] and any(map(_has_space, [*texts, *labels])):
        return (
            f"expected a row or a header, got either ({shown(labels[0])}, {shown(texts[0])}):"
            " say header=True or header=False", 0
        )  # fmt: skip
    if wanted.text is None and not any(map(_has_space, texts)) and all(map(_has_space, labels)):
        return "expected the label in column 1 and the text in column 2, got the texts as labels: say text= (1)", 0
    return None


def _of_guess(texts: Sequence[str], labels: Sequence[str]) -> tuple[str, int] | None:
    """Look whether "labels" are the first words of texts: then most of them are different."""
    distinct = len(set(labels))
    if len(labels) < FEW or distinct <= len(labels) // 2:
        return None
    first = f"{shown(labels[0])}, {shown(labels[1])}"
    return (
        f"expected a label in front of the first space, got {distinct:,} different ones in {len(labels):,} lines"
        f" ({first}, ...): say format= (space) if they are labels", 0
    )  # fmt: skip


def _has_space(text: str) -> bool:
    return any(map(str.isspace, text.strip()))


def _in_column(column: str | int | None) -> str:
    return "" if column is None else f" in column {column!r}"
