"""merge: the tokens of several stores, or their dimensions side by side, against dicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shared import Built
from stored_reference import DTYPES, kept

import glovestore
from glovestore.reshaping import writing

F4 = np.float32
BuildBytes = Callable[..., Built]
Contents = dict[bytes, NDArray[np.float32]]


def write(path: Path, tokens: list[bytes], dim: int, dtype: str, seed: int) -> glovestore.EmbeddingStore:
    vectors = np.random.default_rng(seed).normal(size=(len(tokens), dim)).astype(F4)
    rows = (token + b" " + " ".join(map(str, row)).encode() for token, row in zip(tokens, vectors, strict=True))
    path.with_suffix(".txt").write_bytes(b"\n".join(rows) + b"\n")
    glovestore.build(path.with_suffix(".txt"), path, dtype=dtype, overwrite=True, durable=False, dim=dim)
    return glovestore.open(path)


def contents(store: glovestore.EmbeddingStore) -> Contents:
    return {store.tokens.raw(row): store.decoded(row, row + 1)[0] for row in range(len(store))}


def first_wins(parts: list[Contents]) -> Contents:
    merged: Contents = {}
    for part in parts:
        merged |= {token: vector for token, vector in part.items() if token not in merged}
    return merged


def side_by_side(parts: list[Contents], which: str) -> Contents:
    zeros = [np.zeros_like(next(iter(part.values()))) for part in parts]
    return {
        token: np.concatenate([part.get(token, zero) for part, zero in zip(parts, zeros, strict=True)])
        for token in first_wins(parts)
        if which == "all" or all(token in part for part in parts)
    }


def assert_is(made: glovestore.EmbeddingStore, expected: Contents, dtype: str = "float32") -> None:
    made.verify()
    assert made.dtype == dtype
    found = contents(made)
    assert list(found) == list(expected)
    wanted = (
        kept(np.array(list(expected.values()), F4), dtype) if dtype != "int8" else np.array(list(expected.values()))
    )
    assert made.decoded(0, len(made)).tobytes() == wanted.tobytes()


TOKENS = [*(b"t%d" % i for i in range(9)), b"", b"\xff", "é".encode()]
token_lists = st.lists(st.sampled_from(TOKENS), unique=True, min_size=1)
some_stores = st.lists(st.tuples(token_lists, st.sampled_from(DTYPES)), min_size=2, max_size=4)


@settings(deadline=None, max_examples=40)
@given(wanted=some_stores, batch=st.sampled_from([1, 3, 4096]))
def test_first_wins(scratch: Path, wanted: list[tuple[list[bytes], str]], batch: int):
    stores = [write(scratch / f"{i}.h5", tokens, 3, dtype, i) for i, (tokens, dtype) in enumerate(wanted)]
    target = scratch / "merged.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "BATCH", batch)
        report = glovestore.merge(stores, target, overwrite=True, durable=False)
    dtypes = {dtype for _, dtype in wanted}
    expected = first_wins([contents(store) for store in stores])
    with glovestore.open(target) as made:
        assert_is(made, expected, dtypes.pop() if len(dtypes) == 1 else "float32")
        assert report.rows == len(made) == sum(report.rows_of)
        assert report.left_out == sum(map(len, stores)) - len(made) == int(made.metadata["duplicates"])
        assert int(made.metadata["lines"]) == len(made) + report.left_out


@settings(deadline=None, max_examples=40)
@given(wanted=some_stores, which=st.sampled_from(["common", "all"]), batch=st.sampled_from([1, 3, 4096]))
def test_side_by_side(scratch: Path, wanted: list[tuple[list[bytes], str]], which: Any, batch: int):
    stores = [write(scratch / f"{i}.h5", tokens, i + 1, dtype, i) for i, (tokens, dtype) in enumerate(wanted)]
    expected = side_by_side([contents(store) for store in stores], which)
    target = scratch / "merged.h5"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "BATCH", batch)
        if not expected:
            with pytest.raises(glovestore.GlovestoreError, match=r"expected tokens that all \d stores have, got none"):
                glovestore.merge(stores, target, how="concat", tokens=which, overwrite=True, durable=False)
            return
        report = glovestore.merge(stores, target, how="concat", tokens=which, overwrite=True, durable=False)
    with glovestore.open(target) as made:
        assert_is(made, expected, "float16" if {dtype for _, dtype in wanted} == {"float16"} else "float32")
        assert report.rows == sum(report.rows_of)
        assert int(made.metadata["lines"]) == len(made) + report.left_out
        assert int(made.metadata["not_kept"]) == report.left_out


@pytest.fixture
def two(tmp_path: Path) -> list[glovestore.EmbeddingStore]:
    return [
        write(tmp_path / "one.h5", [b"a", b"b", b"c"], 2, "float32", 1),
        write(tmp_path / "two.h5", [b"d", b"b"], 2, "float32", 2),
    ]


def test_what_a_merged_store_says(two: list[glovestore.EmbeddingStore], tmp_path: Path):
    report = glovestore.merge(two, tmp_path / "merged.h5")
    made = glovestore.open(report.path)
    metadata = made.metadata
    assert metadata["source_name"] == "one.txt + two.txt"
    assert metadata["source_format"] == "merged stores, first"
    assert metadata["source_fingerprints"] == f"{two[0].fingerprint} {two[1].fingerprint}"
    assert "source_digest" not in metadata
    assert report.to_dict()["rows_of"] == (3, 1)
    assert str(report).splitlines()[2:] == [
        f"3 rows of {tmp_path / 'one.h5'}",
        f"1 rows of {tmp_path / 'two.h5'}",
        "rows left out: 1",
    ]
    wide = glovestore.merge([store.path for store in two], tmp_path / "wide.h5", how="concat")
    assert (wide.rows, wide.dim, wide.left_out) == (1, 4, 2)  # common tokens unless all are asked for
    assert glovestore.open(wide.path).metadata["source_format"] == "merged stores, concat"


def test_long_names_are_cut(tmp_path: Path):
    name = "\u00e9" * 100
    stores = [write(tmp_path / f"{name}{i}.h5", [b"a"], 1, "float32", i) for i in range(3)]
    glovestore.merge(stores, tmp_path / "merged.h5")
    kept_name = glovestore.open(tmp_path / "merged.h5").metadata["source_name"]
    assert len(kept_name.encode()) <= 255
    assert kept_name.startswith(f"{name}0.txt + ")


def test_a_hundred_stores(two: list[glovestore.EmbeddingStore], tmp_path: Path):
    report = glovestore.merge(two * 50, tmp_path / "merged.h5", how="concat")
    assert report.dim == 200
    assert len(glovestore.open(report.path).metadata["source_fingerprints"].split()) == 100


def test_the_same_store_twice(two: list[glovestore.EmbeddingStore], tmp_path: Path):
    report = glovestore.merge([two[0], two[0].path], tmp_path / "merged.h5", how="concat")
    with glovestore.open(report.path) as made:
        assert made["a"].tolist() == [*two[0]["a"].tolist(), *two[0]["a"].tolist()]
    assert not two[0].closed


def test_wrong_arguments(two: list[glovestore.EmbeddingStore], tmp_path: Path):
    target = tmp_path / "merged.h5"
    other = write(tmp_path / "three.h5", [b"a"], 3, "float32", 3)
    with pytest.raises(
        glovestore.GlovestoreError, match=r"three\.h5: expected dim 2, as in .*one\.h5, got 3: .*concat"
    ):
        glovestore.merge([*two, other], target)
    with pytest.raises(ValueError, match="how: expected 'first' or 'concat', got 'mean'"):
        glovestore.merge(two, target, how="mean")  # type: ignore[arg-type]
    for options in ({"tokens": "all"}, {"how": "concat", "tokens": "any"}):
        with pytest.raises(ValueError, match="tokens: expected 'common' or 'all', and only with how='concat'"):
            glovestore.merge(two, target, **options)  # type: ignore[arg-type]
    for stores in ([], two[:1]):
        with pytest.raises(ValueError, match=f"stores: expected 2 to 256 stores, got {len(stores)}"):
            glovestore.merge(stores, target)
    assert not target.exists()
