"""convert, slice and merge that fail or are interrupted at any step, and targets that are not theirs to replace."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damage import spans
from scene import at_step, interrupt, no_space

import glovestore

STEPS = ("open", "pwrite", "preadv", "ftruncate", "fchmod", "fsync", "replace")


def convert(source: Path, target: Path, **options: Any) -> Any:
    return glovestore.convert(source, target, dtype="int8", **options)


def slice_(source: Path, target: Path, **options: Any) -> Any:
    return glovestore.slice(source, target, ["token3", "absent"], missing="mean", **options)


def merge(source: Path, target: Path, **options: Any) -> Any:
    return glovestore.merge([source, source], target, how="concat", **options)


every_verb = pytest.mark.parametrize("verb", [convert, slice_, merge])


@every_verb
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a file object may be closed by its last reference
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("act", "expected"), [(interrupt, KeyboardInterrupt), (no_space, OSError)])
@pytest.mark.parametrize("with_old", [False, True], ids=["new", "over an old store"])
def test_failing_at_each_step(
    tmp_path: Path, copy: Path, verb: Callable[..., Any], act: Any, expected: Any, with_old: bool
):
    target = tmp_path / "stores" / "store.h5"
    target.parent.mkdir()
    verb(copy, target)
    new, number = target.read_bytes(), 0
    while True:
        number += 1
        target.write_bytes(copy.read_bytes())
        if not with_old:
            target.unlink()
        failed = False
        with at_step(number, STEPS, act) as calls:
            try:
                verb(copy, target, overwrite=True)
            except expected:
                failed = True
        if len(calls) < number:
            break
        renamed = "replace" in (calls[: number - 1] if failed else calls)
        left = [target.name] if renamed or with_old else []
        assert sorted(os.listdir(target.parent)) == left, calls
        if left:
            assert target.read_bytes() == (new if renamed else copy.read_bytes())
    assert number > 5
    assert target.read_bytes() == new


@every_verb
def test_targets_that_stay(tmp_path: Path, copy: Path, verb: Callable[..., Any]):
    before = copy.read_bytes()
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="expected a new file for the store, got the source itself"):
            verb(copy, copy, overwrite=overwrite)
        link = tmp_path / f"link{overwrite}.h5"
        link.symlink_to(copy)
        with pytest.raises(FileExistsError, match="got the source itself"):
            verb(copy, link, overwrite=overwrite)
        hard = tmp_path / f"hard{overwrite}.h5"
        hard.hardlink_to(copy)
        with pytest.raises(FileExistsError, match="got the source itself"):
            verb(copy, hard, overwrite=overwrite)
        (tmp_path / "text.h5").write_bytes(b"the 1 2\n")
        with pytest.raises(FileExistsError, match="got a file that is not a store: it stays"):
            verb(copy, tmp_path / "text.h5", overwrite=overwrite)
    (tmp_path / "old.h5").write_bytes(before)
    with pytest.raises(FileExistsError, match="exists already: open it, or write with overwrite=True"):
        verb(copy, tmp_path / "old.h5")
    verb(copy, tmp_path / "old.h5", overwrite=True)
    assert copy.read_bytes() == before
    assert (tmp_path / "text.h5").read_bytes() == b"the 1 2\n"


@every_verb
def test_the_second_of_two_sources_is_one_too(tmp_path: Path, copy: Path, verb: Callable[..., Any]):
    verb(copy, tmp_path / "other.h5")
    with pytest.raises(FileExistsError, match="got the source itself"):
        glovestore.merge([copy, tmp_path / "other.h5"], tmp_path / "other.h5", how="concat", overwrite=True)


@every_verb
def test_progress(tmp_path: Path, copy: Path, verb: Callable[..., Any], capsys: pytest.CaptureFixture[str]):
    verb(copy, tmp_path / "new.h5", progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "new.h5: 100%" in said.err
    verb(copy, tmp_path / "newer.h5")
    assert capsys.readouterr().err == ""


def test_tokens_of_a_damaged_store(tmp_path: Path, small_store: bytes):
    ((begin, _),) = spans(small_store, "token_offsets")
    for row, offset in ((5, 2**40), (5, 2**63 + 1), (5, 0), (63, 10), (0, 2**62)):
        data = bytearray(small_store)
        data[begin + 8 * row : begin + 8 * row + 8] = offset.to_bytes(8, "little")
        (tmp_path / "copy.h5").write_bytes(data)
        for verb in (convert, merge):
            with pytest.raises(
                glovestore.StoreFormatError, match="token_offsets: rows 0 to 62: expected offsets that rise"
            ):
                verb(tmp_path / "copy.h5", tmp_path / "new.h5")
        assert os.listdir(tmp_path) == ["copy.h5"]
