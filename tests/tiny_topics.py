"""Texts about two topics, and a store of their tokens: enough to train a classifier on in a second."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import glovestore

TOPICS = {
    "sea": ("ship", "wave", "fish", "harbour", "sail", "tide"),
    "sky": ("star", "moon", "cloud", "comet", "planet", "sun"),
}
OTHERS = ("the", "a", "of", "near", "old", "my")
UNSEEN = {"sea": "anchor", "sky": "galaxy"}  # in the store, in no training text


def build_store(path: Path) -> Path:
    """Build a store of dim 4 where the tokens of a topic have similar vectors."""
    rng = random.Random(0)
    rows = []
    for topic, at in (("sea", 0), ("sky", 1)):
        for token in (*TOPICS[topic], UNSEEN[topic]):
            vector = [rng.gauss(0, 0.1) for _ in range(4)]
            vector[at] += 1
            rows.append(f"{token} {' '.join(f'{number:.4f}' for number in vector)}\n")
    rows += [f"{token} {' '.join(f'{rng.gauss(0, 0.1):.4f}' for _ in range(4))}\n" for token in OTHERS]
    path.with_suffix(".txt").write_text("".join(rows))
    glovestore.build(path.with_suffix(".txt"), path, durable=False)
    return path


def topic_texts(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Return texts and their labels, in turn."""
    rng = random.Random(seed)
    labels = [list(TOPICS)[i % 2] for i in range(count)]
    return [" ".join(rng.choices(OTHERS, k=2) + rng.choices(TOPICS[label], k=2)) for label in labels], labels


def write_tsv(path: Path, texts: Sequence[str], labels: Sequence[object]) -> Path:
    path.write_text("".join(f"{label}\t{text}\n" for text, label in zip(texts, labels, strict=True)))
    return path
