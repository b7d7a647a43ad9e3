"""OOV policies and fallbacks, one by one."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
import unicodedata
from typing import Any

import numpy as np
import pytest
from matrix_reference import RULES, VECTORS, DictFind, normal_reference, quiet, source

from glovestore import _core
from glovestore.errors import CoverageWarning
from glovestore.matrix import FALLBACKS, Coverage, make_matrix


@pytest.mark.parametrize("token", ["zzz", b"zzz", "\udcfe", b"\xfe", "\ud800", "x" * 10_000])
def test_normal_is_the_documented_generator(token: str | bytes) -> None:
    m = make_matrix([token, "the", "of"], source(), oov="normal")
    np.testing.assert_array_equal(m.array[0], normal_reference(token))


@pytest.mark.parametrize("tier", _core.SIMD_TIERS)
@pytest.mark.parametrize("threads", [1, 3])
def test_normal_is_the_same_in_every_tier(tier: str, threads: int) -> None:
    dim, tokens = 37, [f"token {i}" for i in range(3000)]
    mean, std = np.linspace(-1, 1, dim), np.linspace(0, 2, dim)
    out, expected = (np.full((len(tokens), dim), np.nan, np.float32) for _ in range(2))
    _core.normal_vectors(_core.Strings.of_objects(tokens), mean, std, out, threads, tier)
    _core.normal_vectors(_core.Strings.of_objects(tokens), mean, std, expected, 1, "scalar")
    np.testing.assert_array_equal(out, expected)
    assert abs(((out - mean) / np.where(std > 0, std, 1)).mean()) < 0.01


def test_normal_depends_on_the_token_alone_and_leaves_global_random_state() -> None:
    before = pickle.dumps((np.random.get_state(), random.getstate()))
    first = quiet(["aaa", "bbb"], oov="normal").array
    second = quiet(["the", "bbb", "ccc", b"aaa"], oov="normal").array
    np.testing.assert_array_equal(first, second[[3, 1]])
    assert not np.array_equal(first[0], first[1])
    assert pickle.dumps((np.random.get_state(), random.getstate())) == before


def test_callable_gets_each_missing_token_as_str() -> None:
    seen: list[str] = []

    def oov(token: str) -> list[float]:
        seen.append(token)
        return [1, 2, 3]

    quiet(["the", b"\xfe", "<pad>", "THE", "zzz"], oov=oov, fallbacks=["lower"])
    assert seen == ["\udcfe", "zzz"]


def test_error_names_the_first_missing_and_how_many() -> None:
    with pytest.raises(KeyError) as caught:
        make_matrix([*"abcdefg", "the"], source(), oov="error")
    expected = "oov='error': expected a row for every token, 7 have none: 'a', 'b', 'c', 'd', 'e', ..."
    assert str(caught.value) == f'"{expected}"'  # a KeyError shows its argument's repr
    assert make_matrix(["THE", "of"], source(), oov="error", fallbacks=["lower"]).coverage.missing == 0


@pytest.mark.parametrize(
    ("oov", "error", "message"),
    [
        ("zero", ValueError, "'auto', 'zeros', .*, 'subword', 'error', a vector or a callable; got 'zero'"),
        (np.zeros(4), ValueError, r"shape \(3,\), got shape \(4,\)"),
        (np.zeros((1, 3)), ValueError, r"shape \(3,\), got shape \(1, 3\)"),
        (0.0, ValueError, r"shape \(3,\), got shape \(\)"),
        ([[1, 2], [3]], ValueError, r"shape \(3,\), got a list"),
        (None, TypeError, "3 numbers, got NoneType None"),
        (["a", "b", "c"], TypeError, "3 numbers, got list"),
        ([1j, 2, 3], TypeError, "3 numbers, got list"),
    ],
)
def test_bad_policies_are_refused(oov: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"oov: expected .*{message}"):
        make_matrix(["the"], source(), oov=oov)  # although nothing is missing


def test_unk_needs_a_row() -> None:
    with pytest.raises(ValueError, match="oov='unk': expected a row for '<unk>' in the store, which has none"):
        make_matrix(["the"], source(["the", "of"]), oov="unk")


def test_a_callable_that_returns_the_wrong_shape_is_named_with_the_token() -> None:
    with pytest.raises(ValueError, match=r"oov\('zzz'\): expected a vector of shape \(3,\), got shape \(2,\)"):
        make_matrix(["the", "zzz"], source(), oov=lambda token: np.zeros(2))
    with pytest.raises(TypeError, match=r"oov\('zzz'\): expected a vector of 3 numbers, got NoneType"):
        make_matrix(["the", "zzz"], source(), oov=lambda token: None)


def test_fallbacks_are_tried_in_order_each_on_the_original_token() -> None:
    # U+FF26 U+FF29 is "fi" in full-width capitals: it takes both rules at once, which no single one does.
    vocab = ["\uff26\uff29", "FI", "\ufb01", "\uff21"]
    both = quiet(vocab, fallbacks=["lower", "nfkc"])
    assert both.coverage == Coverage(4, 0, {"lower": 1, "nfkc": 2}, 1, ("\uff26\uff29",))
    np.testing.assert_array_equal(both.array[1:], VECTORS[[10, 10, 11]])

    def joint(token: str) -> str:
        return unicodedata.normalize("NFKC", token).lower()

    assert quiet(vocab, fallbacks=[joint, "nfkc"]).coverage.by_rule == {"joint": 3, "nfkc": 1}


def test_fallbacks_ask_only_for_other_spellings_of_what_is_missing_in_one_request_each() -> None:
    from_dict = source()
    make_matrix(["the", "THE", "zzz", b"OF", "cat"], from_dict, fallbacks=["nfkc", str.swapcase, "lower"])
    assert isinstance(from_dict.find, DictFind)
    assert from_dict.find.requests == [
        ["the", "THE", "zzz", b"OF", "cat"],
        ["the", "ZZZ", "of"],
    ]


SPELLINGS = {
    "lower": {"The": "the", "\u0130": "i\u0307", "the": "the"},
    "nfkc": {"\ufb01": "fi", "\uff21": "A", "e\u0301": "\u00e9", "the": "the"},
    "strip_accents": {
        "caf\u00e9": "cafe",
        "cafe\u0301": "cafe",
        "\u00c5ngstr\u00f6m": "Angstrom",
        "\u1ec7": "e",  # two marks
        "\ud55c": "\ud55c",  # put together again: its parts are no marks
        "\u00f8": "\u00f8",  # a letter of its own, by Unicode
        "\u0301": "",
        "\udcff": "\udcff",
    },
    "digits_to_zero": {
        "1984": "0000",
        "3.14": "0.00",
        "\u0664\u0662": "00",
        "\u00b2": "\u00b2",
        "B2B": "B0B",
        "x": "x",
    },
    "digits_to_hash": {
        "1984": "####",
        "15.80": "##.##",
        "7:30": "#:##",
        "F16": "F##",
        "\u0664\u0662": "##",
        "7": "7",
        "B2B": "B2B",
        "x": "x",
    },
    "strip_punctuation": {
        "hello!": "hello",
        "\u201chello,\u201d": "hello",
        "$5": "5",
        "(U.S.)": "U.S",
        "it's": "it's",
        "...": "...",
        "a ": "a ",
        "": "",
    },
    "strip_possessive": {
        "dog's": "dog",
        "dog\u2019s": "dog",
        "DOG'S": "DOG",
        "dogs'": "dogs",
        "dogs\u2019": "dogs",
        "dog'": "dog'",
        "dog's\n": "dog's\n",
        "\n's": "\n",
        "'s": "'s",
        "s'": "s",
        "'": "'",
    },
}


@pytest.mark.parametrize("name", FALLBACKS)
def test_the_fallbacks_of_this_version(name: str) -> None:
    assert {token: FALLBACKS[name](token) for token in SPELLINGS[name]} == SPELLINGS[name]


def test_the_order_of_the_fallbacks() -> None:
    """It breaks ties in the advice of a CoverageWarning."""
    assert list(FALLBACKS) == list(SPELLINGS) == list(RULES)


def test_an_empty_spelling_does_not_find_the_empty_token() -> None:
    def nothing(token: str) -> str:
        return ""

    vocab = ["", "\u0301", "zzz"]
    m = quiet(vocab, fallbacks=["strip_accents", nothing])
    assert m.coverage == Coverage(3, 1, {"strip_accents": 0, "nothing": 0}, 2, ("\u0301", "zzz"))
    with pytest.warns(CoverageWarning, match="no fallback would find any of the missing"):
        make_matrix(vocab, source())


def test_the_tables_of_unicode_are_loaded_when_a_fallback_needs_them() -> None:
    code = (
        "import sys, glovestore.matrix as m; assert 'unicodedata' not in sys.modules; "
        "assert m.FALLBACKS['strip_accents']('\\u00e9') == 'e'; assert 'unicodedata' in sys.modules"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


@pytest.mark.parametrize(
    ("fallbacks", "error", "message"),
    [
        ("lower", TypeError, "fallbacks: expected a list .*got 'lower'"),
        (str.lower, TypeError, "fallbacks: expected a list .*got <method 'lower'"),
        (None, TypeError, "fallbacks: expected a list .*got None"),
        (
            ["nfkc", "upper"],
            ValueError,
            r"fallbacks\[1\]: expected one of 'lower', 'nfkc', .*'strip_possessive'; got 'upper'",
        ),
        ([3], TypeError, r"fallbacks\[0\]: expected a name or a callable, got int"),
    ],
)
def test_bad_fallbacks_are_refused(fallbacks: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_matrix(["the"], source(), fallbacks=fallbacks)


def test_a_fallback_that_returns_no_str_is_named_with_the_token() -> None:
    def broken(token: str) -> Any:
        return None

    with pytest.raises(TypeError, match=r"fallback broken\('zzz'\): expected a str, got NoneType"):
        make_matrix(["the", "zzz"], source(), fallbacks=[broken])
