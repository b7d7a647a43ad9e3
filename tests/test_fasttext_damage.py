"""fastText's binary files that are damaged or lie: a clear error or a store that verifies; never a crash or a hang."""

from __future__ import annotations

import gzip
import os
import re
import resource
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fasttext_reference import Model, random_matrix, random_model, write, write_matrix
from hypothesis import given
from hypothesis import strategies as st

import glovestore
from glovestore.sources import byte_stream, fasttext_dictionary
from glovestore.streams import decoding

FEW = [b"the", b"</s>", b"caf\xc3\xa9", b"\xff"]
SMALL: dict[str, Model] = {
    "dense": random_model(words=FEW, dim=2, bucket=5, labels=[b"__label__a"], model=3),
    "no version": random_model(words=FEW, dim=2, bucket=5, version=None),
    "quantised": random_model(words=FEW, dim=1, bucket=6, dsub=1, keep=3, has_norms=True, qout=False),
}
# Offsets of the header's fields.
VERSION, DIM, MODEL, BUCKET, MINN, MAXN, SIZE, WORDS, LABELS, PRUNED, ENTRIES = 4, 8, 36, 40, 44, 48, 64, 68, 72, 84, 92
HUGE = 2**31 - 1


def build(data: bytes, folder: Path, name: str = "m.bin") -> glovestore.EmbeddingStore:
    (folder / name).write_bytes(data)
    glovestore.build(folder / name, folder / "m.h5", durable=False, overwrite=True)
    return glovestore.open(folder / "m.h5")


def refused(data: bytes, folder: Path) -> glovestore.SourceFormatError:
    with pytest.raises(glovestore.SourceFormatError) as caught:
        build(data, folder)
    assert str(caught.value).startswith(str(folder / "m.bin"))
    assert len(str(caught.value)) < 1000
    assert [path.name for path in folder.iterdir() if path.name != "m.h5"] == ["m.bin"]
    return caught.value


@pytest.mark.parametrize("model", SMALL.values(), ids=list(SMALL))
def test_cut_off_at_every_byte(tmp_path: Path, model: Model) -> None:
    data = write(model)
    build(data, tmp_path).close()
    (tmp_path / "m.h5").unlink()
    # The middle of the centroids is like all of it.
    ends = [end for end in range(len(data)) if end < 700 or end % 97 == 0 or end > len(data) - 150]
    for end in ends:
        error = refused(data[:end], tmp_path)
        if end >= 100:
            assert error.byte is not None, end


@pytest.mark.parametrize("model", SMALL.values(), ids=list(SMALL))
def test_cut_off_in_a_pipe(tmp_path: Path, model: Model) -> None:
    """Where nobody knows how much is left."""
    data = write(model)
    os.mkfifo(tmp_path / "pipe")
    for end in (100, 120, 130, len(data) // 2, len(data) - 30, len(data) - 1):
        feeder = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data[:end],))
        feeder.start()
        with pytest.raises(glovestore.SourceFormatError, match="it is cut off"):
            glovestore.build(tmp_path / "pipe", tmp_path / "m.h5")
        feeder.join()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("model", SMALL.values(), ids=list(SMALL))
@given(st.data())
def test_any_mutation(tmp_path_factory: pytest.TempPathFactory, model: Model, data: st.DataObject) -> None:
    """An error, or a store that verifies and answers."""
    mutated = bytearray(write(model))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(mutated), 400) - 1) | st.integers(0, len(mutated) - 1))
        if data.draw(st.booleans()):
            mutated[at] = data.draw(st.integers(0, 255))
        else:
            word = data.draw(st.sampled_from([0, 1, -1, 2, HUGE, -HUGE - 1, 1 << 16, 255]))
            mutated[at : at + 4] = struct.pack("<i", word)
    folder = tmp_path_factory.mktemp("mutated")
    try:
        store = build(bytes(mutated), folder)
    except glovestore.SourceFormatError:
        assert [path.name for path in folder.iterdir()] == ["m.bin"]
        return
    with store:
        store.verify()
        if store.subwords is not None:
            assert store.token_vectors(["the", "zzz", b"\xff", "</s>", ""]).shape == (5, store.dim)


def put(at: int, *values: int, format: str = "<i") -> Callable[[bytes], bytes]:
    packed = b"".join(struct.pack(format, value) for value in values)
    return lambda data: data[:at] + packed + data[at + len(packed) :]


def after_entries(model: Model) -> int:
    return ENTRIES + sum(len(token) + 10 for token in model.words + model.labels)


DENSE, QUANTISED = write(SMALL["dense"]), write(SMALL["quantised"])
MATRIX = after_entries(SMALL["dense"])  # of the dense one: the flag
PAIRS = after_entries(SMALL["quantised"])
CODES = PAIRS + 8 * 3 + 2 + 16  # behind two flags and the shape: their number, 7 of them, then the quantiser
QUANTISER = CODES + 4 + 7

LIES: dict[str, tuple[bytes, Callable[[bytes], bytes], str, int]] = {
    "version 10": (DENSE, put(VERSION, 10), "expected version 11 or 12 of fastText's format, got 10", VERSION),
    "version 13": (DENSE, put(VERSION, 13), "expected version 11 or 12 of fastText's format, got 13", VERSION),
    "no dim": (DENSE, put(DIM, 0), "expected dim from 1 to 65536, got 0", DIM),
    "a huge dim": (DENSE, put(DIM, HUGE), f"expected dim from 1 to 65536, got {HUGE}", DIM),
    "a negative dim": (DENSE, put(DIM, -2), "expected dim from 1 to 65536, got -2", DIM),
    "another dim": (DENSE, put(DIM, 3), "expected an input matrix of 9 x 3, for 4 words and 5 buckets, got 9 x 2",
                    MATRIX + 1),
    "another model": (DENSE, put(MODEL, 4), "expected model from 1 to 3, got 4", MODEL),
    "negative buckets": (DENSE, put(BUCKET, -1), f"expected bucket from 0 to {HUGE}, got -1", BUCKET),
    "no buckets": (DENSE, put(BUCKET, 0), "expected buckets for n-grams of 3 to 6 characters, got none", BUCKET),
    "more buckets": (DENSE, put(BUCKET, 6), "for 4 words and 6 buckets, got 9 x 2", MATRIX + 1),
    "huge buckets": (DENSE, put(BUCKET, HUGE), f"for 4 words and {HUGE} buckets, got 9 x 2", MATRIX + 1),
    "a huge maxn": (DENSE, put(MAXN, 65), "expected maxn from 0 to 64, got 65", MAXN),
    "a negative maxn": (DENSE, put(MAXN, -1), "expected maxn from 0 to 64, got -1", MAXN),
    "a negative minn": (DENSE, put(MINN, -1), "expected minn from 0 on, got -1", MINN),
    "another size": (DENSE, put(SIZE, 6), "expected size 5, nwords and nlabels together, got 6", SIZE),
    "negative words": (DENSE, put(SIZE, 0, -1, 1), f"expected nwords from 0 to {HUGE}, got -1", WORDS),
    "negative labels": (DENSE, put(SIZE, 3, 4, -1), f"expected nlabels from 0 to {HUGE}, got -1", LABELS),
    "huge words": (DENSE, put(SIZE, HUGE, HUGE, 0), f"expected {10 * HUGE} bytes of dictionary, the file has", ENTRIES),
    "no words": (DENSE, put(SIZE, 1, 0, 1), "expected a label (type 1), number 0, got a word", ENTRIES + 12),
    "a word too few": (DENSE, put(SIZE, 5, 3, 2), "expected a label (type 1), number 0, got a word", MATRIX - 21),
    "a word too many": (DENSE, put(SIZE, 5, 5, 0), "expected a word (type 0), number 4, got a label", MATRIX - 1),
    "another type": (DENSE, put(ENTRIES + 12, 7, format="<b"),
                     "expected a word (type 0), number 0, got an entry of type 7", ENTRIES + 12),
    "pruned and dense": (DENSE, put(PRUNED, 0, format="<q"), "a pruned dictionary, got a dense one", MATRIX + 1),
    "negative pruned": (DENSE, put(PRUNED, -2, format="<q"), "expected pruneidx_size from -1 to 5, got -2", PRUNED),
    "huge pruned": (DENSE, put(PRUNED, 2**62, format="<q"), f"pruneidx_size from -1 to 5, got {2**62}", PRUNED),
    "a flag of 2": (DENSE, put(MATRIX, 2, format="<b"), "expected quant_input to be 0 or 1, got 2", MATRIX),
    "another flag": (DENSE, put(MATRIX, 1, format="<b"), "expected qnorm to be 0 or 1, got 9", MATRIX + 1),
    "fewer rows": (DENSE, put(MATRIX + 1, 8, format="<q"), "5 buckets, got 8 x 2", MATRIX + 1),
    "huge rows": (DENSE, put(MATRIX + 1, 2**62, format="<q"), f"5 buckets, got {2**62} x 2", MATRIX + 1),
    "a huge output": (DENSE, put(len(DENSE) - 24, 2**62, format="<q"), "bytes of output matrix, the file has 8 more",
                      len(DENSE) - 8),
    "a negative output": (DENSE, put(len(DENSE) - 24, -1, format="<q"),
                          "expected an output matrix of dim 2, got -1 x 2", len(DENSE) - 24),
    "an output of another dim": (DENSE, put(len(DENSE) - 16, 3, format="<q"),
                                 "expected an output matrix of dim 2, got 1 x 3", len(DENSE) - 24),
    "more at the end": (DENSE, lambda data: data + b"\0", "expected the end of the file, got more bytes", len(DENSE)),
    "a kept bucket beyond": (QUANTISED, put(PAIRS + 8, 6), "expected a kept bucket from 0 to 5, got 6", PAIRS + 8),
    "a kept row beyond": (QUANTISED, put(PAIRS + 4, 3), "expected a kept row from 0 to 2, got 3", PAIRS + 4),
    "a kept row before": (QUANTISED, put(PAIRS + 4, -1), "expected a kept row from 0 to 2, got -1", PAIRS + 4),
    "a kept bucket twice": (QUANTISED, lambda data: data[: PAIRS + 8] + data[PAIRS : PAIRS + 4] + data[PAIRS + 12 :],
                            "expected each kept bucket once", PAIRS),
    "other codes": (QUANTISED, put(CODES, 8), "expected codes for 7 rows, 1 to 1 each, got 8", CODES + 4),
    "more codes": (QUANTISED, put(CODES, 14), "expected codes for 7 rows, 1 to 1 each, got 14", CODES + 4),
    "no codes": (QUANTISED, put(CODES, 0), "expected codes for 7 rows, 1 to 1 each, got 0", CODES + 4),
    "negative codes": (QUANTISED, put(CODES, -7), "expected codes for 7 rows, 1 to 1 each, got -7", CODES + 4),
    "a quantiser's dim": (QUANTISED, put(QUANTISER, 2), "expected a quantiser of dim 1, got dim 2 in parts of 1",
                          QUANTISER + 16),
    "a quantiser's parts": (QUANTISED, put(QUANTISER + 4, 2), "expected 1 parts of 1 numbers for dim 1, got 2",
                            QUANTISER + 16),
    "parts of nothing": (QUANTISED, put(QUANTISER + 8, 0), "expected a quantiser of dim 1, got dim 1 in parts of 0",
                         QUANTISER + 16),
    "a last part": (QUANTISED, put(QUANTISER + 12, 0), "expected 1 parts of 1 numbers for dim 1, got 1, the last of 0",
                    QUANTISER + 16),
}  # fmt: skip


@pytest.mark.parametrize(("data", "change", "expected", "byte"), LIES.values(), ids=list(LIES))
def test_files_that_lie(
    tmp_path: Path, data: bytes, change: Callable[[bytes], bytes], expected: str, byte: int
) -> None:
    error = refused(change(data), tmp_path)
    assert expected in error.problem
    assert error.byte == byte


def test_a_quantised_output_that_lies(tmp_path: Path) -> None:
    output = random_matrix(np.random.default_rng(1), 4, 1, 1, True)
    model = random_model(words=FEW, dim=1, bucket=6, dsub=1, qout=True, output=output)
    data = write(model)
    begin = len(data) - len(write_matrix(output))
    build(data, tmp_path).close()
    (tmp_path / "m.h5").unlink()
    for at, value, expected in (
        (0, 2, "expected qnorm to be 0 or 1, got 2"),
        (9, 2, "expected an output matrix of dim 1, got 4 x 2"),
        (17, -1, "expected a natural number of codes, got -1"),
        (17, HUGE, f"expected {HUGE} bytes of codes of the output matrix, the file has"),
        (25, 2, "expected a quantiser of dim 1, got dim 2"),
    ):
        format = "<b" if at == 0 else "<i"
        assert expected in refused(put(begin + at, value, format=format)(data), tmp_path).problem


def test_a_model_without_words(tmp_path: Path) -> None:
    for settings in ({}, {"dsub": 1, "bucket": 3}):
        model: Any = random_model(words=[], dim=2, **settings)
        assert "expected rows of 2 numbers, got none" in refused(write(model), tmp_path).problem
    model = random_model(words=[], dim=2, dsub=1, keep=0)
    assert "expected codes for 0 rows" in refused(write(model), tmp_path).problem


def test_a_token_that_does_not_end(tmp_path: Path) -> None:
    long = random_model(words=[b"a", b"x" * 65_536], dim=1, bucket=1)
    error = refused(write(long), tmp_path)
    assert error.problem == "expected a token of at most 65535 bytes and a NUL behind it, got a longer one"
    assert error.byte == ENTRIES + 11
    endless = write(SMALL["dense"])[:ENTRIES] + b"x" * 3_000_000
    assert refused(endless, tmp_path).byte == ENTRIES
    short = write(SMALL["dense"])[:ENTRIES] + b"x" * 1000
    assert "expected a word, number 0 of 4, got the end of the file" in refused(short, tmp_path).problem


def test_a_gzip_file_that_is_damaged(tmp_path: Path) -> None:
    data = gzip.compress(write(SMALL["dense"]))
    for damaged in (data[:-1], data[:-9], data[:-8] + bytes(8)):
        with pytest.raises(glovestore.SourceFormatError, match="gzip"):
            build(damaged, tmp_path, "m.bin.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["m.bin.gz"]


# ----- no memory for what is only stated

STATED = """
import resource, sys, glovestore, glovestore.building, glovestore.sources.fasttext
import h5py
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (300 << 20),) * 2)
try:
    glovestore.build(sys.argv[1], sys.argv[2], threads=1)
except glovestore.SourceFormatError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="no limit on memory")
@pytest.mark.parametrize("name", ["m.bin", "m.bin.gz"])
def test_huge_sizes_take_no_memory(tmp_path: Path, name: str) -> None:
    """A compressed file does not tell how long it is, so its sizes may be true for all one knows."""
    pack = gzip.compress if name.endswith("gz") else bytes
    lies = [
        put(SIZE, HUGE, HUGE, 0)(DENSE),
        put(BUCKET, HUGE)(put(MATRIX + 1, HUGE + 4, format="<q")(DENSE)),
        put(len(DENSE) - 24, 2**60, format="<q")(DENSE),
        put(PRUNED, HUGE, format="<q")(put(BUCKET, HUGE)(DENSE)),
        put(DIM, 65_536)(put(MATRIX + 9, 65_536, format="<q")(DENSE)),
    ]
    for data in lies:
        (tmp_path / name).write_bytes(pack(data))
        command = [sys.executable, "-c", STATED, str(tmp_path / name), str(tmp_path / "m.h5")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "expected" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_codes_that_stand_for_far_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte of codes may stand for a whole row: what was made to fill a disk."""
    monkeypatch.setattr(decoding, "UNFOLDED_FREELY", 1000)
    monkeypatch.setattr(byte_stream, "unfolds_too_much", lambda made, size, freely: made > (freely or 1000))
    problem = refused(write(random_model(words=FEW, dim=64, bucket=60, dsub=64)), tmp_path).problem
    assert re.fullmatch(r"vectors: expected at most 100 bytes for each on disk, got 16384 bytes of \d+", problem)


@pytest.mark.parametrize("what", ["dictionary", "list of kept buckets"])
def test_what_unfolds_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """A dictionary, or a list of buckets, of nothing but zeros packs well."""
    for module in (byte_stream, fasttext_dictionary):
        monkeypatch.setattr(module, "HELD_FREELY", 1 << 20)
    if what == "dictionary":
        data = put(SIZE, HUGE, HUGE, 0)(DENSE)[:ENTRIES] + bytes(1 << 22)
    else:
        data = put(PRUNED, HUGE, format="<q")(put(BUCKET, HUGE)(DENSE))[:MATRIX] + bytes(1 << 22)
    (tmp_path / "m.bin.gz").write_bytes(gzip.compress(data))
    with pytest.raises(glovestore.SourceFormatError) as caught:
        glovestore.build(tmp_path / "m.bin.gz", tmp_path / "m.h5")
    assert f"{what}: expected at most 100 bytes for each on disk, got 1" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["m.bin.gz"]
