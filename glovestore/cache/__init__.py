"""The automatic cache: what `glovestore.open` built of vectors files, in a folder of the user's.

    import glovestore
    store = glovestore.open("glove.6B.100d.txt")    # builds once, and later, in any process, maps what was built
    glovestore.cache.where()                        # the folder: GLOVESTORE_CACHE, or the user's cache folder
    glovestore.cache.entries()                      # what is in it
    glovestore.cache.clear(stale=True)              # removes what no longer belongs to a source

An entry is named after its source: the absolute path, links resolved (with `#member` of a zip archive), or the URL. It
is current while the source has the size, the time of change and the sample of bytes that it was built from; else the
next `open` builds it again. Processes that need the same entry at the same time build it once, under a lock.

The files of an entry, all in the one folder, begin with the source's base name and a hash of its whole name:
NAME-HASH.h5 is the store, .json the record of what it was built from, .lock the lock, and .download the folder that a
source is fetched to. Whatever is missing, torn or foreign among them is made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from glovestore.cache.folder import where
    from glovestore.cache.listing import Cleared, Entry, clear, entries

__all__ = ["Cleared", "Entry", "clear", "entries", "where"]


def __getattr__(name: str) -> Any:
    """Load what is asked for: `open` wants none of it."""
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(f"glovestore.cache.{'folder' if name == 'where' else 'listing'}"), name)
    raise AttributeError(f"module 'glovestore.cache' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
