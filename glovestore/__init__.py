"""Pretrained word vectors, ready in no time: build a store once, open it for free, pay for your vocabulary only.

    import glovestore
    glovestore.build("glove.6B.100d.txt", "glove.h5")
    store = glovestore.open("glove.h5")
    embedding = glovestore.torch.embedding(store, ["the", "cat", "sat"])

Every name is loaded when it is first used (PEP 562), so that each program waits for what it uses and for nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from glovestore import cache, classify, torch
    from glovestore.building import BuildReport, build
    from glovestore.errors import (
        CoverageWarning,
        DownloadError,
        GlovestoreError,
        SourceFormatError,
        StoreFormatError,
        TextFormatError,
    )
    from glovestore.exporting import ExportReport, export
    from glovestore.matrix import EmbeddingMatrix
    from glovestore.matrix.coverage import Coverage
    from glovestore.opening import open
    from glovestore.reshaping import ConvertReport, MergeReport, SliceReport, convert, merge, slice
    from glovestore.store import EmbeddingStore
    from glovestore.vocabulary import Vocabulary
    from glovestore.vocabulary.counts import TokenCounts, count_tokens

    __version__: str

__all__ = [
    "BuildReport",
    "ConvertReport",
    "Coverage",
    "CoverageWarning",
    "DownloadError",
    "EmbeddingMatrix",
    "EmbeddingStore",
    "ExportReport",
    "GlovestoreError",
    "MergeReport",
    "SliceReport",
    "SourceFormatError",
    "StoreFormatError",
    "TextFormatError",
    "TokenCounts",
    "Vocabulary",
    "build",
    "cache",
    "classify",
    "convert",
    "count_tokens",
    "export",
    "merge",
    "open",
    "slice",
    "torch",
]

# Where each name is at home. No module may have the name of a public function: importing it would bind the module here.
_HOMES = {
    "BuildReport": "building",
    "ConvertReport": "reshaping",
    "Coverage": "matrix.coverage",
    "CoverageWarning": "errors",
    "DownloadError": "errors",
    "EmbeddingMatrix": "matrix",
    "EmbeddingStore": "store",
    "ExportReport": "exporting",
    "GlovestoreError": "errors",
    "MergeReport": "reshaping",
    "SliceReport": "reshaping",
    "SourceFormatError": "errors",
    "StoreFormatError": "errors",
    "TextFormatError": "errors",
    "TokenCounts": "vocabulary.counts",
    "Vocabulary": "vocabulary",
    "build": "building",
    "convert": "reshaping",
    "count_tokens": "vocabulary.counts",
    "export": "exporting",
    "merge": "reshaping",
    "open": "opening",
    "slice": "reshaping",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        value = globals()[name] = getattr(import_module(f"glovestore.{_HOMES[name]}"), name)
        return value
    if name in ("cache", "classify", "torch"):
        return import_module(f"glovestore.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("glovestore")
    raise AttributeError(f"module 'glovestore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
