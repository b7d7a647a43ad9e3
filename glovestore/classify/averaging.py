"""Exponential moving averages of weights: steadier than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AveragedWeights:
    """The moving average of a module's trained weights, with `decay` per step (Polyak and Juditsky, 1992).

    The first steps count more, min(decay, (1 + steps) / (10 + steps)), so that the random start is forgotten quickly.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start with the weights as they are. Frozen ones are left alone."""
        self._weights: list[Tensor] = [weight for weight in module.parameters() if weight.requires_grad]
        self._average = [weight.detach().clone() for weight in self._weights]
        self._decay, self._steps = decay, 0

    @torch.no_grad()
    def update(self) -> None:
        """Take the module's present weights into the average."""
        self._steps += 1
        keep = min(self._decay, (1 + self._steps) / (10 + self._steps)) if self._decay else 0.0
        torch._foreach_lerp_(self._average, [weight.detach() for weight in self._weights], 1 - keep)

    def is_finite(self) -> bool:
        """Return whether every averaged weight is a number: neither infinite nor NaN."""
        return all(bool(weight.isfinite().all()) for weight in self._average)

    def copy(self) -> list[Tensor]:
        """Return a copy of the average, for `put`."""
        return [weight.clone() for weight in self._average]

    @torch.no_grad()
    def put(self, weights: list[Tensor]) -> None:
        """Write weights, as `copy` returned them, into the module."""
        torch._foreach_copy_(self._weights, weights)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the module have the average inside the block, and its own weights again behind it."""
        own = [weight.detach().clone() for weight in self._weights]
        self.put(self._average)
        try:
            yield
        finally:
            self.put(own)
