"""A progress bar with rate and remaining time, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
