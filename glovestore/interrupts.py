"""Ctrl-C that waits for the end of what must not be cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Let SIGINT take effect behind the block instead of somewhere inside it. Elsewhere than in the main thread, where
    signals do not arrive, nothing is done.

    An import is such a block: inside it a KeyboardInterrupt may be raised in a callback whose exceptions Python drops,
    so that nobody ever hears of it, or between taking a lock and remembering to give it back.
    """
    old = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or old is None:  # None: not Python's to put back
        yield
        return
    arrived = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        arrived.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)
        if arrived.is_set():
            signal.raise_signal(signal.SIGINT)
