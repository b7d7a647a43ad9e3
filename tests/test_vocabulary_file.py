"""Vocabularies that leave the process: the JSON file, and pickles."""

from __future__ import annotations

import json
import os
import pickle
import stat
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glovestore.errors import GlovestoreError
from glovestore.vocabulary import Vocabulary

CORPUS = ["b a a c", "c a b d"]
every_token = st.text(st.one_of(st.integers(0, 0x10FFFF), st.integers(0xD800, 0xDFFF)).map(chr), max_size=4)
tokens = st.lists(every_token.filter(lambda token: token not in ("<pad>", "<unk>")), min_size=1, unique=True)


def split_at_commas(text):
    return text.split(",")


def load_document(path, document):
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return Vocabulary.load(path)


@given(tokens, st.sampled_from([None, "<unk>"]))
@example(["\ud83d\ude00", "🙂", "\ud83d", "\ude00\ud83d", "\x00", "\u2028", '"\\\n', ""], "<unk>")
def test_every_token_survives(tmp_path_factory, given_tokens, unk_token):
    path = tmp_path_factory.getbasetemp() / "vocab.json"
    vocab = Vocabulary.from_tokens(given_tokens, "whitespace", unk_token)
    vocab.save(path)
    assert Vocabulary.load(path) == vocab == pickle.loads(pickle.dumps(vocab))
    json.loads(path.read_bytes().decode("utf-8"))  # strict UTF-8, whatever the tokens


def test_the_file_is_readable(tmp_path):
    path = tmp_path / "vocab.json"
    vocab = Vocabulary.fit(["née a née", "\ud800"], max_size=2)
    vocab.save(str(path))
    assert path.read_text(encoding="utf-8") == (
        '{"format": "glovestore-vocabulary",\n"version": 1,\n"tokenizer": "keras",\n"padding_idx": 0,\n"unk_idx": 1,\n'
        '"tokens": ["<pad>",\n"<unk>",\n"née",\n"a"],\n"counts": [0,\n1,\n2,\n1]}\n'
    )
    loaded = Vocabulary.load(str(path))
    assert loaded == vocab and loaded.counts == vocab.counts
    assert loaded.encode(["a b née"]).tolist() == [[3, 1, 2]]
    Vocabulary.from_tokens(["\ud83d\ude00"]).save(path)
    assert json.loads(path.read_text(encoding="utf-8"))["tokens"] == ["<pad>", "<unk>", [0xD83D, 0xDE00]]


def test_unknown_fields_are_ignored(tmp_path):
    assert load_document(tmp_path / "v.json", {**GOOD, "later": [1]}).tokens == ("<pad>", "<unk>", "a")


GOOD = {
    "format": "glovestore-vocabulary",
    "version": 1,
    "tokenizer": "keras",
    "padding_idx": 0,
    "unk_idx": 1,
    "tokens": ["<pad>", "<unk>", "a"],
    "counts": [0, 1, 2],
}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "expected a vocabulary as JSON, got Expecting value"),
        ('{"format": ', "expected a vocabulary as JSON, got Expecting value: line 1 column 12"),
        ("[" * 200_000, "expected a vocabulary as JSON, got"),
        ('{"a": 1, "a": 2}', "expected a vocabulary as JSON, got the key 'a' twice"),
        ("\ufeff{}", "expected a vocabulary as JSON, got a byte order mark"),
        ("[]", 'expected a JSON object with "format": "glovestore-vocabulary", got []'),
        ("the 0.1 0.2\n", "expected a vocabulary as JSON, got"),
        ({**GOOD, "format": "other"}, 'expected a JSON object with "format": "glovestore-vocabulary", got {'),
        ({**GOOD, "version": 2}, "version: expected at most 1, got 2; a newer glovestore wrote this file"),
        ({**GOOD, "version": 0}, "version: expected 1, got 0"),
        ({**GOOD, "version": True}, "version: expected 1, got True"),
        ({**GOOD, "version": "1"}, "version: expected 1, got '1'"),
        ({**GOOD, "tokenizer": "spacy"}, "tokenizer: expected 'keras', 'whitespace', 'glove' or a callable"),
        ({**GOOD, "tokenizer": None}, "tokenizer: expected a name or {"),
        ({**GOOD, "tokenizer": {"callable": 1}}, "tokenizer: expected a name or {"),
        ({**GOOD, "padding_idx": 1}, "padding_idx: expected 0, got 1"),
        ({**GOOD, "padding_idx": False}, "padding_idx: expected an integer or null, got False"),
        ({**GOOD, "unk_idx": 2}, "unk_idx: expected 1 (with at least 2 tokens) or null, got 2"),
        ({**GOOD, "unk_idx": 0}, "unk_idx: expected 1 (with at least 2 tokens) or null, got 0"),
        ({**GOOD, "unk_idx": 1.0}, "unk_idx: expected an integer or null, got 1.0"),
        ({**GOOD, "tokens": ["<pad>"], "counts": None}, "unk_idx: expected 1 (with at least 2 tokens) or null, got 1"),
        ({**GOOD, "tokens": []}, 'tokens: expected a list that starts with "<pad>", got []'),
        ({**GOOD, "tokens": ["a", "<pad>"]}, "tokens: expected a list that starts with"),
        ({**GOOD, "tokens": "<pad>"}, "tokens: expected a list that starts with"),
        ({**GOOD, "tokens": ["<pad>", "<unk>", "a", "b", "a"]}, "tokens[4]: expected a new token, got 'a', as at t"),
        ({**GOOD, "tokens": ["<pad>", "<unk>", [97], "a"]}, "tokens[3]: expected a new token, got 'a'"),
        ({**GOOD, "tokens": ["<pad>", "<unk>", 5]}, "tokens[2]: expected a string or a list of code points, got 5"),
        ({**GOOD, "tokens": ["<pad>", "<unk>", [0x110000]]}, "tokens[2]: expected a string or a list of code points"),
        ({**GOOD, "tokens": ["<pad>", "<unk>", [-1]]}, "tokens[2]: expected a string or a list of code points"),
        ({**GOOD, "counts": [0, 1]}, "counts: expected null or a list of 3 integers, one a token, got [0, 1]"),
        ({**GOOD, "counts": [0, 1, 2.0]}, "counts[2]: expected 0 or more, got 2.0"),
        ({**GOOD, "counts": [0, -1, 2]}, "counts[1]: expected 0 or more, got -1"),
        ({**GOOD, "counts": [1, 1, 2]}, "counts[0]: expected 0, got 1"),
        *[({k: v for k, v in GOOD.items() if k != name}, f"{name}: expected this field") for name in list(GOOD)[1:]],
    ],
)
def test_bad_files(tmp_path, document, message):
    path = tmp_path / "vocab.json"
    with pytest.raises(GlovestoreError) as caught:
        load_document(path, document)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_binary_file(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_bytes(b"\xff\x00")
    with pytest.raises(GlovestoreError, match=r"vocab\.json: expected a vocabulary as JSON, got 'utf-8' codec can't"):
        Vocabulary.load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Vocabulary.load(tmp_path / "none.json")


def test_a_callable_tokenizer_is_asked_for_again(tmp_path):
    path = tmp_path / "vocab.json"
    vocab = Vocabulary.fit(["a,b"], split_at_commas)
    vocab.save(path)
    assert json.loads(path.read_bytes())["tokenizer"] == {"callable": f"{__name__}.split_at_commas"}
    assert Vocabulary.load(path, tokenizer=split_at_commas) == vocab
    for wrong in (None, "keras"):
        with pytest.raises(ValueError) as caught:
            Vocabulary.load(path, tokenizer=wrong)
        expected = f"the callable that this vocabulary was made with, {__name__}.split_at_commas"
        assert str(caught.value) == f"{path}: tokenizer: expected {expected}, got {wrong!r}"


@pytest.mark.parametrize(
    ("tokenizer", "name"),
    [(partial(str.split, sep=","), "functools.partial"), (str.split, "builtins.str.split")],
)
def test_names_of_callables(tmp_path, tokenizer, name):
    path = tmp_path / "vocab.json"
    Vocabulary.from_tokens(["a"], tokenizer).save(path)
    assert json.loads(path.read_bytes())["tokenizer"] == {"callable": name}


def test_a_named_tokenizer_cannot_be_changed(tmp_path):
    path = tmp_path / "vocab.json"
    Vocabulary.fit(CORPUS).save(path)
    assert Vocabulary.load(path, tokenizer="keras").tokenizer == "keras"
    with pytest.raises(ValueError, match=r"tokenizer: expected 'keras', which this .*, or nothing, got 'whitespace'"):
        Vocabulary.load(path, tokenizer="whitespace")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "vocab.json"
    Vocabulary.fit(CORPUS).save(path)
    before = path.read_bytes()

    def no_space(*_):
        raise OSError("no space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
            patch.setattr(os, name, no_space)
            Vocabulary.from_tokens(["x"]).save(path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["vocab.json"]


def test_save_into_nowhere_and_onto_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected an existing folder, .*missing"):
        Vocabulary.fit(CORPUS).save(tmp_path / "missing" / "vocab.json")
    with pytest.raises(OSError):
        Vocabulary.fit(CORPUS).save(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="modes and symbolic links as POSIX has them")
def test_mode_umask_and_symbolic_links(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    old = os.umask(0o027)
    try:
        Vocabulary.fit(CORPUS).save(real)
    finally:
        os.umask(old)
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    real.chmod(0o600)
    link.symlink_to(real)
    Vocabulary.from_tokens(["x"]).save(link)
    assert link.is_symlink() and "x" in Vocabulary.load(real)
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_equal_vocabularies_pickle_to_equal_bytes(tmp_path):
    path = tmp_path / "vocab.json"
    # Tokens equal to the tokenizer's name, or one object with another token: pickle notes which strings are one object.
    first = Vocabulary.from_tokens(["keras", "a"], tokenizer="keras", unk_token="uk")
    second = Vocabulary.from_tokens(["".join("keras"), "a"], tokenizer="".join(["ker", "as"]), unk_token="".join("uk"))
    first.save(path)
    third = Vocabulary.load(path)
    third.encode(["use it"])
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        dumps = {pickle.dumps(vocab, protocol) for vocab in (first, second, third)}
        assert len(dumps) == 1
        assert pickle.loads(dumps.pop()) == first
    assert pickle.dumps(first) != pickle.dumps(Vocabulary.from_tokens(["a", "keras"], unk_token="uk"))


def test_subclasses_stay_what_they_are(tmp_path):
    vocab = pickle.loads(pickle.dumps(Mine.fit(CORPUS)))
    vocab.save(tmp_path / "vocab.json")
    assert type(vocab) is type(Mine.load(tmp_path / "vocab.json")) is Mine


class Mine(Vocabulary):
    """Somebody's subclass."""
