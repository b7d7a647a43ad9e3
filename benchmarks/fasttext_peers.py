"""Other libraries that read fastText models, to the vectors of all words: what a store has when it is built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from loaders import Arrays, Expected, Loader


def gensim_vectors(source: Path) -> Arrays:
    """Load the vectors, of words and n-grams, and leave out what only further training needs."""
    from gensim.models.fasttext import load_facebook_vectors

    vectors = load_facebook_vectors(str(source))
    return vectors.index_to_key, vectors.vectors


def official_vectors(source: Path) -> Arrays:
    """Load the model, and ask for the vector of each word: the package has no other way."""
    import fasttext

    model = fasttext.load_model(str(source))
    words = model.get_words()
    return words, np.array([model.get_word_vector(word) for word in words])


def check_close(result: Arrays, expected: Expected) -> str:
    """Check (tokens, matrix) against the store, whose float32 sums may be in another order."""
    tokens, matrix = result
    assert list(tokens) == list(expected.store.tokens)
    np.testing.assert_allclose(matrix, expected.store.vectors, rtol=1e-5, atol=1e-6)
    return ""


def check_equal(result: Arrays, expected: Expected) -> str:
    """Check (tokens, matrix) against the store, to the last bit."""
    tokens, matrix = result
    assert list(tokens) == list(expected.store.tokens)
    assert np.array_equal(matrix, expected.store.vectors)
    return ""


FASTTEXT_PEERS = (
    Loader("gensim load_facebook_vectors", gensim_vectors, check_close, "gensim.models.fasttext", "gensim"),
    Loader("fasttext load_model + get_word_vector", official_vectors, check_equal, "fasttext", "fasttext"),
)
