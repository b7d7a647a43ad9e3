"""The tokenizers of the core, against the rules in `keras_reference` and `glove_reference`, and against `str.split`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import glove_reference
import keras_reference
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glovestore import _core
from glovestore.vocabulary.lower_case import LOWER_CASE, lower_case_table
from glovestore.vocabulary.tokenizers import TOKENIZERS, glove_tokens, keras_tokens, whitespace_tokens

REFERENCES = {
    "keras": keras_reference.tokens_of,
    "whitespace": str.split,
    "glove": glove_reference.tokens_of,
}

# Characters whose lower case is longer, shorter, another for its neighbours; that are ignored there; of 1 to 4 bytes.
ODD = (
    "aB \t\x00\x1c\x7f\x85\xa0\u2028\u3000.':\u1680\u0130\u0131\u03a3\u03c3\u03c2\xdf\u1e9e\u017f\u212a\u023a\u0301"
    "\u0307\u200b\u2019\xc9\xe9\u4e2d\U0001f642\U00010400\ud83d\ude00"
)
# What the rules of "glove" speak of.
PIECES = [
    *"'.-,:` $?\"(_ab5é\n",
    *[
        "''",
        "``",
        "...",
        "--",
        "n't",
        "'s",
        "'ve",
        "'ll",
        "'em",
        "no",
        "No. ",
        "mr",
        "u.s",
        "etc.",
        "70",
        "70s",
        "1,000",
    ],
    *"‘’“”–—…‐«£、！İΣ",  # noqa: RUF001
]
any_text = st.text(st.one_of(st.sampled_from(ODD), st.integers(0, 0x10FFFF).map(chr)), max_size=60)
words = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
# Spaces and odd characters at every place of the blocks of 32 and 64 bytes that are worked on together.
long_text = st.lists(
    st.tuples(st.sampled_from(ODD), st.integers(0, 70)).map(lambda pair: pair[0] + "x" * pair[1]), max_size=12
).map("".join)
texts = st.one_of(any_text, words, long_text)


@pytest.mark.parametrize("name", TOKENIZERS)
@given(texts)
@example("")
@example("ΘΣ ΘΣ. ΘΣ'Θ .Σ Σ ΘΣ\u0301 İΣ")
@settings(max_examples=400)
def test_tokens(name, text):
    assert TOKENIZERS[name](text) == REFERENCES[name](text)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        *[("keras", pattern) for pattern in ("{}", "x{}y", "Θ{}Σ", " {}Σ", "ΘΣ{}a")],
        ("whitespace", "x{}y"),
        *[("glove", pattern) for pattern in ("x{}y", "5.{}Σ")],
    ],
)
def test_every_code_point(name, pattern):
    text = " ".join(map(pattern.format, map(chr, range(sys.maxunicode + 1))))
    assert TOKENIZERS[name](text) == REFERENCES[name](text)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("space", [" ", "\u3000"])
def test_every_length(name, space):
    for size in range(140):
        for text in (
            "x" * size,
            "x" * size + space,
            space + "x" * size,
            "x " * size,
            "É" * size + " 'S" + space,
            "x" * size + "'s x",
        ):
            assert TOKENIZERS[name](text) == REFERENCES[name](text)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokens_across_pieces(name):
    long_tokens = "A" * 5_000 + " " * 3_000 + "é" * 70_000 + " b"
    short_tokens = [" " * shift + "ab, c d.e 'S " * 200 for shift in range(70)]
    for text in (long_tokens, *short_tokens):
        assert TOKENIZERS[name](text) == REFERENCES[name](text)


def test_glove_tokens_of_all_short_texts():
    pieces = ["a", "5", ".", "-", "'", ",", " ", "no", "n't", "70s"]
    for size in range(6):
        for text in map("".join, product(pieces, repeat=size)):
            assert glove_tokens(text) == glove_reference.tokens_of(text)


def test_a_subclass_of_str_is_a_text():
    assert keras_tokens(np.str_("A b")) == glove_tokens(np.str_("A b")) == ["a", "b"]
    assert whitespace_tokens(np.str_("A b")) == ["A", "b"]


EXAMPLES = [
    ("I don't know, it's fine.", "i do n't know , it 's fine ."),
    ("I don’t know — it’s “fine”…", "i do n't know -- it 's \" fine \" ..."),
    ("They'll say we've won; can't, won't, he'd", "they 'll say we 've won ; ca n't , wo n't , he 'd"),
    ("I'm sure you're Bob's", "i 'm sure you 're bob 's"),
    ("shouldn't've", "should n't 've"),
    ("the dogs' bones, O'Neill's five o'clock", "the dogs ' bones , o'neill 's five o'clock"),
    ("a state-of-the-art - pre- -post", "a state-of-the-art - pre - - post"),
    ("1990–1995 -- a--b --- c", "1990 -- 1995 -- a -- b -- c"),  # noqa: RUF001
    ("It costs $5, or 1,000.50; 10% at 3:30.", "it costs $ 5 , or 1,000.50 ; 10 % at 3:30 ."),
    ("a,b 1, 2:x .5 $.50 x:.5", "a , b 1 , 2 : x .5 $ .50 x : .5"),
    ("Mr. J. Smith of Acme Inc., e.g. in the U.S.", "mr. j. smith of acme inc. , e.g. in the u.s."),
    ("A U.S.-based Ph.D. vs. the U.S.'s", "a u.s.-based ph.d. vs. the u.s. 's"),
    ("No. 5, no.5; I said no. And No. Vol. 2", "no. 5 , no.5 ; i said no . and no . vol. 2"),
    ("See example.com. Or .com, or the (.net", "see example.com . or .com , or the ( . net"),
    ("Wait... what.. etc... etc.", "wait ... what ... etc ... etc."),
    ("``quoted'' `x' 'y' '''z", "`` quoted '' ` x ' ' y ' '' ' z"),
    ("'Tis the '70s, '70 and '705; 'em 'n 'x", "'tis the '70s , '70 and ' 705 ; 'em 'n ' x"),
    ("AT&T and/or C++ #1 a@b.c x_y [z] {~^|\\}", "at & t and / or c + + # 1 a @ b.c x_y [ z ] { ~ ^ | \\ }"),
    ("Café «Noël» £5 ¿Qué? ½ 30°", "café « noël » £ 5 ¿ qué ? ½ 30 °"),
    ("中文、日本。（ok）！", "中文 、 日本 。 （ ok ） ！"),  # noqa: RUF001
    ("a\u00a0b\u3000c\u200bd\u00ade", "a b c\u200bd\u00ade"),
    ("İ ΟΔΟΣ. ΟΔΟΣ'", "i̇ οδος . οδος '"),
]


@pytest.mark.parametrize(("text", "tokens"), EXAMPLES)
def test_glove_examples(text, tokens):
    assert glove_tokens(text) == tokens.split(" ")
    assert glove_reference.tokens_of(text) == tokens.split(" ")


@given(texts)
def test_glove_tokens_stay_as_they_are(text):
    tokens = glove_tokens(text)
    assert glove_tokens(" ".join(tokens)) == tokens


@given(texts)
def test_glove_loses_no_character(text):
    spelled = "".join(glove_tokens(text))
    assert squeezed(spelled) == squeezed("".join(glove_reference.normalised(text).split()))


def squeezed(text):
    """Shrink runs of dots and of hyphens to one."""
    kept = [character for last, character in zip(" " + text, text) if not last == character in ".-"]  # noqa: B905
    return "".join(kept)


TREEBANK = """
who was the first u.s. president to appear on tv ?
what does the `` c '' in washington , d.c. stand for ?
what is mr. o'brien 's first name , and the dogs ' names ?
why do n't they 've got 'em , as we 'd say ... or do they 'll ?
how many of the '70s cars -- about 1,000.50 % -- cost $ 5 at 10 p.m. ?
when did st. paul jr. meet j. r. r. tolkien vs. inc. no. 5 ?
is x-ray short for state-of-the-art ( or .com ) on example.com ; a : b ?
"""


def test_tokens_of_the_treebank_stay_as_they_are():
    tokens = TREEBANK.split()
    assert glove_tokens(TREEBANK) == tokens
    assert glove_tokens(TREEBANK.upper()) == tokens


def test_threads_share_the_lower_case():
    fresh = _core.LowerCase(lower_case_table)
    text = "ÉΣ 🙂 \U00010400 " * 50
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: _core.split_text(text, "keras", fresh), range(64)))
    assert results == [keras_reference.tokens_of(text)] * 64


@pytest.mark.parametrize(
    ("text", "planes"),
    [("plain", []), ("caf\xe9", [1]), ("\u4e2d", [1]), ("\U0001f642", [17]), ("\xe9 \U0001f642", [17])],
)
def test_the_lower_case_is_made_when_needed(text, planes):
    asked = []

    def make(planes):
        asked.append(planes)
        return lower_case_table(planes)

    lower_case = _core.LowerCase(make)
    for _ in range(2):
        _core.split_text(text, "whitespace", lower_case)
    assert asked == []
    for _ in range(2):
        _core.split_text(text, "glove", lower_case)
    assert asked == planes


def test_bad_arguments():
    with pytest.raises(ValueError, match="expected one of keras, whitespace, glove, got 'spacy'"):
        _core.split_text("a", "spacy", LOWER_CASE)
    with pytest.raises(TypeError, match=r"expected a text \(str\), got bytes"):
        _core.split_text(b"a", "keras", LOWER_CASE)
    assert tuple(TOKENIZERS) == _core.TOKENIZERS


@pytest.mark.parametrize(
    ("pages", "rows", "message"),
    [
        (np.zeros(0x10FF, np.uint16), (1, 256), "not of all pages"),
        (np.zeros(0x1100, np.uint16), (1, 255), "not of all pages, or not of 256 entries"),
        (np.ones(0x1100, np.uint16), (1, 256), "a page of the lower case is out of range"),
    ],
)
def test_a_bad_lower_case(pages, rows, message):
    lower_case = _core.LowerCase(lambda planes: (pages, np.zeros(rows, np.int32)))
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            _core.split_text("é", "keras", lower_case)
