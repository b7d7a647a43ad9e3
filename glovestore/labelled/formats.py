"""The formats that have no table: JSON lines, fastText's, a label in front of a space, and texts alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from json import JSONDecodeError, dumps
from typing import Any, NamedTuple

from glovestore import strict_json
from glovestore.labelled.lines import BadRow, Lines
from glovestore.tokens import first_few, shown

Column = str | int
FASTTEXT_PREFIX = "__label__"


class Row(NamedTuple):
    """A text and its label; of a file of texts alone the label is empty."""

    label: str
    text: str


class Wanted(NamedTuple):
    """What the caller states: columns by name, or by number from 1; None: see for yourself.

    labelled: whether rows need a label, and a text that is not empty.
    """

    text: Column | None = None
    label: Column | None = None
    header: bool | None = None
    labelled: bool = True


class Rows(ABC):
    """Iterate over the rows of a file, once: (number of its first line, row, or what is wrong with it).

    `blank` counts the lines that are empty and hold no row. `header` and the columns are known after the first row.
    """

    name: str
    columns_have_names = False

    def __init__(self, lines: Lines, wanted: Wanted) -> None:
        self.lines = lines
        self.wanted = wanted
        self.blank = 0
        self.header = False
        self.text_column: Column | None = None
        self.label_column: Column | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[tuple[int, Row | BadRow]]: ...


class LineRows(Rows):
    """A format in which a line is a row, and says itself what is the label."""

    keeps_blank = False

    def __init__(self, lines: Lines, wanted: Wanted) -> None:
        super().__init__(lines, wanted)
        columns = {} if self.columns_have_names else {"text": wanted.text, "label": wanted.label}
        for name, value in (columns | {"header": wanted.header or None}).items():
            if value is not None:
                raise ValueError(f"{name}: expected none, as the format {self.name} has no such thing")

    def __iter__(self) -> Iterator[tuple[int, Row | BadRow]]:
        """Yield the rows."""
        for raw in self.lines:
            line = raw.removesuffix("\r")
            if not (self.keeps_blank or line.strip()):
                self.blank += 1
            else:
                yield self.lines.number, self.lines.take_fault() or self._row(line)

    def _row(self, line: str) -> Row | BadRow:
        try:
            row = self.parse(line)
            places = (None, None) if self.columns_have_names else (0, len(line))
            return checked(row, self.wanted.labelled, *places)
        except BadRow as bad:
            if bad.at is not None:
                bad.column = self.lines.column(self.lines.number, line, bad.at)
            return bad

    @abstractmethod
    def parse(self, line: str) -> Row:
        """Return the row of a line, or raise BadRow."""


class Texts(LineRows):
    """A text a line, an empty one too."""

    name = "text"
    keeps_blank = True

    def parse(self, line: str) -> Row:
        """Return it."""
        return Row("", line)


class Spaced(LineRows):
    """A label, a space, and the text: as the files of TREC are."""

    name = "space"

    def parse(self, line: str) -> Row:
        """Cut at the first space."""
        label, space, text = line.partition(" ")
        if not space:
            raise BadRow(f"expected a label, a space and a text, got {shown(line)} without a space")
        return Row(label, text)


class FastText(LineRows):
    """fastText's: __label__x, white space, and the text."""

    name = "fasttext"

    def parse(self, line: str) -> Row:
        """Cut behind the label. A second one is an error: a text has one class here."""
        label, *rest = line.split(None, 1)
        text = rest[0] if rest else ""
        if not label.startswith(FASTTEXT_PREFIX):
            raise BadRow(f"expected {FASTTEXT_PREFIX} and a label, got {shown(label)}", at=line.index(label))
        if text.startswith(FASTTEXT_PREFIX):
            raise BadRow(f"expected one label, got another: {shown(text.split(None, 1)[0])}", at=len(line) - len(text))
        return Row(label.removeprefix(FASTTEXT_PREFIX), text)


class JsonLines(LineRows):
    """A JSON object a line. Text and label have names; the label is a string, an integer, true or false."""

    name = "jsonl"
    columns_have_names = True

    def __init__(self, lines: Lines, wanted: Wanted) -> None:
        super().__init__(lines, wanted)
        self.text_column: str = _name("text", wanted.text)
        self.label_column: str = _name("label", wanted.label)

    def parse(self, line: str) -> Row:
        """Return what stands under the two names."""
        try:
            document = strict_json.parse(line)
        except JSONDecodeError as error:
            raise BadRow(f"expected JSON, got none: {error.msg}", at=error.pos) from None
        except ValueError as error:
            raise BadRow(f"expected JSON, got {error}") from None
        if not isinstance(document, dict):
            raise BadRow(f"expected a JSON object, got {_kind(document)}")
        label = self._label(_item(document, self.label_column)) if self.wanted.labelled else ""
        text = _item(document, self.text_column)
        if not isinstance(text, str):
            raise BadRow(f"{self.text_column!r}: expected a string, got {_kind(text)}")
        return Row(label, text)

    def _label(self, label: Any) -> str:
        if not isinstance(label, (str, int)):
            raise BadRow(f"{self.label_column!r}: expected a string or an integer, got {_kind(label)}")
        return label if isinstance(label, str) else dumps(label)


def checked(row: Row, labelled: bool, label_at: int | None, text_at: int | None) -> Row:
    """Return the row, or raise BadRow: with labels, neither may be empty or white space."""
    if labelled and (not row.label or row.label.isspace()):
        raise BadRow("expected a label, got an empty one", at=label_at)
    if labelled and (not row.text or row.text.isspace()):
        raise BadRow("expected a text, got an empty one", at=text_at)
    return row


def _name(role: str, stated: Column | None) -> str:
    if isinstance(stated, int):
        raise ValueError(f"{role}: expected a name, as JSON lines have names, got {stated}")
    return role if stated is None else stated


def _item(document: dict[str, Any], name: str) -> Any:
    if name not in document:
        raise BadRow(f"expected the key {name!r}, got {first_few(list(document), 10) or 'none'}")
    return document[name]


def _kind(value: Any) -> str:
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "null")
