"""Progress bars with rate and remaining time, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def byte_progress(label: str, total: int | None, show: bool, delay: float = 0.0) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of bytes done so far. Nothing is imported or printed unless `show`.

    The bar appears after `delay` seconds, if it is not all done by then.
    """
    if not show:
        yield lambda done: None
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=label, unit="B", unit_scale=True, unit_divisor=1000, delay=delay) as bar:
        yield lambda done: bar.update(done - bar.n) and None


class EpochBars:
    """A bar for each epoch of a training, with loss and accuracy so far; it stays with the epoch's results."""

    def __init__(self, epochs: int, show: bool) -> None:
        """Show nothing, and import nothing, unless `show`."""
        self._epochs, self._show = epochs, show
        self._number = 0
        self._bar: Any = None

    def begin(self, batches: int) -> None:
        """Start the next epoch."""
        self._number += 1
        if not self._show:
            return
        from tqdm import tqdm

        self._bar = tqdm(total=batches, desc=f"epoch {self._number}/{self._epochs}", unit="batch")

    def step(self, loss: float, accuracy: float) -> None:
        """Count one batch, and show the mean loss and the accuracy of the epoch until now."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.3f}", refresh=False)
            self._bar.update()

    def end(self, record: Mapping[str, float]) -> None:
        """Leave the epoch's results in the bar's place: means over the epoch, and those of validation if there are."""
        if self._bar is None:
            return
        text = f"loss {record['train_loss']:.3f}, accuracy {record['train_accuracy']:.3f}"
        if "valid_loss" in record:
            text += f"; validation: loss {record['valid_loss']:.3f}, accuracy {record['valid_accuracy']:.3f}"
        self._bar.set_postfix_str(text)
        self.close()

    def close(self) -> None:
        """End the bar, wherever it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
