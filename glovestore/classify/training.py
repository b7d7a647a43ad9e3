"""Training: skorch's loop, validated with averaged weights, which stops early and keeps the best epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import skorch
import torch
from numpy.typing import NDArray
from skorch.callbacks import GradientNormClipping
from torch import Tensor, nn

from glovestore.classify.averaging import AveragedWeights
from glovestore.classify.batches import BucketedBatches, EncodedTexts, SortedBatches
from glovestore.progress import EpochBars

Ending = Literal["all epochs", "patience", "interrupted", "loss"]
PARTS = ("train", "valid")


@dataclass(frozen=True)
class Settings:
    """What training needs to know; see `TextClassifier` for the meaning."""

    epochs: int
    batch_size: int
    learning_rate: float
    clip: float
    averaging: float
    patience: int
    device: torch.device
    class_weights: NDArray[np.float32] | None
    progress: bool


@dataclass
class Course:
    """How training went: a row an epoch, the number of the best one (0: no epoch was finished), and why it ended."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    ending: Ending = "interrupted"


class Stop(KeyboardInterrupt):
    """Ends skorch's loop, which ends in good order at a KeyboardInterrupt only."""


def train(
    module: nn.Module, texts: EncodedTexts, validation: EncodedTexts, settings: Settings, random: np.random.RandomState
) -> Course:
    """Train a module, which has the best epoch's averaged weights afterwards, on its device.

    The best epoch is the one with the best accuracy on `validation`, of equals that with the least loss; without
    validation texts the last one. Ctrl-C, and a loss or weights that are no numbers, end training as the last epoch
    does; the epoch in which that happens does not count. If no epoch was finished, the module has the averaged weights
    of the steps until then.
    """
    module.to(settings.device)
    watch = Watch(AveragedWeights(module, settings.averaging), settings)
    net = Net(
        module,
        criterion=nn.CrossEntropyLoss,
        criterion__weight=None if settings.class_weights is None else torch.from_numpy(settings.class_weights),
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=0.0,
        optimizer__fused=True,
        lr=settings.learning_rate,
        max_epochs=settings.epochs,
        batch_size=settings.batch_size,
        iterator_train=BucketedBatches,
        iterator_train__random=random,
        iterator_valid=SortedBatches,
        train_split=(lambda dataset: (dataset, validation)) if len(validation) else None,
        callbacks=[("clip", GradientNormClipping(settings.clip)), ("watch", watch)],
        device=settings.device,
        verbose=0,
    )
    net.watch = watch
    net.fit(texts)
    module.eval()
    return watch.course


class Net(skorch.NeuralNet):  # type: ignore[misc]  # skorch has no types
    """A net that refuses a loss that is no number, and that is validated with averaged weights."""

    watch: Watch

    def get_default_callbacks(self) -> list[Any]:
        """Return none of skorch's: `Watch` records what they do."""
        return []

    def train_step_single(self, batch: tuple[Tensor, Tensor], **parameters: Any) -> dict[str, Tensor]:
        """Compute loss and gradients."""
        step: dict[str, Tensor] = super().train_step_single(batch, **parameters)
        if not math.isfinite(step["loss"].item()):
            self.watch.course.ending = "loss"
            raise Stop
        return step

    def run_single_epoch(self, iterator: Any, training: bool, **parameters: Any) -> None:
        """Run through the training texts, or through the validation texts."""
        weights: AbstractContextManager[None] = nullcontext() if training else self.watch.average.in_place()
        with weights:
            super().run_single_epoch(iterator, training=training, **parameters)


class Watch(skorch.callbacks.Callback):  # type: ignore[misc]  # skorch has no types
    """Averages the weights, records every epoch, keeps the best one's weights, and says when it is enough."""

    def __init__(self, average: AveragedWeights, settings: Settings) -> None:
        """Watch a training that has not begun."""
        self.average, self.settings = average, settings
        self.course = Course()
        self._best: list[Tensor] | None = None
        self._sums: dict[str, _Sums] = {}
        self._bars = EpochBars(settings.epochs, settings.progress)

    def on_epoch_begin(self, net: Net, dataset_train: EncodedTexts, **rest: Any) -> None:
        """Start to count."""
        self._sums = {part: _Sums() for part in PARTS}
        self._start = time.perf_counter()
        self._bars.begin(-(-len(dataset_train) // self.settings.batch_size))

    def on_batch_end(
        self, net: Net, batch: tuple[Tensor, Tensor], training: bool, loss: Tensor, y_pred: Tensor, **rest: Any
    ) -> None:
        """Count, and take a step's weights into the average."""
        sums = self._sums["train" if training else "valid"]
        sums.add(loss.item(), int((y_pred.argmax(1).cpu() == batch[1]).sum()), len(batch[1]))
        if training:
            self.average.update()
            self._bars.step(sums.loss, sums.accuracy)

    def on_epoch_end(self, net: Net, **rest: Any) -> None:
        """Record the epoch and keep its weights if it is the best one so far."""
        seconds = time.perf_counter() - self._start
        record: dict[str, float] = {"epoch": len(self.course.history) + 1}
        for part, sums in self._sums.items():
            record |= {f"{part}_loss": sums.loss, f"{part}_accuracy": sums.accuracy} if sums.texts else {}
        record["seconds"] = seconds
        if not self.average.is_finite() or not math.isfinite(record.get("valid_loss", 0.0)):
            self.course.ending = "loss"  # the last step spoiled the weights: the next one's loss would be no number
            raise Stop
        self.course.history.append(record)
        self._bars.end(record)
        if self._is_best():
            self._best, self.course.best_epoch = self.average.copy(), len(self.course.history)
        if len(self.course.history) == self.settings.epochs:
            self.course.ending = "all epochs"
        elif len(self.course.history) - self.course.best_epoch >= self.settings.patience:
            self.course.ending = "patience"
            raise Stop

    def on_train_end(self, net: Net, **rest: Any) -> None:
        """Give the module the weights to keep."""
        self._bars.close()
        self.average.put(self._best or self.average.copy())

    def _is_best(self) -> bool:
        *before, last = self.course.history
        return "valid_loss" not in last or not before or _rank(last) > max(map(_rank, before))


@dataclass
class _Sums:
    """Sums over the batches of an epoch."""

    _loss: float = 0.0
    _correct: int = 0
    texts: int = 0

    def add(self, loss: float, correct: int, texts: int) -> None:
        """Add a batch, by its mean loss."""
        self._loss, self._correct, self.texts = self._loss + loss * texts, self._correct + correct, self.texts + texts

    @property
    def loss(self) -> float:
        """The mean loss of a text."""
        return self._loss / self.texts

    @property
    def accuracy(self) -> float:
        """The share of texts whose class was predicted."""
        return self._correct / self.texts


def _rank(record: dict[str, float]) -> tuple[float, float]:
    return record["valid_accuracy"], -record["valid_loss"]


@torch.no_grad()
def logits_of(module: nn.Module, vectors: Tensor, texts: EncodedTexts, batch_size: int) -> Iterator[Any]:
    """Yield (positions, logits) of batches of texts; ids are rows of `vectors`, float32 (tokens, dim)."""
    module.eval()
    batches = SortedBatches(texts, batch_size)
    for positions, (ids, _) in zip(batches.positions, batches, strict=True):
        ids = ids.to(vectors.device)
        yield positions, module.classify(nn.functional.embedding(ids, vectors), ids != 0)  # type: ignore[operator]
