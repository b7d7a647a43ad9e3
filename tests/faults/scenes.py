"""What is done while system calls fail: everything of glovestore that writes, and what it reads from.

A scene makes its inputs in a folder and returns two callables: `old` writes what stands there before, `new` is what
the faults hit. Both write into a folder of their own, `out`.
"""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fasttext_reference
import numpy as np
import source_formats

import glovestore
from glovestore import opening as _opening  # noqa: F401 - loaded here, once: not in each child
from glovestore.building import build
from glovestore.format import hdf5
from glovestore.reshaping import converting, merging, slicing  # noqa: F401

Work = Callable[[], Any]
Made = tuple[Work, Work]

SCENES: dict[str, Callable[[Path, Path], Made]] = {}
BUILDS = {
    *("text", "order_given", "word2vec", "fasttext", "zip_member"),
    *("npy", "safetensors", "parquet", "arrow", "gensim", "spacy"),
}
ROWS, DIM = 1500, 24


def scene(make: Callable[[Path, Path], Made]) -> Callable[[Path, Path], Made]:
    SCENES[make.__name__] = make
    return make


def rows(count: int = ROWS, dim: int = DIM, seed: int = 7) -> tuple[list[bytes], Any]:
    """Return distinct tokens and float32 vectors (count, dim)."""
    vectors = np.random.default_rng(seed).uniform(-1, 1, (count, dim)).astype(np.float32)
    return [b"token%d" % row for row in range(count)], vectors


def old_rows() -> list[tuple[bytes, Any]]:
    return list(zip(*rows(40, 3, seed=1), strict=True))


def store_of(path: Path, count: int = ROWS, dim: int = DIM, seed: int = 7) -> Path:
    build(list(zip(*rows(count, dim, seed), strict=True)), path, overwrite=True, durable=False)
    return path


def builds(source: Any, out: Path, **options: Any) -> Made:
    """Return a build of `source`, over a store of something else."""
    target = out / "store.h5"
    return (
        lambda: build(old_rows(), target, overwrite=True),
        lambda: build(source, target, overwrite=True, threads=2, **options),
    )


# ---------------------------------------------------------------------- builds


@scene
def text(inputs: Path, out: Path) -> Made:
    """Several blocks of text, several pieces of the store, duplicates."""
    draw, path = random.Random(7), inputs / "source.txt"
    numbers = (" ".join(f"{draw.uniform(-1, 1):.5f}" for _ in range(50)) for _ in range(6000))
    path.write_text("".join(f"token{row % 5900} {vector}\n" for row, vector in enumerate(numbers)))
    return builds(path, out)


@scene
def order_given(inputs: Path, out: Path) -> Made:
    """By way of a scratch file."""
    path = source_formats.glove_text(inputs, *rows())
    return builds(path, out, keep=[b"token%d" % row for row in range(ROWS, 0, -2)], order="given", dtype="int8")


@scene
def word2vec(inputs: Path, out: Path) -> Made:
    return builds(source_formats.word2vec_binary(inputs, *rows()), out)


@scene
def fasttext(inputs: Path, out: Path) -> Made:
    """A model with subwords, in a scratch file."""
    tokens, matrix = rows(300 + 800)
    model = fasttext_reference.Model(words=tokens[:300], matrix=matrix, minn=3, maxn=4, bucket=800, version=12)
    path = inputs / "model.bin"
    path.write_bytes(fasttext_reference.write(model))
    return builds(path, out)


@scene
def zip_member(inputs: Path, out: Path) -> Made:
    path = source_formats.glove_text(inputs, *rows())
    with zipfile.ZipFile(inputs / "vectors.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "glove.txt")
        archive.writestr("readme", "hello")
    return builds(inputs / "vectors.zip", out, member="glove.txt")


@scene
def npy(inputs: Path, out: Path) -> Made:
    return builds(source_formats.npy(inputs, *rows()), out)


@scene
def safetensors(inputs: Path, out: Path) -> Made:
    return builds(source_formats.safetensors_folder(inputs, *rows()), out)


@scene
def parquet(inputs: Path, out: Path) -> Made:
    return builds(source_formats.parquet(inputs, *rows(50)), out)


@scene
def arrow(inputs: Path, out: Path) -> Made:
    return builds(source_formats.feather(inputs, *rows(50)), out)


@scene
def gensim(inputs: Path, out: Path) -> Made:
    return builds(source_formats.gensim_save(inputs, *rows(), sep_limit=0), out, format="gensim")


@scene
def spacy(inputs: Path, out: Path) -> Made:
    return builds(source_formats.spacy_vocab(inputs, *rows(200)), out)


# ---------------------------------------------------------------------- stores of stores


def reshapes(inputs: Path, out: Path, verb: Callable[..., Any], *options: Any, **named: Any) -> Made:
    source, target = store_of(inputs / "source.h5"), out / "store.h5"
    return (
        lambda: build(old_rows(), target, overwrite=True),
        lambda: verb(source, target, *options, overwrite=True, **named),
    )


@scene
def convert(inputs: Path, out: Path) -> Made:
    return reshapes(inputs, out, glovestore.convert, dtype="float16")


@scene
def slice(inputs: Path, out: Path) -> Made:
    return reshapes(inputs, out, glovestore.slice, ["token3", "absent", "token1000"], missing="mean")


@scene
def merge(inputs: Path, out: Path) -> Made:
    def verb(source: Path, target: Path, **options: Any) -> None:
        glovestore.merge([source, source], target, how="concat", **options)

    return reshapes(inputs, out, verb)


# ---------------------------------------------------------------------- exports


def exports(inputs: Path, out: Path, name: str, format: str) -> Made:
    source, old = store_of(inputs / "source.h5"), store_of(inputs / "old.h5", 40, 3)
    return tuple(  # type: ignore[return-value]
        lambda store=store: glovestore.export(store, out / name, format, overwrite=True) for store in (old, source)
    )


def export_scene(format: str, name: str) -> None:
    def make(inputs: Path, out: Path) -> Made:
        return exports(inputs, out, name, format)

    SCENES[f"export_{format.replace('-', '_')}"] = make


for chosen, target_name in {
    "glove": "out.txt",
    "word2vec": "out.vec",
    "word2vec-binary": "out.bin",
    "npy": "out.npy",
    "gensim": "out.kv",
    "safetensors": "folder",
    "spacy": "folder",
    "projector": "folder",
}.items():
    export_scene(chosen, target_name)


# ---------------------------------------------------------------------- what else is written


@scene
def vocabulary(inputs: Path, out: Path) -> Made:
    tokens = [token.decode() for token in rows()[0]]
    old, new = glovestore.Vocabulary.from_tokens(["one"]), glovestore.Vocabulary.from_tokens(tokens)
    return lambda: old.save(out / "vocabulary.json"), lambda: new.save(out / "vocabulary.json")


def matrices(inputs: Path, out: Path, suffix: str) -> Made:
    from glovestore.shell.matrix_file import write_matrix

    target, given = out / f"matrix.{suffix}", inputs / "given.h5"
    return (
        lambda: write_matrix(target, rows(5, 2)[1], {}, [given]),
        lambda: write_matrix(target, rows()[1], {"oov": "zeros"}, [given]),
    )


@scene
def matrix_npy(inputs: Path, out: Path) -> Made:
    return matrices(inputs, out, "npy")


@scene
def matrix_safetensors(inputs: Path, out: Path) -> Made:
    return matrices(inputs, out, "safetensors")


@scene
def matrix_pt(inputs: Path, out: Path) -> Made:
    return matrices(inputs, out, "pt")


@scene
def classifier(inputs: Path, out: Path) -> Made:
    """A model with a store of its own tokens."""
    from tiny_topics import build_store, topic_texts

    from glovestore.classify import TextClassifier

    small: dict[str, Any] = {"units": 4, "learning_rate": 0.05, "device": "cpu", "random_state": 1}
    old, new = (
        TextClassifier(build_store(inputs / f"{epochs}.h5"), epochs=epochs, **small).fit(*topic_texts(60))
        for epochs in (1, 2)
    )
    return (
        lambda: old.save(out / "model", overwrite=True),
        lambda: new.save(out / "model", overwrite=True, extra_tokens=14),
    )


@scene
def cache(inputs: Path, out: Path) -> Made:
    """`open` of a vectors file. What stands there before is the store of another state of it."""
    import os

    from glovestore.cache import building, opening  # noqa: F401

    path = source_formats.glove_text(inputs, *rows())
    old, new = b"old 1 2 3\n", path.read_bytes()
    os.environ["GLOVESTORE_CACHE"] = str(out)

    def opened(content: bytes) -> None:
        path.write_bytes(content)
        os.utime(path, ns=(0, len(content)))  # the same in each run: it is in the record
        with glovestore.open(path) as store:
            assert len(store) == content.count(b"\n")

    def work() -> None:
        with glovestore.open(path) as store:
            assert len(store) == ROWS

    return lambda: (opened(old), path.write_bytes(new), os.utime(path, ns=(0, 1))), work


@scene
def opened(inputs: Path, out: Path) -> Made:
    """A store is opened and read: nothing is written."""
    path = store_of(inputs / "store.h5")

    def work() -> None:
        for copy in (False, True):
            with glovestore.open(path, copy=copy) as store:
                assert store["token7"].shape == (DIM,)
                store.verify()

    return lambda: None, work


# ---------------------------------------------------------------------- the command


def shell(*arguments: str | Path) -> Work:
    """Return what runs the command; it ends in a SystemExit."""

    def work() -> None:
        from glovestore.cli import main

        main([str(argument) for argument in arguments])

    return work


def shell_scene(name: str, target: str, command: Callable[[Path, Path, Path], list[str | Path]]) -> None:
    def make(inputs: Path, out: Path) -> Made:
        """`command` gets a vectors file, a store of it, and the target."""
        source = source_formats.glove_text(inputs, *rows())
        arguments = command(source, store_of(inputs / "store.h5"), out / target)
        if target.endswith(".h5"):
            return lambda: build(old_rows(), out / target, overwrite=True), shell(*arguments)
        return lambda: (out / target).write_text("old"), shell(*arguments)

    SCENES[f"shell_{name}"] = make


shell_scene("build", "store.h5", lambda text, store, target: ["build", text, target, "--overwrite"])
shell_scene(
    "convert",
    "store.h5",
    lambda text, store, target: ["convert", store, "--dtype", "float16", "--overwrite", "-o", target],
)
shell_scene("export", "out.vec", lambda text, store, target: ["export", store, target, "--overwrite"])
shell_scene("matrix", "matrix.npy", lambda text, store, target: ["matrix", store, text, "-o", target])

hdf5.preload()
