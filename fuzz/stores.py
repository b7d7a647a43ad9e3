"""Mutate stores, open them and call everything: an error of ours or a miss, never a crash, a hang or another exception.

    python fuzz/stores.py [--stores N] [--seed N] [--time SECONDS]

Bytes are changed behind the header, in the header (its checksum made right again), in its JSON's values; files are cut.
A crash ends the process; --seed and the number printed last find it again. Exit code 1 and the mutation if anything but
the errors that are promised comes out.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import glovestore

HEADER_SIZE = 16384
DIGITS = slice(41, 57)
TOKENS = ["the", "of", "absent", "caf\u00e9", "", "q q", "\udcff", "tok7"]
PROMISED = (glovestore.GlovestoreError, KeyError, IndexError)
NUMBERS = [0, 1, 2, 7, 8, 255, 4095, 4096, 16384, 65536, 2**31 - 1, 2**32 - 2, 2**32, 2**53, 2**63 - 1, 2**64 - 1, -1]
SLOWEST = 5.0  # seconds for one store: none has more than some hundred rows

Edit = tuple[int, bytes]  # what is written where


def signed(header: bytes) -> bytes:
    """Return a header with its checksum made right."""
    from glovestore.format.header import header_checksum

    return header[: DIGITS.start] + header_checksum(header) + header[DIGITS.stop :]


def small_stores(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Build one store of each kind and yield its name and bytes."""
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(300, 5)).astype(np.float32)
    tokens = ["the", "of", "caf\u00e9", "", "q q", "\udcff", *(f"tok{i}" for i in range(294))]
    for dtype in ("float32", "float16", "int8"):
        path = folder / f"{dtype}.h5"
        glovestore.build(zip(tokens, vectors, strict=True), path, dtype=dtype, durable=False)
        yield dtype, path.read_bytes()
    models = Path(__file__).resolve().parents[1] / "tests" / "data"
    for name in ("fasttext.bin", "fasttext.ftz"):
        path = folder / f"{name}.h5"
        glovestore.build(models / name, path, durable=False)
        yield name, path.read_bytes()


class Mutator:
    """Makes edits of one store's bytes."""

    def __init__(self, data: bytes, draw: random.Random) -> None:
        self.data = data
        self.draw = draw
        entries = json.loads(data[8:HEADER_SIZE])
        self.text = data[8:HEADER_SIZE].rstrip(b" ")
        places = [entry["data_offsets"] for name, entry in entries.items() if name[:2] != "__"]
        self.places = [(HEADER_SIZE + begin, HEADER_SIZE + end) for begin, end in places if begin < end]

    def edits(self) -> tuple[list[Edit], int]:
        """Return some edits, and the size that the file is to have."""
        kind = self.draw.randrange(8)
        if kind < 4:
            return self._body(), len(self.data)
        if kind == 4:
            return [], self.draw.randrange(len(self.data) + 5000)
        return [(0, self._header(kind))], len(self.data)

    def _body(self) -> list[Edit]:
        edits = []
        for _ in range(self.draw.choice((1, 1, 2, 5, 50))):
            begin, end = self.draw.choice(self.places)
            at = self.draw.randrange(begin, end)
            size = min(self.draw.choice((1, 1, 4, 8, 64)), end - at)
            content = self.draw.choice((self.draw.randbytes(size), bytes(size), b"\xff" * size))
            edits.append((at, content))
        return edits

    def _header(self, kind: int) -> bytes:
        text = self._bytes_changed() if kind == 5 else self._value_changed()
        header = self.data[:8] + text[: HEADER_SIZE - 8].ljust(HEADER_SIZE - 8)
        return signed(header) if self.draw.random() < 0.95 else header

    def _bytes_changed(self) -> bytes:
        text = bytearray(self.text)
        for _ in range(self.draw.choice((1, 2, 4))):
            at = self.draw.randrange(60, len(text))
            text[at] = self.draw.choice((self.draw.randrange(256), *b'0123456789,:{}[]"'))
        return bytes(text)

    def _value_changed(self) -> bytes:
        entries: dict[str, Any] = json.loads(self.text)
        name = self.draw.choice(list(entries))
        entry = entries[name]
        if name == "__metadata__":
            key = self.draw.choice([key for key in entry if key != "header_xxh64"])
            entry[key] = self.draw.choice((str(self._number()), "", "x", None, 1, [], entry[key] + "0"))
            if self.draw.random() < 0.2:
                del entry[key]
        else:
            self._change_tensor(entries, name)
        return json.dumps(entries, separators=(",", ":")).encode()

    def _change_tensor(self, entries: dict[str, Any], name: str) -> None:
        entry, way = entries[name], self.draw.randrange(6)
        if way == 0:
            entry["dtype"] = self.draw.choice(("F32", "F16", "I8", "U8", "U64", "F64", "BF16", "X", 1, None))
        elif way == 1:
            shape = entry["shape"]
            shape[self.draw.randrange(len(shape))] = self._number()
        elif way == 2:
            entry["data_offsets"][self.draw.randrange(2)] = self._number()
        elif way == 3:
            other = self.draw.choice(list(entries))
            entries[name], entries[other] = entries[other], entry
        elif way == 4:
            del entries[name]
        else:
            entry["shape"] = self.draw.choice(([], [1], [self._number()] * 2, [1] * 9, "x", None))

    def _number(self) -> int:
        return self.draw.choice((*NUMBERS, self.draw.randrange(100_000)))


def write_again(store: glovestore.EmbeddingStore, draw: random.Random, folder: Path) -> None:
    """Make another file of the store, in an empty folder."""
    way, dtype = draw.randrange(4), draw.choice(("float32", "float16", "int8"))
    with tempfile.TemporaryDirectory(dir=folder) as empty:
        target = Path(empty, "new" + draw.choice((".txt", ".vec", ".bin", ".npy")))
        if way == 0:
            glovestore.export(store, target)
        elif way == 1:
            glovestore.convert(store, target, dtype=dtype, durable=False)
        elif way == 2:
            glovestore.slice(store, target, TOKENS, missing="zeros", durable=False)
        else:
            glovestore.merge([store, store], target, durable=False)


def use(store: glovestore.EmbeddingStore, draw: random.Random, folder: Path) -> None:
    """Call everything that reads the store. Each call may raise what is promised, and the next one is made."""
    query = np.ones(store.dim, np.float32)
    calls: list[Callable[[], Any]] = [
        lambda: store.rows(TOKENS),
        lambda: [token in store for token in TOKENS],
        lambda: store[draw.choice(TOKENS)],
        lambda: store[TOKENS[:2]],
        lambda: store.get("absent"),
        lambda: store.tokens[draw.randrange(len(store))],
        lambda: list(store.tokens[:20]),
        lambda: store.matrix(TOKENS, oov=draw.choice(("auto", "mean", "normal"))),
        lambda: store.nearest(query, 3),
        lambda: store.nearest(TOKENS[:2], 3, restrict_to=[0, len(store) - 1]),
        lambda: store.decoded(0, min(4, len(store))),
        lambda: repr(store) and store.metadata and store.nbytes,
        lambda: glovestore.Vocabulary.from_store(store).encode(["the of absent"]),
    ]
    if store.subwords is not None:
        calls.append(lambda: store.token_vectors(TOKENS))
    if draw.random() < 0.1:
        calls += [store.verify, store.prefault, store.vectors_copy_on_write, lambda: pickle.loads(pickle.dumps(store))]
    if draw.random() < 0.05:
        calls.append(lambda: write_again(store, draw, folder))
    for call in calls:
        with suppress(*PROMISED):
            call()


def mutated(path: Path, mutator: Mutator) -> Iterator[None]:
    """Write edits into the file, yield, and take them back."""
    edits, size = mutator.edits()
    with open(path, "r+b", buffering=0) as file:
        for at, content in edits:
            file.seek(at)
            file.write(content)
        file.truncate(size)
    yield
    with open(path, "r+b", buffering=0) as file:
        file.truncate(len(mutator.data))
        begins = [(at, len(content)) for at, content in edits]
        if size < len(mutator.data):
            begins.append((size, len(mutator.data) - size))
        for at, count in begins:
            file.seek(at)
            file.write(mutator.data[at : at + count])


def run(stores: int, seed: int, seconds: float, folder: Path) -> tuple[int, int]:
    """Open and use mutated stores; return how many there were, and how many of them opened."""
    draw = random.Random(seed)
    kinds = []
    for name, data in small_stores(folder):
        path = folder / f"mutated.{name}.h5"
        path.write_bytes(data)
        kinds.append((path, Mutator(data, draw)))
    opened, end = 0, time.monotonic() + seconds
    for number in range(stores):
        path, mutator = draw.choice(kinds)
        for _ in mutated(path, mutator):
            begin = time.monotonic()
            try:
                with glovestore.open(path, build=False, copy=draw.random() < 0.1) as store:
                    opened += 1
                    use(store, draw, folder)
            except PROMISED:
                pass
            except BaseException:
                (folder / "failed.h5").write_bytes(path.read_bytes())
                print(f"store {number} of seed {seed}, kept in {folder / 'failed.h5'}:", file=sys.stderr)
                raise
            if time.monotonic() - begin > SLOWEST:
                raise TimeoutError(f"store {number} of seed {seed}: expected an end within {SLOWEST} s")
        if time.monotonic() > end:
            return number + 1, opened
    return stores, opened


def main() -> int:
    """Run, and say how many stores there were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time", type=float, default=1e9, help="seconds after which no more are made")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(prefix="glovestore-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        stores, opened = run(arguments.stores, arguments.seed, arguments.time, folder)
    except BaseException:
        traceback.print_exc()
        return 1
    print(f"{stores:,} mutated stores of seed {arguments.seed}, {opened:,} of them opened: nothing but promised errors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
