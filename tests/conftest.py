"""Fixtures that several test files share. Oracles are plain modules beside this one: reference.py, store_reader.py."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cache_scene import Heard, listening
from hypothesis import HealthCheck, settings
from remote_servers import Reply, Request, Server
from shared import ODD_TEXT, SMALL_TEXT, Built

import glovestore
from glovestore.remote import http
from glovestore.streams import decoding

# No test asserts a time, and machines are busy.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# For torch, here and in child processes: its threads spin while they wait for each other, so that where others use the
# cores tiny models take a hundred times as long.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep all tests, and the processes that they start, out of the user's cache."""
    os.environ["GLOVESTORE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, not made yet."""
    monkeypatch.setenv("GLOVESTORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def heard(cache: Path) -> Iterator[Heard]:
    """What the library says meanwhile."""
    with listening() as messages:
        yield messages


@pytest.fixture(scope="session")
def build_bytes(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    """Build a store from bytes, `build_bytes(text, **options)`: each in a new folder, under the same names."""
    root = tmp_path_factory.mktemp("built")
    numbers = itertools.count()

    def build(text: bytes, **options: Any) -> Built:
        folder = root / str(next(numbers))
        folder.mkdir()
        (folder / "source.txt").write_bytes(text)
        report = glovestore.build(folder / "source.txt", folder / "store.h5", durable=False, **options)
        return Built(folder / "store.h5", report)

    return build


@pytest.fixture(scope="session")
def odd_store(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The store of the fixture that has every trap. Read only."""
    path = tmp_path_factory.mktemp("odd") / "odd.h5"
    return Built(path, glovestore.build(ODD_TEXT, path, durable=False))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for thousands of small builds, each over the last."""
    return tmp_path_factory.mktemp("one")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the module's own, for what Hypothesis writes again and again."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def small_store(build_bytes: Callable[..., Built]) -> bytes:
    """The bytes of a store of SMALL_TEXT: two checksum blocks, dim 3."""
    return build_bytes(SMALL_TEXT).path.read_bytes()


@pytest.fixture
def copy(small_store: bytes, tmp_path: Path) -> Path:
    """A small store of the test's own, to be damaged."""
    path = tmp_path / "copy.h5"
    path.write_bytes(small_store)
    return path


@pytest.fixture
def store(copy: Path) -> Iterator[glovestore.EmbeddingStore]:
    """The small store, open."""
    with glovestore.open(copy) as opened:
        yield opened


@pytest.fixture(params=[True, False], ids=["isal", "zlib"])
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inflate with isal, and with the zlib that takes its place."""
    assert decoding.HAS_ISAL, "the tests need isal"
    monkeypatch.setattr(decoding, "HAS_ISAL", request.param)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Request], Reply]], Server]]:
    """Start servers that answer as they are told, and see to it that they are asked directly."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "GLOVESTORE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    servers: list[Server] = []

    def start(answer: Callable[[Request], Reply]) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Do not wait between tries of a download; the list has how long that would have been."""
    slept: list[float] = []
    monkeypatch.setattr(http, "sleep", slept.append)
    return slept


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, also where a shell started the tests in the background and has it ignored."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)
