"""Which reader a source needs: told by its content, never by its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from glovestore.errors import SourceFormatError
from glovestore.format.header import CHECKSUM_AT, looks_like_store
from glovestore.sources import fasttext_header
from glovestore.sources.reader import Reader, ReadOptions
from glovestore.sources.word2vec import is_word2vec_binary
from glovestore.streams.files import Beginning, open_source


class SourceFormat(NamedTuple):
    """A format: what is its own, by a look at a source, and the class that reads it, imported when it is needed."""

    name: str
    claims: Callable[[Any], bool]
    reader: str  # module:class in glovestore.sources; it takes the source over
    has_no_tokens: bool = False  # tokens= says them, or files beside it

    def open(self, source: Any, options: ReadOptions) -> Reader:
        """Return the reader of a source."""
        module, _, name = self.reader.partition(":")
        reader: Reader = getattr(import_module(f"glovestore.sources.{module}"), name)(source, options)
        return reader


def begins_with(signature: bytes) -> Callable[[Beginning], bool]:
    """Return a look at the first bytes of a file."""
    return lambda source: source.peek(len(signature)) == signature


def has_safetensors(folder: Path) -> bool:
    """Tell the folder of a model in safetensors."""
    return any(folder.glob("*.safetensors")) or any(folder.glob("0_StaticEmbedding/*.safetensors"))


def is_safetensors(source: Beginning) -> bool:
    """Tell a safetensors file that is no store: by the length of its header, and the header's first byte."""
    start = source.peek(CHECKSUM_AT)
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 32 and not looks_like_store(start)


def is_spacy(folder: Path) -> bool:
    """Tell a folder that spaCy wrote: a pipeline's, or its vocabulary's."""
    return any(folder.joinpath(part, "key2row").is_file() for part in ("", "vocab"))


def is_pickle(source: Beginning) -> bool:
    """Tell a pickle by its first two bytes: the instruction that names the protocol, and a protocol of today."""
    start = source.peek(2)
    return start[:1] == b"\x80" and b"\2" <= start[1:] <= b"\5"


def is_fasttext(source: Beginning) -> bool:
    """Tell a fastText model, of today or of before models had a version."""
    start = source.peek(fasttext_header.SETTINGS.size)
    return start.startswith(fasttext_header.MAGIC) or fasttext_header.looks_unversioned(start)


# The first that claims a source has it. Parquet's signature takes in the byte that has to follow: a token of text may
# well begin with "PAR1".
FILES = (
    SourceFormat("npy", begins_with(b"\x93NUMPY"), "npy:NpyReader", has_no_tokens=True),
    SourceFormat("safetensors", is_safetensors, "safetensors:SafetensorsReader", has_no_tokens=True),
    SourceFormat("gensim", is_pickle, "gensim:GensimReader"),
    SourceFormat("parquet", begins_with(b"PAR1\x15"), "arrow:ParquetReader"),
    SourceFormat("arrow", begins_with(b"ARROW1\0\0"), "arrow:ArrowFileReader"),
    SourceFormat("fasttext", is_fasttext, "fasttext:FastTextReader"),
    SourceFormat("word2vec", is_word2vec_binary, "word2vec:Word2vecReader"),
    SourceFormat("text", lambda source: True, "text:TextReader"),
)
FOLDERS = (
    SourceFormat("spacy", is_spacy, "spacy:open_folder"),
    SourceFormat("safetensors", has_safetensors, "safetensors:open_folder", has_no_tokens=True),
)
OBJECTS = (
    SourceFormat("table", lambda source: hasattr(source, "__arrow_c_stream__"), "arrow:TableReader"),
    SourceFormat(
        "keyed_vectors",
        lambda source: hasattr(source, "index_to_key") and hasattr(source, "vectors"),
        "pairs:KeyedVectorsReader",
    ),
    SourceFormat("pairs", lambda source: hasattr(source, "__iter__"), "pairs:PairsReader"),
)
FORMATS = tuple(dict.fromkeys(known.name for known in (*FILES, *FOLDERS)))
UNSIGNED = {
    "text",
    "word2vec",
}  # no signature tells them, and a first token may look like one: the caller's word counts


def open_reader(source: Any, options: ReadOptions, member: str | None = None) -> Reader:
    """Open a source of vectors: a path, or an object; `member` is of a zip archive, as of `open_source`.

    Raises TypeError for an object that is none.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return _open_folder(path, options, member) if path.is_dir() else _open_file(path, options, member)
    if member is not None or options.format is not None or options.tokens is not None:
        raise ValueError(f"expected a file with member=, format= and tokens=, got {type(source).__name__}")
    for known in OBJECTS:
        if not isinstance(source, bytes) and known.claims(source):
            return known.open(source, options)
    raise TypeError(
        "expected a path, a table, a mapping token -> vector or an iterable of (token, vector), got"
        f" {type(source).__name__}"
    )


def format_of(source: Beginning) -> SourceFormat:
    """Return the format of a file: text, if no other claims it."""
    return next(known for known in FILES if known.claims(source))


def _open_folder(path: Path, options: ReadOptions, member: str | None) -> Reader:
    if member is not None:
        raise ValueError(f"{path}: expected a zip archive to take the member {member!r} from, got a directory")
    for known in FOLDERS:
        if known.claims(path):
            return _checked(known, options, path).open(path, options)
    listed = " or ".join(known.name for known in FOLDERS)
    raise IsADirectoryError(f"{path}: expected a file, or a folder of {listed}, got another directory")


def _open_file(path: Path, options: ReadOptions, member: str | None) -> Reader:
    source = open_source(path, member)
    try:
        found = format_of(source)
        if options.format in UNSIGNED:
            found = next(known for known in FILES if known.name == options.format)
        return _checked(found, options, path).open(source, options)
    except BaseException:
        source.close()
        raise


def _checked(found: SourceFormat, options: ReadOptions, path: Path) -> SourceFormat:
    """Return the format if the caller's word about the source holds of it."""
    if options.format not in (None, found.name):
        problem = f"expected {options.format}, as format= says, got {found.name} by its content"
        raise SourceFormatError(problem, path)
    if options.tokens is not None and not found.has_no_tokens:
        raise ValueError(f"{path}: expected no tokens=, as {found.name} has its own")
    return found
