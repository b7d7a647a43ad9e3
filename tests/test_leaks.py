"""What the native core allocates is freed, its errors included: under `make sanitize`, by the leak sanitizer.

It looks when a process ends, where CPython and other libraries still hold memory of theirs: only what the extension
itself asked for counts.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sanitizing

HERE = Path(__file__).parent
OPTIONS = "detect_leaks=1:exitcode=0"
# Tests of every class of the extension, with what each refuses.
FILES = ("core", "lookup", "strings", "file_map", "subwords", "vocabulary_core", "format_rows", "word2vec", "keeping")

pytestmark = pytest.mark.skipif(not sanitizing.ASAN, reason="looks for leaks under make sanitize")


def leaks_of(command: list[str | Path]) -> list[str]:
    """Run a command and return the leak sanitizer's reports on memory of the extension."""
    environment = {**os.environ, "ASAN_OPTIONS": OPTIONS}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", cwd=HERE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "SUMMARY: AddressSanitizer" in done.stderr, "CPython leaks nothing: was it looked for?"
    reports = re.split(r"\n(?=(?:Direct|Indirect) leak of )", done.stderr)[1:]
    return [report for report in reports if is_ours(report)]


def is_ours(report: str) -> bool:
    """Return whether the first of the callers that is no allocator or C++ library is in the extension."""
    callers = re.findall(r"^ +#\d+ \S+ in (.*)", report, re.MULTILINE)
    own = (caller for caller in callers if not re.search(r"sanitizer|libstdc\+\+|/c\+\+/|^std::", caller))
    return bool(re.search(r"/ext/|_core\.|glovestore::", next(own, "")))


def test_no_memory_of_the_core_is_lost(tmp_path: Path) -> None:
    files = [HERE / f"test_{name}.py" for name in FILES]
    pytest_of_this = Path(sys.executable).with_name("pytest")
    assert leaks_of([pytest_of_this, "-q", "-p", "no:cacheprovider", "--basetemp", tmp_path / "run", *files]) == []


LOSES = """
import ctypes
from glovestore import _core
hashes = _core.PieceHashes(10)
hashes.add(bytes(1000))
ctypes.pythonapi.Py_IncRef(ctypes.py_object(hashes))
del hashes
"""


def test_what_is_lost_is_found() -> None:
    """The harness itself: an object that nobody frees, and the memory of its C++ side."""
    assert any("PieceHashes" in report for report in leaks_of([sys.executable, "-c", LOSES]))
