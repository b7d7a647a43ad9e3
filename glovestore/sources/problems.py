"""The sentences about bad text: what was expected, what came."""

from __future__ import annotations

from pathlib import Path

from glovestore import _core
from glovestore.errors import TextFormatError
from glovestore.format.header import looks_like_store

LARGEST_FLOAT32 = "3.4028235e38"
SHOWN_BYTES = 60
TELLING_BYTES = 512

SIGNATURES = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file that is not a store",
    b"\x93NUMPY": "a .npy file",
}


def not_text(head: bytes | bytearray) -> str | None:
    """Return what is wrong with a file whose first TELLING_BYTES say that it is something else, else None."""
    if looks_like_store(bytes(head[:64])):
        return "expected GloVe text, got a glovestore file: it needs no build, open it"
    if head[257:262] == b"ustar":
        return "expected GloVe text, got a tar archive: extract it first"
    for signature, what in SIGNATURES.items():
        if head.startswith(signature):
            return f"expected GloVe text, got {what}"
    return None


def describe_fault(fault: str, line: bytes, field: bytes, dim: int, found: int, unfinished: bool) -> str:
    """Return the sentence for a fault of `_core.parse_rows`. `unfinished`: the line is the last and has no newline."""
    if fault == "too_few":
        return _too_few(line, dim, found, unfinished)
    if fault == "not_a_number":
        return _not_a_number(field) + _hint(line, field)
    if fault == "overflow":
        return f"expected a number within float32 (up to {LARGEST_FLOAT32}), got {show(field)}"
    if fault == "too_many":
        return f"expected {dim} numbers, got {found}: two rows on one line?"
    return f"expected a token of at most {_core.LONGEST_TOKEN} bytes, got {len(field)}"


def line_too_long(path: Path | str, line: int) -> TextFormatError:
    """Return the error for a line that is longer than any row may be."""
    return TextFormatError(f"expected a line of at most {_core.LONGEST_LINE} bytes, got a longer one", path, line, 1)


def _too_few(line: bytes, dim: int, found: int, unfinished: bool) -> str:
    if not line.strip(b" \r"):
        return f"expected a token and {dim} numbers, got an empty line"
    end = ": the file ends inside this row" if unfinished else ""
    return f"expected {dim} numbers, got {found}{end}" + _hint(line, line)


def _not_a_number(field: bytes) -> str:
    if not field:
        return "expected a number, got nothing: two spaces in a row"
    finite = "finite " if field.lower().lstrip(b"+-") in (b"inf", b"infinity", b"nan") else ""
    return f"expected a {finite}number, got {show(field)}"


def _hint(line: bytes, field: bytes) -> str:
    if b"\0" in line:
        return "; the line holds zero bytes: is this a binary file?"
    if b"\t" in field:
        return "; fields are separated by tabs where single spaces are expected"
    return ""


def show(field: bytes) -> str:
    """Return bytes for a message: quoted, readable, short."""
    text = field[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return repr(text) + ("..." if len(field) > SHOWN_BYTES else "")
