"""Tokens as text, as bytes, and as messages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Token = str | bytes

_SHOWN_LENGTH = 60


def as_text(token: Token) -> str:
    """Return the token as `str`; bytes that are not UTF-8 become lone surrogates (surrogateescape)."""
    return token.decode("utf-8", "surrogateescape") if isinstance(token, bytes) else token


def as_bytes(token: Token) -> bytes:
    """Return the token's bytes: UTF-8 with surrogateescape, as the store keeps it.

    A `str` with any other lone surrogate is in no store, but it still needs bytes of its own to be hashed.
    """
    if isinstance(token, bytes):
        return token
    try:
        return token.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return token.encode("utf-8", "surrogatepass")


def shown(token: object) -> str:
    """Return the token's `repr`, cut when it is long: a token may have 65,535 bytes."""
    text = repr(token[: _SHOWN_LENGTH + 1] if isinstance(token, str | bytes | list) else token)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "..."


def first_few(tokens: Sequence[Token], limit: int = 5) -> str:
    """Return the first tokens as `'a', 'b', 'c', ...`, for a message."""
    few: Iterable[Token] = tokens[:limit]
    return ", ".join(shown(as_text(token)) for token in few) + (", ..." if len(tokens) > limit else "")
