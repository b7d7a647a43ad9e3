"""What every reader has to do with good and with bad sources, whatever the format: one suite for all of them."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import make_sources
import numpy as np
import pytest
import source_formats
from numpy.typing import NDArray
from source_formats import SourceFormat

import glovestore
from glovestore.sources.detecting import open_reader

TOKENS = [b"the", b"of", "café".encode(), b"<unk>"]
VECTORS = np.array([[0.1, -2.5, 3e-5], [1, 2, 3], [-0.25, 1e10, 7.5], [0, 0, 1]], np.float32)
CLEAR = (
    glovestore.GlovestoreError,
    ValueError,
    OSError,
    ImportError,
)  # what may be raised; of these, MemoryError is none

every_format = pytest.mark.parametrize("kind", source_formats.FORMATS, ids=lambda kind: kind.name)
files = pytest.mark.parametrize(
    "kind", [kind for kind in source_formats.FORMATS if kind.files and not kind.is_trusted], ids=lambda kind: kind.name
)


def build(kind: SourceFormat, source: Any, target: Path, **options: Any) -> glovestore.BuildReport:
    return glovestore.build(source, target, durable=False, **{**kind.options, **options})


def read(path: Path) -> tuple[list[bytes], NDArray[np.float32]]:
    """Return the tokens and vectors of a store that verifies."""
    with glovestore.open(path) as store:
        store.verify()
        return [store.tokens.raw(row) for row in range(len(store))], np.array(store.vectors)


def assert_holds(path: Path, tokens: list[bytes], vectors: Any) -> None:
    found, values = read(path)
    assert found == tokens
    np.testing.assert_array_equal(values, np.asarray(vectors, np.float32))


def refused(kind: SourceFormat, source: Path, target: Path) -> str | None:
    """Build from a damaged source: a clear error, returned, and nothing left; or a store that verifies, and None."""
    try:
        build(kind, source, target)
    except CLEAR as error:
        assert not list(target.parent.iterdir())
        return str(error)
    read(target)
    target.unlink()
    assert not list(target.parent.iterdir())
    return None


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A name for the store, alone in its folder."""
    folder = tmp_path / "store"
    folder.mkdir()
    return folder / "store.h5"


# --- good sources ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "writer"),
    [(kind, writer) for kind in source_formats.FORMATS for writer in kind.writers],
    ids=lambda part: part if isinstance(part, str) else part.name,
)
def test_a_source_is_read_exactly(kind: SourceFormat, writer: str, tmp_path: Path, target: Path) -> None:
    source = kind.write(tmp_path / "source", TOKENS, VECTORS, writer)
    report = build(kind, source, target)
    assert_holds(target, TOKENS, VECTORS)
    assert (report.format, report.rows, report.dim, report.duplicates) == (kind.report, 4, 3, 0)
    assert report.lines == report.rows + report.header
    assert [path.name for path in target.parent.iterdir()] == ["store.h5"]


@every_format
def test_options(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    source = tmp_path / "source"
    report = build(kind, kind.write(source, TOKENS, VECTORS), target, keep=["<unk>", "of", "zzz"])
    assert_holds(target, [b"of", b"<unk>"], VECTORS[[1, 3]])
    assert (report.not_kept, report.missing) == (2, 1)
    build(kind, kind.write(source, TOKENS, VECTORS), target, keep=["<unk>", "of"], order="given", overwrite=True)
    assert_holds(target, [b"<unk>", b"of"], VECTORS[[3, 1]])
    report = build(kind, kind.write(source, TOKENS, VECTORS), target, limit=2, overwrite=True)
    assert_holds(target, TOKENS[:2], VECTORS[:2])
    assert report.lines == 2 + report.header
    build(kind, kind.write(source, TOKENS, VECTORS), target, limit=99, dim=3, threads=1, overwrite=True)
    assert_holds(target, TOKENS, VECTORS)
    with pytest.raises(glovestore.SourceFormatError, match=r"expected (dim 4|4 numbers), got (a header that says )?3"):
        build(kind, kind.write(source, TOKENS, VECTORS), target, dim=4, overwrite=True)
    with pytest.raises(
        glovestore.SourceFormatError, match="expected rows of 3 numbers, got none of a token to keep; 4"
    ):
        build(kind, kind.write(source, TOKENS, VECTORS), target, keep=["zzz"], overwrite=True)
    assert_holds(target, TOKENS, VECTORS)


@every_format
def test_the_threads_and_the_options_of_a_whole_read_change_no_byte(
    kind: SourceFormat, tmp_path: Path, target: Path
) -> None:
    build(kind, kind.write(tmp_path / "source", TOKENS, VECTORS), target, threads=1)
    expected = target.read_bytes()
    build(kind, kind.write(tmp_path / "source", TOKENS, VECTORS), target, threads=3, keep=TOKENS, overwrite=True)
    assert target.read_bytes() == expected


@every_format
def test_odd_tokens(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    tokens = ["\N{NO-BREAK SPACE}x".encode(), "x\u2028\x85y".encode(), b"1", b"-0.5", b"x" * 65_535]
    if kind.any_bytes:
        tokens += [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80"]
    if kind.empty:
        tokens.append(b"")
    if kind.spaces:
        tokens.append(b". . .")
    vectors = np.arange(len(tokens) * 3).reshape(-1, 3)
    build(kind, kind.write(tmp_path / "source", tokens, vectors), target)
    assert_holds(target, tokens, vectors)


@every_format
def test_of_duplicates_the_first_row_stays(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    if not kind.duplicates:
        pytest.skip("this format holds no token twice")
    tokens = [b"a", b"b", b"a", b"a", b"b", b"c"]
    vectors = np.arange(12).reshape(6, 2)
    report = build(kind, kind.write(tmp_path / "source", tokens, vectors), target)
    assert_holds(target, [b"a", b"b", b"c"], vectors[[0, 1, 5]])
    assert (report.duplicates, report.first_duplicates) == (3, ("a", "a", "b"))
    assert report.lines == 6 + report.header


@every_format
@pytest.mark.parametrize("when", ["before a row", "behind the last one"])
def test_control_c_leaves_nothing(
    kind: SourceFormat, when: str, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = kind.write(tmp_path / "source", TOKENS, VECTORS)
    before = sorted((tmp_path / "source").rglob("*"))

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(
        "glovestore.format.writer.StoreWriter." + ("__init__" if "before" in when else "finish"), interrupted
    )
    with pytest.raises(KeyboardInterrupt):
        build(kind, source, target, progress=True)
    assert not list(target.parent.iterdir())
    assert sorted((tmp_path / "source").rglob("*")) == before


# --- numbers ---------------------------------------------------------------------------------------------------------


@every_format
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(kind: SourceFormat, number: float, tmp_path: Path, target: Path) -> None:
    vectors = VECTORS.copy()
    vectors[2, 1] = number
    source = tmp_path / "source"
    with pytest.raises(
        glovestore.SourceFormatError, match=r"expected (a finite number|finite numbers), got '?-?(nan|inf)"
    ):
        build(kind, kind.write(source, TOKENS, vectors), target)
    assert not list(target.parent.iterdir())
    report = build(kind, kind.write(source, TOKENS, vectors), target, on_bad_line="skip")
    assert (report.skipped, len(report.first_skipped)) == (1, 1)
    assert report.lines == 4 + report.header
    assert_holds(target, [TOKENS[0], TOKENS[1], TOKENS[3]], VECTORS[[0, 1, 3]])


# --- files -----------------------------------------------------------------------------------------------------------


def parts(source: Path) -> list[Path]:
    """Return the files of a source that was written into a folder of its own."""
    folder = source if source.is_dir() else source.parent
    return sorted(path for path in folder.rglob("*") if path.is_file())


@files
def test_a_file_cut_off_anywhere(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    source = kind.write(tmp_path / "source", TOKENS, VECTORS)
    accepted = []
    for part in parts(source):
        whole = part.read_bytes()
        for size in range(0, len(whole), kind.stride):
            part.write_bytes(whole[:size])
            if refused(kind, source, target) is None and size >= kind.start:
                accepted.append((part.name, size))
        part.write_bytes(whole)
    assert refused(kind, source, target) is None
    if kind.cut_shows:
        assert not accepted


@files
@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_every_byte_changed(kind: SourceFormat, change: int, tmp_path: Path, target: Path) -> None:
    source = kind.write(tmp_path / "source", TOKENS, VECTORS)
    for part in parts(source):
        whole = part.read_bytes()
        for at in range(change % kind.stride, len(whole), kind.stride):
            part.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
            refused(kind, source, target)
        part.write_bytes(whole)


@files
def test_bytes_that_are_too_many(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    source = kind.write(tmp_path / "source", TOKENS, VECTORS)
    for part in parts(source):
        whole = part.read_bytes()
        for more in (b"x", b"\0" * 100, b"x 1 2 3 4\n"):
            part.write_bytes(whole + more)
            message = refused(kind, source, target)
            assert message is not None or not kind.cut_shows, (part.name, more)
        part.write_bytes(whole)


# In a process of its own, which may take no more than 1 GiB beyond what it has.
HUGE = """
import resource, sys
import glovestore, h5py
from glovestore import building
from glovestore.sources import detecting
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), resource.RLIM_INFINITY))
for source in sys.argv[2:]:
    try:
        glovestore.build(source, sys.argv[1], durable=False, threads=2)
    except (glovestore.GlovestoreError, ValueError) as error:
        print(error)
    else:
        raise SystemExit(f"expected an error for {source}")
"""


@files
def test_sizes_that_are_not_believed(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    sources = []
    for number, content in enumerate(kind.huge):
        sources.append(tmp_path / str(number))
        sources[-1].write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", HUGE, str(target), *map(str, sources)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(kind.huge)
    assert not list(target.parent.iterdir())


@files
def test_a_source_that_changes_while_it_is_read(
    kind: SourceFormat, tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its files: touched, grown, replaced, removed."""

    def changed(part: Path, how: str) -> Iterator[None]:
        whole, status = part.read_bytes(), part.stat()
        yield
        if how == "touched":
            os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        elif how == "grown":
            with part.open("ab") as file:
                file.write(b"x")
        else:
            part.unlink()
            if how == "replaced":
                part.write_bytes(whole)
        yield
        part.write_bytes(whole)

    for how in ("touched", "grown", "replaced", "removed"):
        source = kind.write(tmp_path / how, TOKENS, VECTORS)
        for part in parts(source):
            change = changed(part, how)
            next(change)
            monkeypatch.setattr("glovestore.building.open_reader", changing_reader(change))
            with pytest.raises(glovestore.SourceFormatError, match="expected the file to stay"):
                build(kind, source, target)
            monkeypatch.undo()
            assert not list(target.parent.iterdir())
            list(change)


def test_arrays_of_gensim_are_not_mapped(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whoever truncates one while it is read would end this process."""
    pytest.importorskip("gensim")
    vectors = np.ones((5000, 50), np.float32)
    source = source_formats.gensim_save(tmp_path, [b"t%d" % row for row in range(5000)], vectors, sep_limit=0)

    def reader(*args: Any) -> Any:
        opened = open_reader(*args)
        os.truncate(f"{source}.vectors.npy", 100)
        return opened

    monkeypatch.setattr("glovestore.building.open_reader", reader)
    with pytest.raises(glovestore.SourceFormatError, match="expected the file to stay"):
        glovestore.build(source, target, format="gensim")
    assert not list(target.parent.iterdir())


def changing_reader(change: Iterator[None]) -> Any:
    """Return an `open_reader` whose reader goes on with `change` when it has read the source."""

    def opened(*args: Any) -> Any:
        reader = open_reader(*args)
        original = reader.read_into

        def read_into(*args: Any) -> Any:
            result = original(*args)
            next(change)
            return result

        reader.read_into = read_into  # type: ignore[method-assign]
        return reader

    return opened


@files
def test_compressed(kind: SourceFormat, tmp_path: Path, target: Path) -> None:
    if kind.files > 1 or not kind.compressed:
        pytest.skip("several files, or none that can be compressed")
    source = kind.write(tmp_path / "source", TOKENS, VECTORS)
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    build(kind, packed, target)
    assert_holds(target, TOKENS, VECTORS)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(source, "vectors")
        file.writestr("readme", "hello")
    build(kind, f"{archive}#vectors", target, overwrite=True)
    assert_holds(target, TOKENS, VECTORS)


# --- files that other programs wrote ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("gensim.bin", "word2vec"),
        ("gensim.txt", "text"),
        ("static_embedding", "safetensors"),
        ("model2vec", "safetensors"),
        ("model2vec/model.safetensors", "safetensors"),
    ],
)
def test_files_of_other_programs(name: str, report: str, target: Path) -> None:
    assert glovestore.build(make_sources.FOLDER / name, target, durable=False).format == report
    assert_holds(target, [token.encode() for token in make_sources.TOKENS], make_sources.VECTORS)


@pytest.mark.parametrize("name", ["glove", "word2vec", "word2vec-binary", "npy", "safetensors", "gensim", "spacy"])
def test_what_is_exported_is_read_back(name: str, tmp_path: Path, target: Path) -> None:
    if name in ("gensim", "spacy"):
        pytest.importorskip(name)
    store, out = tmp_path / "first.h5", tmp_path / ("out.npy" if name == "npy" else "out")
    glovestore.build(zip(TOKENS, VECTORS, strict=True), store, durable=False)
    glovestore.export(store, out, name)
    glovestore.build(out, target, durable=False, format="gensim" if name == "gensim" else None)
    assert_holds(target, TOKENS, VECTORS)
