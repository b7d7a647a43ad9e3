"""Each system call of a build fails in turn: an error that names the file, or a build that does without; no litter."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import glovestore

FAULTS = Path(__file__).parent / "faults"
ROWS, DIM = 6000, 50  # some 2 MB: several blocks of text, several pieces of the store
HARMLESS = {errno.EINTR, -1}  # tried again; a short read or write is gone on with


Run = dict[str, Any]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", path, FAULTS / "faults.c", "-ldl"], check=True)
    return path


def text(rows: int) -> str:
    draw = random.Random(7)
    numbers = (" ".join(f"{draw.uniform(-1, 1):.5f}" for _ in range(DIM)) for _ in range(rows))
    return "".join(f"token{row % (rows - 100)} {vector}\n" for row, vector in enumerate(numbers))


@pytest.fixture(scope="module", params=["new", "replaced"])
def runs(tmp_path_factory: pytest.TempPathFactory, library: Path, request: pytest.FixtureRequest) -> list[Run]:
    """Return what the driver says of each build: first of one without a fault, then one for each call that fails."""
    folder = tmp_path_factory.mktemp("failing")
    source, target = folder / "source.txt", folder / "store.h5"
    source.write_text(text(ROWS))
    if request.param == "replaced":
        source.with_name("old.txt").write_text("old 1 2\n")
        glovestore.build(source.with_name("old.txt"), target)
    preloaded = f"{os.environ.get('LD_PRELOAD', '')} {library}"  # a sanitizer, which wants to be first
    done = subprocess.run(
        [sys.executable, FAULTS / "driver.py", folder, source, target],
        env={**os.environ, "LD_PRELOAD": preloaded.strip()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(runs: list[Run]) -> list[Run]:
    return [run for run in runs[1:] if run["happened"]]


def test_every_call_was_made_to_fail(runs: list[Run]) -> None:
    usual = runs[0]
    assert (usual["status"], usual["rows"]) == (0, ROWS - 100)
    used = {call for call, count in usual["counts"].items() if count}
    assert used == {"open", "read", "pwrite", "ftruncate", "fsync", "rename", "flock"} | (
        {"preadv"} if usual["counts"]["preadv"] else set()
    ) | ({"fchmod"} if usual["counts"]["fchmod"] else set())
    assert {run["call"] for run in faults(runs)} == used
    assert len(faults(runs)) > 100


def test_nobody_dies(runs: list[Run]) -> None:
    assert {run["status"] for run in runs} == {0}


def test_what_can_be_tried_again_is(runs: list[Run]) -> None:
    harmless = [run for run in faults(runs) if run["how"] in HARMLESS]
    assert harmless
    assert {run.get("error") for run in harmless} == {None}
    assert {run["rows"] for run in harmless} == {ROWS - 100}


def test_everything_else_is_an_error_that_names_the_file(runs: list[Run]) -> None:
    others = [run for run in faults(runs) if run["how"] not in HARMLESS]
    assert others
    for run in others:
        assert run.get("error") in {"OSError", "PermissionError"}, run
        assert run["errno"] in (run["how"], None), run
        assert any(name in run["message"] for name in ("store.h5", "source.txt", "failing")), run


def test_a_whole_store_or_none_is_there(runs: list[Run]) -> None:
    """The driver has opened and verified what stands there after each build: the old store or the new one."""
    whole = {runs[0]["old"]["store"], runs[0]["store"]}
    assert all(run["store"] in whole for run in runs)


def test_no_temporary_is_left(runs: list[Run]) -> None:
    usual = runs[0]["names"]
    assert all(set(run["names"]) <= set(usual) for run in runs)
