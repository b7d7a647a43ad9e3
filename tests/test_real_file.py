"""Real vectors: every token, every float, every look-up. On glove.6B.100d.txt where it is at hand, and always on the
sample of it that ships with the package and on the fixture with every trap: this file never passes on nothing.

GLOVESTORE_DATA is the folder of glove.6B.100d.txt; the default is ~/.cache/glovestore-data.
"""

from __future__ import annotations

import filecmp
import json
import lzma
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import store_reader
from numpy.typing import NDArray
from reference import read_text, round_to_float32
from shared import ODD_TEXT

import glovestore

REAL = Path(os.environ.get("GLOVESTORE_DATA", "~/.cache/glovestore-data")).expanduser() / "glove.6B.100d.txt"
SAMPLE = "glove.6B.100d.first15000.txt.xz"
ROWS = {"real": 341_479, "sample": 15_000, "odd": 2_001}
SOURCES = [name for name in ROWS if name != "real" or REAL.exists()]
BLOCK = 1 << 24


class Real(NamedTuple):
    """A source with its store, and its tokens as Python's own bytes methods see them."""

    name: str
    source: Path
    store: glovestore.EmbeddingStore
    report: glovestore.BuildReport
    tokens: list[bytes]


@pytest.fixture(scope="module", params=SOURCES)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp(request.param)
    source = {"real": REAL, "odd": ODD_TEXT}.get(request.param, folder / "sample.txt")
    if request.param == "sample":
        source.write_bytes(lzma.decompress(files("glovestore").joinpath("data", SAMPLE).read_bytes()))
    report = glovestore.build(source, folder / "store.h5", durable=False)
    tokens = read_text(source.read_bytes()).tokens if request.param == "odd" else simple_tokens(source)
    with glovestore.open(folder / "store.h5") as store:
        yield Real(request.param, source, store, report, tokens)
    (folder / "store.h5").unlink()


def simple_tokens(source: Path) -> list[bytes]:
    """Return what stands before the first space of each line: right for files without spaces in tokens."""
    with source.open("rb") as file:
        return [line.split(b" ", 1)[0] for line in file]


def pieces(source: Path) -> Iterator[list[bytes]]:
    """Yield the lines of a file in some megabytes at a time."""
    with source.open("rb") as file:
        while lines := file.readlines(BLOCK):
            yield lines


def test_the_report_and_the_store_agree_with_the_file(real: Real):
    text = real.source.read_bytes()
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    report = real.report
    assert report.rows == len(real.store) == len(real.tokens) == ROWS[real.name]
    assert report.lines == lines == report.rows + report.header + report.duplicates + report.skipped
    assert (report.header, report.skipped) == (0, 0)
    assert report.source_bytes == len(text) == int(real.store.metadata["source_bytes"])
    assert report.dim == real.store.dim == (25 if real.name == "odd" else 100)
    assert report.final_newline is text.endswith(b"\n")
    assert real.store.metadata["lines"] == str(lines)
    assert real.store.nbytes == report.store_bytes == real.store.path.stat().st_size


def test_verify_and_every_checksum(real: Real):
    real.store.verify()
    store_reader.check(real.store.path)


def test_tokens_are_the_files_bytes_in_order(real: Real):
    assert list(map(real.store.tokens.raw, range(len(real.store)))) == real.tokens
    assert [token.encode("utf-8", "surrogateescape") for token in real.store] == real.tokens


def numpy_floats(lines: list[bytes]) -> NDArray[np.float32]:
    """Parse the numbers with numpy. It rounds twice, which is right for numbers of so few digits."""
    text = b"".join(line.split(b" ", 1)[1] for line in lines)
    return np.fromstring(text.decode("ascii"), np.float32, sep=" ")


def test_every_float_equals_numpys(real: Real):
    if real.name == "odd":
        expected = read_text(real.source.read_bytes()).values  # its decimals are made to break numpy
        assert np.array_equal(real.store.vectors.view(np.uint32), expected.view(np.uint32))
        return
    first = 0
    for lines in pieces(real.source):
        block = real.store.vectors[first : first + len(lines)]
        assert np.array_equal(block.view(np.uint32).ravel(), numpy_floats(lines).view(np.uint32))
        first += len(lines)
    assert first == len(real.store)


def test_a_hundred_thousand_random_floats_equal_fractions(real: Real):
    if real.name == "odd":
        return  # the test before this one has compared all of them
    random_ = random.Random(6)
    size, dim, count = len(real.store), real.store.dim, 100_000 if real.name == "real" else 10_000
    wanted = sorted(random_.sample(range(size * dim), count))
    position = first = 0
    for lines in pieces(real.source):
        while position < count and wanted[position] < (first + len(lines)) * dim:
            row, column = divmod(wanted[position], dim)
            number = lines[row - first].rstrip(b"\n").split(b" ")[1 + column]
            assert real.store.vectors[row, column].view(np.uint32) == round_to_float32(number).view(np.uint32), number
            position += 1
        first += len(lines)
    assert position == count


def test_words_that_other_readers_lose(real: Real):
    words = {"real": ["nan", "null", "na"], "sample": ["na"], "odd": ["nan", "null", "na", "NA", "inf", "None", ""]}
    for word in words[real.name]:
        assert word in real.store
        row = int(real.store.rows([word])[0])
        assert real.tokens[row] == word.encode()
        assert np.array_equal(real.store[word], real.store.vectors[row])


def absent_tokens(tokens: list[bytes], count: int) -> list[bytes]:
    """Return tokens that are not among the given ones but look like them: longer, shorter, or with a byte changed."""
    random_, known, absent = random.Random(5), set(tokens), set()
    while len(absent) < count:
        token = random_.choice(tokens)
        kind, at = random_.randrange(4), random_.randrange(len(token) + 1)
        byte = bytes([random_.randrange(256)])
        token = [token + byte, token[:at], token[:at] + byte + token[at + 1 :], byte + token][kind]
        if token not in known:
            absent.add(token)
    return sorted(absent)


def test_rows_agree_with_a_dict(real: Real):
    rows = {token: row for row, token in enumerate(real.tokens)}
    absent = absent_tokens(real.tokens, 100_000 if len(real.tokens) > 10_000 else 10_000)
    asked = real.tokens + absent
    random.Random(4).shuffle(asked)
    expected = [rows.get(token, -1) for token in asked]
    as_text = [token.decode("utf-8", "surrogateescape") for token in asked]
    assert real.store.rows(asked).tolist() == expected
    assert real.store.rows(as_text).tolist() == expected
    assert real.store.rows(tuple(as_text)).tolist() == expected
    assert real.store.rows(iter(as_text)).tolist() == expected
    for token, row in list(zip(as_text, expected, strict=True))[:2000]:
        assert (token in real.store) == (row >= 0)
        vector = real.store.get(token)
        assert (vector is None) if row < 0 else np.array_equal(vector, real.store.vectors[row])


def test_rows_of_strange_tokens(real: Real):
    rows = {token: row for row, token in enumerate(real.tokens)}
    store = real.store
    lone = ["\ud800", "the\ud800", "\udfff", "\ud83d\ude00", "a" * 10_000 + "\ud900"]  # in no file: not from bytes
    assert store.rows(lone).tolist() == [-1] * len(lone)
    escaped = [b"\x80", b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"cut\xe2\x82"]
    expected = [rows.get(token, -1) for token in escaped]
    assert store.rows([token.decode("utf-8", "surrogateescape") for token in escaped]).tolist() == expected
    assert store.rows(escaped).tolist() == expected
    assert store.rows(["", b""]).tolist() == [rows.get(b"", -1)] * 2
    assert store.rows([]).tolist() == []
    words = ["the", "zzzzzzzzz", "", "The"]
    expected = [rows.get(word.encode(), -1) for word in words]
    for array in (np.array(words), np.array(words, object), np.array([word.encode() for word in words])):
        assert store.rows(array).tolist() == expected
        assert store.rows(list(array)).tolist() == expected  # np.str_, str, np.bytes_
    result = store.rows(words)
    assert (result.dtype, result.shape) == (np.int64, (4,))
    for wrong in ("the", b"the", 7, None):
        with pytest.raises(TypeError):
            store.rows(wrong)
    for wrong in ([7], ["the", None], ["the", ["of"]], [bytearray(b"the")]):
        with pytest.raises(TypeError, match="position"):
            store.rows(wrong)


# A child that starts from the imports: the most memory it ever had, less what it had before, is the build's.
MEMORY = """
import json, sys, resource
import glovestore, h5py
def kilobytes(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key))
before = kilobytes("VmHWM")
report = glovestore.build(sys.argv[1], sys.argv[2], durable=False)
print(json.dumps([before, kilobytes("VmHWM"), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, report.rows]))
"""


def test_glove_text_comes_out_as_it_went_in(real: Real, tmp_path: Path):
    exported = tmp_path / "exported.txt"
    glovestore.export(real.store, exported)
    if real.name == "odd":  # whose digits are not the shortest, so that it is the store that stays the same
        glovestore.build(exported, tmp_path / "again.h5", durable=False)
        with glovestore.open(tmp_path / "again.h5") as again:
            assert list(again.tokens) == list(real.store.tokens)
            assert np.array_equal(again.vectors.view(np.uint32), real.store.vectors.view(np.uint32))
    else:
        assert filecmp.cmp(exported, real.source, shallow=False)
    exported.unlink()


def test_memory_of_a_build(real: Real, tmp_path: Path):
    command = [sys.executable, "-P", "-c", MEMORY, str(real.source), str(tmp_path / "store.h5")]
    before, after, most, rows = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert most >= after  # both in KiB
    assert (after - before) * 1024 <= 200_000_000 + 64 * rows
    (tmp_path / "store.h5").unlink()
