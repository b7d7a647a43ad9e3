"""open() of a vectors file: built once, mapped from then on, and built again for another content, never for nothing."""

from __future__ import annotations

import errno
import gzip
import json
import os
import pickle
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cache_scene import OTHER, TEXT, Heard, listening, suffixes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_build_target import no_longer_than, without_privileges

import glovestore
from glovestore import EmbeddingStore, GlovestoreError, StoreFormatError, TextFormatError
from glovestore.cache.folder import OWN_FILE, place_of
from glovestore.cache.opening import open_cached
from glovestore.cache.origins import BLOCK, BLOCKS, FetchedFile, LocalFile
from glovestore.cache.record import read_record


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLOVESTORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def heard(cache: Path) -> Iterator[Heard]:
    with listening() as messages:
        yield messages


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(TEXT)
    return path


# ----- once


def test_it_is_built_once_and_mapped_from_then_on(source: Path, cache: Path, heard: Heard):
    first = glovestore.open(source)
    again = glovestore.open(str(source))
    assert type(first) is EmbeddingStore
    assert first["and"].tolist() == again["and"].tolist() == [5, 6]
    assert first == again
    assert first.path.parent == cache
    assert re.fullmatch(r"vectors\.txt-[0-9a-f]{16}\.h5", first.path.name)
    assert heard.builds == 1
    assert heard.messages[0] == f"building a store of {source} in the cache: {first.path}"
    assert re.fullmatch(rf"built {first.path}: 3 rows x 2 in \d+\.\d\d s", heard.messages[1])
    assert suffixes(cache) == [".h5", ".json", ".lock"]


def test_it_is_what_build_makes_of_it(source: Path, cache: Path, tmp_path: Path):
    glovestore.build(source, tmp_path / "built.h5")
    assert glovestore.open(source).path.read_bytes() == (tmp_path / "built.h5").read_bytes()


def test_in_memory(source: Path, cache: Path):
    built, found = glovestore.open(source, copy=True), glovestore.open(source, copy=True)
    found.path.write_bytes(b"")
    assert built["of"].tolist() == found["of"].tolist() == [3, 4]


def test_a_hit_takes_no_lock_and_writes_nothing(source: Path, heard: Heard, cache: Path):
    glovestore.open(source)
    (lock,) = cache.glob("*.lock")
    lock.unlink()
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    with glovestore.open(source) as store:
        assert store["the"].tolist() == [1, 2]
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == before


def test_build_false_wants_a_store_even_where_one_is_cached(source: Path, cache: Path):
    store = glovestore.open(source)
    with pytest.raises(StoreFormatError, match="expected a glovestore file") as caught:
        glovestore.open(source, build=False)
    assert caught.value.path == str(source)
    assert glovestore.open(store.path, build=False) == store
    with pytest.raises(StoreFormatError, match="not a glovestore file"):
        EmbeddingStore(source)


def test_what_is_no_vectors_file_leaves_nothing_but_a_lock(source: Path, cache: Path):
    source.write_bytes(b"a 1 2\nb 3 x\n")
    with pytest.raises(TextFormatError, match=rf"{source}:2:5: expected a number, got 'x'") as caught:
        glovestore.open(source)
    assert caught.value.__notes__ == [
        "it does not start like a store, and was read as a vectors file (`glovestore build` takes options)"
    ]
    assert suffixes(cache) == [".lock"]
    source.write_bytes(TEXT)
    assert len(glovestore.open(source)) == 3


# ----- changed sources


def rewrite(source: Path) -> None:
    source.write_bytes(TEXT + b"new 9 9\n")


def touch(source: Path) -> None:
    os.utime(source, ns=(1, 1))


def rewrite_with_the_same_size_and_time(source: Path) -> None:
    time = source.stat().st_mtime_ns
    source.write_bytes(OTHER)
    os.utime(source, ns=(time, time))


@pytest.mark.parametrize("change", [rewrite, touch, rewrite_with_the_same_size_and_time])
def test_a_changed_source_is_built_again(source: Path, heard: Heard, cache: Path, change: Callable[[Path], None]):
    old = glovestore.open(source)
    change(source)
    new = glovestore.open(source)
    glovestore.build(source, source.with_suffix(".h5"))
    assert new.path == old.path
    assert new.path.read_bytes() == source.with_suffix(".h5").read_bytes()
    assert old["and"].tolist() == [5, 6]  # whoever has the old one keeps it
    assert glovestore.open(source).fingerprint == new.fingerprint
    assert heard.builds == 2
    assert suffixes(cache) == [".h5", ".json", ".lock"]


def test_a_source_that_was_moved_away_and_replaced(source: Path, heard: Heard):
    """The file counts, not its inode: an equal one in its place, with its time, is the same source."""
    glovestore.open(source)
    shutil.copy2(source, source.with_suffix(".copy"))
    os.replace(source.with_suffix(".copy"), source)
    glovestore.open(source)
    assert heard.builds == 1


def test_a_renamed_source_is_another_one(source: Path, heard: Heard):
    old = glovestore.open(source)
    source = source.rename(source.with_name("renamed.txt"))
    new = glovestore.open(source)
    assert heard.builds == 2
    assert new.path != old.path
    assert new["and"].tolist() == [5, 6]


def test_a_removed_source_is_not_found(source: Path, cache: Path):
    glovestore.open(source)
    source.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        glovestore.open(source)
    assert caught.value.filename == str(source)


def test_a_source_that_became_a_store_is_that_store(source: Path, cache: Path, tmp_path: Path):
    glovestore.build(source, tmp_path / "built.h5")
    glovestore.open(source)
    os.replace(tmp_path / "built.h5", source)
    assert glovestore.open(source).path == source


ROW = b"token%06d %03d.5\n"
LENGTH = len(ROW % (0, 0))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.txt"
    path.write_bytes(b"".join(ROW % (row, row % 1000) for row in range(30_000)))
    assert path.stat().st_size > 2 * BLOCK * BLOCKS
    return path


def change_one_digit(path: Path, row: int) -> None:
    """Make .6 of a row's .5, and leave size and time as they were."""
    time = path.stat().st_mtime_ns
    with path.open("r+b") as file:
        file.seek((row + 1) * LENGTH - 2)
        file.write(b"6")
    os.utime(path, ns=(time, time))


def rows_in_the_sample(path: Path) -> list[int]:
    """Return the rows whose last digit is in the sample."""
    last = path.stat().st_size - BLOCK
    starts = [last * i // (BLOCKS - 1) for i in range(BLOCKS)]
    return [row for row in range(30_000) if any(0 <= (row + 1) * LENGTH - 2 - start < BLOCK for start in starts)]


def test_a_change_inside_the_sample_is_seen(large: Path, heard: Heard):
    rows = rows_in_the_sample(large)
    glovestore.open(large)
    for row in (rows[0], rows[len(rows) // 2], rows[-1]):
        change_one_digit(large, row)
        with glovestore.open(large) as store:
            assert store.vectors[row, 0] == pytest.approx(row % 1000 + 0.6)
    assert heard.builds == 4


def test_a_change_beside_the_sample_takes_a_look_at_every_byte(large: Path, heard: Heard):
    row = min({*range(30_000)} - {*rows_in_the_sample(large)})
    glovestore.open(large)
    change_one_digit(large, row)
    assert glovestore.open(large).vectors[row].tolist() == [row % 1000 + 0.5]
    for _ in range(2):  # the second time, what was built is known down to its bytes
        with glovestore.open(large, verify_source=True) as store:
            assert store.vectors[row, 0] == pytest.approx(row % 1000 + 0.6)
    assert heard.builds == 2
    change_one_digit(large, row + 1)
    glovestore.open(large)
    assert heard.builds == 2
    glovestore.open(large, verify_source=True)
    assert heard.builds == 3


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK * BLOCKS - 1, BLOCK * BLOCKS, BLOCK * BLOCKS + 1, 10**6 + 7])
def test_the_sample_reads_blocks_from_the_first_to_the_last(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch):
    path, read = tmp_path / "file", []
    path.write_bytes(bytes(size))
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, count, at: read.append((at, count)) or pread(fd, count, at))
    stamp = LocalFile(path).stamp(whole=False)
    assert stamp["size"] == size
    assert sum(count for _, count in read) == min(size, BLOCK * BLOCKS)
    assert read[0][0] == 0
    assert sum(read[-1]) == size


def test_a_large_file_is_not_read_for_a_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "hole"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(os, "read", lambda *arguments: pytest.fail("read"))
    assert LocalFile(path).stamp(whole=False)["size"] == 1 << 40


# ----- names


def test_links_lead_to_one_entry(source: Path, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "link.txt").symlink_to(source)
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    spellings = [source, tmp_path / "link.txt", tmp_path / "folder" / "vectors.txt", "vectors.txt", "./folder/link.txt"]
    assert len({glovestore.open(path).path for path in spellings}) == 1
    assert heard.builds == 1


def test_equal_base_names_are_two_entries(tmp_path: Path, heard: Heard):
    for name, text in (("a", TEXT), ("b", OTHER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vectors.txt").write_bytes(text)
    for _ in range(2):
        assert glovestore.open(tmp_path / "a" / "vectors.txt")["and"].tolist() == [5, 6]
        assert glovestore.open(tmp_path / "b" / "vectors.txt")["and"].tolist() == [5, 7]
    assert heard.builds == 2


ODD_NAMES = ["v" * 250 + ".txt", os.fsdecode(b"\xff\xfe.txt"), "ß \n🐈.txt", ".hidden", "...", "a#b", "-", "x.h5", "%s"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(tmp_path: Path, heard: Heard, cache: Path, name: str):
    (tmp_path / name).write_bytes(TEXT)
    for _ in range(2):
        assert glovestore.open(tmp_path / name)["of"].tolist() == [3, 4]
    assert heard.builds == 1
    assert all(OWN_FILE.fullmatch(file) and not file.startswith(".") for file in os.listdir(cache))
    (entry,) = glovestore.cache.entries()
    assert entry.source == str(tmp_path / name)
    assert glovestore.cache.clear([tmp_path / name]).entries == 1


def test_a_deep_folder(tmp_path: Path, heard: Heard):
    folder = tmp_path.joinpath(*["d" * 200] * 15)
    folder.mkdir(parents=True)
    (folder / "vectors.txt").write_bytes(TEXT)
    for _ in range(2):
        assert len(glovestore.open(folder / "vectors.txt")) == 3
    assert heard.builds == 1


# ----- archives


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "glove.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("glove.1.txt", TEXT)
        file.writestr("folder/glove.2.txt", OTHER)
    return tmp_path / "glove.zip"


def test_members_of_an_archive(archive: Path, heard: Heard):
    for _ in range(2):
        assert glovestore.open(f"{archive}#glove.1.txt")["and"].tolist() == [5, 6]
        assert glovestore.open(f"{archive}#folder/glove.2.txt")["and"].tolist() == [5, 7]
    assert heard.builds == 2
    assert {entry.source for entry in glovestore.cache.entries()} == {
        f"{archive}#glove.1.txt",
        f"{archive}#folder/glove.2.txt",
    }
    os.utime(archive, ns=(1, 1))
    glovestore.open(f"{archive}#glove.1.txt")
    assert heard.builds == 3


def test_a_compressed_file(tmp_path: Path, heard: Heard):
    (tmp_path / "vectors.txt.gz").write_bytes(gzip.compress(TEXT))
    for _ in range(2):
        assert len(glovestore.open(tmp_path / "vectors.txt.gz")) == 3
    assert heard.builds == 1


def test_what_the_archive_lacks(archive: Path, source: Path):
    with pytest.raises(TextFormatError, match=r"expected one file 'x' in the archive, got none; it holds 2"):
        glovestore.open(f"{archive}#x")
    with pytest.raises(TextFormatError, match=r"expected one file in the archive, got 2: .*; name one: member="):
        glovestore.open(archive)
    with pytest.raises(GlovestoreError, match=r"expected a zip archive to take the member 'x' from, got none"):
        glovestore.open(f"{source}#x")
    with pytest.raises(FileNotFoundError, match=r"none\.zip#x"):
        glovestore.open(f"{archive.parent}/none.zip#x")
    with pytest.raises(FileNotFoundError, match=r"glove\.zip#glove\.1\.txt"):
        glovestore.open(f"{archive}#glove.1.txt", build=False)


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
    "fingerprint": "0" * 16,
    "rows": 1,
    "dim": 2,
}
BAD_RECORDS: list[object] = [
    None, [], 1, "x", {}, {**RECORD, "version": 2}, {**RECORD, "version": True}, {**RECORD, "more": 1},
    {**RECORD, "path": 1},
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


# ----- elsewhere


class Remote:
    """A source elsewhere, as `remote.find` gives it."""

    def __init__(self, content: bytes, identity: str = "https://host/v.txt sha256:0") -> None:
        self.identity = identity
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
    assert (entry.source, entry.state) == (remote.identity, "current")
    other = Remote(OTHER, "https://host/v.txt sha256:1")
    assert open_remote(other)["and"].tolist() == [5, 7]
    assert glovestore.cache.clear([remote.identity]).entries == 1
    assert [entry.source for entry in glovestore.cache.entries()] == [other.identity]


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


# ----- pickles


def test_a_pickled_store_comes_back_from_the_cache(source: Path, cache: Path):
    data = pickle.dumps(glovestore.open(source))
    assert pickle.loads(data)["and"].tolist() == [5, 6]
    source.write_bytes(OTHER * 2)
    new = glovestore.open(source)
    with pytest.raises(
        StoreFormatError, match=rf"expected fingerprint .*, got {new.fingerprint}: another store in its"
    ):
        pickle.loads(data)
    glovestore.cache.clear()
    with pytest.raises(FileNotFoundError, match=r"expected the pickled store with fingerprint .*, got no file"):
        pickle.loads(data)


# ----- the folder


def test_the_folder_is_made_for_the_user_alone(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_CACHE", str(tmp_path / "a" / "b"))
    glovestore.open(source)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "c").mkdir(mode=0o755)
    monkeypatch.setenv("GLOVESTORE_CACHE", str(tmp_path / "c"))
    glovestore.open(source)
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o755


def test_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GLOVESTORE_CACHE", "~/vectors")
    assert glovestore.cache.where() == tmp_path / "vectors"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOVESTORE_CACHE", "vectors")
    assert glovestore.cache.where() == tmp_path / "vectors"
    for unset in (lambda: monkeypatch.setenv("GLOVESTORE_CACHE", ""), lambda: monkeypatch.delenv("GLOVESTORE_CACHE")):
        unset()
        assert glovestore.cache.where() == Path(platformdirs.user_cache_dir("glovestore"))
        assert glovestore.cache.where().is_relative_to(tmp_path)
    assert not glovestore.cache.where().exists()  # asking makes nothing
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: f"~/.cache/{name}")
    with pytest.raises(
        FileNotFoundError, match=r"expected a home folder for the cache, got '~/.cache/glovestore': set"
    ):
        glovestore.cache.where()


WHAT_TO_DO = (
    r"expected to write the store of {} into this folder, got: {}; set GLOVESTORE_CACHE to another folder, or build"
)


@pytest.mark.parametrize(
    ("below", "kind", "problem"), [("", FileExistsError, "File exists"), ("/x", NotADirectoryError, "Not a")]
)
def test_a_file_in_the_place_of_the_folder(
    source: Path, monkeypatch: pytest.MonkeyPatch, below: str, kind: type[OSError], problem: str
):
    monkeypatch.setenv("GLOVESTORE_CACHE", f"{source}{below}")
    with pytest.raises(
        kind, match=f"{source}{below}: expected to write the store of {source} into this folder, got: {problem}"
    ):
        glovestore.open(source)
    assert glovestore.cache.entries() == []


@pytest.mark.parametrize("with_lock", [False, True])
def test_a_folder_that_may_not_be_written(
    source: Path, tmp_path: Path, with_lock: bool, monkeypatch: pytest.MonkeyPatch
):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        source = Path(name) / "vectors.txt"
        source.write_bytes(TEXT)
        source.chmod(0o644)
        folder = Path(name) / "cache"
        folder.mkdir()
        if with_lock:
            lock = Path(place_of(str(source)).lock)
            (folder / lock.name).touch(0o666)
            (folder / lock.name).chmod(0o666)
        monkeypatch.setenv("GLOVESTORE_CACHE", str(folder))
        Path(name).chmod(0o755)
        folder.chmod(0o555)
        with without_privileges(), pytest.raises(PermissionError) as caught:
            glovestore.open(source)
        message = str(caught.value)
        assert message.startswith(f"{folder}: expected to write the store of {source} into this folder, got: ")
        assert "ermission" in message
        assert message.endswith(
            "; set GLOVESTORE_CACHE to another folder, or build the store yourself:\n"
            f"    glovestore build {source} {source.with_suffix('.h5')}"
        )
        folder.chmod(0o755)
        glovestore.open(source)
        folder.chmod(0o555)
        with without_privileges(), glovestore.open(source) as store:  # a hit needs no more than to read
            assert len(store) == 3


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("call", ["pwrite", "replace", "fsync"])
def test_a_full_disk(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str):
    def refuse(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(
            OSError, match=f"{cache}: expected to write .*got: {os.strerror(code)}; set GLOVE"
        ) as caught:
            glovestore.open(source)
    assert caught.value.errno == code
    assert suffixes(cache) == [".lock"]
    assert len(glovestore.open(source)) == 3


def test_other_errors_are_what_they_are(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(OSError, match=r"^\[Errno 5\]"):
        glovestore.open(source)


# ----- progress


@pytest.mark.parametrize(
    ("progress", "terminal", "shown"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_a_bar_on_a_terminal(
    source: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    progress: bool | None,
    terminal: bool,
    shown: bool,
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    glovestore.open(source, progress=progress)
    assert ("vectors.txt: 100%" in capsys.readouterr().err) == shown


def test_without_standard_error(source: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stderr", None)
    assert len(glovestore.open(source)) == 3


def test_hits_load_neither_locks_nor_readers(source: Path, cache: Path):
    glovestore.open(source)
    code = "import sys, glovestore; glovestore.open(sys.argv[1]); print(*(n for n in sys.argv[2:] if n in sys.modules))"
    heavy = ["filelock", "h5py", "logging", "dataclasses", "glovestore.building", "platformdirs", "shutil"]
    command = [sys.executable, "-P", "-c", code, str(source), *heavy]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
