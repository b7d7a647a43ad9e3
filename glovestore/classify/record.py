"""How training went, as config.json has it. Read strictly: what is loaded can be shown, and saved again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from glovestore.arguments import whole_number
from glovestore.matrix.coverage import Coverage
from glovestore.tokens import shown

GREATEST = 2**63  # beyond all counts
COUNTS = ("total", "found", "missing", "occurrences", "occurrences_found", "by_subwords")


class TrainingRecord(NamedTuple):
    """The attributes of a fitted classifier of these names, with `_` behind."""

    training_texts: int
    best_epoch: int
    interrupted: bool
    coverage: Coverage
    history: list[dict[str, float]]


def read_record(stored: Mapping[str, Any]) -> TrainingRecord:
    """Return what is stored; a ValueError names what is none of ours, a KeyError what is missing."""
    history = _history(stored["history"])
    best_epoch = _count("best_epoch", stored["best_epoch"])
    if best_epoch > len(history):
        raise ValueError(f"best_epoch: expected one of {len(history)} epochs, got {best_epoch}")
    if not isinstance(stored["interrupted"], bool):
        raise ValueError(f"interrupted: expected true or false, got {shown(stored['interrupted'])}")
    texts = _count("texts", stored["texts"])
    return TrainingRecord(texts, best_epoch, stored["interrupted"], _coverage(stored["coverage"]), history)


def _history(stored: Any) -> list[dict[str, float]]:
    if not isinstance(stored, list):
        raise ValueError(f"history: expected a list of epochs, got {shown(stored)}")
    for number, epoch in enumerate(stored, 1):
        if not isinstance(epoch, dict) or not all(map(_is_plain, epoch.values())) or epoch.get("epoch") != number:
            raise ValueError(f"history: expected numbers, and epoch {number}, got {shown(epoch)}")
    return stored


def _is_plain(value: object) -> bool:
    """Tell whether a value is a number that arithmetic takes, NaN or infinity perhaps: JSON's integers have no end."""
    return isinstance(value, float) or (type(value) is int and abs(value) < GREATEST)


def _coverage(stored: Mapping[str, Any]) -> Coverage:
    """Return a coverage whose counts add up."""
    coverage = Coverage(**{**stored, "missing_tokens": tuple(stored["missing_tokens"])})
    for name in COUNTS:
        value = getattr(coverage, name)
        if value is not None or name in COUNTS[:3]:
            _count(name, value)
    by_rule = coverage.by_rule
    if not isinstance(by_rule, dict):
        raise ValueError(f"by_rule: expected counts by rule, got {shown(by_rule)}")
    found = coverage.found + sum(_count(rule, count) for rule, count in by_rule.items())
    if coverage.total != found + coverage.missing:
        raise ValueError(
            f"coverage: expected {coverage.total} tokens, got {found} found and {coverage.missing} missing"
        )
    if not all(isinstance(token, str) for token in coverage.missing_tokens):
        raise ValueError(f"missing_tokens: expected strings, got {shown(stored['missing_tokens'])}")
    return coverage


def _count(name: str, value: Any) -> int:
    count = whole_number(name, value, least=0)
    if count >= GREATEST:
        raise ValueError(f"{name}: expected a count below 2**63, got {shown(value)}")
    return count
