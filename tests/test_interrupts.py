"""Ctrl-C during what must not be cut in two: it takes effect afterwards, and it is never lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from glovestore.interrupts import deferred_interrupt

pytestmark = pytest.mark.usefixtures("ctrl_c")


def test_it_comes_behind_the_block():
    steps = []
    with pytest.raises(KeyboardInterrupt):
        with deferred_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("to the end")
        steps.append("behind")
    assert steps == ["to the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_comes_when_the_block_fails():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_it_nothing_happens():
    with deferred_interrupt():
        pass
    with pytest.raises(ValueError, match="as it is"), deferred_interrupt():
        raise ValueError("as it is")


def test_a_handler_of_the_user_gets_it():
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    with deferred_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        assert heard == []
    assert heard == [signal.SIGINT]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_interrupt():
        os.kill(os.getpid(), signal.SIGINT)


def test_other_threads_are_left_alone():
    before: list[Any] = []

    def run() -> None:
        with deferred_interrupt():
            before.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert before == [signal.default_int_handler]


# The source is a pipe that stays open: a build that does not hear of the signal waits for ever.
IMPORTING = """
import os, signal, sys
import glovestore
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "h5py.h5":
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
reading, writing = os.pipe()
os.write(writing, b"a 1 2\\n" * 200)
try:
    glovestore.build(f"/dev/fd/{reading}", sys.argv[1])
except KeyboardInterrupt:
    print(hasattr(sys.modules["h5py"], "File"))
"""


def test_an_import_is_finished_and_then_interrupted(tmp_path: Path):
    command = [sys.executable, "-P", "-c", IMPORTING, str(tmp_path / "store.h5")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"
    assert list(tmp_path.iterdir()) == []
