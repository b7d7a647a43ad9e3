"""Texts to a vocabulary, and to ids: MB of UTF-8 a second, beside other tokenizers under the same rules.

    pytest benchmarks/test_encode.py --benchmark-only --texts FILE

The file has a text in every line, behind a label and a tab or alone; without one, texts are generated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from corpus import Corpus, arrow_column, difficult
from encoders import (
    UNKNOWN,
    HuggingFace,
    Ids,
    KerasAlgorithm,
    fit_scikit_learn,
    padded,
    train_hugging_face,
)
from measuring import Measure, Task

import glovestore

MAX_SIZE = 20_000
ONE_WORD_TEXTS = 200_000
SAMPLED = 50  # texts that are looked at one by one
DIFFICULT = ("not ASCII", "one word", "one text")


class Fitted:
    """A corpus with our vocabulary of it, and the Keras algorithm's."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.vocabulary = glovestore.Vocabulary.fit(corpus.texts, max_size=MAX_SIZE)
        self.keras = KerasAlgorithm(MAX_SIZE)
        self.keras.fit_on_texts(corpus.texts)

    def task(self, what: str) -> Task:
        """Name a group."""
        return Task(what.format(self.corpus.title), self.corpus.megabytes, "MB/s")


@pytest.fixture(scope="module")
def fitted(corpus: Corpus) -> Fitted:
    """The corpus, fitted."""
    return Fitted(corpus)


@pytest.fixture(scope="module")
def fitted_difficult(corpus: Corpus) -> Callable[[str], Fitted]:
    """Make one of the difficult inputs out of the corpus, and fit it, once."""
    inputs, done = difficult(corpus.texts, ONE_WORD_TEXTS), dict[str, Fitted]()

    def fit(name: str) -> Fitted:
        if name not in done:
            done[name] = Fitted(inputs[name])
        return done[name]

    return fit


def slow_measure(
    measure: Measure,
    task: Task,
    what: str,
    function: Callable[[], Any],
    check: Callable[[Any], Any],
    rounds: int = 3,
) -> None:
    """Measure what takes a second, and is not faster the second time."""
    measure(task, what, function, check, rounds=rounds, warmup_rounds=0)


# --- texts -> vocabulary ---------------------------------------------------------------------------------------------

FIT = f"a vocabulary of {MAX_SIZE:,} tokens from {{}}"


def test_fit(measure: Measure, fitted: Fitted) -> None:
    texts = fitted.corpus.texts

    def check(vocabulary: glovestore.Vocabulary) -> None:
        expected = list(fitted.keras.word_index.items())[: MAX_SIZE + 1]
        assert list(vocabulary.word_index.items()) == expected

    what = "Vocabulary.fit"
    fit = glovestore.Vocabulary.fit
    measure(fitted.task(FIT), what, lambda: fit(texts, max_size=MAX_SIZE), check, rounds=7, baseline=True)


def test_count_tokens(measure: Measure, fitted: Fitted) -> None:
    texts = fitted.corpus.texts

    def check(counts: glovestore.TokenCounts) -> None:
        assert counts == fitted.keras.count(texts)
        assert counts.texts == len(texts)

    measure(fitted.task(FIT), "count_tokens", lambda: glovestore.count_tokens(texts), check, rounds=7)


@pytest.mark.parametrize("tokenizer", ["whitespace", "glove"])
def test_fit_with(measure: Measure, fitted: Fitted, tokenizer: str) -> None:
    texts = fitted.corpus.texts

    def check(vocabulary: glovestore.Vocabulary) -> None:
        counts = glovestore.count_tokens(texts, tokenizer)
        if tokenizer == "whitespace":
            assert counts == Counter(word for text in texts for word in text.split())
        assert list(vocabulary.tokens[2:]) == [token for token, _ in counts.most_common(MAX_SIZE)]

    what = f'Vocabulary.fit(tokenizer="{tokenizer}")'
    fit = glovestore.Vocabulary.fit
    measure(fitted.task(FIT), what, lambda: fit(texts, tokenizer, max_size=MAX_SIZE), check, rounds=5)


def test_fit_keras_algorithm(measure: Measure, fitted: Fitted) -> None:
    def fit() -> KerasAlgorithm:
        keras = KerasAlgorithm(MAX_SIZE)
        keras.fit_on_texts(fitted.corpus.texts)
        return keras

    def check(keras: KerasAlgorithm) -> None:
        assert list(keras.word_index)[: MAX_SIZE + 1] == list(fitted.vocabulary.tokens[1:])

    slow_measure(measure, fitted.task(FIT), "Keras algorithm: fit_on_texts", fit, check)


def test_fit_hugging_face(measure: Measure, fitted: Fitted) -> None:
    pytest.importorskip("tokenizers")
    texts = fitted.corpus.texts

    def check(vocabulary: dict[str, int]) -> str:
        counts = dict(zip(fitted.vocabulary.tokens, fitted.vocabulary.counts or (), strict=True))
        least = min(list(counts.values())[2:])
        assert len(vocabulary) == len(counts)
        assert {token for token, count in counts.items() if count > least} <= vocabulary.keys()
        return "breaks ties differently"

    what = "Hugging Face: WordLevelTrainer"
    slow_measure(measure, fitted.task(FIT), what, lambda: train_hugging_face(texts, MAX_SIZE), check)


def test_fit_scikit_learn(measure: Measure, fitted: Fitted) -> None:
    pytest.importorskip("sklearn")
    texts = fitted.corpus.texts

    def check(vocabulary: dict[str, int]) -> str:
        assert vocabulary.keys() == fitted.keras.word_index.keys() - {UNKNOWN}
        return "all tokens, sorted by name"

    what = "scikit-learn: CountVectorizer.fit"
    slow_measure(measure, fitted.task(FIT), what, lambda: fit_scikit_learn(texts), check, rounds=1)


# --- texts -> ids ----------------------------------------------------------------------------------------------------

ENCODE = "ids of {}, padded"
RAGGED = "ids of {}, not padded"


def equal_to(expected: Ids) -> Callable[[Ids], None]:
    def check(ids: Ids) -> None:
        assert np.array_equal(ids, expected)

    return check


def test_encode(measure: Measure, fitted: Fitted) -> None:
    texts, max_len = fitted.corpus.texts, fitted.corpus.max_len
    expected = equal_to(fitted.keras.encode(texts, max_len))
    vocabulary = fitted.vocabulary
    what = f"encode(max_len={max_len})"
    measure(fitted.task(ENCODE), what, lambda: vocabulary.encode(texts, max_len), expected, rounds=7, baseline=True)


@pytest.mark.parametrize("tokenizer", ["whitespace", "glove"])
def test_encode_with(measure: Measure, fitted: Fitted, tokenizer: str) -> None:
    texts, max_len = fitted.corpus.texts, fitted.corpus.max_len
    vocabulary = glovestore.Vocabulary.fit(texts, tokenizer, max_size=MAX_SIZE)

    def check(ids: Ids) -> None:
        if tokenizer == "whitespace":
            sequences = [[vocabulary.word_index.get(token, 1) for token in text.split()] for text in texts]
            assert np.array_equal(ids, padded(sequences, max_len))
        check_counts(vocabulary, texts[:SAMPLED])

    what = f'encode(max_len={max_len}), tokenizer="{tokenizer}"'
    measure(fitted.task(ENCODE), what, lambda: vocabulary.encode(texts, max_len), check, rounds=5)


def check_counts(vocabulary: glovestore.Vocabulary, texts: Iterable[str]) -> None:
    """Check that texts have the ids of the tokens that are counted in them."""
    for text in texts:
        [ids] = vocabulary.encode([text])
        expected: Counter[int] = Counter()
        for token, count in glovestore.count_tokens([text], vocabulary.tokenizer).items():
            expected[vocabulary.word_index.get(token, 1)] += count
        assert Counter(ids.tolist()) == expected


def test_encode_keras_algorithm(measure: Measure, fitted: Fitted) -> None:
    texts, max_len = fitted.corpus.texts, fitted.corpus.max_len
    expected = equal_to(fitted.vocabulary.encode(texts, max_len))
    what = "Keras algorithm: texts_to_sequences, pad_sequences"
    slow_measure(measure, fitted.task(ENCODE), what, lambda: fitted.keras.encode(texts, max_len), expected)


@pytest.mark.parametrize(("rules", "parallel"), [("keras", "true"), ("keras", "false"), ("whitespace", "true")])
def test_encode_hugging_face(
    measure: Measure, fitted: Fitted, monkeypatch: pytest.MonkeyPatch, rules: str, parallel: str
) -> None:
    pytest.importorskip("tokenizers")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", parallel)
    texts, max_len = fitted.corpus.texts, fitted.corpus.max_len
    vocabulary = glovestore.Vocabulary.fit(texts, rules, max_size=MAX_SIZE)
    hugging_face = HuggingFace(vocabulary.tokens, rules)
    expected = vocabulary.encode(texts, max_len)

    def check(ids: Ids) -> None:
        """Compare texts that both split alike: U+001C to U+001F are white space to Python alone."""
        alike = [row for row, text in enumerate(texts) if not any("\x1c" <= letter <= "\x1f" for letter in set(text))]
        assert np.array_equal(ids[alike], expected[alike])

    names = {
        "keras": "Keras' rules",
        "whitespace": "split at white space",
        "true": "all threads",
        "false": "one thread",
    }
    what = f"Hugging Face: encode_batch_fast, {names[rules]}, {names[parallel]}"
    slow_measure(measure, fitted.task(ENCODE), what, lambda: hugging_face.encode(texts, max_len), check)


def test_encode_ragged(measure: Measure, fitted: Fitted) -> None:
    texts, vocabulary = fitted.corpus.texts, fitted.vocabulary

    def check(ragged: tuple[Ids, Ids]) -> None:
        check_ragged(ragged, fitted.keras.texts_to_sequences(texts))

    what = "encode_ragged"
    measure(fitted.task(RAGGED), what, lambda: vocabulary.encode_ragged(texts), check, rounds=7, baseline=True)


def test_ragged_keras_algorithm(measure: Measure, fitted: Fitted) -> None:
    texts, vocabulary = fitted.corpus.texts, fitted.vocabulary

    def check(sequences: list[list[int]]) -> None:
        check_ragged(vocabulary.encode_ragged(texts), sequences)

    what = "Keras algorithm: texts_to_sequences"
    slow_measure(measure, fitted.task(RAGGED), what, lambda: fitted.keras.texts_to_sequences(texts), check)


def check_ragged(ragged: tuple[Ids, Ids], sequences: list[list[int]]) -> None:
    values, offsets = ragged
    assert np.diff(offsets).tolist() == list(map(len, sequences))
    assert values.tolist() == [index for sequence in sequences for index in sequence]


# --- other texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["glovestore", "Keras algorithm"])
@pytest.mark.parametrize("name", DIFFICULT)
def test_difficult(measure: Measure, fitted_difficult: Callable[[str], Fitted], name: str, who: str) -> None:
    fitted = fitted_difficult(name)
    texts, max_len = fitted.corpus.texts, fitted.corpus.max_len
    encoders: dict[str, Callable[..., Ids]] = {
        "glovestore": fitted.vocabulary.encode,
        "Keras algorithm": fitted.keras.encode,
    }
    encode = encoders.pop(who)
    [other] = encoders.values()
    expected = equal_to(other(texts, max_len))
    ours = who == "glovestore"
    measure(
        fitted.task(ENCODE),
        f"{who}: encode",
        lambda: encode(texts, max_len),
        expected,
        rounds=5 if ours else 2,
        warmup_rounds=int(ours),
        baseline=ours,
    )


@pytest.mark.parametrize("who", ["glovestore", "Keras algorithm"])
def test_arrow_column(measure: Measure, fitted: Fitted, who: str) -> None:
    pytest.importorskip("pyarrow")
    texts, max_len = fitted.corpus.texts, fitted.corpus.max_len
    column: Any = arrow_column(texts)
    functions: dict[str, tuple[str, Callable[[], Ids]]] = {
        "glovestore": ("glovestore: encode(column)", lambda: fitted.vocabulary.encode(column, max_len)),
        "Keras algorithm": (
            "Keras algorithm: encode(column.to_pylist())",
            lambda: fitted.keras.encode(column.to_pylist(), max_len),
        ),
    }
    what, encode = functions[who]
    expected = equal_to(fitted.vocabulary.encode(texts, max_len))
    task = fitted.task("ids of {}, from an Arrow column, padded")
    measure(task, what, encode, expected, rounds=5 if who == "glovestore" else 3, baseline=who == "glovestore")
