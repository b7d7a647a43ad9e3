"""Rows that come in batches: which are kept, which are bad, where the limit is; against the obvious way."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glovestore
from glovestore import _core
from glovestore.building import build_store
from glovestore.format.writer import StoreWriter
from glovestore.keeping import packed_tokens
from glovestore.sources import detecting
from glovestore.sources.reader import Batches, Reader, ReadOptions, SourceRead

Rows = list[tuple[bytes, list[float]]]
NUMBERS = st.one_of(st.floats(width=32), st.sampled_from([math.inf, -math.inf, math.nan, 0.0, 1.0]))
ROWS = st.lists(st.tuples(st.binary(max_size=3), st.lists(NUMBERS, min_size=2, max_size=2)), max_size=12)


class ListReader(Reader):
    """Hands over batches of rows."""

    format = "list"
    dim = 2

    def __init__(self, batches: list[Rows], options: ReadOptions) -> None:
        super().__init__(options)
        self.path = self.name = "rows.list"
        self.batches = batches

    def read_into(self, writer: StoreWriter, advance_to: Callable[[int], object]) -> SourceRead:
        taken = Batches(self, writer)
        for rows in self.batches:
            if taken.is_full:
                break
            vectors = np.array([numbers for _, numbers in rows], np.float32).reshape(-1, 2)
            taken.append(vectors, *packed_tokens([token for token, _ in rows]))
        return taken.finish()


def expected(rows: Rows, options: ReadOptions) -> tuple[dict[bytes, list[float]], int, int, int]:
    """Return what a dict makes of the rows, and how many were not kept, bad, and duplicates."""
    found: dict[bytes, list[float]] = {}
    not_kept = bad = duplicates = 0
    for token, numbers in rows[: options.limit]:
        if options.keep is not None and token not in options.keep:
            not_kept += 1
        elif not all(map(math.isfinite, numbers)):
            bad += 1
        elif token in found:
            duplicates += 1
        else:
            found[token] = numbers
    return found, not_kept, bad, duplicates


def build_from(
    batches: list[Rows], options: ReadOptions, path: Path, monkeypatch: pytest.MonkeyPatch
) -> glovestore.BuildReport:
    monkeypatch.setattr("glovestore.building.open_reader", lambda *_: ListReader(batches, options))
    return build_store(Path("rows.list"), path, options, overwrite=True, durable=False)


@given(
    st.lists(ROWS, max_size=4),
    st.none() | st.lists(st.binary(max_size=3), max_size=5, unique=True),
    st.none() | st.integers(1, 20),
)
def test_batches_are_what_a_dict_makes_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Rows], keep: list[bytes] | None, limit: int | None
) -> None:
    options = ReadOptions(keep=keep, limit=limit, on_bad_line="skip")
    rows = [row for batch in batches for row in batch]
    found, not_kept, bad, duplicates = expected(rows, options)
    path = tmp_path_factory.mktemp("batches") / "store.h5"
    with pytest.MonkeyPatch.context() as patch:
        if not found:
            with pytest.raises(glovestore.SourceFormatError, match="expected rows of 2 numbers, got none"):
                build_from(batches, options, path, patch)
            return
        report = build_from(batches, options, path, patch)
    assert (report.rows, report.not_kept, report.skipped, report.duplicates) == (len(found), not_kept, bad, duplicates)
    assert report.lines == report.rows + report.duplicates + report.skipped + report.not_kept
    assert len(report.first_skipped) == min(10, bad)
    with glovestore.open(path) as store:
        assert [store.tokens.raw(row) for row in range(len(store))] == list(found)
        np.testing.assert_array_equal(store.vectors, np.array(list(found.values()), np.float32))
        store.verify()
        assert store.metadata["source_format"] == "list"
        assert "source_digest" not in store.metadata


def test_a_bad_row_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[Rows] = [[(b"the", [1, 2])], [(b"of", [3, 4]), (b"and", [5, math.nan])]]
    wanted = r"^rows\.list: row 2, token b'and': expected finite numbers, got nan in column 1$"
    with pytest.raises(glovestore.SourceFormatError, match=wanted):
        build_from(batches, ReadOptions(), tmp_path / "store.h5", monkeypatch)
    assert not list(tmp_path.iterdir())


def test_another_dim_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(glovestore.SourceFormatError, match=r"^rows\.list: expected dim 3, got 2$"):
        build_from([[(b"the", [1, 2])]], ReadOptions(dim=3), tmp_path / "store.h5", monkeypatch)


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), max_size=8), st.integers(0, 9))
def test_the_first_row_that_is_not_finite(rows: list[list[float]], first: int) -> None:
    vectors = np.array(rows, np.float32).reshape(-1, 3)
    wanted = next((i for i in range(first, len(rows)) if not np.isfinite(vectors[i]).all()), None)
    assert _core.first_not_finite(vectors, first) == wanted


def test_every_bit_pattern_of_an_exponent() -> None:
    bits = np.arange(0, 2**32, 2**20 - 1, dtype=np.uint64).astype(np.uint32)
    values = bits.view(np.float32)[:, None]
    for row, value in enumerate(values):
        assert (_core.first_not_finite(values[row : row + 1]) is None) == bool(np.isfinite(value[0]))


@given(st.lists(st.binary(max_size=2), max_size=8), st.lists(st.binary(max_size=2), max_size=8, unique=True))
def test_kept_tokens_are_found(tokens: list[bytes], keep: list[bytes]) -> None:
    found = np.zeros(len(tokens), np.uint8)
    _core.KeptTokens(*packed_tokens(keep)).find(*packed_tokens(tokens), found)
    assert found.tolist() == [token in keep for token in tokens]


def test_the_reader_is_chosen_by_content(tmp_path: Path) -> None:
    path = tmp_path / "vectors.bin"
    path.write_bytes(b"the 1 2\nof 3 4\n")
    with detecting.open_reader(path, ReadOptions()) as reader:
        assert (reader.format, reader.dim, reader.name) == ("text", 2, "vectors.bin")
