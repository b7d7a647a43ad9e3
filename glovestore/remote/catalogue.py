"""The published sets of vectors by name: catalogue.json, and what somebody may have meant by another name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

SHOWN = 8  # near misses


@dataclass(frozen=True)
class Entry:
    """A published set of vectors. What is not known for certain is None.

    size: bytes of the file at `url`. sha256: of that file. member: which file of it, if it is a zip archive of several:
    only its bytes, fewer than `size`, have to be downloaded. family: what the names of all languages have in common.
    """

    name: str
    url: str
    dim: int
    licence: str | None
    homepage: str
    description: str
    rows: int | None = None
    member: str | None = None
    size: int | None = None
    sha256: str | None = None
    aliases: tuple[str, ...] = ()
    family: str | None = None

    @property
    def all_names(self) -> tuple[str, ...]:
        """Its name, and the others that it is known by."""
        return (self.name, *self.aliases)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@cache
def entries() -> dict[str, Entry]:
    """Return all entries by name, in the order of the catalogue."""
    listed = json.loads(Path(__file__).with_name("catalogue.json").read_bytes())
    return {entry.name: entry for group in listed for entry in _expand(group)}


def names() -> list[str]:
    """Return the names of all entries."""
    return list(entries())


def lookup(name: str) -> Entry | None:
    """Return the entry that has exactly this name, or has it as another one."""
    others = (entry for entry in entries().values() if name in entry.aliases)
    return entries().get(name) or next(others, None)


def near_misses(name: str) -> list[str]:
    """Return the names that somebody may have meant by `name`, the likeliest first; none if it has another name's form.

    Signs between letters and digits, case and the suffix of a file do not count; neither does a missing dim.
    """
    if "/" in name or "\\" in name or len(name) > 100:
        return []
    from difflib import get_close_matches

    by_key: dict[str, list[str]] = {}
    for entry in entries().values():
        for spelling in entry.all_names:
            by_key.setdefault(_key(spelling), []).append(entry.name)
    wanted = _key(re.sub(r"(\.(txt|vec|bin|zip|gz|h5))+$", "", name, flags=re.IGNORECASE))
    keys = [key for key in (_key(name), wanted) if key in by_key]
    keys += sorted((key for key in by_key if len(wanted) > 3 and key.startswith(wanted)), key=len)
    keys = keys or get_close_matches(wanted, by_key, SHOWN, 0.75)
    return list(dict.fromkeys(found for key in keys for found in by_key[key]))[:SHOWN]


def _key(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _expand(group: dict[str, Any]) -> Iterator[Entry]:
    """Yield the entries of a group: what all have in common, and what each, or each language, has for itself."""
    common = {name: value for name, value in group.items() if name not in ("each", "codes")}
    codes = [{"code": code} for code in group.get("codes", "").split()]
    for own in group.get("each", codes or [{}]):
        values: dict[str, Any] = common | own
        code = values.pop("code", "")
        values["family"] = values["name"].replace("{}", "*") if code else None
        for name in ("name", "url", "member", "description"):
            if name in values:
                values[name] = values[name].replace("{}", code)
        values["aliases"] = tuple(alias.replace("{}", code) for alias in values.get("aliases", ()))
        yield Entry(**values)
