"""Bytes -> lines of text, with their numbers. A line that is no text is a problem of its row, not the end."""

from __future__ import annotations

import codecs
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Self

from glovestore.errors import TextFormatError
from glovestore.streams.files import Source

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ADVICE = "say encoding= (such as latin-1, cp1252)"
ZERO_BYTE = "expected text, got a zero byte: a binary file? if it is UTF-16, say encoding= (utf-16)"
AUTO = "auto"  # UTF-8, and a line that is not is latin-1


class BadRow(Exception):
    """What is wrong with one row; whoever reads decides whether that is the end.

    `at` is an offset into the row's line, in characters; `line` and `column`, which count from 1, say where exactly
    something was found, the column in bytes.
    """

    def __init__(self, problem: str, at: int | None = None, line: int | None = None, column: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at
        self.line = line
        self.column = column


class Lines:
    r"""Iterate over the lines of a source, without the \n that ends each. A \r in front of it stays.

    `number` is that of the last line that was returned, from 1. `pending` tells whether another one is there without
    waiting for more bytes. A byte order mark is dropped. A line that cannot be decoded, or holds a zero byte, is
    returned as well as can be, and `take_fault` says what is wrong. With the encoding "auto" every line can be decoded:
    one that is not UTF-8 is taken for latin-1, and `latin1_lines` has its number.
    """

    def __init__(self, source: Source, encoding: str = "utf-8") -> None:
        self.path = source.path
        self.encoding = "utf-8" if encoding == AUTO else checked_encoding(encoding)
        self.latin1_lines: list[int] = []
        self._auto = encoding == AUTO
        self.number = 0
        self._mark = 0  # bytes of the byte order mark
        self._fault: BadRow | None = None
        self._ahead: deque[bytes] = deque()
        self._whole = 0  # lines that were cut from the last piece and not returned yet
        pieces = source.pieces()
        if not _extends_ascii(self.encoding):
            pieces, self.encoding = _as_utf8(pieces, self.encoding, source), "utf-8"
        self._raw = self._split(pieces)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        raw = self._ahead.popleft() if self._ahead else next(self._raw)
        self.number += 1
        try:
            text = raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            text = self._other_text(raw, error.start)
        if b"\0" in raw:
            self._note(ZERO_BYTE, raw.index(0))
        return self._without_mark(text) if self.number == 1 else text

    @property
    def pending(self) -> bool:
        """Whether a whole line is there already."""
        return bool(self._ahead) or self._whole > 0

    def peek(self, count: int) -> list[str]:
        """Return the next lines, `count` at most, without using them up. They are decoded as well as can be."""
        while len(self._ahead) < count and (raw := next(self._raw, None)) is not None:
            self._ahead.append(raw)
        mark = "\ufeff" if self.number == 0 else ""
        texts = [raw.decode(self.encoding, "replace") for raw in list(self._ahead)[:count]]
        return [text.removeprefix(mark) if i == 0 else text for i, text in enumerate(texts)]

    def take_fault(self) -> BadRow | None:
        """Return what was wrong with the lines since the last call, the first of it, or None."""
        fault, self._fault = self._fault, None
        return fault

    def column(self, line: int, text: str, at: int) -> int:
        """Return the column, in bytes from 1, of the character `at` of a line; a byte order mark counts."""
        return len(text[:at].encode(self.encoding, "replace")) + 1 + (self._mark if line == 1 else 0)

    def _split(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        parts: list[bytes] = []  # of a line that goes on in the next piece
        for piece in pieces:
            if b"\n" not in piece:
                parts.append(piece)
                continue
            *lines, rest = b"".join([*parts, piece]).split(b"\n")
            parts = [rest]
            self._whole = len(lines)
            for line in lines:
                self._whole -= 1
                yield line
        if last := b"".join(parts):
            yield last

    def _without_mark(self, text: str) -> str:
        if not text.startswith("\ufeff"):
            return text
        self._mark = len("\ufeff".encode(self.encoding))
        return text[1:]

    def _note(self, problem: str, offset: int) -> None:
        self._fault = self._fault or BadRow(problem, line=self.number, column=offset + 1)

    def _other_text(self, raw: bytes, at: int) -> str:
        """Return a line that cannot be decoded, from the byte `at` on."""
        utf16 = self.number == 1 and raw.startswith(UTF16_MARKS)
        got = "the byte order mark of UTF-16" if utf16 else f"the byte 0x{raw[at]:02x}"
        problem = f"expected {self.encoding}, got {got}"
        if self._auto and not utf16:
            if not self.latin1_lines:
                place = f"{self.path}:{self.number}:{at + 1}: {problem}"
                told = f"{place}: lines that are not UTF-8 are read as latin-1; {ADVICE} if they are not"
                warnings.warn(told, UnicodeWarning, stacklevel=2)
            self.latin1_lines.append(self.number)
            return raw.decode("latin-1")
        self._note(f"{problem}: say encoding= (utf-16)" if utf16 else f"{problem}: {ADVICE}", at)
        return raw.decode(self.encoding, "replace")


def checked_encoding(name: str) -> str:
    """Return Python's name of an encoding; a ValueError says what was expected if there is none."""
    try:
        codec = codecs.lookup(name)
        "".encode(name)  # LookupError too: bytes to bytes, such as base64
    except LookupError:
        raise ValueError(f"encoding: expected the name of one, such as utf-8 or latin-1, got {name!r}") from None
    return "utf-8" if codec.name == "utf-8-sig" else codec.name


def _extends_ascii(encoding: str) -> bool:
    """Tell whether a line ends where its bytes say so: not in UTF-16, UTF-32 and EBCDIC."""
    return "\t\n".encode(encoding) == b"\t\n"


def _as_utf8(pieces: Iterable[bytes], encoding: str, source: Source) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    try:
        for piece in pieces:
            if text := decoder.decode(piece):
                yield text.encode("utf-8", "surrogatepass")
            done += len(piece)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise TextFormatError(
            f"expected {encoding}, got something else around byte {done:,}: {error}", source.path
        ) from None
