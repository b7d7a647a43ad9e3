"""Tokenizers: a text in, its tokens out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from glovestore import _core
from glovestore.vocabulary.lower_case import LOWER_CASE

Text: TypeAlias = str | Sequence[str] | npt.NDArray[Any]
"""A text to tokenise, or the tokens of one, which are used as they are."""

Tokenizer: TypeAlias = str | Callable[[str], Sequence[str]]
"""The name of a tokenizer, or a callable from a text to its tokens."""

# Keras' default filters; the apostrophe is not among them.
KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def keras_tokens(text: str) -> list[str]:
    """Split a text by the rules of the Keras ``Tokenizer`` with its default arguments.

    Lower-case (``str.lower``), replace every character of `KERAS_FILTERS` by a space, split on U+0020 alone, drop empty
    tokens. Source: ``keras.preprocessing.text.text_to_word_sequence``.
    """
    return _core.split_text(text, "keras", LOWER_CASE)


def whitespace_tokens(text: str) -> list[str]:
    """Split a text at runs of Unicode white space, as ``str.split()`` does, and change nothing else."""
    return _core.split_text(text, "whitespace", LOWER_CASE)


def glove_tokens(text: str) -> list[str]:
    """Split a text much as Stanford's tokenizer split the texts behind the GloVe vectors: ``"it 's"``, ``"do n't"``.

    1. The text is lower-cased (``str.lower``). U+2018 to 201B become ``'``, 201C to 201F ``"``, 2010 and 2011 ``-``,
       2012 to 2015 ``--``, 2026 ``...``. Other punctuation and signs beyond ASCII are tokens of their own: A1 to BF
       but ª º ² ³ ¹ µ ¼ ½ ¾ and AD; D7, F7, 2016, 2017, 2020 to 205E but 2028 to 202F, 20A0 to 20CF, 2122, 2212, 3001
       to 3003, 3008 to 3011, FF01 to FF65 but letters and digits. White space (as for ``str.split``) separates.
       Every other character that is not ASCII counts as a letter, and so do ``_`` and control characters.
    2. A word is a run of letters and digits. Between two of them one ``-``, ``.`` or ``'`` stays inside, and one ``,``
       or ``:`` between two digits: ``state-of-the-art``, ``example.com``, ``o'clock``, ``1,000.50``. A word may begin
       with a dot: before a digit, or behind white space (``.5``, ``.com``).
    3. A word keeps the dot behind it if its letters from the last dot on are a single one of a to z (``u.s.``, ``j.``),
       if it is one of some sixty abbreviations (``mr.``, ``inc.``: see ext/glove_tokens.cpp), or if it is ``no``,
       ``nos``, ``vol``, ``fig`` or ``pp`` and a digit comes next. A hyphen may join more to it: ``u.s.-based``.
    4. ``n't`` behind a letter or digit, and ``'s``, ``'m``, ``'d``, ``'re``, ``'ve``, ``'ll``, are taken off a word's
       end, again and again.
    5. Two or more dots are ``...``, two or more hyphens ``--``. ``''`` and two backticks are one token. An apostrophe
       stays with the rest of ``'s``, ``'m``, ``'d``, ``'re``, ``'ve``, ``'ll``, ``'t``, ``'em``, ``'n``, ``'til``,
       ``'tis``, ``'twas``, ``'cause``, and with two digits and perhaps an s (``'70s``), if no letter or digit follows.
    6. Every other character of ASCII punctuation is a token: ``$ 5``, ``10 %``, ``at & t``, ``and / or``, ``dogs '``.
    """
    return _core.split_text(text, "glove", LOWER_CASE)


TOKENIZERS: dict[str, Callable[[str], Sequence[str]]] = {
    "keras": keras_tokens,
    "whitespace": whitespace_tokens,
    "glove": glove_tokens,
}


def find_tokenizer(tokenizer: Tokenizer) -> Callable[[str], Sequence[str]]:
    """Return the function behind a tokenizer's name; a callable is returned as it is.

    An unknown name is a ValueError, anything else a TypeError.
    """
    if callable(tokenizer):
        return tokenizer
    expected = f"tokenizer: expected {', '.join(map(repr, TOKENIZERS))} or a callable from a str to a list of str"
    if not isinstance(tokenizer, str):
        raise TypeError(f"{expected}, got {type(tokenizer).__name__}")
    if tokenizer not in TOKENIZERS:
        raise ValueError(f"{expected}, got {tokenizer!r}")
    return TOKENIZERS[tokenizer]


def tokenizer_name(tokenizer: Tokenizer) -> str:
    """Return a tokenizer's name, for a callable ``module.qualname``."""
    if isinstance(tokenizer, str):
        return tokenizer
    named: Any = tokenizer if hasattr(tokenizer, "__qualname__") else type(tokenizer)
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"


def plain_tokens(tokens: object, where: str, expected: str = "a sequence of str") -> list[str] | tuple[str, ...]:
    """Return a sequence of tokens whose elements are exactly ``str``: subclasses, such as ``np.str_``, are converted.

    `where` and `expected` are for the message of the TypeError when `tokens` is something else.
    """
    given: Any = tokens.tolist() if isinstance(tokens, np.ndarray) and tokens.ndim == 1 else tokens
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"{where}: expected {expected}, got {kind_of(given)}")
    if set(map(type, given)) <= {str}:
        return given if isinstance(given, (list, tuple)) else list(given)
    for position, token in enumerate(given):
        if not isinstance(token, str):
            raise TypeError(f"{where}[{position}]: expected a str, got {kind_of(token)}")
    return [str.__str__(token) for token in given]


def kind_of(value: object) -> str:
    """Name a value's type; for an array, its number of dimensions too."""
    return f"a {value.ndim}-D array" if isinstance(value, np.ndarray) else type(value).__name__
