"""zip archives: which member is meant, and its text whole or an error."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from packing import LONG_TEXT, TEXT, ZIP_METHODS, error_of, read_source, zip_of, zip_through_pipe

from glovestore.streams.decoding import PIECE
from glovestore.streams.files import open_source

STUB = b"#!/bin/sh\nexec unzip $0\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.zip"


# --------------------------------------------------------------------- whole


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("method", ZIP_METHODS.values(), ids=ZIP_METHODS)
@pytest.mark.parametrize("text", [b"a", TEXT, LONG_TEXT, bytes(3 * PIECE + 1)], ids=["a", "text", "long", "zeros"])
def test_a_member_comes_out_as_it_went_in(path: Path, method: int, text: bytes):
    path.write_bytes(zip_of({"folder/": b"", "folder/glove.txt": text}, method))
    with open_source(path) as source:
        assert source.path == f"{path}#folder/glove.txt"
        assert source.name == "glove.zip#folder/glove.txt"
        with zipfile.ZipFile(path) as archive:
            assert source.size == archive.getinfo("folder/glove.txt").compress_size
        assert (source.regular, source.fileno(), source.head, source.position) == (False, None, b"", 0)
    assert read_source(path) == text


def test_an_empty_member_that_is_named(path: Path):
    path.write_bytes(zip_of({"empty.txt": b"", "glove.txt": TEXT}))
    assert read_source(path, "empty.txt") == b""
    assert read_source(path) == TEXT


@pytest.mark.parametrize("stub", [STUB, b"MZ" + bytes(100_000)])
def test_an_archive_that_unpacks_itself(path: Path, stub: bytes):
    packed = zip_of({"a.txt": TEXT, "b.txt": LONG_TEXT})
    path.write_bytes(stub + packed)
    assert read_source(path, "b.txt") == LONG_TEXT  # its offsets count from behind the stub
    path.write_bytes(stub)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", TEXT)
    assert read_source(path) == TEXT  # its offsets count from the start of the file


def test_an_archive_with_a_comment(path: Path):
    path.write_bytes(zip_of({"a.txt": TEXT}, comment=b"x" * 65_535))
    assert read_source(path) == TEXT
    path.write_bytes(STUB + zip_of({"a.txt": TEXT}, comment=b"x" * 65_535))
    assert read_source(path, "a.txt") == TEXT


def test_text_that_holds_the_signatures_of_zip_is_text(path: Path):
    text = TEXT + b"PK\x05\x06 1 2\n"
    path.write_bytes(text)
    assert read_source(path) == text


def test_zip64(path: Path, monkeypatch: pytest.MonkeyPatch):
    """The archive has what one of more than 4 GiB or 65,535 members has."""
    file = BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 10)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("a.txt", "b.txt"):
                with archive.open(name, "w", force_zip64=True) as member:
                    member.write(LONG_TEXT)
    content = file.getvalue()
    assert b"PK\x06\x06" in content and content.count(b"\xff" * 8) >= 2
    path.write_bytes(content)
    assert read_source(path, "b.txt") == LONG_TEXT
    path.write_bytes(STUB + content)
    assert read_source(path, "b.txt") == LONG_TEXT


def test_sizes_that_stand_behind_the_data(path: Path):
    """An archive written to a pipe: the local header says 0, the directory knows."""
    path.write_bytes(zip_through_pipe({"a.txt": TEXT}))
    assert read_source(path) == TEXT


# ------------------------------------------------------------- which member

MANY = {
    "glove/": b"",
    "glove/a.txt": b"1",
    "glove/b.txt": b"2",
    "other/b.txt": b"3",
    "c#d.txt": b"4",
    ".hidden": b"5",
    "__MACOSX/glove/._a.txt": b"6",
    "empty": b"",
}


def test_the_only_candidate(path: Path):
    path.write_bytes(zip_of({name: text for name, text in MANY.items() if name not in ("glove/b.txt", "other/b.txt")}))
    assert error_of(path, path.read_bytes()).startswith(
        "expected one file in the archive, got 2: glove/a.txt, c#d.txt;"
    )
    path.write_bytes(zip_of({"__MACOSX/": b"", "x/": b"", ".x": b"1", "__MACOSX/x": b"1", "x/y": TEXT, "x/.y": b"1"}))
    assert read_source(path) == TEXT


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("glove/a.txt", b"1"),
        ("a.txt", b"1"),
        ("glove/b.txt", b"2"),
        ("other/b.txt", b"3"),
        ("c#d.txt", b"4"),
        (".hidden", b"5"),
        ("__MACOSX/glove/._a.txt", b"6"),
        ("empty", b""),
    ],
)
def test_a_member_by_name(path: Path, name: str, text: bytes):
    path.write_bytes(zip_of(MANY))
    assert read_source(path, name) == text
    assert read_source(path.parent / f"glove.zip#{name}") == text


def test_a_file_with_that_very_name_comes_first(path: Path):
    path.write_bytes(zip_of({"a.txt": b"member"}))
    path.with_name("glove.zip#a.txt").write_bytes(b"file")
    assert read_source(path.with_name("glove.zip#a.txt")) == b"file"
    assert read_source(path, "a.txt") == b"member"


def test_the_longest_name_of_a_file_is_the_archive(path: Path):
    path.write_bytes(zip_of({"x#y": b"short"}))
    path.with_name("glove.zip#x").write_bytes(zip_of({"y": b"long"}))
    assert read_source(path.with_name("glove.zip#x#y")) == b"long"
    path.with_name("glove.zip#x").unlink()
    assert read_source(path.with_name("glove.zip#x#y")) == b"short"


@pytest.mark.parametrize("name", ["missing.zip#a.txt", "glove.zip#", "#", "."])
def test_no_member_and_no_such_file(path: Path, name: str):
    path.write_bytes(zip_of({"a.txt": b"1"}))
    with pytest.raises((FileNotFoundError, IsADirectoryError)):
        open_source(path.with_name("x").parent / name)


def test_several_candidates(path: Path):
    assert error_of(path, zip_of(MANY)) == (
        "expected one file in the archive, got 4: glove/a.txt, glove/b.txt, other/b.txt, c#d.txt; name one:"
        f" member='glove/a.txt', or {path}#glove/a.txt"
    )
    assert error_of(path, zip_of(MANY), "b.txt") == (
        "expected one file 'b.txt' in the archive, got 2: glove/b.txt, other/b.txt; name one: member='glove/b.txt', or"
        f" {path}#glove/b.txt"
    )
    twenty = {f"{number}.txt": b"1" for number in range(20)}
    assert "got 20: 0.txt, 1.txt" in error_of(path, zip_of(twenty))
    assert " 19.txt; name one" in error_of(path, zip_of(twenty))
    assert " 19.txt and 3 more; name one" in error_of(path, zip_of({**twenty, "20": b"1", "21": b"1", "22": b"1"}))


def test_no_candidate(path: Path):
    assert error_of(path, zip_of({})) == "expected one file in the archive, got none"
    assert error_of(path, zip_of({".x": b"1", "y/": b"", "z": b""})) == "expected one file in the archive, got none"
    assert error_of(path, zip_of({"a": b"1", "b\x1b[2J": b"2"}), "c") == (
        "expected one file 'c' in the archive, got none; it holds 2: a, 'b\\x1b[2J'"
    )
    assert error_of(path, zip_of({}), "c") == "expected one file 'c' in the archive, got none; it holds none"
    assert "got none; it holds 1: a" in error_of(path, zip_of({"a": b"1", "b/": b""}), "b/")


def test_two_members_of_one_name(path: Path):
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"1")
        archive.writestr("a.txt", b"2")
    assert "expected one file 'a.txt' in the archive, got 2: a.txt, a.txt" in error_of(path, path.read_bytes(), "a.txt")
