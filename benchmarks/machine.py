"""Where a run was measured, in words: figures mean nothing without it."""

from __future__ import annotations

import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from peers import PACKAGES

from glovestore.cores import usable_cores


def describe() -> str:
    """Return date, processor, cores, Python and the version of everything that takes part, in one line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    place = f"{date.today()}, {processor()}, {usable_cores()} cores, {platform.system()}, {python}"
    return f"{place}; {', '.join(package_version(name) for name in ('glovestore', 'numpy', *PACKAGES))}"


def processor() -> str:
    """Return the name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def package_version(name: str) -> str:
    """Return "name version", without importing it."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} (not installed)"
