"""zip archives that are cut, damaged or hostile: the text whole or an error, in bounded memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packing import TEXT, ZIP_METHODS, error_of, flips, read_source, zip_of

import glovestore
from glovestore import TextFormatError
from glovestore.streams import decoding
from glovestore.streams.decoding import PIECE
from glovestore.streams.files import open_source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.zip"


def patched(content: bytes, local: dict[int, bytes], central: dict[int, bytes]) -> bytes:
    """Return a zip archive of one member with other bytes in its local header and in its directory's entry."""
    changed = bytearray(content)
    for signature, changes in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = content.index(signature)
        for offset, value in changes.items():
            changed[start + offset : start + offset + len(value)] = value
    return bytes(changed)


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("method", ZIP_METHODS.values(), ids=ZIP_METHODS)
def test_every_cut_is_an_error(path: Path, method: int):
    content = zip_of({"glove.txt": TEXT}, method)
    for size in range(4, len(content)):
        assert "directory at its end, got none that can be read (File is not a zip file): was it cut off?" in (
            error_of(path, content[:size])
        )


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("method", ZIP_METHODS.values(), ids=ZIP_METHODS)
def test_every_flipped_bit_is_an_error_or_does_not_matter(path: Path, method: int):
    content, errors = zip_of({"folder/glove.txt": TEXT}, method), 0
    for at, damaged in flips(content):
        path.write_bytes(damaged)
        try:
            assert read_source(path) == TEXT, at
        except TextFormatError:
            errors += 1
    assert errors > 2 * len(content)


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_what_the_directory_says_of_a_member(path: Path, method: int):
    content = zip_of({"a.txt": TEXT}, method)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        crc, size, packed_size = archive.infolist()[0].CRC, len(TEXT), archive.infolist()[0].compress_size
    start = f"expected a sound zip member, got one that cannot be read behind {size} bytes of text: "
    wrong = {16: struct.pack("<I", crc ^ 1)}
    assert error_of(path, patched(content, wrong, wrong)) == (
        start + f"expected CRC-32 {crc ^ 1:08x}, as it says itself, got {crc:08x}"
    )
    for stated in (size - 1, size + 1):
        assert error_of(path, patched(content, {}, {24: struct.pack("<I", stated)})) == (
            start + f"expected {stated} bytes of text, as it says itself, got {size}"
        )
    less = error_of(path, patched(content, {}, {20: struct.pack("<I", packed_size - 1)}))
    if method == zipfile.ZIP_STORED:
        assert less.endswith(f" expected {size} bytes of text, as it says itself, got {size - 1}")
    else:
        assert less.startswith("expected a whole zip member, got one that ends after ")
    more = error_of(path, patched(content, {}, {20: struct.pack("<I", packed_size + 1)}))
    assert more == (
        f"expected a member inside the archive, got {packed_size + 1} bytes from byte 35 on, which reach into the"
        f" directory at byte {35 + packed_size}"
    )


def test_deflate_data_that_end_early(path: Path):
    content = zip_of({"a.txt": TEXT, "b.txt": TEXT})
    with zipfile.ZipFile(BytesIO(content)) as archive:
        packed_size = archive.infolist()[0].compress_size
    assert error_of(path, patched(content, {}, {20: struct.pack("<I", packed_size + 9)}), "a.txt").endswith(
        f"expected it to take up {packed_size + 9} bytes in the archive, got its end before that"
    )


@pytest.mark.parametrize("method", ZIP_METHODS.values(), ids=ZIP_METHODS)
def test_zeros_do_not_unfold_into_memory(path: Path, method: int):
    """zipfile, which reads lzma, unfolds 4 KiB at once: to 28 MiB, which it then copies once."""
    path.write_bytes(zip_of({"a.txt": bytes(1 << 27)}, method))
    with open_source(path) as source:
        tracemalloc.start()
        size = sum(map(len, source.pieces()))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size == 1 << 27
    assert peak < (80 << 20 if method == zipfile.ZIP_LZMA else 8 << 20)


def test_lzma_that_unfolds_without_end(path: Path, monkeypatch: pytest.MonkeyPatch):
    """The standard library reads it, and its text is as long as it says."""
    monkeypatch.setattr(decoding, "UNFOLDED_FREELY", 1 << 20)
    path.write_bytes(zip_of({"a.txt": bytes(1 << 22)}, zipfile.ZIP_LZMA))
    with pytest.raises(TextFormatError, match=r"of at most 100 times its size, got more: \d+ bytes of \d+; unpack it"):
        read_source(path)


@pytest.mark.parametrize(("name", "shown"), [("a\x1b[31m\n", r"'a\x1b[31m\n'"), ("x" * 60_000, "x" * 255 + "...")])
def test_names_that_are_not_fit_to_be_shown(path: Path, name: str, shown: str):
    path.write_bytes(zip_of({name: b"the 1\nof x\n"}))
    with pytest.raises(TextFormatError) as caught:
        glovestore.build(path, path.with_suffix(".h5"))
    assert str(caught.value) == f"{path}#{shown}:2:4: expected a number, got 'x'"
    content = zip_of({name: TEXT, "b": TEXT})
    assert error_of(path, content) == (
        f"expected one file in the archive, got 2: {shown}, b; name one: member={shown!r}, or {path}#{shown}"
    )
    assert read_source(path, name) == TEXT


def test_a_member_of_more_text_than_stated_is_not_read_to_its_end(path: Path):
    content = patched(zip_of({"a.txt": bytes(1 << 26)}), {}, {24: struct.pack("<I", 5)})
    path.write_bytes(content)
    sentence = f"expected 5 bytes of text, as it says itself, got {PIECE}$"
    with open_source(path) as source, pytest.raises(TextFormatError, match=sentence):
        next(source.pieces())


def test_a_local_header_that_is_not_there(path: Path):
    content = zip_of({"a.txt": TEXT})
    assert error_of(path, patched(content, {0: b"PK\x03\x05"}, {})) == (
        "expected the header of a zip member at byte 0, got b'PK\\x03\\x05'"
    )
    assert error_of(path, patched(content, {}, {42: b"\x01"})).startswith(
        "expected the header of a zip member at byte 1"
    )
    assert error_of(path, patched(content, {}, {42: b"\xff\xff\xff\x00"})).endswith("at byte 16777215, got b''")


@pytest.mark.parametrize("flags", [0x0001, 0x0041, 0x2000])
def test_an_encrypted_member(path: Path, flags: int):
    wrong = struct.pack("<H", flags)
    assert error_of(path, patched(zip_of({"a.txt": TEXT}), {6: wrong}, {8: wrong})) == (
        "expected a member that is not encrypted, got an encrypted one: extract it first"
    )


def test_a_method_that_nobody_knows(path: Path):
    wrong = struct.pack("<H", 98)
    problem = error_of(path, patched(zip_of({"a.txt": TEXT}), {8: wrong}, {10: wrong}))
    assert problem.endswith("behind 0 bytes of text: compression method 98: That compression method is not supported")


def test_a_damaged_directory(path: Path):
    content = zip_of({"a.txt": TEXT})
    problem = error_of(path, patched(content, {}, {0: b"XX"}))
    assert "got none that can be read (Bad magic number for central directory)" in problem
    problem = error_of(path, patched(content, {}, {6: b"\xff"}))
    assert "got none that can be read (zip file version 25.5)" in problem
    problem = error_of(path, patched(content, {}, {8: b"\0\x08", 46: b"\xff"}))  # "UTF-8", and what is none
    assert "got none that can be read ('utf-8' codec can't decode" in problem


def test_a_member_without_a_name(path: Path):
    content = patched(zip_of({"a": TEXT}), {}, {46: b"\0"})  # zipfile cuts names at a zero byte
    assert error_of(path, content) == "expected one file in the archive, got none"


@pytest.fixture(scope="module")
def zip64_of_three() -> bytes:
    file = BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 10)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("folder/a.txt", "b.txt", "c.txt"):
                with archive.open(name, "w", force_zip64=True) as member:
                    member.write(TEXT)
    return file.getvalue()


@pytest.fixture(scope="module")
def one_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "hostile.zip"


EDITS = st.lists(st.tuples(st.integers(1, 400), st.binary(min_size=1, max_size=8)), min_size=1, max_size=5)


@given(EDITS, st.sampled_from(["b.txt", "a.txt"]))
def test_a_hostile_directory(one_path: Path, zip64_of_three: bytes, edits: list[tuple[int, bytes]], name: str):
    """Nothing but the text or a TextFormatError comes of it: no other exception, no other text."""
    content = bytearray(zip64_of_three)
    for from_end, value in edits:
        at = max(4, len(content) - from_end)
        content[at : at + len(value)] = value[: len(content) - at]
    one_path.write_bytes(content)
    with contextlib.suppress(TextFormatError):
        assert read_source(one_path, name) == TEXT


def test_an_offset_beyond_what_a_file_can_have(path: Path, zip64_of_three: bytes):
    offset = zip64_of_three.rindex(struct.pack("<Q", zip64_of_three.rindex(b"PK\x03\x04")))
    for value in (b"\xff" * 8, b"\xff" * 7 + b"\x7f"):
        content = zip64_of_three[:offset] + value + zip64_of_three[offset + 8 :]
        number = int.from_bytes(value, "little")
        assert error_of(path, content, "c.txt") == f"expected the header of a zip member at byte {number}, got b''"


def test_a_dictionary_that_is_huge(path: Path):
    """A member of some bytes may state it: zipfile would make it at once."""
    content = bytearray(zip_of({"glove.txt": TEXT}, zipfile.ZIP_LZMA))
    dictionary = content.index(b"glove.txt") + len(b"glove.txt") + 5
    content[dictionary : dictionary + 4] = (1 << 27).to_bytes(4, "little")
    path.write_bytes(content)
    assert read_source(path) == TEXT
    content[dictionary : dictionary + 4] = b"\xff\xff\xff\xff"
    assert error_of(path, bytes(content)).endswith(
        "expected a dictionary of at most 134217728 bytes, got one of 4294967295"
    )
