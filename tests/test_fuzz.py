"""What the fuzz targets of the native core ever crashed on, and their seeds, run once more: under ASAN and UBSAN."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"

pytestmark = pytest.mark.skipif(not (sys.platform == "linux" and shutil.which("g++")), reason="needs Linux and g++")


def load_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_run", FUZZ / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = load_runner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def core(folder: Path) -> list[Path]:
    return RUNNER.build_core("g++", ["-O1"], folder / "core")


@pytest.mark.parametrize("name", RUNNER.TARGETS)
def test_seeds_and_regressions(name: str, core: list[Path], folder: Path) -> None:
    sources = [FUZZ / f"{name}.cpp", FUZZ / "replay.cpp"]
    program = RUNNER.build_target("g++", ["-O1"], sources, core, folder / name)
    files = [path for part in RUNNER.seeds_of(name) for path in sorted(part.iterdir())]
    assert files
    done = subprocess.run([program, *files], capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("\n") == len(files)


def test_a_target_that_finds_something_says_so(core: list[Path], folder: Path) -> None:
    """The harness itself: a target whose demand fails ends with a signal."""
    source = folder / "broken.cpp"
    source.write_text(
        '#include <cstddef>\n#include <cstdint>\n#include "require.hpp"\n'
        'extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t size) { require(size != 3); return 0; }\n'
    )
    program = RUNNER.build_target("g++", ["-O1"], [source, FUZZ / "replay.cpp"], [], folder / "broken")
    for content, fails in ((b"ab", False), (b"abc", True)):
        (folder / "input").write_bytes(content)
        assert (subprocess.run([program, folder / "input"], capture_output=True).returncode != 0) is fails
