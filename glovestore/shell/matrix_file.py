"""A matrix as a file for others: .npy, .pt or .safetensors, by the suffix."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from glovestore.exporting.safetensors import safetensors_header
from glovestore.format.target import is_store
from glovestore.matrix import EmbeddingMatrix
from glovestore.replacing import ReplacingFile

Save = Callable[[BinaryIO, NDArray[Any], Mapping[str, str]], None]

SAFETENSORS_DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64"}


def find_save(path: Path) -> Save:
    """Return the function that writes files of this suffix.

    Raises ValueError for a suffix that there is none for, and ImportError where it needs a package that is missing.
    """
    suffix = path.suffix.lower()
    if suffix not in SAVES:
        raise ValueError(f"expected a name that ends in {', '.join(SAVES)}, got {path.name!r}")
    if suffix == ".pt":
        _torch()
    return SAVES[suffix]


def describe_matrix(
    matrix: EmbeddingMatrix, source: Mapping[str, str], oov: str, fallbacks: Sequence[str]
) -> dict[str, str]:
    """Return how a matrix was made, as strings for a file's metadata. `source` is the metadata of its store."""
    description = {name: source[name] for name in ("source_name", "source_digest") if name in source}
    description |= {"oov": oov, "fallbacks": ",".join(fallbacks)}
    description |= {"tokens": str(matrix.coverage.total), "missing": str(matrix.coverage.missing)}
    return description | ({} if matrix.padding_idx is None else {"padding_idx": str(matrix.padding_idx)})


def write_matrix(path: Path, array: NDArray[Any], description: Mapping[str, str], inputs: Sequence[Path]) -> None:
    """Write `array` (size, dim) to `path`, which appears whole or not at all.

    An existing file is replaced, unless it is a store or one of the `inputs`: FileExistsError. Only .safetensors has a
    place for the `description`.
    """
    save = find_save(path)

    def may_replace(target: Path) -> None:
        if any(given.exists() and os.path.samefile(given, target) for given in inputs):
            raise FileExistsError(f"{target}: expected a new file for the matrix, got one of the inputs")
        if is_store(target):
            raise FileExistsError(f"{target}: expected a new file for the matrix, got a store: it stays")

    with ReplacingFile(path, may_replace) as file:
        with file.stream() as stream:
            save(stream, array, description)
        file.commit(durable=True)


def _npy(stream: BinaryIO, array: NDArray[Any], description: Mapping[str, str]) -> None:
    header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(array))
    np.lib.format.write_array_header_1_0(stream, header)
    stream.write(np.ascontiguousarray(array).data)  # not by np.save, which does not say what failed


def _pt(stream: BinaryIO, array: NDArray[Any], description: Mapping[str, str]) -> None:
    torch = _torch()
    try:
        torch.save(torch.from_numpy(array), stream)
    except RuntimeError as error:  # of its archive, which was not finished
        raise error.__context__ if isinstance(error.__context__, OSError) else error from None


def _safetensors(stream: BinaryIO, array: NDArray[Any], description: Mapping[str, str]) -> None:
    """Write one tensor, "vectors"."""
    # A lone surrogate would make safetensors refuse the whole file.
    metadata = {name: text.encode("utf-8", "replace").decode() for name, text in description.items()}
    tensor = (SAFETENSORS_DTYPES[array.dtype.name], array.shape, array.itemsize)
    stream.write(safetensors_header({"vectors": tensor}, metadata))
    stream.write(np.ascontiguousarray(array).data)


def _torch() -> Any:
    """Return PyTorch from the one place that imports it and says how to install it."""
    import glovestore.torch

    return glovestore.torch.torch


SAVES: dict[str, Save] = {".npy": _npy, ".pt": _pt, ".safetensors": _safetensors}
