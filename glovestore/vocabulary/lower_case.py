"""The lower case of every character, as `str.lower` of the running Python has it, for the core."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glovestore import _core

PAGE = 256
PLANE = 65_536
PLANES = 17
IS_CASED, IS_CASE_IGNORABLE, IS_SPECIAL = 1, 2, 4  # ext/lower_case.hpp
CAPITAL_SIGMA, FINAL_SIGMA, SMALL_SIGMA = 0x3A3, 0x3C2, 0x3C3
BECOMES_TWO = 0x130  # the only character whose lower case is longer than one; the core knows it
SPACE, CASED = ord(" "), ord("a")

_Points = npt.NDArray[np.uint32]


def lower_case_table(planes: int = PLANES) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32]]:
    """Return (pages (0x1100,), entries (rows, 256)): ``entries[pages[c >> 8], c & 255]`` is the entry of code point c.

    An entry is what to add to get the lower case, times 8, plus 1 if the character is cased, plus 2 if it is
    case-ignorable, which decides about a sigma near it, plus 4 if it is one of the two that the core has rules for.
    Row 0 is that of the pages without such characters, and of the planes left out: each takes about a millisecond.
    """
    pages = np.zeros(PLANES * PLANE // PAGE, np.uint16)
    used = np.array([page for plane in range(planes) for page in _used_pages(plane)])
    pages[used] = np.arange(1, len(used) + 1)
    points = (used[:, np.newaxis] * PAGE + np.arange(PAGE)).astype(np.uint32)
    entries = np.zeros((len(used) + 1, PAGE), np.int32)
    entries[1:] = _entries(points.ravel()).reshape(-1, PAGE)
    return pages, entries


def _used_pages(plane: int) -> list[int]:
    """Return the pages with a character whose lower case is another, or that decides about a sigma.

    With a sigma behind each character: it becomes a final one where the last of a run of such characters stands.
    """
    texts = np.full((PLANE // PAGE, PAGE + 1, 2), CAPITAL_SIGMA, np.uint32)
    texts[:, 0] = SPACE, CASED  # ends the run of the page before; begins one, for a first character that is ignored
    texts[:, 1:, 0] = _without_two(np.arange(PLANE, dtype=np.uint32) + plane * PLANE).reshape(-1, PAGE)
    lower = _lower(texts.ravel()).reshape(texts.shape)
    same = np.where(texts == CAPITAL_SIGMA, SMALL_SIGMA, texts) == lower
    used: list[int] = np.flatnonzero(~same.all(axis=(1, 2))).tolist()
    return [page + plane * (PLANE // PAGE) for page in used]


def _entries(points: _Points) -> npt.NDArray[np.int32]:
    """Look at a sigma behind each character alone, and behind a cased character and it: the second is final if either
    is cased, the first only if this one is, and is not ignored.
    """
    plain = _without_two(points)
    texts = np.full((len(points), 7), SPACE, np.uint32)
    texts[:, 1] = texts[:, 5] = plain
    texts[:, 2] = texts[:, 6] = CAPITAL_SIGMA
    texts[:, 4] = CASED
    lower = _lower(np.append(texts.ravel(), np.uint32(SPACE)))[:-1].reshape(texts.shape)
    cased, either = lower[:, 2] == FINAL_SIGMA, lower[:, 6] == FINAL_SIGMA
    special = (points == CAPITAL_SIGMA) | (points == BECOMES_TWO)
    entries: npt.NDArray[np.int64] = (lower[:, 1].astype(np.int64) - plain) * 8
    entries += cased * IS_CASED + (either & ~cased) * IS_CASE_IGNORABLE + special * IS_SPECIAL
    return entries.astype(np.int32)


def _without_two(points: _Points) -> _Points:
    """Put a cased letter into the place of the character whose lower case would shift all behind it; it is one too."""
    return np.where(points == BECOMES_TWO, np.uint32(ord("I")), points)


def _lower(points: _Points) -> _Points:
    text = points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    lower = text.lower().encode("utf-32-le", "surrogatepass")
    return np.frombuffer(lower, "<u4").astype(np.uint32)


LOWER_CASE = _core.LowerCase(lower_case_table)
"""The table, made when a text is first met that needs it."""
