"""Which SIMD tier builds and searches use."""

from __future__ import annotations

import os

from glovestore import _core

VARIABLE = "GLOVESTORE_SIMD"


def chosen_tier() -> str:
    """Return the tier that GLOVESTORE_SIMD names, else the fastest that this machine has.

    Raises ValueError for a name that is no tier of this machine.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return _core.SIMD_TIERS[0]
    if name not in _core.SIMD_TIERS:
        raise ValueError(f"expected {VARIABLE} to be one of {', '.join(_core.SIMD_TIERS)}, got {name!r}")
    return name
