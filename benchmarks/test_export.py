"""Vectors written to files of other formats, beside those who write them from memory.

Nobody waits for the disk: nothing is flushed. Each file is a new one, and is read back when the clock has stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measuring import Measure, Task
from texts import Text
from writers import BINARY_WRITERS, TEXT_WRITERS, Writer, numpy_text

import glovestore
from glovestore.exporting import text as exported_text
from glovestore.exporting.rows import row_batches

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def nothing_is_flushed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def full_precision(store: glovestore.EmbeddingStore, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The store with all numbers changed a little, so that they need all digits that a float32 has."""
    path = tmp_path_factory.mktemp("full") / "full.txt"
    noise = np.random.default_rng(0).normal(1, 0.1, store.shape)
    with path.open("wb") as file:
        for token, vector in zip(store.tokens, (store.vectors * noise).astype(np.float32), strict=True):
            file.write(f"{token} {' '.join(map(str, vector))}\n".encode("utf-8", "surrogateescape"))
    with glovestore.open(glovestore.build(path, path.with_suffix(".h5")).path) as made:
        yield made


def new_file(path: Path) -> Callable[[], None]:
    """Return what has to be done before a round."""
    return lambda: path.unlink(missing_ok=True)


def task(text: Text, what: str, work: float) -> Task:
    return Task(f"{what} of the vectors of {text.size}", work, "MB/s")


def read_back(path: Path, store: glovestore.EmbeddingStore, names_are_rows: bool = False) -> str:
    """Check that a text holds the same tokens and floats; return its size: others write more digits."""
    built = glovestore.build(path, path.with_suffix(".check.h5"), overwrite=True)
    with glovestore.open(built.path) as found:
        expected = list(map(str, range(len(store)))) if names_are_rows else list(store.tokens)
        assert list(found.tokens) == expected
        assert np.array_equal(found.vectors.view(np.uint32), store.vectors.view(np.uint32))
    Path(built.path).unlink()
    return f"{path.stat().st_size / 1e6:.0f} MB"


# --- GloVe text ------------------------------------------------------------------------------------------------------


def test_glove_text(measure: Measure, text: Text, store: glovestore.EmbeddingStore, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    measure(
        task(text, "GloVe text", text.megabytes),
        "glovestore.export",
        lambda: glovestore.export(store, out),
        lambda report: read_back(out, store),
        setup=new_file(out),
        rounds=7,
        baseline=True,
    )


def test_glove_text_on_one_core(measure: Measure, text: Text, store: glovestore.EmbeddingStore, tmp_path: Path) -> None:
    form = exported_text.text_of(store)

    def format_all() -> int:
        return sum(len(form(batch)) for batch in row_batches(store))

    def same_size(size: int) -> None:
        assert size == int(glovestore.export(store, tmp_path / "out.txt").nbytes)

    what = "glovestore: the digits alone, one core, nothing written"
    measure(task(text, "GloVe text", text.megabytes), what, format_all, same_size, rounds=7)


@pytest.mark.parametrize("writer", TEXT_WRITERS, ids=lambda writer: writer.name)
def test_text_of_others(
    writer: Writer, measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, tmp_path: Path
) -> None:
    run_writer(writer, measure, task(plain_text, "GloVe text", plain_text.megabytes), store, tmp_path / "out.txt")


def test_full_precision(measure: Measure, text: Text, full_precision: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    glovestore.export(full_precision, out)
    measure(
        task(text, "GloVe text of full precision", out.stat().st_size / 1e6),
        "glovestore.export",
        lambda: glovestore.export(full_precision, out),
        lambda report: read_back(out, full_precision),
        setup=new_file(out),
        rounds=7,
        baseline=True,
    )


@pytest.mark.parametrize("writer", TEXT_WRITERS[:2], ids=lambda writer: writer.name)
def test_full_precision_of_others(
    writer: Writer, measure: Measure, plain_text: Text, full_precision: Any, tmp_path: Path
) -> None:
    glovestore.export(full_precision, tmp_path / "ours.txt")
    work = task(plain_text, "GloVe text of full precision", (tmp_path / "ours.txt").stat().st_size / 1e6)
    run_writer(writer, measure, work, full_precision, tmp_path / "out.txt")


def run_writer(writer: Writer, measure: Measure, work: Task, store: glovestore.EmbeddingStore, out: Path) -> None:
    if writer.package:
        pytest.importorskip(writer.package)
    tokens = list(store.tokens)
    if any(character in token for character in writer.refused for token in tokens):
        pytest.skip(f"there are tokens with {writer.refused} in them, which {writer.name} does not write")
    prepared = writer.prepare(tokens, np.array(store.vectors))

    def check(result: None) -> str:
        return read_back(out, store, names_are_rows=writer.write is numpy_text)

    measure(
        work,
        writer.name,
        lambda: writer.write(prepared, out),
        check,
        setup=new_file(out),
        rounds=writer.rounds,
        warmup_rounds=int(writer.rounds > 1),
    )


# --- binary ----------------------------------------------------------------------------------------------------------


def binary_task(store: glovestore.EmbeddingStore, text: Text) -> Task:
    return task(text, "word2vec's binary format", store.vectors.nbytes / 1e6)


def check_binary(path: Path, store: glovestore.EmbeddingStore) -> Callable[[Any], None]:
    def check(result: Any) -> None:
        rows = [token.encode("utf-8", "surrogateescape") + b" " for token in store.tokens]
        rows = [row + vector.tobytes() for row, vector in zip(rows, store.vectors, strict=True)]
        assert path.read_bytes() == b"%d %d\n" % store.shape + b"".join(rows)

    return check


def test_word2vec_binary(measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, tmp_path: Path) -> None:
    out = tmp_path / "out.bin"
    measure(
        binary_task(store, plain_text),
        "glovestore.export",
        lambda: glovestore.export(store, out),
        check_binary(out, store),
        setup=new_file(out),
        rounds=7,
        baseline=True,
    )


@pytest.mark.parametrize("writer", BINARY_WRITERS, ids=lambda writer: writer.name)
def test_word2vec_binary_of_others(
    writer: Writer, measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, tmp_path: Path
) -> None:
    pytest.importorskip(writer.package)
    out = tmp_path / "out.bin"
    prepared = writer.prepare(list(store.tokens), np.array(store.vectors))
    measure(
        binary_task(store, plain_text),
        writer.name,
        lambda: writer.write(prepared, out),
        check_binary(out, store),
        setup=new_file(out),
        rounds=writer.rounds,
    )


def test_the_bytes_alone(measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, tmp_path: Path) -> None:
    out = tmp_path / "out.bin"
    glovestore.export(store, out)
    data = out.read_bytes()
    measure(
        binary_task(store, plain_text),
        "floor: the finished bytes written at once",
        lambda: out.write_bytes(data),
        check_binary(out, store),
        setup=new_file(out),
        rounds=7,
    )
