"""How many threads native work takes when nobody says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from glovestore import cores, threads


@pytest.fixture(params=[1, 3, 64])
def usable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(cores, "usable_cores", lambda: request.param)
    threads.worker_threads.cache_clear()
    yield request.param
    threads.worker_threads.cache_clear()


def test_one_thread_a_core_if_there_is_work(usable: int):
    assert threads.worker_threads() == threads.threads_for(1_000_000) == min(usable, 16)
    assert threads.threads_for(1) == threads.threads_for(0) == 1


def test_cores_are_counted_once(usable: int, monkeypatch: pytest.MonkeyPatch):
    first = threads.worker_threads()
    monkeypatch.setattr(cores, "usable_cores", lambda: usable + 1)
    assert threads.worker_threads() == first
