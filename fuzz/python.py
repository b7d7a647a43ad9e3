"""Fuzz one of the targets in files/: the program that run.py runs, with libFuzzer's options.

    python fuzz/python.py TARGET [-max_total_time=SECONDS] [-runs=N] [-seed=N] [-artifact_prefix=FOLDER/] [FOLDER ...]

With atheris installed libFuzzer chooses the inputs by the lines of glovestore that they reach; without, they are
mutations of the seeds. Either way mutating.py makes half of them, and what fails is kept and ends the run.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

try:
    import atheris
except ImportError:
    atheris = None

sys.path.insert(0, str(Path(__file__).resolve().parent))
from mutating import mutated

LONGEST_INPUT = 1 << 14  # where libFuzzer does not say
SLOWEST = 20.0  # seconds an input


def mutation(data: bytes, most: int, seed: int) -> bytes:
    """Return another input."""
    draw = random.Random(seed)
    return mutated(data, draw, most) if draw.random() < 0.5 else atheris.Mutate(data, most)


def by_coverage(use: Callable[[bytes], None], arguments: list[str]) -> None:
    """Run until libFuzzer says that it is enough. It ends the process."""
    atheris.Setup([sys.argv[0], *arguments], use, custom_mutator=mutation)
    atheris.Fuzz()


def at_random(use: Callable[[bytes], None], seeds: list[bytes], arguments: list[str]) -> int:
    """Do without libFuzzer what it would do, less cleverly; return the exit code."""
    options = dict(re.findall(r"-(\w+)=(\S+)", " ".join(arguments)))
    folders = [Path(argument) for argument in arguments if not argument.startswith("-")]
    known = [*seeds, *(file.read_bytes() for folder in folders for file in sorted(folder.iterdir()))]
    draw, executed = random.Random(int(options.get("seed", 0))), 0
    runs, end = int(options.get("runs", 1e18)), time.monotonic() + float(options.get("max_total_time", 1e9))
    while executed < runs and time.monotonic() < end:
        data = known[executed] if executed < len(known) else mutated(draw.choice(known), draw, LONGEST_INPUT)
        begin = time.monotonic()
        try:
            use(data)
            if time.monotonic() - begin > SLOWEST:
                raise TimeoutError(f"expected an end within {SLOWEST} s")
        except BaseException:
            traceback.print_exc()
            Path(f"{options.get('artifact_prefix', './')}crash-{draw.randbytes(8).hex()}").write_bytes(data)
            return 1
        executed += 1
    print(f"stat::number_of_executed_units: {executed}", file=sys.stderr)
    return 0


def instrumented() -> AbstractContextManager[object]:
    """Let atheris see which lines run of what is imported in this block."""
    return atheris.instrument_imports(include=["glovestore"]) if atheris else nullcontext()


def main() -> int:
    """Run a target. libFuzzer ends the process and cleans nothing up: run.py gives it a folder for temporaries."""
    name, arguments = sys.argv[1], sys.argv[2:]
    with instrumented():
        import files

        target: Any = files.TARGETS[name](Path(tempfile.mkdtemp()))
        seeds = target.start()
        if atheris is None:
            return at_random(target.use, seeds, arguments)
        for number, seed in enumerate(seeds):
            (kept_in(arguments) / f"seed-{number}").write_bytes(seed)
        by_coverage(target.use, arguments)
    return 0


def kept_in(arguments: list[str]) -> Path:
    """Return the folder that libFuzzer keeps what it found in: the first that is named."""
    return Path(next(argument for argument in arguments if not argument.startswith("-")))


if __name__ == "__main__":
    sys.exit(main())
