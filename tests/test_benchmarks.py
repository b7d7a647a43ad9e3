"""The benchmarks are run by hand, so they run here on tiny files too: their checks hold, and they never rot."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path
from typing import Any

import processes
import pytest
import vectors_generator
from processes import Job
from table import Row, duration, megabytes, ratio, render

import glovestore

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
    output = run("benchmarks", "--benchmark-disable", "--vectors", text, "--texts-mb", "0.02", folder=tmp_path)
    passed = re.findall(r"^PASSED benchmarks/(\w+\.py)::(\w+)", output, re.MULTILINE)
    assert {suite for suite, _ in passed} == SUITES - {"test_sweep.py", "test_growth.py"}  # which have their own tests
    names = {name for _, name in passed}
    assert {"test_glovestore", "test_tier", "test_pipe", "test_open", "test_store_rows", "test_store_matrix"} <= names
    skipped = re.findall(r"^SKIPPED .*: (.*)$", output, re.MULTILINE)
    assert [
        reason
        for reason in skipped
        if not re.search("No module named|required is|the file has only|--sweep was not asked for", reason)
    ] == []


def test_peers_are_not_asked_to_read_what_they_cannot(tmp_path: Path) -> None:
    text = vectors_generator.generate(tmp_path / "header.txt", 50, 4, header=True)
    output = run("benchmarks/test_build.py", "--benchmark-disable", "--vectors", text, folder=tmp_path)
    assert "header.txt has a header, which the peers do not handle" in output
    assert len(re.findall(r"^PASSED .*::test_glovestore", output, re.MULTILINE)) == 2
    assert "PASSED benchmarks/test_build.py::test_peer" not in output


def test_a_sweep_leaves_no_files_behind_and_can_be_plotted(tmp_path: Path) -> None:
    results, texts = tmp_path / "results.json", tmp_path / "texts"
    texts.mkdir()
    names = "build or read_once or read_and_write or python_loop"  # the loaders that need no package
    options = ("--sweep", "tiny", "--folder", texts, f"--benchmark-json={results}", "-k", names)
    output = run("benchmarks/test_sweep.py", *options, folder=tmp_path)
    assert list(texts.iterdir()) == []
    assert len(re.findall(r"\| +[\d.,]+ MB/s \| +[\d.]+ M \| +[\d.]+ MB \|", output)) == 2 * 4
    pytest.importorskip("matplotlib")
    figure = plot(results, tmp_path / "plots", "sizes")
    texts_drawn = {
        "glovestore.build",
        "Python loop into a dict",
        "floor: read once, write once",
        "30, 100 rows of 5, 7",
    }
    assert [text for text in texts_drawn if text not in figure] == []


def test_growth_is_measured_without_a_text_and_can_be_plotted(tmp_path: Path) -> None:
    results, stores = tmp_path / "results.json", tmp_path / "stores"
    options = ("--sweep", "tiny", "--folder", stores, f"--benchmark-json={results}")
    output = run("benchmarks/test_growth.py", *options, folder=tmp_path)
    assert list(stores.iterdir()) == []
    assert len(re.findall(r"^\| (?:store|itemgetter).* ns/token \|", output, re.MULTILINE)) == 4 * 4
    pytest.importorskip("matplotlib")
    figure = plot(results, tmp_path / "plots", "lookups")
    texts_drawn = {
        "store.rows",
        "itemgetter + np.take",
        "By the size of the vocabulary",
        "tokens, in a store of 300 x 100",
        "rows of the store, x 4; 100 tokens",
    }
    assert [text for text in texts_drawn if f"<!-- {text} -->" not in figure] == []


def plot(results: Path, folder: Path, name: str) -> str:
    """Make the plots of a run as the Makefile does; return the only one, which has its texts in comments."""
    script = [sys.executable, ROOT / "benchmarks" / "plot.py", results, folder]
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(ROOT / "benchmarks")}
    subprocess.run(script, env=environment, check=True, capture_output=True)
    [figure] = folder.iterdir()
    assert figure.name == f"{name}.svg"
    return figure.read_text(encoding="utf-8")


def entry(what: str, seconds: float | None, note: str = "", **labels: Any) -> dict[str, Any]:
    info = {"what": what, "work": 200.0, "unit": "MB/s", "vectors": 5, "baseline": False, "note": note}
    labels = {"series": what, **labels}
    return {
        "group": "build from 200 MB",
        "extra_info": {**info, "labels": labels},
        "stats": {"median": seconds},
    }


def write_results(path: Path, benchmarks: list[dict[str, Any]], left_out: list[dict[str, Any]]) -> Path:
    machine = {"glovestore": "1999-12-31, a machine, numpy 0.9"}
    path.write_text(json.dumps({"benchmarks": benchmarks, "left_out": left_out, "machine_info": machine}))
    return path


def test_what_was_left_out_is_said_in_the_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    shape = {"figure": "sizes", "rows": 10, "dim": 3}
    slow, large = entry("slow", 3.0, **shape), entry("fast", 0.2, **shape)
    large["extra_info"]["work"] = 900.0
    left_out = [entry("slow", None, "left out above 500 MB", **shape)]
    results = write_results(tmp_path / "r.json", [slow, entry("fast", 0.1, **shape), large], left_out)
    figure = plot(results, tmp_path / "plots", "sizes")
    assert [text for text in ("slow", "left out above", "500 MB") if f"<!-- {text} -->" not in figure] == []
    assert "1999-12-31" in figure


def test_tiers_are_plotted_beside_the_floor(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bars = [entry(f"{tier}", 0.1 * tier, figure="tiers", threads=threads) for tier in (1, 2) for threads in (1, 2)]
    floor = entry("floor: read once", 0.025, figure="tiers")
    figure = plot(write_results(tmp_path / "r.json", [*bars, floor], []), tmp_path / "plots", "tiers")
    texts_drawn = ("2.00", "1.00", "1 thread", "2 threads", "read once: 8.0 GB/s", "Build from 200 MB")
    assert [text for text in texts_drawn if text not in figure] == []


def test_the_table_of_a_run_can_be_printed_again_from_its_json(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    no_package = "not test_store_rows_of and not gensim and not database"
    options = ("--rows", "40", f"--benchmark-json={results}", "-k", no_package)
    output = run("benchmarks/test_lookup.py", *options, folder=tmp_path)
    script = [sys.executable, ROOT / "benchmarks" / "table.py", results]
    table = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    assert table.strip() in output
    assert re.search(
        r"^\| store\.rows\(list of str\) .* ns/token \| +1\.00 x \| median of 21 +\|$", table, re.MULTILINE
    )
    assert len(table.splitlines()) == 2 + 2 + 8 + 2  # head, two groups, eight benchmarks, the machine


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


def test_the_table_has_memory_and_rows_a_second_where_somebody_has_them() -> None:
    rows = [
        Row("g", "ours", 0.1, 5, 200.0, "MB/s", True, "", vectors=400_000, memory=12_345_678.0),
        Row("g", "slow", math.nan, 0, 200.0, "MB/s", False, "left out above 100 MB", vectors=400_000),
    ]
    assert render(rows).splitlines() == [
        "| what  |   time |       rate | rows/s | memory |  ratio | notes                 |",
        "|-------|-------:|-----------:|-------:|-------:|-------:|-----------------------|",
        "| **g** |        |            |        |        |        |                       |",
        "| ours  | 100 ms | 2,000 MB/s | 4.00 M |  12 MB | 1.00 x | median of 5           |",
        "| slow  |        |            |        |        |        | left out above 100 MB |",
    ]


def test_little_memory_has_a_decimal() -> None:
    assert [megabytes(nbytes) for nbytes in (None, 160_000.0, 9_960_000, 12_345_678, 2e9)] == [
        "",
        "0.2 MB",
        "10.0 MB",
        "12 MB",
        "2,000 MB",
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


# --- loads in a process of their own ---------------------------------------------------------------------------------


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A build of three vectors, and the store that it has to agree with."""
    source, folder = tmp_path / "three.txt", tmp_path / "written"
    source.write_text("a 1 2\nb 3 4\nc 5 6\n")
    folder.mkdir()
    store = glovestore.build(source, tmp_path / "three.h5").path
    return Job("glovestore.build", str(source), store, str(folder), rounds=2, warmup_rounds=1)


def test_a_job_has_the_seconds_of_each_round_and_leaves_the_last_store(job: Job) -> None:
    outcome = processes.run(job)
    assert len(outcome.seconds) == 2
    assert all(seconds > 0 for seconds in outcome.seconds)
    assert [path.name for path in Path(job.folder).glob("*.h5")] == ["2.h5"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"loader": "glovestore.build"},
        {"loader": "Python loop into a dict"},
        {"loader": "floor: read once, write once", "options": {"nbytes": 100}},
    ],
    ids=lambda wrong: wrong["loader"],
)
def test_a_wrong_result_fails_the_job(job: Job, tmp_path: Path, wrong: dict[str, Any]) -> None:
    other = tmp_path / "other.txt"
    other.write_text("a 1 2\nb 3 4\nc 5 6.5\n")
    with pytest.raises(RuntimeError, match=r"expected an outcome from its process, got\n(.*\n)*AssertionError"):
        processes.run(replace(job, source=str(other), **wrong))


def test_a_job_measures_the_memory_of_the_load(tmp_path: Path) -> None:
    text = vectors_generator.generate(tmp_path / "text.txt", 30_000, 50)
    store = glovestore.build(text, tmp_path / "store.h5", durable=False).path
    job = Job("Python loop into a dict", str(text), store, str(tmp_path))
    memory = processes.run(job).memory
    assert memory is not None
    assert 30_000 * 50 * 4 < memory < 100e6
