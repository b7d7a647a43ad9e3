"""GloVe-like text of any size from a seed, for the benchmarks and the tests.

The text has the shape of glove.6B.100d.txt: unique lower-case tokens whose lengths follow that file, most frequent
lengths included, and values near N(0, 0.41) as "%.5g" would write them, but never with an exponent. Only integer
arithmetic takes part, so the same arguments give the same bytes on every platform and with every numpy. Row i depends
on the seed, `dim` and i alone: a short file is the beginning of a long one.

    python benchmarks/vectors_generator.py 400000 100 /tmp/vectors.txt
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Tokens of 1, 2, 3, ... bytes among the 341,479 of the real file; its few longer ones count as the last length.
LENGTHS = [32, 916, 11072, 23558, 40516, 53910, 55635, 47604, 37073, 26663, 17169, 10846, 6793, 4080, 2363, 1380, 1869]
LETTERS = 26
UNITS = 9  # values are whole multiples of 1e-9 before rounding
SPREAD = 391  # times 2**20, one standard deviation of the summed uniforms, is 0.41
FIELD = 16  # bytes kept for one number: separator, sign and at most 11 digits and dot, padded with NUL
LEFT = 100_001  # five digits, and what 99999.5 rounds up to
BATCH_NUMBERS = 1 << 18  # a batch's temporaries stay within the caches


def generate(path: str | Path, rows: int = 400_000, dim: int = 100, seed: int = 0, *, header: bool = False) -> Path:
    """Write `rows` x `dim` vectors to `path`, a word2vec-like header before them if asked for; return the path."""
    path = Path(path)
    with path.open("wb") as file:
        if header:
            file.write(b"%d %d\n" % (rows, dim))
        for block in blocks(rows, dim, seed):
            file.write(block)
    return path


def blocks(rows: int, dim: int, seed: int = 0) -> Iterator[bytes]:
    """Yield the text in pieces of whole lines, a few MB each.

    Tokens and numbers stand in fields of fixed width padded with NUL, which one pass over the bytes then removes.
    """
    step = max(1, BATCH_NUMBERS // dim)
    starts = range(0, rows, step)
    for start, token_batch in zip(starts, token_batches(rows, step, seed), strict=True):
        count = len(token_batch)
        numbers = number_fields(start * dim, count * dim, seed).reshape(count, dim * FIELD)
        newlines = np.full((count, 1), ord("\n"), np.uint8)
        yield np.hstack([token_batch, numbers, newlines]).tobytes().translate(None, b"\0")


def tokens(rows: int, seed: int = 0) -> list[bytes]:
    """Return the tokens of the first `rows` rows, in row order."""
    batches = token_batches(rows, 1 << 16, seed)
    return [token for batch in batches for token in batch.view(f"S{batch.shape[1]}").ravel().tolist()]


def random_words(start: int, count: int, seed: int, stream: int) -> NDArray[np.uint64]:
    """Return words `start` to `start + count` of SplitMix64 (Steele, Lea, Flood 2014), one sequence per stream."""
    origin = (seed * 4 + stream) * 0xD1342543DE82EF95 & 0xFFFFFFFFFFFFFFFF
    word = np.arange(start + 1, start + count + 1, dtype=np.uint64)
    word *= np.uint64(0x9E3779B97F4A7C15)
    word += np.uint64(origin)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word ^= word >> np.uint64(shift)
        word *= np.uint64(factor)
    word ^= word >> np.uint64(31)
    return word


# --- numbers ---------------------------------------------------------------------------------------------------------


def number_fields(start: int, count: int, seed: int) -> NDArray[np.uint8]:
    """Return numbers `start` to `start + count` of the file as rows of FIELD bytes: space, sign, text, NULs."""
    word = random_words(start, count, seed, stream=0)
    field = np.uint64(2**21 - 1)
    total = (word & field) + (word >> np.uint64(21) & field) + (word >> np.uint64(42) & field)
    value = (total.astype(np.int32) - 3 * 2**20) * SPREAD
    magnitude = np.abs(value).astype(np.uint32)
    dropped = np.zeros(count, np.uint8)  # digits to round away, so that five are left
    for digits in range(5, 10):
        dropped += magnitude >= 10**digits
    power = (10 ** np.arange(6, dtype=np.uint32))[dropped]
    rounded = (magnitude + power // np.uint32(2)) // power
    texts = np.take(field_table(), rounded + dropped * np.uint32(LEFT))
    fields: NDArray[np.uint8] = texts.view(np.uint8).reshape(count, FIELD)
    fields[value < 0, 1] = ord("-")
    return fields


@lru_cache(maxsize=1)
def field_table() -> NDArray[np.bytes_]:
    """Return the field, not yet signed, of every number that can occur, by digits dropped and the number left."""
    texts = [f" \0{fixed(number, UNITS - dropped):\0<{FIELD - 2}}" for dropped in range(6) for number in range(LEFT)]
    return np.frombuffer("".join(texts).encode("ascii"), f"S{FIELD}")


def fixed(number: int, decimals: int) -> str:
    """Return `number` / 10**`decimals` in full, without trailing zeros."""
    whole, fraction = divmod(number, 10**decimals)
    return f"{whole}.{fraction:0{decimals}d}".rstrip("0").rstrip(".")


# --- tokens ----------------------------------------------------------------------------------------------------------


def token_batches(rows: int, step: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the tokens of `step` rows at a time as a matrix of letters, padded with NUL on the right."""
    used = np.zeros(len(LENGTHS) + 1, np.int64)  # tokens given out so far, by length
    for start in range(0, rows, step):
        length = token_lengths(start, min(step, rows - start), seed, used)
        yield spell(length, used, seed)


def token_lengths(start: int, count: int, seed: int, used: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a length for each row; where all tokens of a length are given out, the next one up."""
    draw = random_words(start, count, seed, stream=1) % np.uint64(sum(LENGTHS))
    length = np.searchsorted(np.cumsum(LENGTHS), draw.astype(np.int64), side="right") + 1
    for short in range(1, 8):  # 26**8 is more than any file has
        same = np.flatnonzero(length == short)
        length[same[max(0, LETTERS**short - int(used[short])) :]] += 1
    return length


def spell(length: NDArray[np.int64], used: NDArray[np.int64], seed: int) -> NDArray[np.uint8]:
    """Return a token for each length, none given out before, and count it in `used`.

    The first letters (eight at most) of the j-th token of a length are j * factor + offset modulo 26**letters, in base
    26: one to one, because the factor shares no divisor with 26. The letters after them are a scrambled repetition.
    """
    matrix = np.zeros((len(length), len(LENGTHS)), np.uint8)
    offsets = random_words(0, len(LENGTHS), seed, stream=2) >> np.uint64(1)
    for size in np.unique(length).tolist():
        members = np.flatnonzero(length == size)
        period = LETTERS ** min(size, 8)
        factor, offset = coprime(period * 377 // 610), int(offsets[size - 1]) % period
        number = ((used[size] + np.arange(len(members))) * factor + offset) % period
        scrambled = number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for place in range(size):
            letter = number // LETTERS**place if place < 8 else scrambled >> np.uint64(5 * place - 25)
            matrix[members, place] = letter % LETTERS + ord("a")
        used[size] += len(members)
    return matrix


def coprime(number: int) -> int:
    """Return the first number from `number` up that shares no divisor with 26."""
    return next(other for other in range(number, number + 5) if other % 2 and other % 13)


def main() -> None:
    """Write a file from the command line."""
    parser = argparse.ArgumentParser(description="Write GloVe-like text from a seed.")
    parser.add_argument("rows", type=int)
    parser.add_argument("dim", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--header", action="store_true", help='begin with "rows dim"')
    options = parser.parse_args()
    path = generate(options.path, options.rows, options.dim, options.seed, header=options.header)
    print(f"{path}: {options.rows} x {options.dim}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
