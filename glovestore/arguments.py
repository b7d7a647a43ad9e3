"""Checks of arguments that several modules take."""

from __future__ import annotations

import operator
from numbers import Real
from typing import SupportsIndex, TypeGuard


def whole_number(name: str, value: SupportsIndex, least: int = 1) -> int:
    """Return an integer argument as an int; a ValueError says what was expected if it is none, or below `least`."""
    number = None if isinstance(value, bool) or not hasattr(value, "__index__") else operator.index(value)
    if number is None or number < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, got {value!r}")
    return number


def is_number(value: object) -> TypeGuard[float]:
    """Return whether an argument is a number, of Python or numpy: a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)  # numpy's bools are no Real
