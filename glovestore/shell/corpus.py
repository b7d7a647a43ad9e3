"""A corpus as the shell takes it: a file of text, one text a line, whose tokens are counted as it streams by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from glovestore.errors import GlovestoreError
from glovestore.progress import byte_progress
from glovestore.streams.files import open_source
from glovestore.streams.lines import decoded_lines
from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.counts import count_tokens

LONG_WAIT = 1.0  # seconds; what takes less needs no progress bar
LONGEST = 1 << 14  # characters of a text; longer ones, such as a corpus in a single line, are counted in parts


def vocab_from_corpus(path: Path, tokenizer: str, encoding: str, progress: bool) -> Vocabulary:
    """Count the tokens of a file, - for standard input, plain or compressed; return all of them as a vocabulary.

    Raises TextFormatError, with line and byte column, for what is no text in `encoding`, GlovestoreError where no token
    is in it, ValueError for an unknown encoding or tokenizer, and whatever `open_source` raises.
    """
    with open_source(path) as source, byte_progress(source.name, source.size, progress, LONG_WAIT) as advance_to:

        def pieces() -> Iterator[bytes]:
            for piece in source.pieces():
                yield piece
                advance_to(source.position)

        counts = count_tokens(decoded_lines(pieces(), encoding, source.path, LONGEST), tokenizer)
    if not counts:
        raise GlovestoreError(f"{source.path}: expected at least one token, got none")
    return Vocabulary.from_counts(counts, unk_token=None)
