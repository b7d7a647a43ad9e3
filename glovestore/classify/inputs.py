"""What may be given to a classifier as texts and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from glovestore.arguments import is_number
from glovestore.tokens import shown
from glovestore.vocabulary import Vocabulary
from glovestore.vocabulary.texts import as_list
from glovestore.vocabulary.tokenizers import Text, Tokenizer


def as_texts(texts: Any) -> list[Text]:
    """Return texts as a list: of a list, an array, a pandas, polars or Arrow column, or any iterable of texts."""
    listed: list[Any] = as_list(texts)
    for position, text in enumerate(listed):
        if not isinstance(text, (str, Sequence)) or isinstance(text, bytes):
            raise TypeError(
                f"texts[{position}]: expected a str or a list of tokens, got {type(text).__name__} {shown(text)}"
            )
    return listed


def check_not_empty(texts: list[Text], tokenizer: Tokenizer) -> None:
    """Raise ValueError for the first text without tokens: it says nothing about its label, and hides a mistake."""
    _, offsets = Vocabulary.fit(texts, tokenizer).encode_ragged(texts)
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if len(empty):
        position = int(empty[0])
        more = f" (and {len(empty) - 1:,} more such texts)" if len(empty) > 1 else ""
        raise ValueError(
            f"texts[{position}]: expected a text to train on, got {shown(texts[position])}: no token in it{more}"
        )


def as_labels(labels: Any, texts: int, name: str = "labels") -> NDArray[Any]:
    """Return one label a text as an array (texts,) of str, integers, bools or floats that are whole numbers.

    ValueError if there are fewer or more labels than texts, if one is missing (None or NaN), or if they are quantities.
    """
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise TypeError(f"{name}: expected a list of labels, got {type(labels).__name__} {shown(labels)}")
    listed = labels.to_pylist() if hasattr(labels, "to_pylist") else list(labels)
    if len(listed) != texts:
        raise ValueError(f"{name}: expected one a text, {texts:,}; got {len(listed):,}")
    for position, label in enumerate(listed):
        if _is_missing(label):
            raise ValueError(f"{name}[{position}]: expected a label, got {label!r}: it is missing")
    if len({isinstance(label, str) for label in listed}) > 1:
        raise TypeError(f"{name}: expected labels of one kind, got both strings and others")
    try:
        array = np.array(listed)
    except ValueError:
        raise ValueError(f"{name}: expected one label a text, got sequences of several lengths") from None
    check_classification_targets(array)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one label a text, got an array of shape {array.shape}")
    return array


def _is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN, or what pandas has in their place."""
    try:
        return label is None or bool(label != label)
    except TypeError:  # pandas.NA
        return True
    except ValueError:  # an array: no label, but none that is missing
        return False


def as_part(given: Any, name: str) -> tuple[list[Text], NDArray[Any]]:
    """Return what was given as a pair of texts and labels, as `as_texts` and `as_labels` do."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"{name}: expected (texts, labels), got {type(given).__name__} {shown(given)}")
    texts = as_texts(given[0])
    return texts, as_labels(given[1], len(texts), name)


def class_numbers(labels: NDArray[Any], classes: NDArray[Any], name: str = "labels") -> NDArray[np.int64]:
    """Return the number of each label's class; ValueError for a label that is none of the classes."""
    numbers = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    unknown = np.flatnonzero(classes[numbers] != labels)
    if len(unknown):
        position = int(unknown[0])
        raise ValueError(f"{name}[{position}]: expected a label that was trained on, got {labels[position].item()!r}")
    return numbers.astype(np.int64)


def split(numbers: NDArray[np.int64], share: float, random: np.random.RandomState) -> NDArray[np.bool_]:
    """Choose a share of the texts of every class for validation; each class keeps one text at least for training.

    (scikit-learn's stratified split refuses classes with a single text, and shares smaller than one text a class.)
    """
    chosen = np.zeros(len(numbers), np.bool_)
    for number in range(numbers.max() + 1):
        members = random.permutation(np.flatnonzero(numbers == number))
        chosen[members[: min(round(share * len(members)), len(members) - 1)]] = True
    return chosen


def class_weights(weight: Any, classes: NDArray[Any], numbers: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """Return the weight of every class: of None, "balanced", or a mapping label -> weight (1 for those not named)."""
    if weight is None:
        return None
    if isinstance(weight, Mapping):
        unknown = [label for label in weight if label not in classes.tolist()]
        if unknown:
            raise ValueError(f"class_weight: expected labels that stand in the texts, got {unknown[0]!r}")
        for label, one in weight.items():
            if not (is_number(one) and 0 < one < np.inf):  # with 0, the mean loss of a batch may be 0 / 0
                raise ValueError(f"class_weight: expected numbers above 0, got {one!r} for {label!r}")
        return np.array([weight.get(label, 1.0) for label in classes.tolist()], np.float32)
    if weight != "balanced":
        raise ValueError(f'class_weight: expected None, "balanced" or a mapping label -> weight, got {weight!r}')
    balanced = compute_class_weight("balanced", classes=np.arange(len(classes)), y=numbers)
    return np.asarray(balanced, np.float32)
