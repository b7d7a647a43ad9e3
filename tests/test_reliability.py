"""docs/reliability.md: the tests that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text()
NAMED = sorted(set(re.findall(r"`(test_\w+)(?:::(test_\w+))?`", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 25


@pytest.mark.parametrize(("module", "name"), NAMED, ids="::".join)
def test_a_named_test_is_there(module: str, name: str) -> None:
    source = (TESTS / f"{module}.py").read_text()
    assert not name or f"\ndef {name}(" in source
