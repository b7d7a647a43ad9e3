"""Where the cache is, what is said where it cannot be written, and what a user sees and waits for."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cache_scene import TEXT, suffixes
from test_build_target import without_privileges

import glovestore
from glovestore.cache.folder import place_of


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(TEXT)
    return path


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
