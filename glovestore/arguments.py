"""Checks of arguments that several modules take."""

from __future__ import annotations

import operator
from typing import SupportsIndex


def whole_number(name: str, value: SupportsIndex, least: int = 1) -> int:
    """Return an integer argument as an int; a ValueError says what was expected if it is none, or below `least`."""
    number = None if isinstance(value, bool) or not hasattr(value, "__index__") else operator.index(value)
    if number is None or number < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, got {value!r}")
    return number
