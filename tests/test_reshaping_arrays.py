"""Arrays beside those of the rows, such as a store of subwords has: convert keeps them, a slice and a merge do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_cli_reshaping import run

import glovestore
from glovestore.format import layout
from glovestore.format.writer import StoreWriter
from glovestore.replacing import ReplacingFile
from glovestore.reshaping.slicing import write_first_rows
from glovestore.simd import chosen_tier

EXTRA = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> glovestore.EmbeddingStore:
    """An int8 store with an array that no other has."""
    monkeypatch.setitem(layout.OPTIONAL, "extra_vectors", "F32")
    with ReplacingFile(tmp_path / "store.h5") as file:
        writer = StoreWriter(file, 2, 3, chosen_tier(), "int8")
        vectors = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
        writer.append(vectors, np.frombuffer(b"abc", np.uint8), np.ones(3, np.uint16))
        metadata = {"format": "glovestore", "format_version": "1", "extra_size": "3", "lines": "3"}
        writer.finish(metadata, {"extra_vectors": EXTRA})
        file.commit()
    return glovestore.open(tmp_path / "store.h5")


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_convert_keeps_them(store: glovestore.EmbeddingStore, tmp_path: Path, dtype: str):
    glovestore.convert(store, tmp_path / "new.h5", dtype=dtype)
    with glovestore.open(tmp_path / "new.h5") as made:
        made.verify()
        assert made.metadata["extra_size"] == "3"
        found = made.optional_arrays()
        assert found["extra_vectors"].tobytes() == EXTRA.tobytes()
        assert ("scales" in found) == (dtype == "int8")
    if dtype == "int8":
        assert (tmp_path / "new.h5").read_bytes() == store.path.read_bytes()


def test_a_slice_and_a_merge_say_what_they_leave_behind(store: glovestore.EmbeddingStore, tmp_path: Path):
    with pytest.warns(UserWarning, match=r"store\.h5: extra_vectors: left behind") as caught:
        glovestore.slice(store, tmp_path / "part.h5", ["b"])
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="left behind") as caught:
        glovestore.merge([store, store], tmp_path / "both.h5")
    assert caught[0].filename == __file__
    write_first_rows(store, 2, tmp_path / "first.h5")
    for name in ("part", "both", "first"):
        with glovestore.open(tmp_path / f"{name}.h5") as made:
            made.verify()
            assert set(made.optional_arrays()) == {"scales"}
            assert "extra_size" not in made.metadata


def test_the_shell_says_so_too(store: glovestore.EmbeddingStore, tmp_path: Path):
    said = run("merge", store.path, store.path, "-o", tmp_path / "both.h5").stderr
    assert said.startswith("glovestore: warning: ")
    assert "extra_vectors: left behind" in said
    said = run("slice", store.path, "--vocab", "-", "-o", tmp_path / "part.h5", stdin=b"c\n").stderr
    assert "extra_vectors: left behind" in said


@pytest.mark.parametrize("dtype", ["float16", "int8"])
@pytest.mark.parametrize("count", [1, 2, 99])
def test_the_first_rows_keep_their_dtype(tmp_path: Path, dtype: str, count: int):
    (tmp_path / "source.txt").write_bytes(b"a 1 2.7\nb 3 4\nc 5 6\n")
    glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5", dtype=dtype)
    with glovestore.open(tmp_path / "store.h5") as whole:
        write_first_rows(whole, count, tmp_path / "part.h5")
        with glovestore.open(tmp_path / "part.h5") as part:
            assert part.dtype == dtype
            assert list(part.tokens) == list(whole.tokens)[:count]
            assert part[list(part.tokens)].tobytes() == whole[list(part.tokens)].tobytes()
            assert int(part.metadata.get("not_kept", "0")) == max(0, 3 - count)
