"""Files that the Python layer reads, as targets to fuzz: what each begins with, and what is done with any bytes.

A target's input is one byte that says which kind of file the others are, then that file. What comes out must be a
result, or an error that is promised for such a file; `use` raises anything else. Nothing may be run, unpickled, fetched
or written outside the target's folder meanwhile (`Watch`), and none of it may take a gigabyte.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import resource
import sys
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

import glovestore

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "tests" / "data"
MEMORY = 1 << 30  # bytes beyond those that a target takes before its first input
ROWS = b"the 1 2 3\nof 4 5 6\ncaf\xc3\xa9 7 8 9\nq q 0.5 -1e-3 2\n"
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)
TOKENS = ["the", "of", "caf\u00e9", "q q"]
TEXTS = ["the of", "caf\u00e9 the absent \U0001f600", "", "q q"]
LABELLED = b"sea\tthe old ship\nsky\ta star near the moon\nsea\tmy sail\nsky\tthe comet\n" * 3
NEVER = ("pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Watch:
    """Notes what no file may make us do, NEVER above all: Python tells it of every such call."""

    def __init__(self, folder: Path, never: tuple[str, ...] = NEVER) -> None:
        self.never = never
        self.allowed = (str(folder) + os.sep, "/dev/")
        self.seen: list[str] = []
        self.is_on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event.startswith(self.never):
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            path = arguments[0]
            if not isinstance(path, int) and not os.path.abspath(os.fsdecode(path)).startswith(self.allowed):
                self.seen.append(f"writing {path!r}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raise if anything was seen in this block."""
        self.seen.clear()
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False
        if self.seen:
            raise RuntimeError(f"expected none of this, got {self.seen}")


class Target(ABC):
    """A kind of file. `folder` is empty, and its own."""

    name: str
    promised: tuple[type[Exception], ...] = (glovestore.GlovestoreError,)
    never = NEVER

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch: Watch | None = None

    def start(self) -> list[bytes]:
        """Use and return the seeds, which import all there is to import; from now on nothing but results may come."""
        seeds = self.seeds()
        for seed in seeds:
            self.use(seed)
        self.watch = Watch(self.folder, self.never)
        bounded()
        return seeds

    @abstractmethod
    def seeds(self) -> list[bytes]:
        """Return valid inputs, short ones."""

    @abstractmethod
    def run(self, kind: int, data: bytes) -> None:
        """Do all that is done with such a file; the first error that is promised may end it."""

    def use(self, data: bytes) -> None:
        """Take an input. What is raised is a finding."""
        if data:
            with (
                self.watch.watching() if self.watch else nullcontext(),
                warnings.catch_warnings(action="ignore"),
                suppress(*self.promised),
            ):
                self.run(data[0], data[1:])

    def written(self, name: str, data: bytes) -> Path:
        """Return a file of this content."""
        path = self.folder / name
        path.write_bytes(data)
        return path


def bounded() -> None:
    """Let memory that a file asks for run out soon: a MemoryError is a finding."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, resource.RLIM_INFINITY))


def neighbour(name: str) -> Any:
    """Return another module of this folder, wherever Python looks for modules."""
    spec = util.spec_from_file_location(f"fuzz_{name}", HERE / f"{name}.py")
    assert spec and spec.loader
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# --- stores ----------------------------------------------------------------------------------------------------------


class Header(Target):
    """A store's header: its JSON, which is signed here, in front of arrays that are what they were."""

    name = "header"
    never = tuple(event for event in NEVER if event != "pickle.find_class")  # we pickle the store ourselves

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stores = neighbour("stores")
        self.wholes = [data for _, data in self.stores.small_stores(folder)]

    def seeds(self) -> list[bytes]:
        """Return the headers of all kinds of stores."""
        size = self.stores.HEADER_SIZE
        return [bytes([kind]) + data[8:size].rstrip() for kind, data in enumerate(self.wholes)]

    def run(self, kind: int, data: bytes) -> None:
        """Open and use the store."""
        whole, size = self.wholes[kind % len(self.wholes)], self.stores.HEADER_SIZE
        header = whole[:8] + data[: size - 8].ljust(size - 8)
        path = self.written("store.h5", self.stores.signed(header) + whole[size:])
        with glovestore.open(path, build=False) as store:
            self.stores.use(store, random.Random(kind), self.folder)


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


# --- vectors files ---------------------------------------------------------------------------------------------------


def zipped(method: int, *members: str) -> bytes:
    """Return an archive in which each member is the same text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for member in members:
            archive.writestr(member, ROWS)
    return file.getvalue()


def npy(vectors: Any) -> bytes:
    """Return a .npy file."""
    file = io.BytesIO()
    np.save(file, vectors)
    return file.getvalue()


def safetensors(vectors: Any) -> bytes:
    """Return a safetensors file."""
    from safetensors.numpy import save

    return save({"embedding.weight": vectors})


def table(write: Callable[[Any, Any], None], **columns: Any) -> bytes:
    """Return a file of Arrow's family."""
    import pyarrow as pa

    file = io.BytesIO()
    write(pa.table({"token": TOKENS, **columns}), file)
    return file.getvalue()


def tables() -> list[bytes]:
    """Return tables in Parquet, Arrow's and Feather's format."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    lists = pa.FixedSizeListArray.from_arrays(pa.array(VECTORS.ravel()), 3)
    columns = {f"d{i}": VECTORS[:, i] for i in range(3)}
    return [
        table(parquet.write_table, vector=VECTORS.tolist()),
        table(parquet.write_table, **columns),
        table(lambda made, file: feather.write_feather(made, file, compression="uncompressed"), vector=lists),
        table(lambda made, file: feather.write_feather(made, file, compression="lz4"), **columns),
    ]


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
            (DATA / "fasttext.bin").read_bytes(), (DATA / "fasttext.ftz").read_bytes(),
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


# --- texts and vocabularies ------------------------------------------------------------------------------------------


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


# --- classifiers -----------------------------------------------------------------------------------------------------


class Model(Target):
    """The folder of a saved classifier, one file of it replaced; the checksums in its config are made right."""

    name = "model"
    files = ("config.json", "vocabulary.json", "model.safetensors", "tokens.h5")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from glovestore.classify import TextClassifier

        sys.path.append(str(HERE.parent / "tests"))
        from tiny_topics import build_store, topic_texts

        self.store = build_store(folder / "store.h5")
        settings: dict[str, Any] = {"units": 2, "epochs": 2, "layers": 1, "device": "cpu", "progress": False}
        fitted = TextClassifier(self.store, **settings).fit(*topic_texts(20))
        self.model = folder / "model"
        fitted.save(self.model, extra_tokens=7)
        self.whole = {name: (self.model / name).read_bytes() for name in self.files}
        stores = neighbour("stores").small_stores(folder)
        self.others = [data for _, data in stores]

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


# --- the command -----------------------------------------------------------------------------------------------------


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


KINDS: tuple[type[Target], ...] = (
    Header, CacheEntry, VectorsFile, TokenList, SpacyFolder, VocabularyFile, LabelledFile, Model, Command,
)  # fmt: skip
TARGETS = {kind.name: kind for kind in KINDS}
