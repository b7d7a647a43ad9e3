"""Vectors of tokens by their n-grams: the core against the slow reference, and what a store makes of them."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from damage import Header, in_order, refuse, with_checksums, with_header
from fasttext_reference import Model, fnv, ngrams, random_model, random_quantiser, vector, write
from hypothesis import given
from hypothesis import strategies as st

import glovestore
from glovestore import _core, cli
from glovestore.errors import CoverageWarning
from glovestore.matrix import Coverage
from glovestore.subwords import Subwords

BYTES = st.binary(max_size=12) | st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass"))
SOME = [b"theof", "\u65e5\u672c".encode(), b"\xff\xfe\x80", b"</s>", b"", b"a", b"<", b"x" * 300, b"a\0b"]


# ----- the core


def test_ngrams_of_the_reference() -> None:
    """By hand, so that the reference has a reference."""
    assert ngrams(b"ab", 1, 2) == [b"<a", b"a", b"ab", b"b", b"b>"]
    assert ngrams(b"ab", 3, 6) == [b"<ab", b"<ab>", b"ab>"]
    assert ngrams("\u00e9x".encode(), 2, 3) == [b"<\xc3\xa9", b"<\xc3\xa9x", b"\xc3\xa9x", b"\xc3\xa9x>", b"x>"]
    assert ngrams(b"\x80a", 2, 2) == [b"<\x80a", b"a>"]
    assert ngrams(b"", 1, 6) == [b"<>"]
    assert fnv(b"") == 2166136261
    assert fnv(b"a") == 0xE40C292C  # as published
    assert fnv(b"\x80") == ((2166136261 ^ 0xFFFFFF80) * 16777619) & 0xFFFFFFFF


@given(
    st.lists(BYTES, max_size=8), st.integers(1, 40), st.integers(1, 30), st.integers(1, 6), st.integers(0, 5), st.data()
)
def test_means_are_those_of_the_reference(
    tokens: list[bytes], dim: int, bucket: int, minn: int, more: int, data: st.DataObject
) -> None:
    keep = data.draw(st.none() | st.integers(1, bucket))
    maxn = minn + more
    model = random_model(2, dim, bucket, 0, keep=keep, words=[], minn=minn, maxn=maxn)
    rows, buckets = model.matrix, None
    if model.pruned is not None:
        buckets = np.array(sorted(model.pruned), np.uint64)
        rows = rows[[model.pruned[b] for b in buckets.tolist()]]
    subwords = Subwords(np.ascontiguousarray(rows), bucket, minn, maxn, buckets)
    expected = np.array([vector(model, token) for token in [*tokens, *SOME]])
    found = subwords.vectors_of([*tokens, *SOME])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("own", _core.OWN_ROWS)
def test_threads_change_nothing(threads: int, own: str) -> None:
    random = np.random.default_rng(1)
    rows = _core.SubwordRows(random.normal(size=(50, 37)).astype(np.float32), 50, 3, 6)
    tokens = _core.Strings.of_objects([f"token {i}" for i in range(1000)])
    out = random.normal(size=(1000, 37)).astype(np.float32)
    expected = out.copy()
    rows.mean_vectors(tokens, out, own, threads)
    rows.mean_vectors(tokens, expected, own, 1)
    np.testing.assert_array_equal(out, expected)


def test_the_end_of_sentence_of_2016() -> None:
    rows = _core.SubwordRows(np.ones((1, 1), np.float32), 1, 3, 3)
    for own, wanted in (("none", 0), ("given", 5), ("given of 2016", 1.8)):
        out = np.full((1, 1), 5, np.float32)
        rows.mean_vectors(_core.Strings.of_objects(["</s>"]), out, own)
        assert out[0, 0] == pytest.approx(wanted)  # 4 n-grams of ones, and a five


def test_no_string_has_no_ngrams() -> None:
    rows = _core.SubwordRows(np.ones((1, 2), np.float32), 1, 1, 3)
    out = np.full((4, 2), 9, np.float32)
    rows.mean_vectors(_core.Strings.of_objects([None, b"x" * 65_536, "\ud800", "ok"]), out)
    assert out.tolist() == [[0, 0], [0, 0], [0, 0], [1, 1]]


def test_buckets_out_of_order_are_a_miss() -> None:
    """Of a store that is damaged where opening does not look."""
    random = np.random.default_rng(1)
    for _ in range(50):
        buckets = random.integers(0, 2**64, 20, np.uint64, endpoint=False) >> random.integers(0, 64, 20, np.uint64)
        rows = _core.SubwordRows(np.ones((20, 1), np.float32), 1000, 1, 6, buckets)
        out = np.empty((3, 1), np.float32)
        rows.mean_vectors(_core.Strings.of_objects(["token", "the", "x" * 1000]), out)
        assert set(out.ravel().tolist()) <= {0.0, 1.0}


ROWS = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((ROWS[:0], 3, 1, 1), "vectors is empty"),
        ((ROWS, 0, 1, 1), "bucket_count is out of range"),
        ((ROWS, 2, 1, 1), "bucket_count is out of range"),
        ((ROWS, 2**31, 1, 1), "bucket_count is out of range"),
        ((ROWS, 3, 0, 1), "minn or maxn is out of range"),
        ((ROWS, 3, 2, 1), "minn or maxn is out of range"),
        ((ROWS, 3, 1, 65), "minn or maxn is out of range"),
        ((ROWS, 4, 1, 1), "vectors has no row for each bucket"),
        ((ROWS, 4, 1, 1, np.zeros(2, np.uint64)), "vectors has no row for each bucket"),
    ],
)
def test_tables_that_do_not_fit(arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        _core.SubwordRows(*arguments)


def test_targets_that_do_not_fit() -> None:
    rows = _core.SubwordRows(ROWS, 3, 1, 1)
    tokens = _core.Strings.of_objects(["a"])
    for out, own in ((np.zeros((2, 2), np.float32), "none"), (np.zeros((1, 3), np.float32), "none")):
        with pytest.raises(ValueError, match="out"):
            rows.mean_vectors(tokens, out, own)
    with pytest.raises(ValueError, match="expected own to be one of"):
        rows.mean_vectors(tokens, np.zeros((1, 2), np.float32), "mine")


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5), st.booleans(), st.integers(1, 3))
def test_rows_are_dequantised(dim: int, dsub: int, count: int, has_norms: bool, threads: int) -> None:
    random, dsub = np.random.default_rng(3), min(dim, dsub)
    quantiser = random_quantiser(random, dim, dsub)
    codes = random.integers(0, 256, (count, len(quantiser.centroids)), np.uint8)
    norms = random.normal(size=count).astype(np.float32) if has_norms else None
    out = np.empty((count, dim), np.float32)
    centroids = np.concatenate([part.ravel() for part in quantiser.centroids])
    _core.dequantise(centroids, dsub, codes, norms, out, threads)
    for i in range(count):
        row = quantiser.decode(codes[i])
        np.testing.assert_array_equal(out[i], row if norms is None else norms[i] * row)


def test_quantisers_that_do_not_fit() -> None:
    out, codes, centroids = np.zeros((2, 3), np.float32), np.zeros((2, 2), np.uint8), np.zeros(768, np.float32)
    one = np.zeros(1, np.float32)
    for arguments in (
        (centroids[:-1], 2, codes, None), (centroids, 0, codes, None), (centroids, 4, codes, None),
        (centroids, 3, codes, None), (centroids, 2, codes[:1], None), (centroids, 2, codes, one),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"part_dim|centroids|codes|norms"):
            _core.dequantise(*arguments, out)


# ----- a store


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model(dim=4, bucket=30)


@pytest.fixture(scope="module")
def path(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subwords")
    (folder / "m.bin").write_bytes(write(model))
    glovestore.build(folder / "m.bin", folder / "m.h5")
    return folder / "m.h5"


@pytest.fixture
def store(path: Path) -> Iterator[glovestore.EmbeddingStore]:
    with glovestore.open(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without subwords."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "m.txt").write_bytes(b"the 1 2\nof 3 4\n")
    glovestore.build(folder / "m.txt", folder / "m.h5")
    return folder / "m.h5"


def test_look_ups_stay_exact(store: glovestore.EmbeddingStore) -> None:
    assert "theof" not in store
    assert store.get("theof") is None
    assert store.rows(["the", "theof"]).tolist() == [0, -1]
    with pytest.raises(KeyError):
        store["theof"]
    with pytest.raises(KeyError):
        store[["the", "theof"]]


def test_the_vector_of_any_token(store: glovestore.EmbeddingStore, model: Model) -> None:
    tokens = ["the", b"kter\xec", "kter\udcec", "theof", b"\xff", "\udcff", "caf\u00e9s"]
    found = store.token_vectors(tokens)
    raw = [token if isinstance(token, bytes) else token.encode("utf-8", "surrogateescape") for token in tokens]
    np.testing.assert_array_equal(found, [vector(model, token) for token in raw])
    assert found.flags.writeable
    np.testing.assert_array_equal(store.token_vectors(np.array(["theof", "of"]))[0], vector(model, b"theof"))
    np.testing.assert_array_equal(store.token_vectors(pa.array(["theof", None]))[1], np.zeros(4))
    np.testing.assert_array_equal(store.token_vectors(["\ud800"])[0], vector(model, b"\xed\xa0\x80"))
    assert store.token_vectors([]).shape == (0, 4)
    for wrong in ("the", [1], 7):
        with pytest.raises(TypeError):
            store.token_vectors(wrong)
    assert len(store.nearest(found, k=2)) == len(tokens)


def test_subwords_of_a_store(store: glovestore.EmbeddingStore, model: Model, plain: Path) -> None:
    subwords = store.subwords
    assert subwords is not None
    assert (subwords.minn, subwords.maxn, subwords.bucket_count, subwords.buckets) == (3, 6, 30, None)
    np.testing.assert_array_equal(subwords.vectors, model.matrix[len(model.words) :])
    assert not subwords.vectors.flags.writeable
    assert repr(subwords) == "<Subwords 30 x 4: n-grams of 3 to 6 characters>"
    with glovestore.open(plain) as other:
        assert other.subwords is None
        with pytest.raises(ValueError, match=r"expected a store with subwords, of a fastText \.bin or \.ftz file"):
            other.token_vectors(["the"])
    store.close()
    with pytest.raises(ValueError, match="expected an open store"):
        store.token_vectors(["the"])


def test_they_stay_when_the_store_is_closed_copied_or_pickled(path: Path, model: Model) -> None:
    with glovestore.open(path) as opened:
        subwords = opened.subwords
        again = pickle.loads(pickle.dumps(opened))
    assert subwords is not None
    for held in (subwords, again.subwords, glovestore.open(path, copy=True).subwords):
        np.testing.assert_array_equal(held.vectors_of(["theof"])[0], vector(model, b"theof"))


# ----- matrices


def test_auto_is_subword_where_there_are_subwords(store: glovestore.EmbeddingStore, model: Model, plain: Path) -> None:
    vocab = ["<pad>", "the", "theof", "</s>", b"\xff", "<x"]
    expected = [np.zeros(4), *(vector(model, token) for token in (b"the", b"theof", b"</s>", b"\xff", b"<x"))]
    for options in ({}, {"oov": "auto"}, {"oov": "subword"}):
        np.testing.assert_array_equal(store.matrix(vocab, **options).array, expected)
    with pytest.warns(CoverageWarning):
        assert not store.matrix(vocab, oov="zeros").array[2].any()
    with glovestore.open(plain) as other, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(other.matrix(["the", "theof"]).array, [[1, 2], [0, 0]])
        with pytest.raises(ValueError, match="oov='subword': expected a store with subwords"):
            other.matrix(["the"], oov="subword")


def test_coverage_stays_honest(store: glovestore.EmbeddingStore) -> None:
    m = store.matrix(["the", "theof", "OF", "x", "zzz"], fallbacks=["lower"])
    assert m.coverage == Coverage(5, 1, {"lower": 1}, 3, ("theof", "x", "zzz"), by_subwords=3)
    assert "2 of 5 tokens found" in str(m.coverage)
    assert "3 missing (3 with vectors of their subwords): 'theof', 'x', 'zzz'" in str(m.coverage)
    assert m.coverage.to_dict()["by_subwords"] == 3
    assert m.coverage.fraction == 0.4
    zeros = store.matrix(["the", "theof"], oov="zeros").coverage
    assert zeros.by_subwords is None
    assert "by_subwords" not in zeros.to_dict()


def test_a_warning_where_even_subwords_do_not_help(tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(write(random_model(minn=6, maxn=6)))
    glovestore.build(tmp_path / "m.bin", tmp_path / "m.h5")
    with glovestore.open(tmp_path / "m.h5") as opened:
        with pytest.warns(CoverageWarning, match="only 1 of 5 tokens found"):
            assert opened.matrix(["the", "x", "y", "z", "longer"]).coverage.by_subwords == 1
        assert opened.matrix(["x", "longer"]).coverage.missing == 2  # half of them have vectors


def test_the_unknown_token_of_a_vocabulary_is_zero(store: glovestore.EmbeddingStore) -> None:
    vocab = glovestore.Vocabulary.from_tokens(["the", "theof"])
    m = store.matrix(vocab)
    assert not m.array[:2].any()
    assert m.array[2:].any(axis=1).all()


def test_many_missing_tokens_into_other_dtypes(store: glovestore.EmbeddingStore, model: Model) -> None:
    tokens = [f"token{i}" for i in range(5000)]
    expected = np.array([vector(model, token.encode()) for token in tokens])
    np.testing.assert_array_equal(store.matrix(tokens).array, expected)
    np.testing.assert_array_equal(store.matrix(tokens, dtype=np.float64).array, expected.astype(np.float64))
    out = np.empty((5000, 4), np.float16)
    assert store.matrix(tokens, out=out).array is out
    np.testing.assert_array_equal(out, expected.astype(np.float16))


@pytest.mark.parametrize(
    ("arguments", "used"), [([], "subword"), (["--oov", "subword"], "subword"), (["--oov", "zeros"], "zeros")]
)
def test_the_shell(path: Path, model: Model, tmp_path: Path, arguments: list[str], used: str) -> None:
    (tmp_path / "vocab.txt").write_text("the\ntheof\n")
    out = tmp_path / "m.npy"
    command = ["matrix", str(path), str(tmp_path / "vocab.txt"), "-o", str(out), "--json", *arguments]
    done = CliRunner().invoke(cli.main, command)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["oov"] == used
    wanted = vector(model, b"theof") if used == "subword" else np.zeros(4)
    np.testing.assert_array_equal(np.load(out)[1], wanted)


def test_info_names_subwords(path: Path, plain: Path) -> None:
    done = CliRunner().invoke(cli.main, ["info", str(path), "--json"])
    assert json.loads(done.stdout)["subwords"] == {"rows": 30, "buckets": 30, "minn": 3, "maxn": 6}
    assert "subwords  30 x 4, n-grams of 3 to 6\n" in CliRunner().invoke(cli.main, ["info", str(path)]).stdout
    assert "subwords" not in CliRunner().invoke(cli.main, ["info", str(plain)]).stdout


def test_the_shell_without_subwords(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("the\n")
    command = ["matrix", str(plain), str(tmp_path / "vocab.txt"), "-o", str(tmp_path / "m.npy")]
    done = CliRunner().invoke(cli.main, [*command, "--json"])
    assert json.loads(done.stdout)["oov"] == "zeros"
    done = CliRunner().invoke(cli.main, [*command, "--oov", "subword"])
    assert done.exit_code == 1, done.output
    assert "--oov subword: expected a store with subwords" in done.stderr


# ----- headers that lie

Change = Callable[[Header], Any]


def metadata(**values: str) -> Change:
    return lambda header: header["__metadata__"].update(values)


def entry(name: str, **values: Any) -> Change:
    return lambda header: header[name].update(values)


def without(key: str) -> Change:
    return lambda header: header["__metadata__"].pop(key)


def renamed(name: str, new: str) -> Change:
    def change(header: Header) -> None:
        header[new] = header.pop(name)

    return change


def flat(header: Header) -> None:
    rows, dim = header["subword_vectors"]["shape"]
    header["subword_vectors"]["shape"] = [rows * dim]


def turned(header: Header) -> None:
    header["subword_vectors"]["shape"].reverse()


def empty(header: Header) -> None:
    names = in_order(header)
    before = names[names.index("subword_vectors") - 1]
    header[before]["data_offsets"][1] = header["subword_vectors"]["data_offsets"][1]
    begin, end = header[before]["data_offsets"]
    header[before]["shape"] = [end - begin]
    header["subword_vectors"].update(shape=[0, 4], data_offsets=[0, 0])


LIES: dict[str, tuple[Change, str]] = {
    "minn 0": (metadata(subword_minn="0"), "expected subword_minn to be a number from 1 to 6, got '0'"),
    "minn beyond maxn": (metadata(subword_minn="7"), "expected subword_minn to be a number from 1 to 6, got '7'"),
    "no minn": (without("subword_minn"), "subword_minn"),
    "maxn 0": (metadata(subword_maxn="0"), "expected subword_maxn to be a number from 1 to 64, got '0'"),
    "a huge maxn": (metadata(subword_maxn="65"), "expected subword_maxn to be a number from 1 to 64, got '65'"),
    "a maxn that is no number": (metadata(subword_maxn="six"), "subword_maxn"),
    "no maxn": (without("subword_maxn"), "subword_maxn"),
    "fewer buckets": (metadata(subword_bucket_count="29"), "expected subword_bucket_count to be a number from 30"),
    "more buckets": (metadata(subword_bucket_count="31"), "expected 31 rows, one for each bucket, got 30"),
    "huge buckets": (metadata(subword_bucket_count=str(2**31)), "subword_bucket_count"),
    "no buckets": (without("subword_bucket_count"), "subword_bucket_count"),
    "flat": (flat, r"subword_vectors: expected at least one row of 4 numbers, got shape \(120,\)"),
    "turned": (turned, "subword_vectors: expected at least one row of 4 numbers"),
    "empty": (empty, "subword_vectors: expected at least one row of 4 numbers"),
    "another dtype": (entry("subword_vectors", dtype="I32"), "subword_vectors: expected dtype F32"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), LIES.values(), ids=list(LIES))
def test_headers_that_lie(path: Path, tmp_path: Path, change: Change, expected: str) -> None:
    copy = tmp_path / "copy.h5"
    copy.write_bytes(with_header(path.read_bytes(), change))
    refuse(copy, expected)


def pruned_store(folder: Path, model: Model) -> Path:
    (folder / "m.ftz").write_bytes(write(model))
    glovestore.build(folder / "m.ftz", folder / "m.h5")
    return folder / "m.h5"


PRUNED_LIES: dict[str, tuple[Change, str]] = {
    "buckets alone": (renamed("subword_vectors", "others"), "expected subword_vectors beside it, got none"),
    "vectors alone": (renamed("subword_buckets", "others"), "expected 40 rows, one for each bucket, got 11"),
    "buckets in a column": (entry("subword_buckets", shape=[11, 1]), r"subword_buckets: expected shape \(11,\)"),
    "another dtype": (entry("subword_buckets", dtype="F64"), "subword_buckets: expected dtype U64"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), PRUNED_LIES.values(), ids=list(PRUNED_LIES))
def test_headers_of_pruned_models_that_lie(tmp_path: Path, change: Change, expected: str) -> None:
    store = pruned_store(tmp_path, random_model(dsub=2, keep=11))
    store.write_bytes(with_header(store.read_bytes(), change))
    refuse(store, expected)


def test_damage_that_opening_does_not_see(tmp_path: Path) -> None:
    """Buckets in any order: look-ups miss; what verify says is that the checksum is wrong, or nothing is."""
    model = random_model(dsub=2, keep=11)
    path = pruned_store(tmp_path, model)
    data = bytearray(path.read_bytes())
    begin = json.loads(data[8:16384])["subword_buckets"]["data_offsets"][0] + 16384
    data[begin : begin + 88] = b"\xff" * 88
    path.write_bytes(data)
    with glovestore.open(path) as opened:
        assert not opened.token_vectors(["theof"]).any()
        with pytest.raises(glovestore.StoreFormatError, match="subword_buckets items 0 to 10"):
            opened.verify()
    path.write_bytes(with_checksums(bytes(data)))
    with glovestore.open(path) as opened:
        opened.verify()


def test_format_md_lists_what_there_is(path: Path) -> None:
    text = (Path(__file__).parents[1] / "FORMAT.md").read_text(encoding="utf-8")
    for name, dtype in (("subword_vectors", "F32"), ("subword_buckets", "U64")):
        assert re.search(rf"\| `{name}` \| {dtype} \|", text), name
    for key in ("subword_minn", "subword_maxn", "subword_bucket_count", "source_format"):
        assert re.search(rf"\| [^|]*`{key}`[^|]* \|", text), key
    assert f"at most {_core.MOST_NGRAM}" in text
