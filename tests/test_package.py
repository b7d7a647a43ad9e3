"""Facts that stand in two places, held against each other; and that the tests test what a user installs."""

from __future__ import annotations

import hashlib
import inspect
import json
import lzma
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


@pytest.mark.parametrize("before", ["glovestore.BuildReport", "import glovestore.build", "import glovestore.opening"])
def test_build_and_open_stay_functions(before: str) -> None:
    """Importing the module glovestore.build binds that name in the package, where users expect the function."""
    code = f"import glovestore; {before}; assert callable(glovestore.build) and callable(glovestore.open)"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_types_and_sample_are_installed() -> None:
    package = files("glovestore")
    for name in ("py.typed", "_core.pyi", f"data/{SAMPLE}", "data/README.md"):
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
