"""Make tests/data/sources: small files of vectors, each written by the program that others have them from.

Run `python tests/make_sources.py`, with gensim, sentence-transformers and model2vec installed, to write them again. The
tests read them without any of these.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "data" / "sources"
TOKENS = ["<unk>", "the", "of", "café"]
VECTORS = np.array([[0, 0, 1], [0.1, -2.5, 3e-5], [1, 2, 3], [-0.25, 1e3, 7.5]], np.float32)


def make_gensim() -> None:
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(3)
    keyed.add_vectors(TOKENS, VECTORS)
    keyed.save_word2vec_format(FOLDER / "gensim.bin", binary=True, sort_attr="none")
    keyed.save_word2vec_format(FOLDER / "gensim.txt", sort_attr="none")


def make_static_embedding() -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    module = StaticEmbedding(tokenizer(), embedding_weights=VECTORS)
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(
        str(FOLDER / "static_embedding"), create_model_card=False
    )


def make_model2vec() -> None:
    from model2vec import StaticModel

    StaticModel(VECTORS, tokenizer(), normalize=False).save_pretrained(FOLDER / "model2vec")
    (FOLDER / "model2vec" / "README.md").unlink()


def tokenizer() -> object:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    return Tokenizer(WordLevel({token: row for row, token in enumerate(TOKENS)}, unk_token="<unk>"))


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    make_gensim()
    make_static_embedding()
    make_model2vec()


if __name__ == "__main__":
    main()
