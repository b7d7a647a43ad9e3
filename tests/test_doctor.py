"""The coverage doctor beside the slow and obvious: `apply_fallbacks` for every rule, and every prefix of an order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matrix_reference import RULES, TOKENS, DictFind, quiet

from glovestore.matrix import FALLBACKS, ResolvedVocab
from glovestore.matrix.doctor import Diagnosis, Win, best_order, diagnose
from glovestore.matrix.fallbacks import apply_fallbacks, resolve_fallbacks
from glovestore.strings import as_strings
from glovestore.vocabulary import Vocabulary

FIND = DictFind(TOKENS)
SOME = [
    "The",
    "\ufb01",
    "caf\u00e9",
    "\u00c9",
    "Caf\u00e9!",
    "7",
    "42",
    "OF!",
    "cat's",
    "CAT'S",
    "(dog)",
    "DOGS'",
    "zzz",
]
SOME += ["!!", "", "s'", "the", "cat", "<unk>", "\udcff", "\ud800", "2.71", "THE,OF", "\uff23\uff21\uff34", "\u0665"]
COUNTED = st.lists(st.tuples(st.sampled_from(SOME), st.integers(0, 9)), unique_by=lambda pair: pair[0])
NAMES = list(FALLBACKS)


def counted(pairs: Sequence[tuple[str, int]]) -> ResolvedVocab:
    """Return a vocabulary of these tokens, each of which stands so often in texts."""
    tokens = [token for token, _ in pairs]
    counts = np.array([count for _, count in pairs], np.int64)
    return ResolvedVocab(as_strings(tokens), None, len(tokens), None, None, counts)


def won_by(names: Sequence[str], tokens: Sequence[str]) -> list[bool]:
    """Say which of the tokens are found with these fallbacks."""
    return [bool(row >= 0) for row in apply_fallbacks(resolve_fallbacks(names), FIND, tokens)[0]]


def reference(pairs: Sequence[tuple[str, int]], in_use: Sequence[str], known: bool) -> dict[str, Any]:
    """Work out the advice: the coverage of every prefix, from the start each time."""
    found = {to: to in TOKENS for to, _ in pairs}
    missing = [(token, count) for token, count in pairs if not found[token]]
    left = [won for won in won_by(in_use, [token for token, _ in missing])]
    missing = [pair for pair, won in zip(missing, left, strict=True) if not won]
    tokens = [token for token, _ in missing]

    def gain(names: Sequence[str], before: Sequence[str] = ()) -> tuple[int, int, list[str] | None]:
        """Return tokens, occurrences and the best example of what `names` find and `before` do not."""
        new = [
            pair
            for pair, now, then in zip(missing, won_by(names, tokens), won_by(before, tokens), strict=True)
            if now and not then
        ]
        top = max((count if known else 1 for _, count in new), default=0)
        best = next((token for token, count in new if (count if known else 1) == top), None)
        example = None if best is None else [best, RULES[names[-1]](best)]
        return len(new), sum(count if known else 1 for _, count in new), example

    order: list[str] = []
    steps = []
    while True:
        gains = [(name, *gain([*order, name], order)) for name in NAMES]
        useful = [entry for entry in gains if entry[1]]
        if not useful:
            break
        best = max(entry[2] for entry in useful)
        step = next(entry for entry in useful if entry[2] == best)
        order.append(step[0])
        steps.append(step)

    def plain(entry: tuple[str, int, int, Any]) -> dict[str, Any]:
        occurrences = {"occurrences": entry[2]} if known else {}
        return {"fallback": entry[0], "tokens": entry[1], **occurrences, "example": entry[3]}

    ranked = sorted(missing, key=lambda pair: -pair[1]) if known else missing
    return {
        "missing_tokens": [token for token, _ in ranked],
        **({"missing_counts": [count for _, count in ranked]} if known else {}),
        "alone": [plain((name, *gain([name]))) for name in NAMES],
        "in_order": [plain(step) for step in steps],
        "fallbacks": [*in_use, *order],
    }


@given(COUNTED, st.lists(st.sampled_from(NAMES), max_size=2, unique=True), st.booleans())
@example([("The", 0), ("zzz", 0)], [], True)
@example([(token, 9 - i % 10) for i, token in enumerate(SOME)], [], True)
@example([(token, 1) for token in SOME], ["lower"], False)
def test_the_advice_is_what_trying_everything_gives(
    pairs: list[tuple[str, int]], in_use: list[str], known: bool
) -> None:
    vocab: Any = counted(pairs) if known else [token for token, _ in pairs]
    diagnosis = diagnose(vocab, FIND, in_use)
    document = diagnosis.to_dict()
    expected = reference(pairs, in_use, known)
    assert {name: document[name] for name in expected} == expected
    assert diagnosis.coverage == quiet(vocab, fallbacks=in_use).coverage
    assert diagnosis.advised == quiet(vocab, fallbacks=diagnosis.fallbacks).coverage


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=5), st.data())
def test_the_order_is_greedy_and_of_equals_the_first(found: list[list[bool]], data: st.DataObject) -> None:
    counts = data.draw(st.none() | st.lists(st.integers(0, 3), min_size=6, max_size=6))
    order = best_order(np.array(found), None if counts is None else np.array(counts, np.int64))
    weights = counts or [1] * 6
    left = set(range(6))
    for rule, won in order:
        new = [{i for i in left if row[i]} for row in found]
        gains = [sum(weights[i] for i in some) if some else -1 for some in new]
        assert rule == gains.index(max(gains))
        assert set(np.flatnonzero(won).tolist()) == new[rule] != set()
        left -= new[rule]
    assert not any(row[i] for row in found for i in left)


def test_each_missing_token_is_looked_up_once_a_rule() -> None:
    find = DictFind(TOKENS)
    diagnose(SOME, find)
    assert len(find.requests) <= 1 + len(FALLBACKS)
    assert sum(map(len, find.requests)) <= len(SOME) * (1 + len(FALLBACKS))


def test_a_vocabulary_made_from_texts_is_advised_by_its_occurrences() -> None:
    texts = [["The"] * 2 + ["OF", "CAT"] + ["cat's"] * 9 + ["zzz"] * 5 + ["<unk>"] * 99 + ["the"]]
    diagnosis = diagnose(Vocabulary.fit(texts, tokenizer="whitespace"), FIND)
    assert diagnosis.fallbacks == ("strip_possessive", "lower")
    assert diagnosis.in_order == (
        Win("strip_possessive", 1, 9, ("cat's", "cat")),
        Win("lower", 3, 4, ("The", "the")),
    )
    assert (diagnosis.missing[:2], diagnosis.missing_counts) == (("cat's", "zzz"), (9, 5, 2, 1, 1))
    assert (diagnosis.coverage.occurrences, diagnosis.advised.occurrences_found) == (19, 14)
    by_tokens = diagnose(["The", "OF", "CAT", "cat's", "zzz"], FIND)
    assert by_tokens.fallbacks == ("lower", "strip_possessive")
    assert {win.occurrences for win in by_tokens.alone} == {None}


def test_nulls_and_padding_have_no_spelling() -> None:
    """The store has an empty token, which a null is not."""
    pyarrow = pytest.importorskip("pyarrow")
    diagnosis = diagnose(pyarrow.array(["<pad>", None, "THE"]), FIND)
    assert (diagnosis.coverage.total, diagnosis.fallbacks) == (2, ("lower",))
    assert [win.tokens for win in diagnosis.alone] == [1, 0, 0, 0, 0, 0, 0]


def test_of_nothing_there_is_nothing_to_say() -> None:
    for vocab in ([], ["the"], ["zzz"]):
        diagnosis = diagnose(vocab, FIND)
        assert (diagnosis.in_order, diagnosis.fallbacks, diagnosis.advised) == ((), (), diagnosis.coverage)


def test_a_diagnosis_is_plain_values_and_frozen() -> None:
    diagnosis = diagnose(counted([("THE", 3), ("zzz", 4)]), FIND, ["nfkc"])
    told = diagnosis.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["missing_tokens"] == ["zzz", "THE"]
    assert told["advised"] == {
        "total": 2,
        "found": 0,
        "by_rule": {"nfkc": 0, "lower": 1},
        "missing": 1,
        "fraction": 0.5,
        "occurrences": 7,
        "occurrences_found": 3,
    }
    with pytest.raises(AttributeError):
        diagnosis.fallbacks = ()  # type: ignore[misc]
    assert isinstance(diagnosis, Diagnosis)


def test_unknown_fallbacks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"fallbacks\[0\]: expected one of 'lower', .*; got 'upper'"):
        diagnose(["the"], FIND, ["upper"])
