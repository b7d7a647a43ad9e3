"""A folder of safetensors and a tokenizer: what sentence-transformers' StaticEmbedding and Hugging Face read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from glovestore.exporting.job import Job
from glovestore.exporting.npy import joined, write_vectors
from glovestore.exporting.rows import NOT_ASCII, TokenBatch, check_tokens, not_unicode, token_batches
from glovestore.matrix.oov import UNK_TOKEN
from glovestore.store import EmbeddingStore

WEIGHTS, TOKENIZER, MODULES = "model.safetensors", "tokenizer.json", "modules.json"
NAMES = frozenset({WEIGHTS, TOKENIZER, MODULES})
# What sentence-transformers, from 3.2 on, is to load: one module, whose files stand beside this one.
STATIC_EMBEDDING = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]


def write(job: Job) -> None:
    """Write a folder that `SentenceTransformer(folder)` and `Tokenizer.from_file(folder/tokenizer.json)` load.

    model.safetensors has "embedding.weight", float32 (n, dim), row i the vector of token i, whose id is i in
    tokenizer.json, a WordLevel model. That one needs a token for what it does not know: `<unk>`, the store's own or,
    where it has none, one more row of zeros, which changes no direction of a mean. Texts are cut into words and
    punctuation (tokenizers' Whitespace), and put into lower case if no token of the store changes by that.
    GlovestoreError for tokens that are not UTF-8.
    """
    store = job.store
    check_tokens(store, "a tokenizer.json", NOT_ASCII, not_unicode)
    adds_unk = UNK_TOKEN not in store
    with job.folder(NAMES) as folder:
        (folder / MODULES).write_text(json.dumps(STATIC_EMBEDDING, indent=2) + "\n")
        with open(folder / TOKENIZER, "wb") as stream:
            stream.writelines(_tokenizer(store, adds_unk))
        with open(folder / WEIGHTS, "wb") as stream:
            shape = (len(store) + adds_unk, store.dim)
            stream.write(safetensors_header({"embedding.weight": ("F32", shape, 4)}, {"format": "pt"}))
            write_vectors(job, stream)
            stream.write(np.zeros(store.dim * adds_unk, np.float32).data)


def safetensors_header(tensor: Mapping[str, tuple[str, tuple[int, ...], int]], metadata: Mapping[str, str]) -> bytes:
    """Return what stands in a safetensors file before the data of a tensor: name -> (dtype, shape, bytes of a number).

    That is the length of the JSON in 8 bytes, and the JSON, filled up with spaces so that the data starts aligned.
    """
    [(name, (dtype, shape, itemsize))] = tensor.items()
    nbytes = itemsize * int(np.prod(shape))
    entry = {"dtype": dtype, "shape": list(shape), "data_offsets": [0, nbytes]}
    header = json.dumps({"__metadata__": dict(metadata), name: entry}).encode("ascii")
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header


def _tokenizer(store: EmbeddingStore, adds_unk: bool) -> Iterator[bytes]:
    """Yield the pieces of tokenizer.json: the settings, cut open where the vocabulary stands."""
    settings: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"} if _is_lower_case(store) else None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "unk_token": UNK_TOKEN, "vocab": {}},
    }
    text = json.dumps(settings).encode("ascii")
    assert text.endswith(b"{}}}")
    yield text.removesuffix(b"}}}") + b"\n"
    yield from joined(map(_entries, token_batches(store)))
    if adds_unk:
        yield f",\n{json.dumps(UNK_TOKEN)}: {len(store)}".encode("ascii")
    yield b"\n}}}\n"


def _entries(batch: TokenBatch) -> Iterator[str]:
    for row, token in enumerate(batch.tokens(), batch.first):
        yield f"{json.dumps(token.decode())}: {row}"


def _is_lower_case(store: EmbeddingStore) -> bool:
    for batch in token_batches(store):
        text = batch.token_bytes.tobytes().decode()
        if text != text.lower():
            return False
    return True
