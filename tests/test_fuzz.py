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


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", FUZZ / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNNER = load("run")


needs_compiler = pytest.mark.skipif(not (sys.platform == "linux" and shutil.which("g++")), reason="needs Linux and g++")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def core(folder: Path) -> list[Path]:
    return RUNNER.build_core("g++", ["-O1"], folder / "core")


@needs_compiler
@pytest.mark.parametrize("name", RUNNER.TARGETS)
def test_seeds_and_regressions(name: str, core: list[Path], folder: Path) -> None:
    sources = [FUZZ / f"{name}.cpp", FUZZ / "replay.cpp"]
    program = RUNNER.build_target("g++", ["-O1"], sources, core, folder / name)
    files = [path for part in RUNNER.seeds_of(name) for path in sorted(part.iterdir())]
    assert files
    done = subprocess.run([program, *files], capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("\n") == len(files)


@needs_compiler
def test_a_target_that_finds_something_says_so(core: list[Path], folder: Path) -> None:
    """The harness itself: a target whose demand fails ends with a signal."""
    source = folder / "broken.cpp"
    source.write_text(
        '#include <cstddef>\n#include <cstdint>\n#include "require.hpp"\n'
        'extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t n) { require(n != 3); return 0; }\n'
    )
    program = RUNNER.build_target("g++", ["-O1"], [source, FUZZ / "replay.cpp"], [], folder / "broken")
    for content, fails in ((b"ab", False), (b"abc", True)):
        (folder / "input").write_bytes(content)
        assert (subprocess.run([program, folder / "input"], capture_output=True).returncode != 0) is fails


@pytest.mark.filterwarnings("ignore")  # numbers of damaged stores overflow
def test_mutated_stores(tmp_path: Path) -> None:
    stores, opened = load("stores").run(1500, 7, 60.0, tmp_path)
    assert stores == 1500
    assert 300 < opened < 1500


@pytest.mark.filterwarnings("ignore")
def test_an_error_that_is_not_promised_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The harness itself."""
    module = load("stores")

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "use", broken)
    with pytest.raises(ZeroDivisionError):
        module.run(50, 7, 60.0, tmp_path)
    assert "of seed 7, kept in" in capsys.readouterr().err
    assert (tmp_path / "failed.h5").exists()
