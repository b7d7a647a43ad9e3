"""A classifier on disk: what comes back, what is refused, and what is left alone."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_topics import TOPICS, build_store, topic_texts

torch = pytest.importorskip("torch")
pytest.importorskip("skorch")

import glovestore  # noqa: E402 - after the skip
from glovestore.classify import TextClassifier, folder  # noqa: E402
from glovestore.reshaping.slicing import write_first_rows  # noqa: E402

TEXTS, LABELS = topic_texts(60)
OTHERS = [*topic_texts(10, 1)[0], "anchor", "the galaxy", "zzz", ""]
SMALL: dict[str, Any] = {"units": 4, "epochs": 2, "learning_rate": 0.05, "device": "cpu"}
FIRST = 14  # the tokens of the topics: "anchor" is the seventh, "galaxy" the last of them


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_store(tmp_path_factory.mktemp("store") / "store.h5")


@pytest.fixture(scope="module")
def fitted(store: Path) -> TextClassifier:
    return TextClassifier(store, **SMALL).fit(TEXTS, LABELS)


@pytest.fixture
def model(fitted: TextClassifier, tmp_path: Path) -> Path:
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a pickle")

    for module in (pickle, torch):
        monkeypatch.setattr(module, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)


# ---------------------------------------------------------------------- what comes back


@pytest.mark.usefixtures("no_pickle")
@pytest.mark.parametrize("given", ["nothing", "path", "store"])
def test_with_the_store(given: str, fitted: TextClassifier, model: Path, store: Path) -> None:
    with glovestore.open(store) as opened:
        again = TextClassifier.load(model, {"nothing": None, "path": store, "store": opened}[given])
        np.testing.assert_array_equal(again.predict_proba(OTHERS), fitted.predict_proba(OTHERS))
        assert again.predict(OTHERS).tolist() == fitted.predict(OTHERS).tolist()
    assert again.coverage_ == fitted.coverage_
    same = set(fitted.get_params()) - {"store", "device"}
    assert {name: again.get_params()[name] for name in same - {"pooling", "fallbacks"}} == {
        name: fitted.get_params()[name] for name in same - {"pooling", "fallbacks"}
    }
    assert tuple(again.pooling) == fitted.pooling
    assert again.vocabulary_ == fitted.vocabulary_
    assert (again.history_, again.best_epoch_) == (fitted.history_, fitted.best_epoch_)


def test_the_files_are_for_every_reader(fitted: TextClassifier, model: Path) -> None:
    assert sorted(os.listdir(model)) == ["README.md", "config.json", "model.safetensors", "vocabulary.json"]
    tensors = load_file(model / "model.safetensors")
    np.testing.assert_array_equal(tensors["module.linear.bias"], fitted.module_.linear.bias.detach().numpy())
    config = json.loads((model / "config.json").read_bytes())
    assert (config["format"], config["format_version"], config["labels"]["values"]) == (
        "glovestore-classifier", 1, ["sea", "sky"],
    )  # fmt: skip
    assert config["parameters"]["units"] == 4
    assert "store" not in config["parameters"]


def test_a_folder_with_tokens_needs_no_store(
    fitted: TextClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    fitted.save(tmp_path / "model", extra_tokens=FIRST)
    shutil.copytree(tmp_path / "model", tmp_path / "elsewhere")
    monkeypatch.setattr(folder, "EmbeddingStore", None)  # nobody looks for the store
    again = TextClassifier.load(tmp_path / "elsewhere")
    np.testing.assert_array_equal(again.predict_proba(OTHERS), fitted.predict_proba(OTHERS))
    with glovestore.open(tmp_path / "elsewhere" / "tokens.h5") as own, glovestore.open(store) as whole:
        assert own.tokens[:] == whole.tokens[:FIRST]
        np.testing.assert_array_equal(own.vectors, whole.vectors[:FIRST])
        own.verify()


def test_too_few_tokens_and_noise_are_others(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model", extra_tokens=7)  # "anchor" is there, "galaxy" is not
    anchor, galaxy = TextClassifier.load(tmp_path / "model").predict_proba(["anchor", "galaxy"])
    np.testing.assert_array_equal(anchor, fitted.predict_proba(["anchor", "galaxy"])[0])
    assert not np.allclose(galaxy, fitted.predict_proba(["anchor", "galaxy"])[1], atol=1e-4)
    noise = fitted.predict_proba(["zzz"])  # by the statistics of the whole store
    np.testing.assert_array_equal(TextClassifier.load(tmp_path / "model").predict_proba(["zzz"]), noise)


def test_without_any_store(fitted: TextClassifier, model: Path, store: Path, tmp_path: Path) -> None:
    config = json.loads((model / "config.json").read_bytes())
    config["store"]["path"] = str(tmp_path / "gone.h5")
    (model / "config.json").write_text(json.dumps(config))
    with pytest.warns(UserWarning, match="expected the store that the model was trained with .*gone.h5") as caught:
        again = TextClassifier.load(model)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert not np.allclose(again.predict_proba(["anchor"]), fitted.predict_proba(["anchor"]), atol=1e-4)
    with pytest.raises(ValueError, match="store: expected the store that the model was trained with to save it"):
        again.save(tmp_path / "again")
    TextClassifier.load(model, store).save(tmp_path / "again")
    np.testing.assert_array_equal(TextClassifier.load(tmp_path / "again").predict_proba(TEXTS),
                                  fitted.predict_proba(TEXTS))  # fmt: skip


@pytest.mark.parametrize("kinds", [(3, 7), (False, True), (0.0, 2.0), ("x", "é")])
def test_labels_keep_their_kind(kinds: tuple[Any, Any], store: Path, tmp_path: Path) -> None:
    labels = np.array(kinds)[[int(label == "sky") for label in LABELS]]
    TextClassifier(store, **SMALL).fit(TEXTS, labels).save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert (again.classes_.dtype, again.classes_.tolist()) == (labels.dtype, list(kinds))


@pytest.mark.parametrize("kinds", [(3, 7), (False, True), ("x", "é")])
def test_class_weights_come_back(kinds: tuple[Any, Any], store: Path, tmp_path: Path) -> None:
    """With labels of their kind, which JSON's names are not: a loaded model can be trained again."""
    labels = [kinds[label == "sky"] for label in LABELS]
    made = TextClassifier(store, class_weight={kinds[1]: np.float32(2)}, **SMALL).fit(TEXTS, labels)
    made.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert again.class_weight == {kinds[1]: 2.0}
    np.testing.assert_array_equal(again.fit(TEXTS, labels).predict_proba(OTHERS), made.predict_proba(OTHERS))


def test_numbers_of_numpy_are_saved_as_they_are(store: Path, tmp_path: Path) -> None:
    """A grid search over np.arange leaves them behind."""
    given = {"units": np.int64(4), "layers": np.int32(1), "bidirectional": np.True_, "dropout": np.float32(0.25)}
    vector = np.array([0.5, 1, 0, 2], np.float32)
    made = TextClassifier(store, **SMALL | given, pooling=["max", np.str_("last")], oov=vector).fit(TEXTS, LABELS)
    made.save(tmp_path / "model")
    again = TextClassifier.load(tmp_path / "model")
    assert {name: again.get_params()[name] for name in given} == {
        "units": 4, "layers": 1, "bidirectional": True, "dropout": 0.25,
    }  # fmt: skip
    assert again.oov == vector.tolist()
    np.testing.assert_array_equal(again.predict_proba(OTHERS), made.predict_proba(OTHERS))


def test_the_card_says_how_accurate_it_is(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model", extra_tokens=7, test=(["anchor", "galaxy", "ship"], ["sea", "sky", "sky"]))
    card = (tmp_path / "model" / "README.md").read_text()
    right = [fitted.predict([token])[0] for token in ("anchor", "galaxy", "ship")]
    accuracy = float(np.mean(np.array(right) == ["sea", "sky", "sky"]))
    assert f"| test, 3 | with the store that it was trained with | {accuracy:.4f} |" in card
    assert "| test, 3 | with the 7 tokens of that store that are in this folder |" in card
    assert "| validation, 6 | with the tokens of the training texts only |" in card
    assert "`sea`, `sky`" in card


def test_test_texts_may_be_of_any_kind(fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model", test=(iter(TEXTS), iter(LABELS)))
    assert "| test, 60 | with the store that it was trained with | " in (tmp_path / "model" / "README.md").read_text()
    for test, sentence in (
        (3, r"test: expected \(texts, labels\), got int 3"),
        ((TEXTS, ["sea"]), "test: .* 60; got 1"),
    ):
        with pytest.raises((TypeError, ValueError), match=sentence):
            fitted.save(tmp_path / "other", test=test)
    assert os.listdir(tmp_path) == ["model"]


def test_modes_follow_the_umask(fitted: TextClassifier, tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        fitted.save(tmp_path / "model", extra_tokens=2)
    finally:
        os.umask(old)
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o750
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "model").iterdir()} == {0o640}


# ---------------------------------------------------------------------- what is left alone


def test_a_model_is_replaced_only_on_purpose(fitted: TextClassifier, model: Path) -> None:
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    with pytest.raises(FileExistsError, match=r"a model is there already: save with overwrite=True$"):
        fitted.save(model)
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before
    fitted.save(model, extra_tokens=3, overwrite=True)
    assert (model / "tokens.h5").exists()
    assert os.listdir(model.parent) == ["model"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_other_things_stay(fitted: TextClassifier, overwrite: bool, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("folder", "file"):
        with pytest.raises(FileExistsError, match="expected a saved model or nothing there, got something else: it st"):
            fitted.save(tmp_path / name, overwrite=overwrite)
    (tmp_path / "empty").mkdir()
    fitted.save(tmp_path / "empty", overwrite=overwrite)
    assert (tmp_path / "folder" / "file").read_text() == (tmp_path / "file").read_text() == "mine"
    with pytest.raises(FileNotFoundError, match="expected a folder to save the model in, got none"):
        fitted.save(tmp_path / "none" / "model")
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "folder"]


@pytest.mark.parametrize("step", ["flush", "write_first_rows", "model_card", "_checksum"])
def test_a_failure_leaves_the_old_model(
    step: str, fitted: TextClassifier, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name: file.read_bytes() for file in model.iterdir()}

    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, step, fail)
    with pytest.raises(OSError, match="No space left"):
        fitted.save(model, extra_tokens=3, overwrite=True)
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before
    assert os.listdir(model.parent) == ["model"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("number", [1, 2])
def test_a_move_that_fails_leaves_the_old_model(
    number: int, error: BaseException, fitted: TextClassifier, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    monkeypatch.setattr("glovestore.replacing_folder._exchange", lambda one, other: False)
    calls, original = iter(range(1, 10)), Path.rename

    def rename(path: Path, target: Path) -> Path:
        if next(calls) == number:
            raise error
        return original(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(type(error)):
        fitted.save(model, extra_tokens=3, overwrite=True)
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before
    assert os.listdir(model.parent) == ["model"]


def a_tokenizer(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("option", [{"tokenizer": a_tokenizer}, {"fallbacks": [str.upper]}, {"oov": lambda t: [0] * 4}])
def test_callables_cannot_be_saved(option: dict[str, Any], store: Path, tmp_path: Path) -> None:
    made = TextClassifier(store, **SMALL, **option).fit(TEXTS, LABELS)
    name = next(iter(option))
    with pytest.raises(ValueError, match=f"^{name}: expected a value that a file can hold to save, got "):
        made.save(tmp_path / "model")
    assert os.listdir(tmp_path) == []


# ---------------------------------------------------------------------- files that disagree


def changed(model: Path, change: Any) -> Path:
    config = json.loads((model / "config.json").read_bytes())
    change(config)
    (model / "config.json").write_text(json.dumps(config))
    return model


@pytest.mark.parametrize("name", ["model.safetensors", "vocabulary.json"])
@pytest.mark.parametrize("damage", ["missing", "flipped", "cut", "another model's"])
def test_damaged_files_are_named(name: str, damage: str, model: Path, store: Path, tmp_path: Path) -> None:
    file = model / name
    data = bytearray(file.read_bytes())
    if damage == "missing":
        file.unlink()
    elif damage == "another model's":
        TextClassifier(store, **SMALL | {"units": 5}).fit(TEXTS[:30], LABELS[:30]).save(tmp_path / "other")
        shutil.copy(tmp_path / "other" / name, file)
    else:
        data[len(data) // 2] ^= 1
        file.write_bytes(data if damage == "flipped" else data[:-1])
    with pytest.raises(
        glovestore.GlovestoreError, match=f"{name}: expected (this file|the file that config.json belo)"
    ):
        TextClassifier.load(model)


CHANGES: list[tuple[Any, str]] = [
    (lambda c: c.update(format="other"), "config.json: expected the settings of a saved model, got format 'other'"),
    (lambda c: c.update(format_version=2), "format version 2, newer than 1: update glovestore"),
    (lambda c: c.update(format_version=0), "format_version: expected an integer of at least 1, got 0"),
    (lambda c: c.update(format_version=True), "format_version: expected an integer of at least 1, got True"),
    (lambda c: c.update(format_version=float("nan")), "format_version: expected an integer of at least 1, got nan"),
    (lambda c: c["files"].pop("vocabulary.json"), r"vocabulary.json: .* config.json belongs to, checksum None; got"),
    (lambda c: c["store"].update(dim=5), "config.json has a store of dim 5, model.safetensors vectors of dim 4"),
    (lambda c: c.pop("files"), "config.json: expected the settings of a saved model, got 'files'"),
    (lambda c: c["parameters"].update(units=5), "expected the files of one model, got some that disagree"),
    (lambda c: c["parameters"].update(units=10**7), "expected the files of one model, got some that disagree"),
    (lambda c: c["parameters"].update(units="many"), "units: expected an integer"),
    (lambda c: c["parameters"].update(units=10**30), "expected the files of one model, got some that disagree"),
    (
        lambda c: c["parameters"].update(layers=10**30),
        "config.json has 1,0.* layers, model.safetensors 11 tensors in all",
    ),
    (lambda c: c["parameters"].update(batch_size=0), "batch_size: expected an integer of at least 1, got 0"),
    (lambda c: c["parameters"].update(max_len=-1), "max_len: expected an integer of at least 1, got -1"),
    (lambda c: c["parameters"].update(oov="none"), "oov: expected one of"),
    (lambda c: c["parameters"].update(oov=[1, 2]), r"oov: expected a vector of shape \(4,\), got shape \(2,\)"),
    (lambda c: c["parameters"].update(fallbacks=["x"]), r"fallbacks\[0\]: expected one of"),
    (lambda c: c["parameters"].update(embeddings="no"), "embeddings: expected one of"),
    (lambda c: c["parameters"].update(bidirectional="no"), "bidirectional: expected True or False, got 'no'"),
    (lambda c: c["parameters"].update(dropout="x"), "dropout: expected a share from 0 up to, but not, 1; got 'x'"),
    (lambda c: c["parameters"].update(layers=2), "expected the files of one model, got some that disagree"),
    (lambda c: c["parameters"].update(surprise=2), "expected the files of one model, got some that disagree"),
    (lambda c: c["labels"].update(values=["sea"]), "expected the files of one model, got some that disagree"),
    (lambda c: c["labels"].update(values=["sea", "sea"]), r"labels out of order: \['sea', 'sea'\]"),
    (lambda c: c["labels"].update(values=["sky", "sea"]), r"labels out of order: \['sky', 'sea'\]"),
    (lambda c: c["labels"].update(values=[["sea"], ["sky"]]), "labels that are no list of <U3"),
    (lambda c: c["labels"].update(values=[1, 2]), r"labels that are no list of <U3: \[1, 2\]"),
    (lambda c: c["labels"].update(dtype="<U1"), r"labels that are no list of <U1: \['sea', 'sky'\]"),
    (lambda c: c["labels"].update(dtype="|i1", values=[1, 300]), "300 out of bounds for int8"),
    (lambda c: c["labels"].update(dtype="O"), "labels of dtype 'O'"),
    (
        lambda c: c["labels"].update(dtype="<U99999999"),
        "2 labels of dtype <U99999999: expected 134,217,728 bytes at most",
    ),
    (lambda c: c.pop("training"), "expected the files of one model, got some that disagree: 'training'"),
    (lambda c: c["training"].pop("history"), "got some that disagree: 'history'"),
    (lambda c: c["training"].update(history="x"), "history: expected a list of epochs, got 'x'"),
    (lambda c: c["training"]["history"].append(3), "history: expected numbers, and epoch 3, got 3"),
    (lambda c: c["training"]["history"].pop(0), "history: expected numbers, and epoch 1, got {'epoch': 2"),
    (
        lambda c: c["training"]["history"][0].update(valid_loss="x"),
        "history: expected numbers, and epoch 1, got {'epoch': 1",
    ),
    (
        lambda c: c["training"]["history"][0].update(seconds=10**400),
        "history: expected numbers, and epoch 1, got {'epoch': 1",
    ),
    (lambda c: c["training"].update(best_epoch=3), "best_epoch: expected one of 2 epochs, got 3"),
    (lambda c: c["training"].update(best_epoch="x"), "best_epoch: expected an integer of at least 0, got 'x'"),
    (lambda c: c["training"].update(interrupted=0), "interrupted: expected true or false, got 0"),
    (lambda c: c["training"].update(texts=None), "texts: expected an integer of at least 0, got None"),
    (lambda c: c["training"].update(texts=10**30), r"texts: expected a count below 2\*\*63, got 1000"),
    (lambda c: c["training"]["coverage"].update(total="x"), "total: expected an integer of at least 0, got 'x'"),
    (lambda c: c["training"]["coverage"].update(total=99), "coverage: expected 99 tokens, got 1. found and 0 missing"),
    (lambda c: c["training"]["coverage"].update(by_rule=3), "by_rule: expected counts by rule, got 3"),
    (
        lambda c: c["training"]["coverage"].update(by_rule={"lower": "x"}),
        "lower: expected an integer of at least 0, got 'x'",
    ),
    (
        lambda c: c["training"]["coverage"].update(by_subwords=-1),
        "by_subwords: expected an integer of at least 0, got -1",
    ),
    (lambda c: c["training"]["coverage"].update(missing_tokens=[1]), r"missing_tokens: expected strings, got \[1\]"),
]


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_settings_that_do_not_fit(change: Any, sentence: str, model: Path) -> None:
    with pytest.raises(glovestore.GlovestoreError, match=sentence):
        TextClassifier.load(changed(model, change))


def test_any_damage_of_the_settings_is_an_error_or_harmless(model: Path) -> None:
    """Never another kind of error, whatever the JSON says."""
    rng = random.Random(0)
    original = (model / "config.json").read_text()
    refused = 0
    for _ in range(300):
        config = json.loads(original)
        node: Any = config
        while isinstance(node, dict) and node:
            parent, key = node, rng.choice(list(node))
            node = node[key]
            if rng.random() < 0.3:
                break
        parent[key] = rng.choice([None, 0, -1, 2.5, "x", [], {}, [1], {"a": 1}, True, 10**30])
        (model / "config.json").write_text(json.dumps(config))
        try:
            TextClassifier.load(model).predict(OTHERS)  # what is loaded can be used
        except (glovestore.GlovestoreError, OSError):
            refused += 1
        except UserWarning:  # the store is not where it was
            pass
    assert refused > 100


def test_tokens_that_are_no_store(fitted: TextClassifier, tmp_path: Path, cache: Path) -> None:
    """Nothing is built of them, although a vectors file could be opened."""
    fitted.save(tmp_path / "model", extra_tokens=3)
    file = tmp_path / "model" / "tokens.h5"
    file.write_bytes(b"the 1 2 3 4\n")
    model = changed(tmp_path / "model", lambda c: c["files"].update({file.name: folder._checksum(file)}))
    with pytest.raises(
        glovestore.StoreFormatError, match=r"tokens\.h5: expected a glovestore file, got one that does not start"
    ):
        TextClassifier.load(model)
    assert not cache.exists()


def test_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected the folder of a saved model, got no folder"):
        TextClassifier.load(tmp_path / "none")
    with pytest.raises(glovestore.GlovestoreError, match=r"expected a saved model, got a folder without config\.json"):
        TextClassifier.load(tmp_path)


def test_another_store(model: Path, tmp_path: Path) -> None:
    (tmp_path / "three.txt").write_text("the 1 2 3\n")
    (tmp_path / "four.txt").write_text("the 1 2 3 4\n")
    for name in ("three", "four"):
        glovestore.build(tmp_path / f"{name}.txt", tmp_path / f"{name}.h5", durable=False)
    with pytest.raises(glovestore.GlovestoreError, match=r"three\.h5: expected a store of dim 4, got dim 3$"):
        TextClassifier.load(model, tmp_path / "three.h5")
    with pytest.raises(
        glovestore.GlovestoreError, match=r"four\.h5: expected the store that the model was trained with"
    ):
        TextClassifier.load(model, tmp_path / "four.h5")


# ---------------------------------------------------------------------- the first rows of a store


@pytest.mark.parametrize("count", [1, 5, 20, 10**6])
def test_the_first_rows(count: int, store: Path, tmp_path: Path) -> None:
    with glovestore.open(store) as whole:
        write_first_rows(whole, count, tmp_path / "part.h5")
        kept = min(count, len(whole))
        with glovestore.open(tmp_path / "part.h5") as part:
            part.verify()
            assert part.tokens[:] == whole.tokens[:kept]
            np.testing.assert_array_equal(part.vectors, whole.vectors[:kept])
            names = ("header", "duplicates", "skipped")
            parts = kept + sum(int(part.metadata[name]) for name in names) + int(part.metadata.get("not_kept", "0"))
            assert parts == int(part.metadata["lines"]) == len(whole)
            assert part.metadata["source_digest"] == whole.metadata["source_digest"]
            assert part.rows(list(TOPICS["sea"])).tolist() == [i if i < kept else -1 for i in range(6)]
