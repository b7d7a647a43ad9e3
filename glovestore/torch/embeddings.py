"""A store's vectors as `nn.Embedding`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from glovestore.matrix import EmbeddingMatrix
from glovestore.matrix.fallbacks import Rule
from glovestore.matrix.oov import Oov
from glovestore.matrix.positions import resolve_vocab
from glovestore.store import EmbeddingStore


def embedding(
    store: EmbeddingStore,
    vocab: Any = None,
    *,
    padding_idx: int | Literal["auto"] | None = "auto",
    freeze: bool = True,
    oov: Oov = "auto",
    fallbacks: Iterable[str | Rule] = (),
    dtype: torch.dtype | None = None,
    device: torch.device | str | int | None = None,
) -> nn.Embedding:
    """Make an `nn.Embedding` of a vocabulary's vectors, or of a whole store.

    `vocab` is whatever `store.matrix` takes, or the `EmbeddingMatrix` that it made; ids are the vocabulary's indices.
    Without a vocabulary ids are the store's rows and the weights are a private copy-on-write map of the store: nothing
    is read or copied until it is used, and training (freeze=False) never writes to the file. That map counts against
    the memory that the system is willing to promise, and another `dtype` or `device` makes a real copy. So does a store
    of float16 or int8: its vectors are decoded to float32, all of them, before anything else.

    `oov` and `fallbacks` are those of `store.matrix`: "auto" gives missing tokens the vectors of their subwords if the
    store has any, else zeros.

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
    if made and not (isinstance(oov, str) and oov in ("auto", "zeros") and not list(fallbacks)):
        what = "the whole store" if vocab is None else "a finished matrix"
        raise ValueError(f"oov, fallbacks: expected only with a vocabulary, got them with {what}, which lacks nothing")
