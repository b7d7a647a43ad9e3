"""What the benchmarks measure beside us, and with: each rival gives the right answer on a tiny input."""

from __future__ import annotations

import json
import mmap
import sys
import zlib
from pathlib import Path
from typing import Any

import corpus
import encoders
import numpy as np
import page_cache
import pytest
import second_process
import startup
import worker_processes
from generated_stores import generate_store, vectors_of
from lookup_inputs import INPUTS, Input
from openers import GLOVESTORE, LMDB, OPENERS, PEERS, Opener, fancy_indexed

import glovestore

TOKENS = ["the", "été", "b", "nan", "a b"]
VECTORS = np.array([[1, 2], [3, 4], [-5, 6.5], [0, -0.0], [9, 1e-3]], np.float32)
ASKED = ["b", "the", "a b", "b", "été"]
EXPECTED = VECTORS[[2, 0, 4, 2, 1]]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the store of the tokens."""
    lines = [f"{token} {x} {y}\n" for token, (x, y) in zip(TOKENS, VECTORS.tolist(), strict=True)]
    (tmp_path / "source.txt").write_text("".join(lines), encoding="utf-8")
    glovestore.build(tmp_path / "source.txt", tmp_path / "store.h5", durable=False)
    return tmp_path


def converted(opener: Opener, folder: Path) -> Path:
    if opener.package:
        pytest.importorskip(opener.package)
    if opener.convert:
        opener.convert(folder, TOKENS, VECTORS)
    return folder


# --- ways to keep vectors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opener", OPENERS.values(), ids=lambda opener: opener.name)
def test_an_opener_finds_vectors_in_the_order_asked_for(opener: Opener, folder: Path) -> None:
    opened = opener.open(converted(opener, folder))
    matrix = opener.matrix(opened, ASKED)
    assert matrix.dtype == np.float32
    assert np.array_equal(matrix, EXPECTED)
    if opener.close:
        opener.close(opened)


@pytest.mark.parametrize("opener", PEERS, ids=lambda opener: opener.name)
def test_the_files_of_an_opener_are_all_it_needs(opener: Opener, folder: Path, tmp_path: Path) -> None:
    converted(opener, folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    files = list(folder.glob(opener.files))
    assert files
    for file in files:
        file.rename(elsewhere / file.name)
    assert np.array_equal(opener.matrix(opener.open(elsewhere), ASKED), EXPECTED)


def test_lmdb_can_be_opened_again_after_it_was_closed(folder: Path) -> None:
    converted(LMDB, folder)
    assert LMDB.close is not None
    for _ in range(2):
        LMDB.close(LMDB.open(folder))


def test_everything_is_imported_before_the_clock_starts(folder: Path) -> None:
    """A process that has done the imports opens and makes the matrix without another one."""
    code = (
        "import sys; from pathlib import Path; sys.path.append(sys.argv[1]); import openers;"
        " opener = openers.GLOVESTORE; opener.do_imports(); before = set(sys.modules);"
        " opener.matrix(opener.open(Path(sys.argv[2])), ['b']); print(sorted(set(sys.modules) - before))"
    )
    assert second_process.run_python("-c", code, Path(second_process.__file__).parent, folder) == "[]\n"


def test_rows_of_a_dataset_come_in_any_order() -> None:
    dataset = np.arange(12).reshape(6, 2)
    assert fancy_indexed(dataset, [4, 0, 4, 5]).tolist() == [[8, 9], [0, 1], [8, 9], [10, 11]]


@pytest.mark.parametrize("opener", [GLOVESTORE, PEERS[1]], ids=lambda opener: opener.name)
def test_a_second_process_has_seconds_and_leaves_the_matrix(opener: Opener, folder: Path, tmp_path: Path) -> None:
    tokens, matrix = tmp_path / "tokens.json", tmp_path / "matrix.npy"
    tokens.write_text(json.dumps(ASKED), encoding="utf-8")
    assert 0 < second_process.run(opener, converted(opener, folder), tokens, matrix) < 60
    assert np.array_equal(np.load(matrix), EXPECTED)


def test_a_process_that_fails_is_an_error_with_its_message() -> None:
    with pytest.raises(RuntimeError, match=r"expected a result on its standard output, got\n(.*\n)*KeyError: 'no'"):
        second_process.run_python("-c", "{}['no']")


# --- what is measured with -------------------------------------------------------------------------------------------


def test_dropped_pages_are_gone_until_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * mmap.PAGESIZE + 1))
    assert page_cache.cached_fraction(path) == 1
    page_cache.drop(path)
    if page_cache.cached_fraction(path) == 1:
        pytest.skip("the pages of this file system cannot be dropped")
    assert page_cache.cached_fraction(path) == 0
    path.read_bytes()
    assert page_cache.cached_fraction(path) == 1


def test_an_empty_file_has_no_pages(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert page_cache.cached_fraction(tmp_path / "empty") == 0


def test_processes_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    codes = {name: f"import sys; print({name!r}, file=open(sys.argv[1], 'a'))" for name in ("a", "b")}
    seconds = startup.take_turns(codes, [log], rounds=2)
    assert log.read_text().split() == ["a", "b"] * 3  # one round more, to warm up
    assert [len(times) for times in seconds.values()] == [2, 2]
    assert all(time > 0 for times in seconds.values() for time in times)


def test_what_one_takes_above_another() -> None:
    assert (
        startup.above({"ours": [0.5, 0.013, 0.012], "numpy": [0.01, 0.01, 0.7]}, "ours", "numpy")
        == "+3.0 ms against numpy"
    )


@pytest.mark.parametrize("name", startup.USES)
def test_new_processes_make_what_they_say(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens.txt").write_text("\n".join(ASKED), encoding="utf-8")
    code, left = startup.USES[name] + startup.LEAVE_BEHIND, tmp_path / "matrix.npy"
    second_process.run_python("-c", code, tmp_path / "tokens.txt", folder / "store.h5", "2", left)
    filled = {"glovestore": EXPECTED, "numpy": np.full((5, 2), "ones" in name)}
    assert np.array_equal(np.load(left), filled[name.partition(":")[0]])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much memory is private")
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_workers_all_have_the_matrix(folder: Path, tmp_path: Path, how: str) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps(ASKED), encoding="utf-8")
    order = worker_processes.Order(GLOVESTORE.name, str(folder), str(tokens), how, workers=2)
    outcome = worker_processes.run(order, tmp_path)
    assert outcome.checksums == [zlib.crc32(EXPECTED)] * 2
    assert 0 < outcome.seconds < 60
    assert all(abs(memory) < 20e6 for memory in outcome.memory)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much memory is private")
def test_private_memory_is_what_was_written_to() -> None:
    before = worker_processes.private_memory()
    filled = mmap.mmap(-1, 30_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # numpy may have freed memory left
    filled[:: mmap.PAGESIZE] = b"x" * -(-len(filled) // mmap.PAGESIZE)
    assert 29e6 < worker_processes.private_memory() - before < 40e6
    del filled


def test_a_generated_store_is_whole(tmp_path: Path) -> None:
    tokens = generate_store(tmp_path / "store.h5", 3000, 5)
    with glovestore.open(tmp_path / "store.h5") as store:
        store.verify()
        assert store.shape == (3000, 5)
        assert list(store.tokens) == [token.decode() for token in tokens]
        assert np.array_equal(store.vectors, vectors_of(np.arange(3000), 5))
    assert len(np.unique(vectors_of(np.arange(3000), 5), axis=0)) == 3000


def as_list(tokens: Any) -> list[Any]:
    found: list[Any] = next(
        getattr(tokens, name)() for name in ("to_pylist", "to_list", "tolist", "__iter__") if hasattr(tokens, name)
    )
    return list(found)


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.name)
def test_every_kind_of_input_has_the_tokens(kind: Input) -> None:
    pytest.importorskip(kind.package, kind.least)
    tokens = as_list(kind.make(ASKED if kind.name != "keys of a dict" else TOKENS))
    texts = [token.decode() if isinstance(token, bytes) else token for token in tokens]
    assert texts == (ASKED if kind.name != "keys of a dict" else TOKENS)


# --- texts and tokenizers --------------------------------------------------------------------------------------------

TEXTS = ["The cat, the DOG!", "", "it's a cat\n-- (the) cat", "dog\ta"]
SEQUENCES = [[2, 3, 2, 4], [], [6, 5, 3, 2, 3], [4, 5]]  # the 4, cat 3 (first seen), dog 2, a 2, it's 1


@pytest.fixture
def keras() -> encoders.KerasAlgorithm:
    """The algorithm after it has seen the texts."""
    keras = encoders.KerasAlgorithm()
    keras.fit_on_texts(TEXTS)
    return keras


def test_the_keras_algorithm_orders_by_count_then_first_seen(keras: encoders.KerasAlgorithm) -> None:
    assert keras.word_index == {"<unk>": 1, "the": 2, "cat": 3, "dog": 4, "a": 5, "it's": 6}
    assert keras.texts_to_sequences(TEXTS) == SEQUENCES
    assert keras.texts_to_sequences(["a bird"]) == [[5, 1]]


def test_the_keras_algorithm_keeps_as_many_words_as_asked_for() -> None:
    keras = encoders.KerasAlgorithm(max_size=2)
    keras.fit_on_texts(TEXTS)
    assert keras.texts_to_sequences(TEXTS[:1]) == [[2, 3, 2, 1]]


def test_sequences_are_cut_and_padded_behind() -> None:
    assert encoders.padded(SEQUENCES, 3).tolist() == [[2, 3, 2], [0, 0, 0], [6, 5, 3], [4, 5, 0]]
    assert encoders.padded(SEQUENCES, None).shape == (4, 5)
    assert encoders.padded([], None).shape == (0, 0)


@pytest.mark.parametrize("max_len", [None, 3, 9])
def test_hugging_face_has_the_ids_of_the_keras_algorithm(keras: encoders.KerasAlgorithm, max_len: int | None) -> None:
    pytest.importorskip("tokenizers")
    hugging_face = encoders.HuggingFace(["<pad>", *keras.word_index])
    for texts in (TEXTS, [*TEXTS, "a bird"]):
        assert np.array_equal(hugging_face.encode(texts, max_len), keras.encode(texts, max_len))


def test_hugging_face_splits_at_white_space() -> None:
    pytest.importorskip("tokenizers")
    hugging_face = encoders.HuggingFace(["<pad>", "<unk>", "The", "cat,"], "whitespace")
    assert hugging_face.encode(TEXTS[:2], None).tolist() == [[2, 3, 1, 1], [0, 0, 0, 0]]


def test_hugging_face_learns_the_most_frequent_words() -> None:
    pytest.importorskip("tokenizers")
    found = encoders.train_hugging_face(TEXTS, 2)  # in any order where counts are equal
    assert found.keys() == {"<pad>", "<unk>", "the", "cat"}
    assert (found["<pad>"], found["<unk>"], sorted(found.values())) == (0, 1, [0, 1, 2, 3])


def test_scikit_learn_finds_the_words_of_the_keras_algorithm(keras: encoders.KerasAlgorithm) -> None:
    pytest.importorskip("sklearn")
    assert encoders.fit_scikit_learn(TEXTS).keys() == keras.word_index.keys() - {"<unk>"}


def test_generated_texts_are_the_same_again_and_have_what_tokenizers_stumble_over() -> None:
    texts = corpus.generated_texts(300_000)
    assert texts == corpus.generated_texts(300_000)
    assert 300_000 <= sum(map(len, texts)) < 310_000
    assert texts[:5] == corpus.generated_texts(400_000)[:5]
    assert texts != corpus.generated_texts(300_000, seed=1)
    joined = " ".join(texts)
    assert [sign for sign in ".,?()\"'-\n" if sign not in joined] == []
    assert joined != joined.lower()
    assert 100 < np.mean([len(text.split(" ")) for text in texts]) < 600


def test_generated_tokens_follow_zipfs_law() -> None:
    keras = encoders.KerasAlgorithm()
    counts = [count for _, count in keras.count(corpus.generated_texts(1_000_000)).most_common()]
    assert 7 < counts[0] / counts[30] < 15  # 33 / 3


def test_difficult_texts() -> None:
    texts = corpus.generated_texts(100_000)
    inputs = corpus.difficult(texts, 50)
    others = inputs["not ASCII"].texts
    assert list(map(len, others)) == list(map(len, texts))
    assert not any(text.isascii() for text in others)
    assert [letter for letter in "èλл" if not any(letter in text for text in others)] == []
    assert inputs["one word"].texts == texts[0].split()[:50]
    assert [len(text) for text in inputs["one text"].texts] == [sum(map(len, texts)) + len(texts) - 1]


def test_texts_of_a_file_stand_behind_labels_or_alone(tmp_path: Path) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text("label\tone text\twith a tab\nanother text\r\n\n", encoding="utf-8", newline="")
    assert corpus.read_texts(file) == ["one text\twith a tab", "another text\r", ""]


def test_a_corpus_counts_bytes() -> None:
    assert corpus.Corpus("texts", ["été", "a"] * 100_000).title == "texts (200,000; 0.60 MB)"
