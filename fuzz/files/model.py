"""Target: the folder of a saved classifier."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import stores

from files.samples import TESTS
from files.target import Target


class Model(Target):
    """The folder of a saved classifier, one file of it replaced; the checksums in its config are made right."""

    name = "model"
    files = ("config.json", "vocabulary.json", "model.safetensors", "tokens.h5")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from glovestore.classify import TextClassifier

        sys.path.append(str(TESTS))
        from tiny_topics import build_store, topic_texts

        self.store = build_store(folder / "store.h5")
        settings: dict[str, Any] = {"units": 2, "epochs": 2, "layers": 1, "device": "cpu", "progress": False}
        fitted = TextClassifier(self.store, **settings).fit(*topic_texts(20))
        self.model = folder / "model"
        fitted.save(self.model, extra_tokens=7)
        self.whole = {name: (self.model / name).read_bytes() for name in self.files}
        self.others = [data for _, data in stores.small_stores(folder)]

    def seeds(self) -> list[bytes]:
        """Return each file but the store, which another one replaces."""
        return [bytes([kind]) + self.whole[name] for kind, name in enumerate(self.files[:3])] + [b"\3\0", b"\3\3"]

    def write(self, kind: int, data: bytes) -> None:
        """Write the model with one file replaced."""
        from glovestore import _core

        name = self.files[kind % 4]
        files = {**self.whole, name: self.others[data[0] % len(self.others)] if kind % 4 == 3 and data else data}
        for file, content in files.items():
            (self.model / file).write_bytes(content)
        with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            config = json.loads(files["config.json"])
            for file in config["files"]:
                if file in files and file != "config.json":
                    config["files"][file] = f"{_core.xxh64(files[file]):016x}"
            (self.model / "config.json").write_text(json.dumps(config))

    def run(self, kind: int, data: bytes) -> None:
        """Load it, let it predict, and save it again."""
        from glovestore.classify import TextClassifier

        self.write(kind, data)
        loaded = TextClassifier.load(self.model, self.store if kind & 4 else None)
        probabilities = loaded.predict_proba(["the old ship", "zzz", "", "anchor"])
        if probabilities.shape != (4, len(loaded.classes_)):
            raise RuntimeError(f"expected {len(loaded.classes_)} probabilities, got the shape {probabilities.shape}")
        loaded.predict(["moon"])
        str([loaded, loaded.coverage_, loaded.history_])
        if loaded.store_ is not None:
            loaded.save(self.folder / "again", overwrite=True)
            TextClassifier.load(self.folder / "again")
