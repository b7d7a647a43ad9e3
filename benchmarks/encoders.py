"""Other ways from texts to ids, as their users write them: one class per rival, imports inside.

All of them put padding at 0 and the unknown token at 1, as `glovestore.Vocabulary` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PADDING, UNKNOWN = "<pad>", "<unk>"
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'  # Keras' default

Ids = NDArray[np.int64]


class KerasAlgorithm:
    """What the Keras `Tokenizer` and `pad_sequences` do, written from their documentation and leaner than they are.

    (They also count the texts that a token is in, which nothing here needs.) `max_size` tokens and the unknown one.
    """

    def __init__(self, max_size: int | None = None) -> None:
        self.max_size = max_size
        self.word_index: dict[str, int] = {}
        self.to_spaces = str.maketrans(dict.fromkeys(FILTERS, " "))

    def words(self, text: str) -> list[str]:
        """Lower-case, filter, split on spaces."""
        return [word for word in text.lower().translate(self.to_spaces).split(" ") if word]

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """Count the words of some texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.words(text))
        return counts

    def fit_on_texts(self, texts: Iterable[str]) -> None:
        """Number the words: the most frequent one first, of equals the one seen first."""
        counts = sorted(self.count(texts).items(), key=lambda pair: pair[1], reverse=True)
        self.word_index = {word: index for index, word in enumerate([UNKNOWN, *(word for word, _ in counts)], 1)}

    def texts_to_sequences(self, texts: Iterable[str]) -> list[list[int]]:
        """Look the words up; those beyond `max_size` are unknown."""
        limit = len(self.word_index) + 1 if self.max_size is None else self.max_size + 2
        sequences = []
        for text in texts:
            sequence = []
            for word in self.words(text):
                index = self.word_index.get(word)
                sequence.append(index if index is not None and index < limit else 1)
            sequences.append(sequence)
        return sequences

    def encode(self, texts: Iterable[str], max_len: int | None) -> Ids:
        """Make the padded matrix."""
        return padded(self.texts_to_sequences(texts), max_len)


def padded(sequences: Sequence[Sequence[int]], max_len: int | None) -> Ids:
    """Cut and pad at the end, as `pad_sequences(padding="post", truncating="post")` does."""
    width = max(map(len, sequences), default=0) if max_len is None else max_len
    ids = np.zeros((len(sequences), width), np.int64)
    for row, sequence in enumerate(sequences):
        kept = sequence[:width]
        ids[row, : len(kept)] = kept
    return ids


class HuggingFace:
    """A WordLevel tokenizer of Hugging Face's `tokenizers` with the ids of a vocabulary.

    `rules`: "keras" lower-cases and splits at Keras' filters and spaces, by a regular expression, which is the only way
    there to have these rules; "whitespace" only splits at white space, which is the fastest it has.
    """

    def __init__(self, tokens: Iterable[str], rules: str = "keras") -> None:
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel

        word_level: Any = WordLevel({token: index for index, token in enumerate(tokens)}, unk_token=UNKNOWN)
        self.tokenizer: Any = with_rules(Tokenizer(word_level), rules)

    def encode(self, texts: Sequence[str], max_len: int | None) -> Ids:
        """Make the padded matrix; cut and padded there, which is faster than to do it in Python."""
        self.tokenizer.no_truncation()
        if max_len is not None:
            self.tokenizer.enable_truncation(max_len)
        self.tokenizer.enable_padding(pad_id=0, pad_token=PADDING, length=max_len)
        return np.array([encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)], np.int64)


def with_rules(tokenizer: Any, rules: str) -> Any:
    """Give a tokenizer of Hugging Face's its rules."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    if rules == "keras":
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(f"[{re.escape(FILTERS)} ]+"), "removed")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def train_hugging_face(texts: Iterable[str], max_size: int) -> dict[str, int]:
    """Make a WordLevel vocabulary of the most frequent tokens under Keras' rules."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.trainers import WordLevelTrainer

    tokenizer: Any = with_rules(Tokenizer(WordLevel(unk_token=UNKNOWN)), "keras")
    trainer: Any = WordLevelTrainer(vocab_size=max_size + 2, special_tokens=[PADDING, UNKNOWN], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return vocabulary


def fit_scikit_learn(texts: Iterable[str]) -> dict[str, int]:
    """Make the vocabulary of scikit-learn's `CountVectorizer`, with Keras' rules as its pattern of a token."""
    from sklearn.feature_extraction.text import CountVectorizer

    vocabulary: dict[str, int] = CountVectorizer(token_pattern=f"[^{re.escape(FILTERS)} ]+").fit(texts).vocabulary_
    return vocabulary
