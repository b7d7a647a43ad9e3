"""`glovestore cache`, and the other verbs with a vectors file in the place of a store."""

from __future__ import annotations

import logging
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cache_scene import OTHER, TEXT, listening, suffixes
from filelock import FileLock
from test_cli import as_json, run

import glovestore
from glovestore.cache.folder import place_of


@pytest.fixture
def source(tmp_path: Path, cache: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(TEXT)
    return path


# ----- the verbs take a vectors file


def test_every_verb_takes_a_vectors_file_and_it_is_built_once(source: Path, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(b"of\nand\n")
    with listening() as heard:
        assert as_json("info", source)["rows"] == 3
        assert run("get", source, "of").stdout == "of 3 4\n"
        assert as_json("nearest", source, "the", "-k", "1")["results"][0]["nearest"][0]["token"] == "of"
        assert as_json("matrix", source, tmp_path / "vocab.txt", "-o", tmp_path / "m.npy")["shape"] == [2, 2]
        assert as_json("coverage", source, tmp_path / "vocab.txt")["missing"] == 0
        assert as_json("coverage", "--text", tmp_path / "vocab.txt", "--store", source)["missing"] == 0
    assert heard.builds == 1


def test_verify_builds_nothing(source: Path, cache: Path) -> None:
    run("verify", source, code=1)
    assert not cache.exists()


def test_a_bad_vectors_file_is_one_line(source: Path) -> None:
    source.write_bytes(b"a 1 2\nb 1 x\n")
    assert run("info", source, code=1).stderr == (
        f"glovestore: error: {source}:2:5: expected a number, got 'x';"
        " it does not start like a store, and was read as a vectors file (`glovestore build` takes options)\n"
    )


def test_a_member_of_what_is_no_archive_is_one_line(source: Path) -> None:
    stderr = run("info", f"{source}#x", code=1).stderr
    assert (
        stderr == f"glovestore: error: {source}: expected a zip archive to take the member 'x' from, got none (text)\n"
    )


def test_an_unusable_folder_is_a_message_that_says_what_to_do(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOVESTORE_CACHE", str(source))
    assert run("info", source, code=1).stderr == (
        f"glovestore: error: {source}: expected to write the store of {source} into this folder, got: File exists;"
        " set GLOVESTORE_CACHE to another folder, or build the store yourself:\n"
        f"    glovestore build {source} {source.with_suffix('.h5')}\n"
    )


@pytest.fixture
def quiet_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("glovestore")
    before = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:], logger.level = before


def test_on_a_terminal_it_says_what_is_built(
    source: Path, monkeypatch: pytest.MonkeyPatch, quiet_logger: logging.Logger
) -> None:
    assert run("info", source).stderr == ""
    os.utime(source, ns=(1, 1))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    for _ in range(2):
        stderr = run("get", source, "of").stderr
        os.utime(source, ns=(2, 2))
        assert stderr.startswith(f"glovestore: building a store of {source} in the cache: ")
        assert stderr.count("building a store of") == 1


# ----- where, list, clear


def test_where(cache: Path) -> None:
    assert run("cache", "where").stdout == f"{cache}\n"
    assert as_json("cache", "where") == {"path": str(cache)}
    assert not cache.exists()


def test_an_empty_cache(cache: Path) -> None:
    assert run("cache", "list").stdout == f"0 entries, 0 bytes in {cache}\n"
    assert as_json("cache", "list") == {"path": str(cache), "entries": []}
    assert run("cache", "clear").stdout == "freed 0 bytes: 0 entries\n"
    assert as_json("cache", "clear") == {"entries": 0, "nbytes": 0, "busy": [], "absent": []}
    assert not cache.exists()


def test_list(source: Path, cache: Path, tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("changed.txt", "gone.txt", "lost.txt")]
    for path in others:
        path.write_bytes(OTHER)
        glovestore.open(path)
    stored = glovestore.open(source)
    os.utime(others[0], ns=(1, 1))
    others[1].unlink()
    glovestore.open(others[2]).path.unlink()
    size = sum(path.stat().st_size for path in cache.glob("vectors.txt-*"))

    listed = as_json("cache", "list")["entries"]
    states = {entry["source"]: entry["state"] for entry in listed}
    assert states == {
        str(source): "current",
        str(others[0]): "changed",
        str(others[1]): "gone",
        str(others[2]): "incomplete",
    }
    one = listed[-1]
    status = stored.path.stat()
    assert (one["path"], one["rows"], one["dim"], one["nbytes"]) == (str(stored.path), 3, 2, size)
    assert (one["built"], one["used"]) == (status.st_mtime, status.st_atime)

    lines = run("cache", "list").stdout.splitlines()
    assert re.split(r"  +", lines[0]) == ["state", "rows x dim", "size", "built", "used", "source"]
    time = r"\d\d\d\d-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(rf"current +3 x 2 +86\.\d kB  {time}  {time}  {source}", lines[4])
    assert re.fullmatch(rf"incomplete +3 x 2 +2\d\d bytes  \? +\?  +{others[2]}", lines[3])
    assert re.fullmatch(rf"4 entries, 2\d\d\.\d kB in {cache}", lines[5])


def test_clear_all(source: Path, cache: Path) -> None:
    path = glovestore.open(source).path
    size = sum(path.stat().st_size for path in cache.iterdir())
    assert run("cache", "clear").stdout == f"freed {size / 1000:.1f} kB: 1 entry\n"
    assert not path.exists()
    assert os.listdir(cache) == []


def test_clear_some(source: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.txt"
    other.write_bytes(OTHER)
    glovestore.open(source)
    glovestore.open(other)
    result = run("cache", "clear", other, tmp_path / "none.txt", code=1)
    assert result.stdout.startswith("freed 86.")
    assert result.stderr == f"glovestore: error: not in the cache: {tmp_path / 'none.txt'}\n"
    assert [entry.source for entry in glovestore.cache.entries()] == [str(source)]
    monkeypatch.chdir(tmp_path)
    source.unlink()
    assert as_json("cache", "clear", "vectors.txt")["entries"] == 1
    assert os.listdir(cache) == []


def test_clear_what_is_stale(source: Path, cache: Path, tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("changed.txt", "gone.txt")]
    for path in (source, *others):
        path.write_bytes(TEXT)
        glovestore.open(path)
    others[0].write_bytes(OTHER * 2)
    others[1].unlink()
    assert as_json("cache", "clear", source, "--stale")["entries"] == 0
    assert as_json("cache", "clear", "--stale")["entries"] == 2
    assert [entry.source for entry in glovestore.cache.entries()] == [str(source)]
    assert suffixes(cache) == [".h5", ".json", ".lock"]


def test_an_archive_stands_for_its_members(cache: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("1.txt", TEXT)
        file.writestr("2.txt", OTHER)
    (tmp_path / "link.zip").symlink_to(tmp_path / "a.zip")
    for name in ("1.txt", "2.txt"):
        glovestore.open(f"{tmp_path}/a.zip#{name}")
    assert as_json("cache", "clear", f"{tmp_path}/link.zip#1.txt")["entries"] == 1
    glovestore.open(f"{tmp_path}/a.zip#1.txt")
    assert as_json("cache", "clear", tmp_path / "link.zip")["entries"] == 2


def test_clear_while_it_is_built(source: Path) -> None:
    glovestore.open(source)
    with FileLock(place_of(str(source)).lock):
        result = run("cache", "clear", code=1)
    assert result.stdout == "freed 0 bytes: 0 entries\n"
    assert result.stderr == f"glovestore: error: being built, and left alone: {source}\n"


def test_what_is_not_the_caches_own_stays(source: Path, cache: Path, tmp_path: Path) -> None:
    glovestore.open(source)
    digits = "0123456789abcdef"
    foreign = ["notes.txt", "glove.h5", "glove.json", f"x-{digits}.txt", f"x-{digits[:-1]}.h5", f".x-{digits}.h5.0.tmp"]
    for name in foreign:
        (cache / name).write_bytes(b"mine")
    for name in (f"folder-{digits}.h5", f"folder-{digits}.json", "sub"):
        (cache / name).mkdir()
    (cache / f"link-{digits}.h5").symlink_to(source)
    (cache / f"link-{digits}.download").symlink_to(tmp_path, target_is_directory=True)
    (cache / f"file-{digits}.download").write_bytes(b"mine")
    assert len(glovestore.cache.entries()) == 1
    assert glovestore.cache.clear().entries == 1
    kept = {*foreign, f"folder-{digits}.h5", f"folder-{digits}.json", "sub", f"link-{digits}.h5"}
    kept |= {f"link-{digits}.download", f"file-{digits}.download"}
    assert {*os.listdir(cache)} == kept
    assert source.read_bytes() == TEXT


def test_clear_removes_downloads(source: Path, cache: Path) -> None:
    glovestore.open(source)
    folder = Path(place_of(str(source)).download)
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "part").write_bytes(b"12345")
    (entry,) = glovestore.cache.entries()
    assert entry.nbytes == sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert glovestore.cache.clear().nbytes == entry.nbytes
    assert os.listdir(cache) == []


def test_subcommands_have_examples() -> None:
    for verb in ("where", "list", "clear"):
        assert f"\n    glovestore cache {verb}" in run("cache", verb, "-h").stdout


def test_names(cache: Path) -> None:
    assert dir(glovestore.cache) == ["Cleared", "Entry", "clear", "entries", "where"]
    with pytest.raises(AttributeError, match=r"module 'glovestore\.cache' has no attribute 'nothing'"):
        glovestore.cache.nothing  # noqa: B018
