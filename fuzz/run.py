"""Fuzz the native core and the Python layer, each target for a while.

    python fuzz/run.py [--time SECONDS] [--target NAME ...] [--build FOLDER]

The targets of the core are this folder's .cpp files, which clang builds with libFuzzer, ASAN and UBSAN; those of the
Python layer are in files/, which python.py runs. SECONDS are those of all targets together, as many for each.
Inputs that reach new code are kept in FOLDER/corpus, for the next run; the seeds are in fuzz/corpus, and what ever
failed in fuzz/regressions, which tests/test_fuzz.py replays. Exit code 1 if something failed: the input is named, and
belongs into fuzz/regressions once it is mended.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CORE = HERE.parent / "ext"
TARGETS = sorted(path.stem for path in HERE.glob("*.cpp") if path.stem != "replay")
FILES = ("header", "cache", "vectors", "tokens", "spacy", "vocabulary", "labelled", "model", "command")
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
FLAGS = [
    "-std=c++17",
    "-O2",
    "-g",
    "-fno-omit-frame-pointer",
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    f"-I{CORE}",
    f"-I{HERE}",
    *SANITIZERS,
]
LONGEST_INPUT, LONGEST_FILE = 512, 1 << 14
SLOWEST = 20  # seconds for an input
STARTING = 600  # seconds more that a target may take: it begins with all inputs that it has


def build_core(compiler: str, extra: list[str], folder: Path) -> list[Path]:
    """Compile the core, as far as it is not there yet, and return its object files."""
    newest_header = max(path.stat().st_mtime for path in CORE.glob("*.hpp"))
    folder.mkdir(parents=True, exist_ok=True)

    def compiled(source: Path) -> Path:
        target = folder / f"{source.stem}.o"
        if not target.exists() or target.stat().st_mtime < max(source.stat().st_mtime, newest_header):
            subprocess.run([compiler, *FLAGS, *extra, "-c", source, "-o", target], check=True)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compiled, sorted(CORE.glob("*.cpp"))))


def build_target(compiler: str, extra: list[str], sources: list[Path], objects: list[Path], program: Path) -> Path:
    """Compile a target and link it with the core."""
    command = [compiler, *FLAGS, *extra, *sources, *objects, "-pthread", "-o", program]
    subprocess.run(command, check=True)
    return program


def seeds_of(name: str) -> list[Path]:
    """Return the folders with a target's seeds and regressions that are there."""
    return [folder for folder in (HERE / "corpus" / name, HERE / "regressions" / name) if folder.is_dir()]


def command_of(name: str, objects: list[Path], folder: Path) -> list[str]:
    """Return the command that runs a target, built if it is one of the core's."""
    if name in FILES:
        return [sys.executable, str(HERE / "python.py"), name, f"-max_len={LONGEST_FILE}"]
    program = build_target("clang++", ["-fsanitize=fuzzer"], [HERE / f"{name}.cpp"], objects, folder / name)
    return [str(program), f"-max_len={LONGEST_INPUT}"]


def fuzz(command: list[str], name: str, seconds: int, folder: Path) -> tuple[int, str]:
    """Run a target; return how many inputs it executed, and what went wrong, "" if nothing did."""
    corpus, crashes = folder / "corpus" / name, folder / "crashes" / name
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    options = [f"-max_total_time={seconds}", f"-timeout={SLOWEST}", f"-artifact_prefix={crashes}/"]
    command = [*command, *options, "-print_final_stats=1", *map(str, [corpus, *seeds_of(name)])]
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        surroundings: dict[str, Any] = {"env": {**os.environ, "TMPDIR": scratch}, "timeout": seconds + STARTING}
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", **surroundings)
        except subprocess.TimeoutExpired:
            return 0, f"did not end within {seconds + STARTING} s"
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    new = sorted(set(crashes.iterdir()) - before)
    if new or done.returncode or not executed:
        print(done.stderr[-4000:], file=sys.stderr)
    problem = f"failed on {new[0]}" if new else f"ended with exit code {done.returncode}"
    return int(executed[1]) if executed else 0, problem if new or done.returncode or not executed else ""


def main() -> int:
    """Build, run, and say what came of it: a line for each target, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=int, default=60, help="seconds for all targets together")
    parser.add_argument("--target", nargs="+", choices=[*TARGETS, *FILES], default=[*TARGETS, *FILES])
    parser.add_argument("--build", type=Path, default=HERE.parent / "build-fuzz")
    arguments = parser.parse_args()
    objects: list[Path] = []
    if not set(TARGETS).isdisjoint(arguments.target):
        if shutil.which("clang++") is None:
            sys.exit("expected clang++ with libFuzzer (Debian: clang and libclang-rt-14-dev), got none")
        objects = build_core("clang++", ["-fsanitize=fuzzer-no-link"], arguments.build / "core")
    seconds, total, failed = max(1, arguments.time // len(arguments.target)), 0, 0
    for name in arguments.target:
        executed, problem = fuzz(command_of(name, objects, arguments.build), name, seconds, arguments.build)
        rate = f"{executed:>13,} inputs in {seconds} s {executed // seconds:>9,} a second"
        print(f"{name:10} {rate}{problem and '; ' + problem}", flush=True)
        total += executed
        failed += bool(problem)
    print(f"{total:,} inputs of {len(arguments.target)} targets, {failed} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
