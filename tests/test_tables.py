"""What the shell shows, piece by piece."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import glovestore
from glovestore.shell import tables


def test_json_is_ascii_and_has_no_nan() -> None:
    values = {"f": [1.5, float("nan"), float("inf"), -float("inf")], "é": (b"\xff", "\ud83d"), b"k": None, "n": 3}
    text = tables.to_json(values)
    assert text.isascii()

    def refuse(constant: str) -> None:
        raise AssertionError(f"no JSON: {constant}")

    found = json.loads(text, parse_constant=refuse)
    assert found == {"f": [1.5, None, None, None], "é": ["\udcff", "\ud83d"], "k": None, "n": 3}


def test_the_digits_that_are_shown_give_the_same_float32() -> None:
    bits = np.random.default_rng(7).integers(0, 2**32, 20_000, np.uint32)
    numbers = bits.view(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    assert np.array_equal(np.array(tables.short_floats(numbers), np.float32), numbers)
    assert tables.short_floats(np.array([0.1], np.float32)) == [0.1]


def test_info_of_a_store_that_does_not_say_where_it_came_from(tmp_path: Path) -> None:
    """Another writer may leave out what no reader needs."""
    (tmp_path / "v.txt").write_text("a 1 2\nb 3 4\n")
    glovestore.build(tmp_path / "v.txt", tmp_path / "v.h5", durable=False)

    class Terse(glovestore.EmbeddingStore):
        @property
        def metadata(self) -> dict[str, str]:
            needed = ("format_version", "index_buckets", "index_longest_probe", "index_seed")
            return {name: text for name, text in super().metadata.items() if name in needed} | {"lines": "many"}

    info = tables.describe(Terse(tmp_path / "v.h5"))
    assert info["source"] == {"name": None, "bytes": None, "digest": None}
    unknown = {name: None for name in ("total", "header", "duplicates", "skipped")}
    assert info["lines"] == {**unknown, "rows": 2, "not_kept": 0, "filled": 0}
    assert info["final_newline"] is None
    table = tables.info_table(info)
    assert "source   unknown\n" in table
    assert "lines    ? = 2 rows + ? header + ? duplicates + ? skipped\n" in table
    assert "tokens   'a', 'b'\n" in table
