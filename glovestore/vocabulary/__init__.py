"""Texts -> token counts -> Vocabulary -> padded ids."""

from glovestore.vocabulary.counts import TokenCounts, count_tokens
from glovestore.vocabulary.vocabulary import Vocabulary

__all__ = ["TokenCounts", "Vocabulary", "count_tokens"]
