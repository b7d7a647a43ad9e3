"""Pooling: the outputs of an RNN at every position become one vector a text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

POOLINGS = ("last", "mean", "max", "attention")


class Pooling(nn.Module):
    """Reduce outputs (batch, length, size) to (batch, size * number of poolings), one after the other in their order.

    `"last"`: what each direction gave at its own last token, that is, for the backward half of a bidirectional RNN at
    the first one. `"mean"`, `"max"`: over the tokens. `"attention"`: a mean with learned weights, the softmax of
    ``v . tanh(W output)`` over the tokens (the additive attention of Bahdanau, Cho and Bengio, 2015, without a query,
    as Yang et al., 2016, use it in sentences). Padding takes no part; a text without tokens gives zeros.
    """

    def __init__(self, poolings: Sequence[str], size: int, backward_size: int) -> None:
        """Take names out of `POOLINGS`; the last `backward_size` of `size` outputs are of the backward direction."""
        super().__init__()
        self.poolings = tuple(poolings)
        self.size = size * len(self.poolings)
        self._forward_size = size - backward_size
        if "attention" in self.poolings:
            self.attention = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1, bias=False))

    def forward(self, outputs: Tensor, mask: Tensor) -> Tensor:
        """Pool `outputs` (batch, length, size); `mask`, bool (batch, length), is true at each row's tokens."""
        return torch.cat([getattr(self, f"_{name}")(outputs, mask) for name in self.poolings], 1)

    def attention_weights(self, outputs: Tensor, mask: Tensor) -> Tensor:
        """Return the weights (batch, length) of "attention": 0 at padding, the sum of a row 1 (0 without tokens)."""
        scores: Tensor = self.attention(outputs).squeeze(2).masked_fill(~mask, float("-inf"))
        return scores.softmax(1).masked_fill(~mask, 0)  # a row of padding alone is NaN before the mask

    def _last(self, outputs: Tensor, mask: Tensor) -> Tensor:
        last = (mask.sum(1) - 1).clamp(min=0).reshape(-1, 1, 1).expand(-1, -1, self._forward_size)
        forward = outputs[..., : self._forward_size].gather(1, last).squeeze(1)
        ends = torch.cat([forward, outputs[:, 0, self._forward_size :]], 1)
        return ends.masked_fill(~mask[:, :1], 0)

    def _mean(self, outputs: Tensor, mask: Tensor) -> Tensor:
        return outputs.masked_fill(~mask[..., None], 0).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)

    def _max(self, outputs: Tensor, mask: Tensor) -> Tensor:
        return outputs.masked_fill(~mask[..., None], float("-inf")).amax(1).masked_fill(~mask[:, :1], 0)

    def _attention(self, outputs: Tensor, mask: Tensor) -> Tensor:
        return (self.attention_weights(outputs, mask)[..., None] * outputs).sum(1)
