"""Where a store may appear and where not: files that are no store stay, links are followed, modes are kept."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import glovestore

TEXT = b"the 1 2\nof 3 4\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
def store(tmp_path: Path, source: Path) -> Path:
    path = tmp_path / "store.h5"
    glovestore.build(source, path)
    return path


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Demand that a file and everything beside it stay as they are."""
    before = path.read_bytes(), sorted(os.listdir(path.parent)), path.stat().st_mtime_ns, path.stat().st_ino
    yield
    assert (path.read_bytes(), sorted(os.listdir(path.parent)), path.stat().st_mtime_ns, path.stat().st_ino) == before


# ----- files that stay


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("content", [b"", b"the 1 2\n", bytes(100_000), b"\x89HDF\r\n\x1a\n" + bytes(2000)])
def test_a_file_that_is_no_store_stays(tmp_path: Path, source: Path, content: bytes, overwrite: bool):
    target = tmp_path / "precious"
    target.write_bytes(content)
    with unchanged(target), pytest.raises(FileExistsError, match=r"precious: expected .*, got a file that is no"):
        glovestore.build(source, target, overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_arguments_in_the_wrong_order(tmp_path: Path, source: Path, store: Path, overwrite: bool):
    for given in (tmp_path / "new.h5", store):
        with unchanged(source), unchanged(store), pytest.raises(FileExistsError, match="not a store"):
            glovestore.build(given, source, overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_source_itself(tmp_path: Path, source: Path, overwrite: bool):
    soft, hard = tmp_path / "soft.h5", tmp_path / "hard.h5"
    soft.symlink_to(source)
    hard.hardlink_to(source)
    for target in (source, soft, hard, tmp_path / "." / "vectors.txt"):
        with unchanged(source), pytest.raises(FileExistsError, match="the source itself"):
            glovestore.build(source, target, overwrite=overwrite)


def test_a_store_as_its_own_source(store: Path):
    with unchanged(store), pytest.raises(FileExistsError, match="the source itself"):
        glovestore.build(store, store, overwrite=True)


def test_an_existing_store_stays_unless_overwrite(source: Path, store: Path):
    with unchanged(store), pytest.raises(FileExistsError, match="overwrite=True"):
        glovestore.build(source, store)


def test_overwriting_a_store_leaves_its_readers_alone(source: Path, store: Path):
    opened = glovestore.open(store)
    source.write_bytes(b"and 5 6\nof 7 8\n")
    glovestore.build(source, store, overwrite=True)
    assert opened["the"].tolist() == [1, 2]
    assert opened.rows(["the", "of", "and"]).tolist() == [0, 1, -1]
    assert glovestore.open(store).rows(["the", "of", "and"]).tolist() == [-1, 1, 0]


def test_a_damaged_store_may_be_overwritten(source: Path, store: Path):
    data = store.read_bytes()
    store.write_bytes(data[:20_000])
    glovestore.build(source, store, overwrite=True)
    assert store.read_bytes() == data


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Turn a hang into a failure."""

    def give_up(signal_: int, frame: object) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    old = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def test_a_pipe_or_a_device_as_target(tmp_path: Path, source: Path):
    pipe = tmp_path / "pipe.h5"
    os.mkfifo(pipe)
    for target in (pipe, Path("/dev/null")):
        with no_longer_than(10), pytest.raises(FileExistsError, match="not a store"):
            glovestore.build(source, target, overwrite=True)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# ----- places that are none


def test_a_folder_as_target(tmp_path: Path, source: Path):
    (tmp_path / "folder").mkdir()
    for overwrite in (False, True):
        with pytest.raises(IsADirectoryError, match=r"folder: expected .*, got a directory"):
            glovestore.build(source, tmp_path / "folder", overwrite=overwrite)


def test_a_missing_folder(tmp_path: Path, source: Path):
    with pytest.raises(FileNotFoundError, match=r"expected an existing folder, .*missing"):
        glovestore.build(source, tmp_path / "missing" / "store.h5")
    assert not (tmp_path / "missing").exists()


def test_a_file_where_the_folder_should_be(source: Path):
    with unchanged(source), pytest.raises((FileNotFoundError, NotADirectoryError), match="expected an existing folder"):
        glovestore.build(source, source / "store.h5")


def test_a_missing_source(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="missing"):
        glovestore.build(tmp_path / "missing.txt", tmp_path / "store.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_as_source(tmp_path: Path):
    with pytest.raises(IsADirectoryError, match="expected a file, or a folder of spacy or safetensors, got"):
        glovestore.build(tmp_path, tmp_path / "store.h5")


@contextmanager
def without_privileges() -> Iterator[None]:
    """Become nobody for a while, as root may write anywhere; another user is without privileges already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder(source: Path):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        (folder / "vectors.txt").write_bytes(TEXT)
        folder.chmod(0o555)
        with without_privileges(), pytest.raises(PermissionError, match=r"store\.h5: .*permission.* in " + str(folder)):
            glovestore.build(folder / "vectors.txt", folder / "store.h5")
        assert os.listdir(folder) == ["vectors.txt"]
        folder.chmod(0o755)


def test_a_source_that_may_not_be_read():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vectors.txt").write_bytes(TEXT)
        (folder / "vectors.txt").chmod(0)
        folder.chmod(0o777)
        with without_privileges(), pytest.raises(PermissionError, match=r"vectors\.txt"):
            glovestore.build(folder / "vectors.txt", folder / "store.h5")
        assert os.listdir(folder) == ["vectors.txt"]


def test_a_long_name(tmp_path: Path, source: Path):
    """File systems take 255 bytes; the temporary's name has 22 more than the store's."""
    target = tmp_path / ("s" * 230 + ".h5")
    glovestore.build(source, target)
    assert sorted(os.listdir(tmp_path)) == sorted([target.name, source.name])
    assert glovestore.open(target)["of"].tolist() == [3, 4]


# ----- links and modes


def test_a_link_to_a_store_is_followed(tmp_path: Path, source: Path):
    real, links = tmp_path / "real", tmp_path / "links"
    real.mkdir()
    links.mkdir()
    glovestore.build(source, real / "store.h5")
    (links / "first").symlink_to(links / "second")
    (links / "second").symlink_to(Path("..") / "real" / "store.h5")
    source.write_bytes(b"and 5 6\n")
    report = glovestore.build(source, links / "first", overwrite=True)
    assert sorted(os.listdir(links)) == ["first", "second"]
    assert all((links / name).is_symlink() for name in ("first", "second"))
    assert os.listdir(real) == ["store.h5"]
    assert glovestore.open(real / "store.h5")["and"].tolist() == [5, 6]
    assert Path(report.path) == real / "store.h5"


def test_a_link_to_nothing_yet(tmp_path: Path, source: Path):
    (tmp_path / "link.h5").symlink_to("real.h5")
    glovestore.build(source, tmp_path / "link.h5")
    assert (tmp_path / "link.h5").is_symlink()
    assert not (tmp_path / "real.h5").is_symlink()


def test_a_link_to_a_text_file(tmp_path: Path, source: Path):
    other = tmp_path / "other.txt"
    other.write_bytes(TEXT)
    (tmp_path / "link.h5").symlink_to(other)
    with unchanged(other), pytest.raises(FileExistsError, match="not a store"):
        glovestore.build(source, tmp_path / "link.h5", overwrite=True)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o000, 0o666)])
def test_a_new_store_has_the_mode_of_the_umask(tmp_path: Path, source: Path, umask: int, mode: int):
    old = os.umask(umask)
    try:
        glovestore.build(source, tmp_path / "store.h5")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "store.h5").stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o440, 0o400])
def test_an_overwritten_store_keeps_its_mode(source: Path, store: Path, mode: int):
    store.chmod(mode)
    glovestore.build(source, store, overwrite=True)
    assert stat.S_IMODE(store.stat().st_mode) == mode


# ----- what others left behind


def test_only_dead_builds_of_the_same_target_are_cleaned_up(tmp_path: Path, source: Path):
    names = {
        "dead": ".store.h5.0123456789abcdef.tmp",
        "alive": ".store.h5.00000000000000aa.tmp",
        "of another target": ".store2.h5.0123456789abcdef.tmp",
        "somebody's": ".store.h5.notes.tmp",
        "somebody's too": "store.h5.tmp",
    }
    for name in names.values():
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".store.h5.00000000000000bb.tmp").mkdir()
    (tmp_path / ".store.h5.00000000000000cc.tmp").symlink_to(source)
    with (tmp_path / names["alive"]).open("r+b") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        glovestore.build(source, tmp_path / "store.h5")
    left = set(os.listdir(tmp_path))
    assert names["dead"] not in left
    assert left >= {name for key, name in names.items() if key != "dead"}
    assert source.read_bytes() == TEXT


def test_paths_may_be_str_or_path(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    glovestore.build("vectors.txt", "store.h5")
    glovestore.build(source, "~store.h5")
    with glovestore.open("store.h5") as store:
        assert np.array_equal(store.vectors, [[1, 2], [3, 4]])
        assert store.path == tmp_path / "store.h5"


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_the_longest_names(tmp_path: Path, source: Path, name: str):
    target = tmp_path / "stores" / name
    target.parent.mkdir()
    glovestore.build(source, target)
    glovestore.build(source, target, overwrite=True)
    assert os.listdir(target.parent) == [name]
