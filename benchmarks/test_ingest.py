"""Builds from other kinds of input, and of a part of the file only."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from loaders import Loader
from measuring import Measure, Task, in_a_process
from ours import FROM_PIPE, GLOVESTORE, INFLATE
from peers import WANTED_PEERS
from processes import Job
from table import significant
from texts import Text

import glovestore

WANTED = 20_000
CUT_BYTES = 10_000_000  # for what would take a minute to be made of the whole file
PIECE = 1 << 20
MEMBER = "vectors.txt"
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"

pytestmark = in_a_process


def pack_gzip(text: Path, packed: Path) -> None:
    with gzip.open(packed, "wb", compresslevel=6) as file:
        copy(text, file)


def pack_zip(text: Path, packed: Path) -> None:
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.write(text, MEMBER)


def pack_zstd(text: Path, packed: Path) -> None:
    with import_module(ZSTD).open(packed, "wb") as file:
        copy(text, file)


def pack_bzip2(text: Path, packed: Path) -> None:
    with bz2.open(packed, "wb") as file:
        copy(text, file)


def pack_xz(text: Path, packed: Path) -> None:
    with lzma.open(packed, "wb") as file:
        copy(text, file)


def copy(text: Path, file: Any) -> None:
    with text.open("rb") as source:
        shutil.copyfileobj(source, file, PIECE)


PACKERS = {".gz": pack_gzip, ".zip": pack_zip, ".zst": pack_zstd}
SLOW_PACKERS = {".bz2": pack_bzip2, ".xz": pack_xz}


@pytest.fixture(scope="module")
def packed(text: Text, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Compress the file, once for each kind, with the settings that the usual tools have."""
    folder = tmp_path_factory.mktemp("packed")

    def pack(kind: str) -> Path:
        if kind == ".zst":
            pytest.importorskip(ZSTD)
        path = folder / f"vectors{kind}"
        if not path.exists():
            PACKERS[kind](text.path, path)
        return path

    return pack


@pytest.fixture(scope="module")
def cut(text: Text, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the file, whole lines."""
    path = tmp_path_factory.mktemp("cut") / "cut.txt"
    with text.path.open("rb") as source, path.open("wb") as target:
        target.writelines(itertools.takewhile(lambda _: target.tell() < CUT_BYTES, source))
    return path


# --- kinds of input --------------------------------------------------------------------------------------------------


def whole(text: Text, store: glovestore.EmbeddingStore) -> Task:
    group = f"build from {text.size}, by kind of input"
    return Task(group, text.megabytes, "MB/s", len(store))


def test_plain(measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job) -> None:
    measure.load(whole(text, store), GLOVESTORE, replace(job, loader=GLOVESTORE.name), what="plain", baseline=True)


def test_pipe(measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job) -> None:
    measure.load(whole(text, store), FROM_PIPE, replace(job, loader=FROM_PIPE.name))


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed(
    measure: Measure,
    text: Text,
    store: glovestore.EmbeddingStore,
    job: Job,
    packed: Callable[[str], Path],
    kind: str,
) -> None:
    path = packed(kind)
    source = f"{path}#{MEMBER}" if kind == ".zip" else str(path)
    job = replace(job, loader=GLOVESTORE.name, source=source)
    what = f"{kind}, {significant(path.stat().st_size / 1e6)} MB"
    measure.load(whole(text, store), GLOVESTORE, job, what=what)


def test_inflate_alone(
    measure: Measure, text: Text, store: glovestore.EmbeddingStore, job: Job, packed: Callable[[str], Path]
) -> None:
    job = replace(job, loader=INFLATE.name, source=str(packed(".gz")))
    measure.load(whole(text, store), INFLATE, job)


@pytest.mark.parametrize("kind", ["plain", *SLOW_PACKERS])
def test_slowly_compressed(measure: Measure, cut: Path, job: Job, store: Any, tmp_path: Path, kind: str) -> None:
    megabytes = cut.stat().st_size / 1e6
    rows = glovestore.build(cut, tmp_path / "cut.h5", durable=False).rows
    task = Task(f"build from the first {significant(megabytes)} MB, by kind of input", megabytes, "MB/s", rows)
    source, what = cut, kind
    if kind in SLOW_PACKERS:
        source = tmp_path / f"vectors{kind}"
        SLOW_PACKERS[kind](cut, source)
        what = f"{kind}, {significant(source.stat().st_size / 1e6)} MB"
    job = replace(job, loader=GLOVESTORE.name, source=str(source), rows=list(range(rows)))
    measure.load(task, GLOVESTORE, job, what=what, baseline=kind == "plain")


# --- a part of the file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loader", [GLOVESTORE, *WANTED_PEERS], ids=lambda loader: loader.load.__name__)
@pytest.mark.parametrize("which", ["random", "first"])
def test_wanted_tokens(
    measure: Measure,
    plain_text: Text,
    store: glovestore.EmbeddingStore,
    job: Job,
    sample: Any,
    which: str,
    loader: Loader,
) -> None:
    tokens, rows = sample(WANTED, which)
    what = "glovestore.build(keep=tokens)" if loader is GLOVESTORE else loader.name
    job = replace(job, loader=loader.name, options={"keep": tokens}, rows=sorted(rows.tolist()))
    measure.load(wanted(plain_text, tokens, which), loader, job, what=what, baseline=loader is GLOVESTORE)


def test_order_given(
    measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, job: Job, sample: Any
) -> None:
    tokens, rows = sample(WANTED)
    job = replace(job, loader=GLOVESTORE.name, options={"keep": tokens, "order": "given"}, rows=rows.tolist())
    what = 'glovestore.build(keep=tokens, order="given")'
    measure.load(wanted(plain_text, tokens, "random"), GLOVESTORE, job, what=what)


def test_limit(measure: Measure, plain_text: Text, store: glovestore.EmbeddingStore, job: Job, sample: Any) -> None:
    tokens, rows = sample(WANTED, "first")
    job = replace(job, loader=GLOVESTORE.name, options={"limit": len(rows)}, rows=rows.tolist())
    task = replace(wanted(plain_text, tokens, "first"), work=0.0, unit="")  # it stops reading
    measure.load(task, GLOVESTORE, job, what="glovestore.build(limit=...)")


def wanted(text: Text, tokens: list[str], which: str) -> Task:
    group = f"{'the first ' if which == 'first' else ''}{len(tokens):,} {'random ' if which == 'random' else ''}tokens"
    return Task(f"{group} of {text.size}", text.megabytes, "MB/s")
