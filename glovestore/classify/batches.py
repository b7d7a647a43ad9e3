"""Texts as ids, and batches of texts of about the same length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

POOL = 20  # batches' worth of texts that are sorted by length together


class EncodedTexts(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """The ids of texts, each cut after `max_len` tokens, and their classes: int64, by number."""

    def __init__(self, values: NDArray[np.int64], offsets: NDArray[np.int64], max_len: int, classes: NDArray[np.int64]):
        """Take what `Vocabulary.encode_ragged` returns: text i is ``values[offsets[i]:offsets[i + 1]]``."""
        self.lengths = np.minimum(np.diff(offsets), min(max_len, len(values)))  # any integer will do
        self.classes = torch.from_numpy(classes)
        self._values, self._offsets = torch.from_numpy(values), offsets

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        """Return the ids (length,) of a text, and its class."""
        return self.ids(position), int(self.classes[position])

    def ids(self, position: int) -> Tensor:
        """Return the ids (length,) of a text: a view."""
        start = int(self._offsets[position])
        return self._values[start : start + int(self.lengths[position])]

    def batch(self, positions: Sequence[int] | NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return ids (batch, length), filled up with 0, of one column at least, and the classes (batch,)."""
        texts = [self.ids(int(position)) for position in positions]
        ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
        if not ids.shape[1]:
            ids = ids.new_zeros((len(texts), 1))
        return ids, self.classes[torch.from_numpy(np.asarray(positions))]


class BucketedBatches:
    """Batches in another random order each time, of texts that have about the same length, so that little is padding.

    The texts are shuffled, sorted by length within pools of `POOL` batches, and the batches shuffled again.
    """

    def __init__(self, texts: EncodedTexts, batch_size: int, random: np.random.RandomState) -> None:
        self._texts, self._batch_size, self._random = texts, batch_size, random

    def __len__(self) -> int:
        return -(-len(self._texts) // self._batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self._random.permutation(len(self._texts))
        pool = POOL * self._batch_size
        pools = [order[start : start + pool] for start in range(0, len(order), pool)]
        batches = [batch for one in pools for batch in sorted_batches(self._texts.lengths, one, self._batch_size)]
        self._random.shuffle(batches)  # in place
        return map(self._texts.batch, batches)


class SortedBatches:
    """Batches by length, always in the same order, for validation and prediction."""

    def __init__(self, texts: EncodedTexts, batch_size: int) -> None:
        self.positions = sorted_batches(texts.lengths, np.arange(len(texts)), batch_size)
        self._texts = texts

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return map(self._texts.batch, self.positions)


def sorted_batches(
    lengths: NDArray[np.int64], positions: NDArray[np.int64], batch_size: int
) -> list[NDArray[np.int64]]:
    """Cut positions, sorted by the length of their texts, into batches."""
    ordered = positions[np.argsort(lengths[positions], kind="stable")]
    return [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
