"""A store's vectors as torch modules, texts as batches of ids: the only file that imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from glovestore.matrix import EmbeddingMatrix
from glovestore.matrix.fallbacks import Rule
from glovestore.matrix.oov import Oov
from glovestore.matrix.positions import resolve_vocab
from glovestore.store import EmbeddingStore
from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.ids import Side

try:
    import torch
    from torch import nn
except ModuleNotFoundError as error:
    raise ImportError('glovestore.torch needs PyTorch: pip install "glovestore[torch]"') from error


def embedding(
    store: EmbeddingStore,
    vocab: Any = None,
    *,
    padding_idx: int | Literal["auto"] | None = "auto",
    freeze: bool = True,
    oov: Oov = "zeros",
    fallbacks: Iterable[str | Rule] = (),
    dtype: torch.dtype | None = None,
    device: torch.device | str | int | None = None,
) -> nn.Embedding:
    """Make an `nn.Embedding` of a vocabulary's vectors, or of a whole store.

    `vocab` is whatever `store.matrix` takes, or the `EmbeddingMatrix` that it made; ids are the vocabulary's indices.
    Without a vocabulary ids are the store's rows and the weights are a private copy-on-write map of the store: nothing
    is read or copied until it is used, and training (freeze=False) never writes to the file. That map counts against
    the memory that the system is willing to promise, and another `dtype` or `device` makes a real copy.

    `padding_idx` "auto" is the vocabulary's padding row (a `Vocabulary`'s own, a mapping's unnamed 0, else `<pad>` or
    `[PAD]`; none for a whole store); the row of an explicit index is set to zero, as `nn.Embedding` does. `dtype` is
    any floating dtype of torch, None for float32 (or the EmbeddingMatrix's own); `device` None is the CPU.
    """
    _check(store, vocab, dtype, padding_idx, oov, fallbacks)
    if vocab is None:
        size, auto = len(store), None
    elif isinstance(vocab, EmbeddingMatrix):
        size, auto = len(vocab), vocab.padding_idx
    else:
        vocab = resolve_vocab(vocab)
        size, auto = vocab.size, vocab.padding_idx
    padding = auto if padding_idx == "auto" else padding_idx if padding_idx is None else int(padding_idx)
    if padding is not None and not 0 <= padding < size:
        raise ValueError(f"padding_idx: expected a row from 0 to {size - 1}, got {padding}")

    weight = _weight(store, vocab, oov, fallbacks, dtype).to(device=device, dtype=dtype)
    if padding is not None and padding_idx != "auto":
        weight[padding] = 0
    module: nn.Embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
        weight, freeze=freeze, padding_idx=padding
    )
    return module


# What a matrix can be filled in; any other dtype is converted from float32.
FILLED = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def _weight(
    store: EmbeddingStore, vocab: Any, oov: Oov, fallbacks: Iterable[str | Rule], dtype: torch.dtype | None
) -> torch.Tensor:
    """Return weights that belong to the new module alone."""
    if vocab is None:
        return torch.from_numpy(store.vectors_copy_on_write())
    if isinstance(vocab, EmbeddingMatrix):
        return torch.as_tensor(vocab.array).clone()  # training must not change the caller's matrix
    weight = torch.empty(vocab.size, store.dim, dtype=dtype if dtype in FILLED else torch.float32)
    store.matrix(vocab, oov=oov, fallbacks=fallbacks, out=weight)
    return weight


def _is_index(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check(
    store: object, vocab: object, dtype: object, padding_idx: object, oov: object, fallbacks: Iterable[object]
) -> None:
    if not isinstance(store, EmbeddingStore):
        raise TypeError(f"store: expected an open EmbeddingStore, got {type(store).__name__} (see glovestore.open)")
    if store.closed:
        raise ValueError(f"{store.path}: expected an open store, got one that was closed")
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise TypeError(f"dtype: expected a floating dtype of torch, got {dtype!r}")
    if padding_idx is not None and padding_idx != "auto" and not _is_index(padding_idx):
        raise TypeError(f'padding_idx: expected "auto", an int or None, got {padding_idx!r}')
    if isinstance(vocab, EmbeddingMatrix) and vocab.shape[1] != store.dim:
        raise ValueError(f"vocab: expected a matrix of dim {store.dim}, the store's; got dim {vocab.shape[1]}")
    made = vocab is None or isinstance(vocab, EmbeddingMatrix)
    if made and not (isinstance(oov, str) and oov == "zeros" and not list(fallbacks)):
        what = "the whole store" if vocab is None else "a finished matrix"
        raise ValueError(f"oov, fallbacks: expected only with a vocabulary, got them with {what}, which lacks nothing")


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
