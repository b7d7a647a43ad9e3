"""Target: the command."""

from __future__ import annotations

import os
from pathlib import Path

from files.model import Model
from files.samples import LABELLED, ROWS


class Command(Model):
    """`glovestore` with a file of any content as an argument: exit code 1 and a sentence, or 0; never a traceback."""

    name = "command"
    promised = ()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        os.environ["GLOVESTORE_CACHE"] = str(folder / "cache")
        store, file, texts = str(self.store), "FILE", str(self.written("texts.tsv", LABELLED))
        made, again = str(folder / "made"), "--overwrite"
        keep = str(self.written("keep.txt", b"the\nof\n"))
        self.calls: list[tuple[str, ...]] = [
            ("info", file), ("verify", file), ("nearest", file, "the"), ("get", file, "the", "--json"),
            ("matrix", store, file, "-o", f"{made}.npy"), ("coverage", store, file),
            ("nearest", store, "sea", "ship", "--restrict-to", file),
            ("coverage", "--text", file, "--store", store),
            ("build", file, f"{made}.h5", again, "--keep", keep),
            ("slice", store, "--vocab", file, "-o", f"{made}.h5", again),
            ("predict", str(self.model), file), ("predict", "MODEL", texts, "--json"),
            ("evaluate", "MODEL", texts, again, "--report", f"{made}.html"), ("evaluate", str(self.model), file),
            ("export", file, f"{made}.txt", again),
            ("train", file, "--store", store, "--out", made, again, "--epochs", "1", "--units", "1"),
        ]  # fmt: skip
        self.documents = [b'["the", "of", "ship"]', b'{"the": 1, "of": 2, "<pad>": 0}', self.whole["vocabulary.json"]]

    def seeds(self) -> list[bytes]:
        """Return for each command a file that it can read."""
        store = self.store.read_bytes()
        found = []
        for number, call in enumerate(self.calls):
            contents = [b"the\nof\nship\n", *self.documents] if "FILE" in call[2:] else [store[:4000], ROWS]
            if "MODEL" in call:
                contents = [self.whole["config.json"]]
            elif call[0] in ("train", "evaluate", "predict") or "--text" in call:
                contents = [LABELLED]
            found += [bytes([number]) + content for content in contents]
        return found

    def run(self, kind: int, data: bytes) -> None:
        """Run one command."""
        from click.testing import CliRunner

        from glovestore.cli import main

        call = self.calls[kind % len(self.calls)]
        self.write(0, data if "MODEL" in call else self.whole["config.json"])
        document = data.lstrip()[:1] in (b"{", b"[")
        path = self.written("file.json" if document else "file", data)
        named = {"FILE": str(path), "MODEL": str(self.model)}
        result = CliRunner().invoke(main, [named.get(argument, argument) for argument in call], catch_exceptions=False)
        if result.exit_code not in (0, 1) or (result.exit_code and "glovestore: error: " not in result.stderr):
            raise RuntimeError(
                f"{call}: expected exit code 0, or 1 with a message, got {result.exit_code}: {result.output}"
            )
