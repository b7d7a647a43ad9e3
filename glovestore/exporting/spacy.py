"""spaCy: a blank pipeline with vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from glovestore.exporting.job import Job
from glovestore.exporting.npy import write_npy
from glovestore.exporting.rows import NOT_ASCII, all_tokens, check_tokens, not_unicode

VOCAB = ("strings.json", "vectors", "vectors.cfg", "key2row", "lookups.bin")
NAMES = frozenset({"meta.json", "config.cfg", "tokenizer", *(f"vocab/{name}" for name in VOCAB)})
LANGUAGE = "xx"  # any


def write(job: Job) -> None:
    """Write a folder that `spacy.load` opens, and its part `vocab` that `Vocab().from_disk` and `Vectors` do.

    The pipeline is blank, of spaCy's language for any language, "xx". Row i is the vector of token i. spaCy makes
    all but the vectors, so it has to be installed: ImportError, else. It keeps hashes of tokens: GlovestoreError for
    those that are not UTF-8, and for the empty one, which it cannot look up.
    """
    check_tokens(job.store, "spaCy", NOT_ASCII, lambda token: not_unicode(token) if token else "it is empty")
    spacy = _spacy()
    nlp = spacy.blank(LANGUAGE)
    vectors = spacy.vectors.Vectors(
        strings=nlp.vocab.strings, data=np.broadcast_to(np.float32(0), job.store.shape), name="glovestore"
    )
    vectors.key2row = {nlp.vocab.strings.add(token): row for row, token in enumerate(all_tokens(job.store))}
    nlp.vocab.vectors = vectors
    with job.folder(NAMES) as folder:
        nlp.to_disk(folder, exclude=["vectors"])
        vectors.data = np.empty((0, job.store.dim), np.float32)  # what is written of it, we write again
        vectors.to_disk(folder / "vocab", exclude=["strings"])
        with open(folder / "vocab" / "vectors", "wb") as stream:
            write_npy(job, stream)


def _spacy() -> Any:
    try:
        import spacy
        import spacy.vectors
    except ImportError as error:
        raise ImportError('the format spacy needs that package: pip install "glovestore[spacy]"') from error
    return spacy
