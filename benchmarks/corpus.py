"""Texts to encode: a file of them, or generated ones; and the same texts made difficult.

Generated texts have Zipf-distributed tokens of the vectors' generator, with capitals, punctuation and line ends among
them, in texts of 30 to 960 tokens: the shape of a newsgroup. Only whole numbers of a seeded sequence decide, so the
same arguments give the same texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import vectors_generator
from numpy.typing import NDArray
from table import significant

DISTINCT = 60_000  # tokens of generated texts
BATCH = 1 << 18  # tokens made at a time
SHORTEST, DOUBLINGS = 30, 5  # of texts, in tokens
# How a token is written: {0} as it is, {1} with a capital, {2} in capitals.
VARIANTS = ("{0}",) * 20 + (
    "{0},",
    "{0},",
    "{1}",
    "{1}",
    "{2}",
    "{0}.\n",
    "{0}.",
    "({0})",
    '"{1}"',
    "{0}'s",
    "{0}-{0}",
    "{0}?",
)
STREAMS = {"rank": 4, "variant": 5, "length": 6, "alphabet": 7}  # of the generator's seed

LATIN = str.maketrans("aeiouncsAEIOUNCS", "áèïöūñçşÁÈÏÖŪÑÇŞ")
GREEK = str.maketrans(
    "abgdezhiklmnxoprstyfcuwABGDEZHIKLMNXOPRSTYFCUW", "αβγδεζηικλμνξοπρστυφχύωΑΒΓΔΕΖΗΙΚΛΜΝΞΟΠΡΣΤΥΦΧΎΩ"
)
CYRILLIC = str.maketrans(
    "abvgdezijklmnoprstufhcyABVGDEZIJKLMNOPRSTUFHCY", "абвгдезийклмнопрстуфхцыАБВГДЕЗИЙКЛМНОПРСТУФХЦЫ"
)
ALPHABETS = (LATIN, GREEK, CYRILLIC)


class Corpus(NamedTuple):
    """Texts, what they are called, and the number of columns that they are encoded into (None: the longest)."""

    name: str
    texts: list[str]
    max_len: int | None = 200

    @property
    def megabytes(self) -> float:
        """The size in UTF-8."""
        return sum(len(text.encode("utf-8", "surrogatepass")) for text in self.texts) / 1e6

    @property
    def title(self) -> str:
        """The name and the size."""
        return f"{self.name} ({len(self.texts):,}; {significant(self.megabytes)} MB)"


def read_texts(path: Path) -> list[str]:
    """Read a text from every line, behind its label if there is a tab."""
    with path.open(encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n").partition("\t")[2] or line.rstrip("\n") for line in file]


def generated_texts(nbytes: int, seed: int = 0) -> list[str]:
    """Make texts until they have `nbytes`."""
    texts, size = [], 0
    pieces = generated_pieces(seed)
    rest: list[str] = []
    for number in range(nbytes + 1):  # each has a byte at least
        length = text_length(number, seed)
        while len(rest) < length:
            rest += next(pieces)
        texts.append(" ".join(rest[:length]))
        del rest[:length]
        size += len(texts[-1])
        if size >= nbytes:
            break
    return texts


def text_length(number: int, seed: int) -> int:
    """Return how many tokens a generated text has: every octave is as likely."""
    draw = int(vectors_generator.random_words(number, 1, seed, STREAMS["length"])[0])
    octave, rest = draw % DOUBLINGS, (draw >> 32) % 1024
    return SHORTEST * 2**octave * (1024 + rest) // 1024


def generated_pieces(seed: int) -> Iterator[list[str]]:
    """Yield what stands between the spaces of generated texts, without end."""
    tokens = ranked_tokens(seed)
    cases = [(token, token.capitalize(), token.upper()) for token in tokens]
    table = np.array([[variant.format(*case) for case in cases] for variant in VARIANTS], object)
    bounds = zipf_bounds(len(tokens))
    start = 0
    while True:
        rank = np.searchsorted(bounds, draw_below(start, BATCH, seed, "rank", int(bounds[-1])), side="right")
        variant = draw_below(start, BATCH, seed, "variant", len(table))
        yield table[variant, rank].tolist()
        start += BATCH


def ranked_tokens(seed: int) -> list[str]:
    """Return distinct tokens, the most frequent first: they are short, by and large."""
    tokens = [token.decode("ascii") for token in vectors_generator.tokens(DISTINCT, seed)]
    jitter = draw_below(0, DISTINCT, seed, "alphabet", 8).tolist()
    order = sorted(range(DISTINCT), key=lambda row: (len(tokens[row]) + jitter[row], row))
    return [tokens[row] for row in order]


def zipf_bounds(count: int) -> NDArray[np.int64]:
    """Return the running sums of whole weights that fall as Zipf's law has it."""
    return np.cumsum(10**9 // np.arange(3, count + 3, dtype=np.int64))


def draw_below(start: int, count: int, seed: int, stream: str, end: int) -> NDArray[np.int64]:
    words = vectors_generator.random_words(start, count, seed, STREAMS[stream])
    return (words % np.uint64(end)).astype(np.int64)


# --- the same texts, difficult ---------------------------------------------------------------------------------------


def not_ascii(texts: list[str], seed: int = 0) -> list[str]:
    """Return the texts in other letters: accented, Greek or Cyrillic ones, a text in one of them."""
    choice = draw_below(0, len(texts), seed, "alphabet", len(ALPHABETS)).tolist()
    return [text.translate(ALPHABETS[which]) for text, which in zip(texts, choice, strict=True)]


def one_word_texts(texts: list[str], count: int) -> list[str]:
    """Return `count` texts of one word (or of as many as there are)."""
    words: list[str] = []
    for text in texts:
        words += text.split()
        if len(words) >= count:
            break
    return words[:count]


def difficult(texts: list[str], one_word: int) -> dict[str, Corpus]:
    """Return inputs that other code is slow on."""
    return {
        "not ASCII": Corpus("texts in accented, Greek and Cyrillic letters", not_ascii(texts)),
        "one word": Corpus("texts of one word", one_word_texts(texts, one_word), None),
        "one text": Corpus("one text of all", [" ".join(texts)], None),
    }


def arrow_column(texts: list[str]) -> Any:
    """Return the texts as an Arrow array."""
    import pyarrow as pa

    return pa.array(texts, pa.large_string())
