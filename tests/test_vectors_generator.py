"""The generator shared with the benchmarks: benchmarks compare nothing if its bytes drift."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import vectors_generator
from vectors_generator import blocks, generate, tokens


def split(text: bytes) -> tuple[list[bytes], list[list[bytes]]]:
    """Return tokens and number fields, the obvious way."""
    lines = text.split(b"\n")
    assert lines.pop() == b""
    rows = [line.split(b" ") for line in lines]
    return [row[0] for row in rows], [row[1:] for row in rows]


def test_the_bytes_never_change(tmp_path: Path) -> None:
    path = generate(tmp_path / "vectors.txt", 3000, 50, seed=7)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == "3ca5f942dc711f84e5fee82a61844681dace90e9fd7f42bc7bcf34d66590d42e"


def test_numbers_are_written_as_percent_5g_without_exponents() -> None:
    _, rows = split(b"".join(blocks(3000, 50, seed=1)))
    assert {len(row) for row in rows} == {50}
    numbers = [field.decode() for row in rows for field in row]
    assert [format(Decimal(f"{float(text):.5g}"), "f") for text in numbers] == numbers
    values = np.array(numbers, np.float64)
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 0.41) < 0.01


def test_tokens_are_unique_and_as_long_as_real_ones() -> None:
    names = tokens(300_000, seed=3)
    assert len(set(names)) == 300_000
    lengths = np.bincount([len(name) for name in names], minlength=18)[1:]
    assert np.abs(lengths / 300_000 - np.array(vectors_generator.LENGTHS) / 341_479).max() < 0.01
    assert all(name.isalpha() and name.islower() for name in names)


@pytest.mark.parametrize("batch", [1, 50, 777, 1 << 18])
def test_short_files_begin_long_ones_whatever_the_batch(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    long = b"".join(blocks(400, 20, seed=5))
    monkeypatch.setattr(vectors_generator, "BATCH_NUMBERS", batch)
    short = b"".join(blocks(150, 20, seed=5))
    assert long.startswith(short)
    assert short.count(b"\n") == 150
    assert split(short)[0] == tokens(150, seed=5)


def test_seeds_differ_and_a_header_names_the_shape(tmp_path: Path) -> None:
    first, second = (b"".join(blocks(20, 3, seed)) for seed in (0, 1))
    assert first != second
    assert generate(tmp_path / "h.txt", 20, 3, header=True).read_bytes() == b"20 3\n" + first
