"""A file that appears whole or not at all: what may come between making the temporary and having it."""

from __future__ import annotations

import errno
import fcntl
import gc
import io
import itertools
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from glovestore import interrupts, replacing, replacing_folder
from glovestore.exporting import job
from glovestore.replacing import ReplacingFile


def cleaner_removes(file: io.FileIO) -> None:
    os.unlink(file.name)


def cleaner_holds(file: io.FileIO) -> None:
    raise BlockingIOError


closed_by_its_last_reference = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def at_first_lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[io.FileIO], None]], None]:
    """Let something happen just before the first flock."""

    def arrange(act: Callable[[io.FileIO], None]) -> None:
        calls, flock = itertools.count(), fcntl.flock

        def acting(file: io.FileIO, operation: int) -> None:
            if next(calls) == 0:
                act(file)
            flock(file, operation)

        monkeypatch.setattr(replacing.fcntl, "flock", acting)

    return arrange


@pytest.mark.parametrize(("cleaner", "left"), [(cleaner_removes, 0), (cleaner_holds, 1)])
def test_a_cleaner_takes_the_temporary_for_a_leftover(
    tmp_path: Path,
    at_first_lock: Callable[[Callable[[io.FileIO], None]], None],
    cleaner: Callable[[io.FileIO], None],
    left: int,
) -> None:
    """Another one is made. The first belongs to the cleaner."""
    at_first_lock(cleaner)
    with ReplacingFile(tmp_path / "target") as file:
        file.write(b"new", 0)
        file.commit()
    assert (tmp_path / "target").read_bytes() == b"new"
    assert len(os.listdir(tmp_path)) == 1 + left


def test_a_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([bytes(8), bytes(7) + b"\1"])
    monkeypatch.setattr(os, "urandom", lambda size: next(drawn))
    monkeypatch.setattr(replacing, "remove_leftovers", lambda target: None)  # it appears just now
    (tmp_path / ".target.0000000000000000.tmp").write_bytes(b"somebody's")
    with ReplacingFile(tmp_path / "target") as file:
        assert file.path.name == ".target.0000000000000001.tmp"
    assert (tmp_path / ".target.0000000000000000.tmp").read_bytes() == b"somebody's"


@closed_by_its_last_reference
def test_a_file_system_without_locks(
    tmp_path: Path, at_first_lock: Callable[[Callable[[io.FileIO], None]], None]
) -> None:
    def refuse(file: io.FileIO) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    at_first_lock(refuse)
    with pytest.raises(OSError, match=rf"\[Errno {errno.ENOLCK}\] No locks available: '.*target'"):
        ReplacingFile(tmp_path / "target").__enter__()
    gc.collect()
    assert os.listdir(tmp_path) == []


@closed_by_its_last_reference
def test_an_interrupt_before_the_lock(
    tmp_path: Path, at_first_lock: Callable[[Callable[[io.FileIO], None]], None]
) -> None:
    def interrupt(file: io.FileIO) -> None:
        raise KeyboardInterrupt

    at_first_lock(interrupt)
    with pytest.raises(KeyboardInterrupt):
        ReplacingFile(tmp_path / "target").__enter__()
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_a_temporary_that_somebody_truncates(tmp_path: Path) -> None:
    with ReplacingFile(tmp_path / "target") as file:
        file.write(b"12345", 0)
        with pytest.raises(OSError, match=r"\.tmp: expected 3 more bytes at byte 5: the file was truncated"):
            file.read_into(memoryview(bytearray(6)), 2)


# ---------------------------------------------------------------------- Ctrl-C anywhere

RUNNING = [module.__file__ for module in (replacing, replacing_folder, interrupts, job)]


def interrupted_at(number: int, work: Callable[[], object]) -> bool:
    """Do some work and send SIGINT before the given line of it; tell whether it has so many."""
    lines = itertools.count()
    reached = False

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal reached
        if frame.f_code.co_filename not in RUNNING:
            return None
        if event == "line" and not reached and next(lines) == number:
            reached = True
            signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return reached


def a_file(folder: Path) -> None:
    with ReplacingFile(folder / "target"):
        sys.settrace(None)


def a_folder(folder: Path) -> None:
    with replacing_folder.scratch_folder(folder / "target"):
        sys.settrace(None)


def an_export_of_two(folder: Path) -> None:
    nothing: Any = None
    with suppress(ZeroDivisionError), job.Job(nothing, folder).files(folder / "one", folder / "two"):
        sys.settrace(None)
        raise ZeroDivisionError


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("work", [a_file, a_folder, an_export_of_two])
def test_an_interrupt_anywhere_leaves_nothing(tmp_path: Path, work: Callable[[Path], None]) -> None:
    """Before each line in turn, up to those of the block that has it."""
    number = 0
    while interrupted_at(number, lambda: work(tmp_path)):
        assert os.listdir(tmp_path) == [], number
        number += 1
    assert number > 30
