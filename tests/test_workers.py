"""One store, many workers: processes forked and spawned, pools, joblib, DataLoader, threads; whose memory it is.

The tests of threads mean the same on CPython with a GIL and without one: right answers or a clear error, whatever the
order. What needs /proc is skipped where there is none.
"""

from __future__ import annotations

import concurrent.futures
import errno
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sanitizing
import vectors_generator
import workers
from shared import Built
from workers import Answer, Memory, answer

import glovestore
from glovestore import EmbeddingStore

ROWS, DIM = 100_000, 100
METHODS = [method for method in ("fork", "spawn", "forkserver") if method in multiprocessing.get_all_start_methods()]
own_memory = pytest.mark.skipif(sanitizing.ASAN or sanitizing.TSAN, reason="a sanitizer's own memory is counted too")
own_maps = pytest.mark.skipif(sanitizing.TSAN, reason="TSAN's own maps and files are counted too")
no_threads_after_fork = pytest.mark.skipif(sanitizing.TSAN, reason="TSAN ends a forked process that starts a thread")
needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc")

# Python 3.12 and later warn of forks of processes with threads, such as those of numpy's BLAS.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A store of 44 MB."""
    folder = tmp_path_factory.mktemp("workers")
    text = vectors_generator.generate(folder / "vectors.txt", ROWS, DIM, seed=4)
    report = glovestore.build(text, folder / "store.h5", durable=False)
    text.unlink()
    return Built(folder / "store.h5", report)


@pytest.fixture
def store(built: Built) -> Iterator[EmbeddingStore]:
    with glovestore.open(built.path) as opened:
        yield opened


@pytest.fixture(scope="module")
def token_lists(built: Built) -> list[list[str]]:
    """Some lists of tokens of the store, each with one at its end that is not there; the last is one for threads."""
    tokens = [token.decode() for token in vectors_generator.tokens(ROWS, seed=4)]
    parts = [*(tokens[first::2000] for first in range(0, 1000, 167)), tokens[::5]]
    return [[*part, "not there"] for part in parts]


@pytest.fixture(scope="module")
def expected(built: Built, token_lists: list[list[str]]) -> list[Answer]:
    """The answers, the rows among them from a dict."""
    tokens = [token.decode() for token in vectors_generator.tokens(ROWS, seed=4)]
    rows = dict(zip(tokens, range(ROWS), strict=True))
    with glovestore.open(built.path) as store:
        answers = [answer(store, asked) for asked in token_lists]
    assert [got.rows for got in answers] == [[rows.get(token, -1) for token in asked] for asked in token_lists]
    return answers


# ----- processes


@pytest.mark.parametrize("method", METHODS)
def test_a_pool(store: EmbeddingStore, token_lists: list[list[str]], expected: list[Answer], method: str):
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(partial(answer, store), token_lists) == expected
        assert pool.map(partial(workers.answer_from, store.path), token_lists) == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_process_is_given_a_store(store: EmbeddingStore, token_lists: list[list[str]], expected: Any, method: str):
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    child = context.Process(target=workers.put_answer, args=(store, token_lists[0], answers))
    child.start()
    assert answers.get(timeout=60) == (child.pid, store.fingerprint, expected[0])
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.skipif("fork" not in METHODS, reason="needs fork")
def test_parent_and_child_use_the_same_store_after_a_fork(
    store: EmbeddingStore, token_lists: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
):
    """Both at once, before and after the parent closes its own; what the child was forked with is the child's."""
    monkeypatch.setattr(workers, "inherited", store)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=workers.put_inherited_answer, args=(token_lists[i], answers)) for i in range(2)]
    for child in children:
        child.start()
    assert [answer(store, asked) for asked in token_lists] == expected
    store.close()
    found = {pid: got for pid, _, got in (answers.get(timeout=60) for _ in children)}
    for child in children:
        child.join(60)
    assert found == {child.pid: expected[i] for i, child in enumerate(children)}
    assert [child.exitcode for child in children] == [0, 0]


@pytest.mark.parametrize("method", METHODS)
def test_a_process_pool_executor(store: EmbeddingStore, token_lists: Any, expected: list[Answer], method: str):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(partial(answer, store), token_lists, timeout=60)) == expected


def test_a_worker_refuses_what_came_in_its_place(tmp_path: Path, built: Built, build_bytes: Callable[..., Built]):
    path = tmp_path / "store.h5"
    path.write_bytes(built.path.read_bytes())
    store = glovestore.open(path)
    os.replace(build_bytes(b"the 1 2\nnot 3 4\nthere 5 6\n").path, path)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        sent = pool.submit(workers.answer, store, ["the", "not there"])
        with pytest.raises(concurrent.futures.process.BrokenProcessPool):  # what cannot be unpickled ends a worker
            sent.result(timeout=60)
    with pytest.raises(glovestore.StoreFormatError, match=f"expected fingerprint {store.fingerprint}, got "):
        pickle.loads(pickle.dumps(store))


@no_threads_after_fork
def test_joblib(store: EmbeddingStore, token_lists: Any, expected: list[Answer]):
    joblib = pytest.importorskip("joblib")
    for backend in ("loky", "threading", "multiprocessing"):
        jobs = (joblib.delayed(answer)(store, asked) for asked in token_lists)
        assert joblib.Parallel(n_jobs=2, backend=backend, timeout=60)(jobs) == expected, backend
    loky = pytest.importorskip("joblib.externals.loky")
    loky.get_reusable_executor().shutdown(wait=True)


@no_threads_after_fork
@pytest.mark.parametrize("method", [method for method in METHODS if method != "forkserver"])
def test_a_dataloader_with_workers(store: EmbeddingStore, token_lists: Any, expected: list[Answer], method: str):
    torch_data = pytest.importorskip("torch.utils.data")
    texts = [f"{token} {token_lists[1][0]}" for token in token_lists[0]]
    vocab = glovestore.Vocabulary.from_tokens(
        dict.fromkeys([*token_lists[0], token_lists[1][0]]), tokenizer="whitespace"
    )
    loader = torch_data.DataLoader(
        workers.Texts(store, texts),
        batch_size=16,
        num_workers=2,
        multiprocessing_context=method,
        collate_fn=glovestore.torch.collate(vocab, max_len=5),
        timeout=60,
    )
    batches = list(loader)
    assert np.concatenate([rows for _, _, rows in batches]).tolist()[:-1] == expected[0].rows[:-1]
    assert np.array_equal(np.concatenate([ids for ids, _, _ in batches]), vocab.encode(texts, max_len=5))
    lengths = [2] * (len(texts) - 1) + [3]  # "not there" is two tokens
    assert np.concatenate([lengths for _, lengths, _ in batches]).tolist() == lengths


# ----- threads


def test_threads_use_one_store(store: EmbeddingStore, token_lists: list[list[str]], expected: list[Answer]):
    barrier = threading.Barrier(4)

    def work(place: int) -> list[Answer]:
        barrier.wait(60)
        return [answer(store, token_lists[(i + place) % len(token_lists)]) for i in range(2 * len(token_lists))]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for place, got in enumerate(pool.map(work, range(4))):
            assert got == [expected[(i + place) % len(expected)] for i in range(2 * len(expected))]


def ways(store: EmbeddingStore, tokens: list[str]) -> list[Callable[[], object]]:
    """Return every way of asking a store, each with one right answer."""
    *known, _ = tokens
    return [
        lambda: store.rows(tokens).tolist(),
        lambda: store[known].tobytes(),
        lambda: store[known[0]].tobytes(),
        lambda: [token in store for token in tokens],
        lambda: store.matrix(tokens, oov="mean").array.tobytes(),
        lambda: [token for token, _ in store.nearest(known[0], k=3)],
        lambda: store.get(known[1]).tobytes(),
        lambda: pickle.loads(pickle.dumps(store)).fingerprint,
        lambda: [store.tokens[row] for row in range(20)],
        store.prefault,
        store.fingerprint.encode,
    ]


def test_threads_use_a_store_that_another_closes(build_bytes: Callable[..., Built]):
    """Each call gives the right answer or says that the store is closed, and from then on always says so."""
    tokens = [f"t{i}" for i in range(300)]
    path = build_bytes(b"".join(b"%s %d 1 %d\n" % (t.encode(), i, -i) for i, t in enumerate(tokens))).path
    tokens.append("not there")
    with glovestore.open(path) as store:
        right = [way() for way in ways(store, tokens)]
    for _ in range(15):
        hammer_and_close(glovestore.open(path), tokens, right)


def hammer_and_close(store: EmbeddingStore, tokens: list[str], right: list[object]) -> None:
    threads, rounds = 6, [0] * 6
    barrier, enough = threading.Barrier(threads), threading.Event()

    def hammer(place: int) -> str:
        calls = ways(store, tokens)
        barrier.wait(60)
        try:
            while True:
                for i in range(len(calls)):
                    chosen = (i + place) % len(calls)
                    assert calls[chosen]() == right[chosen]
                rounds[place] += 1
                if all(rounds):
                    enough.set()
        except ValueError as error:
            assert store.closed
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        ends = [pool.submit(hammer, place) for place in range(threads)]
        assert enough.wait(60)
        store.close()
        for end in ends:
            assert end.result(timeout=60) == f"{store.path}: expected an open store, got one that was closed"


def test_threads_read_tokens_of_one_store(store: EmbeddingStore):
    """Nothing but tokens, again and again: what threads share without a GIL is hit hardest."""
    right = store.tokens[:300]
    barrier = threading.Barrier(8)

    def work(_: int) -> bool:
        barrier.wait(60)
        return all(store.tokens[:300] == right for _ in range(100))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_threads_open_different_stores_at_once(build_bytes: Callable[..., Built]):
    """Opening remembers the last header; no thread gets another one's store."""
    built = [build_bytes(b"".join(b"t%d %d 2\n" % (j, i) for j in range(i + 1))) for i in range(4)]

    def work(place: int) -> set[tuple[int, float]]:
        path = built[place].path
        return {(len(store), float(store["t0"][0])) for store in (glovestore.open(path) for _ in range(200))}

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [{(i + 1, float(i))} for i in range(4)]


# ----- many opens of one file


def open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def maps_of(path: Path) -> int:
    return sum(line.endswith(str(path)) for line in Path("/proc/self/maps").read_text().splitlines())


@needs_proc
@own_maps
def test_two_thousand_opens_in_one_process(built: Built):
    before = open_files()
    stores = [glovestore.open(built.path) for _ in range(2000)]
    assert len(open_files()) == len(before)
    assert 0 < maps_of(built.path) <= 2000
    assert {store.tokens[7] for store in stores} == {stores[0].tokens[7]}
    vector = stores[1000][stores[0].tokens[7]]
    del stores
    assert maps_of(built.path) == 1  # that of the vector
    assert vector.shape == (DIM,)
    del vector
    assert maps_of(built.path) == 0
    for _ in range(2000):
        glovestore.open(built.path)
    assert maps_of(built.path) == 0
    assert len(open_files()) == len(before)


@needs_proc
@own_maps
def test_a_failed_open_leaves_nothing_open(tmp_path: Path, built: Built):
    before = open_files()
    content = bytearray(built.path.read_bytes()[:40_000])
    bad = tmp_path / "bad.h5"
    for text in (b"the x\n", bytes(content), b""):
        bad.write_bytes(text)
        for build in (True, False):
            with pytest.raises(glovestore.GlovestoreError):
                glovestore.open(bad, build=build)
    with pytest.raises(IsADirectoryError):
        glovestore.open(tmp_path)
    assert open_files() == before


NO_ROOM = """
import resource, sys, glovestore
glovestore.open  # with what it imports
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (16 << 20), -1))
try:
    glovestore.open(sys.argv[1])
except OSError as error:
    print(error.errno, error.filename)
"""


@needs_proc
def test_what_cannot_be_mapped_is_named(built: Built):
    done = subprocess.run([sys.executable, "-P", "-c", NO_ROOM, built.path], capture_output=True, text=True, check=True)
    assert done.stdout == f"{errno.ENOMEM} {built.path}\n"


@needs_proc
def test_programs_that_a_worker_starts_inherit_nothing(store: EmbeddingStore):
    store.rows(["the"])
    code = "import os; print(*(os.path.realpath(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')))"
    for close in (True, False):
        done = subprocess.run([sys.executable, "-c", code], close_fds=close, capture_output=True, text=True, check=True)
        assert str(store.path) not in done.stdout


# ----- memory

MOST_KB = 8192  # of private memory for each worker
if not getattr(sys, "_is_gil_enabled", lambda: True)():
    MOST_KB = 12288  # without a GIL, CPython keeps memory for each thread
WORKERS = 8


def grown(method: str, source: Path | bytes, copy: bool = False) -> list[Memory]:
    """Measure eight workers of a small process: those forked from this one would copy pages of all that it imported."""
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(workers.grown, method, source, copy, WORKERS).result(timeout=200)


@needs_proc
@own_memory
@pytest.mark.parametrize(("method", "sent"), [("spawn", False), ("spawn", True), ("fork", False), ("fork", True)])
def test_workers_share_one_copy(built: Built, method: str, sent: bool):
    source = pickle.dumps(glovestore.open(built.path)) if sent else built.path
    found = grown(method, source)
    assert max(memory.private for memory in found) <= MOST_KB
    # All that they hold together is one copy of the store and what is their own.
    assert sum(memory.share for memory in found) <= (built.report.store_bytes >> 10) + WORKERS * MOST_KB


@needs_proc
def test_a_copy_is_each_workers_own(built: Built):
    """Seen by the same measure: it can tell."""
    found = grown("spawn", built.path, copy=True)
    assert min(memory.private for memory in found) > built.report.store_bytes >> 10
