"""slice: row i is the vector of token i, whatever kind of vocabulary that is, and whatever the dtype."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import Built
from stored_reference import DTYPES, kept

import glovestore
from glovestore.reshaping import writing

TOKENS = [f"token{i}" for i in range(300)] + ["café", "", "a b"]
BuildBytes = Callable[..., Built]


@pytest.fixture(scope="module", params=DTYPES)
def store(build_bytes: BuildBytes, request: pytest.FixtureRequest) -> glovestore.EmbeddingStore:
    random = np.random.default_rng(2)
    rows = (f"{token} " + " ".join(f"{x:.4f}" for x in random.normal(size=6)) for token in TOKENS)
    text = "\n".join(rows) + "\ntoken1 1 1 1 1 1 1\n"
    return glovestore.open(build_bytes(text.encode(), dtype=request.param).path)


def sliced(
    store: glovestore.EmbeddingStore, folder: Path, vocab: Any, **options: Any
) -> tuple[glovestore.EmbeddingStore, glovestore.SliceReport]:
    report = glovestore.slice(store, folder / "part.h5", vocab, overwrite=True, durable=False, **options)
    made = glovestore.open(folder / "part.h5")
    made.verify()
    assert made.dtype == store.dtype
    assert report.rows == len(made) == report.found + report.missing - report.skipped + report.special
    lines = {name: int(made.metadata.get(name, "0")) for name in ("lines", "filled", "rows", "duplicates", "not_kept")}
    assert lines["lines"] + lines["filled"] == lines["rows"] + lines["duplicates"] + lines["not_kept"]
    return made, report


@settings(deadline=None, max_examples=40)
@given(vocab=st.lists(st.sampled_from(TOKENS), unique=True, min_size=1))
def test_row_i_is_token_i(store: glovestore.EmbeddingStore, scratch: Path, vocab: list[str]):
    made, report = sliced(store, scratch, vocab)
    assert list(made.tokens) == vocab
    assert made[vocab].tobytes() == store[vocab].tobytes()
    assert made.rows(vocab).tolist() == list(range(len(vocab)))
    assert (report.found, report.missing, report.skipped, report.special) == (len(vocab), 0, 0, 0)
    assert made.metadata["source_name"] == "source.txt"
    assert made.metadata["not_kept"] == str(len(store) - len(vocab)) if len(vocab) < len(store) else True


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_the_size_of_batches_does_not_matter(
    store: glovestore.EmbeddingStore, tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch
):
    vocab = [*TOKENS[5:20], "absent", *TOKENS[40:44], "absent too"]
    sliced(store, tmp_path, vocab, missing="normal")
    expected = (tmp_path / "part.h5").read_bytes()
    monkeypatch.setattr(writing, "BATCH", batch)
    sliced(store, tmp_path, vocab, missing="normal")
    assert (tmp_path / "part.h5").read_bytes() == expected


@pytest.mark.parametrize("missing", ["zeros", "mean", "normal"])
def test_missing_tokens_get_what_a_matrix_has(store: glovestore.EmbeddingStore, tmp_path: Path, missing: str):
    vocab = ["token3", "absent", "café", "<pad>", "gone", ""]
    made, report = sliced(store, tmp_path, vocab, missing=missing)
    matrix = store.matrix(vocab, oov=missing).array
    assert list(made.tokens) == vocab
    expected = kept(matrix, store.dtype.name)
    expected[[0, 2, 5]] = matrix[[0, 2, 5]]  # of the store: not rounded twice
    assert made[vocab].tobytes() == expected.tobytes()
    assert (report.found, report.missing, report.skipped, report.special) == (3, 2, 0, 1)
    assert report.first_missing == ("absent", "gone")
    assert "tokens that are not there, filled: 2 ('absent', 'gone')" in str(report)
    assert made.metadata["filled"] == "3"


def test_missing_tokens_get_the_unknown_row(build_bytes: BuildBytes, tmp_path: Path):
    for dtype in DTYPES:
        whole = glovestore.open(build_bytes(b"<unk> 1 2.5\nb 3 4\n", dtype=dtype).path)
        made, _ = sliced(whole, tmp_path, ["b", "c"], missing="unk")
        assert made[["b", "c"]].tolist() == whole[["b", "<unk>"]].tolist()
    whole = glovestore.open(build_bytes(b"b 3 4\n").path)
    with pytest.raises(ValueError, match="oov='unk': expected a row for '<unk>'"):
        glovestore.slice(whole, tmp_path / "part.h5", ["b", "c"], missing="unk", overwrite=True)


def test_missing_tokens_are_left_out(store: glovestore.EmbeddingStore, tmp_path: Path):
    made, report = sliced(store, tmp_path, ["<pad>", "absent", "token3", "gone", "token1"], missing="skip")
    assert list(made.tokens) == ["<pad>", "token3", "token1"]
    assert not made["<pad>"].any()
    assert (report.found, report.missing, report.skipped, report.special) == (2, 2, 2, 1)
    assert "tokens that are not there, left out: 2 ('absent', 'gone')" in str(report)


def test_missing_tokens_are_an_error(store: glovestore.EmbeddingStore, tmp_path: Path):
    with pytest.raises(KeyError) as caught:
        glovestore.slice(store, tmp_path / "part.h5", ["absent", "token3", b"gone\xff"])
    assert caught.value.args == (
        "2 of 3 tokens are not in the store: 'absent', 'gone\\udcff': say missing= to leave them out or fill them",
    )
    assert list(tmp_path.iterdir()) == []


# ----- vocabularies


def test_a_mapping(store: glovestore.EmbeddingStore, tmp_path: Path):
    made, report = sliced(store, tmp_path, {"token3": 2, "token1": 1, "café": 3})
    assert list(made.tokens) == ["<pad>", "token1", "token3", "café"]
    assert not made["<pad>"].any()
    assert made[["token1", "token3"]].tobytes() == store[["token1", "token3"]].tobytes()
    assert report.special == 1
    made, _ = sliced(store, tmp_path, {"token3": 1, "token1": 0})
    assert list(made.tokens) == ["token1", "token3"]


def test_a_mapping_with_gaps(store: glovestore.EmbeddingStore, tmp_path: Path):
    for vocab, gap in (({"token3": 2, "token1": 0}, 1), ({"<pad>": 1, "token3": 3, "token1": 4}, 0)):
        with pytest.raises(ValueError, match=f"vocab: expected a token for each index below ., got none for {gap}"):
            glovestore.slice(store, tmp_path / "part.h5", vocab)


def test_a_vocabulary(store: glovestore.EmbeddingStore, tmp_path: Path):
    vocab = glovestore.Vocabulary.fit(["token3 token9 token3", "absent token3"], tokenizer="whitespace")
    for missing in ("zeros", "mean", "normal"):
        made, report = sliced(store, tmp_path, vocab, missing=missing)
        assert list(made.tokens) == list(vocab.tokens) == ["<pad>", "<unk>", "token3", "token9", "absent"]
        matrix = store.matrix(vocab, oov=missing).array
        np.testing.assert_allclose(made.decoded(0, 5), kept(matrix, store.dtype.name), rtol=1e-6)
        assert (report.found, report.missing, report.special) == (2, 1, 2)
    made, report = sliced(store, tmp_path, vocab, missing="skip")
    assert list(made.tokens) == ["<pad>", "<unk>", "token3", "token9"]
    assert not made[["<pad>", "<unk>"]].any()


def test_tokens_that_come_twice(store: glovestore.EmbeddingStore, tmp_path: Path):
    with pytest.raises(ValueError, match="vocab: expected each token once, got 2 again: 'token3', 'token1'"):
        glovestore.slice(store, tmp_path / "part.h5", ["token3", "token1", b"token3", "token1", "café"])
    assert list(tmp_path.iterdir()) == []


def test_vocabularies_that_are_none(store: glovestore.EmbeddingStore, tmp_path: Path):
    path = tmp_path / "part.h5"
    with pytest.raises(ValueError, match="vocab: expected at least one token that the store has, got none"):
        glovestore.slice(store, path, [])
    with pytest.raises(ValueError, match="vocab: expected at least one token that the store has, got none"):
        glovestore.slice(store, path, ["absent"], missing="skip")
    with pytest.raises(TypeError, match="put it into a list"):
        glovestore.slice(store, path, "token3")
    with pytest.raises(ValueError, match="vocab: expected tokens of at most 65535 bytes, got 65536 in token 1"):
        glovestore.slice(store, path, ["token3", "x" * 65536], missing="zeros")
    with pytest.raises(ValueError, match=r"missing: expected one of 'error', 'skip', .*, got 'ignore'"):
        glovestore.slice(store, path, ["token3"], missing="ignore")  # type: ignore[arg-type]
    pyarrow = pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="vocab: expected tokens, got a null as token 1"):
        glovestore.slice(store, path, pyarrow.array(["token3", None]), missing="zeros")
    assert list(tmp_path.iterdir()) == []


def test_noise_stays_within_float16(build_bytes: BuildBytes, tmp_path: Path):
    text = b"".join(b"t%d %d\n" % (i, 65504 * (-1) ** i) for i in range(50))
    whole = glovestore.open(build_bytes(text, dtype="float16").path)
    made, _ = sliced(whole, tmp_path, ["t0", *(f"absent{i}" for i in range(100))], missing="normal")
    assert np.isfinite(made.vectors).all()
    assert np.abs(made.vectors).max() == 65504


def test_a_part_of_a_part(store: glovestore.EmbeddingStore, tmp_path: Path):
    (tmp_path / "first").mkdir()
    part, _ = sliced(store, tmp_path / "first", ["absent", "token3", "token1"], missing="mean")
    again, report = sliced(part, tmp_path, ["token1", "absent", "gone"], missing="zeros")
    assert again[["token1", "absent"]].tobytes() == part[["token1", "absent"]].tobytes()
    assert again.metadata["filled"] == "2"
    assert report.missing == 1
