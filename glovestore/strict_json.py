"""JSON read strictly: the one way in for headers, vocabularies and what the shell is given."""

from __future__ import annotations

import json
from typing import Any

from glovestore.tokens import shown


def loads(data: bytes) -> Any:
    """Return a JSON document in UTF-8; a ValueError says what is wrong with it, a key that stands twice included."""
    return parse(data.decode("utf-8"))


def parse(text: str) -> Any:
    """Return a JSON document; errors as of `loads`."""
    if text.startswith("\ufeff"):
        raise ValueError("a byte order mark")
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("a document nested too deeply") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse the same key twice: json would keep the last value and say nothing."""
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {shown(twice)} twice")
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct)  # made once: opening a store is short of microseconds
