"""Bytes to lines of text, in any encoding; what cannot be decoded is an error that says where it stands."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from glovestore.errors import TextFormatError

# What stands on either side of such a space does not change the tokens on the other side, whatever the tokenizer.
CUT = re.compile("(?<=[A-Za-z]) (?=[A-Za-z])")


def check_encoding(encoding: str) -> str:
    """Return the name of an encoding of text; a ValueError if Python does not know it, or it is none of text."""
    try:
        "".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError):
        expected = "expected an encoding of text that Python knows, such as utf-8, latin-1, cp1252 or utf-16"
        raise ValueError(f"{expected}; got {encoding!r}") from None
    return encoding


def decoded_lines(
    pieces: Iterable[bytes], encoding: str, path: Path | str, longest: int | None = None
) -> Iterator[str]:
    r"""Yield the lines of a text that comes in pieces of bytes, none of them empty.

    They are cut at \n only; a \r at their end and a byte order mark in front of all are dropped. With `longest`, a line
    of more characters comes in parts, which have the same tokens together: it ends at a space behind that many. Holds
    a piece and a line, or such a part, in memory. What is no text in `encoding` is a TextFormatError that names `path`,
    line and byte column.
    """
    rest = ""
    for text in _decoded(pieces, encoding, path):
        seen = len(rest)
        first, *others = text.split("\n")
        rest += first
        for line in others:
            yield from _parts(rest.removesuffix("\r"), longest, seen)
            rest, seen = line, 0
        *parts, rest = _parts(rest, longest, seen)
        yield from parts
    if rest:
        yield rest.removesuffix("\r")


def _parts(line: str, longest: int | None, seen: int) -> list[str]:
    """Cut a line, in whose first `seen` characters no place to cut it stands whole."""
    parts, begin = [], 0
    while longest is not None and len(line) - begin > longest:
        place = CUT.search(line, max(begin + longest, seen - 1))
        if place is None:
            break
        parts.append(line[begin : place.start()])
        begin = place.end()
    return [*parts, line[begin:]]


def _decoded(pieces: Iterable[bytes], encoding: str, path: Path | str) -> Iterator[str]:
    """Yield the text of each piece, or what of it ends there."""
    decoder = _new_decoder(encoding)
    fed, line, width = 0, 1, 0  # bytes, and how many of them stand in this line
    for piece in chain(pieces, (b"",)):
        state, fed = decoder.getstate(), fed + len(piece)
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            rest = len(error.object) - error.start  # bytes from the bad one on: the object ends where the piece does
            decoder.setstate(state)
            text = decoder.decode(piece[: max(0, len(piece) - rest)])
            line, width = line + text.count("\n"), _width(text, width, encoding)
            column = fed - rest if line == 1 else width  # of the first line a byte order mark counts
            raise TextFormatError(_problem(error, encoding), path, line, column + 1) from None
        except UnicodeError as error:
            raise TextFormatError(f"expected text in {encoding}, got none: {error}", path) from None
        line, width = line + text.count("\n"), _width(text, width, encoding)
        yield text


def _new_decoder(encoding: str) -> codecs.IncrementalDecoder:
    # Python's utf-8 takes the mark that editors on Windows write for a letter of the first token.
    with_mark = codecs.lookup(check_encoding(encoding)).name == "utf-8"
    return codecs.getincrementaldecoder("utf-8-sig" if with_mark else encoding)()


def _width(text: str, width: int, encoding: str) -> int:
    """Return how many bytes stand in the last line of `text`, which goes on in a line of `width` bytes."""
    begin = text.rfind("\n") + 1
    mark = len("".encode(encoding))
    return len(text[begin:].encode(encoding)) - mark + (0 if begin else width)


def _problem(error: UnicodeDecodeError, encoding: str) -> str:
    byte = f"0x{error.object[error.start]:02x}"
    return f"expected text in {encoding}, got the byte {byte} ({error.reason}): say encoding= if it is in another one"
