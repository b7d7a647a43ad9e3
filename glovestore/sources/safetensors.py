"""A matrix in a safetensors file and a tokenizer's vocabulary -> rows of a store.

So sentence-transformers' StaticEmbedding, model2vec and others keep static embeddings: row i belongs to the token whose
id is i. The format: https://huggingface.co/docs/safetensors. Nothing of the header is believed unchecked.
"""

from __future__ import annotations

import math
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from glovestore import strict_json
from glovestore.errors import SourceFormatError
from glovestore.sources.matrix import BF16, Matrix, MatrixReader
from glovestore.sources.reader import Reader, ReadOptions
from glovestore.sources.row_tokens import TokenFile, find_beside, refuse_special
from glovestore.streams.files import Source, open_source
from glovestore.tokens import shown

LONGEST_HEADER = 1 << 24  # some 100,000 tensors; the format allows 100 MB, of which JSON could make gigabytes
MOST_AXES = 8
DTYPES = {"F16": np.dtype("<f2"), "BF16": BF16, "F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
NAMES = ("embedding.weight", "embeddings", "vectors")
BESIDE = ("tokenizer.json", "vocab.json", "vocab.txt")
STATIC = "0_StaticEmbedding"  # where some versions of sentence-transformers put the module


class SafetensorsReader(MatrixReader):
    """Reads the one matrix of a file. Its tokens are `options.tokens`, or in one of the files BESIDE it."""

    format = "safetensors"

    def __init__(self, source: Source, options: ReadOptions) -> None:
        super().__init__(source, options)
        self.check_matrix(self._choose(self._tensors()))
        tokens: Any = options.tokens
        if tokens is None or isinstance(tokens, Path):
            path = Path(source.path)
            tokens = TokenFile(find_beside([path.parent / name for name in BESIDE], tokens, path))
        self.take_tokens(tokens)

    def _tensors(self) -> dict[str, Matrix | None]:
        """Return the tensors by name, None for one of another dtype than numbers that vectors are made of."""
        size = int.from_bytes(self.source.read_at(0, 8), "little")
        if not 2 <= size <= self.file_size - 8:
            self.fail(f"expected a header inside {self.file_size} bytes, got a length of {size}")
        if size > LONGEST_HEADER:
            self.fail(f"expected a header of at most {LONGEST_HEADER} bytes, got a length of {size}")
        try:
            entries = strict_json.loads(self.source.read_at(8, size))
        except ValueError as error:
            self.fail(f"expected a JSON header, got {error}")
        if not isinstance(entries, dict):
            self.fail(f"expected a JSON object as header, got {type(entries).__name__}")
        entries.pop("__metadata__", None)
        tensors = {name: self._tensor(name, entry, 8 + size) for name, entry in entries.items()}
        self._check_cover(entries, 8 + size)
        return tensors

    def _tensor(self, name: str, entry: Any, begin: int) -> Matrix | None:
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            self.fail(f"{shown(name)}: expected dtype, shape and data_offsets, got {shown(entry)}")
        shape, offsets = entry["shape"], entry["data_offsets"]
        if not (
            _are_naturals(shape)
            and len(shape) <= MOST_AXES
            and _are_naturals(offsets)
            and len(offsets) == 2
            and offsets[0] <= offsets[1]
        ):
            self.fail(f"{shown(name)}: expected natural numbers as shape and data_offsets, got {shown(entry)}")
        dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
        if dtype is None:
            return None
        if math.prod(shape) * dtype.itemsize != offsets[1] - offsets[0]:
            self.fail(
                f"{shown(name)}: expected as many bytes as the shape {shown(shape)} takes,"
                f" got {offsets[1] - offsets[0]}"
            )
        return Matrix(begin + offsets[0], tuple(shape), dtype)

    def _check_cover(self, entries: dict[str, Any], begin: int) -> None:
        """Check that the tensors follow each other up to the end of the file, as the format demands."""
        position = 0
        for first, end in sorted((entry["data_offsets"] for entry in entries.values()), key=itemgetter(0, 1)):
            if first != position:
                self.fail(f"expected a tensor at byte {begin + position}, got the next one at {begin + first}")
            position = end
        if begin + position != self.file_size:
            self.fail(f"expected the file to end at byte {begin + position}, behind its tensors, got {self.file_size}")

    def _choose(self, tensors: dict[str, Matrix | None]) -> Matrix:
        """Return the only matrix, or the one with a name that says so."""
        if "mapping" in tensors:
            self.fail("expected a row for each token, got a model whose tokens share rows (a tensor 'mapping')")
        matrices = {name: tensor for name, tensor in tensors.items() if tensor is not None and len(tensor.shape) == 2}
        if len(matrices) == 1:
            return matrices.popitem()[1]
        for name in NAMES:
            if name in matrices:
                return matrices[name]
        listed = ", ".join(map(shown, list(matrices)[:8])) or "none"
        self.fail(f"expected one matrix of {', '.join(DTYPES)}, or one named {' or '.join(NAMES)}, got {listed}")


def open_folder(folder: Path, options: ReadOptions) -> Reader:
    """Return the reader of a model's folder, which may have its embedding in a folder of that name."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.joinpath(STATIC).glob("*.safetensors"))
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:8])
        raise SourceFormatError(f"expected one .safetensors file, got {names}: name one of them", folder)
    refuse_special(files[0])
    source = open_source(files[0])
    try:
        return SafetensorsReader(source, options)
    except BaseException:
        source.close()
        raise


def _are_naturals(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(type(number) is int and 0 <= number < 2**63 for number in numbers)
