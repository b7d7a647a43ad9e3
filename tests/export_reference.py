"""What an export has to give, the slow and obvious way; and stores with any tokens, which no text could hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import glovestore
from glovestore.format.writer import StoreWriter
from glovestore.replacing import ReplacingFile
from glovestore.simd import chosen_tier

METADATA = {"format": "glovestore", "format_version": "1", "source_name": "reference"}


def write_store(path: Path, tokens: Sequence[bytes], vectors: NDArray[np.float32]) -> Path:
    """Write a store of distinct tokens."""
    with ReplacingFile(path, lambda target: None) as file:
        writer = StoreWriter(file, vectors.shape[1], len(tokens), chosen_tier())
        writer.prepare()
        lengths = np.array([len(token) for token in tokens], np.uint16)
        writer.append(vectors, np.frombuffer(b"".join(tokens), np.uint8), lengths)
        writer.finish(METADATA)
        file.commit(durable=False)
    return path


def spell(number: np.float32) -> str:
    """Spell a finite float32: numpy's fewest digits, without an exponent from 1e-10 up to 1e9."""
    if number == 0:
        return "-0" if np.signbit(number) else "0"
    scientific = np.format_float_scientific(number, unique=True, trim="-", exp_digits=2)
    exponent = int(scientific.partition("e")[2])
    return np.format_float_positional(number, unique=True, trim="-") if -10 <= exponent < 9 else scientific


def glove_text(tokens: Sequence[bytes], vectors: NDArray[np.float32], header: bool = False) -> bytes:
    """Return GloVe text, or word2vec text."""
    lines = [b"%d %d" % vectors.shape] if header else []
    lines += [b" ".join([token, *(spell(x).encode() for x in row)]) for token, row in zip(tokens, vectors, strict=True)]
    return b"".join(line + b"\n" for line in lines)


def read_word2vec_binary(data: bytes) -> tuple[list[bytes], NDArray[np.float32]]:
    """Read word2vec's binary format, with or without a newline behind each row."""
    header, _, rest = data.partition(b"\n")
    rows, dim = map(int, header.split())
    tokens, vectors = [], np.empty((rows, dim), np.float32)
    for row in range(rows):
        token, _, rest = rest.partition(b" ")
        tokens.append(token.lstrip(b"\n"))
        vectors[row] = np.frombuffer(rest[: 4 * dim], "<f4")
        rest = rest[4 * dim :]
    assert rest in (b"", b"\n")
    return tokens, vectors


def content(path: Path) -> tuple[list[bytes], NDArray[np.uint32]]:
    """Return all tokens of a store, and the bits of its vectors."""
    with glovestore.open(path) as store:
        tokens = [token.encode("utf-8", "surrogateescape") for token in store.tokens]
        return tokens, np.array(store.vectors).view(np.uint32)


def same(first: tuple[list[bytes], NDArray[np.uint32]], second: tuple[list[bytes], NDArray[np.uint32]]) -> bool:
    """Tell whether the content of two stores is the same, bit for bit."""
    return first[0] == second[0] and np.array_equal(first[1], second[1])
