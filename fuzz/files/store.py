"""Targets: a store, and what stands in the cache."""

from __future__ import annotations

import os
import random
from pathlib import Path

import stores

import glovestore
from files.samples import ROWS
from files.target import Target
from files.watch import NEVER


class Header(Target):
    """A store's header: its JSON, which is signed here, in front of arrays that are what they were."""

    name = "header"
    never = tuple(event for event in NEVER if event != "pickle.find_class")  # we pickle the store ourselves

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.wholes = [data for _, data in stores.small_stores(folder)]

    def seeds(self) -> list[bytes]:
        """Return the headers of all kinds of stores."""
        size = stores.HEADER_SIZE
        return [bytes([kind]) + data[8:size].rstrip() for kind, data in enumerate(self.wholes)]

    def run(self, kind: int, data: bytes) -> None:
        """Open and use the store."""
        whole, size = self.wholes[kind % len(self.wholes)], stores.HEADER_SIZE
        header = whole[:8] + data[: size - 8].ljust(size - 8)
        path = self.written("store.h5", stores.signed(header) + whole[size:])
        with glovestore.open(path, build=False) as store:
            stores.use(store, random.Random(kind), self.folder)


class CacheEntry(Target):
    """A record or a store in the cache: whatever stands there, `open` gives the source's own rows."""

    name = "cache"
    promised = ()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        os.environ["GLOVESTORE_CACHE"] = str(folder / "cache")
        self.source = self.written("vectors.txt", ROWS)
        self.store = glovestore.open(self.source).path
        self.record = self.store.with_suffix(".json")
        self.files = [(path, path.read_bytes()) for path in (self.record, self.store)]

    def seeds(self) -> list[bytes]:
        """Return the record; the store is too long to be changed at random, and is a target of its own."""
        return [b"\0" + self.files[0][1], b"\1" + self.files[1][1][:3000]]

    def run(self, kind: int, data: bytes) -> None:
        """Put it into its place, and open the source."""
        for path, content in self.files:
            path.write_bytes(content)
        self.files[kind % 2][0].write_bytes(data)
        listed = glovestore.cache.entries()
        str([entry.to_dict() for entry in listed])
        with glovestore.open(self.source) as store:
            if store["of"].tolist() != [4, 5, 6] or len(store) != 4:
                raise RuntimeError(f"expected the rows of the source, got {store!r}")
        glovestore.cache.clear([self.source], stale=True)
