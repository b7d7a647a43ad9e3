"""open() of a vectors file: built once, mapped from then on, and built again for another content, never for nothing."""

from __future__ import annotations

import gzip
import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cache_scene import OTHER, TEXT, Heard, suffixes

import glovestore
from glovestore import EmbeddingStore, GlovestoreError, StoreFormatError, TextFormatError
from glovestore.cache.folder import OWN_FILE
from glovestore.cache.origins import BLOCK, BLOCKS, LocalFile


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
    assert [at for at, _ in read[:1]] == [0][:size]
    assert [sum(place) for place in read[-1:]] == [size][:size]


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
