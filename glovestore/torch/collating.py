"""Texts and labels as batches, for `torch.utils.data.DataLoader`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.ids import Side


def collate(
    vocab: Vocabulary, max_len: int | None = None, *, padding: Side = "post", truncating: Side = "post"
) -> Collate:
    """Make a `collate_fn` for `torch.utils.data.DataLoader`: texts in, padded ids out.

    The items of a batch are all of one kind: texts (a `str`, or a list of tokens), tuples (text, label), or mappings
    with a "text" and perhaps a "label", as Hugging Face datasets give. A batch becomes (ids, lengths, labels), or
    (ids, lengths) if it has no labels: ids int64 (batch, length), lengths int64 (batch,) on the CPU, as
    `pack_padded_sequence` wants them (it refuses a text without tokens, whose length is 0), labels (batch, ...): int64
    of `int`, float32 of `float`, and numpy's or torch's own.

    `max_len`, `padding` and `truncating` are those of `vocab.encode`; without `max_len` each batch is as wide as its
    longest text. The result can be pickled, for workers that are spawned, if the vocabulary can.
    """
    if not isinstance(vocab, Vocabulary):
        raise TypeError(f"vocab: expected a Vocabulary, got {type(vocab).__name__}")
    vocab.encode([], max_len, padding, truncating)  # a bad argument is an error here, not in a worker
    return Collate(vocab, max_len, padding, truncating)


class Collate:
    """What `collate` makes: call it with a batch."""

    def __init__(self, vocab: Vocabulary, max_len: int | None, padding: Side, truncating: Side) -> None:
        """Take over checked arguments (internal): use `collate`."""
        self.vocab = vocab
        self.max_len = max_len
        self.padding: Side = padding
        self.truncating: Side = truncating

    def __call__(self, batch: Iterable[Any]) -> tuple[torch.Tensor, ...]:
        """Turn a batch into (ids, lengths, labels), or (ids, lengths) if it has no labels.

        ValueError for an empty batch and for items of different kinds, TypeError for texts and labels that are none;
        positions are those in the batch.
        """
        if isinstance(batch, Mapping):
            raise TypeError("batch: expected a sequence of items, got a mapping: columns have to be zipped into items")
        batch = list(batch)
        if not batch:
            raise ValueError("batch: expected at least one text, got none")
        kinds = [_kind(item, f"batch[{position}]") for position, item in enumerate(batch)]
        for position, kind in enumerate(kinds):
            if kind != kinds[0]:
                raise ValueError(f"batch[{position}]: expected {kinds[0]} as batch[0] is, got {kind}")
        text, label = _PARTS[kinds[0]]
        texts = list(batch) if text is None else [item[text] for item in batch]
        ids, lengths = self.vocab.encode(texts, self.max_len, self.padding, self.truncating, return_lengths=True)
        encoded = torch.from_numpy(ids), torch.from_numpy(lengths)
        return encoded if label is None else (*encoded, _labels([item[label] for item in batch]))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        options = f"max_len={self.max_len}, padding={self.padding!r}, truncating={self.truncating!r}"
        return f"glovestore.torch.collate({self.vocab!r}, {options})"


# Where the text and the label of an item of each kind are.
_PARTS: dict[str, tuple[Any, Any]] = {
    "a text": (None, None),
    "a tuple (text, label)": (0, 1),
    "a mapping with a text": ("text", None),
    "a mapping with a text and a label": ("text", "label"),
}


def _kind(item: object, where: str) -> str:
    """Return which kind of item this is; what a text may be is for the vocabulary to say."""
    if isinstance(item, tuple):
        if len(item) != 2:
            raise ValueError(f"{where}: expected (text, label), got a tuple of {len(item)}; a text's tokens are a list")
        return "a tuple (text, label)"
    if isinstance(item, Mapping):
        if "text" not in item:
            raise ValueError(
                f'{where}: expected a mapping with a "text", got {", ".join(map(repr, item)) or "nothing"}'
            )
        return "a mapping with a text and a label" if "label" in item else "a mapping with a text"
    return "a text"


def _labels(labels: list[Any]) -> torch.Tensor:
    try:
        return torch.stack([torch.as_tensor(label) for label in labels])
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"labels: expected numbers, or lists or tensors of one shape; torch says: {error}") from error
