r"""The file of a vocabulary: readable JSON, one token a line.

::

    {"format": "glovestore-vocabulary",
    "version": 1,
    "tokenizer": "keras",
    "padding_idx": 0,
    "unk_idx": 1,
    "tokens": ["<pad>",
    "<unk>",
    "the"],
    "counts": [0,
    7,
    42]}

``tokens[i]`` is the token of index i. ``tokenizer`` is a name, or ``{"callable": "module.qualname"}``. ``unk_idx`` is 1
or null. ``counts`` is null or says how often index i stands in the texts that the vocabulary was made from. The file is
strict UTF-8, so a token with lone surrogates is written as the list of its code points: two escapes in a row, such as
``\ud83d\ude00``, would come back as one character. A reader ignores fields that it does not know and refuses a greater
version.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Any, NamedTuple

from glovestore import strict_json
from glovestore.errors import GlovestoreError, naming
from glovestore.replacing import ReplacingFile
from glovestore.vocabulary.tokenizers import Tokenizer, find_tokenizer

FORMAT = "glovestore-vocabulary"
VERSION = 1
PADDING_TOKEN = "<pad>"
MOST_COUNTED = 2**63 - 1


class Content(NamedTuple):
    """What a vocabulary is, in plain values."""

    tokens: tuple[str, ...]
    unk_idx: int | None
    tokenizer: str
    is_callable: bool
    counts: tuple[int, ...] | None


def dumps(content: Content) -> bytes:
    """Return the bytes of a vocabulary's file; equal vocabularies give equal bytes."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "tokenizer": {"callable": content.tokenizer} if content.is_callable else content.tokenizer,
        "padding_idx": 0,
        "unk_idx": content.unk_idx,
        "tokens": _encoded(content.tokens),
        "counts": content.counts,
    }
    return (json.dumps(document, ensure_ascii=False, separators=(",\n", ": ")) + "\n").encode("utf-8")


def loads(data: bytes) -> Content:
    """Return the content of a vocabulary's file; a ValueError says what is wrong with it, and where."""
    try:
        document = strict_json.loads(data)
    except ValueError as error:
        raise ValueError(f"expected a vocabulary as JSON, got {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'expected a JSON object with "format": "{FORMAT}", got {short(document)}')
    _check_version(_field(document, "version"))
    tokens = _decoded(_field(document, "tokens"))
    if _index(document, "padding_idx") != 0:
        raise ValueError(f"padding_idx: expected 0, got {short(document['padding_idx'])}")
    unk_idx = _index(document, "unk_idx")
    if unk_idx not in (1, None) or (unk_idx == 1 and len(tokens) < 2):
        raise ValueError(f"unk_idx: expected 1 (with at least 2 tokens) or null, got {unk_idx}")
    tokenizer, is_callable = _tokenizer(_field(document, "tokenizer"))
    return Content(tokens, unk_idx, tokenizer, is_callable, _counts(_field(document, "counts"), len(tokens)))


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file at once: a reader sees the old bytes or the new ones, and a failure leaves the old file alone."""
    with ReplacingFile(Path(path)) as file:
        file.write(data, 0)
        file.commit()


def read(path: str | os.PathLike[str]) -> Content:
    """Read a vocabulary's file; what is wrong with its content is a GlovestoreError with the path in front."""
    with naming(path):
        data = Path(path).read_bytes()
    try:
        return loads(data)
    except ValueError as error:
        raise GlovestoreError(f"{os.fspath(path)}: {error}") from error


def chosen_tokenizer(content: Content, tokenizer: Tokenizer | None, where: str) -> Tokenizer:
    """Return the tokenizer for a loaded vocabulary: the saved name, or the callable that the user has to give again."""
    if content.is_callable:
        if tokenizer is None or not callable(tokenizer):
            expected = f"the callable that this vocabulary was made with, {content.tokenizer}"
            raise ValueError(f"{where}: tokenizer: expected {expected}, got {tokenizer!r}")
        return tokenizer
    if tokenizer is not None and tokenizer != content.tokenizer:
        expected = f"{content.tokenizer!r}, which this vocabulary was made with, or nothing"
        raise ValueError(f"{where}: tokenizer: expected {expected}, got {tokenizer!r}")
    return content.tokenizer


def _encoded(tokens: Sequence[str]) -> list[str | list[int]]:
    try:
        "".join(tokens).encode("utf-8")
    except UnicodeEncodeError:
        return [token if _is_unicode(token) else [ord(character) for character in token] for token in tokens]
    return list(tokens)


def _is_unicode(token: str) -> bool:
    try:
        token.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _field(document: dict[str, Any], name: str) -> Any:
    if name not in document:
        raise ValueError(f"{name}: expected this field, got only {short(list(document))}")
    return document[name]


def _index(document: dict[str, Any], name: str) -> int | None:
    value = _field(document, name)
    if value is not None and type(value) is not int:
        raise ValueError(f"{name}: expected an integer or null, got {short(value)}")
    return value


def _check_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise ValueError(f"version: expected {VERSION}, got {short(version)}")
    if version > VERSION:
        raise ValueError(f"version: expected at most {VERSION}, got {version}; a newer glovestore wrote this file")


def _decoded(entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list) or not entries or entries[0] != PADDING_TOKEN:
        raise ValueError(f'tokens: expected a list that starts with "{PADDING_TOKEN}", got {short(entries)}')
    tokens = [entry if type(entry) is str else _from_code_points(i, entry) for i, entry in enumerate(entries)]
    check_distinct(tokens)
    return tuple(tokens)


def check_distinct(tokens: Sequence[str]) -> None:
    """Raise a ValueError that names the first token that was there before, and where."""
    if len(set(tokens)) == len(tokens):
        return
    first: dict[str, int] = {}
    i = next(i for i, token in enumerate(tokens) if first.setdefault(token, i) != i)
    raise ValueError(f"tokens[{i}]: expected a new token, got {tokens[i]!r}, as at tokens[{first[tokens[i]]}]")


def _from_code_points(position: int, entry: object) -> str:
    if isinstance(entry, list) and all(type(point) is int and 0 <= point <= 0x10FFFF for point in entry):
        return "".join(map(chr, entry))
    raise ValueError(f"tokens[{position}]: expected a string or a list of code points, got {short(entry)}")


def _tokenizer(entry: object) -> tuple[str, bool]:
    if isinstance(entry, str):
        find_tokenizer(entry)
        return entry, False
    if isinstance(entry, dict) and list(entry) == ["callable"] and isinstance(entry["callable"], str):
        return entry["callable"], True
    raise ValueError(f'tokenizer: expected a name or {{"callable": "module.qualname"}}, got {short(entry)}')


def _counts(entry: object, size: int) -> tuple[int, ...] | None:
    if entry is None:
        return None
    if not isinstance(entry, list) or len(entry) != size:
        raise ValueError(f"counts: expected null or a list of {size:,} integers, one a token, got {short(entry)}")
    for i, count in enumerate(entry):
        if type(count) is not int or count < 0 or (i == 0 and count):
            raise ValueError(f"counts[{i}]: expected {'0 or more' if i else '0'}, got {short(count)}")
        if count > MOST_COUNTED:
            raise ValueError(f"counts[{i}]: expected at most 2**63 - 1, got {short(count)}")
    return tuple(entry)
