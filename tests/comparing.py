"""Hold a build against the slow reference: the same store, or the same error at the same place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import store_reader
from numpy.typing import NDArray
from reference import ReferenceError, ReferenceResult, read_text

import glovestore

BITS = np.uint32
ACCOUNTING = ("lines", "header", "duplicates", "skipped", "not_kept")

# What a message must say, whatever else it says: expected and got.
MESSAGES = {
    "few": r"expected (\d+ numbers, got \d+|a token and \d+ numbers, got an empty line)",
    "number": r"expected a (finite )?number, got (nothing: two spaces|'|\")",
    "overflow": r"expected a number within float32 .*, got ",
    "many": r"expected \d+ numbers, got \d+: two rows",
    "token": r"expected a token of at most 65535 bytes, got \d+",
    "header": r"expected .*, got .*",
    "dim": r"expected .*, got .*",
    "empty": r"expected rows .*, got (an empty file|none)",
}


def tokens_of(arrays: dict[str, NDArray[Any]]) -> list[bytes]:
    return [store_reader.token_at(arrays, row) for row in range(len(arrays["vectors"]))]


def assert_store_is(path: Path, report: glovestore.BuildReport, expected: ReferenceResult) -> None:
    metadata, arrays = store_reader.read(path)
    assert tokens_of(arrays) == expected.tokens
    assert arrays["vectors"].shape == expected.values.shape
    assert np.array_equal(arrays["vectors"].view(BITS), expected.values.view(BITS))
    counts = {name: getattr(expected, name) for name in ACCOUNTING}
    assert {name: getattr(report, name) for name in ACCOUNTING} == counts
    assert {name: int(metadata.get(name, "0")) for name in ACCOUNTING} == counts
    assert ("not_kept" in metadata) == (expected.not_kept > 0)
    assert report.rows == int(metadata["rows"]) == len(expected.tokens)
    assert report.dim == expected.values.shape[1]
    assert report.lines == report.rows + report.header + report.duplicates + report.skipped + report.not_kept
    assert report.final_newline is expected.final_newline
    assert metadata["final_newline"] == str(int(expected.final_newline))


def assert_error_is(error: glovestore.TextFormatError, expected: ReferenceError, source: Path) -> None:
    assert (error.line, error.column) == (expected.line, expected.column), (str(error), expected.kind)
    place = "".join(f":{number}" for number in (expected.line, expected.column) if number is not None)
    assert str(error) == f"{source}{place}: {error.problem}"
    assert re.match(MESSAGES[expected.kind], error.problem), (error.problem, expected.kind)


def assert_same_as_reference(folder: Path, text: bytes, **options: Any) -> None:
    """Build `text` in a folder made for such builds, and read it by the book."""
    source, target = folder / "source.txt", folder / "store.h5"
    source.write_bytes(text)
    target.unlink(missing_ok=True)
    try:
        expected = read_text(text, **options)
    except ReferenceError as refused:
        with pytest.raises(glovestore.TextFormatError) as caught:
            glovestore.build(source, target, durable=False, format="text", **options)
        assert_error_is(caught.value, refused, source)
        assert list(folder.iterdir()) == [source]
    else:
        report = glovestore.build(source, target, durable=False, format="text", **options)
        assert_store_is(target, report, expected)
