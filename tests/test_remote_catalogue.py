"""The catalogue: what it says, and what an exact or a nearly right name gives."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glovestore.remote import RemoteSource, find, local_path, near_misses
from glovestore.remote.catalogue import entries, lookup, names

GLOVE = "https://huggingface.co/stanfordnlp/glove/resolve/main/"


def test_every_entry_is_complete_and_plausible():
    assert len(names()) == len(set(names())) == 928
    spellings = [name for entry in entries().values() for name in entry.all_names]
    assert len(spellings) == len(set(spellings))
    for name, entry in entries().items():
        assert name == entry.name and "{" not in str(entry)
        assert entry.url.startswith("https://") and re.fullmatch(r"[\w./-]+", urlsplit(entry.url).path)
        assert entry.dim in (25, 50, 100, 200, 300)
        assert entry.licence in (None, "PDDL-1.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0")
        assert entry.homepage.startswith("https://") and entry.description
        assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert entry.size is None or 10**8 < entry.size < 10**10
        assert entry.rows is None or 10**5 < entry.rows < 10**7
        assert entry.member is None or entry.url.endswith(".zip")
        stated = re.search(r"(?<!-)\b(\d+)d\b", name)
        assert stated is None or int(stated[1]) == entry.dim


@pytest.mark.parametrize(
    ("name", "url", "member"),
    [
        ("glove.6B.100d", f"{GLOVE}glove.6B.zip", "glove.6B.100d.txt"),
        ("glove-wiki-gigaword-50", f"{GLOVE}glove.6B.zip", "glove.6B.50d.txt"),
        ("glove.840B.300d", f"{GLOVE}glove.840B.300d.zip", None),
        ("glove.2024.dolma.300d", "https://nlp.stanford.edu/data/wordvecs/glove.2024.dolma.300d.zip", None),
        ("cc.en.300", "https://dl.fbaipublicfiles.com/fasttext/vectors-crawl/cc.en.300.bin.gz", None),
        ("cc.zea.300.vec", "https://dl.fbaipublicfiles.com/fasttext/vectors-crawl/cc.zea.300.vec.gz", None),
        ("wiki.simple.bin", "https://dl.fbaipublicfiles.com/fasttext/vectors-wiki/wiki.simple.zip", "wiki.simple.bin"),
    ],
)  # fmt: skip
def test_exact_names(name: str, url: str, member: str | None):
    found = find(name)
    assert found is not None and found.entry is lookup(name) is not None
    assert (found.url, found.member, found.name) == (url, member, found.entry.name)
    assert (found.size, found.sha256) == (found.entry.size, found.entry.sha256)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("glove.6b.100d", ["glove.6B.100d"]),
        ("GloVe 6B 100d", ["glove.6B.100d"]),
        ("glove.6B.100d.txt", ["glove.6B.100d"]),
        ("glove_6B_100d.txt.gz", ["glove.6B.100d"]),
        ("glove.6B.100", ["glove.6B.100d"]),
        ("glove.6B", ["glove.6B.50d", "glove.6B.100d", "glove.6B.200d", "glove.6B.300d"]),
        ("glove.6B.zip", ["glove.6B.50d", "glove.6B.100d", "glove.6B.200d", "glove.6B.300d"]),
        ("glove.6B.10d", ["glove.6B.100d"]),
        ("glove.6BB.100d", ["glove.6B.100d"]),
        ("cc.en.300.bin.gz", ["cc.en.300.bin"]),
        ("cc.EN.300", ["cc.en.300.bin"]),
        ("wiki.en", ["wiki.en.bin", "wiki.en.vec"]),
        ("googlenews-vectors-negative300.bin", ["word2vec-google-news-300"]),
        ("word2vec", ["word2vec-google-news-300"]),
        ("numberbatch", ["numberbatch-19.08", "numberbatch-en-19.08"]),
    ],
)
def test_near_misses(name: str, meant: list[str]):
    assert find(name) is None
    found = near_misses(name)
    assert found[: len(meant)] == meant
    assert all(name in entries() for name in found) and len(found) <= 8


@pytest.mark.parametrize(
    "name", ["vectors.txt", "data/glove.6B.100d", "./glove.6B.100d", "", "x", "*", "a" * 101, "\\x"]
)
def test_what_nobody_meant(name: str):
    assert find(name) is None
    assert near_misses(name) == []


@given(st.text())
def test_any_name(name: str):
    assert all(found in entries() for found in near_misses(name))
    assert isinstance(local_path(name) if not name.lower().startswith("file:") else "", str)


@pytest.mark.parametrize(
    ("url", "member", "name", "filename"),
    [
        ("https://host/a/glove.6B.zip#glove.6B.100d.txt", "glove.6B.100d.txt", "glove.6B.100d.txt", "glove.6B.zip"),
        ("http://host:8000/a%20b.txt.gz?x=1", None, "a b.txt.gz", "a b.txt.gz"),
        ("https://host/v.zip#a%20b%23.txt", "a b#.txt", "a b#.txt", "v.zip"),
        ("https://host/v.zip#", None, "v.zip", "v.zip"),
        ("s3://bucket/key/v.txt", None, "v.txt", "v.txt"),
        ("hf://stanfordnlp/glove/glove.6B.zip#b.txt", "b.txt", "b.txt", "glove.6B.zip"),
        ("HTTPS://host/v.txt", None, "v.txt", "v.txt"),
    ],
)
def test_urls(url: str, member: str | None, name: str, filename: str):
    found = find(url)
    assert found == RemoteSource(url.partition("#")[0], member, name)
    assert found.filename == filename
    assert find(found.address) == found


@pytest.mark.parametrize("url", ["https://", "http:///v.txt", "https://:80/v.txt", "s3://"])
def test_urls_without_a_host(url: str):
    with pytest.raises(ValueError, match=f"^{re.escape(url)}: expected a URL with a host, such as https://host/"):
        find(url)


def test_urls_with_a_password():
    with pytest.raises(ValueError, match="expected a URL without a password") as caught:
        find("https://me:secret@host/v.txt")
    assert "secret" not in str(caught.value)


def found_sha256(name: str) -> str | None:
    entry = lookup(name)
    return None if entry is None else entry.sha256


def test_identities():
    """What a cache keys by: URL, member and digest, and nothing else."""
    same = [find("glove.6B.100d"), find("glove-wiki-gigaword-100")]
    others = [find("glove.6B.50d"), find("https://h/a.zip"), find("https://h/a.zip#b"), find("https://h/b.zip")]
    assert all(found is not None for found in same + others)
    identities = [found.identity for found in same + others if found is not None]
    assert identities[0] == identities[1]
    assert len(set(identities)) == 5
    assert identities[0] == f"{GLOVE}glove.6B.zip#glove.6B.100d.txt sha256:{found_sha256('glove.6B.100d')}"
    assert identities[4] == "https://h/a.zip#b"
    assert (
        RemoteSource("https://h/a", None, "x", sha256="0").identity != RemoteSource("https://h/a", None, "x").identity
    )


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a/b%20c.txt", "/a/b c.txt"),
        ("FILE://localhost/a.zip#b%20c", "/a.zip#b c"),
        ("/a/b%20c#d", "/a/b%20c#d"),
        ("glove.6B.100d", "glove.6B.100d"),
        ("https://host/a%20b", "https://host/a%20b"),
    ],
)
def test_file_urls_are_paths(url: str, path: str):
    assert local_path(url) == path
    if path.startswith("/"):
        assert find(url) is None


LOADED = """
import sys
from glovestore.remote import find, local_path
assert find("glove.6B.100d") and find("https://host/v.zip#a") and not find("vectors.txt") and local_path("file:///a")
slow = {"numpy", "ssl", "http.client", "urllib.request", "zipfile", "tqdm", "fsspec"}
print(*(slow & set(sys.modules)))
"""


def test_names_are_looked_up_with_little():
    """Whoever opens a local file waits for nothing that only downloads need."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("\n", "")


def test_file_urls_of_other_machines():
    with pytest.raises(ValueError, match="file://server/a: expected a file of this machine, got one of 'server'"):
        local_path("file://server/a")
