"""Sources of several files in the cache: folders, and matrices whose tokens stand beside them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from cache_scene import Heard

import glovestore

MODELS = Path(__file__).parent / "data" / "sources"
VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.npy"
    np.save(path, VECTORS)
    path.with_suffix(".txt").write_text("the\nof\nand\n")
    return path


def touch_later(path: Path) -> None:
    """Give a file another time of change."""
    time = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(time, time))


def test_a_matrix_is_built_again_when_its_tokens_change(matrix: Path, cache: Path, heard: Heard) -> None:
    for _ in range(2):
        assert glovestore.open(matrix)["of"].tolist() == [2, 3]
    assert heard.builds == 1
    matrix.with_suffix(".txt").write_text("one\ntwo\nsix\n")
    touch_later(matrix.with_suffix(".txt"))
    for _ in range(2):
        assert glovestore.open(matrix)["two"].tolist() == [2, 3]
    assert heard.builds == 2
    assert [entry.state for entry in glovestore.cache.entries()] == ["current"]
    touch_later(matrix.with_suffix(".txt"))
    assert [entry.state for entry in glovestore.cache.entries()] == ["changed"]


def test_tokens_that_are_gone(matrix: Path, cache: Path) -> None:
    glovestore.open(matrix).close()
    matrix.with_suffix(".txt").unlink()
    with pytest.raises(glovestore.SourceFormatError, match="expected the tokens of its rows beside it"):
        glovestore.open(matrix)


@pytest.mark.parametrize("name", ["model2vec", "static_embedding"])
def test_a_folder_is_built_once(tmp_path: Path, cache: Path, heard: Heard, name: str) -> None:
    folder = tmp_path / name
    shutil.copytree(MODELS / name, folder)
    for _ in range(2):
        with glovestore.open(folder) as store:
            assert len(store) > 1
            store.verify()
    assert heard.builds == 1
    (entry,) = glovestore.cache.entries()
    assert (entry.source, entry.state) == (str(folder), "current")
    for part in ("tokenizer.json", "model.safetensors"):
        touch_later(next(folder.rglob(part)))
        assert [entry.state for entry in glovestore.cache.entries()] == ["changed"]
        builds = heard.builds
        glovestore.open(folder).close()
        assert heard.builds == builds + 1
    (folder / "another").write_text("")
    touch_later(folder)
    assert [entry.state for entry in glovestore.cache.entries()] == ["changed"]
    assert glovestore.cache.clear([folder]).entries == 1


def test_a_folder_without_vectors_leaves_no_cache(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(IsADirectoryError, match="expected a store or a vectors file, got a directory"):
        glovestore.open(tmp_path)
    with pytest.raises(IsADirectoryError, match="got a directory"):
        glovestore.open(MODELS / "model2vec", build=False)
    assert not cache.exists()
