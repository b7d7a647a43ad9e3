"""Pretrained word vectors, ready in no time: build a store once, open it for free, pay for your vocabulary only.

    import glovestore
    glovestore.build("glove.6B.100d.txt", "glove.h5")
    store = glovestore.open("glove.h5")
    embedding = glovestore.torch.embedding(store, ["the", "cat", "sat"])

`glovestore.torch` is loaded when it is first used; nothing else here imports torch or h5py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from glovestore.build import BuildReport, build
from glovestore.errors import CoverageWarning, GlovestoreError, StoreFormatError, TextFormatError
from glovestore.matrix import EmbeddingMatrix
from glovestore.matrix.coverage import Coverage
from glovestore.opening import open
from glovestore.store import EmbeddingStore
from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.counts import TokenCounts, count_tokens

if TYPE_CHECKING:
    from glovestore import torch

    __version__: str

__all__ = [
    "BuildReport",
    "Coverage",
    "CoverageWarning",
    "EmbeddingMatrix",
    "EmbeddingStore",
    "GlovestoreError",
    "StoreFormatError",
    "TextFormatError",
    "TokenCounts",
    "Vocabulary",
    "build",
    "count_tokens",
    "open",
    "torch",
]


def __getattr__(name: str) -> Any:
    if name == "torch":
        return import_module("glovestore.torch")
    if name == "__version__":
        from importlib.metadata import version

        return version("glovestore")
    raise AttributeError(f"module 'glovestore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
