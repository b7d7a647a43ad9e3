"""A name or a URL becomes a RemoteSource, which becomes a local file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import quote, unquote, urlsplit

from glovestore.errors import DownloadError
from glovestore.remote.catalogue import Entry, lookup

if TYPE_CHECKING:
    from glovestore.remote.member import Member

URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
TRUE = {"1", "on", "true", "yes"}
SPANS_TRIED = 3  # an archive that changes more often than that while it is read is not worth waiting for


@dataclass(frozen=True)
class RemoteSource:
    """A vectors file that is somewhere else: a published one, or one at a URL.

    name: what messages call it. member: which file of a zip archive, or None. size, sha256: of the file at `url`, as
    far as the catalogue knows them. entry: that of the catalogue, if it comes from there.
    """

    url: str
    member: str | None
    name: str
    size: int | None = None
    sha256: str | None = None
    entry: Entry | None = None

    @property
    def address(self) -> str:
        """The URL with the member behind it, which `find` takes for the same source."""
        return self.url if self.member is None else f"{self.url}#{quote(self.member)}"

    @property
    def identity(self) -> str:
        """What tells this source, and what it is known to hold, from any other: its address and its SHA-256."""
        return self.address if self.sha256 is None else f"{self.address} sha256:{self.sha256}"

    @property
    def filename(self) -> str:
        """The name of the file at `url`, safe to use in any folder."""
        from glovestore.remote.member import safe_name

        return safe_name(unquote(urlsplit(self.url).path))

    def found(self, folder: Path, filename: str | None = None) -> Path | None:
        """Return the file that `fetch` would find in `folder` and return as it is, or None.

        Of a member, that is one with the member's name, packed or not.
        """
        names = [filename] if filename else [self.filename] if self.member is None else self._member_names()
        return next((path for path in (folder / name for name in names) if path.is_file()), None)

    def fetch(self, folder: Path, progress: bool = False, filename: str | None = None) -> Path:
        """Return the file in `folder`, which is made if need be; download it if it is not there yet.

        Of a zip archive with a member that is the member alone, still packed (glove.6B.100d.txt.gz); where a server
        sends no ranges, the archive stays beside it. filename: what the file is to be called, instead of its own name.
        A file of that name is taken for this source's, so give each source a folder (see `identity`); only a SHA-256
        of the catalogue is compared. One line goes to the logger "glovestore" before anything is downloaded.

        An interrupted download leaves `.NAME.part` and `.NAME.part.json`, with which the next one goes on. Of several
        processes one downloads, and the others wait. Nothing is asked for if GLOVESTORE_OFFLINE=1.

        Raises DownloadError, TextFormatError for a damaged archive, ImportError for a URL that needs fsspec.
        """
        folder.mkdir(parents=True, exist_ok=True)
        there = self.found(folder, filename)
        if there is not None:
            self._check(there, whole=self.member is None)
            return there
        whole = folder / (self.filename if filename is None or self.member is not None else filename)
        if self.member is not None and whole.is_file():
            self._check(whole, whole=True)
            return self._cut_out(whole, filename)
        if offline():
            raise DownloadError(
                f"expected it to be there already, as GLOVESTORE_OFFLINE says: download it and put it to {whole}",
                self.url,
            )
        if urlsplit(self.url).scheme.lower() not in ("http", "https"):
            from glovestore.remote import filesystems

            name = whole.name if self.member is None else filename
            return filesystems.fetch(self.url, self.member, self.name, folder, name, progress)
        if self.member is not None:
            return self._fetch_member(folder, progress, filename)
        return self._fetch_file(whole, progress)

    def _fetch_file(self, target: Path, progress: bool) -> Path:
        from glovestore.remote.download import Download, sha256_is

        Download(self.url, target, self.name, check=sha256_is(self.sha256), progress=progress).run()
        return target

    def _fetch_member(self, folder: Path, progress: bool, filename: str | None) -> Path:
        """Fetch the member's bytes only, or where the server has no ranges all of them."""
        from glovestore.remote.download import Download
        from glovestore.remote.http import Changed
        from glovestore.remote.ranges import NoRanges

        for _ in range(SPANS_TRIED):
            try:
                member, validator = self._find_remote_member()
                target = folder / (filename or member.name)
                Download(
                    self.url,
                    target,
                    self.name,
                    span=(member.begin, member.end),
                    validator=validator,
                    lead=member.lead,
                    trail=member.trail,
                    check=member.check,
                    progress=progress,
                ).run()
                return target
            except NoRanges:
                return self._cut_out(self._fetch_file(folder / self.filename, progress), filename)
            except Changed:
                continue
        raise DownloadError("expected the file to stay as it is while it is read: it changes all the time", self.url)

    def _find_remote_member(self) -> tuple[Member, str | None]:
        from glovestore.remote.member import find_member
        from glovestore.remote.ranges import RangeFile

        assert self.member is not None
        with RangeFile(self.url) as file:
            return find_member(cast(IO[bytes], file), self.member, self.url), file.validator

    def _cut_out(self, archive: Path, filename: str | None) -> Path:
        """Make a file of the member, from an archive that is there as a whole."""
        from glovestore.remote.member import copy_span, find_member

        assert self.member is not None
        with open(archive, "rb") as file:
            member = find_member(file, self.member, str(archive))
            target = archive.parent / (filename or member.name)
            copy_span(file, member, target, str(archive))
        return target

    def _member_names(self) -> list[str]:
        from glovestore.remote.member import SUFFIXES, safe_name

        return [safe_name(self.member or "") + suffix for suffix in SUFFIXES.values()]

    def _check(self, path: Path, whole: bool) -> None:
        """Compare a file that somebody put there with the catalogue's SHA-256, which is that of a whole file."""
        from glovestore.remote.download import sha256_is

        if whole and (problem := sha256_is(self.sha256)(path)):
            raise DownloadError(f"{problem}: remove {path}, which is another file or a damaged one", self.url)


def find(source: str) -> RemoteSource | None:
    """Return what an exact name of the catalogue or a URL stands for, None for anything else, such as a path.

    A URL may name a member of a zip archive behind it: https://host/glove.6B.zip#glove.6B.100d.txt. Those of other
    kinds than http and https are read through fsspec. ValueError for a URL without a host.
    """
    entry = lookup(source)
    if entry is not None:
        return RemoteSource(entry.url, entry.member, entry.name, entry.size, entry.sha256, entry)
    scheme = URL.match(source)
    if not scheme or scheme[1].lower() == "file":
        return None
    url, _, member = source.partition("#")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{source}: expected a URL, got none: {error}") from None
    if not parts.netloc or (parts.scheme in ("http", "https") and not parts.hostname):
        raise ValueError(f"{source}: expected a URL with a host, such as https://host/vectors.txt.gz, got none")
    if parts.password is not None:
        raise ValueError("expected a URL without a password, which messages and caches would keep, got one with it")
    member = unquote(member)
    return RemoteSource(url, member or None, member or unquote(parts.path).rpartition("/")[2] or url)


def local_path(source: str) -> str:
    """Return the path that a file:// URL stands for, with what stands behind its #; anything else as it is."""
    scheme = URL.match(source)
    if not scheme or scheme[1].lower() != "file":
        return source
    parts = urlsplit(source)
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"{source}: expected a file of this machine, got one of {parts.netloc!r}")
    return unquote(parts.path) + (f"#{unquote(parts.fragment)}" if parts.fragment else "")


def offline() -> bool:
    """Tell whether the environment says not to use the network: GLOVESTORE_OFFLINE=1 (or on, true, yes)."""
    return os.environ.get("GLOVESTORE_OFFLINE", "").strip().lower() in TRUE
