"""Fuzz the native core: build this folder's targets with clang's libFuzzer, ASAN and UBSAN, and let each run a while.

    python fuzz/run.py [--time SECONDS] [--target NAME ...] [--build FOLDER]

SECONDS are those of all targets together. Inputs that reach new code are kept in FOLDER/corpus, for the next run; the
seeds are in fuzz/corpus, and what ever crashed in fuzz/regressions, which tests/test_fuzz.py replays. Exit code 1 if
something crashed: the input is named, and belongs into fuzz/regressions once it is mended.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORE = HERE.parent / "ext"
TARGETS = sorted(path.stem for path in HERE.glob("*.cpp") if path.stem != "replay")
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
FLAGS = [
    "-std=c++17",
    "-O2",
    "-g",
    "-fno-omit-frame-pointer",
    "-Wall",
    "-Wextra",
    f"-I{CORE}",
    f"-I{HERE}",
    *SANITIZERS,
]
LONGEST_INPUT = 512


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


def fuzz(program: Path, name: str, seconds: int, folder: Path) -> tuple[int, Path | None]:
    """Run a target; return how many inputs it executed, and the one that crashed."""
    corpus, crashes = folder / "corpus" / name, folder / "crashes" / name
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-artifact_prefix={crashes}/"]
    command = [program, *options, "-print_final_stats=1", "-timeout=10", corpus, *seeds_of(name)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    new = sorted(set(crashes.iterdir()) - before)
    if done.returncode and not new:
        raise RuntimeError(f"{name}: expected to run, got exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return int(executed[1]) if executed else 0, new[0] if new else None


def main() -> int:
    """Build, run, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=int, default=60, help="seconds for all targets together")
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--build", type=Path, default=HERE.parent / "build-fuzz")
    arguments = parser.parse_args()
    compiler = shutil.which("clang++")
    if compiler is None:
        sys.exit("expected clang++ with libFuzzer (Debian: clang and libclang-rt-14-dev), got none")
    objects = build_core(compiler, ["-fsanitize=fuzzer-no-link"], arguments.build / "core")
    seconds, failed = max(1, arguments.time // len(arguments.target)), False
    for name in arguments.target:
        program = arguments.build / name
        build_target(compiler, ["-fsanitize=fuzzer"], [HERE / f"{name}.cpp"], objects, program)
        executed, crash = fuzz(program, name, seconds, arguments.build)
        print(f"{name}: {executed:,} inputs in {seconds} s" + (f"; crashed on {crash}" if crash else ""), flush=True)
        failed = failed or crash is not None
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
