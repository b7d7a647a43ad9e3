"""Proof that the GIL is released: what another thread did while some work was done."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def another_thread() -> Iterator[Callable[[], int]]:
    """Let another thread count, which never has the GIL for long; yield what reads its count.

    No thread has to give the GIL away before its time meanwhile: whatever is counted during work, the work let happen.
    """
    count, stop = 0, threading.Event()

    def run() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)  # gives the GIL away

    other = threading.Thread(target=run)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)
    try:
        other.start()
        yield lambda: count
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        other.join()
