"""`glovestore export` in this process, and as a command of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from export_reference import glove_text, write_store

from glovestore.cli import main
from glovestore.exporting.formats import FORMATS

TOKENS = [b"the", b"of", b"\xff"]
VECTORS = np.array([[0.5, -1], [1e-7, 3], [0.25, 2]], np.float32)
COMMAND = shutil.which("glovestore", path=sysconfig.get_path("scripts"))


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["export", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store.h5", TOKENS, VECTORS)


def test_export_prints_the_report(path: Path, tmp_path: Path) -> None:
    lines = run(path, tmp_path / "out.txt").stdout.splitlines()
    assert lines[0] == "3 rows x 2 as glove, 35 bytes"
    assert lines[-1] == str(tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == glove_text(TOKENS, VECTORS)


def test_export_as_json(path: Path, tmp_path: Path) -> None:
    report: Any = json.loads(run(path, tmp_path / "out", "--format", "word2vec", "--json").stdout)
    assert report["paths"] == [str(tmp_path / "out")]
    assert {name: report[name] for name in ("format", "rows", "dim", "nbytes")} == {
        "format": "word2vec", "rows": 3, "dim": 2, "nbytes": 39,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["glove", "word2vec", "word2vec-binary"])
def test_standard_output_has_the_text_and_nothing_else(name: str, path: Path, tmp_path: Path) -> None:
    run(path, tmp_path / "out", "--format", name)
    assert run(path, "-", "--format", name).stdout_bytes == (tmp_path / "out").read_bytes()


def test_what_get_prints_is_what_export_prints(path: Path) -> None:
    printed = CliRunner().invoke(main, ["get", str(path), "-"], input=b"\n".join(TOKENS)).stdout_bytes
    assert printed == run(path, "-", "--format", "glove").stdout_bytes


def test_the_help_lists_all_formats() -> None:
    text = run("--help").stdout
    for made in FORMATS.values():
        assert made.description in text
        assert f"\n    {made.name} " in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["out.abc"], "expected a name whose suffix tells the format, got 'out.abc': say --format; glove (.txt), "),
        (["-"], "got '-': say --format; glove (.txt), "),
        (["-", "--format", "npy"], "standard output, glove, word2vec, word2vec-binary; got 'npy'"),
        (
            ["-", "--format", "glove", "--json"],
            "--json prints on standard output, where - writes: expected one of them",
        ),
        (["out", "--format", "csv"], "'csv' is not one of"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, path: Path) -> None:
    assert message in " ".join(run(path, *arguments, code=2).stderr.split())


def test_errors_about_data(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("mine")
    error = run(path, tmp_path / "out.txt", code=1).stderr
    expected = f"{tmp_path / 'out.txt'}: this file exists already: export with --overwrite"
    assert error == f"glovestore: error: {expected}\n"
    run(path, tmp_path / "out.txt", "--overwrite")
    error = run(path, tmp_path / "out", "--format", "safetensors", code=1).stderr
    assert "row 2: expected a token that a tokenizer.json can hold, got '\\udcff': its bytes are not UTF-8" in error
    assert "No such file" in run(tmp_path / "none.h5", tmp_path / "new.txt", code=1).stderr


def test_progress(path: Path, tmp_path: Path) -> None:
    assert "store.h5: 100%" in run(path, tmp_path / "out.txt", "--progress").stderr
    assert run(path, tmp_path / "out2.txt").stderr == ""


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    tokens = [b"token%d" % number for number in range(100_000)]
    store = write_store(tmp_path / "large.h5", tokens, np.full((100_000, 50), 1 / 3, np.float32))
    process = subprocess.Popen(
        [str(COMMAND), "export", store, tmp_path / "out.txt"],
        stderr=subprocess.PIPE,
    )
    while not list(tmp_path.glob(".out.txt.*.tmp")) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert process.stderr.read() == b"glovestore: interrupted\n"
    process.stderr.close()
    assert process.wait() == 130
    assert [file.name for file in tmp_path.iterdir()] == ["large.h5"]


def test_a_reader_that_leaves(path: Path, tmp_path: Path) -> None:
    tokens = [b"token%d" % number for number in range(20_000)]
    store = write_store(tmp_path / "large.h5", tokens, np.full((20_000, 20), 1 / 3, np.float32))
    command = [str(COMMAND), "export", store, "-", "--format", "glove"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b"token0 0.33333334 ")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_spacy_and_gensim_are_not_loaded_for_nothing(path: Path, tmp_path: Path) -> None:
    code = (
        "import sys, glovestore; glovestore.export(sys.argv[1], sys.argv[2], 'glove');"
        "print(sorted({'gensim', 'spacy', 'torch', 'h5py', 'click', 'tqdm'} & set(sys.modules)))"
    )
    command = [sys.executable, "-P", "-c", code, str(path), str(tmp_path / "out.txt")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"
