"""What coverage says, and when it warns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from matrix_reference import source

from glovestore.errors import CoverageWarning
from glovestore.matrix import Coverage, make_matrix
from glovestore.matrix.coverage import share
from glovestore.vocabulary import Vocabulary


def test_coverage_speaks_for_people_and_programs() -> None:
    coverage = Coverage(10_000, 9_201, {"lower": 333}, 466, tuple(f"t{i}" for i in range(466)))
    assert coverage.fraction == 0.9534
    assert str(coverage) == (
        "9,534 of 10,000 tokens found (95.3 %): 9,201 as they are, 333 by lower; "
        "466 missing: 't0', 't1', 't2', 't3', 't4', ..."
    )
    told = coverage.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert {name: told[name] for name in ("total", "found", "by_rule", "missing", "fraction")} == {
        "total": 10_000,
        "found": 9_201,
        "by_rule": {"lower": 333},
        "missing": 466,
        "fraction": 0.9534,
    }
    assert told["missing_tokens"] == [f"t{i}" for i in range(466)]


@pytest.mark.parametrize(
    ("coverage", "text"),
    [
        (Coverage(2, 2, {}, 0, ()), "2 of 2 tokens found (100.0 %)"),
        (Coverage(0, 0, {}, 0, ()), "0 of 0 tokens found (100.0 %)"),
        (Coverage(10_000, 9_999, {}, 1, ("\udcff",)), "9,999 of 10,000 tokens found (99.9 %); 1 missing: '\\udcff'"),
        (Coverage(1, 0, {}, 1, ("x" * 500,)), f"0 of 1 tokens found (0.0 %); 1 missing: '{'x' * 59}..."),
    ],
)
def test_coverage_never_rounds_up_and_is_printable(coverage: Coverage, text: str) -> None:
    assert str(coverage) == text
    str(coverage).encode("ascii")


@pytest.mark.parametrize(
    ("count", "total", "expected"), [(0, 0, "0.0 %"), (999_999, 10**6, "99.9 %"), (3, 3, "100.0 %")]
)
def test_shares_are_rounded_down(count: int, total: int, expected: str) -> None:
    assert share(count, total) == expected


def test_coverage_of_a_vocabulary_made_from_texts_counts_occurrences() -> None:
    texts = [["the"] * 6 + ["zzz"] * 2 + ["THE"] + ["rare"]]
    vocab = Vocabulary.fit(texts, tokenizer="whitespace", min_count=2, unk_token=None)
    coverage = make_matrix(vocab, source()).coverage
    assert (coverage.total, coverage.found, coverage.occurrences, coverage.occurrences_found) == (2, 1, 8, 6)
    assert str(coverage) == "1 of 2 tokens found (50.0 %); 75.0 % of their occurrences; 1 missing: 'zzz'"
    told = coverage.to_dict()
    assert (told["occurrences"], told["occurrences_found"]) == (8, 6)


def test_occurrences_count_what_fallbacks_find_and_leave_out_unk() -> None:
    vocab = Vocabulary.fit([["THE"] * 3 + ["zzz"] * 4 + ["<unk>"] * 9 + ["<pad>"]], tokenizer="whitespace")
    coverage = make_matrix(vocab, source(), fallbacks=["lower"]).coverage
    assert (coverage.occurrences, coverage.occurrences_found) == (7, 3)
    made_of_tokens = make_matrix(Vocabulary.from_tokens(["the"]), source()).coverage
    assert (made_of_tokens.occurrences, "occurrences" in made_of_tokens.to_dict()) == (None, False)


def warning_of(vocab: Any, **options: Any) -> str:
    with pytest.warns(CoverageWarning) as caught:
        make_matrix(vocab, source(), **options)
    assert [w.filename for w in caught] == [__file__]
    return str(caught[0].message)


def test_low_coverage_warns_and_names_the_best_fallback() -> None:
    assert warning_of(["the", "THE", "\ufb01", "Of", "zzz"]) == (
        "only 1 of 5 tokens found (20.0 %); missing: 'THE', '\ufb01', 'Of', 'zzz'; "
        "the fallback 'lower' would find 2 of the missing"
    )
    assert warning_of(["x", "\ufb01", "zzz"], fallbacks=["lower"]).endswith("'nfkc' would find 1 of the missing")
    assert warning_of(["x", "\ufb01", "zzz"], fallbacks=[str.lower]).endswith("'nfkc' would find 1 of the missing")
    assert warning_of(["THE", "\ufb01"]).endswith("'lower' would find 1 of the missing")  # the first of equals
    assert warning_of(["zzz"]).endswith("no fallback would find any of the missing")
    assert warning_of(["zzz"], fallbacks=["nfkc", "lower"]).endswith("no fallback would find any of the missing")


def test_advice_on_many_missing_tokens_is_about_the_first_of_them() -> None:
    tokens = ["THE"] * 3 + [f"zzz{i}" for i in range(997)] + ["OF"] * 2000
    assert warning_of(tokens).endswith("the fallback 'lower' would find 3 of the first 1,000 missing")
    assert warning_of([*tokens[3:1003], "x"]).endswith("the fallback 'lower' would find 3 of the first 1,000 missing")
    assert warning_of(["x"] * 1001).endswith("no fallback would find any of the first 1,000 missing")


def test_half_is_enough_and_padding_does_not_count() -> None:
    assert make_matrix(["the", "zzz"], source()).coverage.fraction == 0.5
    assert make_matrix(["<pad>", "the"], source()).coverage.fraction == 1.0
    assert warning_of(["<pad>", "the", "x", "y"]).startswith("only 1 of 3 tokens found (33.3 %)")
