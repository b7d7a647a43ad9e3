"""Downloads: whole and right, or an error, whatever a server does."""

from __future__ import annotations

import hashlib
import logging
import random
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest
from remote_servers import RawServer, Reply, Request, Server, file_reply

from glovestore import DownloadError
from glovestore.remote import RemoteSource, download, find, http

DATA = random.Random(3).randbytes(300_000)
OTHER = random.Random(4).randbytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()

Serve = Callable[[Callable[[Request], Reply]], Server]


def source(server: Server, name: str = "/vectors.txt", sha256: str | None = None) -> RemoteSource:
    return RemoteSource(server.url + name, None, "vectors", sha256=sha256)


def problem(found: RemoteSource, folder: Path) -> str:
    """Return the message of a download that fails, without the URL, and see that it leaves nothing behind."""
    with pytest.raises(DownloadError) as caught:
        found.fetch(folder)
    assert caught.value.url == found.url
    assert list(folder.iterdir()) == []
    return caught.value.problem


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --------------------------------------------------------------------- whole


def test_a_file_comes_whole(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, DATA))
    path = source(server, sha256=SHA256).fetch(tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "vectors.txt"
    assert path.read_bytes() == DATA
    assert leftovers(path.parent) == ["vectors.txt"]
    assert len(server.requests) == 1
    assert re.fullmatch(r"glovestore/\d+\.\d+\.\d+", server.requests[0].headers["user-agent"])
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_what_is_there_is_not_asked_for_again(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, DATA))
    found = source(server, sha256=SHA256)
    assert found.found(tmp_path) is None
    first = found.fetch(tmp_path)
    assert found.found(tmp_path) == first == found.fetch(tmp_path)
    assert len(server.requests) == 1


def test_another_file_of_that_name_is_noticed_if_a_digest_is_known(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, DATA))
    (tmp_path / "vectors.txt").write_bytes(OTHER)
    with pytest.raises(
        DownloadError, match=f"expected a file of SHA-256 {SHA256}, got .*: remove .*vectors.txt, which"
    ):
        source(server, sha256=SHA256).fetch(tmp_path)
    assert (tmp_path / "vectors.txt").read_bytes() == OTHER
    assert server.requests == []


def test_a_name_of_its_own(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, DATA))
    assert source(server).fetch(tmp_path, filename="mine.txt") == tmp_path / "mine.txt"
    assert leftovers(tmp_path) == ["mine.txt"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b/glove.txt.gz", "glove.txt.gz"),
        ("/a%20b.txt?token=1", "a b.txt"),
        ("/%2e%2e%2fetc%2fpasswd", "passwd"),
        ("/..%5c..%5cx.txt", "x.txt"),
        ("/.hidden", "hidden"),
        ("/", "download"),
        ("/..", "download"),
        ("/a%00b%0ac", "a_b_c"),
        ("/" + "x" * 500 + ".gz", "x" * 197 + ".gz"),
    ],
)
def test_the_name_of_the_file_stays_in_the_folder(serve: Serve, tmp_path: Path, path: str, name: str):
    server = serve(lambda request: file_reply(request, DATA))
    assert source(server, path).fetch(tmp_path / "in") == tmp_path / "in" / name
    assert leftovers(tmp_path) == ["in"]


def test_chunks_end_where_they_end(serve: Serve, tmp_path: Path):
    server = serve(lambda request: Reply(200, DATA, chunked=True))
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert leftovers(tmp_path) == ["vectors.txt"]


def test_one_line_says_what_is_about_to_happen(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    server = serve(lambda request: file_reply(request, DATA))
    source(server).fetch(tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"vectors: downloading 300.0 kB from {server.url}/vectors.txt to {tmp_path}/vectors.txt"
    ]
    assert (caplog.records[0].name, caplog.records[0].levelno) == ("glovestore", logging.WARNING)


def test_progress_is_shown_when_it_is_asked_for(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    server = serve(lambda request: file_reply(request, DATA))
    source(server).fetch(tmp_path / "a")
    assert capsys.readouterr() == ("", "")
    source(server).fetch(tmp_path / "b", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "vectors: 100%" in err and "300k/300k" in err


# -------------------------------------------------------------------- resumed


def test_a_cut_connection_goes_on_where_it_was_cut(serve: Serve, tmp_path: Path, naps: list[float]):
    cuts = {0: 1000, 1: 70_000, 2: 0}
    server = serve(lambda request: file_reply(request, DATA, cut=cuts.get(request.number)))
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert server.ranges == [None, "bytes=1000-", "bytes=71000-", "bytes=71000-"]
    assert all(request.headers["if-range"].startswith('"') for request in server.requests[1:])
    assert [0.25 <= naps[0] <= 0.5, 0.5 <= naps[1] <= 1, 1 <= naps[2] <= 2] == [True] * 3
    assert leftovers(tmp_path) == ["vectors.txt"]


def test_a_server_without_ranges_starts_over(serve: Serve, tmp_path: Path, naps: list[float]):
    cuts = {0: 1000, 1: 70_000}
    server = serve(lambda request: file_reply(request, DATA, ranges=False, cut=cuts.get(request.number)))
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert len(server.requests) == 3


def test_without_a_validator_nothing_is_put_together(serve: Serve, tmp_path: Path, naps: list[float]):
    """The file changes between the two requests, and no header says so."""
    server = serve(
        lambda request: file_reply(request, OTHER if request.number else DATA, "", cut=None if request.number else 9)
    )
    assert source(server).fetch(tmp_path).read_bytes() == OTHER
    assert server.ranges == [None, None]


@pytest.mark.parametrize("ignores_if_range", [False, True])
def test_a_file_that_changed_starts_over(serve: Serve, tmp_path: Path, naps: list[float], ignores_if_range: bool):
    def answer(request: Request) -> Reply:
        if ignores_if_range:
            request.headers.pop("if-range", None)
        return file_reply(request, OTHER if request.number else DATA, cut=None if request.number else 1000)

    server = serve(answer)
    assert source(server).fetch(tmp_path).read_bytes() == OTHER
    assert len(server.requests) == (3 if ignores_if_range else 2)


def test_a_file_that_became_shorter_starts_over(serve: Serve, tmp_path: Path, naps: list[float]):
    def answer(request: Request) -> Reply:
        request.headers.pop("if-range", None)
        return file_reply(request, DATA[:500] if request.number else DATA, cut=None if request.number else 1000)

    server = serve(answer)
    assert source(server).fetch(tmp_path).read_bytes() == DATA[:500]
    assert server.ranges == [None, "bytes=1000-", None]


def test_the_time_of_change_is_a_validator_too(serve: Serve, tmp_path: Path, naps: list[float]):
    changed = formatdate(1e9, usegmt=True)

    def answer(request: Request) -> Reply:
        assert request.headers.get("if-range") in (None, changed)
        request.headers.pop("if-range", None)
        reply = file_reply(request, DATA, 'W/"weak"', cut=None if request.number else 1000)
        reply.headers["Last-Modified"] = changed
        return reply

    server = serve(answer)
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert server.ranges == [None, "bytes=1000-"]


def test_a_server_that_sends_less_than_it_is_asked_for(serve: Serve, tmp_path: Path, naps: list[float]):
    """RFC 9110 lets it: a cache may have a part only."""

    def answer(request: Request) -> Reply:
        if request.range is None:
            return file_reply(request, DATA, cut=100)
        begin = int(request.range[6:].partition("-")[0])
        request.headers["range"] = f"bytes={begin}-{begin + 99_999}"
        return file_reply(request, DATA)

    server = serve(answer)
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert naps and len(server.requests) == 4


def test_failures_are_counted_in_a_row(
    serve: Serve, tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "PROGRESS", 10_000)
    server = serve(lambda request: file_reply(request, DATA, cut=20_000))
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert len(server.requests) == 15
    assert max(naps) <= 0.5


def test_a_server_that_always_cuts(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: file_reply(request, DATA, cut=100))
    found = source(server)
    with pytest.raises(DownloadError) as caught:
        found.fetch(tmp_path)
    assert caught.value.problem == (
        "expected a file, got this at the 6th try: the connection was cut with 299,400 bytes missing"
    )
    assert leftovers(tmp_path) == [".vectors.txt.part", ".vectors.txt.part.json"]
    assert (tmp_path / ".vectors.txt.part").read_bytes() == DATA[:600]
    server.answer = lambda request: file_reply(request, DATA)
    assert found.fetch(tmp_path).read_bytes() == DATA
    assert server.ranges[-1] == "bytes=600-"
    assert leftovers(tmp_path) == ["vectors.txt"]


@pytest.mark.parametrize("note", ["", "{}", "null", '{"origin": 1}', "[", '{"origin": {"url": "URL"}, "validator": 1}'])
def test_a_part_that_nobody_can_place_starts_over(serve: Serve, tmp_path: Path, note: str):
    server = serve(lambda request: file_reply(request, DATA))
    (tmp_path / ".vectors.txt.part").write_bytes(OTHER[:1000])
    (tmp_path / ".vectors.txt.part.json").write_text(note.replace("URL", server.url + "/vectors.txt"))
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert server.ranges == [None]


def test_a_part_of_another_url_starts_over(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: file_reply(request, DATA, cut=100))
    with pytest.raises(DownloadError):
        source(server, "/a/vectors.txt").fetch(tmp_path)
    server.answer = lambda request: file_reply(request, OTHER)
    assert source(server, "/b/vectors.txt").fetch(tmp_path).read_bytes() == OTHER
    assert server.ranges[-1] is None


def test_a_part_that_lacked_only_its_name(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The process ended between the last byte and the rename."""
    server = serve(lambda request: file_reply(request, DATA))
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            source(server).fetch(tmp_path)
    assert leftovers(tmp_path) == [".vectors.txt.part", ".vectors.txt.part.json"]
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert len(server.requests) == 1


def test_a_link_in_place_of_the_part_is_not_followed(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, DATA))
    (tmp_path / "precious").write_bytes(b"keep")
    (tmp_path / ".vectors.txt.part").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError):
        source(server).fetch(tmp_path)
    assert (tmp_path / "precious").read_bytes() == b"keep"


# --------------------------------------------------------------------- refused


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451, 501])
def test_a_refusal_is_final(serve: Serve, tmp_path: Path, naps: list[float], code: int):
    server = serve(lambda request: Reply(code, b"no"))
    assert problem(source(server), tmp_path).startswith(f"expected a file, got {code} ")
    assert naps == []


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_failure_that_passes(serve: Serve, tmp_path: Path, naps: list[float], code: int):
    server = serve(lambda request: file_reply(request, DATA) if request.number == 2 else Reply(code))
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert len(naps) == 2


def test_a_failure_that_stays(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: Reply(503))
    message = problem(source(server), tmp_path)
    assert message == "expected a file, got this at the 6th try: 503 Service Unavailable"
    assert len(server.requests) == 6
    assert len(naps) == 5 and sum(naps) < 16


def test_a_server_may_say_when_to_come_back(serve: Serve, tmp_path: Path, naps: list[float]):
    waits = ["7", formatdate(time.time() + 20, usegmt=True), "soon"]
    server = serve(
        lambda request: (
            Reply(429, headers={"Retry-After": waits[request.number]})
            if request.number < 3
            else file_reply(request, DATA)
        )
    )
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert naps[0] == 7 and 15 < naps[1] <= 20 and naps[2] <= 2


def test_nobody_waits_for_an_hour(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: Reply(429, headers={"Retry-After": "3600"}))
    assert problem(source(server), tmp_path) == "429 Too Many Requests: the server says to come back in 3600 s"
    assert naps == []


def test_wrong_bytes(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, OTHER))
    other = hashlib.sha256(OTHER).hexdigest()
    assert problem(source(server, sha256=SHA256), tmp_path) == f"expected a file of SHA-256 {SHA256}, got {other}"


def test_a_length_that_is_a_lie(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: Reply(200, DATA, length=len(DATA) + 1))
    assert problem(source(server), tmp_path).endswith("the connection was cut with 1 bytes missing")
    server.answer = lambda request: Reply(200, DATA, length=len(DATA) - 1)
    assert source(server).fetch(tmp_path).read_bytes() == DATA[:-1]  # the rest belongs to no answer


def test_a_file_whose_end_nobody_could_see(serve: Serve, tmp_path: Path):
    server = serve(lambda request: Reply(200, DATA, length=None))
    assert problem(source(server), tmp_path) == (
        "expected a server that says how long the file is, got one that does not"
    )


def test_chunks_that_are_cut(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: Reply(200, DATA, chunked=True, cut=1))
    assert problem(source(server), tmp_path).startswith("expected a file, got this at the 6th try: IncompleteRead")


def test_a_body_without_end(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "SPARE", 1 << 20)
    free = iter([1 << 30, 1 << 30, 1 << 19])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=next(free)))
    server = serve(lambda request: Reply(200, bytes(100_000), chunked=True, endless=True))
    assert problem(source(server), tmp_path) == f"expected 1.0 MB of free space in {tmp_path}, got 524.3 kB"


def test_a_web_page(serve: Serve, tmp_path: Path):
    server = serve(lambda request: Reply(200, b"<html>Log in", {"Content-Type": "text/html; charset=utf-8"}))
    assert problem(source(server), tmp_path) == "expected a file, got a web page"


def test_a_folder_in_its_place(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, DATA))
    (tmp_path / "vectors.txt").mkdir()
    with pytest.raises(IsADirectoryError, match=r"/vectors\.txt: expected the name of a file, got a directory"):
        source(server).fetch(tmp_path)
    assert leftovers(tmp_path) == ["vectors.txt"] and server.requests == []


def test_an_empty_file(serve: Serve, tmp_path: Path):
    server = serve(lambda request: file_reply(request, b""))
    assert problem(source(server), tmp_path) == "expected a file, got one of 0 bytes"


def test_a_disk_that_is_too_small(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=download.SPARE + 299_999))
    server = serve(lambda request: file_reply(request, DATA))
    assert problem(source(server), tmp_path) == (f"expected 67.4 MB of free space in {tmp_path}, got 67.4 MB")


def test_a_server_that_says_nothing(serve: Serve, tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    done = threading.Event()
    server = serve(lambda request: Reply(200, DATA, cut=0, wait=done))
    assert problem(source(server), tmp_path) == "expected a file, got this at the 6th try: no data for 0 seconds"
    done.set()


def test_a_server_that_drips(serve: Serve, tmp_path: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "TIMEOUT", 1)
    monkeypatch.setattr(http, "SLOWEST", 1e6)
    monkeypatch.setattr(http, "TRIES_AGAIN", 0)
    server = serve(lambda request: Reply(200, bytes(1000), drip=0.02))
    assert problem(source(server), tmp_path).endswith("got fewer than 1000000 bytes a second for 1 seconds")


def test_nobody_is_there(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: Reply())
    server.close()
    assert problem(source(server), tmp_path) == "expected a file, got this at the 6th try: Connection refused"


def test_a_host_that_does_not_exist(tmp_path: Path, naps: list[float], serve: Serve, monkeypatch: pytest.MonkeyPatch):
    def getaddrinfo(*arguments: object, **options: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = find("https://nowhere.invalid/vectors.txt")
    assert found is not None
    wanted = "expected a host that can be found, got 'nowhere.invalid': Name or service not known"
    assert problem(found, tmp_path) == wanted
    assert naps == []


@pytest.mark.parametrize(
    "stated",
    ["", "bytes */300000", "bytes 5-4/10", "bytes 0-9/5", "bytes 0-5/300000", "items 1-2/3", "bytes 0-9/" + "9" * 5000],
)
def test_a_range_that_is_none(serve: Serve, tmp_path: Path, stated: str):
    server = serve(lambda request: Reply(206, DATA, headers={"Content-Range": stated}))
    assert re.match(
        "expected (the range that an answer 206 brings|a range of the file), got ", problem(source(server), tmp_path)
    )


@pytest.mark.parametrize("stated", ["9" * 5000, "-1", "0x10", "1e3", "\u0663"])
def test_a_length_that_is_none(serve: Serve, tmp_path: Path, stated: str):
    headers = {"Content-Length": stated.encode().decode("latin-1")}
    server = serve(lambda request: Reply(200, DATA, headers, length=None))
    assert problem(source(server), tmp_path).startswith("expected a server that says how long the file is")


@pytest.mark.parametrize("location", ["http://[bad/", "https://host:port/x", "http:///x"])
def test_redirects_to_nowhere(serve: Serve, tmp_path: Path, naps: list[float], location: str):
    server = serve(lambda request: Reply(302, headers={"Location": location}))
    assert problem(source(server), tmp_path).startswith("expected a ")


def answers() -> dict[str, bytes]:
    body = b"the 1 2\nof 3 4\n"
    return {
        "whole": b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: %d\r\n\r\n%s' % (len(body), body),
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        "part": b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-15/16\r\nContent-Length: 16\r\n\r\n" + body,
        "moved": b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
        "later": b"HTTP/1.1 429 Slow\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\nno",
    }


@pytest.mark.usefixtures("serve")
@pytest.mark.parametrize("kind", answers())
def test_answers_that_are_cut_or_changed_anywhere(tmp_path: Path, naps: list[float], kind: str):
    """Whatever comes: the file, or a DownloadError."""
    server = RawServer()
    found = RemoteSource(server.url + "/vectors.txt", None, "vectors")
    whole = answers()[kind]
    cut = [whole[:end] for end in range(len(whole))]
    changed = [
        whole[:at] + bytes([byte ^ bits]) + whole[at + 1 :] for bits in (1, 0x80) for at, byte in enumerate(whole)
    ]
    for number, server.reply in enumerate(cut + changed):
        try:
            data = found.fetch(tmp_path / str(number)).read_bytes()
            # All of it, but for the last line end of the chunks; or changed, in a place where nobody could notice.
            assert data == b"the 1 2\nof 3 4\n" or (number >= len(whole) and len(data) <= 17)
        except DownloadError:
            pass
    server.close()


def test_garbage(tmp_path: Path, naps: list[float], serve: Serve):
    found = find("http://127.0.0.1:1x/vectors.txt")
    assert found is not None
    assert problem(found, tmp_path).startswith("expected a URL, got something else: nonnumeric port")


# ------------------------------------------------------------------- redirects


def test_redirects_are_followed(serve: Serve, tmp_path: Path, naps: list[float]):
    def answer(request: Request) -> Reply:
        if request.path == "/data":
            return file_reply(request, DATA, cut=5 if request.number == 2 else None)
        return Reply(302, headers={"Location": "/b" if request.path == "/vectors.txt" else "/data"})

    server = serve(answer)
    assert source(server).fetch(tmp_path).read_bytes() == DATA
    assert server.ranges == [None, None, None, "bytes=5-", "bytes=5-", "bytes=5-"]


def test_redirects_without_end(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: Reply(302, headers={"Location": request.path}))
    assert problem(source(server), tmp_path) == (
        "expected a file, got 302 The HTTP server returned a redirect error that would lead to an infinite loop."
    )
    server.answer = lambda request: Reply(302, headers={"Location": f"/{request.number}"})
    assert problem(source(server), tmp_path).startswith("expected a file, got 302 The HTTP server returned a redirect")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/"])
def test_redirects_stay_in_http(serve: Serve, tmp_path: Path, naps: list[float], target: str):
    server = serve(lambda request: Reply(302, headers={"Location": target}))
    assert "redirect" in problem(source(server), tmp_path).lower()
    assert naps == []


# --------------------------------------------------------------------- offline


@pytest.mark.parametrize("value", ["1", "TRUE", "yes", "On"])
def test_offline(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str):
    server = serve(lambda request: file_reply(request, DATA))
    monkeypatch.setenv("GLOVESTORE_OFFLINE", value)
    target = tmp_path / "vectors.txt"
    assert problem(source(server), tmp_path) == (
        f"expected it to be there already, as GLOVESTORE_OFFLINE says: download it and put it to {target}"
    )
    target.write_bytes(DATA)
    assert source(server, sha256=SHA256).fetch(tmp_path) == target
    with pytest.raises(DownloadError, match=f"put it to {tmp_path}/mine.txt"):
        source(server).fetch(tmp_path, filename="mine.txt")
    assert server.requests == []


@pytest.mark.parametrize("value", ["", "0", "no", "off"])
def test_not_offline(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str):
    server = serve(lambda request: file_reply(request, DATA))
    monkeypatch.setenv("GLOVESTORE_OFFLINE", value)
    assert source(server).fetch(tmp_path).read_bytes() == DATA
