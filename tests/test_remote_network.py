"""Downloads in the world: nginx, TLS, proxies, several processes, Ctrl-C."""

from __future__ import annotations

import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packing import LONG_TEXT, TEXT, read_source, zip_of
from remote_servers import Reply, Request, Server, file_reply, nginx

from glovestore import DownloadError
from glovestore.display import human_bytes
from glovestore.remote import RemoteSource, find

Serve = Callable[[Callable[[Request], Reply]], Server]
DATA = random.Random(5).randbytes(3_000_000)


def at(url: str) -> RemoteSource:
    found = find(url)
    assert found is not None
    return found


# ----------------------------------------------------------------------- nginx


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A URL, and the folder that nginx serves there."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "www").mkdir()
    (folder / "www" / "vectors.bin").write_bytes(DATA)
    contents = {"glove/a.txt": LONG_TEXT, "filler": DATA, "glove/b.txt": TEXT, "more": DATA[:100_000]}
    (folder / "www" / "glove.zip").write_bytes(zip_of(contents, zipfile.ZIP_DEFLATED))
    with nginx(folder) as url:
        yield url, folder


def logged(folder: Path) -> list[tuple[str, str, int]]:
    """Return path, status and bytes of all that nginx has answered so far."""
    time.sleep(0.05)
    lines = (folder / "nginx" / "access.log").read_text().splitlines()
    return [(line.split()[6], line.split()[8], int(line.split()[9])) for line in lines]


def test_nginx_a_file(site: tuple[str, Path], tmp_path: Path, serve: Serve):
    url, _ = site
    assert at(f"{url}/vectors.bin").fetch(tmp_path).read_bytes() == DATA
    with pytest.raises(DownloadError, match="expected a file, got 404 Not Found"):
        at(f"{url}/absent.bin").fetch(tmp_path)


@pytest.mark.parametrize("changed", [False, True])
def test_nginx_resumes_what_is_still_the_same(site: tuple[str, Path], tmp_path: Path, serve: Serve, changed: bool):
    url, folder = site
    shutil.copy(folder / "www" / "vectors.bin", folder / "www" / "copy.bin")
    child = downloading(f"{url}/slow/copy.bin", tmp_path)
    wait_for_part(tmp_path / ".copy.bin.part", 100_000)
    child.kill()
    child.communicate()
    have = (tmp_path / ".copy.bin.part").stat().st_size
    expected = DATA
    if changed:
        expected = DATA[::-1]
        (folder / "www" / "copy.bin").write_bytes(expected)
        os.utime(folder / "www" / "copy.bin", (1e9, 1e9))
    (tmp_path / ".copy.bin.part.json").write_text((tmp_path / ".copy.bin.part.json").read_text().replace("/slow/", "/"))
    before = len(logged(folder))
    assert at(f"{url}/copy.bin").fetch(tmp_path).read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["copy.bin"]
    ((path, status, size),) = logged(folder)[before:]
    assert (path, status, size) == ("/copy.bin", *(("200", len(DATA)) if changed else ("206", len(DATA) - have)))


@pytest.mark.parametrize("place", ["", "/moved"])
@pytest.mark.parametrize(("name", "text"), [("glove/a.txt", LONG_TEXT), ("b.txt", TEXT)])
def test_nginx_a_member(site: tuple[str, Path], tmp_path: Path, serve: Serve, place: str, name: str, text: bytes):
    url, folder = site
    before = len(logged(folder))
    path = at(f"{url}{place}/glove.zip#{name}").fetch(tmp_path)
    assert path.name == name.rpartition("/")[2] + ".gz"
    assert read_source(path) == text
    sent = [(status, size) for _, status, size in logged(folder)[before:] if status != "302"]
    assert [status for status, _ in sent] == ["206"] * 3
    assert sum(size for _, size in sent) < path.stat().st_size + 2 * 65_536 < 3_000_000
    assert sent[2][1] == path.stat().st_size - 18  # gzip's header and trailer


def test_nginx_without_ranges(site: tuple[str, Path], tmp_path: Path, serve: Serve):
    url, folder = site
    before = len(logged(folder))
    path = at(f"{url}/norange/glove.zip#a.txt").fetch(tmp_path)
    assert read_source(path) == LONG_TEXT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt.gz", "glove.zip"]
    assert [status for _, status, _ in logged(folder)[before:]] == ["200", "200"]


# --------------------------------------------------------------- processes

FETCH = """
import logging, sys
from pathlib import Path
from glovestore.remote import find
logging.basicConfig(stream=sys.stdout, format="%(message)s")
print(find(sys.argv[1]).fetch(Path(sys.argv[2])))
"""


def downloading(url: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", FETCH, url, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_part(path: Path, size: int) -> None:
    for _ in range(1000):
        if path.exists() and path.stat().st_size >= size:
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} did not grow")


@pytest.mark.parametrize("member", ["", "#a.txt"])
def test_eight_processes_download_once(serve: Serve, tmp_path: Path, member: str):
    data = zip_of({"a.txt": LONG_TEXT, "filler": DATA[:500_000]}, zipfile.ZIP_DEFLATED)
    everybody = threading.Event()

    def answer(request: Request) -> Reply:
        reply = file_reply(request, data)
        if len(reply.body) > 70_000:  # the file, or the member: held back until all processes are on their way
            reply.cut, reply.wait = 100, everybody
        return reply

    server = serve(answer)
    children = [downloading(f"{server.url}/glove.zip{member}", tmp_path) for _ in range(8)]
    wait_for_part(tmp_path / (".a.txt.gz.part" if member else ".glove.zip.part"), 100)
    time.sleep(0.5)
    everybody.set()
    outputs = [child.communicate(timeout=60) for child in children]
    assert {error for _, error in outputs} == {b""}
    lines = [output.decode().splitlines() for output, _ in outputs]
    path = Path(lines[0][-1])
    name = "a.txt" if member else "glove.zip"
    said = (
        f"downloading {human_bytes(path.stat().st_size - (18 if member else 0))} from {server.url}/glove.zip to {path}"
    )
    waits = f"{name}: waiting for another process, which downloads {path}"
    lines.remove([f"{name}: {said}", str(path)])
    assert all(said in ([waits, str(path)], [str(path)]) for said in lines)  # the latter: it came too late
    assert read_source(path, None if member else "a.txt") == LONG_TEXT
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    large = [span for span in server.ranges if span is None or (member and not span.startswith("bytes=-"))]
    assert len([span for span in server.ranges if span is None]) == (0 if member else 1)
    assert len(set(large)) == (2 if member else 1)
    downloads = [span for span in large if span == max(large, key=lambda s: size_of(s))] if member else large
    assert len(downloads) == 1


def size_of(span: str | None) -> int:
    first, last = (span or "bytes=0-0")[6:].split("-")
    return int(last) - int(first)


def test_a_failure_lets_the_next_process_try(serve: Serve, tmp_path: Path):
    started = threading.Event()

    def answer(request: Request) -> Reply:
        if request.number:
            return file_reply(request, DATA)
        started.wait(10)
        return Reply(404)

    server = serve(answer)
    first = downloading(f"{server.url}/vectors.bin", tmp_path)
    wait_for_part(tmp_path / ".vectors.bin.part", 0)
    second = downloading(f"{server.url}/vectors.bin", tmp_path)
    time.sleep(0.5)
    started.set()
    assert b"404" in first.communicate(timeout=30)[1]
    assert second.communicate(timeout=30)[1] == b""
    assert (tmp_path / "vectors.bin").read_bytes() == DATA


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_leaves_what_can_be_resumed_and_nothing_else(serve: Serve, tmp_path: Path):
    never = threading.Event()
    server = serve(lambda request: file_reply(request, DATA, cut=200_000, wait=never))
    child = downloading(f"{server.url}/vectors.bin", tmp_path)
    wait_for_part(tmp_path / ".vectors.bin.part", 200_000)
    child.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in child.communicate(timeout=30)[1]
    never.set()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".vectors.bin.part", ".vectors.bin.part.json"]
    server.answer = lambda request: file_reply(request, DATA)
    assert at(f"{server.url}/vectors.bin").fetch(tmp_path).read_bytes() == DATA
    assert server.ranges == [None, "bytes=200000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.bin"]


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_shell(serve: Serve, tmp_path: Path):
    never = threading.Event()
    server = serve(lambda request: file_reply(request, DATA, cut=200_000, wait=never))
    command = [sys.executable, "-m", "glovestore", "download", f"{server.url}/vectors.bin", "-o", str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_part(tmp_path / ".vectors.bin.part", 200_000)
    child.send_signal(signal.SIGINT)
    out, error = child.communicate(timeout=30)
    never.set()
    assert (child.returncode, out, error.splitlines()[-1]) == (130, b"", b"glovestore: interrupted")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".vectors.bin.part", ".vectors.bin.part.json"]


# ------------------------------------------------------------------ TLS, proxy


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path, "-out", f"{path}.crt",
               "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def secure(server: Server, certificate: Path) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.use_tls(context)
    return server


def test_a_certificate_that_nobody_signed_is_refused(
    serve: Serve, tmp_path: Path, certificate: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch
):
    server = secure(serve(lambda request: file_reply(request, DATA)), certificate)
    found = at(f"{server.url}/vectors.bin")
    with pytest.raises(DownloadError) as caught:
        found.fetch(tmp_path)
    assert caught.value.problem.startswith("expected a certificate that can be verified, got another: self")
    assert naps == [] and server.requests == [] and list(tmp_path.iterdir()) == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # the way in which people add their own authorities
    assert found.fetch(tmp_path).read_bytes() == DATA
    named = at(f"https://127.0.0.1:{server.port}/vectors.bin")
    with pytest.raises(DownloadError, match="IP address mismatch"):
        named.fetch(tmp_path / "other")


def test_a_redirect_out_of_tls_is_refused(
    serve: Serve, tmp_path: Path, certificate: Path, naps: list[float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    plain = serve(lambda request: file_reply(request, DATA))
    server = secure(serve(lambda request: Reply(302, headers={"Location": f"{plain.url}/vectors.bin"})), certificate)
    with pytest.raises(DownloadError) as caught:
        at(f"{server.url}/vectors.bin").fetch(tmp_path)
    assert caught.value.problem == f"expected a redirect to another https URL, got one to {plain.url}/vectors.bin"
    assert plain.requests == [] and naps == []
    other = secure(serve(lambda request: file_reply(request, DATA)), certificate)
    server.answer = lambda request: Reply(302, headers={"Location": f"{other.url}/vectors.bin"})
    assert at(f"{server.url}/vectors.bin").fetch(tmp_path).read_bytes() == DATA


def test_a_server_that_speaks_no_tls(serve: Serve, tmp_path: Path, naps: list[float]):
    server = serve(lambda request: file_reply(request, DATA))
    with pytest.raises(DownloadError, match="expected a server that speaks TLS as we do, got: "):
        at(f"https://127.0.0.1:{server.port}/vectors.bin").fetch(tmp_path)
    assert naps == []


def test_proxies_are_asked(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    proxy = serve(lambda request: file_reply(request, DATA))
    monkeypatch.setenv("http_proxy", proxy.url)
    assert at("http://vectors.invalid/vectors.bin").fetch(tmp_path).read_bytes() == DATA
    assert [request.path for request in proxy.requests] == ["http://vectors.invalid/vectors.bin"]
    assert proxy.requests[0].headers["host"] == "vectors.invalid"
