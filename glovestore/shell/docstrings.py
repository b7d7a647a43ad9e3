"""The first sentences of the docstrings of installed packages: labelled text that is there without a network."""

from __future__ import annotations

import ast
import os
import re
import sysconfig
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

STANDARD_LIBRARY = "the standard library"
PACKAGES = ("numpy", "torch", "sympy", "networkx", STANDARD_LIBRARY)  # torch needs the two behind it
TEST_SHARE = 0.2
LEAST, MOST = 4, 40  # words of a sentence

# What is other people's code, or has docstrings about tests.
FOREIGN = {"site-packages", "dist-packages", "_vendor", "test", "tests", "testing", "idle_test"}
# They would give the answer away.
NAMES = re.compile(r"\b(?:numpy|np|pytorch|torch|sympy|networkx|nx|c?python3?|stdlib)\b\.?", re.IGNORECASE)
MARKUP = re.compile(r"(?::[\w:]+:)?`+")  # :class:`Graph` and ``Graph``
STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
FIRST_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)


@dataclass
class Part:
    """Texts and a label for each: the name of the package that they are from."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


@dataclass
class Corpus:
    """Sentences to train on and to test with, of different files, each sentence once; which packages were not there."""

    train: Part
    test: Part
    missing: list[str]


def read_corpus(each: int, packages: Sequence[str] = PACKAGES) -> Corpus:
    """Return at most `each` first sentences of every package that is installed, a fifth of them to test with.

    No package is imported: their source files are parsed. The same files give the same corpus, in the same order.
    """
    folders = {name: folder for name in packages if (folder := source_folder(name)) is not None}
    corpus = Corpus(Part(), Part(), [name for name in packages if name not in folders])
    seen: set[str] = set()
    for name, folder in folders.items():
        for part, sentences in zip((corpus.test, corpus.train), _split(folder, each, seen), strict=True):
            part.texts += sentences
            part.labels += [name] * len(sentences)
    return corpus


def source_folder(package: str) -> Path | None:
    """Return the folder of an installed package, or None; nothing is imported."""
    if package == STANDARD_LIBRARY:
        return Path(sysconfig.get_path("stdlib"))
    spec = find_spec(package)
    places = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(places))) if places else None


def _split(folder: Path, each: int, seen: set[str]) -> tuple[list[str], list[str]]:
    """Return the sentences to test with, from the first files, and those to train on, from the others."""
    test: list[str] = []
    train: list[str] = []
    to_test = round(TEST_SHARE * each)
    for path in source_files(folder):
        part, room = (test, to_test) if len(test) < to_test else (train, each - to_test)
        for sentence in map(first_sentence, docstrings(path)):
            if len(part) < room and sentence and sentence.lower() not in seen:
                seen.add(sentence.lower())
                part.append(sentence)
        if len(train) == each - to_test:
            break
    return test, train


def source_files(folder: Path) -> list[Path]:
    """Return the Python files in a folder and below it, mixed, but always in the same order."""
    names: list[str] = []
    for place, folders, files in os.walk(folder):
        folders[:] = (name for name in folders if name not in FOREIGN)  # os.walk enters those that are left
        inside = Path(place).relative_to(folder)
        names += ((inside / name).as_posix() for name in files if name.endswith(".py"))
    return [folder / name for name in sorted(names, key=lambda name: (zlib.crc32(os.fsencode(name)), name))]


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a file: of the module, its classes and functions. One that does not parse has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in strings
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    nodes: list[ast.AST] = [tree]
    for node in nodes:  # which grows; expressions have no docstrings, and leaving them out is four times as fast
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""
        nodes += (child for child in ast.iter_child_nodes(node) if isinstance(child, STATEMENTS))


def first_sentence(docstring: str) -> str:
    """Return a docstring's first sentence in one line, without markup and the packages' names.

    "" if it is too short to say anything, or too long for a sentence.
    """
    paragraph = docstring.partition("\n\n")[0]
    found = FIRST_SENTENCE.match(paragraph)
    words = NAMES.sub(" ", MARKUP.sub("", found[0] if found else paragraph)).split()
    return " ".join(words) if LEAST <= len(words) <= MOST else ""
