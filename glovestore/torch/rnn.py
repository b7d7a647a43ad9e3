"""An RNN that classifies texts, without packed sequences: they are slow on CPUs and cannot be exported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from glovestore.arguments import is_number, whole_number
from glovestore.torch.pooling import POOLINGS, Pooling

RNNS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
Kind = Literal["lstm", "gru", "rnn"]


class RNNClassifier(nn.Module):
    """Classify texts by an RNN: ids (batch, length) -> embedded (batch, length, dim) -> logits (batch, classes).

    The parts are `embedding` (any module that turns ids into vectors; see `glovestore.torch.embedding`), dropout, `rnn`
    (an LSTM, a GRU or a plain tanh RNN, in both directions unless told otherwise), `pooling` (see there), dropout, and
    `linear`. Ids that equal the embedding's `padding_idx` are padding; wherever it stands, it never counts: a text
    gets the same logits, up to rounding, however far its batch is padded. Length has to be 1 at least; a text that is
    padding alone gets the bias of `linear`.

    It is a module like any other: `state_dict`, `.to(device)`, `torch.autocast`, `torch.compile`, `torch.export` and
    ONNX work; docs/classifier.md says which sizes an exported model takes.
    """

    def __init__(
        self,
        embedding: nn.Embedding,
        num_classes: int,
        *,
        rnn: Kind = "lstm",
        units: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        pooling: str | Sequence[str] = ("max", "last"),
        dropout: float = 0.5,
    ) -> None:
        """Make a classifier with fresh weights from torch's global generator.

        `units` is the size of one direction's state (torch's hidden_size), `layers` how many RNNs stand on each other,
        `pooling` one of "last", "mean", "max" and "attention" or several, which are concatenated. `dropout` is the
        share that is dropped of the embedded texts, between layers, and before the last layer.
        """
        super().__init__()
        poolings = _names(pooling)
        _check(embedding, rnn, poolings, dropout, bidirectional)
        num_classes = whole_number("num_classes", num_classes)
        units, layers = whole_number("units", units), whole_number("layers", layers)
        self.embedding = embedding
        self.rnn = StackedRNN(rnn, embedding.embedding_dim, units, layers, bidirectional, dropout)
        self.pooling = Pooling(poolings, self.rnn.size, units if bidirectional else 0)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(self.pooling.size, num_classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits (batch, classes) for ids, int64 or int32 (batch, length)."""
        ids, mask = self._compact(ids)
        return self.classify(self.embedding(ids), mask)

    def classify(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Return logits for vectors (batch, length, dim); `mask`, bool (batch, length), is true at each row's tokens.

        The tokens are the first of each row. This is for vectors from elsewhere than `embedding`.
        """
        logits: Tensor = self.linear(self.dropout(self.pooling(self.rnn(self.dropout(embedded), mask), mask)))
        return logits

    def attention_weights(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Return the weight (batch, length) of each token under `"attention"`: 0 at padding, in all 1 a text."""
        if "attention" not in self.pooling.poolings:
            raise ValueError(f'pooling: expected "attention" to be among them, got {", ".join(self.pooling.poolings)}')
        return self.pooling.attention_weights(self.rnn(self.dropout(embedded), mask), mask)

    def _compact(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ids with every row's padding moved behind its tokens, and where the tokens are."""
        if self.embedding.padding_idx is None:
            return ids, torch.ones_like(ids, dtype=torch.bool)
        mask = ids != self.embedding.padding_idx
        count = mask.sum(1, keepdim=True)
        goal = torch.where(mask, mask.cumsum(1) - 1, count + (~mask).cumsum(1) - 1)
        return torch.zeros_like(ids).scatter(1, goal, ids), torch.arange(ids.shape[1], device=ids.device) < count


class StackedRNN(nn.Module):
    """One-way RNNs: a layer is one of them, or two, the second of which reads every text from its end.

    Vectors (batch, length, dim) become outputs (batch, length, size), those of the backward direction behind. A text
    at the start of its row needs no packing in the forward direction: what comes after it changes nothing before it.
    Reversing each text, and not the row, gives the backward direction the same. What stands at padding is undefined.
    """

    def __init__(self, kind: Kind, dim: int, units: int, layers: int, bidirectional: bool, dropout: float) -> None:
        """Make the RNNs of all layers; `dropout` stands between layers."""
        super().__init__()
        self.size = 2 * units if bidirectional else units
        sizes = [dim] + [self.size] * (layers - 1)
        self.forwards = nn.ModuleList(RNNS[kind](size, units, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(
            RNNS[kind](size, units, batch_first=True) for size in (sizes if bidirectional else ())
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Return outputs for vectors (batch, length, dim) with their mask (batch, length): tokens first in each row."""
        reversal = _reversal(mask)
        for layer, forwards in enumerate(self.forwards):
            inputs = vectors if layer == 0 else self.dropout(vectors)
            vectors = forwards(inputs)[0]
            if self.backwards:
                backward = self.backwards[layer](_reorder(inputs, reversal))[0]
                vectors = torch.cat([vectors, _reorder(backward, reversal)], 2)
        return vectors


def _reversal(mask: Tensor) -> Tensor:
    """Return for every position (batch, length) the one to read from to reverse each row's tokens; its own inverse."""
    position = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    return torch.where(mask, mask.sum(1, keepdim=True) - 1 - position, position)


def _reorder(vectors: Tensor, positions: Tensor) -> Tensor:
    return vectors.gather(1, positions[..., None].expand(-1, -1, vectors.shape[2]))


def _names(pooling: object) -> tuple[Any, ...]:
    """Return one name or several as a tuple; `_check` looks at what is in it."""
    return tuple(pooling) if isinstance(pooling, Iterable) and not isinstance(pooling, str) else (pooling,)


def _check(embedding: object, rnn: object, poolings: tuple[str, ...], dropout: object, bidirectional: object) -> None:
    if not isinstance(embedding, nn.Embedding):
        raise TypeError(f"embedding: expected an nn.Embedding (see glovestore.torch.embedding), got {type(embedding)}")
    if not isinstance(rnn, str) or rnn not in RNNS:
        raise ValueError(f"rnn: expected one of {', '.join(map(repr, RNNS))}, got {rnn!r}")
    unknown = [name for name in poolings if name not in POOLINGS]
    if unknown or not poolings or len(set(poolings)) < len(poolings):
        names = ", ".join(map(repr, POOLINGS))
        raise ValueError(f"pooling: expected {names}, or several of them, each once; got {poolings!r}")
    if not isinstance(bidirectional, (bool, np.bool_)):  # "no" would be true
        raise ValueError(f"bidirectional: expected True or False, got {bidirectional!r}")
    if not (is_number(dropout) and 0 <= dropout < 1):
        raise ValueError(f"dropout: expected a share from 0 up to, but not, 1; got {dropout!r}")
