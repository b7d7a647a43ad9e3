"""open() of what is not there yet: URLs and published names, from servers of this machine."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from packing import zip_of
from remote_servers import Reply, Request, Server, file_reply

import glovestore
from glovestore import DownloadError, TextFormatError
from glovestore.remote import catalogue
from glovestore.remote.catalogue import Entry

TEXT = b"the 1 2\nof 3 4\nand 5 6\n"
OTHER = b"the 1 2 3\n"
FILES = {"/v.txt": TEXT, "/v.txt.gz": gzip.compress(TEXT), "/all.zip": zip_of({"a.txt": TEXT, "b.txt": OTHER})}

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def server(serve: Callable[[Callable[[Request], Reply]], Server], cache: Path) -> Server:
    def answer(request: Request) -> Reply:
        content = FILES.get(request.path)
        return Reply(404) if content is None else file_reply(request, content)

    return serve(answer)


@pytest.fixture
def published(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a set into the catalogue that the server has."""
    entry = Entry("tiny.3d", f"{server.url}/all.zip", 3, "PDDL", server.url, "Three numbers.", member="b.txt")
    entries = {**catalogue.entries(), entry.name: entry}
    monkeypatch.setattr(catalogue, "entries", lambda: entries)


@pytest.mark.parametrize("path", ["/v.txt", "/v.txt.gz", "/all.zip#a.txt"])
def test_a_url_is_fetched_and_built_once(server: Server, cache: Path, path: str) -> None:
    for _ in range(2):
        with glovestore.open(server.url + path) as store:
            assert store["of"].tolist() == [3, 4]
            store.verify()
        asked = len(server.requests)
        assert asked
    assert len(server.requests) == asked
    assert {file.suffix for file in cache.iterdir()} == {".h5", ".json", ".lock"}
    (entry,) = glovestore.cache.entries()
    assert (entry.source, entry.state) == (server.url + path, "current")


@pytest.mark.usefixtures("published")
def test_a_published_name(server: Server, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "glovestore"):
        assert glovestore.open("tiny.3d").shape == (1, 3)
    assert len(caplog.messages) == 1  # what is downloaded
    assert str(cache) in caplog.text
    asked = len(server.requests)
    assert glovestore.open("tiny.3d")["the"].tolist() == [1, 2, 3]
    assert len(server.requests) == asked
    assert glovestore.cache.clear(["tiny.3d"]).entries == 1


@pytest.mark.usefixtures("published")
def test_a_file_of_that_name_comes_first(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.3d").write_bytes(TEXT)
    assert glovestore.open("tiny.3d").shape == (3, 2)
    assert server.requests == []


@pytest.mark.parametrize("name", ["glove.6b.100D", "glove6B.100d", "glove.6B.100d.txt"])
def test_a_near_miss_downloads_nothing_and_lists_names(server: Server, name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"did you mean 'glove\.6B\.100d'") as caught:
        glovestore.open(name)
    assert caught.value.filename == name
    assert server.requests == []


@pytest.mark.parametrize("name", ["nothing.like.it", "no/such/glove.6B.100d"])
def test_what_is_like_nothing_is_just_not_there(server: Server, name: str) -> None:
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        glovestore.open(name)


@pytest.mark.usefixtures("published")
def test_build_false_downloads_nothing(server: Server) -> None:
    for source in ("tiny.3d", f"{server.url}/v.txt"):
        with pytest.raises(FileNotFoundError):
            glovestore.open(source, build=False)
    assert server.requests == []


def test_offline(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{server.url}/v.txt"
    monkeypatch.setenv("GLOVESTORE_OFFLINE", "1")
    with pytest.raises(DownloadError, match=f"download it and put it to {cache}") as caught:
        glovestore.open(url)
    assert caught.value.url == url
    assert server.requests == []
    monkeypatch.delenv("GLOVESTORE_OFFLINE")
    glovestore.open(url).close()
    monkeypatch.setenv("GLOVESTORE_OFFLINE", "1")
    assert glovestore.open(url).shape == (3, 2)


def test_where_offline_says_to_put_it_is_where_it_is_found(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOVESTORE_OFFLINE", "1")
    with pytest.raises(DownloadError) as caught:
        glovestore.open(f"{server.url}/v.txt")
    place = Path(caught.value.problem.rpartition("put it to ")[2])
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(TEXT)
    assert glovestore.open(f"{server.url}/v.txt").shape == (3, 2)
    assert not place.exists()


def test_what_is_not_there(server: Server, cache: Path) -> None:
    with pytest.raises(DownloadError, match="404"):
        glovestore.open(f"{server.url}/absent.txt")
    with pytest.raises(TextFormatError, match=r"expected one file 'c\.txt' in the archive, got none; it holds 2: a"):
        glovestore.open(f"{server.url}/all.zip#c.txt")
    assert not list(cache.glob("*.h5"))


def test_a_file_url_is_a_path(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "a b.txt"
    path.write_bytes(TEXT)
    assert glovestore.open(f"file://{tmp_path}/a%20b.txt").shape == (3, 2)
    (entry,) = glovestore.cache.entries()
    assert entry.source == str(path)
    with pytest.raises(FileNotFoundError, match="No such file"):
        glovestore.open(f"file://{tmp_path}/absent.txt")
