"""The slow, obvious reference of `make_matrix`: one row after the other, and a look-up through a dict."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xxhash

from glovestore.errors import CoverageWarning
from glovestore.matrix import Coverage, EmbeddingMatrix, Vectors, make_matrix

DIM = 3
TOKENS = ["the", "of", "cat", "dog", "<unk>", "<pad>", "nan", "", "3.14", "\udcff", "fi", "A", "\u00e9"]
TOKENS += ["cafe", "0", "00", "##", "the,of", "s"]
VECTORS = np.arange(1, len(TOKENS) * DIM + 1, dtype=np.float32).reshape(-1, DIM) / 8
MEAN, STD = np.array([0.1, -0.2, 0.3]), np.array([1.5, 0.25, 0.0])


@dataclass
class FakeVocabulary:
    """All that a matrix looks at in a Vocabulary."""

    tokens: list[str]
    padding_idx: int | None = 0
    unk_idx: int | None = 1


@dataclass
class Itos:
    """All that a matrix looks at in a torchtext vocabulary."""

    itos: list[str]

    def get_itos(self) -> list[str]:
        return self.itos


@dataclass
class DictFind:
    """A look-up through a dict of bytes, which keeps the requests it got."""

    tokens: list[str]
    requests: list[list[str | bytes]] = field(default_factory=list)

    def __call__(self, tokens: Sequence[str | bytes]) -> np.ndarray:
        self.requests.append(list(tokens))
        rows = {to_bytes(token): row for row, token in enumerate(self.tokens)}
        return np.array([rows.get(to_bytes(token), -1) for token in tokens], np.int64)


def to_bytes(token: str | bytes | None) -> bytes | None:
    if token is None:
        return None
    try:
        return token if isinstance(token, bytes) else token.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None


def to_str(token: str | bytes) -> str:
    return token if isinstance(token, str) else token.decode("utf-8", "surrogateescape")


def source(tokens: list[str] = TOKENS) -> Vectors:
    return Vectors(DictFind(tokens), VECTORS[: len(tokens)], MEAN, STD)


def quiet(vocab: Any, tokens: list[str] = TOKENS, **options: Any) -> EmbeddingMatrix:
    """Make a matrix whatever its coverage."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoverageWarning)
        return make_matrix(vocab, source(tokens), **options)


def normal_reference(token: str | bytes) -> np.ndarray:
    """Draw the noise of "normal" as design and docs say it: splitmix64 from XXH64(token), sums of 12 uniforms."""
    raw = token if isinstance(token, bytes) else to_bytes(token) or token.encode("utf-8", "surrogatepass")
    state, vector = xxhash.xxh64_intdigest(raw, 0), []
    for mean, std in zip(MEAN.tolist(), STD.tolist(), strict=True):
        total = 0
        for _ in range(6):
            state = (state + 0x9E3779B97F4A7C15) % 2**64
            z = state
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
            z ^= z >> 31
            total += z % 2**32 + z // 2**32
        vector.append(mean + std * (total * 2.0**-32 - 6.0))
    return np.array(vector, np.float64).astype(np.float32)


def length_vector(token: str) -> list[float]:
    return [len(token), 0.5, -1]


def oov_reference(oov: Any, token: str | bytes) -> Any:
    if callable(oov):
        return oov(to_str(token))
    if not isinstance(oov, str):
        return oov
    named = {"zeros": np.zeros(DIM), "mean": MEAN, "unk": VECTORS[TOKENS.index("<unk>")]}
    return normal_reference(token) if oov == "normal" else named[oov]


def without_accents(token: str) -> str:
    bare = ""
    for char in unicodedata.normalize("NFD", token):
        bare += "" if unicodedata.category(char) == "Mn" else char
    return unicodedata.normalize("NFC", bare)


def with_digits_as(sign: str, least: int) -> Callable[[str], str]:
    def respell(token: str) -> str:
        digits = [unicodedata.category(char) == "Nd" for char in token]
        if sum(digits) < least:
            return token
        return "".join(sign if digit else char for char, digit in zip(token, digits, strict=True))

    return respell


def without_punctuation(token: str) -> str:
    left = token
    while left and unicodedata.category(left[0])[0] in "PS":
        left = left[1:]
    while left and unicodedata.category(left[-1])[0] in "PS":
        left = left[:-1]
    return left or token


def without_possessive(token: str) -> str:
    for apostrophe in "'\u2019":
        for s in "sS":
            if token.endswith(apostrophe + s) and len(token) > 2:
                return token[:-2]
            if token.endswith(s + apostrophe):
                return token[:-1]
    return token


RULES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "nfkc": lambda token: unicodedata.normalize("NFKC", token),
    "strip_accents": without_accents,
    "digits_to_zero": with_digits_as("0", 1),
    "digits_to_hash": with_digits_as("#", 2),
    "strip_punctuation": without_punctuation,
    "strip_possessive": without_possessive,
}


def swap_case(token: str) -> str:
    return token.swapcase()


def matrix_reference(
    layout: dict[int, str | bytes], size: int, padding: int | None, unk: int | None, oov: Any, fallbacks: list[Any]
) -> tuple[np.ndarray, Coverage]:
    """Fill one row after the other; `layout` says which token each position belongs to."""
    rows = {to_bytes(token): vector for token, vector in zip(TOKENS, VECTORS, strict=True)}
    matrix = np.zeros((size, DIM), np.float32)
    total, found, missing = 0, 0, []
    by_rule = {rule if isinstance(rule, str) else rule.__name__: 0 for rule in fallbacks}
    for position in sorted(layout):
        token = layout[position]
        if position == padding:
            continue
        key = to_bytes(token)
        if position == unk:
            matrix[position] = rows[key] if key in rows else oov_reference(oov, token)
            continue
        total += 1
        if key in rows:
            found += 1
            matrix[position] = rows[key]
            continue
        for rule in fallbacks:
            respelled = to_bytes((RULES[rule] if isinstance(rule, str) else rule)(to_str(token)))
            if respelled in rows and respelled != b"":
                by_rule[rule if isinstance(rule, str) else rule.__name__] += 1
                matrix[position] = rows[respelled]
                break
        else:
            missing.append(to_str(token))
            matrix[position] = oov_reference(oov, token)
    return matrix, Coverage(total, found, by_rule, len(missing), tuple(missing))
