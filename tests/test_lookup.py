"""Look-ups in batches: what one look-up after the other gives, whatever the batch, the threads and the damage."""

from __future__ import annotations

import ctypes
import mmap
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from row_writers import index_of, written_rows
from xxhash import xxh64_intdigest

from glovestore import _core

MANY = [b"%x" % (number * 7919) for number in range(40_000)]


@pytest.fixture(scope="module")
def index() -> _core.TokenIndex:
    return index_of(written_rows([MANY]))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 10, 20, 31, 32, 33, 63, 64, 65, 100, 1000, 40_000])
@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_any_number_of_tokens_on_any_number_of_threads(index: _core.TokenIndex, count: int, threads: int):
    asked = [token if i % 3 else token + b"?" for i, token in enumerate(MANY[:count])]
    expected = [row if row % 3 else -1 for row in range(count)]
    for tokens in (asked, _core.Strings.of_objects(asked)):
        out = np.full(count, -7, np.int64)
        index.find(tokens, out, threads)
        assert out.tolist() == expected


def test_no_tokens(index: _core.TokenIndex):
    index.find([], np.empty(0, np.int64))
    index.find(_core.Strings.of_objects([]), np.empty(0, np.int64), 3)


# A damaged index has anything in its slots, a damaged table anything in its offsets.
words = st.one_of(st.integers(0, 40), st.integers(0, 2**64 - 1))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), words), min_size=16, max_size=16),
    st.lists(words, min_size=2, max_size=9),
    st.integers(0, 128),
    st.lists(st.binary(max_size=3), max_size=6),
)
@example([(True, 2**64 - 1)] * 16, [0, 1], 128, [b"a"])
@example([(False, 0)] * 16, [0, 1], 128, [b"a", b"", b"b"])
def test_damage_is_a_miss_in_batches_as_one_by_one(
    slots: list[tuple[bool, int]], offsets: list[int], longest_probe: int, tokens: list[bytes]
):
    """Slots that name a token of the table by its hash are among them, whatever its row says."""
    data = b"".join(tokens)
    asked = [*tokens, b"", data, data[:1], b"absent" * 9]
    hashes = [xxh64_intdigest(token) & 0xFFFFFFFF for token in asked]
    words = [
        hashes[i % len(hashes)] << 32 | word & 0xFFFFFFFF if by_hash else word
        for i, (by_hash, word) in enumerate(slots)
    ]
    table = np.array(offsets, np.uint64)
    index = _core.TokenIndex(np.array(words, np.uint64), table, np.frombuffer(data, np.uint8), 0, longest_probe)
    out = np.empty(len(asked), np.int64)
    index.find(asked, out)
    assert out.tolist() == [index.row(token) for token in asked]
    for token, row in zip(asked, out.tolist(), strict=True):
        assert row == -1 or data[offsets[row] : offsets[row + 1]] == token


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages as Linux does")
def test_strings_at_the_end_of_memory():
    """Short strings are read in words, but never from the next page: here there is none."""
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * page)
    libc = ctypes.CDLL(None, use_errno=True)
    anchor = ctypes.c_char.from_buffer(memory)
    protect = libc.mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    assert protect(ctypes.addressof(anchor) + page, page, 0) == 0
    try:
        view = np.frombuffer(memory, np.uint8)
        content = np.random.default_rng(3).integers(97, 123, 64).astype(np.uint8)
        view[page - 64 : page] = content
        tokens = [content[64 - size :].tobytes() for size in range(1, 65)]
        index = index_of(written_rows([tokens]))
        for size in range(1, 65):
            last = view[page - size : page]
            assert _core.xxh64(last) == xxh64_intdigest(tokens[size - 1])
            out = np.empty(1, np.int64)
            index.find(_core.Strings.of_fixed_bytes(last, size), out)
            assert out.tolist() == [size - 1]
            own = _core.TokenIndex(
                *one_slot(tokens[size - 1], page - size), np.frombuffer(memory, np.uint8, page), 0, 0
            )
            assert own.row(tokens[size - 1]) == 0
    finally:
        protect(ctypes.addressof(anchor) + page, page, mmap.PROT_READ | mmap.PROT_WRITE)


def one_slot(token: bytes, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the slots and the offsets of an index of one token, which stands at `offset`."""
    slots = np.zeros(16, np.uint64)
    hashed = xxh64_intdigest(token)
    slots[8 * (hashed >> 63)] = (hashed & 0xFFFFFFFF) << 32 | 1
    return slots, np.array([offset, offset + len(token)], np.uint64)
