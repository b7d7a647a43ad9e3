"""keep=, order= and limit=: what they take. That they do what they say is in test_text.py, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glovestore
from glovestore import keeping


def test_arguments_that_are_no_numbers_and_no_lists(tmp_path: Path):
    (tmp_path / "source.txt").write_bytes(b"a 1 2\n")
    wrong: dict[str, Callable[[], Any]] = {
        "threads": lambda: glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", threads=0),
        "limit": lambda: glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", limit=0),
        "order": lambda: glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", order="given"),
        "'source' or 'given'": lambda: glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", order="best"),  # type: ignore[arg-type]
    }
    for name, call in wrong.items():
        with pytest.raises(ValueError, match=name):
            call()
    for keep in ("the", b"the", [7], ["the", None]):
        with pytest.raises(TypeError, match=r"keep: expected a"):
            glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", keep=keep)  # type: ignore[arg-type]
    assert not (tmp_path / "s.h5").exists()


def test_every_kind_of_list_of_tokens_to_keep(tmp_path: Path):
    (tmp_path / "source.txt").write_bytes(b"a 1\nb c 2\n\xff 3\nd 4\n")
    lists: list[Any] = [["\udcff", "b c", "d", "absent", "d"], [b"\xff", b"b c", b"d"], {"d": 0, "b c": 1, "\udcff": 2}]
    for number, keep in enumerate([*lists, (token for token in lists[0])]):
        report = glovestore.build(tmp_path / "source.txt", tmp_path / f"{number}.h5", keep=keep)
        with glovestore.open(report.path) as store:
            assert store.tokens[:] == ["b c", "\udcff", "d"]
            assert np.array_equal(store.vectors, [[2], [3], [4]])
        assert (report.not_kept, report.missing) == (1, "absent" in keep if number < 3 else 1)


def test_more_tokens_than_are_moved_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(keeping, "BATCH", 7)
    (tmp_path / "source.txt").write_bytes(b"".join(b"t%d %d\n" % (row, row) for row in range(100)))
    wanted = [f"t{row}" for row in range(120, -1, -3)]
    report = glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", keep=wanted, order="given")
    with glovestore.open(report.path) as store:
        assert store.tokens[:] == [token for token in wanted if int(token[1:]) < 100]
        assert store.vectors[:, 0].tolist() == [int(token[1:]) for token in store.tokens]
        store.verify()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.h5", "source.txt"]


def test_a_scratch_file_goes_when_the_build_fails(tmp_path: Path):
    (tmp_path / "source.txt").write_bytes(b"a 1\nb x\n")
    with pytest.raises(glovestore.TextFormatError):
        glovestore.build(tmp_path / "source.txt", tmp_path / "s.h5", keep=["b", "a"], order="given")
    assert [path.name for path in tmp_path.iterdir()] == ["source.txt"]
