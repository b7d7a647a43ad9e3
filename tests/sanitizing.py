"""Which of the compilers' sanitizers the tests run under, if any: `make sanitize`, `make tsan`.

A test that one of them cannot run is skipped, with the reason beside it.
"""

from __future__ import annotations

import os

_LOADED = os.environ.get("LD_PRELOAD", "")
ASAN = "libasan" in _LOADED
TSAN = "libtsan" in _LOADED


def environment_without() -> dict[str, str]:
    """Return the environment for other people's programs, whose memory is not looked at."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
