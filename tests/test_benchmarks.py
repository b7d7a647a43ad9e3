"""The benchmarks are run by hand, so they run here on tiny files too: their checks hold, and they never rot."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import vectors_generator
from table import Row, duration, ratio, render

ROOT = Path(__file__).resolve().parents[1]
SUITES = {path.name for path in (ROOT / "benchmarks").glob("test_*.py")}
PYTEST = shutil.which("pytest", path=sysconfig.get_path("scripts"))


def run(*arguments: str | Path, folder: Path) -> str:
    """Run benchmarks in a process of their own, as `make bench` does; return what they print."""
    options = ("-rA", "-p", "no:cacheprovider", "--benchmark-quiet", "--basetemp", folder / "run")
    command = [str(PYTEST), *map(str, (*arguments, *options))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_suite_passes_and_skips_only_what_is_not_installed(tmp_path: Path) -> None:
    text = vectors_generator.generate(tmp_path / "tiny.txt", 300, 7)
    with text.open("ab") as file:
        file.write(b"nan 1 2 3 4 5 6 7\nnull 1 2 3 4 5 6 -7\n")
    output = run("benchmarks", "--benchmark-disable", "--vectors", text, folder=tmp_path)
    passed = re.findall(r"^PASSED benchmarks/(\w+\.py)::(\w+)", output, re.MULTILINE)
    assert {suite for suite, _ in passed} == SUITES
    assert {"test_glovestore", "test_open", "test_store_rows", "test_store_matrix"} <= {name for _, name in passed}
    skipped = re.findall(r"^SKIPPED .*: (.*)$", output, re.MULTILINE)
    assert [reason for reason in skipped if not re.search("No module named|the file has only", reason)] == []


def test_peers_are_not_asked_to_read_what_they_cannot(tmp_path: Path) -> None:
    text = vectors_generator.generate(tmp_path / "header.txt", 50, 4, header=True)
    output = run("benchmarks/test_build.py", "--benchmark-disable", "--vectors", text, folder=tmp_path)
    assert "header.txt has a header, which the peers do not handle" in output
    assert len(re.findall(r"^PASSED .*::test_glovestore", output, re.MULTILINE)) == 2
    assert "PASSED benchmarks/test_build.py::test_peer" not in output


def test_the_table_of_a_run_can_be_printed_again_from_its_json(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    output = run("benchmarks/test_lookup.py", "--rows", "40", f"--benchmark-json={results}", folder=tmp_path)
    script = [sys.executable, ROOT / "benchmarks" / "table.py", results]
    table = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    assert table.strip() in output
    assert re.search(r"^\| store\.rows\(tokens\) .* ns/token \| +1\.00 x \| median of 21 +\|$", table, re.MULTILINE)
    assert len(table.splitlines()) == 2 + 2 + 7 + 2  # head, two groups, seven benchmarks, the machine


def row(what: str, seconds: float, *, baseline: bool = False, unit: str = "MB/s", note: str = "") -> Row:
    return Row("g", what, seconds, 1 if note else 5, 200.0, unit, baseline, note)


def test_table() -> None:
    rows = [
        row("ours", 0.1, baseline=True),
        row("theirs", 31.25, note="loses 3 words"),
        row("n", 4e-6, unit="ns/token"),
    ]
    assert render(rows).splitlines() == [
        "| what   |    time |          rate |  ratio | notes                    |",
        "|--------|--------:|--------------:|-------:|--------------------------|",
        "| **g**  |         |               |        |                          |",
        "| ours   |  100 ms |    2,000 MB/s | 1.00 x | median of 5              |",
        "| theirs |  31.2 s |     6.40 MB/s |  312 x | one round; loses 3 words |",
        "| n      | 4.00 us | 20.0 ns/token | 0.00 x | median of 5              |",
    ]


def test_there_is_no_ratio_without_a_baseline() -> None:
    other = Row("another group", "x", 1.0, 1, 0.0, "", True, "")
    alone = row("theirs", 1.0)
    assert ratio(alone, [alone, other]) == ""
    assert other.rate == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (61.0, "61.0 s"),
        (1.0, "1.00 s"),
        (0.9996, "1,000 ms"),
        (0.0123, "12.3 ms"),
        (4.5e-5, "45.0 us"),
        (3e-8, "30.0 ns"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
