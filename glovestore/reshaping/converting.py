"""The same store in another dtype."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from glovestore.format.layout import vectors_dtype
from glovestore.format.writer import StoreWriter
from glovestore.reshaping.reports import ConvertReport
from glovestore.reshaping.writing import (
    Advance,
    StoreLike,
    append_rows,
    kept_arrays,
    kept_metadata,
    opened,
    write_store,
)
from glovestore.store import EmbeddingStore


def convert(
    store: StoreLike,
    path: str | os.PathLike[str],
    *,
    dtype: Any,
    overwrite: bool = False,
    durable: bool = True,
    progress: bool = False,
) -> ConvertReport:
    """Write a store with its vectors in another dtype, "float32", "float16" or "int8", and return a ConvertReport.

    The file is the one that `build` would have made of the same source with this dtype, but where vectors were rounded
    before: then the metadata `rounded` says to what. Tokens, and further arrays such as subwords, stay as they are.

    overwrite: replace an existing *store*, but never the source; any other existing file is an error, always. durable:
    flush to disk before the store appears. progress: a bar on standard error. Raises GlovestoreError, naming row and
    token, for a number that float16 cannot hold (65,520 and more).
    """
    wanted = vectors_dtype(dtype)
    with opened([store]) as (source,):

        def fill(writer: StoreWriter, advance: Advance) -> tuple[Mapping[str, str], Mapping[str, NDArray[Any]]]:
            append_rows(writer, source, len(source), advance)
            return kept_metadata(source) | _rounded(source, wanted), kept_arrays(source)

        written = write_store(
            path,
            [source],
            fill,
            dim=source.dim,
            expected_rows=len(source),
            dtype=wanted,
            overwrite=overwrite,
            durable=durable,
            progress=progress,
        )
        return ConvertReport(**written, source_dtype=source.dtype.name)


def _rounded(source: EmbeddingStore, dtype: str) -> dict[str, str]:
    """Return the metadata about dtypes that vectors were rounded to on their way to another one."""
    own = source.dtype.name
    if own in ("float32", dtype):
        return {}
    before = source.metadata.get("rounded")
    return {"rounded": f"{before}, {own}" if before else own}
