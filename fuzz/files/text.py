"""Targets: a saved vocabulary, and labelled texts."""

from __future__ import annotations

import gzip
import json
import zipfile
from contextlib import suppress
from typing import Any

import glovestore
from files.samples import LABELLED, TEXTS, zipped
from files.target import Target


class VocabularyFile(Target):
    """A saved vocabulary. What is loaded encodes, and is the same again when it is saved and loaded."""

    name = "vocabulary"

    def seeds(self) -> list[bytes]:
        """Return vocabularies of each tokenizer, and with odd tokens."""
        made = [glovestore.Vocabulary.fit(TEXTS, tokenizer=name) for name in ("keras", "glove", "whitespace")]
        made.append(glovestore.Vocabulary.from_tokens(["a", "\udcff", "\ud83d\ude00"], unk_token=None))
        found = []
        for vocab in made:
            path = self.folder / "seed.json"
            vocab.save(path)
            found.append(b"\0" + path.read_bytes())
        return [*found, b"\0" + found[0][1:].replace(b'"keras"', b'{"callable": "os.system"}')]

    def run(self, kind: int, data: bytes) -> None:
        """Load, encode, save and load again."""
        path = self.written("vocabulary.json", data)
        try:
            vocab = glovestore.Vocabulary.load(path)
        except ValueError as error:
            if "expected the callable that this vocabulary was made with" in str(error):
                return
            raise
        ids, lengths = vocab.encode(TEXTS, return_lengths=True)
        if ids.min(initial=0) < 0 or ids.max(initial=0) >= len(vocab) or lengths.max() > ids.shape[1]:
            raise RuntimeError(f"expected ids below {len(vocab)}, got {ids}")
        str([vocab.tokens[:5], dict(list(vocab.word_index.items())[:5]), repr(vocab)])
        again = self.folder / "again.json"
        vocab.save(again)
        if glovestore.Vocabulary.load(again) != vocab:
            raise RuntimeError("expected the same vocabulary again, got another")


class LabelledFile(Target):
    """Labelled texts, and texts alone, in a format that is named or guessed."""

    name = "labelled"
    formats = (None, "tsv", "csv", "jsonl", "fasttext", "space", "text")

    def seeds(self) -> list[bytes]:
        """Return a file in each format."""
        pairs = [line.split("\t") for line in LABELLED.decode().splitlines()]
        return [
            b"\0" + LABELLED,
            b"\1label\ttext\n" + LABELLED,
            b"\2text,label\n" + "".join(f'"{text}, ""x""\n{text}",{label}\n' for label, text in pairs).encode(),
            b"\3" + "".join(json.dumps({"label": label, "text": text}) + "\n" for label, text in pairs).encode(),
            b"\4" + "".join(f"__label__{label} {text}\n" for label, text in pairs).encode(),
            b"\5" + "".join(f"{label} {text}\r\n" for label, text in pairs).encode(),
            b"\6" + LABELLED,
            b"\0" + gzip.compress(LABELLED, mtime=0),
            b"\0" + zipped(zipfile.ZIP_DEFLATED, "a.tsv"),
            b"\x40" + "caf\u00e9\tna\u00efve\n".encode("latin-1") * 4,
        ]

    def run(self, kind: int, data: bytes) -> None:
        """Read both ways."""
        from glovestore.labelled import read_labelled, read_texts

        name = self.formats[(kind & 7) % len(self.formats)]
        options: dict[str, Any] = {"format": name, "encoding": "auto" if kind & 64 else "utf-8"}
        path = self.written("texts", data)
        with suppress(glovestore.GlovestoreError):
            list(read_texts(path, **options))
        if name == "text":
            return
        found = read_labelled(path, on_bad_row="skip" if kind & 8 else "error", **options)
        str([found, found.to_dict(), found.label_counts])
        if not len(found.texts) == len(found.labels) == len(found.lines):
            raise RuntimeError(f"expected a label for each text, got {found}")
