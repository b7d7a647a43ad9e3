"""Targets: a source of vectors, and the files beside one."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import glovestore
from files.samples import ROWS, TESTS, TOKENS, VECTORS, npy, safetensors, tables, zipped
from files.target import Target


class VectorsFile(Target):
    """A source of vectors in any format, told by its content; the first byte chooses the options."""

    name = "vectors"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from backports import zstd

        binary = b"4 3\n" + b"".join(t.encode() + b" " + v.tobytes() for t, v in zip(TOKENS, VECTORS, strict=True))
        self.files = [
            ROWS, b"4 3\n" + ROWS, binary, gzip.compress(ROWS, 6, mtime=0), bz2.compress(ROWS), lzma.compress(ROWS),
            zstd.compress(ROWS), gzip.compress(binary, 0, mtime=0), zipped(zipfile.ZIP_DEFLATED, "a.txt"),
            zipped(zipfile.ZIP_STORED, "a/b.txt", "c.txt"), zipped(zipfile.ZIP_LZMA, "a.txt"), npy(VECTORS),
            npy(np.asfortranarray(VECTORS.astype("<f8"))), npy(VECTORS.astype("<f2")), safetensors(VECTORS), *tables(),
            (TESTS / "data" / "fasttext.bin").read_bytes(), (TESTS / "data" / "fasttext.ftz").read_bytes(),
        ]  # fmt: skip
        self.written("vectors.tokens.txt", "\n".join(TOKENS).encode() + b"\n")
        self.written("vocab.txt", "\n".join(TOKENS).encode() + b"\n")

    def seeds(self) -> list[bytes]:
        """Return a file of each format."""
        return [b"\0" + data for data in self.files]

    def run(self, kind: int, data: bytes) -> None:
        """Build a store and read it."""
        source = self.written("vectors.npy" if data[:1] == b"\x93" else "vectors.safetensors", data)
        target = self.folder / "store.h5"
        options: dict[str, Any] = {"on_bad_line": "skip"} if kind & 1 else {}
        options |= {"limit": 2} if kind & 2 else {}
        options |= {"keep": ["of", "q q"]} if kind & 4 else {}
        options |= {"dtype": "int8"} if kind & 8 else {}
        options |= {"member": "c.txt"} if kind & 16 and data.startswith(b"PK\3\4") else {}
        report = glovestore.build(source, target, overwrite=True, durable=False, threads=1, **options)
        str(report)
        with glovestore.open(target) as store:
            store.verify()
            store.nearest(store.tokens[0], 2)


class TokenList(Target):
    """The file that says which token has which row of a matrix: lines, a list, an object, or a tokenizer.json."""

    name = "tokens"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.source = self.written("vectors.npy", npy(VECTORS))
        model = {"type": "Unigram", "vocab": [[token, 0.5] for token in TOKENS[:3]]}
        added = [{"id": 3, "content": "q q", "special": True}]
        self.files = [
            ("t.json", TOKENS), ("t.json", {token: row for row, token in enumerate(TOKENS)}),
            ("tokenizer.json", {"model": model, "added_tokens": added}),
            ("tokenizer.json", {"model": {"vocab": {token: row for row, token in enumerate(TOKENS)}}}),
        ]  # fmt: skip

    def seeds(self) -> list[bytes]:
        """Return a list in each form."""
        documents = [b"\0" + json.dumps(content).encode() for _, content in self.files]
        return [*documents, b"\1" + "\n".join(TOKENS).encode() + b"\n"]

    def run(self, kind: int, data: bytes) -> None:
        """Build a store with these tokens."""
        tokens = self.written("tokens.txt" if kind & 1 else "tokens.json", data)
        target = self.folder / "store.h5"
        glovestore.build(self.source, target, tokens=tokens, overwrite=True, durable=False, threads=1)
        with glovestore.open(target) as store:
            store.verify()


class SpacyFolder(Target):
    """The folder of spaCy's vectors, one of the files beside the matrix replaced."""

    name = "spacy"
    files = ("key2row", "strings.json", "vectors.cfg")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import srsly
        from spacy.strings import get_string_id

        self.written("vectors", npy(VECTORS))
        rows = {get_string_id(token): row for row, token in enumerate(TOKENS)}
        self.whole = (srsly.msgpack_dumps(rows), json.dumps(TOKENS).encode(), b'{"mode": "default"}')

    def seeds(self) -> list[bytes]:
        """Return each file."""
        return [bytes([kind]) + data for kind, data in enumerate(self.whole)]

    def run(self, kind: int, data: bytes) -> None:
        """Build a store of the folder."""
        for name, content in zip(self.files, self.whole, strict=True):
            self.written(name, content)
        self.written(self.files[kind % 3], data)
        target = self.folder / "store.h5"
        glovestore.build(self.folder, target, overwrite=True, durable=False, threads=1)
        with glovestore.open(target) as store:
            store.verify()
