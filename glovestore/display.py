"""What people read: cells in columns, tokens that can be seen, sizes and times in units that suit them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from glovestore.tokens import shown


def aligned(rows: Iterable[Sequence[str]], sides: str, indent: str = "") -> str:
    """Return rows of cells in columns, two spaces apart. `sides` says "l" or "r" for each column.

    Tokens belong into the last column where they can: nobody knows how wide a terminal draws them.
    """
    cells = [list(row) for row in rows]
    widths = [max((len(row[i]) for row in cells), default=0) for i in range(len(sides))]
    lines = (
        "  ".join(
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        )
        for row in cells
    )
    return "\n".join((indent + line).rstrip() for line in lines)


def visible(token: str) -> str:
    """Return a token for a table: as it is where it can be seen, quoted and escaped where it cannot."""
    return token if token.isprintable() and token == token.strip() != "" else shown(token)


def printable(text: str) -> str:
    """Return a text without what steers terminals: names in it may come from files that somebody sent."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def human_bytes(count: float) -> str:
    """Return a number of bytes in the unit that suits it: 6.6 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:,.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def human_seconds(seconds: float) -> str:
    """Return a time in the unit that suits it: 1.25 s, 14.2 ms, 85.0 µs."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1 or unit == "µs":
            break
    digits = 2 if unit == "s" else 1
    return f"{seconds * scale:,.{digits}f} {unit}"
