"""Facts that stand in two places, held against each other; and that the tests test what a user installs."""

from __future__ import annotations

import hashlib
import inspect
import json
import lzma
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import pytest

import glovestore

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEMPLATES = [
    path.relative_to(ROOT / "glovestore").as_posix() for path in ROOT.glob("glovestore/classify/report/templates/*")
]
SAMPLE = "glove.6B.100d.first15000.txt.xz"


def documented(name: str, thing: object) -> Iterator[tuple[str, object]]:
    """Yield a public object and, of a class, every public member that it defines itself."""
    yield name, thing
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if not member.startswith("_") and (inspect.isroutine(value) or isinstance(value, property)):
                yield f"{name}.{member}", value


PUBLIC = [pair for name in glovestore.__all__ for pair in documented(name, getattr(glovestore, name))]


@pytest.mark.parametrize("thing", [thing for _, thing in PUBLIC], ids=[name for name, _ in PUBLIC])
def test_every_public_name_has_a_docstring(thing: object) -> None:
    if isinstance(thing, str):  # __version__
        return
    assert (inspect.getdoc(thing) or "").strip()


def test_the_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == PROJECT["version"] == distribution("glovestore").version == glovestore.__version__


def test_the_installed_package_is_tested_not_the_checkout() -> None:
    origin = json.loads(distribution("glovestore").read_text("direct_url.json") or "{}")
    editable = origin.get("dir_info", {}).get("editable", False)
    inside = Path(glovestore.__file__).resolve().is_relative_to(ROOT / "glovestore")
    assert inside == editable, f"tested {glovestore.__file__}: call the script pytest, not python -m pytest"


def test_names_are_loaded_when_they_are_used() -> None:
    code = """if True:
        import sys, glovestore
        for name in sys.argv[1:]:
            assert name not in vars(glovestore), name
            first = getattr(glovestore, name)
            assert getattr(glovestore, name) is vars(glovestore)[name] is first
            assert getattr(first, "__module__", "glovestore").startswith("glovestore")
        from glovestore import Vocabulary, open
        assert open is glovestore.open
    """
    names = [name for name in glovestore.__all__ if name != "torch"]
    subprocess.run([sys.executable, "-P", "-c", code, *names], check=True)
    assert {*dir(glovestore)} == {*glovestore.__all__, "__version__"}
    with pytest.raises(AttributeError, match="module 'glovestore' has no attribute 'closing'"):
        glovestore.closing  # noqa: B018


def test_no_module_has_the_name_of_a_public_function() -> None:
    """Importing it would bind that name in the package, where users expect the function."""
    modules = {module.name for module in pkgutil.iter_modules(glovestore.__path__)}
    assert {"building", "opening", "torch"} <= modules
    assert modules & {*glovestore.__all__} == {"cache", "classify", "torch"}
    code = (
        "import glovestore.building, glovestore.opening, glovestore as g; assert callable(g.build) and callable(g.open)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_types_and_sample_are_installed() -> None:
    package = files("glovestore")
    assert TEMPLATES
    for name in ("py.typed", "_core.pyi", f"data/{SAMPLE}", "data/README.md", *TEMPLATES):
        assert package.joinpath(name).is_file(), name


def test_the_sample_is_what_its_readme_says() -> None:
    data = files("glovestore").joinpath("data")
    readme = data.joinpath("README.md").read_text(encoding="utf-8")
    packed = data.joinpath(SAMPLE).read_bytes()
    text = lzma.decompress(packed)
    for content in (packed, text):
        assert f"{len(content):,} bytes, SHA-256 `{hashlib.sha256(content).hexdigest()}`" in readme
    rows = text.split(b"\n")
    assert rows.pop() == b""
    assert len(rows) == 15_000
    assert {row.count(b" ") for row in rows} == {100}
    beyond_ascii = {row.partition(b" ")[0].decode() for row in rows if not row.isascii()}
    assert beyond_ascii == {"“", "”", "’", "‘", "¥", "£", "…", "€"}
    assert all(f"`{token}`" in readme for token in beyond_ascii)


def test_every_direct_dependency_is_pinned() -> None:
    asked = [*PROJECT["dependencies"], *(item for extra in PROJECT["optional-dependencies"].values() for item in extra)]
    names = {re.split(r"[<>=!~\[; ]", item)[0] for item in asked}
    pinned = set(re.findall(r"^(\S+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert names <= pinned
