"""Make the fastText models of tests/data by the official package, with the vectors that it gives. Run once, by hand.

pip install fasttext-numpy2 && python tests/make_fasttext.py
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import fasttext
import numpy as np

DATA = Path(__file__).parent / "data"
WORDS = ["the", "of", "caf\u00e9", "\u65e5\u672c\u8a9e", "na\u00efve", "\U0001f600", "x", "don't", "42", "Stra\u00dfe"]
OTHERS = [
    "theof",
    "caf\u00e9s",
    "\u65e5\u672c",
    "a",
    "",
    "\u00df",
    "</s>",
    "unseen token",
    "<x>",
    "\U0001f600\U0001f601",
]
OTHER_BYTES = [b"\xff\xfe", b"caf\xc3", b"\x80"]


def text(lines: int, labels: bool) -> str:
    """Return lines of words, each made up of a stem and a number."""
    made = random.Random(7)
    words = WORDS + [f"{word}{i}" for word in WORDS[:4] for i in range(30)]
    start = [f"__label__{i % 2} " if labels else "" for i in range(lines)]
    return "\n".join(begin + " ".join(made.choices(words, k=8)) for begin in start) + "\n"


def vector_of(model: Any, token: str | bytes) -> list[float]:
    """Return getWordVector's float32, also of bytes that are no UTF-8."""
    import fasttext_pybind

    found = fasttext_pybind.Vector(model.get_dimension())
    model.f.getWordVector(found, token)
    return [float(number) for number in np.array(found)]


def described(model: Any) -> dict[str, list[float]]:
    """Return the vector of every word, and of others, by the hexadecimal digits of its bytes."""
    tokens = [token.encode() for token in [*model.get_words(), *OTHERS]] + OTHER_BYTES
    return {token.hex(): vector_of(model, token) for token in tokens}


THREADS = 10  # the package makes a matrix in ten parts, one a thread: with fewer threads it leaves some as they were


def make() -> None:
    """Write the two models and what they give. Their matrices have a multiple of ten numbers, for the same reason."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "text.txt")
        file.write_text(text(200, False), encoding="utf-8")
        model = fasttext.train_unsupervised(
            str(file), dim=5, minCount=9, bucket=49, minn=2, maxn=4, t=1, epoch=2, thread=THREADS
        )
        save(model, "fasttext.bin")
        expected = {"fasttext.bin": described(model)}
        file.write_text(text(400, True), encoding="utf-8")
        model = fasttext.train_supervised(
            str(file), dim=5, bucket=501, minn=2, maxn=3, wordNgrams=2, epoch=3, thread=THREADS
        )
        model.quantize(input=str(file), qnorm=True, cutoff=300, retrain=True, epoch=2, thread=THREADS)
        save(model, "fasttext.ftz")
        expected["fasttext.ftz"] = described(model)
    (DATA / "fasttext.json").write_text(json.dumps(expected, indent=0) + "\n")


def save(model: Any, name: str) -> None:
    """Save a model that was trained and did not diverge."""
    vectors = np.array([model.get_word_vector(word) for word in model.get_words()])
    assert 0 < np.abs(vectors).max() < 10, (name, np.abs(vectors).max())
    model.save_model(str(DATA / name))


if __name__ == "__main__":
    make()
