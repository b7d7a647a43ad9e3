"""One member of a remote zip archive: its bytes only, in a file that is checked when it is read."""

from __future__ import annotations

import hashlib
import io
import os
import random
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing import LONG_TEXT, TEXT, read_source, zip_of, zip_through_pipe
from remote_servers import Reply, Request, Server, file_reply

from glovestore import DownloadError, TextFormatError
from glovestore.remote import RemoteSource, find, http, ranges
from glovestore.remote.member import safe_name
from glovestore.remote.ranges import BLOCK, NoRanges, RangeFile

Serve = Callable[[Callable[[Request], Reply]], Server]
FILLER = random.Random(1).randbytes(500_000)


def member_of(server: Server, name: str, path: str = "/glove.zip") -> RemoteSource:
    found = find(f"{server.url}{path}#{name}")
    assert found is not None
    return found


def archive(method: int, **settings: bytes) -> bytes:
    """Return an archive whose members are far from its end, and from each other."""
    contents = {"folder/": b"", "folder/a.txt": LONG_TEXT, "filler": FILLER, "folder/b.txt": TEXT, "more": FILLER}
    return zip_of(contents, method, **settings)


def error(found: RemoteSource, folder: Path) -> str:
    with pytest.raises((DownloadError, TextFormatError)) as caught:
        found.fetch(folder)
    assert list(folder.iterdir()) == []
    return str(caught.value)


# ------------------------------------------------------------------ one member


@pytest.mark.usefixtures("inflater")
@pytest.mark.parametrize(
    ("method", "suffix"), [(zipfile.ZIP_STORED, ""), (zipfile.ZIP_DEFLATED, ".gz"), (zipfile.ZIP_BZIP2, ".bz2")]
)
@pytest.mark.parametrize("name", ["folder/a.txt", "a.txt", "b.txt"])
def test_only_the_members_bytes_come(serve: Serve, tmp_path: Path, method: int, suffix: str, name: str):
    data = archive(method)
    server = serve(lambda request: file_reply(request, data))
    found = member_of(server, name)
    path = found.fetch(tmp_path)
    assert path == tmp_path / (name.rpartition("/")[2] + suffix)
    assert read_source(path) == (TEXT if name == "b.txt" else LONG_TEXT)
    sizes = [int(last) - int(first) + 1 for first, last in
             (span[6:].split("-") for span in server.ranges if span and span[6] != "-")]  # fmt: skip
    assert server.ranges[0] == f"bytes=-{BLOCK}" and None not in server.ranges
    assert len(server.requests) == 3
    with zipfile.ZipFile(BytesIO(data)) as opened:
        whole_name = name if "/" in name else f"folder/{name}"
        assert sizes == [BLOCK, opened.getinfo(whole_name).compress_size]
    assert [path.name for path in tmp_path.iterdir()] == [path.name]
    assert found.found(tmp_path) == found.fetch(tmp_path) == path
    assert len(server.requests) == 3


def test_a_member_of_another_name_of_the_file(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, archive(zipfile.ZIP_DEFLATED)))
    assert member_of(server, "a.txt").fetch(tmp_path, filename="mine.gz") == tmp_path / "mine.gz"
    assert read_source(tmp_path / "mine.gz") == LONG_TEXT
    assert member_of(server, "a.txt").found(tmp_path, "mine.gz") == tmp_path / "mine.gz"


def test_zip64_and_what_stands_around_an_archive(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 10)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
            for name in ("a.txt", "b.txt"):
                with made.open(name, "w", force_zip64=True) as member:
                    member.write(LONG_TEXT if name == "a.txt" else TEXT)
            made.comment = b"c" * 9
    content = file.getvalue()
    assert b"PK\x06\x06" in content
    server = serve(lambda request: file_reply(request, content if "plain" in request.path else b"#!stub\n" + content))
    assert read_source(member_of(server, "b.txt", "/plain.zip").fetch(tmp_path / "1")) == TEXT
    assert read_source(member_of(server, "a.txt", "/stub.zip").fetch(tmp_path / "2")) == LONG_TEXT


def test_a_comment_larger_than_a_block(serve: Serve, tmp_path: Path):
    data = archive(zipfile.ZIP_DEFLATED, comment=b"x" * 65_535)
    server = serve(lambda request: file_reply(request, data))
    assert read_source(member_of(server, "a.txt").fetch(tmp_path)) == LONG_TEXT


def test_a_directory_larger_than_a_block(serve: Serve, tmp_path: Path):
    data = zip_of({f"folder/{i:05d}": b"%d" % i for i in range(2000)}, zipfile.ZIP_DEFLATED)
    server = serve(lambda request: file_reply(request, data))
    assert read_source(member_of(server, "00007").fetch(tmp_path)) == b"7"


def test_sizes_that_stand_behind_the_data(serve: Serve, tmp_path: Path):
    """An archive written to a pipe has a data descriptor behind each member; the directory knows as well."""
    data = zip_through_pipe({"a.txt": LONG_TEXT, "b.txt": TEXT})
    server = serve(lambda request: file_reply(request, data))
    assert read_source(member_of(server, "a.txt").fetch(tmp_path)) == LONG_TEXT


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil.txt", "..\\..\\evil.txt", "C:\\evil.txt", ".evil.txt"])
def test_a_path_inside_the_archive_leads_nowhere_else(serve: Serve, tmp_path: Path, name: str):
    data = zip_of({name: TEXT}, zipfile.ZIP_DEFLATED)
    server = serve(lambda request: file_reply(request, data))
    path = member_of(server, name).fetch(tmp_path / "in")
    assert path == tmp_path / "in" / "evil.txt.gz"
    assert read_source(path) == TEXT
    assert os.listdir(tmp_path) == ["in"]


@given(st.text())
def test_safe_names(name: str):
    safe = safe_name(name)
    assert safe == os.path.basename(safe) and safe not in ("", ".", "..")
    assert safe.isprintable() and not safe.startswith(".") and not set(safe) & set('\\/<>:"|?*')
    assert len(os.fsencode(safe)) <= 200
    assert safe_name(safe) == safe


# -------------------------------------------------------------- without ranges


def test_without_ranges_the_whole_archive_comes(serve: Serve, tmp_path: Path):
    data = archive(zipfile.ZIP_DEFLATED)
    server = serve(lambda request: file_reply(request, data, ranges=False))
    path = member_of(server, "a.txt").fetch(tmp_path)
    assert path == tmp_path / "a.txt.gz"
    assert read_source(path) == LONG_TEXT
    assert server.ranges == [f"bytes=-{BLOCK}", None]
    assert (tmp_path / "glove.zip").read_bytes() == data
    assert read_source(member_of(server, "b.txt").fetch(tmp_path)) == TEXT  # from the archive that is there
    assert len(server.requests) == 2


def test_an_archive_that_somebody_put_there(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_OFFLINE", "1")
    data = archive(zipfile.ZIP_STORED)
    server = serve(lambda request: file_reply(request, data))
    found = member_of(server, "a.txt")
    with pytest.raises(DownloadError, match=f"download it and put it to {tmp_path}/glove.zip"):
        found.fetch(tmp_path)
    (tmp_path / "glove.zip").write_bytes(data)
    assert read_source(found.fetch(tmp_path)) == LONG_TEXT
    wrong = RemoteSource(found.url, "b.txt", "b", sha256="0" * 64)
    digest = hashlib.sha256(data).hexdigest()
    with pytest.raises(DownloadError, match=f"expected a file of SHA-256 {'0' * 64}, got {digest}: remove .*glove.zip"):
        wrong.fetch(tmp_path)
    assert server.requests == []


def test_a_range_that_the_server_refuses(serve: Serve, tmp_path: Path):
    data = archive(zipfile.ZIP_DEFLATED)
    server = serve(lambda request: Reply(416) if request.range else Reply(200, data))
    assert read_source(member_of(server, "a.txt").fetch(tmp_path)) == LONG_TEXT


# --------------------------------------------------------------------- damaged


@pytest.mark.parametrize("ranged", [True, False])
def test_no_archive(serve: Serve, tmp_path: Path, ranged: bool):
    server = serve(lambda request: file_reply(request, TEXT, ranges=ranged))
    with pytest.raises(TextFormatError, match="expected a zip archive with a directory at its end, got none"):
        member_of(server, "a.txt").fetch(tmp_path)


def test_no_such_member(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, archive(zipfile.ZIP_DEFLATED)))
    assert error(member_of(server, "c.txt"), tmp_path) == (
        f"{server.url}/glove.zip: expected one file 'c.txt' in the archive, got none; it holds 4: folder/a.txt, filler,"
        " folder/b.txt, more"
    )


def test_an_empty_member(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, zip_of({"a.txt": b""}, zipfile.ZIP_STORED)))
    assert error(member_of(server, "a.txt"), tmp_path).endswith("expected a member with content, got an empty one")


def test_a_method_of_no_file_format(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, zip_of({"a.txt": TEXT}, zipfile.ZIP_LZMA)))
    assert error(member_of(server, "a.txt"), tmp_path) == (
        f"{server.url}/glove.zip#a.txt: expected a member that can stand alone, got compression method 14:"
        " download the whole archive"
    )


def test_an_encrypted_member(serve: Serve, tmp_path: Path):
    data = bytearray(zip_of({"a.txt": TEXT}, zipfile.ZIP_DEFLATED))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    server = serve(lambda request: file_reply(request, bytes(data)))
    assert error(member_of(server, "a.txt"), tmp_path).startswith(
        f"{server.url}/glove.zip#a.txt: expected a member that is not encrypted"
    )


def test_a_directory_that_is_damaged_anywhere(serve: Serve, tmp_path: Path):
    """Whatever byte of the directory changes: the right text, or an error about the data."""
    data = zip_of({"a.txt": TEXT, "b.txt": TEXT[::-1]}, zipfile.ZIP_DEFLATED)
    start = data.index(b"PK\x01\x02")
    current = {"data": data}
    server = serve(lambda request: file_reply(request, current["data"]))
    rights = 0
    for at in range(start, len(data)):
        current["data"] = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        try:
            path = member_of(server, "a.txt").fetch(tmp_path / str(at))
            assert read_source(path) == TEXT
            rights += 1
        except (DownloadError, TextFormatError):
            pass
    assert 0 < rights < len(data) - start


def test_a_directory_of_a_size_that_nobody_believes(serve: Serve, tmp_path: Path):
    """The file is said to have a terabyte, and its directory to have most of it: nothing is allocated for that."""
    total, size = 1 << 40, (1 << 40) - 200
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, 100)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 100 + size, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    tail = bytes(BLOCK - 98) + end64 + locator + end

    def answer(request: Request) -> Reply:
        if request.range == f"bytes=-{BLOCK}":
            begin, last = total - BLOCK, total - 1
        else:
            begin, last = map(int, (request.range or "")[6:].split("-"))
        body = bytes(last + 1 - begin) if last < total - BLOCK else tail[begin - (total - BLOCK) :]
        return Reply(206, body, {"ETag": '"x"', "Content-Range": f"bytes {begin}-{last}/{total}"})

    server = serve(answer)
    assert "expected a directory of at most 67108864 bytes" in error(member_of(server, "a.txt"), tmp_path)


def test_a_stored_member_is_checked(serve: Serve, tmp_path: Path):
    data = bytearray(zip_of({"a.txt": TEXT}, zipfile.ZIP_STORED))
    data[40] ^= 1
    server = serve(lambda request: file_reply(request, bytes(data)))
    assert "expected a member of CRC-32" in error(member_of(server, "a.txt"), tmp_path)


def test_a_deflated_member_is_checked_when_it_is_read(serve: Serve, tmp_path: Path):
    data = bytearray(zip_of({"a.txt": LONG_TEXT}, zipfile.ZIP_DEFLATED))
    data[len(data) // 2] ^= 1
    server = serve(lambda request: file_reply(request, bytes(data)))
    path = member_of(server, "a.txt").fetch(tmp_path)
    with pytest.raises(TextFormatError, match="expected a sound gzip file"):
        read_source(path)


# --------------------------------------------------------------------- resumed


def test_a_member_is_resumed(serve: Serve, tmp_path: Path, naps: list[float]):
    data = archive(zipfile.ZIP_DEFLATED)
    server = serve(lambda request: file_reply(request, data, cut=5000 if request.number >= 2 else None))
    found = member_of(server, "a.txt")
    with pytest.raises(DownloadError, match="at the 6th try"):
        found.fetch(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.txt.gz.part", ".a.txt.gz.part.json"]
    server.answer = lambda request: file_reply(request, data)
    assert read_source(found.fetch(tmp_path)) == LONG_TEXT
    begins = [int((span or "")[6:].split("-")[0]) for span in server.ranges[2:8]]
    assert [begin - begins[0] for begin in begins] == [0, 5000, 10_000, 15_000, 20_000, 25_000]
    assert int((server.ranges[-1] or "")[6:].split("-")[0]) - begins[0] == 30_000


@pytest.mark.parametrize("ignores_if_range", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_an_archive_that_changes_meanwhile(
    serve: Serve, tmp_path: Path, naps: list[float], at: int, ignores_if_range: bool
):
    """Before the local header is read, before the member is, or in the middle of it."""
    old = archive(zipfile.ZIP_DEFLATED)
    new = zip_of({"first": FILLER, "folder/a.txt": LONG_TEXT[::-1], "last": FILLER}, zipfile.ZIP_DEFLATED)

    def answer(request: Request) -> Reply:
        if ignores_if_range:
            request.headers.pop("if-range", None)
        cut = 5000 if request.number == 2 and at == 3 else None
        return file_reply(request, old if request.number < at else new, cut=cut)

    server = serve(answer)
    assert read_source(member_of(server, "a.txt").fetch(tmp_path)) == LONG_TEXT[::-1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt.gz"]
    assert len(server.requests) == at + 4


def test_a_member_of_a_server_without_validators(serve: Serve, tmp_path: Path, naps: list[float]):
    """Its bytes are put together all the same: gzip's CRC-32 says whether they belong together."""
    data = archive(zipfile.ZIP_DEFLATED)
    server = serve(lambda request: file_reply(request, data, "", cut=5000 if request.number == 2 else None))
    assert read_source(member_of(server, "a.txt").fetch(tmp_path)) == LONG_TEXT
    assert len(server.requests) == 4 and len(naps) == 1


def test_an_archive_that_always_changes(serve: Serve, tmp_path: Path):
    data = archive(zipfile.ZIP_DEFLATED)
    server = serve(lambda request: file_reply(request, data, f'"{request.number // 2}"'))
    assert error(member_of(server, "a.txt"), tmp_path).endswith("it changes all the time")


# ------------------------------------------------------------------ range file


@pytest.fixture(scope="module")
def served_file():
    """A file of ten small blocks and a bit, on a server."""
    data = random.Random(2).randbytes(1037)
    server = Server(lambda request: file_reply(request, data))
    yield data, server
    server.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 1200)),
        st.tuples(st.just("set"), st.integers(0, 1200)),
        st.tuples(st.just("current"), st.integers(-600, 600)),
        st.tuples(st.just("end"), st.integers(-1037, 50)),
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_a_remote_file_reads_as_a_local_one_does(served_file, steps: list[tuple[str, int]]):
    data, server = served_file
    whence = {"set": io.SEEK_SET, "current": io.SEEK_CUR, "end": io.SEEK_END}
    local = BytesIO(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "BLOCK", 100)
        with RangeFile(server.url) as remote:
            assert (remote.size, remote.readable(), remote.seekable()) == (len(data), True, True)
            for step, number in steps:
                if step == "read":
                    assert remote.read(number) == local.read(number)
                elif step == "current" and local.tell() + number < 0:
                    with pytest.raises(OSError, match="expected a place in the file, got byte -"):
                        remote.seek(number, io.SEEK_CUR)
                else:
                    assert remote.seek(number, whence[step]) == local.seek(number, whence[step])
                assert remote.tell() == local.tell()


def test_a_file_smaller_than_a_block(serve: Serve):
    server = serve(lambda request: file_reply(request, b"abc"))
    with RangeFile(server.url) as file:
        assert file.read() == b"abc" and file.read() == b""
        assert file.read_at(1, 5) == b"bc"
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [Reply(200, b"abc"), Reply(416), Reply(206, b"a", {"Content-Range": "bytes 0-0/9"})])
def test_servers_without_ranges(serve: Serve, reply: Reply):
    server = serve(lambda request: reply)
    with pytest.raises(NoRanges):
        RangeFile(server.url)


def test_reads_are_tried_again(serve: Serve, naps: list[float]):
    server = serve(lambda request: file_reply(request, FILLER, cut=None if request.number % 2 else 10))
    with RangeFile(server.url) as file:
        assert file.read(7) == FILLER[:7]
    assert len(naps) == 2
    assert http.sleep is not None
