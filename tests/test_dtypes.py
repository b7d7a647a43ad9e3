"""Stores of float16 and int8: what they hold, in every reader, and that look-ups give float32."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import store_reader
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file
from shared import Built
from stored_reference import DTYPES, decoded, kept, rounded
from test_format import ordered_norms
from test_tiers_sums import statistics_by_the_book
from vectors_generator import generate

import glovestore
from glovestore import _core
from glovestore.simd import VARIABLE

REDUCED = ("float16", "int8")
F4 = np.float32
BuildBytes = Callable[..., Built]
Stores = dict[str, glovestore.EmbeddingStore]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several blocks of text, checksums and statistics; some tokens come twice, so that rows are moved."""
    path = generate(tmp_path_factory.mktemp("source") / "source.txt", rows=9_000, dim=37, seed=11)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5000] + lines[100:200] + lines[5000:]))
    return path


@pytest.fixture(scope="module")
def stores(source: Path) -> Stores:
    """The store of the text in each dtype."""
    paths = {dtype: source.with_name(f"{dtype}.h5") for dtype in DTYPES}
    reports = {dtype: glovestore.build(source, path, dtype=dtype) for dtype, path in paths.items()}
    assert {report.dtype for report in reports.values()} == set(DTYPES)
    assert {report.duplicates for report in reports.values()} == {100}
    return {dtype: glovestore.open(path) for dtype, path in paths.items()}


@pytest.fixture(params=REDUCED)
def reduced(stores: Stores, request: pytest.FixtureRequest) -> glovestore.EmbeddingStore:
    return stores[request.param]


@pytest.fixture
def vectors(reduced: glovestore.EmbeddingStore) -> NDArray[np.float32]:
    """What the store stands for, by numpy."""
    return decoded(reduced.vectors, reduced.scales)


@pytest.fixture
def plain(
    reduced: glovestore.EmbeddingStore, vectors: NDArray[np.float32], tmp_path: Path
) -> glovestore.EmbeddingStore:
    """A float32 store of the same tokens and the decoded vectors, by way of text."""
    lines = [f"{token} {' '.join(map(str, row))}\n" for token, row in zip(reduced.tokens, vectors, strict=True)]
    (tmp_path / "plain.txt").write_text("".join(lines), "utf-8")
    glovestore.build(tmp_path / "plain.txt", tmp_path / "plain.h5")
    return glovestore.open(tmp_path / "plain.h5")


# ----- what is in the file


def test_the_file_by_the_book(stores: Stores, reduced: glovestore.EmbeddingStore):
    dtype = reduced.dtype.name
    store_reader.check(reduced.path)
    reduced.verify()
    metadata, arrays = store_reader.read(reduced.path)
    stored, scales = rounded(stores["float32"].vectors, dtype)
    assert arrays["vectors"].tobytes() == reduced.vectors.tobytes() == stored.tobytes()
    assert ("scales" in arrays) == (dtype == "int8")
    if scales is not None and reduced.scales is not None:
        assert arrays["scales"].tobytes() == reduced.scales.tobytes() == scales.tobytes()
    assert metadata["format_version"] == "1"
    others = {name: value for name, value in metadata.items() if "xxh64" not in name}
    assert others == {name: value for name, value in stores["float32"].metadata.items() if "xxh64" not in name}


def test_norms_and_statistics_are_of_the_decoded_vectors(
    reduced: glovestore.EmbeddingStore, vectors: NDArray[np.float32]
):
    assert reduced.norms.tobytes() == ordered_norms(vectors).tobytes()
    mean, std = statistics_by_the_book(vectors)
    assert reduced.mean.tobytes() == mean.tobytes()
    assert reduced.std.tobytes() == std.tobytes()


def test_other_readers_see_the_same(reduced: glovestore.EmbeddingStore):
    names = {"vectors", "norms", "mean", "std", "token_bytes", "token_offsets", "index_slots", "block_checksums"}
    names |= {"scales"} if reduced.scales is not None else set()
    _, arrays = store_reader.read(reduced.path)
    by_safetensors = load_file(reduced.path)
    with h5py.File(reduced.path, "r") as file:
        assert set(file) == names == set(arrays)
        for name in names:
            assert file[name].dtype == by_safetensors[name].dtype == arrays[name].dtype
            assert file[name][...].tobytes() == by_safetensors[name].tobytes() == arrays[name].tobytes()
            assert file[name].id.get_offset() % 4096 == 0


@pytest.mark.parametrize("dtype", REDUCED)
def test_neither_tier_nor_threads_nor_blocks_change_a_byte(
    source: Path, stores: Stores, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = Path(stores[dtype].path).read_bytes()
    for tier in _core.SIMD_TIERS:
        monkeypatch.setenv(VARIABLE, tier)
        for threads in (1, 3):
            glovestore.build(source, tmp_path / "1.h5", dtype=dtype, threads=threads, overwrite=True)
            assert (tmp_path / "1.h5").read_bytes() == expected


@pytest.mark.parametrize("dtype", REDUCED)
def test_in_the_order_of_the_tokens_to_keep(source: Path, stores: Stores, dtype: str, tmp_path: Path):
    keep = [stores[dtype].tokens[row] for row in (7, 3, 8000, 0)]
    glovestore.build(source, tmp_path / "1.h5", dtype=dtype, keep=keep, order="given")
    with glovestore.open(tmp_path / "1.h5") as store:
        assert list(store.tokens) == keep
        assert store[keep].tobytes() == stores[dtype][keep].tobytes()


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.lists(st.floats(-65504, 65504, width=32), min_size=3, max_size=3), min_size=1, max_size=8),
    dtype=st.sampled_from(REDUCED),
)
def test_any_vectors(scratch: Path, values: list[list[float]], dtype: str):
    expected = kept(np.array(values, F4), dtype)
    source, target = scratch / "source.txt", scratch / "store.h5"
    lines = [f"{i} {' '.join(str(F4(x)) for x in row)}\n" for i, row in enumerate(values)]
    source.write_text("".join(lines))
    target.unlink(missing_ok=True)
    glovestore.build(source, target, dtype=dtype, durable=False)
    with glovestore.open(target) as store:
        assert store[list(map(str, range(len(values))))].tobytes() == expected.tobytes()
        assert store.norms.tobytes() == ordered_norms(expected).tobytes()


# ----- look-ups


def test_what_a_store_says_about_itself(reduced: glovestore.EmbeddingStore, stores: Stores):
    assert reduced.dtype == reduced.vectors.dtype == np.dtype(reduced.dtype.name)
    assert not reduced.vectors.flags.writeable
    assert (reduced.scales is None) == (reduced.dtype == np.float16)
    assert stores["float32"].scales is None
    assert reduced.nbytes < stores["float32"].nbytes
    assert reduced.shape == stores["float32"].shape


def test_look_ups_give_float32(reduced: glovestore.EmbeddingStore, vectors: NDArray[np.float32]):
    for row in (0, 1, 4999, 5000, len(reduced) - 1):
        token = reduced.tokens[row]
        for found in (reduced[token], reduced.get(token), reduced[token.encode()]):
            assert found.dtype == F4
            assert found.tobytes() == vectors[row].tobytes()
            assert not found.flags.writeable
    assert reduced.get("absent") is None
    with pytest.raises(KeyError):
        reduced["absent"]
    tokens = reduced.tokens[4000:]  # more than one thread's
    found = reduced[tokens]
    assert found.dtype == F4
    assert found.tobytes() == vectors[4000:].tobytes()
    assert reduced.decoded(10, 20).tobytes() == vectors[10:20].tobytes()
    assert reduced.decoded(10, 10).shape == (0, reduced.dim)


def test_decoded_rows_of_float32_are_the_map(stores: Stores):
    assert np.shares_memory(stores["float32"].decoded(1, 3), stores["float32"].vectors)


@pytest.mark.parametrize("oov", ["zeros", "mean", "normal"])
def test_matrix(reduced: glovestore.EmbeddingStore, plain: glovestore.EmbeddingStore, oov: str):
    vocab = ["<pad>", *reduced.tokens[5:3000:7], "absent", reduced.tokens[0]]
    for dtype in (np.float32, np.float16, np.float64):
        with np.errstate(over="ignore"):
            ours = reduced.matrix(vocab, oov=oov, dtype=dtype)
            theirs = plain.matrix(vocab, oov=oov, dtype=dtype)
        assert ours.array.dtype == dtype
        assert ours.array.tobytes() == theirs.array.tobytes()


def test_the_unk_policy(build_bytes: BuildBytes):
    for dtype in REDUCED:
        path, _ = build_bytes(b"<unk> 1 2.5\nb 3 4\n", dtype=dtype)
        with glovestore.open(path) as store:
            assert store.matrix(["b", "c"], oov="unk").array.tolist() == store[["b", "<unk>"]].tolist()


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
def test_nearest_is_that_of_the_decoded_vectors(
    reduced: glovestore.EmbeddingStore, plain: glovestore.EmbeddingStore, tier: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLE, tier)
    tokens = reduced.tokens[0:9000:450]
    assert reduced.nearest(tokens[3], k=7) == plain.nearest(tokens[3], k=7)
    assert reduced.nearest(tokens, k=7) == plain.nearest(tokens, k=7)
    queries = np.random.default_rng(0).normal(size=(5, reduced.dim))
    some = np.arange(0, 9000, 3)
    assert reduced.nearest(queries, restrict_to=some) == plain.nearest(queries, restrict_to=some)
    assert reduced.nearest(queries[0]) == plain.nearest(queries[0])


def test_copies_maps_and_pickles(reduced: glovestore.EmbeddingStore, vectors: NDArray[np.float32]):
    mine = reduced.vectors_copy_on_write()
    assert mine.dtype == F4
    assert mine.tobytes() == vectors.tobytes()
    mine[0] = 1
    assert reduced[reduced.tokens[0]].tobytes() == vectors[0].tobytes()
    for again in (pickle.loads(pickle.dumps(reduced)), copy.copy(reduced), glovestore.open(reduced.path, copy=True)):
        assert again.dtype == reduced.dtype
        assert again[again.tokens[8000]].tobytes() == vectors[8000].tobytes()


def test_a_closed_store_keeps_its_arrays(build_bytes: BuildBytes):
    path, _ = build_bytes(b"a 1 2\nb 3 4\n", dtype="int8")
    with glovestore.open(path) as store:
        pass
    with pytest.raises(ValueError, match="closed"):
        store["a"]
    assert store.vectors.tolist() == [[64, 127], [95, 127]]


# ----- frameworks


def test_embedding(reduced: glovestore.EmbeddingStore, vectors: NDArray[np.float32]):
    torch = pytest.importorskip("torch")
    whole = glovestore.torch.embedding(reduced, freeze=False)
    assert whole.weight.dtype == torch.float32
    assert whole.weight.detach().numpy().tobytes() == vectors.tobytes()
    half = glovestore.torch.embedding(reduced, dtype=torch.float16)
    assert half.weight.numpy().tobytes() == vectors.astype(np.float16).tobytes()
    some = glovestore.torch.embedding(reduced, reduced.tokens[:5])
    assert some.weight.numpy().tobytes() == vectors[:5].tobytes()


# ----- what goes wrong


@pytest.mark.parametrize("number", ["65520", "-1e5", "3.4e38"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_number_beyond_float16(tmp_path: Path, number: str, threads: int):
    source = tmp_path / "source.txt"
    rows = [f"token{i} {i % 100} 2 3\n" for i in range(200_000)]
    rows[150_001] = f"here 1 {number} 3\n"
    rows[180_000] = "there 1 1e9 3\n"
    source.write_text("".join(rows))
    with pytest.raises(glovestore.GlovestoreError) as caught:
        glovestore.build(source, tmp_path / "store.h5", dtype="float16", threads=threads)
    shown = f"{float(number):g}"
    assert str(caught.value) == (
        f"{tmp_path / 'store.h5'}: row 150001, token 'here': expected numbers within float16, got {shown} in column 1:"
        " choose another dtype"
    )
    assert list(tmp_path.iterdir()) == [source]
    glovestore.build(source, tmp_path / "store.h5", dtype="int8")


def test_the_greatest_of_float16(build_bytes: BuildBytes):
    path, _ = build_bytes(b"a 65519.996 -65504 1e-8\n", dtype="float16")
    assert glovestore.open(path)["a"].tolist() == [65504, -65504, 0]


@pytest.mark.parametrize("dtype", ["int4", "float64", np.uint8, None, "F16"])
def test_other_dtypes(tmp_path: Path, dtype: Any):
    (tmp_path / "source.txt").write_bytes(b"a 1\n")
    with pytest.raises(ValueError, match="dtype: expected float32, float16, int8, got '"):
        glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5", dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.dtype("float16"), "float16"])
def test_a_dtype_by_any_name(build_bytes: BuildBytes, dtype: Any):
    assert build_bytes(b"a 1\n", dtype=dtype).report.dtype == "float16"
