"""What fuzz targets ever failed on, their seeds, and some mutations, run once more; the core under ASAN and UBSAN."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
sys.path.append(str(FUZZ))  # its scripts import each other
RUNNER = import_module("run")

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


NEEDS = {"model": ("torch", "skorch"), "command": ("torch", "skorch"), "vectors": ("pyarrow",), "spacy": ("spacy",)}
MUTATIONS = 120


@pytest.mark.parametrize("name", RUNNER.FILES)
def test_files_of_any_content(name: str, tmp_path: Path) -> None:
    """In a process of its own: the target bounds its memory, and listens to what Python does."""
    for package in NEEDS.get(name, ()):
        pytest.importorskip(package)
    for folder in ("corpus", "temporaries"):
        (tmp_path / folder).mkdir()
    options = [f"-runs={MUTATIONS}", "-seed=7", f"-artifact_prefix={tmp_path}/"]
    folders = [tmp_path / "corpus", *RUNNER.seeds_of(name)]
    done = subprocess.run(
        [sys.executable, FUZZ / "python.py", name, *options, *folders],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporaries"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_no_target_is_forgotten() -> None:
    assert set(import_module("files").TARGETS) == set(RUNNER.FILES)


def test_an_input_that_fails_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The harness itself, as it is without atheris."""
    given = []

    def broken(data: bytes) -> None:
        given.append(data)
        if len(given) == 3:
            raise ZeroDivisionError

    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "known").write_bytes(b"\0known")
    options = ["-runs=9", f"-artifact_prefix={tmp_path}/", str(tmp_path / "corpus")]
    assert import_module("python").at_random(broken, [b"\0seed"], options) == 1
    assert given[:2] == [b"\0seed", b"\0known"]
    assert [file.read_bytes() for file in tmp_path.glob("crash-*")] == [given[2]]
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert import_module("python").at_random(given.append, [b"\0seed"], options) == 0
    assert len(given) == 12


def test_what_no_file_may_do_is_seen(tmp_path: Path) -> None:
    """The harness itself."""
    watch = import_module("files.watch").Watch(tmp_path / "own")
    (tmp_path / "own").mkdir()
    with watch.watching():
        (tmp_path / "own" / "file").write_bytes(b"")
    for act, seen in (
        (lambda: (tmp_path / "file").write_bytes(b""), "writing '"),
        (lambda: os.system("true"), "os.system"),
        (lambda: subprocess.run(["true"]), "subprocess.Popen"),
    ):
        with pytest.raises(RuntimeError, match=f"expected none of this, got .*{seen}"), watch.watching():
            act()


@pytest.mark.parametrize("data", [b'\0{"a": [1, {"b": "x"}], "c": null}', b"\0plain", b"\0", b"\0[]"])
def test_mutations_are_bounded_and_repeat(data: bytes) -> None:
    mutated, random = import_module("mutating").mutated, import_module("mutating").random.Random
    made = [mutated(data, random(seed), 40) for seed in range(300)]
    assert made == [mutated(data, random(seed), 40) for seed in range(300)]
    assert max(map(len, made)) <= 40
    assert len(set(made)) > 100


def test_mutations_keep_the_length_of_a_header() -> None:
    text = b'{"vectors": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}'
    data = b"\0" + len(text).to_bytes(8, "little") + text + bytes(8)
    module = import_module("mutating")
    changed = [module._json_changed(data[1:], module.random.Random(seed)) for seed in range(100)]
    assert sum(int.from_bytes(one[:8], "little") == len(one) - 16 for one in changed) == 100
    assert len(set(changed)) > 30


@pytest.mark.filterwarnings("ignore")  # numbers of damaged stores overflow
def test_mutated_stores(tmp_path: Path) -> None:
    stores, opened = import_module("stores").run(1500, 7, 60.0, tmp_path)
    assert stores == 1500
    assert 300 < opened < 1500


@pytest.mark.filterwarnings("ignore")
def test_an_error_that_is_not_promised_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The harness itself."""
    module = import_module("stores")

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "use", broken)
    with pytest.raises(ZeroDivisionError):
        module.run(50, 7, 60.0, tmp_path)
    assert "of seed 7, kept in" in capsys.readouterr().err
    assert (tmp_path / "failed.h5").exists()
