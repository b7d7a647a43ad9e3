"""Vectors from elsewhere: the published ones by name, others by URL. Fetched once, as they are, into a folder."""

from glovestore.remote.catalogue import near_misses
from glovestore.remote.source import RemoteSource, find, local_path

__all__ = ["RemoteSource", "find", "local_path", "near_misses"]
