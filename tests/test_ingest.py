"""Threads, blocks and tiers: the same bytes of a store and the same error, however the work is divided."""

from __future__ import annotations

import errno
import gzip
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comparing import assert_store_is
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import read_text
from row_writers import row_writer, written_rows
from shared import ODD_TEXT
from test_text import LINES

import glovestore
from glovestore import _core
from glovestore.building import build_store
from glovestore.simd import VARIABLE, chosen_tier
from glovestore.sources.reader import ReadOptions
from glovestore.sources.text import TextReader

THREADS = [1, 2, 3, 8]
BLOCKS = [1, 2, 3, 5, 7, 10, 20, 1000, 1 << 16, 1 << 20]


def rows(count: int, dim: int, seed: int, *, bad: tuple[int, ...] = ()) -> bytes:
    """Return text whose lines `bad`, from 1, are too short, with every 50th token a duplicate."""
    numbers = random.Random(seed)
    lines = []
    for line in range(1, count + 1):
        values = [f"{numbers.gauss(0, 0.4):.5g}" for _ in range(dim - (line in bad))]
        lines.append(" ".join([f"token{line if line % 50 else line // 2}", *values]))
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture(scope="module", params=["odd", "many rows"])
def text(request: pytest.FixtureRequest) -> bytes:
    """The fixture with every trap, and 3 MB with duplicates and bad lines: three blocks of the default size."""
    return ODD_TEXT.read_bytes() if request.param == "odd" else rows(20_000, 20, 1, bad=(300, 9_000, 19_999))


def build(folder: Path, text: bytes, tier: str | None = None, **options: Any) -> bytes:
    source, target = folder / "source.txt", folder / "store.h5"
    source.write_bytes(text)
    with pytest.MonkeyPatch.context() as patch:
        if tier is not None:
            patch.setenv(VARIABLE, tier)
        report = build_store(source, target, ReadOptions(**options), overwrite=True, durable=False)
    assert (report.simd, report.threads) == (tier or chosen_tier(), options.get("threads", 1))
    return target.read_bytes()


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("threads", THREADS)
def test_threads_and_tiers_give_the_same_bytes(tmp_path: Path, text: bytes, threads: int, tier: str):
    options: dict[str, Any] = {"on_bad_line": "skip"}
    assert build(tmp_path, text, tier, threads=threads, **options) == build(tmp_path, text, "scalar", **options)
    smaller = build(tmp_path, text, tier, threads=threads, block_size=40_000, **options)
    assert smaller == build(tmp_path, text, "scalar", **options)


def test_many_rows_against_the_reference(tmp_path: Path):
    text = rows(20_000, 20, 1, bad=(300, 9_000, 19_999))
    source, target = tmp_path / "source.txt", tmp_path / "store.h5"
    source.write_bytes(text)
    report = glovestore.build(source, target, on_bad_line="skip", threads=3)
    assert_store_is(target, report, read_text(text, on_bad_line="skip"))
    assert [message.split(":")[1] for message in report.first_skipped] == ["300", "9000", "19999"]


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("block_size", BLOCKS)
def test_blocks_give_the_same_bytes(tmp_path: Path, block_size: int, tier: str):
    text = rows(300, 3, 2)
    for options in ({}, {"limit": 77}, {"keep": [b"token7", b"token200", b"token299"]}):
        expected = build(tmp_path, text, "scalar", **options)
        for threads in THREADS:
            assert build(tmp_path, text, tier, threads=threads, block_size=block_size, **options) == expected


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("block_size", [10, 1000, 100_000, 1 << 20])
def test_the_first_of_several_bad_lines_is_reported(tmp_path: Path, threads: int, block_size: int):
    bad = (7_001, 7_002, 12_000, 12_001, 19_000)
    text = rows(20_000, 2, 3, bad=bad)
    for first in bad[:2] + bad[2:3]:
        with pytest.raises(glovestore.TextFormatError) as caught:
            build(tmp_path, text, threads=threads, block_size=block_size)
        assert caught.value.line == first
        assert [path.name for path in tmp_path.iterdir()] == ["source.txt"]
        lines = text.split(b"\n")
        lines[first - 1] += b" 1"
        text = b"\n".join(lines)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=60), st.sampled_from(BLOCKS[:7]), st.sampled_from(THREADS), st.integers(1, 3))
def test_hostile_lines_in_blocks(folder: Path, lines: list[bytes], block_size: int, threads: int, dim: int):
    text = b"the" + b" 1" * dim + b"\n" + b"".join(lines)
    options: dict[str, Any] = {"dim": dim, "header": False}
    for on_bad_line in ("skip", "error"):
        results = []
        for divided in ({}, {"block_size": block_size, "threads": threads}):
            try:
                results.append(build(folder, text, on_bad_line=on_bad_line, **options, **divided))
            except glovestore.TextFormatError as error:
                results.append(str(error))
        assert results[0] == results[1]


def test_a_guess_of_the_rows_changes_nothing(tmp_path: Path):
    """The first lines are much longer, then much shorter, than the others: the index grows, or shrinks at the end."""
    short, long = rows(3000, 1, 4), rows(150, 1, 5).replace(b"token", b"t" * 3000)
    for text in (short + long, long + short):
        source = tmp_path / "source.txt"
        from_file = build(tmp_path, text)
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        feeder = threading.Thread(target=pipe.write_bytes, args=(source.read_bytes(),))
        feeder.start()
        glovestore.build(pipe, tmp_path / "piped.h5", overwrite=True)
        feeder.join()
        pipe.unlink()
        with glovestore.open(tmp_path / "piped.h5") as piped, glovestore.open(tmp_path / "store.h5") as store:
            assert {**piped.metadata, **{name: "" for name in DEPENDING_ON_THE_NAME}} == {
                **store.metadata,
                **{name: "" for name in DEPENDING_ON_THE_NAME},
            }
        assert from_file == (tmp_path / "store.h5").read_bytes()


DEPENDING_ON_THE_NAME = ("source_name", "header_xxh64", "block_checksums_xxh64")


# ----- the tier


def test_the_environment_names_the_tier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "source.txt").write_bytes(b"a 1 2\n")
    for tier in _core.SIMD_TIERS:
        monkeypatch.setenv(VARIABLE, tier)
        assert glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5", overwrite=True).simd == tier
    monkeypatch.setenv(VARIABLE, "mmx")
    with pytest.raises(ValueError, match=f"expected {VARIABLE} to be one of .*scalar, got 'mmx'"):
        glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5", overwrite=True)


# ----- compressed text: fed from Python while the threads parse


def test_a_compressed_file_gives_the_same_arrays(tmp_path: Path, text: bytes):
    build(tmp_path, text, on_bad_line="skip", threads=2)
    (tmp_path / "source.gz").write_bytes(gzip.compress(text))
    glovestore.build(tmp_path / "source.gz", tmp_path / "gz.h5", on_bad_line="skip", threads=2)
    with glovestore.open(tmp_path / "gz.h5") as packed, glovestore.open(tmp_path / "store.h5") as plain:
        assert packed.vectors.tobytes() == plain.vectors.tobytes()
        assert packed.tokens[:] == plain.tokens[:]
        assert packed.metadata["source_digest"] == plain.metadata["source_digest"]
        assert packed.metadata["source_name"] == "source.gz"


def test_a_bad_line_of_a_compressed_file(tmp_path: Path):
    source = tmp_path / "source.gz"
    source.write_bytes(gzip.compress(rows(50_000, 10, 6, bad=(150,))))  # most of it is not wanted any more
    with pytest.raises(glovestore.TextFormatError, match=r"source\.gz:150:\d+: expected 10 numbers, got 9"):
        glovestore.build(source, tmp_path / "store.h5")


def test_the_limit_ends_a_compressed_file_early(tmp_path: Path):
    source = tmp_path / "source.gz"
    text = rows(50_000, 10, 7)
    source.write_bytes(gzip.compress(text)[:-8])  # whoever read it all would see that it is cut
    report = glovestore.build(source, tmp_path / "store.h5", limit=200)
    assert (report.lines, report.source_bytes) == (200, len(b"".join(text.splitlines(keepends=True)[:200])))


# ----- what stops a build


def work(ingest: _core.Ingest, threads: int = 2) -> None:
    workers = [threading.Thread(target=ingest.work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def test_what_is_fed_is_parsed():
    writer = row_writer(2)
    ingest = _core.Ingest(writer, -1, b"head 1 2\nnext", 0, False)
    worker = threading.Thread(target=ingest.work)
    worker.start()
    for piece in (b" 3 4\nlast", b" 5", b" 6\n"):
        while not ingest.feed(piece, 1.0):
            pass
    ingest.finish_feeding()
    worker.join()
    assert (ingest.outcome, writer.rows, ingest.source_bytes) == ("ok", 3, len(b"head 1 2\nnext 3 4\nlast 5 6\n"))


def test_feeding_waits_for_somebody_who_reads():
    ingest = _core.Ingest(row_writer(2), -1, b"", 0, False)
    taken = [ingest.feed(b"a 1 2\n", 0.0) for _ in range(100)]
    assert taken[0]
    assert not taken[-1]
    ingest.stop()
    assert ingest.feed(b"c 1 2\n", 0.0)  # taken and forgotten
    assert ingest.is_used_up


@pytest.mark.parametrize("waiting_for", ["fed bytes", "a pipe"])
def test_stop_wakes_all_threads(waiting_for: str):
    reading, writing = os.pipe()
    ingest = _core.Ingest(row_writer(2), -1 if waiting_for == "fed bytes" else reading, b"a 1 2\n", 0, False)
    stopper = threading.Timer(0.05, ingest.stop)
    stopper.start()
    work(ingest, threads=3)
    stopper.join()
    assert ingest.outcome == "stopped"
    os.close(writing)
    if waiting_for == "fed bytes":
        os.close(reading)


def test_a_source_that_cannot_be_read(tmp_path: Path):
    directory = os.open(tmp_path, os.O_RDONLY)
    ingest = _core.Ingest(row_writer(2), directory, b"a 1 2\n", 0, False)
    work(ingest)
    assert (ingest.outcome, ingest.error) == ("read_failed", errno.EISDIR)


def test_nothing_is_appended_to_finished_rows():
    with pytest.raises(ValueError, match="finished"):
        _core.Ingest(written_rows([[b"a"]]), -1, b"", 0, False)


@pytest.mark.parametrize("packed", [False, True])
def test_control_c_while_the_threads_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool):
    """It comes while the calling thread waits for the others, or feeds them: they end, and nothing is left."""
    text = rows(50_000, 10, 10)
    (tmp_path / "source").write_bytes(gzip.compress(text) if packed else text)
    started: list[threading.Thread] = []
    original = TextReader._run

    def interrupted_run(
        self: TextReader, ingest: _core.Ingest, meanwhile: Callable[[], object], advance_to: Callable[[int], object]
    ) -> None:
        def interrupt(position: int) -> None:
            started.extend(thread for thread in threading.enumerate() if thread.name.startswith("glovestore-"))
            raise KeyboardInterrupt

        original(self, ingest, meanwhile, interrupt)

    monkeypatch.setattr(TextReader, "_run", interrupted_run)
    with pytest.raises(KeyboardInterrupt):
        glovestore.build(tmp_path / "source", tmp_path / "store.h5", threads=2)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert not any(thread.is_alive() for thread in started)


# In a process of its own: the limit would hold for all that pytest writes.
NO_ROOM = """
import resource, signal, sys, glovestore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    glovestore.build(sys.argv[1], sys.argv[2], overwrite=True)
except OSError as error:
    print(error.errno, error.filename)
"""


@pytest.mark.parametrize("with_old", [False, True])
def test_a_disk_that_is_full(tmp_path: Path, with_old: bool):
    source, target = tmp_path / "source.txt", tmp_path / "store.h5"
    if with_old:
        target.write_bytes(build(tmp_path, b"old 1 2\n"))
    old = target.read_bytes() if with_old else None
    source.write_bytes(rows(20_000, 20, 8))
    command = [sys.executable, "-P", "-c", NO_ROOM, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{errno.EFBIG} {target}\n"
    assert (target.read_bytes() if target.exists() else None) == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source.txt", *(["store.h5"] if with_old else [])]


def test_a_pipe_that_does_not_block(tmp_path: Path):
    """Such a one is read by Python, which waits for more where the threads would see an end."""
    text = rows(3000, 5, 9)
    build(tmp_path, text)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    feeder = threading.Thread(target=pipe.write_bytes, args=(text,))
    feeder.start()
    command = [sys.executable, "-P", "-c", "import glovestore, sys; glovestore.build('-', sys.argv[1])"]
    subprocess.run([*command, str(tmp_path / "piped.h5")], stdin=reading, check=True)
    feeder.join()
    os.close(reading)
    with glovestore.open(tmp_path / "piped.h5") as piped, glovestore.open(tmp_path / "store.h5") as store:
        assert piped.metadata["source_digest"] == store.metadata["source_digest"]
        assert piped.vectors.tobytes() == store.vectors.tobytes()


# A thread that imports while Ctrl-C interrupts an import of the calling thread may wait for ever.
IMPORTER = """
import sys, threading
import glovestore
importers = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        importers.append(threading.current_thread().name)
sys.meta_path.insert(0, Finder())
glovestore.build(sys.argv[1], sys.argv[2])
assert "h5py" in sys.modules
print(set(importers))
"""


def test_only_the_calling_thread_imports(tmp_path: Path):
    (tmp_path / "source.txt").write_bytes(rows(20, 3, 11))
    command = [sys.executable, "-P", "-c", IMPORTER, str(tmp_path / "source.txt"), str(tmp_path / "store.h5")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "{'MainThread'}\n"
