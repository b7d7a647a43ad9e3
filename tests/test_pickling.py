"""A store somewhere else: pickled as path and fingerprint, opened again on arrival, and never another one."""

from __future__ import annotations

import copy as copying
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damage import with_header
from shared import SMALL_TEXT, Built

import glovestore
from glovestore import EmbeddingStore, StoreFormatError

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
FINGERPRINT = re.compile(r"[0-9a-f]{16}")


def same_header_but_one_entry(store: bytes) -> bytes:
    """Return a store of the same size and layout with another fingerprint."""
    return with_header(store, lambda header: header["__metadata__"].update(source_name="another.txt"))


def picklers() -> list[Any]:
    """Return the dumps of pickle and of what worker pools and Hugging Face datasets use instead, where installed."""
    ours = [pytest.param(pickle.dumps, id="pickle")]
    for name in ("cloudpickle", "dill"):
        ours.append(pytest.param(lambda thing, name=name: pytest.importorskip(name).dumps(thing), id=name))
    return ours


# ----- fingerprint


def test_the_fingerprint_is_the_headers_checksum(copy: Path, small_store: bytes):
    with glovestore.open(copy) as store, glovestore.open(copy, copy=True) as in_memory:
        assert FINGERPRINT.fullmatch(store.fingerprint)
        assert store.fingerprint == small_store[41:57].decode() == store.metadata["header_xxh64"]
        assert in_memory.fingerprint == store.fingerprint
    store.close()
    assert store.fingerprint == small_store[41:57].decode()


def test_another_content_has_another_fingerprint(build_bytes: Callable[..., Built]):
    texts = [SMALL_TEXT, SMALL_TEXT.replace(b" 7 ", b" 8 "), SMALL_TEXT.replace(b"token7", b"Token7"), SMALL_TEXT]
    prints = []
    for text in texts:
        with glovestore.open(build_bytes(text).path) as store:
            prints.append(store.fingerprint)
    assert prints[0] == prints[3]
    assert len(set(prints)) == 3


def test_a_replaced_file_is_read_anew(copy: Path, small_store: bytes):
    """Opening remembers the last header: by its bytes, never by its path."""
    other = same_header_but_one_entry(small_store)
    assert len(other) == len(small_store)
    for content, name in ((small_store, "source.txt"), (other, "another.txt"), (small_store, "source.txt")) * 2:
        copy.write_bytes(content)
        with glovestore.open(copy) as store:
            assert store.metadata["source_name"] == name
            assert store.fingerprint == content[41:57].decode()


def test_a_header_that_was_right_is_wrong_in_a_shorter_file(copy: Path, small_store: bytes):
    glovestore.open(copy).close()
    copy.write_bytes(small_store[:-1])
    with pytest.raises(StoreFormatError):
        glovestore.open(copy)


# ----- there and back


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickled_store_is_opened_again(copy: Path, protocol: int, in_memory: bool):
    store = glovestore.open(copy, copy=in_memory)
    data = pickle.dumps(store, protocol)
    again = pickle.loads(data)
    assert len(data) < 1000
    assert type(again) is EmbeddingStore
    assert again is not store
    assert (again.path, again.fingerprint) == (copy, store.fingerprint)
    store.close()
    assert again["token7"].tolist() == [7.0, 7.5, -7.0]
    with copy.open("r+b") as file:
        file.seek(28_672 + 7 * 12)
        file.write(bytes(12))
    assert again["token7"].tolist() == ([7.0, 7.5, -7.0] if in_memory else [0, 0, 0])  # a copy stays one


def test_a_store_far_away_is_small_too(small_store: bytes, tmp_path: Path):
    folder = tmp_path.joinpath(*["a" * 50] * 8)
    folder.mkdir(parents=True)
    (folder / "store.h5").write_bytes(small_store)
    assert len(pickle.dumps(glovestore.open(folder / "store.h5"))) < 1000


@pytest.mark.parametrize("name", ["a b.h5", "\u00e9\U0001f600.h5", os.fsdecode(b"\xff.h5"), "line\nbreak.h5"])
def test_odd_names(small_store: bytes, tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(small_store)
    for protocol in PROTOCOLS:
        again = pickle.loads(pickle.dumps(glovestore.open(path), protocol))
        assert again.path == path
        assert again["token7"].tolist() == [7.0, 7.5, -7.0]


@pytest.mark.parametrize("dumps", picklers())
def test_equal_stores_pickle_to_equal_bytes(
    copy: Path, dumps: Callable[[object], bytes], monkeypatch: pytest.MonkeyPatch
):
    """Hugging Face datasets hash what a function uses by pickling it: equal bytes are a cache that is found again."""
    monkeypatch.chdir(copy.parent)
    spellings = [copy, str(copy), Path(copy.name), f"./{copy.name}", f"{copy.parent}//{copy.name}", Spelt(str(copy))]
    stores = [glovestore.open(spelling) for spelling in spellings]
    stores[1].rows(["token1", "absent"])
    stores[2].nearest("token1")
    stores[3].matrix(["token1", "token2"])
    stores.append(pickle.loads(pickle.dumps(stores[0])))
    assert {dumps(store) for store in stores} == {dumps(stores[0])}
    assert pickle.loads(dumps(stores[0])) == stores[0]
    other = copy.with_name("other.h5")
    shutil.copy(copy, other)
    assert dumps(glovestore.open(other)) != dumps(stores[0])


class Spelt(str):
    """A path of a type of its own, as numpy's strings are."""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_equal_bytes_in_every_protocol(copy: Path, protocol: int):
    assert pickle.dumps(glovestore.open(copy), protocol) == pickle.dumps(glovestore.open(copy), protocol)
    one, other = glovestore.open(copy), glovestore.open(copy)
    assert pickle.dumps([one, other], protocol) == pickle.dumps([other, one], protocol)


def test_a_changed_file_is_refused(copy: Path, small_store: bytes):
    data = pickle.dumps(glovestore.open(copy))
    other = same_header_but_one_entry(small_store)
    copy.write_bytes(other)
    with pytest.raises(StoreFormatError) as caught:
        pickle.loads(data)
    expected, got = small_store[41:57].decode(), other[41:57].decode()
    assert str(caught.value) == f"{copy}: expected fingerprint {expected}, got {got}: another store in its place"
    copy.write_bytes(b"the 1 2\n")
    with pytest.raises(StoreFormatError, match="not a glovestore file"):
        pickle.loads(data)
    copy.write_bytes(small_store)
    assert pickle.loads(data)["token7"].tolist() == [7.0, 7.5, -7.0]


def test_a_missing_file_is_named_with_its_fingerprint(copy: Path, small_store: bytes):
    data = pickle.dumps(glovestore.open(copy))
    copy.unlink()
    with pytest.raises(FileNotFoundError) as caught:
        pickle.loads(data)
    wanted = f"expected the pickled store with fingerprint {small_store[41:57].decode()}, got no file"
    assert (caught.value.strerror, caught.value.filename) == (wanted, str(copy))
    assert wanted in str(caught.value)
    assert str(copy) in str(caught.value)


def test_a_closed_store_is_not_pickled(copy: Path):
    store = glovestore.open(copy)
    store.close()
    with pytest.raises(ValueError, match="expected an open store, got one that was closed"):
        pickle.dumps(store)


# ----- copies and comparisons


def test_copies_are_the_store_itself(copy: Path):
    store = glovestore.open(copy)
    assert copying.copy(store) is store
    assert copying.deepcopy(store) is store
    assert copying.deepcopy({"store": [store]})["store"][0] is store
    store.close()
    assert copying.deepcopy(store) is store


def test_equality_is_path_fingerprint_and_kind(copy: Path, small_store: bytes, tmp_path: Path):
    store, same = glovestore.open(copy), glovestore.open(copy)
    in_memory = glovestore.open(copy, copy=True)
    elsewhere = tmp_path / "elsewhere.h5"
    elsewhere.write_bytes(small_store)
    assert store == same
    assert hash(store) == hash(same)
    assert len({store, same, in_memory, glovestore.open(elsewhere)}) == 3
    assert store != in_memory == glovestore.open(copy, copy=True)
    assert store != glovestore.open(elsewhere)
    assert store != str(copy)
    same.close()
    assert store == same  # closing changes what can be done with it, not what it is
    copy.write_bytes(same_header_but_one_entry(small_store))
    assert store != glovestore.open(copy)


def test_scikit_learn_clones_what_holds_a_store(copy: Path):
    base = pytest.importorskip("sklearn.base")

    class Vectors(base.TransformerMixin, base.BaseEstimator):
        def __init__(self, store: Any = None, oov: str = "zeros") -> None:
            self.store = store
            self.oov = oov

    store = glovestore.open(copy)
    cloned = base.clone(Vectors(store, oov="mean"))
    assert cloned.store is store
    assert cloned.oov == "mean"
    assert base.clone(cloned).set_params(oov="zeros").store is store


def test_joblib_hashes_equal_stores_alike(copy: Path, small_store: bytes):
    """`joblib.Memory` finds what it has kept for a store."""
    joblib = pytest.importorskip("joblib")
    before = joblib.hash(glovestore.open(copy))
    assert joblib.hash(glovestore.open(copy)) == before
    copy.write_bytes(same_header_but_one_entry(small_store))
    assert joblib.hash(glovestore.open(copy)) != before
