"""`glovestore catalogue` and `glovestore download`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packing import LONG_TEXT, TEXT, read_source, zip_of
from remote_servers import Reply, Request, Server, file_reply

from glovestore.cli import main
from glovestore.remote import catalogue
from glovestore.remote.catalogue import Entry

Serve = Callable[[Callable[[Request], Reply]], Server]


def run(*arguments: str | Path, code: int = 0) -> Result:
    """Run the command; the exit code must be `code`."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def published(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """A server with what the catalogue says, and nothing else in it; the working directory is an empty folder."""
    archive = zip_of({"a.txt": LONG_TEXT, "b.txt": TEXT})
    server = serve(lambda request: file_reply(request, archive if request.path == "/glove.zip" else TEXT))
    common = {"dim": 2, "licence": "PDDL-1.0", "homepage": "https://h", "description": "a test"}
    digest = hashlib.sha256(TEXT).hexdigest()
    listed = [
        Entry("glove.a", f"{server.url}/glove.zip", member="a.txt", size=len(archive), **common),
        Entry("plain", f"{server.url}/plain.txt", sha256=digest, size=len(TEXT), rows=12, **common),
        Entry("wrong", f"{server.url}/wrong.txt", sha256="0" * 64, **common),
    ]
    monkeypatch.setattr(catalogue, "entries", lambda: {entry.name: entry for entry in listed})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return server


# ------------------------------------------------------------------- catalogue


def test_the_table():
    lines = run("catalogue").output.splitlines()
    assert lines[0].split() == ["name", "dim", "rows", "download", "licence"]
    rows = {line.split()[0]: line for line in lines[1:] if line}
    assert rows["glove.6B.100d"].split()[1:6] == ["100", "400,000", "<", "862.2", "MB"]
    assert rows["cc.*.300.bin"].endswith("fastText, Common Crawl and Wikipedia, with subwords")
    assert len(rows) == 28 + 1 and lines[-1] == "*: a language, such as en; `glovestore catalogue cc.` lists them all"


def test_a_part_of_a_name():
    lines = run("catalogue", "CC.DE.").output.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "cc.de.300.bin", "cc.de.300.vec"]
    assert len(run("catalogue", "cc.").output.splitlines()) == 1 + 2 * 158
    assert [line.split()[0] for line in run("catalogue", "gigaword-50").output.splitlines()[1:]] == ["glove.6B.50d"]
    assert run("catalogue", "glove.7", code=1).output == (
        "glovestore: error: expected a part of a name in the catalogue, got 'glove.7'\n"
    )


def test_the_catalogue_as_json():
    listed = json.loads(run("catalogue", "--json").output)
    assert len(listed) == 928
    assert set(listed[0]) == {"name", "url", "dim", "licence", "homepage", "description", "rows", "member", "size",
                              "sha256", "aliases", "family"}  # fmt: skip


# -------------------------------------------------------------------- download


def test_a_name(published: Server):
    result = run("download", "plain")
    assert result.stdout == f"plain.txt: {len(TEXT)} bytes\n"
    assert Path("plain.txt").read_bytes() == TEXT
    assert run("download", "plain").stdout == f"plain.txt: {len(TEXT)} bytes, which was there already\n"
    assert os.listdir() == ["plain.txt"] and len(published.requests) == 1


def test_a_member_by_name_and_by_url(published: Server):
    run("download", "glove.a")
    assert read_source(Path("a.txt.gz")) == LONG_TEXT
    run("download", f"{published.url}/glove.zip#b.txt", "-o", "mine.gz")
    assert read_source(Path("mine.gz")) == TEXT
    assert sorted(os.listdir()) == ["a.txt.gz", "mine.gz"]


def test_folders(published: Server):
    run("download", "plain", "--output", "new/deep/")
    Path("there").mkdir()
    run("download", "plain", "-o", "there")
    run("download", "plain", "-o", "other/name.txt")
    for path in ("new/deep/plain.txt", "there/plain.txt", "other/name.txt"):
        assert Path(path).read_bytes() == TEXT


def test_json(published: Server):
    expected = {
        "name": "plain",
        "url": f"{published.url}/plain.txt",
        "member": None,
        "path": "plain.txt",
        "bytes": len(TEXT),
        "sha256": hashlib.sha256(TEXT).hexdigest(),
        "downloaded": True,
    }
    assert json.loads(run("download", "plain", "--json").stdout) == expected
    assert json.loads(run("download", "plain", "--json").stdout) == expected | {"downloaded": False}
    member = json.loads(run("download", "glove.a", "--json").stdout)
    assert (member["member"], member["sha256"], member["path"]) == ("a.txt", None, "a.txt.gz")


def test_progress(published: Server):
    assert "100%" not in run("download", "plain").stderr
    assert "100%" in run("download", "plain", "-o", "2.txt", "--progress").stderr


def test_nearly_a_name(published: Server):
    assert run("download", "Glove-a", code=1).stderr == (
        "glovestore: error: expected a URL or a name of the catalogue, got 'Glove-a'; did you mean glove.a?\n"
    )
    assert run("download", "zzzz", code=1).stderr == (
        "glovestore: error: expected a URL or a name of the catalogue, got 'zzzz'; `glovestore catalogue` lists the"
        " names\n"
    )
    assert os.listdir() == [] and published.requests == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("wrong", f"/wrong.txt: expected a file of SHA-256 {'0' * 64}, got "),
        ("https://", "https://: expected a URL with a host"),
        ("htps://host/x", "htps://host/x: expected a URL of http, https, s3, gs, hf or another kind"),
    ],
)
def test_what_goes_wrong(published: Server, source: str, message: str):
    error = run("download", source, code=1).stderr
    assert error.splitlines()[-1].startswith("glovestore: error: ") and message in error
    assert os.listdir() == []


def test_offline(published: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOVESTORE_OFFLINE", "1")
    assert "download it and put it to glove.zip" in run("download", "glove.a", code=1).stderr
