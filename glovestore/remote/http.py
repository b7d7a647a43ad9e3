"""One request over HTTP, with the standard library: proxies of the environment are used, TLS is always verified.

A failure that may pass (a cut connection, 503, 429, ...) is a `Passing`, which `persist` tries again a few times; every
other one is a DownloadError at once.
"""

from __future__ import annotations

import http.client
import random
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import IO, Any, Self, TypeVar
from urllib.parse import quote, urlsplit

from glovestore.errors import DownloadError

TIMEOUT = 30.0  # seconds without an answer, or at less than SLOWEST
SLOWEST = 1000.0  # bytes a second
PIECE = 1 << 18
TRIES_AGAIN = 5  # failures in a row; PROGRESS makes the next one the first
PROGRESS = 1 << 20
LONGEST_WAIT = 60.0  # seconds that a server may ask us to wait
PASSING_CODES = {408, 425, 429, 500, 502, 503, 504}
SIZE = "[0-9]{1,18}"  # below 2**63; the standard library refuses to read numbers of thousands of digits
CONTENT_RANGE = re.compile(f"bytes ({SIZE})-({SIZE})/({SIZE})")
SAFE = "%/:=&?~#+!$,;'@()*[]"  # what has a meaning in URLs, or is quoted already

sleep = time.sleep  # tests do not wait
Result = TypeVar("Result")


class Passing(Exception):
    """A failure that may be gone at the next try. `wait`: seconds that the server asked for."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(problem)


class OutOfRange(Exception):
    """The server has no such range: the file is shorter than it was."""


class Changed(Exception):
    """The file is no longer the one that a part was asked of, or its server sends no parts any more."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but none that leaves TLS or HTTP."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        allowed = {"https"} if req.type == "https" else {"http", "https"}
        if urlsplit(newurl).scheme not in allowed:
            wanted = " or ".join(sorted(allowed))
            raise DownloadError(f"expected a redirect to another {wanted} URL, got one to {newurl}", req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any
    ) -> IO[bytes] | None:
        """Hang up where the base class would forget to."""
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except (DownloadError, ValueError, http.client.HTTPException):
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class Answer:
    """What a server sends: bytes `begin` to `end` of a file of `total` bytes. A context manager; leaving it hangs up.

    end and total are None where the server does not say (a body in chunks). partial: whether it kept to the range that
    was asked for. validator: what tells this state of the file from another (a strong ETag, else the time of change),
    or None.
    """

    def __init__(self, response: http.client.HTTPResponse, url: str) -> None:
        self._response = response
        self.url = url
        self.partial = response.status == 206
        self.validator = _validator(response.headers)
        if response.headers.get_content_type() == "text/html":  # of a network that wants a login, a page about the file
            raise DownloadError("expected a file, got a web page", url)
        self.begin = 0
        self.end: int | None
        self.total: int | None
        if self.partial:
            self.begin, self.end, self.total = self._content_range()
        else:
            self.end = self.total = _content_length(response.headers)
            if self.end is None and not response.chunked:
                raise DownloadError("expected a server that says how long the file is, got one that does not", url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._response.close()

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, in pieces of PIECE bytes at most. Passing if it ends before its end, or stalls."""
        left = None if self.end is None else self.end - self.begin
        since, got = time.monotonic(), 0
        while left is None or left > 0:
            piece = self._read(PIECE if left is None else min(PIECE, left))
            if not piece:
                break
            yield piece
            left = None if left is None else left - len(piece)
            got += len(piece)
            if time.monotonic() - since > TIMEOUT:
                if got < SLOWEST * TIMEOUT:
                    raise Passing(f"got fewer than {SLOWEST:.0f} bytes a second for {TIMEOUT:.0f} seconds")
                since, got = time.monotonic(), 0
        if left:
            raise Passing(f"the connection was cut with {left:,} bytes missing")

    def read_all(self) -> bytes:
        """Return the whole body; the caller has asked for a small range."""
        return b"".join(self.pieces())

    def _read(self, count: int) -> bytes:
        try:
            return self._response.read1(count)
        except (http.client.HTTPException, OSError) as error:
            raise Passing(_reason(error)) from error

    def _content_range(self) -> tuple[int, int, int]:
        stated = self._response.headers.get("Content-Range", "")
        if not (match := CONTENT_RANGE.fullmatch(stated)):
            raise DownloadError(f"expected the range that an answer 206 brings, got {stated!r}", self.url)
        first, last, total = map(int, match.groups())
        length = _content_length(self._response.headers)
        if not first <= last < total or length not in (None, last + 1 - first):
            raise DownloadError(f"expected a range of the file, got {stated!r} and a length of {length}", self.url)
        return first, last + 1, total


def get(url: str, span: str | None = None, validator: str | None = None) -> Answer:
    """Ask for a file, or a span of its bytes such as "10-19", "10-" or "-10", of the state that `validator` names.

    A server may send all of it nevertheless: look at `begin`. Raises DownloadError, Passing or OutOfRange.
    """
    headers = {"User-Agent": _user_agent(), "Accept-Encoding": "identity"}
    if span is not None:
        headers["Range"] = f"bytes={span}"
        if validator is not None:
            headers["If-Range"] = validator
    try:
        request = urllib.request.Request(quote(url, safe=SAFE), headers=headers)
        response = urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error, url, ranged=span is not None) from error
    except urllib.error.URLError as error:
        raise _failure(error.reason if isinstance(error.reason, Exception) else error, url) from error
    except (http.client.HTTPException, OSError, ValueError) as error:  # the latter of what is no URL
        raise _failure(error, url) from error
    try:
        return Answer(response, url)
    except BaseException:
        response.close()
        raise


def persist(step: Callable[[], Result], url: str, reached: Callable[[], int] = lambda: 0) -> Result:
    """Return what `step` returns, and call it again after a Passing failure, with longer and longer breaks.

    reached: how many bytes are there; failures are counted anew behind another PROGRESS of them.
    """
    failures, before = 0, reached()
    while True:
        try:
            return step()
        except Passing as error:
            if reached() - before >= PROGRESS:
                failures = 0
            before = reached()
            failures += 1
            if failures > TRIES_AGAIN:
                raise DownloadError(f"expected a file, got this at the {failures}th try: {error}", url) from error
            if error.wait is not None and error.wait > LONGEST_WAIT:
                raise DownloadError(f"{error}: the server says to come back in {error.wait:.0f} s", url) from error
            sleep(0.5 * 2 ** (failures - 1) * random.uniform(0.5, 1) if error.wait is None else error.wait)


def _refusal(error: urllib.error.HTTPError, url: str, ranged: bool) -> Exception:
    """Return what to raise for an answer that brings no file."""
    said = f"{error.code} {error.reason}".strip().partition("\n")[0]
    if error.code == 416 and ranged:
        return OutOfRange()
    if error.code in PASSING_CODES:
        return Passing(said, _retry_after(error.headers))
    return DownloadError(f"expected a file, got {said}", url)


def _failure(error: Exception, url: str) -> Exception:
    """Return what to raise when no answer came. What the next try cannot change is final."""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"expected a certificate that can be verified, got another: {error.verify_message}"
        return DownloadError(problem, url)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return DownloadError(f"expected a server that speaks TLS as we do, got: {error.reason}", url)
    if isinstance(error, socket.gaierror):
        return DownloadError(
            f"expected a host that can be found, got {urlsplit(url).hostname!r}: {error.strerror}", url
        )
    if isinstance(error, http.client.InvalidURL | ValueError):
        return DownloadError(f"expected a URL, got something else: {error}", url)
    return Passing(_reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no data for {TIMEOUT:.0f} seconds"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _retry_after(headers: Message) -> float | None:
    """Return the seconds of Retry-After, a number or a date (RFC 9110, 10.2.3)."""
    stated = headers.get("Retry-After", "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated)
    try:
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _validator(headers: Message) -> str | None:
    """Return what If-Range takes (RFC 9110, 13.1.5): a weak ETag does not say that the bytes are the same."""
    tag: str | None = headers.get("ETag")
    return tag if tag is not None and tag.startswith('"') else headers.get("Last-Modified")


def _content_length(headers: Message) -> int | None:
    stated = headers.get("Content-Length", "")
    return int(stated) if re.fullmatch(SIZE, stated) else None


def _user_agent() -> str:
    from importlib.metadata import version

    return f"glovestore/{version('glovestore')}"
