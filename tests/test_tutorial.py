"""The tutorial runs as it stands, in its order, and gives what it says."""

from __future__ import annotations

import ast
import doctest
import io
import re
import shlex
import tokenize
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

import glovestore
from glovestore.classify import TextClassifier
from glovestore.cli import main

TUTORIAL = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DIFFERS = "e.g. "  # how a comment starts that is not the same everywhere
CHANCE = 1 / 3


class Block(NamedTuple):
    language: str
    text: str
    line: int  # of its first line in the file


def blocks(text: str) -> list[Block]:
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 2) for found in FENCED.finditer(text)]


def is_as_shown(shown: str, got: str) -> bool:
    """Compare outputs as doctest does, where ... stands for anything."""
    return doctest.OutputChecker().check_output(
        shown.strip() + "\n", got.strip() + "\n", doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )


def comments(code: str) -> dict[int, str]:
    """Return the comments of some code by line."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {token.start[0]: token.string.removeprefix("# ") for token in tokens if token.type == tokenize.COMMENT}


def run_python(code: str, names: dict[str, Any], line: int = 1) -> str:
    """Run code, compare the value of an expression with the comment behind it, and return what was printed."""
    remarks = comments(code)
    printed = io.StringIO()
    with redirect_stdout(printed):
        for node in ast.parse(code).body:
            where = f"{TUTORIAL.name}:{line + node.lineno - 1}"
            if not isinstance(node, ast.Expr):
                exec(compile(ast.Module([node], []), where, "exec"), names)
                continue
            value = eval(compile(ast.Expression(node.value), where, "eval"), names)
            shown = remarks.get(node.end_lineno or 0)
            if shown is not None and not shown.startswith(DIFFERS):
                assert is_as_shown(shown, repr(value)), f"{where}: shown {shown}, got {value!r}"
    return printed.getvalue()


def run_shell(line: str) -> str:
    program, *arguments = shlex.split(line)
    assert program == "glovestore"
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stderr) == (0, ""), f"{line}: {done.output}"
    return done.stdout


def run_all(text: str, names: dict[str, Any]) -> None:
    """Run the blocks in order. Text is what the block before it prints."""
    printed = ""
    for block in blocks(text):
        if block.language == "python":
            printed = run_python(block.text, names, block.line)
        elif block.language == "shell":
            printed = "".join(map(run_shell, block.text.splitlines()))
        else:
            assert block.language == "text"
            assert is_as_shown(block.text, printed), f"{TUTORIAL.name}:{block.line}: got\n{printed}"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield


def test_the_tutorial(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    run_all(TUTORIAL.read_text(encoding="utf-8"), names)
    assert names["accuracy"] > 1.5 * CHANCE
    assert names["evaluation"].accuracy > 1.5 * CHANCE
    assert isinstance(names["store"], glovestore.EmbeddingStore)
    assert isinstance(names["classifier"], TextClassifier)
    made = {path.name for path in tmp_path.iterdir()}
    assert {"glove.h5", "model", "model2", "page.html", "train.tsv"} <= made
    names["store"].close()


def test_it_is_all_run() -> None:
    """Code that has no fence, or another one than these, would not be seen."""
    text = TUTORIAL.read_text(encoding="utf-8")
    assert {block.language for block in blocks(text)} == {"python", "shell", "text"}
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks(text))
    outside = FENCED.sub("", text)
    indented = [line for line in outside.splitlines() if line.startswith("    ")]
    assert [line.split()[:2] for line in indented] == [["pip", "install"]]


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TUTORIAL.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (TUTORIAL.parent / link).exists()] == []


# ---------------------------------------------------------------------- the runner itself


@pytest.mark.parametrize(
    "code",
    ["1 + 1  # 3", "x = [1]\nx  # [1, 2]", "'a'  # 'b...'", "print(1)  # 1", "(1,\n 2)  # (1, 3)"],
)
def test_what_is_not_as_shown_fails(code: str) -> None:
    with pytest.raises(AssertionError):
        run_python(code, {})


def test_what_is_as_shown() -> None:
    names: dict[str, Any] = {}
    assert run_python("x = 1  # not an output\nx + 1  # 2\n(x,\n 2)  # (1, ...\nx  # e.g. 7\nprint(x)", names) == "1\n"
    assert names["x"] == 1
    run_all("```python\nprint('a b')\n```\n\n```text\na ...\n```\n", {})
    with pytest.raises(AssertionError, match=r"tutorial.md:6: got\n\s+a b"):
        run_all("```python\nprint('a b')\n```\n\n```text\nb\n```\n", {})
    with pytest.raises(AssertionError):
        run_all("```shell\nglovestore info nothing.h5\n```\n", {})
