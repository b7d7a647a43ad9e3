"""The vectors of any tokens: those that were trained, and for all others those that they would have started with."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glovestore.errors import CoverageWarning
from glovestore.matrix import EmbeddingMatrix, make_matrix
from glovestore.matrix.fallbacks import Rule
from glovestore.matrix.oov import Oov
from glovestore.matrix.vectors import Vectors
from glovestore.store import EmbeddingStore
from glovestore.vocabulary import Vocabulary


@dataclass(frozen=True)
class TokenVectors:
    """Pretrained vectors, and what tokens get that have none."""

    vectors: Vectors
    oov: Oov = "normal"
    fallbacks: Iterable[str | Rule] = ()

    def matrix(self, vocab: Any) -> EmbeddingMatrix:
        """Return the matrix of a vocabulary or a list of tokens; how much is found is for the caller to say."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CoverageWarning)
            return make_matrix(vocab, self.vectors, oov=self._oov(), fallbacks=self.fallbacks)

    def _oov(self) -> Oov:
        """Return the policy. A model by subwords is of use without them, too: where its store is not, zeros."""
        by_subwords = isinstance(self.oov, str) and self.oov == "subword"
        return "auto" if by_subwords else self.oov

    def table(self, vocab: Vocabulary, trained: Vocabulary, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors (len(vocab), dim) of a vocabulary: rows of `weights` for the tokens of `trained`.

        Both vocabularies have the same special tokens.
        """
        ids = np.array([trained.word_index.get(token, -1) for token in vocab.tokens], np.int64)
        ids[vocab.padding_idx] = trained.padding_idx
        table = weights[ids]
        unseen = np.flatnonzero(ids < 0)
        if len(unseen):
            table[unseen] = self.matrix([vocab.tokens[row] for row in unseen.tolist()]).array
        return table


@dataclass(frozen=True, eq=False)
class StoreVectors(Vectors):
    """The vectors of a store. Pickled, it is the path and fingerprint of that store, and no vectors."""

    store: EmbeddingStore

    def __reduce__(self) -> tuple[Any, ...]:
        return vectors_of, (self.store, self.mean, self.std)


def vectors_of(
    store: EmbeddingStore, mean: NDArray[np.float64] | None = None, std: NDArray[np.float64] | None = None
) -> StoreVectors:
    """Return what an open store has to give, with its own statistics or others: those of a whole store, for a part."""
    mean, std = store.mean if mean is None else mean, store.std if std is None else std
    return StoreVectors(store.rows, store.stored, mean, std, store, subwords=store.subwords)


def no_vectors(mean: NDArray[np.float64], std: NDArray[np.float64]) -> Vectors:
    """Return vectors that no token is found in, with the given statistics (dim,) for `oov`."""
    return Vectors(_find_nothing, np.empty((0, len(mean)), np.float32), mean, std)


def _find_nothing(tokens: Any) -> NDArray[np.int64]:
    return np.full(len(tokens), -1, np.int64)
