"""Mutations of a file's bytes that keep what they do not mean to break: JSON stays JSON, lengths come right."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

NUMBERS = (
    0,
    1,
    2,
    7,
    255,
    4096,
    65536,
    2**31 - 1,
    2**32,
    2**53,
    2**63 - 1,
    2**64,
    -1,
    10**400,
    0.5,
    1e308,
    float("nan"),
)
STRINGS = (
    "", "x", "\udcff", "\u0000", "\U0001f600", "../../x", "/dev/zero", "<pad>", "F16", "I32", "U64", "<U99999999",
    "mean", "9" * 50, "a" * 5000, "=1+1", "\u0130",
)  # fmt: skip
PIECES = (
    b"", b"\0", b"\n", b"\r\n", b"\t", b",", b'"', b"{", b"[" * 2000, b'{"a":' * 2000, b"\xff\xfe", b"\xef\xbb\xbf",
    b"NaN", b"1e999", b"-", b"__label__", b"\xf0\x9f\x98\x80", b"\xed\xb3\xbf", b" " * 100,
)  # fmt: skip
LENGTH = 8  # bytes of a safetensors file that say how long its JSON is


def mutated(data: bytes, draw: random.Random, most: int) -> bytes:
    """Return a mutation of at most `most` bytes; the first byte, which is for the target, changes seldom."""
    first = data[:1] if draw.random() < 0.9 else draw.randbytes(1)
    body = data[1:]
    for _ in range(draw.choice((1, 1, 2, 4))):
        changed = _json_changed(body, draw) if draw.random() < 0.6 else None
        body = _bytes_changed(body, draw) if changed is None else changed
    return (first + body)[:most]


def _json_changed(data: bytes, draw: random.Random) -> bytes | None:
    """Return data with a value in its first JSON document changed; None if it has none."""
    begin = min((at for at in (data.find(b"{"), data.find(b"[")) if at >= 0), default=-1)
    if begin < 0:
        return None
    text = data[begin:].decode("utf-8", "surrogateescape")
    try:
        document, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    _change_value(document, draw)
    try:
        made = json.dumps(document, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogateescape")
    except (ValueError, RecursionError):
        return None
    size = len(text[:end].encode("utf-8", "surrogateescape"))
    before, behind = data[:begin], data[begin + size :]
    if len(before) == LENGTH and int.from_bytes(before, "little") == size:
        before = len(made).to_bytes(LENGTH, "little")
    return before + made + behind


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each entry of a document, at any depth, as (list or object, index or key)."""
    for key in list(document) if isinstance(document, dict) else range(len(document)):
        yield document, key
        if isinstance(document[key], (dict, list)):
            yield from _places(document[key])


def _place(document: Any, draw: random.Random) -> tuple[Any, Any] | None:
    """Choose an entry: each alike, or going down from the top, as some have many below them. None: it is empty."""
    if draw.random() < 0.5:
        places = list(_places(document))
        return draw.choice(places) if places else None
    while document:
        key = draw.choice(list(document) if isinstance(document, dict) else range(len(document)))
        if not isinstance(document[key], (dict, list)) or not document[key] or draw.random() < 0.15:
            return document, key
        document = document[key]
    return None


def _change_value(document: Any, draw: random.Random) -> None:
    """Change one entry of a list or an object."""
    place = _place(document, draw)
    if place is None:
        return
    document, key = place
    keys = list(document) if isinstance(document, dict) else range(len(document))
    ways: tuple[Callable[[], object], ...] = (
        lambda: document.__delitem__(key),
        lambda: document.__setitem__(key, _value(draw)),
        lambda: document.__setitem__(key, _like(document[key], draw)),
        lambda: document.__setitem__(key, document[draw.choice(keys)]),
        lambda: document.__setitem__(key, [document[key]]),
        lambda: document.__setitem__(key, {"x": document[key]}),
        lambda: document.__setitem__(*(("x", 0) if isinstance(document, dict) else (slice(0, 0), [document[key]]))),
    )  # fmt: skip
    draw.choice(ways)()


def _value(draw: random.Random) -> Any:
    return draw.choice((None, True, False, [], {}, [[]], draw.choice(NUMBERS), draw.choice(STRINGS)))


def _like(value: Any, draw: random.Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.choice((value + 1, value - 1, -value, value * 2, *(n for n in NUMBERS if isinstance(n, int))))
    if isinstance(value, float):
        return draw.choice((-value, value * 1e300, *(n for n in NUMBERS if isinstance(n, float))))
    if isinstance(value, str):
        return draw.choice((value + "0", value[:-1], value * 2, *STRINGS))
    return value * 2 if isinstance(value, list) else value


def _bytes_changed(data: bytes, draw: random.Random) -> bytes:
    at, size = draw.randrange(len(data) + 1), draw.choice((1, 1, 2, 4, 8, 64))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: draw.randbytes(size),
        lambda: bytes(size),
        lambda: b"\xff" * size,
        lambda: draw.choice(NUMBERS[:11]).to_bytes(8, "little", signed=False)[:size],
        lambda: draw.choice(PIECES),
        lambda: bytes(byte ^ 1 << draw.randrange(8) for byte in data[at : at + size]),
        lambda: data[draw.randrange(len(data) + 1) :][:size],
    )
    content = draw.choice(ways)()
    kind = draw.randrange(8)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + data[at + size :]
    if kind == 2:
        return data[:at] + content + data[at:]
    return data[:at] + content + data[at + len(content) :]
