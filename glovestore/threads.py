"""How many threads native work takes when nobody says."""

from __future__ import annotations

from functools import cache

MOST_THREADS = 16  # of a build each has some megabytes of its own; a look-up is over before more have started


@cache
def worker_threads() -> int:
    """Return the number of cores that this process could use when it was first asked, at most MOST_THREADS."""
    from glovestore.cores import usable_cores  # it reads files; opening a store need not wait for what reads them

    return min(usable_cores(), MOST_THREADS)
