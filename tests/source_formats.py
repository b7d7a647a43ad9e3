"""Every format that sources of vectors come in: how a small valid one is written, and what it can hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Tokens = Sequence[bytes]
Write = Callable[[Path, Tokens, Vectors], Path]  # writes into a folder, and returns what to build from


@dataclass(frozen=True)
class SourceFormat:
    """A row of the table.

    report: what BuildReport.format says. writers: by whom it is written, our own code first. options: of `build`.
    files: how many files it consists of. duplicates, empty, any_bytes, spaces: which tokens it can hold.
    cut_shows: whether every file cut off anywhere is an error; text that is cut between lines is not.
    start: bytes at its start that may be something else when they are alone.
    huge: contents of the file that say that it is huge. stride: of the bytes that are changed, for big files.
    """

    name: str
    report: str
    writers: dict[str, Write]
    options: dict[str, Any] = field(default_factory=dict)
    files: int = 1
    duplicates: bool = True
    empty: bool = True
    any_bytes: bool = True
    spaces: bool = True
    cut_shows: bool = True
    start: int = 0
    huge: tuple[bytes, ...] = ()
    stride: int = 1

    def write(self, folder: Path, tokens: Tokens, vectors: Any, writer: str = "own") -> Path:
        """Write a source of rows into a folder of its own."""
        folder.mkdir(exist_ok=True)
        return self.writers[writer](folder, tokens, np.asarray(vectors, np.float32))


def numbers(vector: Vectors) -> bytes:
    """Return numbers as text, each the shortest that is read as the same float32."""
    return b" ".join(str(number).encode() for number in vector)


# --- text ------------------------------------------------------------------------------------------------------------


def glove_text(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.txt"
    path.write_bytes(b"".join(b"%s %s\n" % row for row in zip(tokens, map(numbers, vectors), strict=True)))
    return path


def word2vec_text(folder: Path, tokens: Tokens, vectors: Vectors, end: bytes = b"\n") -> Path:
    path = folder / "vectors.txt"
    rows = b"".join(b"%s %s%s" % (*row, end) for row in zip(tokens, map(numbers, vectors), strict=True))
    path.write_bytes(b"%d %d\n" % vectors.shape + rows)
    return path


def fasttext_vec(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    return word2vec_text(folder, tokens, vectors, b" \n")


# --- word2vec --------------------------------------------------------------------------------------------------------


def word2vec_bytes(tokens: Tokens, vectors: Vectors, end: bytes = b"") -> bytes:
    """Return a file as gensim writes it, with nothing behind a row, or as the tool of 2013, with a newline there."""
    rows = (token + b" " + vector.tobytes() + end for token, vector in zip(tokens, vectors, strict=True))
    return b"%d %d\n" % vectors.shape + b"".join(rows)


def word2vec_binary(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.bin"
    path.write_bytes(word2vec_bytes(tokens, vectors))
    return path


def word2vec_tool(folder: Path, tokens: Tokens, vectors: Vectors) -> Path:
    path = folder / "vectors.bin"
    path.write_bytes(word2vec_bytes(tokens, vectors, b"\n"))
    return path


def keyed_vectors(tokens: Tokens, vectors: Vectors) -> Any:
    """Return gensim's object of these rows."""
    models = pytest.importorskip("gensim.models")
    keyed = models.KeyedVectors(vectors.shape[1])
    keyed.add_vectors([token.decode() for token in tokens], vectors)
    return keyed


def gensim_word2vec(folder: Path, tokens: Tokens, vectors: Vectors, binary: bool = True) -> Path:
    path = folder / "vectors.w2v"
    keyed_vectors(tokens, vectors).save_word2vec_format(path, binary=binary)
    return path


FORMATS = (
    SourceFormat("glove text", "text", {"own": glove_text}, cut_shows=False),
    SourceFormat(
        "word2vec text",
        "text",
        {"own": word2vec_text, "gensim": lambda *args: gensim_word2vec(*args, binary=False)},
        cut_shows=False,
        huge=(b"2 999999999999999999\na 1 2\n", b"999999999999999999 2\na 1 2\n", b"1 99999999\na 1 2\n"),
    ),
    SourceFormat("fasttext .vec", "text", {"own": fasttext_vec}, cut_shows=False),
    SourceFormat(
        "word2vec",
        "word2vec",
        {"own": word2vec_binary, "the tool": word2vec_tool, "gensim": gensim_word2vec},
        spaces=False,
        start=len(b"4 3\n") + 1,  # before: text, one row of one number
        huge=tuple(
            header + b"\na \0\0\0\0\0\0\0\0b \0\0\0\0\0\0\0\0"
            for header in (
                b"2 999999999999999999",
                b"999999999999999999 2",
                b"2 4194304",
                b"2 4194305",
                b"2 1073741824",
                b"999999999999999999 999999999999999999",
            )
        ),
    ),
)
