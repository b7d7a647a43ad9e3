"""The native core beside its oracles: XXH64, the token index, gather; and the guards of every buffer it is given."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from itertools import count, pairwise
from typing import Any

import numpy as np
import pytest
import store_reader
from hypothesis import given, settings
from hypothesis import strategies as st
from index_reference import home_of, index_by_the_book
from numpy.typing import NDArray
from row_writers import index_of, row_writer, written_rows
from shared import Built
from xxhash import xxh64_intdigest

import glovestore
from glovestore import _core
from glovestore.format import writer

BYTES = random.Random(64).randbytes(3 << 20)

# ----- XXH64


@pytest.mark.parametrize("seed", [0, 1, 3, 2**32, 2**64 - 1])
def test_xxh64_of_every_length(seed: int):
    for length in [*range(200), 1023, 1024, 1025, 65_536]:
        for start in (0, 1, 7):
            data = BYTES[start : start + length]
            assert _core.xxh64(data, seed) == xxh64_intdigest(data, seed)


SIZES = [(1 << 20, 0), (64, 0), (64, 63), (1000, 1), (65_536, 12_288)]


@pytest.mark.parametrize(("size", "position"), SIZES)
def test_piece_hashes_do_not_depend_on_how_the_bytes_come(size: int, position: int):
    data = BYTES if size == 1 << 20 else BYTES[:300_000]
    borders = [0, *range(size - position, len(data) + 1, size)]
    expected = [xxh64_intdigest(data[low:high]) for low, high in pairwise(borders)]
    unfinished = [xxh64_intdigest(data[borders[-1] :])] if borders[-1] < len(data) else []
    for steps in ([size], [1, size - 1, size, size + 1], [0, 31, 5 * size + 7, 3]):
        hashes, start, random_ = _core.PieceHashes(size, position), 0, random.Random(size)
        while start < len(data):
            part = data[start : start + random_.choice(steps)]
            hashes.add(part)
            start += len(part)
        assert hashes.finished == expected
        every = expected + unfinished
        assert hashes.digest == xxh64_intdigest(struct.pack(f"<{len(every)}Q", *every))


# ----- the token index


TOKENS = st.binary(max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(TOKENS, max_size=60), max_size=5), st.lists(TOKENS, max_size=20), st.integers(0, 200))
def test_index_against_a_dict(batches: list[list[bytes]], others: list[bytes], expected_rows: int):
    """Many tokens more than once: the first row is the one in the index, whatever the batches and the guess."""
    tokens = [token for batch in batches for token in batch]
    rows: dict[bytes, int] = {}
    for token in tokens:
        rows.setdefault(token, len(rows))
    written = written_rows(batches, expected_rows)
    assert (written.rows, written.duplicates) == (len(rows), len(tokens) - len(rows))
    if not rows:
        return
    index = index_of(written)
    asked = tokens + others
    found = np.empty(len(asked), np.int64)
    index.find(asked, found)
    assert found.tolist() == [rows.get(token, -1) for token in asked] == list(map(index.row, asked))
    assert index.first_lost_row() is None
    slots = np.frombuffer(written.arrays()["index_slots"], np.uint64)
    assert slots.tolist() == index_by_the_book(list(rows), _core.buckets_for(len(rows)))[0]


def tokens_at_home(home: int, buckets: int, wanted: int) -> list[bytes]:
    """Return tokens that all have the same home bucket under seed 0."""
    tokens = (b"%d" % number for number in count())
    return [next(token for token in tokens if home_of(token, buckets) == home) for _ in range(wanted)]


def test_a_full_last_bucket_runs_over_to_the_first(build_bytes: Callable[..., Built]):
    tokens = tokens_at_home(3, 4, 22)
    path = build_bytes(b"".join(token + b" 1 2\n" for token in tokens)).path
    metadata, arrays = store_reader.read(path)
    slots, longest = index_by_the_book(tokens, 4)
    assert arrays["index_slots"].tolist() == slots
    assert (metadata["index_longest_probe"], longest) == ("2", 2)
    assert slots[8:16] == arrays["index_slots"][8:16].tolist() != [0] * 8  # bucket 1, behind 3 and 0
    with glovestore.open(path) as store:
        assert store.rows([*tokens, "absent"]).tolist() == [*range(22), -1]


COLLIDING = 8 * 129 + 1  # one more than fit into home and 128 buckets beyond


@pytest.fixture(scope="module")
def colliding() -> list[bytes]:
    buckets = _core.buckets_for(COLLIDING)
    return tokens_at_home(5, buckets, COLLIDING)


def text_of(tokens: list[bytes]) -> bytes:
    return b"".join(token + b" 1 2\n" for token in tokens)


def test_as_many_collisions_as_are_allowed(build_bytes: Callable[..., Built], colliding: list[bytes]):
    path = build_bytes(text_of(colliding[:-1])).path
    metadata, _ = store_reader.read(path)
    assert (metadata["index_seed"], metadata["index_longest_probe"]) == ("0", "128")
    with glovestore.open(path) as store:
        store.verify()
        assert store.rows(colliding).tolist() == [*range(COLLIDING - 1), -1]


def test_one_collision_more_takes_another_seed(build_bytes: Callable[..., Built], colliding: list[bytes]):
    path = build_bytes(text_of(colliding)).path
    metadata, arrays = store_reader.read(path)
    assert metadata["index_seed"] == "1"
    assert arrays["index_slots"].tolist() == index_by_the_book(colliding, len(arrays["index_slots"]) // 8, 1)[0]
    with glovestore.open(path) as store:
        store.verify()
        assert store.rows(colliding).tolist() == list(range(COLLIDING))


def test_collisions_under_every_seed_are_refused(
    build_bytes: Callable[..., Built], colliding: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writer, "INDEX_SEEDS", 1)  # tokens that collide under four seeds take days to find
    with pytest.raises(glovestore.GlovestoreError, match="collide"):
        build_bytes(text_of(colliding))


def test_tokens_of_other_types():
    index = index_of(written_rows([[b"a", b"b"]]))
    out = np.empty(2, np.int64)
    for wrong in (["a", 1], ["a", None], ("a", ["b"]), ["a", bytearray(b"b")]):
        with pytest.raises(TypeError, match="at position 1"):
            index.find(wrong, out)
    with pytest.raises(TypeError, match="str or bytes"):
        index.row(3)


# ----- guards: a wrong buffer is an error, never a stray write


F4, U1, U2, U8, I8, F8 = np.float32, np.uint8, np.uint16, np.uint64, np.int64, np.float64
TEXT = np.frombuffer(b"a 1 2\n" + bytes(16), np.uint8)


def parse(begin: int, end: int, *memory: NDArray[Any], text: NDArray[Any] = TEXT) -> Any:
    return _core.parse_rows(text, begin, end, *memory)


NO_ROWS = np.zeros(0, I8)
ONE = _core.Strings.of_objects(["a"])


def zeros(shape: Any, dtype: Any) -> NDArray[Any]:
    return np.zeros(shape, dtype)


def find_nearest(**wrong: Any) -> None:
    right = {
        "vectors": zeros((3, 2), F4),
        "norms": zeros(3, F4),
        "queries": zeros((1, 2), F4),
        "left_out": zeros(1, I8),
    }
    right |= {"rows": None, "out": zeros((1, 2), I8), "cosines": zeros((1, 2), F4), "counts": zeros(1, I8)}
    _core.find_nearest(**(right | wrong))


GUARDS: dict[str, Callable[[], Any]] = {
    "text without padding": lambda: parse(0, 6, zeros((1, 2), F4), zeros(9, U1), zeros(1, U2), text=TEXT[:-1]),
    "text without newline": lambda: parse(0, 5, zeros((1, 2), F4), zeros(9, U1), zeros(1, U2)),
    "no text": lambda: parse(6, 6, zeros((1, 2), F4), zeros(9, U1), zeros(1, U2)),
    "text that ends before it begins": lambda: parse(6, 2, zeros((1, 2), F4), zeros(9, U1), zeros(1, U2)),
    "no dim": lambda: parse(0, 6, zeros((1, 0), F4), zeros(9, U1), zeros(1, U2)),
    "no rows": lambda: parse(0, 6, zeros((0, 2), F4), zeros(9, U1), zeros(0, U2)),
    "few token bytes": lambda: parse(0, 6, zeros((1, 2), F4), zeros(5, U1), zeros(1, U2)),
    "few lengths": lambda: parse(0, 6, zeros((2, 2), F4), zeros(9, U1), zeros(1, U2)),
    "three buckets": lambda: _core.TokenIndex(zeros(24, U8), zeros(2, U8), zeros(1, U1), 0, 0),
    "one bucket": lambda: _core.TokenIndex(zeros(8, U8), zeros(2, U8), zeros(1, U1), 0, 0),
    "half a bucket": lambda: _core.TokenIndex(zeros(20, U8), zeros(2, U8), zeros(1, U1), 0, 0),
    "no offsets": lambda: _core.TokenIndex(zeros(16, U8), zeros(0, U8), zeros(1, U1), 0, 0),
    "no tokens": lambda: _core.TokenIndex(zeros(16, U8), zeros(1, U8), zeros(1, U1), 0, 0),
    "a probe too long": lambda: _core.TokenIndex(zeros(16, U8), zeros(2, U8), zeros(1, U1), 0, 129),
    "few rows found": lambda: _core.TokenIndex(zeros(16, U8), zeros(2, U8), zeros(1, U1), 0, 0).find(["a"], NO_ROWS),
    "norms too short": lambda: _core.row_norms(zeros((3, 2), F4), zeros(2, F4)),
    "a tier that no machine has": lambda: _core.row_norms(zeros((3, 2), F4), zeros(3, F4), "mmx"),
    "gather to another dim": lambda: _core.gather(zeros((3, 2), F4), zeros(1, I8), zeros((1, 3), F4)),
    "gather to few positions": lambda: _core.gather(zeros((3, 2), F4), zeros(2, I8), zeros((2, 2), F4), zeros(1, I8)),
    "nearest with few norms": lambda: find_nearest(norms=zeros(2, F4)),
    "nearest to queries of another dim": lambda: find_nearest(queries=zeros((1, 3), F4)),
    "nearest with few rows left out": lambda: find_nearest(left_out=NO_ROWS),
    "nearest with few counts": lambda: find_nearest(counts=NO_ROWS),
    "nearest of fewer queries": lambda: find_nearest(out=zeros((0, 2), I8)),
    "nearest with fewer cosines": lambda: find_nearest(cosines=zeros((1, 1), F4)),
    "nearest without threads": lambda: find_nearest(threads=0),
    "a position outside its piece": lambda: _core.PieceHashes(4, 4),
    "rows of another dim": lambda: row_writer(2).append(zeros((1, 3), F4), zeros(1, U1), zeros(1, U2)),
    "rows without tokens": lambda: row_writer(2).append(zeros((1, 2), F4), zeros(0, U1), zeros(0, U2)),
    "token bytes without a length": lambda: row_writer(2).append(zeros((1, 2), F4), zeros(1, U1), zeros(1, U2)),
    "rows after the end": lambda: written_rows([[b"a"]]).append(zeros((1, 1), F4), zeros(0, U1), zeros(1, U2)),
    "arrays before the end": lambda: row_writer(2).arrays(),
    "vectors far from the first block": lambda: _core.RowWriter(-1, 1 << 20, 0, 65_536, 2),
    "a head shorter than its prefix": lambda: _core.Ingest(row_writer(2), -1, b"12", 3, False),
    "no block": lambda: _core.Ingest(row_writer(2), -1, b"", 0, False, block_size=0),
    "a block beyond a line": lambda: _core.Ingest(row_writer(2), -1, b"", 0, False, block_size=(1 << 24) + 1),
    "tokens to keep without lengths": lambda: _core.KeptTokens(zeros(3, U1), zeros(1, U2)),
    "statistics without memory": lambda: _core.Statistics(zeros((4, 2), F8)),
    "statistics of another dim": lambda: _core.Statistics(zeros((5, 2), F8)).update(zeros((1, 3), F4)),
    "a mean of another dim": lambda: _core.Statistics(zeros((5, 2), F8)).finish(zeros(3, F8), zeros(2, F8)),
    "noise of another dim": lambda: _core.normal_vectors(ONE, zeros(2, F8), zeros(3, F8), zeros((1, 2), F4)),
}  # fmt: skip


@pytest.mark.parametrize("call", GUARDS.values(), ids=list(GUARDS))
def test_buffers_that_do_not_fit(call: Callable[[], Any]):
    with pytest.raises(ValueError, match=r"\w"):
        call()


OUTSIDE = [([0, 3], None), ([0, 2**62], None), ([0, 1, 2], None), ([0], [2]), ([0], [-1]), ([0], [2**62])]


@pytest.mark.parametrize(("rows", "positions"), OUTSIDE)
def test_gather_outside_writes_nothing(rows: list[int], positions: list[int] | None):
    vectors, out = np.ones((3, 2), F4), np.zeros((2, 2), F4)
    with pytest.raises(IndexError):
        _core.gather(vectors, np.array(rows, I8), out, None if positions is None else np.array(positions, I8))
    assert not out.any()


@pytest.mark.parametrize("row", [3, -1, 2**62])
def test_nearest_of_rows_outside(row: int):
    find_nearest(rows=np.array([0, 2], I8))
    with pytest.raises(IndexError, match=f"rows from 0 to 2, got {row} at position 1"):
        find_nearest(rows=np.array([0, row], I8))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.lists(st.integers(-3, 9), max_size=30), st.randoms(use_true_random=False))
def test_gather_against_a_loop(dim: int, rows: list[int], random_: random.Random):
    vectors = np.arange(10 * dim, dtype=F4).reshape(10, dim)
    positions = random_.sample(range(40), len(rows))
    out, expected = np.full((40, dim), -1, F4), np.full((40, dim), -1, F4)
    for row, position in zip(rows, positions, strict=True):
        expected[position] = vectors[row] if row >= 0 else 0
    _core.gather(vectors, np.array(rows, I8), out, np.array(positions, I8))
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_gather_to_positions_on_any_number_of_threads(threads: int):
    random_ = np.random.default_rng(5)
    vectors = random_.normal(size=(500, 100)).astype(F4)
    rows, positions = random_.integers(-1, 500, 20_000), random_.permutation(30_000)[:20_000]
    out, expected = np.full((30_000, 100), 7, F4), np.full((30_000, 100), 7, F4)
    expected[positions] = np.where(rows[:, None] < 0, 0, vectors[rows])
    _core.gather(vectors, rows, out, positions, threads)
    assert np.array_equal(out, expected)
