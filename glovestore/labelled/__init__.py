"""Texts with labels, and texts alone, from files that people have: TSV, CSV, JSON lines, fastText's, TREC's."""

from glovestore.labelled.reading import LabelledTexts, SkippedRow, read_labelled, read_texts

__all__ = ["LabelledTexts", "SkippedRow", "read_labelled", "read_texts"]
