"""The second process of a pipeline: it imports, starts its clock, opens, makes a matrix, stops the clock.

The matrix stays behind to be checked.

    python benchmarks/second_process.py OPENER FOLDER TOKENS.json MATRIX.npy      prints the seconds
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from openers import OPENERS, Opener


def run(opener: Opener, folder: Path, tokens: Path, matrix: Path) -> float:
    """Run this file in a new interpreter and return the seconds on its clock."""
    return float(run_python(__file__, opener.name, folder, tokens, matrix))


def run_python(*arguments: str | Path) -> str:
    """Run a new interpreter that sees the scripts of this folder, not what is in the current one; return its output."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: expected a result on its standard output, got\n{done.stderr}")
    return done.stdout


def main(name: str, folder: str, tokens_file: str, matrix_file: str) -> None:
    """Be the second process."""
    opener = OPENERS[name]
    tokens = json.loads(Path(tokens_file).read_bytes())
    opener.do_imports()
    start = time.perf_counter()
    matrix = opener.matrix(opener.open(Path(folder)), tokens)
    seconds = time.perf_counter() - start
    np.save(matrix_file, matrix)
    print(seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
