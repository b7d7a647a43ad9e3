"""Whatever is written or read: its system calls fail in turn, there is too little of something, or it is killed.

FAULTS=all (`make faults`) tries every call in every way; else some of them, of each kind at least one.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sanitizing

FOLDER = Path(__file__).parent / "faults"
ALL = os.environ.get("FAULTS") == "all"
HARMLESS = {errno.EINTR, -1}  # tried again; a short read or write is gone on with
KILL = -2
CHANGES = {-3, -4, -5}  # of a source, while it is read
# A sanitizer ends a process that has no more memory, and opens files of its own.
WAYS = "errors,kills,changes,size" + ("" if sanitizing.ASAN else ",descriptors,memory")
EVERY = 1_000_000
SOME = 10  # faults of a scene, where not all are tried

# Which are run together, in one process. Those that import torch, spaCy or gensim take seconds to begin.
LIGHT = (
    *("order_given", "word2vec", "fasttext", "zip_member", "npy", "safetensors", "convert", "slice", "merge"),
    *("export_glove", "export_npy", "export_safetensors", "vocabulary", "matrix_npy", "matrix_safetensors"),
    *("cache", "opened", "shell_build", "shell_export"),
)
HEAVY = ("classifier",)
HEAVIEST = (
    *("parquet", "arrow", "gensim", "spacy", "export_word2vec", "export_word2vec_binary", "export_gensim"),
    *("export_spacy", "export_projector", "matrix_pt", "shell_convert", "shell_matrix"),
)
NEEDED = {"classifier": "skorch", "matrix_pt": "torch", "parquet": "pyarrow", "arrow": "pyarrow"} | {
    "gensim": "gensim", "export_gensim": "gensim", "spacy": "spacy", "export_spacy": "spacy",
}  # fmt: skip

REMOVING = ("unlink", "rmdir", "opendir", "open", "dup", "stat", "fstat", "close")  # what it takes to clean up

Run = dict[str, Any]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", path, FOLDER / "faults.c", "-ldl"], check=True)
    return path


@pytest.fixture(scope="module")
def driver(library: Path) -> Callable[..., list[Run]]:
    """Return what runs scenes on a folder and returns what the driver says of each of their faults."""

    def run(folder: Path, most: int, ways: str, scenes: list[str], before: tuple[str, ...] = ()) -> list[Run]:
        environment = {name: value for name, value in os.environ.items() if "PRELOAD" not in name}
        command = [sys.executable, str(FOLDER / "driver.py"), str(folder), str(most), ways, *scenes]
        environment["FAULTS_LIBRARY"] = f"{os.environ.get('LD_PRELOAD', '')} {library}".strip()  # a sanitizer is first
        done = subprocess.run([*before, *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def groups() -> list[list[str]]:
    return [["text"], *([[name] for name in (*LIGHT, *HEAVY, *HEAVIEST)] if ALL else [[*LIGHT], [*HEAVY]])]


@pytest.fixture(scope="module", params=groups(), ids=lambda names: names[0] if len(names) == 1 else "some scenes")
def runs(
    driver: Callable[..., list[Run]], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> list[Run]:
    for name in request.param:
        if name in NEEDED:
            pytest.importorskip(NEEDED[name])
    if ALL:
        return driver(tmp_path_factory.mktemp("work"), EVERY, WAYS, request.param)
    if request.param == ["text"]:
        return driver(tmp_path_factory.mktemp("work"), 12 * SOME, "errors", ["text"])
    return driver(tmp_path_factory.mktemp("work"), SOME, WAYS, request.param)


def faults(runs: list[Run]) -> list[Run]:
    """Return what came of faults; behind others that were made before, some call does not come any more."""
    return [run for run in runs if run["call"] and run.get("happened", True)]


def failed(run: Run) -> bool:
    return "error" in run or bool(run.get("exit"))


def whole(runs: list[Run]) -> None:
    """Each file or folder is what it was before, or what it is when all goes well."""
    for run in faults(runs):
        states = {state for name, state in run["parts"].items() if not is_record(run["scene"], name, state)}
        assert states <= {"old", "new"}, run


def is_record(scene: str, name: str, state: str) -> bool:
    """Tell whether this is the note beside a store in the cache, which goes before the store does: it is built anew."""
    return scene == "cache" and name.endswith(".json") and state == "absent"


def test_all_goes_well_without_a_fault(runs: list[Run]) -> None:
    usual = [run for run in runs if not run["call"]]
    assert usual
    assert not [run for run in usual if run["status"] or failed(run)]
    tried = {(run["call"], run["how"]) for run in faults(runs)}
    assert len(tried) >= SOME
    if ALL and runs[0]["scene"] != "opened":
        assert {("rename", KILL), ("fsync", errno.EIO), ("open", errno.EMFILE), ("memory", 0)} <= tried


def test_nobody_dies_of_it(runs: list[Run]) -> None:
    for run in faults(runs):
        if run["call"] == "memory" and run["status"] in (-signal.SIGALRM, -signal.SIGSEGV):
            continue  # CPython 3.11 waits for a thread that died at its start; libhdf5 crashes: docs/reliability.md
        assert run["status"] == (-signal.SIGKILL if run["how"] == KILL else 0), run


def test_what_stands_there_is_whole(runs: list[Run]) -> None:
    whole(runs)


def test_what_can_be_tried_again_is(runs: list[Run]) -> None:
    harmless = [run for run in faults(runs) if run["how"] in HARMLESS]
    assert harmless
    assert not [run for run in harmless if failed(run) or set(run["parts"].values()) - {"new"}]


def test_errors_say_what_failed(runs: list[Run]) -> None:
    """They are of the classes that are promised, and name a file; the command ends with 1 and one sentence."""
    found = [run for run in faults(runs) if failed(run)]
    assert found
    for run in found:
        assert names_a_file(run) or is_about_memory(run), run
        if "exit" in run:
            assert run["exit"] == 1, run
            assert run["message"].splitlines()[-1].startswith("glovestore: error: "), run
        else:
            assert {"OSError", "GlovestoreError", "MemoryError", "ImportError"} & set(run["kinds"]), run


def names_a_file(run: Run) -> bool:
    """Tell whether a message names a file of the scene, or a module that could not be opened any more."""
    said = "".join(run["message"].splitlines()[-1:])
    return any(f"/{folder}" in said for folder in ("in", "out")) or (run["call"] == "descriptors" and ".py" in said)


def is_about_memory(run: Run) -> bool:
    """Tell whether memory ran out; a library that cannot be loaded for that is an ImportError."""
    return run["call"] in ("memory", "mmap") and (
        bool({"MemoryError", "ImportError"} & set(run.get("kinds", ()))) or "memory" in run["message"]
    )


def test_a_source_that_changes_is_an_error(runs: list[Run]) -> None:
    """Truncated, grown, or replaced by another with the same content, before any of its reads."""
    for run in faults(runs):
        if run["how"] not in CHANGES:
            continue
        assert "SourceFormatError" in run.get("kinds", ["SourceFormatError"]), run
        assert failed(run), run
        assert "/in" in run["message"], run


def test_little_is_left_and_nothing_for_long(runs: list[Run]) -> None:
    """Only what is killed, or cannot be removed, leaves a temporary; the next try removes it, and goes well."""
    for run in faults(runs):
        if run["litter"]:
            assert run["status"] < 0 or run["call"] in REMOVING, run
        if run["litter"] or run["how"] == KILL:
            assert run["mended"], run


# ---------------------------------------------------------------------- a full disk, a disk that is only read

NAMESPACE = ("unshare", "--mount", "--map-root-user")  # mounts are gone with the process, and need no root
DISK = [name for name in ("text", *LIGHT, *HEAVY, *HEAVIEST) if name not in ("opened", "cache")]


def needs_mounts(tmp_path: Path) -> None:
    tried = subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True)
    if tried.returncode != 0:
        pytest.skip(f"needs to mount: {tried.stderr.decode()}")


def on_tmpfs(folder: Path) -> tuple[str, ...]:
    return (*NAMESPACE, "sh", "-c", f'mount -t tmpfs -o size=200m tmpfs "{folder}" && exec "$@"', "sh")


@pytest.mark.parametrize(
    "scene", DISK if ALL else ["text", "fasttext", "arrow", "export_npy", "export_safetensors", "matrix_npy"]
)
def test_a_full_disk(driver: Callable[..., list[Run]], tmp_path: Path, scene: str) -> None:
    """A real one: so many bytes are left when the work begins, and every kind of write meets its end."""
    if not shutil.which("unshare"):
        pytest.skip("needs unshare")
    needs_mounts(tmp_path)
    if scene in NEEDED:
        pytest.importorskip(NEEDED[scene])
    runs = driver(tmp_path, 100 if ALL else 6, "disk", [scene], on_tmpfs(tmp_path))
    full = [run for run in faults(runs) if failed(run)]
    assert full
    assert {run["errno"] for run in full if "errno" in run} <= {errno.ENOSPC}  # the command has but its message
    assert all(names_a_file(run) and "No space left on device" in run["message"] for run in full)
    assert {run["status"] for run in runs} == {0}
    whole(runs)
    assert not any(run["litter"] for run in runs if run["call"])


READ_ONLY = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/cache"
"$2" -m glovestore build "$1/../source.txt" "$1/store.h5"
mount -o remount,ro "$1"
cd "$1"
for command in \
    "build ../source.txt store.h5 --overwrite" "build ../source.txt new.h5" "convert store.h5 --dtype int8 -o new.h5" \
    "export store.h5 new.vec" "export store.h5 new.npy" "export store.h5 new --format safetensors" \
    "matrix store.h5 ../source.txt -o new.npy" "get ../source.txt token1"
do
    set +e
    said=$(GLOVESTORE_CACHE="$1/cache" "$2" -m glovestore $command 2>&1 >/dev/null)
    echo "$? $(echo "$said" | tail -n 1)"
done
"$2" -m glovestore verify store.h5 >/dev/null
echo "$?" *
"""


def test_a_disk_that_is_only_read(tmp_path: Path) -> None:
    if not shutil.which("unshare"):
        pytest.skip("needs unshare")
    (tmp_path / "disk").mkdir()
    needs_mounts(tmp_path / "disk")
    (tmp_path / "source.txt").write_text("token1 1 2\ntoken2 3 4\n")
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", READ_ONLY, "sh", tmp_path / "disk", sys.executable], capture_output=True, text=True
    )
    *refused, verified = done.stdout.splitlines()[-9:]
    assert len(refused) == 8, done
    for line in refused:
        assert line.startswith("1 "), line
        assert "Read-only file system" in line or "set GLOVESTORE_CACHE" in line or "glovestore build" in line, line
    assert all(name in line for name, line in zip(("store.h5", "new.h5", "new.h5", "new.vec"), refused, strict=False))
    assert verified == "0 cache store.h5"
