"""Who may import whom. A new module fails here until somebody gives it a place on purpose."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import numpy
import pytest

import glovestore

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "glovestore"

# Lowest first. A module imports from lower rows only, never from its own row or a higher one; the files of a folder
# also import each other. __init__ is what a plain `import glovestore` runs: everything else comes on first access.
LAYERS = (
    {"_core", "errors"},
    {"arguments", "cores", "interrupts", "simd", "tokens", "progress"},
    {"display", "replacing", "strict_json", "strings", "threads"},
    {"format", "replacing_folder"},
    {"keeping", "subwords"},
    {"streams", "matrix", "vocabulary"},
    {"sources", "remote"},
    {"labelled", "nearest"},
    {"store"},
    {"building"},
    {"cache"},
    {"opening"},
    {"exporting", "reshaping"},
    {"torch"},
    {"classify"},
    {"__init__"},
    {"shell"},
    {"cli"},
    {"__main__"},
)
LAYER = {module: level for level, modules in enumerate(LAYERS) for module in modules}

# Everything that is neither ours, nor numpy, nor in the standard library, and the only files that may import it.
RIM = {
    "h5py": {"format/hdf5.py"},
    "torch": {
        "torch/__init__.py",
        "torch/collating.py",
        "torch/embeddings.py",
        "torch/pooling.py",
        "torch/rnn.py",
        "classify/averaging.py",
        "classify/batches.py",
        "classify/estimator.py",
        "classify/folder.py",
        "classify/training.py",
    },
    "gensim": {"exporting/gensim.py", "sources/gensim.py"},
    "spacy": {"exporting/spacy.py", "sources/spacy.py"},
    "skorch": {"classify/training.py"},
    "scipy": {"classify/compare.py"},
    "sklearn": {"classify/compare.py", "classify/estimator.py", "classify/evaluation.py", "classify/inputs.py"},
    "safetensors": {"classify/folder.py"},
    "jinja2": {"classify/report/page.py"},
    "click": {
        "cli.py",
        "shell/caching.py",
        "shell/estimator_options.py",
        "shell/exporting.py",
        "shell/predicting.py",
        "shell/remote.py",
        "shell/reshaping.py",
        "shell/terminal.py",
        "shell/text_options.py",
        "shell/training.py",
    },
    "pyarrow": {"sources/arrow.py"},
    "srsly": {"sources/spacy.py"},
    "tqdm": {"progress.py"},
    "filelock": {"cache/building.py", "cache/listing.py"},
    "platformdirs": {"cache/folder.py"},
    "fsspec": {"remote/filesystems.py"},
    "isal": {"streams/decoding.py"},
    "backports": {"streams/compressed.py"},
    "compression": {"streams/compressed.py"},  # in the standard library from Python 3.14 on
}


def module_name(path: Path) -> str:
    """Return the module's place in LAYERS: the file's name, or that of its folder."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def source_files() -> list[Path]:
    """Return every Python file of the package, as it stands in the checkout."""
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of everything that a file imports, at its top, inside functions, or for type checkers."""
    package = ".".join(("glovestore", *path.relative_to(PACKAGE).parts[:-1]))
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a file imports; a name that is no module comes from __init__."""
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "glovestore":
            module = rest.partition(".")[0]
            yield module if module in LAYER else "__init__"


def test_every_module_has_a_layer_and_every_layer_a_module() -> None:
    found = {module_name(path) for path in source_files()} | {path.stem for path in PACKAGE.glob("*.pyi")}
    assert found == set(LAYER)


@pytest.mark.parametrize("path", source_files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nobody_imports_upward(path: Path) -> None:
    module = module_name(path)
    assert module in LAYER, f"give {module} a row of LAYERS"
    upward = {other for other in own_imports(path) if other != module and LAYER[other] >= LAYER[module]}
    assert not upward, f"{module} imports {sorted(upward)}, which stand no lower"


@pytest.mark.parametrize("path", source_files(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_frameworks_stay_at_the_rim(path: Path) -> None:
    others = {name.partition(".")[0] for name in imported(path)} - sys.stdlib_module_names - {"glovestore", "numpy"}
    place = path.relative_to(PACKAGE).as_posix()
    misplaced = {name for name in others if place not in RIM.get(name, set())}
    assert not misplaced, f"{path.name} must not import {sorted(misplaced)}"


def test_the_import_reader_sees_every_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "sources").mkdir()
    path = tmp_path / "sources" / "x.py"
    path.write_text(
        "import glovestore.matrix as m\n"
        "from glovestore import store, EmbeddingStore\n"
        "from ..torch import embedding\n"
        "def f():\n    from . import y\n    import h5py.h5d\n"
    )
    assert list(own_imports(path)) == ["matrix", "store", "__init__", "torch", "sources"]
    assert "h5py.h5d" in set(imported(path))


def test_the_native_core_knows_no_python() -> None:
    files = [*(ROOT / "ext").glob("*.hpp"), *(ROOT / "ext").glob("*.cpp")]
    assert files
    assert [path.name for path in files if "Python.h" in path.read_text()] == []


LIST = """
import sys
sys.path.extend(sys.argv[2:])
before = set(sys.modules)
{}
loaded = set(sys.modules) - before
assert "numpy.ma" not in loaded, "10 ms for nothing"
print(*{{name.partition(".")[0] for name in loaded}} - sys.stdlib_module_names)
print(*(name for name in loaded if name.startswith("glovestore.") or name in {!r}))
"""
SLOW = {"pathlib", "shlex", "tempfile", "threading", "urllib.parse"}  # of the standard library, not loaded by numpy
OPEN = """
import glovestore
with glovestore.open(sys.argv[1]) as store:
    assert store["the"].shape == (2,)
    assert store.rows(["of", "absent"]).tolist() == [1, -1]
    assert store.matrix(["the"]).shape == (1, 2)
    assert store.nearest("the", restrict_to=["of"])[0][0] == "of"
    {}
"""
# The folders and modules of the package that opening a store, look-ups and matrices load; verify adds its own.
OPENED = "_core arguments errors format matrix nearest opening simd store strict_json strings threads tokens"


def loaded_by(code: str, folder: Path) -> set[str]:
    """Return what running some code loads: top-level names of packages, every module of ours, and what is in SLOW."""
    text = folder / "vectors.txt"
    text.write_text("the 1 2\nof 3 4\n")
    glovestore.build(text, folder / "vectors.h5", overwrite=True)
    # Without site, whose .pth files may load some of SLOW themselves.
    places = {str(Path(module.__file__).parents[1]) for module in (glovestore, numpy)}
    command = [sys.executable, "-S", "-P", "-c", LIST.format(code, SLOW), str(folder / "vectors.h5"), *places]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name for name in done.stdout.split() if not name.lstrip("_").startswith("cython")}  # Cython's own records


def test_a_plain_import_loads_nothing_else(tmp_path: Path) -> None:
    """Not even numpy: all that costs time is loaded with the first name that needs it."""
    assert loaded_by("import glovestore", tmp_path) == {"glovestore"}


def test_open_loads_numpy_and_the_modules_that_look_things_up(tmp_path: Path) -> None:
    loaded = loaded_by(OPEN.format("pass"), tmp_path)
    assert {name for name in loaded if "." not in name} == {"glovestore", "numpy"}
    assert {name.split(".")[1] for name in loaded if "." in name} == set(OPENED.split())
    ours = {name for name in loaded if name.startswith("glovestore.format.")}
    assert ours == {f"glovestore.format.{name}" for name in ("header", "layout", "memory")}


def test_verify_loads_numpy_and_nothing_else(tmp_path: Path) -> None:
    loaded = loaded_by(OPEN.format("assert store.verify() is None"), tmp_path)
    assert {name for name in loaded if "." not in name} == {"glovestore", "numpy"}
