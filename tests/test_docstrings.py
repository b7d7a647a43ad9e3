"""The demo's texts: first sentences of docstrings, read from source files without an import."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from glovestore.shell import docstrings
from glovestore.shell.docstrings import STANDARD_LIBRARY, first_sentence, read_corpus, source_files, source_folder


def write_package(folder: Path, name: str, files: dict[str, str | bytes]) -> None:
    """Write the source files of a package; importing it would raise."""
    for path, content in {"__init__.py": "raise RuntimeError('imported')", **files}.items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def functions(*sentences: str) -> str:
    return "".join(f'def f():\n    """{sentence}"""\n' for sentence in sentences)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where packages are found."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def numbered(package: str, files: int, each: int) -> dict[str, str | bytes]:
    """Return files whose sentences say which file they are from."""
    return {
        f"m{i}.py": functions(*(f"Sentence {j} of the file m{i} from {package}" for j in range(each)))
        for i in range(files)
    }


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("Return the sum of two.\n\nThen more.", "Return the sum of two."),
        ("Return the sum\n    of two. And more.", "Return the sum of two."),
        ("Return the sum of two\n\nThen more.", "Return the sum of two"),
        ("Is e.g. one of them allowed? Yes.", "Is e.g."),  # too short: see below
        ("Read version 1.5 of a file! Or not", "Read version 1.5 of a file!"),
        ("Turn a NumPy array into torch.Tensor objects of PyTorch.", "Turn a array into Tensor objects of"),
        ("Make the nx.Graph of np.array and sympy.core, Python3.", "Make the Graph of array and core,"),
        ("Keep npy, python_path and nxt as they are.", "Keep npy, python_path and nxt as they are."),
        ("Make a ``Graph`` of :py:class:`Node` or `G`.", "Make a Graph of Node or G."),
        ("Compute x**2 at 1:30 of a: b", "Compute x**2 at 1:30 of a: b"),
        ("Too few words.", ""),
        ("numpy numpy numpy numpy", ""),
        ("", ""),
        (" ".join(["a"] * 40), " ".join(["a"] * 40)),
        (" ".join(["a"] * 41), ""),
    ],
)
def test_first_sentence(docstring: str, sentence: str) -> None:
    assert first_sentence(docstring) == (sentence if len(sentence.split()) >= 4 else "")


def test_docstrings_are_those_that_a_walk_over_everything_finds() -> None:
    """And they are in files of the standard library with statements of every kind."""
    paths = source_files(source_folder(STANDARD_LIBRARY) or Path())[:40]
    wanted = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for path in paths:
        nodes = ast.walk(ast.parse(path.read_bytes()))
        expected = Counter(ast.get_docstring(node) or "" for node in nodes if isinstance(node, wanted))
        assert Counter(docstrings.docstrings(path)) == expected, path


def test_docstrings_inside_statements(tmp_path: Path) -> None:
    text = '"""0"""\ntry:\n    pass\nexcept E:\n    def f():\n        """1"""\nelse:\n    class C:\n        """2"""\n'
    text += 'match x:\n    case 1:\n        async def g():\n            """3"""\n'
    (tmp_path / "m.py").write_text(text)
    assert sorted(docstrings.docstrings(tmp_path / "m.py")) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "content",
    [b"def f(:\n", b"\xff\xfe", b'"""a\x00b"""', b"# coding: none-such\n", b"(" * 100_000, b"-" * 100_000 + b"1"],
    ids=["syntax", "bytes", "null", "coding", "parentheses", "deep"],
)
def test_a_file_that_does_not_parse_has_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.py").write_bytes(content)
    assert list(docstrings.docstrings(tmp_path / "bad.py")) == []
    assert list(docstrings.docstrings(tmp_path / "absent.py")) == []


def test_files_of_tests_and_of_others_are_left_out(tmp_path: Path) -> None:
    files = ["a.py", "sub/b.py", "tests/c.py", "sub/test/d.py", "site-packages/e.py", "_vendor/f/g.py", "h.txt"]
    write_package(tmp_path, "p", dict.fromkeys(files, ""))
    found = [path.relative_to(tmp_path / "p").as_posix() for path in source_files(tmp_path / "p")]
    assert sorted(found) == ["__init__.py", "a.py", "sub/b.py"]
    assert found != sorted(found)  # mixed
    assert source_files(tmp_path / "p") == source_files(tmp_path / "p")


def test_where_sources_are(installed: Path) -> None:
    write_package(installed, "folder_of_package", {})
    (installed / "one_file.py").write_text("")
    assert source_folder("folder_of_package") == installed / "folder_of_package"
    assert source_folder("one_file") is None
    assert source_folder("none_of_these") is None
    assert source_folder(STANDARD_LIBRARY) == Path(sysconfig.get_path("stdlib"))
    assert "folder_of_package" not in sys.modules


def test_a_corpus_is_split_by_file(installed: Path) -> None:
    for name in ("pack_a", "pack_b"):
        write_package(installed, name, {**numbered(name, 12, 5), "bad.py": "def", "nothing.py": ""})
    corpus = read_corpus(30, ("pack_a", "gone", "pack_b"))
    assert corpus.missing == ["gone"]
    assert Counter(corpus.test.labels) == {"pack_a": 6, "pack_b": 6}
    assert Counter(corpus.train.labels) == {"pack_a": 24, "pack_b": 24}
    for part in (corpus.train, corpus.test):
        assert [text.rpartition(" ")[2] for text in part.texts] == part.labels
    of_train, of_test = (
        {re.findall(r"m\d+ .*", text)[0] for text in part.texts} for part in (corpus.train, corpus.test)
    )
    assert of_train and of_test and not of_train & of_test
    assert corpus == read_corpus(30, ("pack_a", "gone", "pack_b"))
    assert "pack_a" not in sys.modules and "pack_b" not in sys.modules


def test_a_sentence_is_there_once(installed: Path) -> None:
    same = {
        f"m{i}.py": functions("The same sentence in every file", "THE same sentence in every file") for i in range(9)
    }
    write_package(installed, "pack_a", same)
    write_package(installed, "pack_b", {**same, "other.py": functions("But this one is of b")})
    corpus = read_corpus(20, ("pack_a", "pack_b"))
    texts = corpus.train.texts + corpus.test.texts
    assert sorted(text.lower() for text in texts) == ["but this one is of b", "the same sentence in every file"]


def test_the_packages_of_the_demo() -> None:
    corpus = read_corpus(20)
    assert set(corpus.missing) <= {"torch", "sympy", "networkx"}
    for package in docstrings.PACKAGES:
        if package not in corpus.missing:
            assert (corpus.train.labels.count(package), corpus.test.labels.count(package)) == (16, 4)
    named = re.compile(r"(?i)\b(numpy|torch|pytorch|sympy|networkx|python)\b")
    assert [text for text in corpus.train.texts + corpus.test.texts if named.search(text)] == []
