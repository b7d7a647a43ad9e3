"""Which column of a table is the text, which the label, and whether the first row is a header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from glovestore.labelled.formats import Column, Wanted
from glovestore.labelled.lines import BadRow
from glovestore.tokens import first_few

ROLES = ("label", "text")  # the order of two columns without a header; a first row that has one of them is a header
SHOWN_NAMES = 20


class Columns(NamedTuple):
    """Where things stand in a row of `width` fields, counted from 0."""

    text: int
    label: int | None
    width: int
    header: bool

    def named(self, first: Sequence[str]) -> tuple[Column, Column | None]:
        """Return the text's and the label's column as people name them: by the header, or by number from 1."""
        if self.header:
            return first[self.text], None if self.label is None else first[self.label]
        return self.text + 1, None if self.label is None else self.label + 1


def find_columns(first: Sequence[str], wanted: Wanted) -> Columns:
    """Return where things stand in a table, by its first row and what is stated.

    BadRow says what is missing, and what is there; ValueError is about what is stated.
    """
    header = _is_header(first, wanted)
    label = _place("label", wanted.label, first, header)
    text = _place("text", wanted.text, first, header)
    if text is None:
        alone = len(first) == 1 and not wanted.labelled
        text = 0 if alone else _remaining("text", label, first, header)
    if label is None and wanted.labelled:
        label = _remaining("label", text, first, header)
    if text == label:
        raise BadRow(f"expected text and label in two columns, got column {text + 1} for both")
    return Columns(text, label if wanted.labelled else None, len(first), header)


def _is_header(first: Sequence[str], wanted: Wanted) -> bool:
    by_name = [name for name in (wanted.text, wanted.label) if isinstance(name, str)]
    if by_name and wanted.header is False:
        raise ValueError(f"header: expected one, as the column {by_name[0]!r} is named, got header=False")
    if wanted.header is None:
        return bool(by_name) or any(_plain(name) in ROLES for name in first)
    return wanted.header


def _place(role: str, stated: Column | None, first: Sequence[str], header: bool) -> int | None:
    """Return where a column stands: as stated, else by the role's own name in the header, else None."""
    if isinstance(stated, int):
        if not 1 <= stated <= len(first):
            raise BadRow(f"expected the {role} in column {stated}, got {len(first)} columns")
        return stated - 1
    names = list(first) if stated is not None else [_plain(name) for name in first]
    wanted = role if stated is None else stated
    if header and names.count(wanted) == 1:
        return names.index(wanted)
    if header and wanted in names:
        raise BadRow(f"expected one column {wanted!r}, got {names.count(wanted)}")
    if stated is not None:
        raise BadRow(f"expected a column {stated!r}, got {_names(first)}")
    return None


def _remaining(role: str, other: int | None, first: Sequence[str], header: bool) -> int:
    """Return the place of a column that is neither stated nor named: of two columns that is clear."""
    if len(first) == 2 and other is not None:
        return 1 - other
    if len(first) == 2 and not header:
        return ROLES.index(role)
    if header:
        raise BadRow(f"expected a column {role!r}, got {_names(first)}: say {role}=")
    raise BadRow(f"expected two columns, label and text, got {len(first)}: say text= and label=")


def _names(first: Sequence[str]) -> str:
    return first_few(first, SHOWN_NAMES)


def _plain(name: str) -> str:
    return name.strip().casefold()
