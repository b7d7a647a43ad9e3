"""Tokens and vocabularies as the shell takes them: one token a line, or JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glovestore import strict_json
from glovestore.errors import GlovestoreError, naming
from glovestore.matrix.positions import ResolvedVocab, resolve_vocab
from glovestore.strings import as_strings
from glovestore.vocabulary import file as vocabulary_file


def split_tokens(text: bytes) -> list[bytes]:
    r"""Return the lines of `text`, one token each: cut at \n only, a \r before it dropped, all other bytes kept.

    An empty line is the empty token, so that line i belongs to row i.
    """
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def vocab_from_file(path: Path) -> ResolvedVocab:
    """Read a vocabulary: a text file with one token a line, or a `.json` file.

    The JSON is what `Vocabulary.save` wrote, an object token -> index (a `word_index`), or a list of tokens.
    Raises GlovestoreError with the path for anything else.
    """
    with naming(path):
        data = path.read_bytes()
    try:
        return vocab_from_json(data) if path.suffix.lower() == ".json" else vocab_from_text(data)
    except (ValueError, TypeError) as error:
        raise GlovestoreError(f"{path}: {error}") from error


def vocab_from_text(text: bytes) -> ResolvedVocab:
    """Return the vocabulary of a text with one token a line: row i belongs to line i."""
    return _not_empty(resolve_vocab(split_tokens(text)))


def vocab_from_json(data: bytes) -> ResolvedVocab:
    """Return the vocabulary of a JSON document; ValueError or TypeError says what is wrong with it."""
    try:
        document = strict_json.loads(data)
    except ValueError as error:
        raise ValueError(f"expected a vocabulary as JSON, got {error}") from error
    if isinstance(document, dict) and document.get("format") == vocabulary_file.FORMAT:
        # Not Vocabulary.load: that asks for a callable tokenizer again, and nobody tokenises here.
        content = vocabulary_file.loads(data)
        counts = None if content.counts is None else np.array(content.counts, np.int64)
        return ResolvedVocab(as_strings(content.tokens), None, len(content.tokens), 0, content.unk_idx, counts)
    if not isinstance(document, (dict, list)):
        kind = type(document).__name__
        raise TypeError(f"expected a saved Vocabulary, an object token -> index or a list of tokens, got a {kind}")
    return _not_empty(resolve_vocab(document))


def _not_empty(vocab: ResolvedVocab) -> ResolvedVocab:
    if not vocab.tokens:
        raise ValueError("vocab: expected at least one token, got none")
    return vocab
