"""New processes from start to end: what an import costs, and a whole use of the store, beside numpy alone.

The clock of the parent runs from the start of the interpreter to its end. The candidates take turns, so that what the
machine does meanwhile meets all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from second_process import run_python

READ_TOKENS = "import sys; tokens = open(sys.argv[1], encoding='utf-8', newline='\\n').read().split('\\n'); "
IMPORTS = {
    "import glovestore": "import glovestore",
    "from glovestore import open": "from glovestore import open",  # public names load on first use
    "import numpy": "import numpy",
    "nothing": "pass",
}
USES = {
    "glovestore: import, open, matrix": (
        f"{READ_TOKENS} import glovestore; matrix = glovestore.open(sys.argv[2]).matrix(tokens).array"
    ),
    "numpy: import, zeros of that shape": (
        f"{READ_TOKENS} import numpy; matrix = numpy.zeros((len(tokens), int(sys.argv[3])), 'float32')"
    ),
    "numpy: import, ones of that shape": (
        f"{READ_TOKENS} import numpy; matrix = numpy.ones((len(tokens), int(sys.argv[3])), 'float32')"
    ),
}
LEAVE_BEHIND = "; import numpy; numpy.save(sys.argv[4], matrix)"


def take_turns(codes: Mapping[str, str], arguments: Sequence[str | Path], rounds: int) -> dict[str, list[float]]:
    """Run each code in new processes, one after the other, round by round; return the seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for number in range(rounds + 1):
        for name, code in codes.items():
            start = time.perf_counter()
            run_python("-c", code, *arguments)
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - start)
    return seconds


def above(seconds: Mapping[str, Sequence[float]], name: str, base: str) -> str:
    """Say by how much a median lies above another one."""
    more = median(seconds[name]) - median(seconds[base])
    return f"{more * 1e3:+.1f} ms against {base}"
