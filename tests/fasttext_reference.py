"""The slow, obvious reference of fastText's binary format and of its vectors: written from the table, in plain Python.

Nothing here shares code with the product. `Model` is what a file holds, `write` makes the file, `read` reads it again,
and `vector` is fastText's getWordVector in float32, step by step.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAGIC = 793712314
EOS = b"</s>"


@dataclass
class Quantiser:
    """A product quantiser: centroids[part][code] is a list of floats."""

    dim: int
    dsub: int
    centroids: list[np.ndarray]  # for each part (256, numbers)

    @property
    def last(self) -> int:
        return self.dim - self.dsub * (len(self.centroids) - 1)

    def decode(self, codes: Any) -> np.ndarray:
        return np.concatenate([self.centroids[part][code] for part, code in enumerate(codes)]).astype(np.float32)


@dataclass
class Quantised:
    """A quantised matrix: codes (rows, parts), and norms if there are norm codes."""

    codes: np.ndarray
    quantiser: Quantiser
    norm_codes: np.ndarray | None = None
    norm_quantiser: Quantiser | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.codes), self.quantiser.dim

    def row(self, i: int) -> np.ndarray:
        row = self.quantiser.decode(self.codes[i])
        if self.norm_codes is None or self.norm_quantiser is None:
            return row
        return self.norm_quantiser.decode([self.norm_codes[i]])[0] * row


@dataclass
class Model:
    """A whole file. `matrix` is float32 (rows, dim) or Quantised; `pruned` maps buckets to rows behind the words."""

    words: list[bytes]
    matrix: Any
    bucket: int
    minn: int = 3
    maxn: int = 6
    labels: list[bytes] = field(default_factory=list)
    version: int | None = 12  # None: from before there were versions
    model: int = 2
    pruned: dict[int, int] | None = None
    output: Any = None  # None: zeros of the right shape
    qout: bool = False
    word_ngrams: int = 1

    @property
    def dim(self) -> int:
        return int(self.matrix.shape[1])

    def row(self, i: int) -> np.ndarray:
        return self.matrix.row(i) if isinstance(self.matrix, Quantised) else self.matrix[i]

    @property
    def longest(self) -> int:
        """maxn, as fastText believes it."""
        return 0 if self.model == 3 and (self.version is None or self.version <= 11) else self.maxn


# ---------------------------------------------------------------------- vectors


def fnv(data: bytes) -> int:
    value = 2166136261
    for byte in data:
        signed = byte - 256 if byte >= 128 else byte
        value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value


def characters(data: bytes) -> list[bytes]:
    """Cut bytes before each that is no UTF-8 continuation byte; what stands before the first such has no start."""
    found: list[bytes] = []
    for i in range(len(data)):
        byte = data[i : i + 1]
        if data[i] & 0xC0 == 0x80 and found:
            found[-1] += byte
        else:
            found.append(byte)
    return found


def ngrams(token: bytes, minn: int, maxn: int) -> list[bytes]:
    chars = characters(b"<" + token + b">")
    found = []
    for begin in range(len(chars)):
        for n in range(1, maxn + 1):
            end = begin + n
            if end > len(chars) or n < minn:
                continue
            if n == 1 and (begin == 0 or end == len(chars)):
                continue
            found.append(b"".join(chars[begin:end]))
    return found


def ngram_rows(model: Model, token: bytes) -> list[int]:
    """Return the rows of the matrix that a token's n-grams have, in order."""
    rows = []
    for ngram in ngrams(token, model.minn, model.longest):
        bucket = fnv(ngram) % model.bucket
        if model.pruned is not None:
            if bucket in model.pruned:
                rows.append(len(model.words) + model.pruned[bucket])
        else:
            rows.append(len(model.words) + bucket)
    return rows


def vector(model: Model, token: bytes) -> np.ndarray:
    known = token in model.words
    rows = [model.words.index(token)] if known else []
    if token != EOS or (model.version is None and known):
        rows += ngram_rows(model, token)
    total = np.zeros(model.dim, np.float32)
    for row in rows:
        total = (total + model.row(row)).astype(np.float32)
    return total * np.float32(1.0 / len(rows)) if rows else total


# ---------------------------------------------------------------------- the file


def write(model: Model) -> bytes:
    """Return the bytes of a file."""
    versioned = model.version is not None
    data = struct.pack("<2i", MAGIC, model.version) if versioned else b""
    data += struct.pack("<12i", model.dim, 5, 5, 1, 5, model.word_ngrams, 2, model.model, model.bucket, model.minn,
                        model.maxn, 100)  # fmt: skip
    data += struct.pack("<d", 1e-4)
    data += struct.pack("<3iq", len(model.words) + len(model.labels), len(model.words), len(model.labels), 1000)
    if versioned:
        data += struct.pack("<q", -1 if model.pruned is None else len(model.pruned))
    for kind, tokens in ((0, model.words), (1, model.labels)):
        data += b"".join(token + b"\0" + struct.pack("<qb", count, kind) for count, token in enumerate(tokens, 1))
    for bucket, row in (model.pruned or {}).items():
        data += struct.pack("<2i", bucket, row)
    if versioned:
        data += struct.pack("<?", isinstance(model.matrix, Quantised))
    data += write_matrix(model.matrix)
    if versioned:
        data += struct.pack("<?", model.qout)
    output = model.output
    if output is None:
        output = np.zeros((len(model.labels) if model.model == 3 else len(model.words), model.dim), np.float32)
    return data + write_matrix(output)


def write_matrix(matrix: Any) -> bytes:
    if not isinstance(matrix, Quantised):
        return struct.pack("<2q", *matrix.shape) + matrix.astype("<f4").tobytes()
    data = struct.pack("<?2qi", matrix.norm_codes is not None, *matrix.shape, matrix.codes.size)
    data += matrix.codes.tobytes() + write_quantiser(matrix.quantiser)
    if matrix.norm_codes is not None and matrix.norm_quantiser is not None:
        data += matrix.norm_codes.tobytes() + write_quantiser(matrix.norm_quantiser)
    return data


def write_quantiser(quantiser: Quantiser) -> bytes:
    data = struct.pack("<4i", quantiser.dim, len(quantiser.centroids), quantiser.dsub, quantiser.last)
    return data + b"".join(part.astype("<f4").tobytes() for part in quantiser.centroids)


def read(data: bytes) -> Model:
    """Read a file that is right."""
    at = 0

    def take(format: str) -> Any:
        nonlocal at
        values = struct.unpack_from(format, data, at)
        at += struct.calcsize(format)
        return values if len(values) > 1 else values[0]

    version = None
    if data[:4] == struct.pack("<i", MAGIC):
        _, version = take("<2i")
    _, _, _, _, _, word_ngrams, _, kind, bucket, minn, maxn, _ = take("<12i")
    take("<d")
    size, nwords, _, _ = take("<3iq")
    pruned_size = -1 if version is None else take("<q")
    tokens: list[list[bytes]] = [[], []]
    for _ in range(size):
        end = data.index(b"\0", at)
        token, at = data[at:end], end + 1
        _, type_ = take("<qb")
        tokens[type_].append(token)
    pruned = None if pruned_size < 0 else dict(take("<2i") for _ in range(pruned_size))

    def take_matrix(quantised: bool) -> Any:
        nonlocal at
        if not quantised:
            rows, columns = take("<2q")
            at += 4 * rows * columns
            return np.frombuffer(data[at - 4 * rows * columns : at], "<f4").reshape(rows, columns)
        has_norms, rows, _, count = take("<?2qi")
        at += count
        codes = np.frombuffer(data[at - count : at], np.uint8).reshape(rows, -1)
        quantiser = take_quantiser()
        if not has_norms:
            return Quantised(codes, quantiser)
        at += rows
        return Quantised(codes, quantiser, np.frombuffer(data[at - rows : at], np.uint8), take_quantiser())

    def take_quantiser() -> Quantiser:
        nonlocal at
        dim, parts, dsub, last = take("<4i")
        centroids = []
        for part in range(parts):
            width = last if part == parts - 1 else dsub
            centroids.append(np.frombuffer(data[at : at + 1024 * width], "<f4").reshape(256, width))
            at += 1024 * width
        return Quantiser(dim, dsub, centroids)

    matrix = take_matrix(version is not None and take("<?"))
    qout = version is not None and take("<?")
    output = take_matrix(qout and isinstance(matrix, Quantised))
    assert at == len(data)
    assert nwords == len(tokens[0])
    return Model(tokens[0], matrix, bucket, minn, maxn, tokens[1], version, kind, pruned, output, qout, word_ngrams)


# ---------------------------------------------------------------------- made up


def random_quantiser(random: np.random.Generator, dim: int, dsub: int) -> Quantiser:
    widths = [min(dsub, dim - first) for first in range(0, dim, dsub)]
    return Quantiser(dim, dsub, [random.normal(size=(256, width)).astype(np.float32) for width in widths])


def random_matrix(
    random: np.random.Generator, rows: int, dim: int, dsub: int = 0, has_norms: bool = False
) -> np.ndarray | Quantised:
    """Return a matrix, for a dsub a quantised one."""
    if not dsub:
        return random.normal(size=(rows, dim)).astype(np.float32)
    codes = random.integers(0, 256, (rows, -(-dim // dsub)), np.uint8)
    quantised = Quantised(codes, random_quantiser(random, dim, dsub))
    if has_norms:
        quantised.norm_codes = random.integers(0, 256, rows, np.uint8)
        quantised.norm_quantiser = random_quantiser(random, 1, 1)
    return quantised


WORDS = [
    b"the",
    EOS,
    b"of",
    "caf\u00e9".encode(),
    "\u65e5\u672c\u8a9e".encode(),
    b"a",
    b"kter\xec",
    b"\x80\x80x",
    b"<x>",
    b"",
]


def random_model(
    seed: int = 1, dim: int = 5, bucket: int = 40, dsub: int = 0, has_norms: bool = False, keep: int | None = None,
    **settings: Any,
) -> Model:  # fmt: skip
    """Return a model with words of every kind; `keep`: pruned, with so many buckets."""
    random = np.random.default_rng(seed)
    words = settings.pop("words", WORDS)
    pruned = None
    if keep is not None:
        kept = random.permutation(bucket)[:keep].tolist()
        pruned = {int(b): int(r) for b, r in zip(kept, random.permutation(keep).tolist(), strict=True)}
    rows = len(words) + (bucket if keep is None else keep)
    matrix = random_matrix(random, rows, dim, dsub, has_norms)
    return Model(list(words), matrix, bucket, pruned=pruned, **settings)
