"""The slow, obvious reference of the text format: every rule of the input on bytes, in plain Python, exact arithmetic.

The fast path is proved against this file, so nothing here may share code with it: no glovestore, no float parsing.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

BOM = b"\xef\xbb\xbf"
MAX_TOKEN_BYTES = 65_535
SAMPLED_LINES = 100
NUMBER = re.compile(rb"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
HEADER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18})")

SMALLEST_EXPONENT = -149  # one unit in the last place of a subnormal float32 is 2 ** -149
GREATEST_FINITE = (2**24 - 1) << 104


class Overflow(ValueError):
    """A decimal that rounds to no finite float32."""


class ReferenceError(Exception):  # shadows the built-in one, which nobody here needs
    """A file that the format refuses; `line` and `column` count from 1, None for the file as a whole."""

    def __init__(self, line: int | None, column: int | None, kind: str) -> None:
        super().__init__(f"{kind} at {line}:{column}")
        self.line, self.column, self.kind = line, column, kind


@dataclass
class ReferenceResult:
    """What the format says a file holds; `lines == len(tokens) + header + duplicates + skipped + not_kept`."""

    tokens: list[bytes] = field(default_factory=list)
    values: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.float32))
    lines: int = 0
    header: int = 0
    duplicates: int = 0
    skipped: int = 0
    not_kept: int = 0
    final_newline: bool = True


class BadLine(Exception):
    """One row that breaks a rule."""

    def __init__(self, column: int, kind: str) -> None:
        super().__init__(column, kind)
        self.column, self.kind = column, kind


def to_int(digits: bytes) -> int:
    """Read any number of decimal digits (Python's own int() stops at 4,300)."""
    value = 0
    for start in range(0, len(digits), 4000):
        piece = digits[start : start + 4000]
        value = value * 10 ** len(piece) + int(piece)
    return value


def is_number(text: bytes) -> bool:
    """Tell whether the whole text is a decimal number of the grammar, in range or not."""
    return NUMBER.fullmatch(text) is not None


def round_to_float32(number: Fraction | str | bytes) -> np.float32:
    """Return the float32 nearest to a number, ties to the even one; raise Overflow beyond the finite ones."""
    if isinstance(number, str):
        number = number.encode("ascii")
    if isinstance(number, bytes):
        return _round_text(number)
    return _round_fraction(number, negative=number < 0)


def _round_text(text: bytes) -> np.float32:
    match = NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a number: {text!r}")
    sign, whole, fraction, bare_fraction, exponent = match.groups()
    fraction = fraction or bare_fraction or b""
    digits = ((whole or b"") + fraction).lstrip(b"0")
    power = to_int((exponent or b"0").lstrip(b"+-")) * (-1 if exponent and exponent.startswith(b"-") else 1)
    power -= len(fraction)
    negative = sign == b"-"
    # 10 ** power of a huge power would take all memory; both ends are decided by the magnitude alone
    if not digits or len(digits) + power < -60:
        return np.float32(-0.0 if negative else 0.0)
    if len(digits) + power > 60:
        raise Overflow(text)
    magnitude = to_int(digits) * Fraction(10) ** power
    return _round_fraction(-magnitude if negative else magnitude, negative=negative)


def _round_fraction(number: Fraction, *, negative: bool) -> np.float32:
    magnitude = abs(number)
    exponent = SMALLEST_EXPONENT
    if magnitude:
        # 2 ** (b - 1) < magnitude < 2 ** (b + 1) with b the difference of bit lengths: 24 bits, or 25 rounded once more
        exponent = max(exponent, magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 24)
    if magnitude >= Fraction(2) ** (exponent + 24):
        exponent += 1
    unit = Fraction(2) ** exponent
    rounded = round(magnitude / unit) * unit  # round() of a Fraction: half to even
    if rounded > GREATEST_FINITE:
        raise Overflow(number)
    value = np.float32(float(rounded))  # exact: at most 24 significant bits
    return -value if negative else value


def split_lines(data: bytes) -> list[bytes]:
    """Split at 0x0A only, each line without its trailing run of spaces and carriage returns."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return [line.rstrip(b" \r") for line in lines]


def parse_row(line: bytes, dim: int, skip: int = 0) -> tuple[bytes, list[np.float32]]:
    """Split one stripped line into token and numbers; `skip` bytes of BOM stood before it and count in columns."""
    fields = line.split(b" ")
    starts = [1 + skip]
    for previous in fields[:-1]:
        starts.append(starts[-1] + len(previous) + 1)
    count = len(fields) - 1
    if count < dim or not line:
        raise BadLine(len(line) + skip + 1, "few")
    values = []
    for position in range(count - dim + 1, count + 1):
        if not is_number(fields[position]):
            raise BadLine(starts[position], "number")
        try:
            values.append(round_to_float32(fields[position]))
        except Overflow:
            raise BadLine(starts[position], "overflow") from None
    extras = fields[1 : count - dim + 1]
    if extras and all(is_number(extra) for extra in extras):
        raise BadLine(starts[dim + 1], "many")
    token = b" ".join(fields[: count - dim + 1])
    if len(token) > MAX_TOKEN_BYTES:
        raise BadLine(1, "token")
    return token, values


def parses(line: bytes, dim: int) -> bool:
    """Tell whether a line is a row of that many numbers."""
    try:
        parse_row(line, dim)
    except BadLine:
        return False
    return True


def find_header(lines: list[bytes], header: bool | str) -> int | None:
    """Return the dim that the first line announces, None when it is no header."""
    match = HEADER.fullmatch(lines[0])
    announced = to_int(match[2]) if match else 0
    if header is True:
        if announced < 1:
            raise ReferenceError(1, 1, "header")
        return announced
    if header is False or announced < 1 or len(lines) < 2:
        return None
    return announced if parses(lines[1], announced) else None


def most_frequent_dim(lines: list[bytes], first_line: int) -> int:
    """Return the most frequent number of fields, less the token, of the first hundred lines that are not blank."""
    sampled = [(number, len(line.split(b" ")) - 1) for number, line in enumerate(lines, first_line) if line]
    sampled = sampled[:SAMPLED_LINES]
    if not sampled:
        raise ReferenceError(None, None, "empty")
    counts = Counter(count for _, count in sampled)
    most = max(counts.values())
    winners = [count for count in counts if counts[count] == most]
    if len(winners) > 1 or winners[0] == 0:
        line = next(number for number, count in sampled if count in winners)
        raise ReferenceError(line, 1, "dim")
    return winners[0]


def first_field(text: bytes) -> bytes:
    """Return the bytes before the first space: lines are passed over by it when only some tokens are to be kept."""
    return text.split(b" ")[0]


def check_header_count(line: bytes, data_lines: int, last_token: bytes | None) -> None:
    """Refuse a header whose row count is neither all data lines nor all but a final <unk>."""
    announced = to_int(line.split(b" ")[0])
    if announced == data_lines or (last_token == b"<unk>" and announced == data_lines - 1):
        return
    raise ReferenceError(1, 1, "header")


def read_text(
    data: bytes,
    dim: int | None = None,
    header: bool | str = "auto",
    on_bad_line: str = "error",
    keep: list[bytes] | None = None,
    order: str = "source",
    limit: int | None = None,
) -> ReferenceResult:
    """Read a whole file of vectors by the book."""
    if not data:
        raise ReferenceError(None, None, "empty")
    bom = len(BOM) if data.startswith(BOM) else 0
    lines = split_lines(data)
    lines[0] = lines[0][bom:]
    announced = find_header(lines, header)
    if announced is not None and dim not in (None, announced):
        raise ReferenceError(1, 1, "header")
    result = ReferenceResult(lines=len(lines), header=int(announced is not None), final_newline=data.endswith(b"\n"))
    dim = announced or dim or most_frequent_dim(lines, 1)
    unstripped = data[bom:].split(b"\n")
    if limit is not None and limit < len(lines) - result.header:
        result.final_newline = True  # the last line is not looked at
    lines = lines[: None if limit is None else result.header + limit]
    result.lines = len(lines)
    rows: dict[bytes, list[np.float32]] = {}
    token = None
    for number, line in enumerate(lines[result.header :], 1 + result.header):
        if keep is not None and first_field(unstripped[number - 1]) not in map(first_field, keep):
            token = first_field(line)
            result.not_kept += 1
            continue
        try:
            token, values = parse_row(line, dim, bom if number == 1 else 0)
        except BadLine as bad:
            if on_bad_line == "error":
                raise ReferenceError(number, bad.column, bad.kind) from None
            result.skipped += 1
            token = None
            continue
        if keep is not None and token not in keep:
            result.not_kept += 1
        elif token in rows:
            result.duplicates += 1
        else:
            rows[token] = values
    if not rows:
        raise ReferenceError(None, None, "empty")
    if announced is not None and limit != len(lines) - 1:
        check_header_count(lines[0], len(lines) - 1, token)
    if keep is not None and order == "given":
        rows = {token: rows[token] for token in keep if token in rows}
    result.tokens = list(rows)
    result.values = np.array(list(rows.values()), np.float32).reshape(len(rows), dim)
    return result
