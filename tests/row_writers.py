"""Rows in the form that the core takes them, written to nowhere."""

from __future__ import annotations

import os

import numpy as np

from glovestore import _core
from glovestore.format.layout import CHECKSUM_BLOCK, HEADER_SIZE
from glovestore.format.writer import VECTORS_OFFSET


def row_writer(dim: int, expected_rows: int = 0) -> _core.RowWriter:
    """Return a writer whose vectors are dropped."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    return _core.RowWriter(nowhere, VECTORS_OFFSET, HEADER_SIZE, CHECKSUM_BLOCK, dim, expected_rows)


def written_rows(batches: list[list[bytes]], expected_rows: int = 0) -> _core.RowWriter:
    """Return a finished writer of these tokens, each with a vector of one number."""
    rows = row_writer(1, expected_rows)
    for tokens in batches:
        lengths = np.array([len(token) for token in tokens], np.uint16)
        token_bytes = np.frombuffer(b"".join(tokens), np.uint8)
        assert rows.append(np.ones((len(tokens), 1), np.float32), token_bytes, lengths) == ("ok", 0)
    assert rows.finish()
    return rows


def index_of(rows: _core.RowWriter) -> _core.TokenIndex:
    """Return the token index of finished rows."""
    arrays = rows.arrays()
    slots, offsets = (np.frombuffer(arrays[name], np.uint64) for name in ("index_slots", "token_offsets"))
    token_bytes = np.frombuffer(arrays["token_bytes"], np.uint8)
    return _core.TokenIndex(slots, offsets, token_bytes, rows.index_seed, rows.longest_probe)
