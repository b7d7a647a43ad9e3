"""Texts on their way into the core: of any kind, in blocks, so that an iterator's need not all be in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from glovestore import _core
from glovestore.strings import arrow_strings, speaks_arrow
from glovestore.threads import worker_threads
from glovestore.vocabulary.tokenizers import Text, Tokenizer, find_tokenizer, kind_of, plain_tokens

TEXTS_OF_A_LIST = 65_536
TEXTS_OF_AN_ITERATOR = 1024
CHARACTERS_A_THREAD = 1 << 18  # fewer take less time than a thread takes to start


def blocks(texts: Iterable[Text], tokenizer: Tokenizer) -> Iterator[_core.Texts]:
    """Yield texts block by block, in order; what is no text is a TypeError that names its position.

    A list or tuple, and any other iterable, of str and of sequences of str, which are tokens already; or strings in
    whatever speaks the Arrow PyCapsule interface, in which a null is a TypeError and what is no UTF-8 a ValueError.
    With a callable tokenizer all of it is tokenised here.
    """
    find_tokenizer(tokenizer)
    _check_iterable(texts)
    strings = _arrow_strings(texts)
    if strings is not None:
        checked = _core.Texts(strings)
        if not callable(tokenizer):
            yield checked
            return
        texts = (strings[i] for i in range(len(strings)))
    first = 0
    for part in _parts(texts):
        yield from _blocks_of(part, first, tokenizer)
        first += len(part)


def as_list(texts: Iterable[Text]) -> list[Text]:
    """Return texts of any kind that `blocks` takes as a list. Its items are not looked at, but those of Arrow are."""
    _check_iterable(texts)
    strings = _arrow_strings(texts)
    if strings is None:
        return list(texts)
    _core.Texts(strings)  # refuses nulls and what is no UTF-8
    return [strings[i] for i in range(len(strings))]


def length_of(texts: Iterable[Text]) -> int | None:
    """Return how many texts there are, None if only reading them to the end can tell."""
    return len(texts) if isinstance(texts, (list, tuple)) else None


def threads_for_texts(texts: _core.Texts) -> int:
    """Return how many threads this much text is worth."""
    return max(1, min(worker_threads(), texts.characters // CHARACTERS_A_THREAD))


def core_tokenizer(tokenizer: Tokenizer) -> str:
    """Return the name of the tokenizer that the core splits what `blocks` yields with."""
    return tokenizer if isinstance(tokenizer, str) else "whitespace"  # of which there is nothing to split


def _check_iterable(texts: Any) -> None:
    """Refuse what Python would iterate over without complaint, but not as the user meant it."""
    if isinstance(texts, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"texts: expected a list of texts, got one {type(texts).__name__}; pass [text]")
    if isinstance(texts, Mapping):
        raise TypeError(f"texts: expected a list of texts, got {type(texts).__name__}; list its keys or values")
    if speaks_arrow(texts) and len(getattr(texts, "shape", (0,))) != 1:
        raise TypeError(f"texts: expected a list of texts, got {type(texts).__name__}; take one of its columns")
    if not isinstance(texts, Iterable) and not speaks_arrow(texts):
        raise TypeError(f"texts: expected an iterable of texts, got {kind_of(texts)}")


def _arrow_strings(texts: Any) -> _core.Strings | None:
    """Return the strings of an Arrow array, None where there are none: a list of lists, or no Arrow at all."""
    try:
        return arrow_strings(texts)
    except TypeError:
        if not isinstance(texts, Iterable):
            raise
    return None


def _parts(texts: Iterable[Text]) -> Iterator[tuple[Text, ...]]:
    if isinstance(texts, (list, tuple)):
        for first in range(0, len(texts), TEXTS_OF_A_LIST):
            yield tuple(texts[first : first + TEXTS_OF_A_LIST])
    else:
        rest = iter(texts)
        while part := tuple(islice(rest, TEXTS_OF_AN_ITERATOR)):
            yield part


def _blocks_of(part: tuple[Text, ...], first: int, tokenizer: Tokenizer) -> Iterator[_core.Texts]:
    if not callable(tokenizer) and _core.first_not_str(part) == len(part):
        yield _core.Texts(_core.Strings.of_objects(part, escaped=False))
        return
    for start in range(0, len(part), TEXTS_OF_AN_ITERATOR):
        yield _mixed_block(part[start : start + TEXTS_OF_AN_ITERATOR], first + start, tokenizer)


def _mixed_block(part: tuple[Text, ...], first: int, tokenizer: Tokenizer) -> _core.Texts:
    """Lay texts and tokens of texts one behind the other."""
    if callable(tokenizer):
        part = tuple(_called(tokenizer, text, first + i) for i, text in enumerate(part))
    strings: list[str] = []
    starts = np.zeros(len(part) + 1, np.int64)
    is_tokenised = np.ones(len(part), np.uint8)
    i = 0
    while (i := _core.lay_out(part, i, strings, starts, is_tokenised)) < len(part):
        strings += _tokens(part[i], first + i)
        i += 1
        starts[i] = len(strings)
    owned = tuple(strings)
    stranger = _core.first_not_str(owned)
    if stranger < len(owned):
        text = int(np.searchsorted(starts, stranger, "right")) - 1
        _tokens(part[text], first + text)  # says what is wrong with it
    return _core.Texts(_core.Strings.of_objects(owned, escaped=False), starts, is_tokenised)


def _called(tokenizer: Callable[[str], Sequence[str]], text: Text, position: int) -> Text:
    if not isinstance(text, str):
        return text
    return plain_tokens(tokenizer(text), f"texts[{position}]", "a sequence of str from the tokenizer")


def _tokens(text: Text, position: int) -> Sequence[str]:
    return plain_tokens(text, f"texts[{position}]", "a str or a sequence of str")
