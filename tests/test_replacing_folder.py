"""A folder that appears whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest

from glovestore import replacing_folder as replacing
from glovestore.replacing_folder import flush, replacing_folder, scratch_folder


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

    monkeypatch.setattr(replacing, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        fill(tmp_path / "target", "new")
    assert (tmp_path / "target" / "deep" / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["target"]


def test_a_folder_around_it_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none/target: expected an existing folder around it, .*none is none"):
        fill(tmp_path / "none" / "target", "")


# ----- two names are exchanged, or not


@pytest.fixture(params=[True, False], ids=["exchanged", "in two steps"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(replacing, "_exchange", lambda one, other: False)


@pytest.mark.usefixtures("ways")
def test_either_way_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    fill(tmp_path / "target", "old")
    reader = (tmp_path / "target" / "deep" / "file").open()
    fill(tmp_path / "target", "new")
    assert (tmp_path / "target" / "deep" / "file").read_text() == "new"
    assert reader.read() == "old"
    assert os.listdir(tmp_path) == ["target"]
    reader.close()


def test_names_are_exchanged_here(tmp_path: Path) -> None:
    """Else there is a moment without any folder; not every file system can."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").write_text("")
    if not replacing._exchange(tmp_path / "one", tmp_path / "two"):
        pytest.skip("cannot be done on this file system")
    assert (tmp_path / "two").is_dir()
    with pytest.raises(FileNotFoundError, match="nothing"):
        replacing._exchange(tmp_path / "one", tmp_path / "nothing")


def test_a_system_without_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *arguments, **options: object())
    assert not replacing._exchange(tmp_path, tmp_path)


def test_a_link_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    fill(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "deep" / "file").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


# ----- what killed processes left behind


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    dead, alive, another = (
        tmp_path / name
        for name in (
            ".target.0123456789abcdef.tmp",
            ".target.00000000000000aa.tmp",
            ".target2.0123456789abcdef.tmp",
        )
    )
    for path in (dead, alive, another):
        (path / "deep").mkdir(parents=True)
    (tmp_path / ".target.00000000000000bb.tmp").write_text("of a file")
    fd = os.open(alive, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fill(tmp_path / "target", "new")
    os.close(fd)
    assert not dead.exists()
    assert alive.exists()
    assert another.exists()
    assert (tmp_path / ".target.00000000000000bb.tmp").exists()


@pytest.mark.parametrize("with_target", [True, False])
def test_a_process_that_was_killed_between_two_steps(with_target: bool, tmp_path: Path) -> None:
    """The folder that it moved aside comes back, if none is in its place."""
    fill(tmp_path / ".target.0123456789abcdef.old", "old")
    if with_target:
        fill(tmp_path / "target", "newer")
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "target", allow):
        raise ZeroDivisionError
    assert (tmp_path / "target" / "deep" / "file").read_text() == ("newer" if with_target else "old")
    assert os.listdir(tmp_path) == ["target"]


def test_a_cleaner_that_is_faster_than_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, locked = replacing._locked, []

    def removed_first(path: Path) -> int | None:
        locked.append(path)
        if len(locked) == 1:
            path.rmdir()
        return original(path)

    monkeypatch.setattr(replacing, "_locked", removed_first)
    with scratch_folder(tmp_path / "target") as scratch:
        assert len(locked) == 2
        assert os.listdir(tmp_path) == [scratch.name]
    assert os.listdir(tmp_path) == []


def test_errors_name_the_target(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r"No space left on device: '.*/target'"),
        replacing_folder(tmp_path / "target", allow),
    ):
        raise OSError(28, "No space left on device")


def test_flush_takes_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "target", "")
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda fd: flushed.append(Path(os.readlink(f"/proc/self/fd/{fd}"))))
    assert flush(tmp_path / "target") >= 0
    target = tmp_path / "target"
    assert sorted(flushed) == [target, target / "deep", target / "deep" / "file"]
