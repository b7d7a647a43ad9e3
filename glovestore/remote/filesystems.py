"""URLs of other kinds (s3, gs, hf, ...) through fsspec, which is imported here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from glovestore.display import human_bytes
from glovestore.errors import DownloadError, GlovestoreError
from glovestore.progress import byte_progress
from glovestore.remote.download import check_space, logger
from glovestore.remote.member import Member, copy_span, find_member

SCHEMES = ("s3", "gs", "gcs", "hf", "az", "abfs")  # that mean fsspec, even where it is not installed


def fetch(url: str, member: str | None, name: str, folder: Path, filename: str | None, progress: bool) -> Path:
    """Copy the file at a URL, or one member of a zip archive there, into a folder; return it.

    What is interrupted starts anew at the next try. Raises ImportError if a package is missing, ValueError for a kind
    of URL that nobody knows, DownloadError for whatever the package of that kind raises.
    """
    with _opened(url) as file:
        span = Member(0, file.seek(0, 2), "") if member is None else find_member(file, member, url)
        target = folder / (filename or span.name)
        check_space(span.end - span.begin, folder, url)
        logger.warning("%s: downloading %s from %s to %s", name, human_bytes(span.end - span.begin), url, target)
        with byte_progress(name, span.end - span.begin, progress) as advance:
            copy_span(file, span, target, url, advance)
    return target


@contextmanager
def _opened(url: str) -> Iterator[IO[bytes]]:
    """Open a URL through fsspec. Its packages raise whatever they like."""
    filesystem, path = _resolved(url)
    try:
        with filesystem.open(path, "rb") as file:
            yield file
    except (GlovestoreError, MemoryError):
        raise
    except Exception as error:
        raise DownloadError(f"expected a file, got {type(error).__name__}: {error}", url) from error


def _resolved(url: str) -> tuple[Any, str]:
    scheme = urlsplit(url).scheme
    missing = f'{url}: {scheme}:// needs a package: pip install "glovestore[remote]"'
    unknown = f"{url}: expected a URL of http, https, s3, gs, hf or another kind that fsspec knows, got {scheme!r}"
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise (ImportError(missing) if scheme in SCHEMES else ValueError(unknown)) from error
    try:
        filesystem, path = url_to_fs(url)
    except ImportError as error:  # it names the package for this kind
        raise ImportError(f"{missing}, and what fsspec asks for: {error}") from error
    except ValueError as error:
        raise ValueError(unknown) from error
    return filesystem, path
