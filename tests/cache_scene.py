"""A cache of a test's own, what was built into it, and a worker that opens sources together with others."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import glovestore

TEXT = b"the 1 2\nof 3 4\nand 5 6\n"
OTHER = b"the 1 2\nof 3 4\nand 5 7\n"  # as long


class Heard(logging.Handler):
    """The messages of the library's logger."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    @property
    def builds(self) -> int:
        return sum(message.startswith("building a store of ") for message in self.messages)


@contextmanager
def listening() -> Iterator[Heard]:
    """Yield what is heard of the library meanwhile."""
    logger, heard = logging.getLogger("glovestore"), Heard()
    level = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)


def suffixes(folder: Path) -> list[str]:
    """Return the suffixes of all files in a cache with one entry; a temporary's is .tmp."""
    return sorted(Path(name).suffix for name in os.listdir(folder))


class Opened(NamedTuple):
    """What one worker found in one round."""

    fingerprint: str
    last: list[float]
    builds: int


def open_in_rounds(sources: list[Path], cache: Path, barrier: Any, answers: Any) -> None:
    """Open one source after the other, each together with all other workers, and put what was found."""
    os.environ["GLOVESTORE_CACHE"] = str(cache)
    found = []
    for source in sources:
        barrier.wait(60)
        with listening() as heard, glovestore.open(source) as store:
            found.append(Opened(store.fingerprint, store[store.tokens[-1]].tolist(), heard.builds))
        barrier.wait(60)
    answers.put(found)
