"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from glovestore.replacing_folder import replacing_folder


def allow(target: Path) -> None:
    pass


def fill(target: Path, text: str) -> None:
    with replacing_folder(target, allow) as folder:
        assert folder.parent == target.parent
        (folder / "deep").mkdir(mode=0o700)
        (folder / "deep" / "file").write_text(text)
        (folder / "deep" / "file").chmod(0o600)


def test_a_new_folder_and_one_that_takes_the_place_of_another(tmp_path: Path) -> None:
    fill(tmp_path / "target", "old")
    (tmp_path / "target" / "more").write_text("")
    fill(tmp_path / "target", "new")
    assert (tmp_path / "target" / "deep" / "file").read_text() == "new"
    assert os.listdir(tmp_path) == ["target"]
    assert os.listdir(tmp_path / "target") == ["deep"]


def test_modes_are_those_of_new_files(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        fill(tmp_path / "target", "")
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "target", *tmp_path.rglob("*")]}
    assert modes == {"target": 0o750, "deep": 0o750, "file": 0o640}


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_block_that_fails(error: BaseException, tmp_path: Path) -> None:
    fill(tmp_path / "old", "old")
    for name in ("new", "old"):
        with pytest.raises(type(error)), replacing_folder(tmp_path / name, allow) as folder:
            (folder / "file").write_text("new")
            raise error
    assert os.listdir(tmp_path) == ["old"]
    assert (tmp_path / "old" / "deep" / "file").read_text() == "old"


@pytest.mark.parametrize("number", [1, 2])
def test_it_is_asked_at_the_start_and_at_the_end_whether_the_old_one_may_go(number: int, tmp_path: Path) -> None:
    fill(tmp_path / "target", "old")
    calls, entered = [], []

    def refuse(target: Path) -> None:
        calls.append(target)
        if len(calls) == number:
            raise FileExistsError("it stays")

    with pytest.raises(FileExistsError, match="it stays"), replacing_folder(tmp_path / "target", refuse):
        entered.append(True)
    assert calls == [tmp_path / "target"] * number
    assert len(entered) == number - 1
    assert (tmp_path / "target" / "deep" / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["target"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_move_that_fails_puts_the_old_one_back(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "target", "old")
    calls, original = iter(range(1, 10)), Path.rename

    def rename(path: Path, target: Path) -> Path:
        if next(calls) == number:
            raise OSError(28, "No space left")
        return original(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        fill(tmp_path / "target", "new")
    assert (tmp_path / "target" / "deep" / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["target"]


def test_a_folder_around_it_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none/target: expected an existing folder around it, .*none is none"):
        fill(tmp_path / "none" / "target", "")
