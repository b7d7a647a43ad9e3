"""URLs of other kinds, through fsspec's file system in memory."""

from __future__ import annotations

import builtins
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packing import LONG_TEXT, TEXT, read_source, zip_of

from glovestore import DownloadError, TextFormatError
from glovestore.remote import RemoteSource, find

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Iterator[Any]:
    """A file system that lives in this process."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def at(url: str) -> RemoteSource:
    found = find(url)
    assert found is not None
    return found


def test_a_file(memory: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]):
    memory.pipe("/bucket/vectors.txt", LONG_TEXT)
    path = at("memory://bucket/vectors.txt").fetch(tmp_path, progress=True)
    assert path == tmp_path / "vectors.txt"
    assert path.read_bytes() == LONG_TEXT
    assert caplog.messages == [
        f"vectors.txt: downloading 1.6 MB from memory://bucket/vectors.txt to {tmp_path}/vectors.txt"
    ]
    assert "100%" in capsys.readouterr().err
    memory.rm("/bucket/vectors.txt")
    assert at("memory://bucket/vectors.txt").fetch(tmp_path) == path
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.txt"]


@pytest.mark.parametrize(("method", "name"), [(zipfile.ZIP_STORED, "a.txt"), (zipfile.ZIP_DEFLATED, "a.txt.gz")])
def test_a_member(memory: Any, tmp_path: Path, method: int, name: str):
    memory.pipe("/bucket/glove.zip", zip_of({"glove/a.txt": LONG_TEXT, "glove/b.txt": TEXT}, method))
    path = at("memory://bucket/glove.zip#a.txt").fetch(tmp_path)
    assert path == tmp_path / name
    assert read_source(path) == LONG_TEXT
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(
        TextFormatError, match=r"memory://bucket/glove\.zip: expected one file 'c' in the archive, got none"
    ):
        at("memory://bucket/glove.zip#c").fetch(tmp_path)


def test_what_is_not_there(memory: Any, tmp_path: Path):
    with pytest.raises(DownloadError, match=r"^memory://bucket/absent: expected a file, got FileNotFoundError: "):
        at("memory://bucket/absent").fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_breaks_on_the_way(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    memory.pipe("/bucket/vectors.txt", LONG_TEXT)
    monkeypatch.setattr(memory.store["/bucket/vectors.txt"].__class__, "read", lambda *arguments: b"")
    with pytest.raises(DownloadError, match=r"expected 1,6.* more bytes, got the end of the file"):
        at("memory://bucket/vectors.txt").fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kind_that_nobody_knows(tmp_path: Path):
    wanted = "^htps://host/v.txt: expected a URL of http, https, s3, gs, hf or another kind .*, got 'htps'$"
    with pytest.raises(ValueError, match=wanted):
        at("htps://host/v.txt").fetch(tmp_path)


def test_a_package_of_that_kind_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: (_ for _ in ()).throw(ImportError("Install s3fs")))
    with pytest.raises(ImportError, match=r'needs a package: pip install "glovestore\[remote\]", and .*: Install s3fs'):
        at("s3://bucket/v.txt").fetch(tmp_path)


def test_without_fsspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.startswith("fsspec"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'^gs://b/v.txt: gs:// needs a package: pip install "glovestore\[remote\]"$'):
        at("gs://b/v.txt").fetch(tmp_path)
    with pytest.raises(ValueError, match="got 'htps'"):
        at("htps://host/v.txt").fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_offline(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_OFFLINE", "1")
    memory.pipe("/bucket/vectors.txt", TEXT)
    with pytest.raises(DownloadError, match=f"download it and put it to {tmp_path}/vectors.txt"):
        at("memory://bucket/vectors.txt").fetch(tmp_path)
