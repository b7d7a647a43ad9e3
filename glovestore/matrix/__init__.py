"""Tokens -> matrix: look-up, fallbacks, OOV policies, coverage. Takes arrays and callables, knows no store."""

from glovestore.matrix.coverage import Coverage
from glovestore.matrix.fallbacks import FALLBACKS
from glovestore.matrix.matrix import EmbeddingMatrix, make_matrix
from glovestore.matrix.positions import ResolvedVocab, resolve_vocab
from glovestore.matrix.vectors import Vectors

__all__ = ["FALLBACKS", "Coverage", "EmbeddingMatrix", "ResolvedVocab", "Vectors", "make_matrix", "resolve_vocab"]
