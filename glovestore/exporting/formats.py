"""The formats that a store can leave in, one row each: help, errors and docs come from here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from glovestore.exporting import gensim, glove, npy, projector, safetensors, spacy, word2vec
from glovestore.exporting.job import STDOUT, Job


class Format(NamedTuple):
    """A format: its name, what it is in a few words, the suffixes of names that choose it, and what writes it."""

    name: str
    description: str
    suffixes: tuple[str, ...]
    write: Callable[[Job], None]
    streams: bool = False  # one file, which may go to standard output


FORMATS = {
    made.name: made
    for made in (
        Format("glove", "GloVe text", (".txt",), glove.write_glove, streams=True),
        Format(
            "word2vec", "word2vec text, with a header; fastText's .vec", (".vec",), word2vec.write_text, streams=True
        ),
        Format("word2vec-binary", "word2vec's binary format", (".bin",), word2vec.write_binary, streams=True),
        Format("npy", "a numpy array, and a list of tokens beside it", (".npy",), npy.write),
        Format("gensim", "KeyedVectors, for KeyedVectors.load", (".kv",), gensim.write),
        Format("safetensors", "a folder for sentence-transformers and tokenizers", (), safetensors.write),
        Format("spacy", "a folder for spacy.load", (), spacy.write),
        Format("projector", "a folder for TensorBoard's embedding projector", (), projector.write),
    )
}


def choose_format(path: Path, name: str | None) -> Format:
    """Return the format of this name, or for None that of the path's suffix. ValueError lists them all."""
    if name is None:
        fitting = [made for made in FORMATS.values() if path.suffix.lower() in made.suffixes]
        if len(fitting) != 1:
            raise ValueError(
                f"expected a name whose suffix tells the format, got {path.name!r}: say format=; {_listed()}"
            )
        return fitting[0]
    if name not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {name!r}")
    if path == STDOUT and not FORMATS[name].streams:
        single = ", ".join(made.name for made in FORMATS.values() if made.streams)
        raise ValueError(f"format: expected one of a single file for standard output, {single}; got {name!r}")
    return FORMATS[name]


def _listed() -> str:
    return ", ".join(
        f"{made.name} ({' '.join(made.suffixes)})" if made.suffixes else made.name for made in FORMATS.values()
    )
