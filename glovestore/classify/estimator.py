"""The estimator: texts and labels in, a trained RNN, predictions out, as scikit-learn does it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from glovestore.arguments import is_number, whole_number
from glovestore.classify import folder
from glovestore.classify.batches import EncodedTexts
from glovestore.classify.inputs import (
    as_labels,
    as_part,
    as_texts,
    check_not_empty,
    class_numbers,
    class_weights,
    split,
)
from glovestore.classify.token_vectors import TokenVectors, no_vectors, vectors_of
from glovestore.classify.training import Course, Settings, logits_of, train
from glovestore.errors import GlovestoreError
from glovestore.matrix.fallbacks import Rule
from glovestore.matrix.oov import Oov, resolve_oov, without_auto
from glovestore.matrix.vectors import Vectors
from glovestore.opening import open
from glovestore.store import EmbeddingStore
from glovestore.torch import RNNClassifier
from glovestore.torch.rnn import Kind
from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.tokenizers import Text, Tokenizer

MANY_TOKENS = 200_000  # in the training texts: from here on fewer epochs do
BLOCK = 4096  # texts that are predicted with one table of vectors

Part = tuple[list[Text], NDArray[Any]]  # texts and their labels

Embeddings = Literal["tuned", "frozen", "random"]
EMBEDDINGS = ("tuned", "frozen", "random")


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An RNN text classifier on pretrained vectors, as a scikit-learn estimator.

        classifier = TextClassifier("glove.h5").fit(texts, labels)
        classifier.predict(["What is an atom ?"])

    Texts are `str`, or lists of tokens. Every token of the training texts gets a vector of its own, which starts as
    the store's and is trained. At prediction, tokens that were not seen in training take the store's vectors as they
    are: the vocabulary is never closed.

    Parameters
    ----------
    store
        The pretrained vectors: an open `EmbeddingStore`, or the path of one.
    tokenizer
        "glove" (lower-cased, with punctuation and clitics as tokens of their own), "keras", "whitespace" or a callable.
    oov, fallbacks
        The vectors of tokens that the store lacks, and other spellings to look them up under, as in `store.matrix`.
        With "subword" or "auto", a saved model that is loaded without that store gives them zeros: its own
        `extra_tokens` have no subwords, which may be gigabytes.
    embeddings
        "tuned" trains the vectors too, "frozen" leaves them as they are, "random" starts with noise in their place.
    rnn, units, layers, bidirectional, pooling, dropout
        The model: see `RNNClassifier`.
    max_len
        Tokens of a text that are read; what comes behind is not.
    epochs
        How many at most; None stands for 12, for 8 above 200,000 training tokens.
    batch_size, learning_rate, clip, averaging
        Texts a step; of AdamW, without weight decay; the largest norm of a gradient; the decay of the moving average of
        the weights, which is what is validated and kept (0: the weights themselves).
    validation, patience
        The share of the texts, of each class, that is set aside to find the best epoch (0: none, the last one is kept);
        after how many epochs without a better one training stops.
    class_weight
        None, "balanced", or a mapping label -> weight.
    random_state
        An int for the same result every time on the same machine, a RandomState, or None for another one each time.
    device
        None for a GPU if there is one, else the CPU; or whatever torch takes.
    progress
        Whether to show a bar for each epoch, with loss and accuracy, on standard error.

    Attributes
    ----------
    classes_ : the labels, sorted.
    vocabulary_ : the `Vocabulary` of the training texts.
    coverage_ : the `Coverage` of that vocabulary in the store.
    module_ : the trained `RNNClassifier`, whose ids are those of `vocabulary_`.
    history_ : a dict an epoch: epoch, train_loss, train_accuracy, valid_loss, valid_accuracy, seconds.
    best_epoch_ : the number of the epoch whose weights were kept.
    interrupted_ : whether Ctrl-C ended the training.
    training_texts_ : how many texts were trained on.
    validation_ : (texts, labels) that were set aside, or given to `fit`; empty after `load`.
    store_ : the open store, None after `load` without one.

    The defaults are those that did best by validation on TREC questions and Reuters; docs/classifier.md says what was
    tried. The model follows no single paper: bidirectional LSTMs with max pooling over words vectors are the common
    baseline of text classification, averaged weights go back to Polyak and Juditsky (1992).
    """

    def __init__(
        self,
        store: EmbeddingStore | str | os.PathLike[str],
        *,
        tokenizer: Tokenizer = "glove",
        oov: Oov = "normal",
        fallbacks: Sequence[str | Rule] = (),
        embeddings: Embeddings = "tuned",
        rnn: Kind = "lstm",
        units: int = 128,
        layers: int = 1,
        bidirectional: bool = True,
        pooling: str | Sequence[str] = ("max", "last"),
        dropout: float = 0.5,
        max_len: int = 400,
        epochs: int | None = None,
        batch_size: int = 50,
        learning_rate: float = 2e-3,
        clip: float = 5.0,
        averaging: float = 0.99,
        validation: float = 0.1,
        patience: int = 4,
        class_weight: Any = None,
        random_state: int | np.random.RandomState | None = 0,
        device: str | torch.device | None = None,
        progress: bool = False,
    ) -> None:
        """Take the parameters; `fit` checks them."""
        self.store = store
        self.tokenizer = tokenizer
        self.oov = oov
        self.fallbacks = fallbacks
        self.embeddings = embeddings
        self.rnn = rnn
        self.units = units
        self.layers = layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.dropout = dropout
        self.max_len = max_len
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.clip = clip
        self.averaging = averaging
        self.validation = validation
        self.patience = patience
        self.class_weight = class_weight
        self.random_state = random_state
        self.device = device
        self.progress = progress

    # ------------------------------------------------------------------ training

    def fit(self, texts: Any, labels: Any, validation_data: tuple[Any, Any] | None = None) -> Self:
        """Train on texts and one label for each.

        `validation_data` is (texts, labels) to find the best epoch with, in place of a share of `texts`. Ctrl-C ends
        training, with a warning: the classifier then is that of the best epoch so far.

        ValueError for fewer than two classes, a text without tokens, a missing label and bad parameters; TypeError for
        what is no text; GlovestoreError if the loss is no number before the first epoch is over (later on: a warning).
        """
        self.check_parameters()
        texts = as_texts(texts)
        labels = as_labels(labels, len(texts))
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            found = f"1 class, {self.classes_[0].item()!r}" if len(labels) else "no texts"
            raise ValueError(f"labels: expected two classes or more, got {found}")
        check_not_empty(texts, self.tokenizer)
        random = check_random_state(self.random_state)
        kept, aside = self._parts(texts, labels, validation_data, random)
        self.training_texts_, self.validation_ = len(kept[0]), aside
        self.vocabulary_ = Vocabulary.fit(kept[0], self.tokenizer)
        self.vectors_ = TokenVectors(self._pretrained(), self.oov, tuple(self.fallbacks))
        matrix = self.vectors_.matrix(self.vocabulary_)
        self.coverage_ = matrix.coverage
        # Tokens that only validation texts have are in no batch: they keep the store's vectors, as at prediction.
        wider = self._with_tokens_of(aside[0])
        table = torch.from_numpy(self.vectors_.table(wider, self.vocabulary_, matrix.array))
        course = self._train(table, self._encoded(wider, *kept), self._encoded(wider, *aside), random)
        self._report(course)
        return self

    def _with_tokens_of(self, texts: list[Text]) -> Vocabulary:
        """Return the vocabulary with the other tokens of more texts behind its own."""
        own = self.vocabulary_.tokens[2:]
        others = [token for token in Vocabulary.fit(texts, self.tokenizer).tokens[2:] if token not in self.vocabulary_]
        return Vocabulary.from_tokens([*own, *others], self.tokenizer)

    def _parts(
        self, texts: list[Text], labels: NDArray[Any], given: tuple[Any, Any] | None, random: np.random.RandomState
    ) -> tuple[Part, Part]:
        """Return the texts and labels to train on, and those to validate with."""
        if given is not None:
            return (texts, labels), as_part(given, "validation_data")
        chosen = split(class_numbers(labels, self.classes_), self.validation, random)
        kept, aside = (
            ([texts[position] for position in np.flatnonzero(which).tolist()], labels[which])
            for which in (~chosen, chosen)
        )
        return kept, aside

    def _encoded(self, vocab: Vocabulary, texts: list[Text], labels: NDArray[Any]) -> EncodedTexts:
        values, offsets = vocab.encode_ragged(texts)
        numbers = class_numbers(labels, self.classes_) if len(labels) else np.zeros(len(texts), np.int64)
        return EncodedTexts(values, offsets, self.max_len, numbers)

    def _train(
        self, vectors: torch.Tensor, training: EncodedTexts, validating: EncodedTexts, random: np.random.RandomState
    ) -> Course:
        """Make the module and train it."""
        many = int(training.lengths.sum()) > MANY_TOKENS
        device = self.torch_device()
        weights = class_weights(self.class_weight, self.classes_, training.classes.numpy())
        settings = Settings(
            epochs=self.epochs or (8 if many else 12),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            clip=self.clip,
            averaging=self.averaging,
            patience=self.patience,
            device=device,
            class_weights=weights,
            progress=self.progress,
        )
        gpus = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(gpus):  # dropout draws from torch's global generator: the user's stays as it is
            torch.manual_seed(int(random.randint(2**31)))
            self.module_ = self.new_module(vectors)
            course = train(self.module_, training, validating, settings, random)
        rows = self.module_.embedding.weight.detach()[: len(self.vocabulary_)].clone()
        self.module_.embedding = torch.nn.Embedding.from_pretrained(rows, padding_idx=0)  # type: ignore[no-untyped-call]
        return course

    def new_module(self, vectors: torch.Tensor) -> RNNClassifier:
        """Return an untrained model on vectors (tokens, dim), the row of padding first (internal)."""
        embedding = torch.nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            vectors, freeze=self.embeddings == "frozen", padding_idx=0
        )
        return RNNClassifier(
            embedding,
            len(self.classes_),
            rnn=self.rnn,
            units=self.units,
            layers=self.layers,
            bidirectional=self.bidirectional,
            pooling=self.pooling,
            dropout=self.dropout,
        )

    def _report(self, course: Course) -> None:
        self.history_, self.best_epoch_ = course.history, course.best_epoch
        self.interrupted_ = course.ending == "interrupted"
        done = f"{len(course.history)} epoch{'' if len(course.history) == 1 else 's'}"
        kept = f"the model is that of epoch {course.best_epoch}"
        if course.ending == "loss":
            if not course.history:
                del self.module_  # it would answer with NaN
                raise GlovestoreError(
                    "expected a loss, got one that is no number in the first epoch: nothing was learned; try a smaller"
                    f" learning_rate than {self.learning_rate}"
                )
            warnings.warn(f"training stopped after {done}: the loss is no number any more; {kept}", stacklevel=3)
        if self.interrupted_:
            kept = kept if course.history else "the model is that of the steps until then"
            warnings.warn(f"training was interrupted after {done}; {kept}", stacklevel=3)

    def _pretrained(self) -> Vectors:
        """Return the vectors to start with."""
        store = self.store if isinstance(self.store, EmbeddingStore) else open(self.store)
        self.store_: EmbeddingStore | None = store
        if self.embeddings == "random":
            return no_vectors(store.mean, store.std)
        vectors = vectors_of(store)
        resolve_oov(
            without_auto(self.oov, vectors.subwords is not None), vectors
        )  # "subword" needs a store that has any
        return vectors

    def with_vectors(self, vectors: Vectors) -> Self:
        """Return this classifier with other vectors for tokens that were not seen in training (internal)."""
        other = copy(self)
        other.vectors_ = TokenVectors(vectors, self.oov, tuple(self.fallbacks))
        return other

    def torch_device(self) -> torch.device:
        """Return the device that the parameter `device` stands for (internal)."""
        return torch.device(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))

    # ------------------------------------------------------------------ prediction

    def predict_proba(self, texts: Any) -> NDArray[np.float32]:
        """Return the probability of every class, float32 (texts, classes), in the order of `classes_`.

        A text without tokens gets what the model makes of nothing.
        """
        check_is_fitted(self, "module_")
        listed = as_texts(texts)
        probabilities = np.empty((len(listed), len(self.classes_)), np.float32)
        for start, encoded, vectors, _ in self._blocks(listed):
            for positions, logits in logits_of(self.module_, vectors, encoded, self.batch_size):
                probabilities[start + positions] = logits.softmax(1).float().cpu().numpy()
        return probabilities

    def predict(self, texts: Any) -> NDArray[Any]:
        """Return the most probable label of every text: an array (texts,) of the labels' own kind."""
        best = self.predict_proba(texts).argmax(1)
        return np.asarray(self.classes_[best])

    def attention(self, texts: Any) -> list[list[tuple[str, float]]]:
        """Return for every text its tokens, `max_len` at most, each with its weight; the weights of a text add up to 1.

        ValueError unless "attention" is in `pooling`.
        """
        check_is_fitted(self, "module_")
        found: list[list[tuple[str, float]]] = []
        with torch.no_grad():
            for _, encoded, vectors, vocab in self._blocks(as_texts(texts)):
                for position in range(len(encoded)):
                    ids, _ = encoded.batch([position])
                    embedded = torch.nn.functional.embedding(ids.to(vectors.device), vectors)
                    weights = self.module_.attention_weights(embedded, ids.to(vectors.device) != 0)[0].tolist()
                    tokens = [vocab.tokens[number] for number in ids[0].tolist() if number]
                    found.append(list(zip(tokens, weights, strict=False)))  # no token, but one id: padding
        return found

    def _blocks(self, texts: list[Text]) -> Iterator[tuple[int, EncodedTexts, torch.Tensor, Vocabulary]]:
        """Yield for `BLOCK` texts at a time: where they start, their ids, the vectors of these, their vocabulary."""
        self.module_.eval()
        weights = self.module_.embedding.weight.detach()
        trained = weights.float().cpu().numpy()
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            vocab = Vocabulary.fit(block, self.vocabulary_.tokenizer)
            table = self.vectors_.table(vocab, self.vocabulary_, trained)
            encoded = EncodedTexts(*vocab.encode_ragged(block), self.max_len, np.zeros(len(block), np.int64))
            yield start, encoded, torch.from_numpy(table).to(weights), vocab

    # ------------------------------------------------------------------ files

    def save(
        self, path: str | os.PathLike[str], *, extra_tokens: int = 0, overwrite: bool = False, test: Any = None
    ) -> None:
        """Save the model as a folder: weights (safetensors), vocabulary, settings and a model card. No pickle.

        `load` finds the store again by its path, or is given it. With `extra_tokens` the folder holds a small store of
        its own, of that many of the store's first tokens, and needs no other. The card states the accuracy of all ways
        on `validation_` and, if given, on `test`: (texts, labels).

        The folder appears whole or not at all; `overwrite` replaces one that was saved before, and nothing else.
        ValueError if a parameter is a callable, which no file can hold.
        """
        check_is_fitted(self, "module_")
        test = None if test is None else as_part(test, "test")
        folder.save(self, Path(path), whole_number("extra_tokens", extra_tokens, 0), overwrite, test)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        store: EmbeddingStore | str | os.PathLike[str] | None = None,
        device: str | torch.device | None = None,
    ) -> Self:
        """Load a model that `save` wrote.

        Tokens that were not seen in training take the vectors of `store` (an open one or a path), which has to be the
        one that the model was trained with; without it those of the folder's own small store, or of the store at the
        path where it was then. If there is none of these, they get vectors by `oov`, with a warning.

        GlovestoreError for a file that is missing, damaged or of another model, and for another store.
        """
        return folder.load(cls, Path(path), store, device)

    def __sklearn_tags__(self) -> Any:
        """Say that texts are what it takes: one-dimensional, of strings."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array, tags.input_tags.string = True, False, True
        return tags

    def check_parameters(self) -> None:
        """Raise ValueError for parameters that nobody else checks, before anything takes time (internal)."""
        for name in ("units", "layers", "max_len", "batch_size", "patience"):
            whole_number(name, getattr(self, name))
        if self.epochs is not None:
            whole_number("epochs", self.epochs)
        if self.embeddings not in EMBEDDINGS:
            raise ValueError(f"embeddings: expected one of {', '.join(map(repr, EMBEDDINGS))}, got {self.embeddings!r}")
        for name, least, most in (("validation", 0, 1), ("averaging", 0, 1)):
            if not (is_number(getattr(self, name)) and least <= getattr(self, name) < most):
                raise ValueError(f"{name}: expected a number from 0 up to, but not, 1; got {getattr(self, name)!r}")
        for name in ("learning_rate", "clip"):
            if not (is_number(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name}: expected a number above 0, got {getattr(self, name)!r}")
