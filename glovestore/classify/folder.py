"""A trained classifier as a folder of files that any safetensors and JSON reader can read; no pickle.

config.json          parameters, labels, how training went, and the checksum of every other file
model.safetensors    the module's weights, and the statistics of the store that noise for unknown tokens is made with
vocabulary.json      the tokens of the training texts (`Vocabulary.save`)
tokens.h5            with `extra_tokens`: a store of the first tokens of the one that was used
README.md            the model card
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from glovestore import _core, strict_json
from glovestore.arguments import whole_number
from glovestore.classify.card import model_card
from glovestore.classify.record import read_record
from glovestore.classify.token_vectors import TokenVectors, no_vectors, vectors_of
from glovestore.errors import GlovestoreError, StoreFormatError, naming
from glovestore.matrix.vectors import Vectors
from glovestore.opening import open
from glovestore.replacing_folder import flush, replacing_folder
from glovestore.reshaping.slicing import write_first_rows
from glovestore.store import EmbeddingStore
from glovestore.tokens import shown
from glovestore.torch import RNNClassifier
from glovestore.vocabulary import Vocabulary

if TYPE_CHECKING:
    from glovestore.classify.estimator import TextClassifier

FORMAT, VERSION = "glovestore-classifier", 1
CONFIG, WEIGHTS, VOCABULARY = "config.json", "model.safetensors", "vocabulary.json"
TOKENS, CARD = "tokens.h5", "README.md"
MODULE = "module."  # before the names of the module's weights
LABEL_KINDS = "Uiubf"  # of numpy dtypes: what JSON can hold
MOST_LABEL_BYTES = 1 << 27  # a dtype says how wide every label is
# What Python, numpy, torch and safetensors raise for settings and weights that do not fit each other.
DISAGREEMENTS = (
    ValueError, TypeError, KeyError, AttributeError, OverflowError, RuntimeError, safetensors.SafetensorError,
)  # fmt: skip

Classifier = TypeVar("Classifier", bound="TextClassifier")
StoreLike = EmbeddingStore | str | os.PathLike[str]


# ---------------------------------------------------------------------- saving


def save(classifier: TextClassifier, path: Path, extra_tokens: int, overwrite: bool, test: Any) -> None:
    """Do what `TextClassifier.save` says."""
    target = Path(os.path.abspath(path))
    check_target(target, overwrite)
    config = _config(classifier, extra_tokens)
    with replacing_folder(target, lambda existing: check_target(existing, overwrite)) as scratch:
        _write(scratch, classifier, config, test)
        flush(scratch)


def _write(folder: Path, classifier: TextClassifier, config: dict[str, Any], test: Any) -> None:
    """Write all files into a new folder, the config with their checksums last."""
    module, statistics = classifier.module_, classifier.vectors_.vectors
    tensors = {f"{MODULE}{name}": tensor.cpu().contiguous() for name, tensor in module.state_dict().items()}
    tensors |= {"store_mean": torch.tensor(statistics.mean), "store_std": torch.tensor(statistics.std)}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(tensors, metadata={"format": FORMAT}))  # a full disk: OSError
    classifier.vocabulary_.save(folder / VOCABULARY)
    ways = {"store": statistics}
    if config["extra_tokens"]:
        write_first_rows(_trained_with(classifier), config["extra_tokens"], folder / TOKENS)
        ways["extra"] = vectors_of(open(folder / TOKENS, copy=True), statistics.mean, statistics.std)
    ways["closed"] = no_vectors(statistics.mean, statistics.std)
    config["accuracy"] = _accuracy(classifier, ways, test)
    config["files"] = {file.name: _checksum(file) for file in sorted(folder.iterdir())}
    (folder / CARD).write_text(model_card(config), encoding="utf-8", errors="backslashreplace")
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n")  # ASCII: labels may be no Unicode


def _config(classifier: TextClassifier, extra_tokens: int) -> dict[str, Any]:
    store = _trained_with(classifier)
    labels = classifier.classes_
    if labels.dtype.kind not in LABEL_KINDS:
        raise ValueError(f"labels: expected strings, numbers or bools to save, got {labels.dtype}")
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "glovestore": version("glovestore"),
        "labels": {"dtype": labels.dtype.str, "values": labels.tolist()},
        "parameters": _plain_parameters(classifier),
        "extra_tokens": min(extra_tokens, len(store)),
        "store": {
            "path": str(store.path),
            "source": store.metadata.get("source_name", "unknown"),
            "fingerprint": store.fingerprint,
            "rows": len(store),
            "dim": store.dim,
        },
        "training": {
            "texts": classifier.training_texts_,
            "best_epoch": classifier.best_epoch_,
            "interrupted": classifier.interrupted_,
            "coverage": asdict(classifier.coverage_),
            "history": classifier.history_,
        },
    }


def _trained_with(classifier: TextClassifier) -> EmbeddingStore:
    if classifier.store_ is None:
        raise ValueError("store: expected the store that the model was trained with to save it; load it with store=")
    return classifier.store_


def _plain_parameters(classifier: TextClassifier) -> dict[str, Any]:
    """Return the parameters that JSON can hold; those that belong to this machine or this run are left out."""
    parameters: dict[str, Any] = classifier.get_params(deep=False)
    for name in ("store", "device", "progress", "random_state"):
        del parameters[name]
    for name, value in parameters.items():
        parameters[name] = _plain(value)
        try:
            json.dumps(parameters[name])
        except TypeError:
            raise ValueError(f"{name}: expected a value that a file can hold to save, got {shown(value)}") from None
    return parameters


def _plain(value: Any) -> Any:
    """Return numpy's numbers and arrays as Python's, and a mapping as a list of pairs: JSON's names are strings."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return [[_plain(name), _plain(one)] for name, one in value.items()]
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _accuracy(classifier: TextClassifier, ways: Mapping[str, Vectors], test: Any) -> dict[str, dict[str, float]]:
    """Return for validation and test texts how many they are, and the accuracy by each way to get vectors."""
    found: dict[str, dict[str, float]] = {}
    for name, given in (("validation", classifier.validation_), ("test", test)):
        if given is None or not len(given[0]):
            continue
        found[name] = {"texts": len(given[0])}
        for way, vectors in ways.items():
            found[name][way] = float(classifier.with_vectors(vectors).score(*given))
    return found


def check_target(target: Path, overwrite: bool) -> None:
    """Refuse to replace anything but a model, and that only if it was asked for."""
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: expected a folder to save the model in, got none")
    if not os.path.lexists(target):
        return
    try:
        is_model = json.loads((target / CONFIG).read_bytes())["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError):
        is_model = target.is_dir() and not any(target.iterdir())
        overwrite = overwrite or is_model  # an empty folder may be filled
    if not is_model:
        raise FileExistsError(f"{target}: expected a saved model or nothing there, got something else: it stays")
    if not overwrite:
        raise FileExistsError(f"{target}: a model is there already: save with overwrite=True")


def _checksum(path: Path) -> str:
    with naming(path):
        return f"{_core.xxh64(path.read_bytes()):016x}"


# ---------------------------------------------------------------------- loading


def load(kind: type[Classifier], path: Path, store: StoreLike | None, device: Any) -> Classifier:
    """Do what `TextClassifier.load` says."""
    config = _read_config(path)
    try:
        return _load(kind, path, config, store, device)
    except DISAGREEMENTS as error:
        raise GlovestoreError(f"{path}: expected the files of one model, got some that disagree: {error}") from error


def _load(
    kind: type[Classifier], path: Path, config: Mapping[str, Any], store: StoreLike | None, device: Any
) -> Classifier:
    found = _store_of(config, path, store)
    parameters = dict(config["parameters"])
    if isinstance(parameters["class_weight"], list):
        parameters["class_weight"] = dict(parameters["class_weight"])
    classifier = kind(config["store"]["path"] if store is None else store, device=device, **parameters)
    classifier.check_parameters()
    classifier.classes_ = _labels(config["labels"])
    classifier.vocabulary_ = Vocabulary.load(path / VOCABULARY)
    for name, value in read_record(config["training"])._asdict().items():
        setattr(classifier, f"{name}_", value)
    classifier.validation_ = [], np.array([])
    classifier.store_ = found
    tensors = load_file(path / WEIGHTS)
    statistics = no_vectors(tensors.pop("store_mean").numpy(), tensors.pop("store_std").numpy())
    classifier.module_ = _module(classifier, tensors, config["store"]["dim"]).to(classifier.torch_device()).eval()
    vectors = statistics
    if found is not None and classifier.embeddings != "random":
        vectors = vectors_of(found, statistics.mean, statistics.std)
    classifier.vectors_ = TokenVectors(vectors, classifier.oov, tuple(classifier.fallbacks))
    classifier.vectors_.matrix([])  # checks its policies
    return classifier


def _module(classifier: TextClassifier, tensors: Mapping[str, torch.Tensor], stored_dim: object) -> RNNClassifier:
    """Return the module with its weights. It is laid out without memory first: a file may ask for any size."""
    weights = {name.removeprefix(MODULE): tensor for name, tensor in tensors.items()}
    rows, dim = weights["embedding.weight"].shape
    if dim != stored_dim:
        raise ValueError(f"{CONFIG} has a store of dim {stored_dim}, {WEIGHTS} vectors of dim {dim}")
    if rows != len(classifier.vocabulary_):
        raise ValueError(f"{VOCABULARY} has {len(classifier.vocabulary_):,} tokens, {WEIGHTS} vectors for {rows:,}")
    if classifier.layers > len(weights):  # a module of so many would take minutes, if no memory
        raise ValueError(f"{CONFIG} has {classifier.layers:,} layers, {WEIGHTS} {len(weights)} tensors in all")
    with torch.device("meta"):
        module = classifier.new_module(torch.empty(rows, dim))
    module.load_state_dict(weights, assign=True)
    return module.requires_grad_(False)


def _store_of(config: Mapping[str, Any], path: Path, given: StoreLike | None) -> EmbeddingStore | None:
    """Return the store that unseen tokens are looked up in: the given one, the folder's own, or the one of training."""
    trained_with = config["store"]
    if given is not None:
        opened = given if isinstance(given, EmbeddingStore) else open(given)
        if opened.dim != trained_with["dim"]:
            raise GlovestoreError(f"{opened.path}: expected a store of dim {trained_with['dim']}, got dim {opened.dim}")
        if opened.fingerprint != trained_with["fingerprint"]:
            expected = f"the store that the model was trained with, fingerprint {trained_with['fingerprint']}"
            raise GlovestoreError(f"{opened.path}: expected {expected}; got {opened.fingerprint}")
        return opened
    if TOKENS in config["files"]:
        return open(path / TOKENS, build=False)
    try:
        return EmbeddingStore(trained_with["path"], fingerprint=trained_with["fingerprint"])
    except (OSError, StoreFormatError) as error:
        warnings.warn(
            f"{path}: expected the store that the model was trained with ({error}): tokens that were not seen in"
            " training get vectors by `oov`; give store=, or save with extra_tokens=",
            stacklevel=5,
        )
        return None


def _read_config(path: Path) -> dict[str, Any]:
    """Return the settings of a model; a GlovestoreError names the file that is missing or was changed."""
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: expected the folder of a saved model, got no folder")
    file = path / CONFIG
    if not file.is_file():
        raise GlovestoreError(f"{path}: expected a saved model, got a folder without {CONFIG}")
    try:
        config = strict_json.loads(file.read_bytes())
        if config["format"] != FORMAT:
            raise ValueError(f"format {shown(config['format'])} instead of {FORMAT!r}")
        if whole_number("format_version", config["format_version"]) > VERSION:
            raise ValueError(f"format version {config['format_version']}, newer than {VERSION}: update glovestore")
        files = dict(config["files"])
    except (ValueError, TypeError, KeyError) as error:
        raise GlovestoreError(f"{file}: expected the settings of a saved model, got {error}") from error
    for name in sorted({WEIGHTS, VOCABULARY} | ({TOKENS} & set(files))):
        _check_file(path / name, files.get(name))
    return dict(config)


def _check_file(file: Path, checksum: object) -> None:
    if not file.is_file():
        raise GlovestoreError(f"{file}: expected this file of the model, got none")
    found = _checksum(file)
    if found != checksum:
        raise GlovestoreError(
            f"{file}: expected the file that {CONFIG} belongs to, checksum {checksum}; got {found}: it is damaged, or"
            " from another model"
        )


def _labels(stored: Mapping[str, Any]) -> NDArray[Any]:
    """Return the labels (classes,); ValueError unless they are of their dtype, sorted, each there once."""
    dtype = np.dtype(str(stored["dtype"]))
    if dtype.kind not in LABEL_KINDS:
        raise ValueError(f"labels of dtype {shown(stored['dtype'])}")
    if dtype.itemsize * len(stored["values"]) > MOST_LABEL_BYTES:
        raise ValueError(
            f"{len(stored['values']):,} labels of dtype {dtype}: expected {MOST_LABEL_BYTES:,} bytes at most"
        )
    labels = np.array(stored["values"], dtype)
    if labels.ndim != 1 or labels.tolist() != stored["values"]:
        raise ValueError(f"labels that are no list of {dtype}: {shown(stored['values'])}")
    if not (labels[:-1] < labels[1:]).all():
        raise ValueError(f"labels out of order: {shown(stored['values'])}")
    return labels
