"""A remote file that can seek, for what stands at the end of a zip archive: its directory."""

from __future__ import annotations

import io

from glovestore.errors import DownloadError
from glovestore.remote import http

BLOCK = 1 << 16  # bytes at a time; the end, which is read first, holds the directory of all but huge archives
LARGEST_READ = 1 << 26  # whoever says that a directory is larger is not believed


class NoRanges(Exception):
    """The server sends whole files only."""


class RangeFile(io.RawIOBase):
    """The file at a URL, read by range requests, with one block of it in memory.

    Raises NoRanges if the server has no ranges, Changed if the file changes meanwhile, and DownloadError.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.size = 0
        self.validator: str | None = None
        try:
            self._block = http.persist(self._request_tail, url)
        except http.OutOfRange:
            raise NoRanges from None
        self._block_at = self.size - len(self._block)
        self._at = 0

    def _request_tail(self) -> bytes:
        with http.get(self.url, f"-{BLOCK}") as answer:
            if not answer.partial or answer.total is None or answer.end != answer.total:
                raise NoRanges
            self.size, self.validator = answer.total, answer.validator
            return answer.read_all()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position of the next read, as files do."""
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if at < 0:
            raise OSError(f"{self.url}: expected a place in the file, got byte {at}")
        self._at = at
        return at

    def read(self, size: int | None = -1) -> bytes:
        """Return the next `size` bytes, fewer only at the end of the file."""
        left = max(0, self.size - self._at)
        count = left if size is None or size < 0 else min(size, left)
        if count > LARGEST_READ:
            raise DownloadError(f"expected a directory of at most {LARGEST_READ} bytes, got {count} to read", self.url)
        if count and not self._block_at <= self._at <= self._at + count <= self._block_at + len(self._block):
            self._load(self._at, count)
        begin = self._at - self._block_at
        self._at += count
        return self._block[begin : begin + count]

    def read_at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset`, fewer only at the end of the file."""
        self.seek(offset)
        return self.read(count)

    def _load(self, begin: int, count: int = BLOCK) -> None:
        end = min(self.size, begin + max(count, BLOCK))
        self._block = http.persist(lambda: self._request(begin, end), self.url)
        self._block_at = begin

    def _request(self, begin: int, end: int) -> bytes:
        with http.get(self.url, f"{begin}-{end - 1}", self.validator) as answer:
            if (answer.begin, answer.end, answer.validator) != (begin, end, self.validator):
                raise http.Changed
            return answer.read_all()
