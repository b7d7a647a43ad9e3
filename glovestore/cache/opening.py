"""A source becomes an open store: what is cached is mapped; what is not is built first, by one process of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glovestore.cache.folder import place_of
from glovestore.cache.record import read_record
from glovestore.errors import StoreFormatError
from glovestore.store import EmbeddingStore

if TYPE_CHECKING:
    from glovestore.cache.folder import Place
    from glovestore.cache.origins import Origin, Stamp


def open_cached(
    origin: Origin, *, copy: bool = False, progress: bool = False, verify_source: bool = False
) -> EmbeddingStore:
    """Open the store of a source, which is built first unless the cache has it: `glovestore.open` has the details."""
    place = place_of(origin.name)
    store = current_store(place, origin, origin.stamp(verify_source), copy)
    if store is None:
        from glovestore.cache.building import build_entry

        store = build_entry(place, origin, copy, progress, verify_source)
    return store


def current_store(place: Place, origin: Origin, stamp: Stamp, copy: bool) -> EmbeddingStore | None:
    """Return an entry's store; None for none, a damaged one, and one of an earlier state of the source.

    Takes no lock. A record knows its store by the fingerprint: while either is being replaced, they do not match.
    """
    record = read_record(place.record)
    if record is None or not record.is_of(origin.name, origin.path, stamp):
        return None
    try:
        return EmbeddingStore(place.store, copy=copy, fingerprint=record.fingerprint)
    except (StoreFormatError, OSError):
        return None
