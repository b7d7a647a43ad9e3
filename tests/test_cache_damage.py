"""Damaged, torn and foreign files in the cache mean that an entry is built again; what is no file is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cache_scene import OTHER, TEXT, Heard, suffixes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_build_target import no_longer_than

import glovestore
from glovestore import EmbeddingStore, StoreFormatError, TextFormatError
from glovestore.cache.opening import open_cached
from glovestore.cache.origins import FetchedFile
from glovestore.cache.record import read_record


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(TEXT)
    return path


# ----- damage


def test_a_damaged_store_is_built_again(source: Path, heard: Heard, cache: Path):
    good = glovestore.open(source).path.read_bytes()
    path = glovestore.open(source).path
    damaged = [b"", good[:100], good[:-1], good + b"x", bytes(len(good)), OTHER, good[:500] + b"\0" + good[501:]]
    for number, content in enumerate(damaged, 2):
        path.write_bytes(content)
        with glovestore.open(source) as store:
            store.verify()
        assert path.read_bytes() == good
        assert heard.builds == number
    assert suffixes(cache) == [".h5", ".json", ".lock"]


def test_another_store_in_its_place_is_not_taken_for_it(source: Path, heard: Heard, tmp_path: Path):
    path = glovestore.open(source).path
    (tmp_path / "other.txt").write_bytes(OTHER)
    glovestore.build(tmp_path / "other.txt", path, overwrite=True)
    assert glovestore.open(source)["and"].tolist() == [5, 6]
    assert heard.builds == 2


def remove(path: Path) -> None:
    path.unlink()


def link_elsewhere(path: Path) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def dangle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_suffix(".none"))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("act", [remove, dangle, pipe])
@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_something_else_in_the_place_of_its_files(
    source: Path, heard: Heard, cache: Path, suffix: str, act: Callable[[Path], None]
):
    act(glovestore.open(source).path.with_suffix(suffix))
    with no_longer_than(20):
        assert glovestore.open(source)["and"].tolist() == [5, 6]
        assert glovestore.open(source)["and"].tolist() == [5, 6]
    assert heard.builds == 2
    assert suffixes(cache) == [".h5", ".json", ".lock"]


@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_links_are_not_written_through(source: Path, cache: Path, suffix: str):
    """What somebody links into the cache stays as it is, whatever happens to the entry."""
    path = glovestore.open(source).path.with_suffix(suffix)
    link_elsewhere(path)
    before = path.with_suffix(".elsewhere").read_bytes()
    source.write_bytes(OTHER * 2)
    assert glovestore.open(source)["and"].tolist() == [5, 7]
    assert path.with_suffix(".elsewhere").read_bytes() == before
    assert not path.is_symlink()


RECORD = {
    "version": 1,
    "source": "/x",
    "path": "/x",
    "stamp": {"size": 1, "mtime_ns": 2, "sample": "0"},
    "beside": {},
    "fingerprint": "0" * 16,
    "rows": 1,
    "dim": 2,
}
BAD_RECORDS: list[object] = [
    None, [], 1, "x", {}, {**RECORD, "version": 2}, {**RECORD, "version": True}, {**RECORD, "more": 1},
    {**RECORD, "path": 1}, {**RECORD, "beside": []},
    {**RECORD, "stamp": None}, {**RECORD, "rows": "1"}, {**RECORD, "dim": 1.0}, {**RECORD, "rows": None},
    {name: value for name, value in RECORD.items() if name != "fingerprint"}, {**RECORD, "fingerprint": 7},
]  # fmt: skip


@pytest.mark.parametrize("content", BAD_RECORDS, ids=str)
def test_a_foreign_record_is_none(tmp_path: Path, content: object):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(RECORD))
    assert read_record(str(path)) is not None
    path.write_text(json.dumps(content))
    assert read_record(str(path)) is None


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 60_000, b'{"version": 1, "version": 1}', b" " * 70_000])
def test_a_torn_record_is_none(tmp_path: Path, content: bytes):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    assert read_record(str(path)) is None
    assert read_record(str(tmp_path)) is None
    assert read_record(str(tmp_path / "none")) is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begin=st.integers(0, 400), cut=st.integers(0, 400), put=st.binary(max_size=8))
def test_a_mutated_record_never_gives_another_store(source: Path, cache: Path, begin: int, cut: int, put: bytes):
    """Cut, flip or put bytes in: the entry is opened or built again, and holds what the source does."""
    record = glovestore.open(source).path.with_suffix(".json")
    content = record.read_bytes()
    record.write_bytes(content[:begin] + put + content[begin + cut :])
    glovestore.cache.entries()
    with glovestore.open(source) as store:
        assert store["and"].tolist() == [5, 6]
    assert glovestore.cache.entries()[0].state == "current"
    assert suffixes(cache) == [".h5", ".json", ".lock"]


def test_a_record_of_another_source_is_not_ours(source: Path, heard: Heard):
    """As it would be if two names had one hash."""
    record = glovestore.open(source).path.with_suffix(".json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "source": "/another"}))
    glovestore.open(source)
    assert heard.builds == 2


# ----- what is no file


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, cache: Path):
    os.mkfifo(tmp_path / "pipe")
    for build in (True, False):
        with (
            no_longer_than(10),
            pytest.raises(StoreFormatError, match=r"expected a regular file, got a pipe or a device"),
        ):
            glovestore.open(tmp_path / "pipe", build=build)
    assert not cache.exists()


def test_a_device_and_standard_input(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(StoreFormatError, match=r"/dev/null: expected a regular file, got a pipe or a device.* first"):
        glovestore.open("/dev/null")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreFormatError, match=r"-: expected a file, got standard input.*\n    glovestore build - "):
        glovestore.open("-")
    with pytest.raises(IsADirectoryError, match=r"expected a store or a vectors file, got a directory: name the file"):
        glovestore.open(tmp_path)
    assert not cache.exists()


# ----- elsewhere


class Remote:
    """A source elsewhere, as `remote.find` gives it."""

    address = "https://host/v.txt"

    def __init__(self, content: bytes, sha256: str = "0") -> None:
        self.identity = f"{self.address} sha256:{sha256}"
        self.content = content
        self.fetched: list[Path] = []

    def fetch(self, folder: Path, progress: bool) -> Path:
        assert folder.is_dir()
        assert not self.fetched or (folder / "part").exists()
        (folder / "part").write_bytes(b"")
        (folder / "v.txt").write_bytes(self.content)
        self.fetched.append(folder / "v.txt")
        return folder / "v.txt"


def test_a_source_elsewhere_is_fetched_once_and_not_kept(heard: Heard, cache: Path):
    remote = Remote(TEXT)
    for _ in range(2):
        assert open_remote(remote)["and"].tolist() == [5, 6]
    assert len(remote.fetched) == heard.builds == 1
    assert suffixes(cache) == [".h5", ".json", ".lock"]
    (entry,) = glovestore.cache.entries()
    assert (entry.source, entry.state) == (remote.address, "current")
    other = Remote(OTHER, sha256="1")
    assert open_remote(other)["and"].tolist() == [5, 7]
    assert (len(remote.fetched), len(other.fetched), heard.builds) == (1, 1, 2)
    assert glovestore.cache.clear([remote.address]).entries == 1
    assert glovestore.cache.entries() == []


def open_remote(remote: Remote) -> EmbeddingStore:
    return open_cached(FetchedFile(remote))


def test_what_was_fetched_stays_until_it_is_built(cache: Path):
    remote = Remote(b"bad\n")
    with pytest.raises(TextFormatError):
        open_remote(remote)
    assert suffixes(cache) == [".download", ".lock"]
    (entry,) = glovestore.cache.entries()
    assert (entry.source, entry.state, entry.nbytes, entry.built) == (None, "incomplete", 4, None)
    remote.content = TEXT
    open_remote(remote)
    assert suffixes(cache) == [".h5", ".json", ".lock"]
