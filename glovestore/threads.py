"""How many threads native work takes when nobody says."""

from __future__ import annotations

from functools import cache

MOST_THREADS = 16  # of a build each has some megabytes of its own; a look-up is over before more have started
FEW_TOKENS = 4096  # are looked up, and their vectors copied, before a thread has started


def threads_for(tokens: int) -> int:
    """Return how many threads so many tokens are worth."""
    return worker_threads() if tokens > FEW_TOKENS else 1


@cache
def worker_threads() -> int:
    """Return the number of cores that this process could use when it was first asked, at most MOST_THREADS."""
    from glovestore.cores import usable_cores  # reads files: not for those who only open a store

    return min(usable_cores(), MOST_THREADS)
