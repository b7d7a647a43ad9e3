"""A file, or a span of one, from its URL to its place: resumed, checked, and there as a whole or not at all."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from glovestore.display import human_bytes
from glovestore.errors import DownloadError
from glovestore.progress import byte_progress
from glovestore.remote import http
from glovestore.remote.part import Part

SPARE = 1 << 26  # bytes that stay free on the disk; also how often a body of unknown length is compared with it

# A warning, so that it is seen where nobody has set up logging: nobody should miss that gigabytes are on their way.
# logging.getLogger("glovestore").setLevel(logging.ERROR) silences it.
logger = logging.getLogger("glovestore")

Check = Callable[[Path], str | None]  # returns what is wrong with a file that came whole


@dataclass
class Download:
    """One download: `url` to `target`, known to people as `name`.

    span: the first byte and the one behind the last, of the state of the file that `validator` names; None for the
    whole file. lead, trail: what stands before and behind these bytes in the target.
    """

    url: str
    target: Path
    name: str
    span: tuple[int, int] | None = None
    validator: str | None = None
    lead: bytes = b""
    trail: bytes = b""
    check: Check = lambda path: None
    progress: bool = False

    def run(self) -> None:
        """Download, unless another process just did. Raises DownloadError, and http.Changed for a span."""
        with Part(self.target, self.lead, self._wait) as self._part, ExitStack() as self._bars:
            if self.target.exists():
                return
            self._advance: Callable[[int], None] | None = None
            self._part.resume(self._origin)
            http.persist(self._receive, self.url, lambda: self._part.received)
            problem = self.check(self._part.path)
            if problem is not None:
                self._part.discard()
                raise DownloadError(problem, self.url)
            self._part.commit(self.trail)

    def _wait(self) -> None:
        logger.warning("%s: waiting for another process, which downloads %s", self.name, self.target)

    @property
    def _origin(self) -> dict[str, object]:
        return {"url": self.url, **({} if self.span is None else {"span": list(self.span), "state": self.validator})}

    @property
    def _first(self) -> int:
        return 0 if self.span is None else self.span[0]

    @property
    def _size(self) -> int | None:
        """How many bytes there are to receive, as far as it is known."""
        return self._part.total if self.span is None else self.span[1] - self.span[0]

    def _receive(self) -> None:
        """Receive until all is there; a server may send less at a time than it was asked for."""
        while not self._part.received or self._part.received != self._size:
            with self._ask() as answer:
                self._begin(answer)
                self._take(answer)
            if not self._size:
                break  # an empty file, or a body in chunks, which ended as it should
        if not self._part.received:
            raise DownloadError("expected a file, got one of 0 bytes", self.url)

    def _ask(self) -> http.Answer:
        """Send the request for what is missing."""
        have, end = self._part.received, "" if self.span is None else self.span[1] - 1
        if self.span is None and (not have or self._part.validator is None):  # the rest might be that of another file
            return http.get(self.url)
        try:
            return http.get(self.url, f"{self._first + have}-{end}", self._part.validator or self.validator)
        except http.OutOfRange:
            raise self._changed() from None

    def _begin(self, answer: http.Answer) -> None:
        """Go on with the part, or begin a new one if the answer does not continue it."""
        part, state = self._part, (answer.validator, answer.total)
        continues = answer.begin == self._first + part.received
        if self.span is not None and not (
            continues and answer.partial and answer.validator == self.validator and (answer.end or 0) <= self.span[1]
        ):
            raise http.Changed
        if part.received and continues and state == (part.validator, part.total):
            return
        if answer.begin != self._first:
            raise self._changed()
        part.restart(self._origin, *state)

    def _changed(self) -> Exception:
        """Return what to raise when the remote file is another one than that of the part."""
        if self.span is not None:
            return http.Changed()
        self._part.restart(self._origin, None, None)
        return http.Passing("the file was changed meanwhile")

    def _take(self, answer: http.Answer) -> None:
        """Receive what an answer brings."""
        part, unchecked = self._part, 0
        advance = self._announced()
        check_space(0 if self._size is None else self._size - part.received, self.target.parent, self.url)
        for piece in answer.pieces():
            part.write(piece)
            advance(part.received)
            unchecked += len(piece)
            if self._size is None and unchecked >= SPARE:
                check_space(0, self.target.parent, self.url)
                unchecked = 0

    def _announced(self) -> Callable[[int], None]:
        """Say once what is about to happen; return what moves the bar, if one is wanted."""
        if self._advance is None:
            size = "a file of unknown size" if self._size is None else human_bytes(self._size)
            there = f" ({human_bytes(self._part.received)} are there already)" if self._part.received else ""
            logger.warning("%s: downloading %s%s from %s to %s", self.name, size, there, self.url, self.target)
            self._advance = self._bars.enter_context(byte_progress(self.name, self._size, self.progress))
        return self._advance


def check_space(needed: int, folder: Path, url: str) -> None:
    """Raise DownloadError unless so many bytes, and SPARE more, fit on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise DownloadError(
            f"expected {human_bytes(needed + SPARE)} of free space in {folder}, got {human_bytes(free)}", url
        )


def sha256_is(expected: str | None) -> Check:
    """Return the check that compares a file's SHA-256, in hexadecimal digits; None: that of anything."""

    def check(path: Path) -> str | None:
        if expected is None:
            return None
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return None if digest == expected else f"expected a file of SHA-256 {expected}, got {digest}"

    return check
