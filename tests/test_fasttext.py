"""fastText's binary files: what a build makes of them, against the slow reference of the format and of the vectors."""

from __future__ import annotations

import bz2
import gzip
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import store_reader
from fasttext_reference import WORDS, Model, random_matrix, random_model, read, vector, write
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh64_hexdigest, xxh64_intdigest

import glovestore
from glovestore.building import build_store
from glovestore.sources import fasttext, fasttext_matrix
from glovestore.sources.reader import ReadOptions

OOV = [b"theof", b"", b"a", b"ab", "\u65e5\u672c".encode(), b"\xff\xfe", b"\x80", b"</s>", b"<", b"x" * 300, b"a\0b"]

MODELS: dict[str, Any] = {
    "skipgram": {},
    "cbow": {"model": 1},
    "version 11": {"version": 11},
    "no version": {"version": None},
    "labels": {"labels": [b"__label__a", b"__label__b"], "model": 3},
    "supervised 11": {"labels": [b"__label__a"], "model": 3, "version": 11},
    "supervised without version": {"labels": [b"__label__a"], "model": 3, "version": None},
    "word n-grams": {"labels": [b"l"], "model": 3, "maxn": 0, "minn": 0, "word_ngrams": 2},
    "no buckets": {"bucket": 0, "maxn": 0, "minn": 0},
    "minn beyond maxn": {"minn": 7},
    "single characters": {"minn": 1, "maxn": 1},
    "minn 0": {"minn": 0, "maxn": 2},
    "long n-grams": {"maxn": 64},
    "one bucket": {"bucket": 1},
    "dim 1": {"dim": 1},
    "dim 33": {"dim": 33},
    "quantised": {"dsub": 2},
    "quantised, norms": {"dsub": 2, "has_norms": True, "labels": [b"l"], "model": 3},
    "quantised 11": {"dsub": 2, "version": 11},
    "parts of 3 of 7": {"dsub": 3, "dim": 7, "has_norms": True},
    "one part": {"dsub": 5},
    "parts of 1": {"dsub": 1},
    "pruned": {"dsub": 2, "keep": 11, "has_norms": True},
    "pruned to no n-grams": {"dsub": 2, "keep": 0},
    "pruned, all buckets": {"dsub": 2, "keep": 40},
    "pruned, word n-grams": {"dsub": 2, "keep": 5, "maxn": 0, "minn": 0},
}


def build(model: Model, folder: Path, **options: Any) -> glovestore.EmbeddingStore:
    source = folder / "model.bin"
    source.write_bytes(write(model))
    glovestore.build(source, folder / "store.h5", durable=False, overwrite=True, **options)
    assert sorted(path.name for path in folder.iterdir()) == ["model.bin", "store.h5"]
    return glovestore.open(folder / "store.h5")


def expect(store: glovestore.EmbeddingStore, model: Model, tokens: Sequence[bytes] = OOV) -> None:
    """Compare rows and vectors with the reference, bit by bit."""
    assert [store.tokens.raw(row) for row in range(len(store))] == model.words
    for row, token in enumerate(model.words):
        np.testing.assert_array_equal(store.vectors[row], vector(model, token), err_msg=repr(token))
    store.verify()
    if store.subwords is not None:
        others = [token for token in tokens if token not in model.words]
        found = store.token_vectors(others)
        np.testing.assert_array_equal(found, [vector(model, token) for token in others])


@pytest.mark.parametrize("settings", MODELS.values(), ids=list(MODELS))
def test_every_kind_of_model(tmp_path: Path, settings: dict[str, Any]) -> None:
    model = random_model(**settings)
    assert np.array_equal(
        vector(read(write(model)), b"the"), vector(model, b"the")
    )  # the reference reads what it writes
    with build(model, tmp_path) as store:
        expect(store, model)
        has_subwords = max(1, model.minn) <= model.longest and model.bucket > 0 and model.pruned != {}
        assert (store.subwords is not None) == has_subwords
        assert store.metadata["source_format"] == "fasttext"
        store_reader.check(store.path)
        metadata, arrays = store_reader.read(store.path)
        assert ("subword_vectors" in arrays) == ("subword_maxn" in metadata) == has_subwords
        assert ("subword_buckets" in arrays) == (has_subwords and model.pruned is not None)


def test_the_report_and_the_digest(tmp_path: Path) -> None:
    model = random_model(labels=[b"__label__a"], model=3)
    data = write(model)
    (tmp_path / "m.bin").write_bytes(data)
    report = glovestore.build(tmp_path / "m.bin", tmp_path / "m.h5")
    assert (report.format, report.rows, report.lines, report.dim) == ("fasttext", len(WORDS), len(WORDS), 5)
    assert (report.source_bytes, report.header, report.duplicates, report.skipped) == (len(data), 0, 0, 0)
    digest = xxh64_hexdigest(xxh64_intdigest(data).to_bytes(8, "little"))
    assert glovestore.open(tmp_path / "m.h5").metadata["source_digest"] == digest


TOKENS = st.lists(
    st.one_of(st.binary(max_size=6), st.text(max_size=5).map(lambda text: text.encode("utf-8", "surrogatepass"))).map(
        lambda token: token.replace(b"\0", b"")
    ),
    min_size=1, max_size=6, unique=True,
)  # fmt: skip


@given(
    TOKENS, st.lists(st.binary(max_size=8), max_size=6), st.integers(1, 9), st.integers(1, 50), st.integers(0, 4),
    st.integers(0, 6), st.sampled_from([None, 1, 2, 3]), st.booleans(), st.data(),
)  # fmt: skip
def test_any_model(
    tmp_path_factory: pytest.TempPathFactory, words: list[bytes], others: list[bytes], dim: int, bucket: int, minn: int,
    maxn: int, dsub: int | None, has_norms: bool, data: st.DataObject,
) -> None:  # fmt: skip
    dsub = min(dsub, dim) if dsub else 0
    keep = data.draw(st.none() | st.integers(0, bucket)) if dsub else None
    model = random_model(3, dim, bucket, dsub, has_norms, keep, words=words, minn=minn, maxn=maxn)
    with build(model, tmp_path_factory.mktemp("any")) as store:
        expect(store, model, [*others, *OOV])


# ----- where the bytes come from


def test_compressed_and_piped(tmp_path: Path) -> None:
    data = write(random_model(dim=37, bucket=2000))
    (tmp_path / "plain.bin").write_bytes(data)
    (tmp_path / "model.bin.gz").write_bytes(gzip.compress(data))
    (tmp_path / "model.ftz").write_bytes(bz2.compress(data))
    os.mkfifo(tmp_path / "pipe")
    feeder = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,))
    feeder.start()
    stores = []
    for name in ("plain.bin", "model.bin.gz", "model.ftz", "pipe"):
        assert glovestore.build(tmp_path / name, tmp_path / f"{name}.h5").source_bytes == len(data)
        stores.append(store_reader.read(tmp_path / f"{name}.h5"))
    feeder.join()
    own = {"source_name", "header_xxh64", "block_checksums_xxh64"}
    for metadata, arrays in stores[1:]:
        assert {name: metadata[name] for name in metadata.keys() - own} == {
            name: stores[0][0][name] for name in stores[0][0].keys() - own
        }
        for name in arrays.keys() - {"block_checksums"}:
            np.testing.assert_array_equal(arrays[name], stores[0][1][name])


@pytest.mark.parametrize("settings", [{}, {"dsub": 2, "keep": 11, "has_norms": True}], ids=["dense", "pruned"])
@pytest.mark.parametrize("batch", [1, 20, 60, 1 << 20])
def test_batches_and_threads_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], batch: int
) -> None:
    model = random_model(**settings)
    with build(model, tmp_path, threads=1) as store:
        expected = store.path.read_bytes()
    monkeypatch.setattr(fasttext_matrix, "BATCH_BYTES", batch)
    monkeypatch.setattr(fasttext, "BATCH_TOKEN_BYTES", batch)
    for threads in (1, 3):
        with build(model, tmp_path, threads=threads) as store:
            assert store.path.read_bytes() == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_pieces_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    model = random_model(dsub=2, keep=11, has_norms=True, labels=[b"l"], model=3)
    monkeypatch.setattr("glovestore.streams.files.BLOCK", size)
    with build(model, tmp_path) as store:
        expect(store, model)


def test_keep_limit_and_order(tmp_path: Path) -> None:
    model = random_model()
    with build(model, tmp_path, keep=[b"of", b"the", b"zzz"]) as store:
        assert list(store.tokens) == ["the", "of"]
        assert store.metadata["not_kept"] == str(len(WORDS) - 2)
        np.testing.assert_array_equal(store["of"], vector(model, b"of"))
        np.testing.assert_array_equal(store.token_vectors([b"theof"])[0], vector(model, b"theof"))
    with build(model, tmp_path, keep=[b"of", b"the"], order="given") as store:
        assert list(store.tokens) == ["of", "the"]
        np.testing.assert_array_equal(store["the"], vector(model, b"the"))
        np.testing.assert_array_equal(store.token_vectors([b"theof"])[0], vector(model, b"theof"))
        store.verify()
    with build(model, tmp_path, limit=3) as store:
        assert len(store) == 3
        np.testing.assert_array_equal(store.vectors[2], vector(model, WORDS[2]))


def test_duplicates(tmp_path: Path) -> None:
    model = random_model(words=[b"a", b"b", b"a"], minn=1, maxn=2)
    with build(model, tmp_path) as store:
        assert list(store.tokens) == ["a", "b"]
        assert store.metadata["duplicates"] == "1"
        np.testing.assert_array_equal(store["a"], vector(model, b"a"))


def test_the_longest_token(tmp_path: Path) -> None:
    model = random_model(words=[b"x" * 65_535, b"y"], minn=64, maxn=64, dim=2)
    with build(model, tmp_path) as store:
        long = store.tokens.raw(0)
        assert len(long) == 65_535
        np.testing.assert_allclose(store.vectors[0], vector(model, long), rtol=1e-6)
        assert not store.token_vectors([b"z" * 65_536]).any()


# ----- what cannot be in a store


@pytest.mark.parametrize("row", [0, 2])
def test_words_that_are_not_finite(tmp_path: Path, row: int) -> None:
    model = random_model()
    model.matrix[row, 3] = np.nan
    wanted = rf"model\.bin: row {row}, token b'{WORDS[row].decode()}': expected finite numbers, got nan in column 3$"
    with pytest.raises(glovestore.SourceFormatError, match=wanted):
        build(model, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]
    with build(model, tmp_path, on_bad_line="skip") as store:
        assert store.metadata["skipped"] == "1"
        assert len(store) == len(WORDS) - 1


def test_ngrams_that_are_not_finite(tmp_path: Path) -> None:
    model = random_model()
    model.matrix[len(WORDS) + 17, 3] = -np.inf
    wanted = r"n-gram row 17: expected finite numbers, got -inf in column 3$"
    for on_bad_line in ("error", "skip"):
        with pytest.raises(glovestore.SourceFormatError, match=wanted):
            build(model, tmp_path, on_bad_line=on_bad_line)


def test_another_dim_than_asked_for(tmp_path: Path) -> None:
    with pytest.raises(glovestore.SourceFormatError, match=r"expected dim 6, got 5$"):
        build(random_model(), tmp_path, dim=6)


def test_a_source_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(write(random_model()))
    before = fasttext.read_dictionary

    def changing(*arguments: Any) -> Any:
        source.write_bytes(b"other")
        return before(*arguments)

    monkeypatch.setattr(fasttext, "read_dictionary", changing)
    with pytest.raises(glovestore.TextFormatError, match="expected the file to stay as it is while it is read"):
        build_store(source, tmp_path / "store.h5", ReadOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


@pytest.mark.parametrize("where", ["read_dictionary", "read_matrix", "take_output", "Subwords"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")], ids=["ctrl-c", "full"])
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, error: Any) -> None:
    def fail(*arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(fasttext, where, fail)
    with pytest.raises(error if isinstance(error, type) else type(error)):
        build(random_model(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


def test_any_output_matrix(tmp_path: Path) -> None:
    """The other matrix may have any number of rows, and be quantised; the flag is for those of a quantised model."""
    random = np.random.default_rng(5)
    dense = random_model(qout=True, output=np.zeros((3, 5), np.float32))
    quantised = random_model(dsub=2, qout=True, output=random_matrix(random, 4, 5, 2, True))
    for model in (dense, quantised):
        with build(model, tmp_path) as store:
            expect(store, model)
