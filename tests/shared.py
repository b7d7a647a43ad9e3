"""What several test files name: the shipped fixture, a small text, a store with its report."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import glovestore

ODD_TEXT = Path(__file__).parent / "data" / "odd.txt"
SMALL_TEXT = b"".join(b"token%d %d %d.5 -%d\n" % (i, i, i, i) for i in range(60))
SMALL_TEXT += b"caf\xc3\xa9 1 2 3\n\xff 4 5 6\n 7 8 9\n"
SMALL_ROWS = 63


class Built(NamedTuple):
    """A store that a test made, and what the build said."""

    path: Path
    report: glovestore.BuildReport
