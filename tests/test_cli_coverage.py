"""`glovestore coverage`: of a vocabulary and of a text, what is there, what is missing, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from packing import PACKERS

import glovestore
from glovestore.cli import main
from glovestore.matrix import FALLBACKS
from glovestore.matrix.coverage import Coverage
from glovestore.matrix.doctor import Diagnosis, Win, diagnose
from glovestore.progress import byte_progress
from glovestore.shell.advice import advice

TEXT = "The cat's CAFE\u0301, the (dog) Zzz.\r\nthe Cat of zzz\n\nthe zzz THE zzz"
TOKENS = ["the", "of", "cat", "dog", "king", "caf\u00e9", "cafe"]


def run(*arguments: str | Path, stdin: bytes = b"", code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["coverage", *map(str, arguments)], input=stdin)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return result


def as_json(*arguments: str | Path, **options: Any) -> Any:
    return json.loads(run(*arguments, "--json", **options).stdout)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "vectors.txt").write_text("".join(f"{token} 1 2\n" for token in TOKENS), encoding="utf-8")
    glovestore.build(tmp_path / "vectors.txt", tmp_path / "store.h5", durable=False)
    return tmp_path / "store.h5"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_bytes(TEXT.encode())
    return tmp_path / "corpus.txt"


def expected_of(store: Path, tokenizer: str, fallbacks: list[str] | None = None) -> dict[str, Any]:
    """Return what the library says about TEXT."""
    vocab = glovestore.Vocabulary.fit(TEXT.replace("\r", "").split("\n"), tokenizer=tokenizer, unk_token=None)
    with glovestore.open(store) as opened:
        return diagnose(vocab, opened.rows, fallbacks or []).to_dict()


# ---------------------------------------------------------------------- of a vocabulary


def test_a_vocabulary(store: Path, tmp_path: Path) -> None:
    vocab = tmp_path / "vocab.txt"
    vocab.write_bytes(b"The\nof\nKING\nnone\n\xef\xbd\x8bing\n" + b"".join(b"none%d\n" % i for i in range(30)))
    document = as_json(store, vocab, "--fallback", "lower")
    with glovestore.open(store) as opened, pytest.warns(glovestore.CoverageWarning):
        expected = opened.matrix(vocab.read_bytes().split(), fallbacks=["lower"]).coverage.to_dict()
    assert {name: document[name] for name in expected} == expected
    assert (document["found"], document["by_rule"], document["missing"]) == (1, {"lower": 2}, 32)
    assert [win["tokens"] for win in document["alone"]] == [int(name == "nfkc") for name in FALLBACKS]
    assert document["fallbacks"] == ["lower", "nfkc"]
    assert "missing_counts" not in document
    assert as_json(vocab, "--store", store, "--fallback", "lower") == document
    result = run(store, vocab)
    assert result.stderr == ""
    words = [line.split() for line in result.stdout.splitlines()]
    for line in (["tokens", "35"], ["found", "1", "2.8", "%"], ["missing", "34", "97.1", "%"], ["...", "and", "14"]):
        assert any(found[: len(line)] == line for found in words), line
    assert ["--fallback", "lower", "2", "5.7", "%", "The", "as", "the"] in words
    assert "none15\n" in result.stdout
    assert "none16" not in result.stdout


def test_what_is_all_there(store: Path) -> None:
    text = run(store, "-", stdin=b"the\nof\n").stdout
    assert text.splitlines() == ["tokens   2", "found    2  100.0 %", "missing  0    0.0 %"]


def test_when_no_fallback_helps(store: Path) -> None:
    text = run(store, "-", "--fallback", "lower", stdin=b"THE\nnone\n").stdout
    assert [line.split()[:3] for line in text.splitlines()[2:4]] == [["as", "they", "are"], ["by", "lower", "1"]]
    assert f"no fallback ({', '.join(FALLBACKS)}) would find any" in text
    assert text.endswith(
        '\nuse\n  fallbacks=["lower"]\n  --fallback lower\nwhich finds 50.0 % of the tokens (now 50.0 %)\n'
    )
    assert "use" not in run(store, "-", stdin=b"none\n").stdout


def test_a_saved_vocabulary_with_counts(store: Path, tmp_path: Path) -> None:
    vocab = glovestore.Vocabulary.fit(["The The OF zzz zzz zzz the"], tokenizer="whitespace")
    vocab.save(tmp_path / "vocab.json")
    document = as_json(store, tmp_path / "vocab.json")
    assert (document["missing_tokens"], document["missing_counts"]) == (["zzz", "The", "OF"], [3, 2, 1])
    assert document["in_order"] == [{"fallback": "lower", "tokens": 2, "occurrences": 3, "example": ["The", "the"]}]


# ---------------------------------------------------------------------- of a text


@pytest.mark.parametrize("tokenizer", ["glove", "keras", "whitespace"])
def test_a_text(store: Path, corpus: Path, tokenizer: str) -> None:
    expected = expected_of(store, tokenizer)
    assert as_json("--text", corpus, "--store", store, "--tokenizer", tokenizer) == expected
    assert as_json(store, "--text", corpus, "--tokenizer", tokenizer, "--no-progress") == expected
    assert (as_json("--text", corpus, "--store", store) == expected) == (tokenizer == "glove"), "the default"
    in_use = as_json("--text", corpus, "--store", store, "--tokenizer", tokenizer, "--fallback", "lower")
    assert in_use == expected_of(store, tokenizer, ["lower"])


def test_an_unk_that_stands_in_a_text_is_a_token_like_others(store: Path, tmp_path: Path) -> None:
    (tmp_path / "ptb.txt").write_bytes(b"the <unk> of <unk>\n")
    document = as_json("--text", tmp_path / "ptb.txt", "--store", store, "--tokenizer", "whitespace")
    assert (document["total"], document["missing_tokens"], document["missing_counts"]) == (3, ["<unk>"], [2])


def test_a_text_as_people_see_it(store: Path, corpus: Path) -> None:
    text = run("--text", corpus, "--store", store, "--tokenizer", "whitespace").stdout
    assert text == (
        "         tokens          occurrences\n"
        "all          10                   14\n"
        "found         2  20.0 %            4  28.5 %\n"
        "missing       8  80.0 %           10  71.4 %\n"
        "\n"
        "of the missing, a fallback alone would find\n"
        "                                tokens          occurrences\n"
        "  --fallback lower                   3  30.0 %            3  21.4 %  The as the\n"
        "  --fallback nfkc                    0   0.0 %            0   0.0 %\n"
        "  --fallback strip_accents           0   0.0 %            0   0.0 %\n"
        "  --fallback digits_to_zero          0   0.0 %            0   0.0 %\n"
        "  --fallback digits_to_hash          0   0.0 %            0   0.0 %\n"
        "  --fallback strip_punctuation       1  10.0 %            1   7.1 %  (dog) as dog\n"
        "  --fallback strip_possessive        1  10.0 %            1   7.1 %  cat's as cat\n"
        "\n"
        "in the best order, each would find on top of those before it\n"
        "                                tokens          occurrences\n"
        "  --fallback lower                   3  30.0 %            3  21.4 %  The as the\n"
        "  --fallback strip_punctuation       1  10.0 %            1   7.1 %  (dog) as dog\n"
        "  --fallback strip_possessive        1  10.0 %            1   7.1 %  cat's as cat\n"
        "\n"
        "missing, the most frequent first:\n"
        "  3  zzz\n"
        "  1  The\n"
        "  1  cat's\n"
        "  1  CAFE\u0301,\n"
        "  1  (dog)\n"
        "  1  Zzz.\n"
        "  1  Cat\n"
        "  1  THE\n"
        "\n"
        "use\n"
        '  fallbacks=["lower", "strip_punctuation", "strip_possessive"]\n'
        "  --fallback lower --fallback strip_punctuation --fallback strip_possessive\n"
        "which finds 70.0 % of the tokens (now 20.0 %) and 64.2 % of their occurrences (now 28.5 %)\n"
    )


def test_a_progress_bar_that_waits_for_long_texts(capsys: pytest.CaptureFixture[str]) -> None:
    for delay, is_shown in ((3600.0, False), (0.0, True)):
        with byte_progress("corpus.txt", 10, show=True, delay=delay) as advance_to:
            advance_to(10)
        assert ("corpus.txt: 100%" in capsys.readouterr().err) == is_shown


@pytest.mark.parametrize("kind", ["gzip", "xz", "bzip2"])
def test_a_text_that_is_compressed(store: Path, corpus: Path, tmp_path: Path, kind: str) -> None:
    packed = tmp_path / f"corpus.{kind}"
    packed.write_bytes(PACKERS[kind](corpus.read_bytes()))
    assert as_json("--text", packed, "--store", store) == expected_of(store, "glove")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252", "UTF8"])
def test_encodings(store: Path, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes("caf\u00e9 caf\u00e9\nthe\n".encode(encoding))
    document = as_json("--text", path, "--store", store, "--encoding", encoding)
    assert (document["found"], document["missing"], document["occurrences"]) == (2, 0, 3)


def test_a_byte_that_cannot_be_decoded(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"the\nof caf\xe9\n")
    result = run("--text", path, "--store", store, code=1)
    assert result.stdout == ""
    assert result.stderr == (
        f"glovestore: error: {path}:2:7: expected text in utf-8, got the byte 0xe9 (invalid continuation byte): "
        "say --encoding if it is in another one\n"
    )
    assert as_json("--text", path, "--store", store, "--encoding", "latin-1")["missing"] == 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b" \n\t\r\n"])
def test_a_text_without_tokens(store: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "corpus.txt").write_bytes(content)
    error = run("--text", tmp_path / "corpus.txt", "--store", store, code=1).stderr
    assert error == f"glovestore: error: {tmp_path / 'corpus.txt'}: expected at least one token, got none\n"


def test_files_that_are_none(store: Path, corpus: Path, tmp_path: Path) -> None:
    assert "expected a file, got a directory" in run("--text", tmp_path, "--store", store, code=1).stderr
    assert "absent.txt: No such file" in run("--text", tmp_path / "absent.txt", "--store", store, code=1).stderr
    assert "it does not start like a store" in run("--text", store, "--store", corpus, code=1).stderr, "swapped"


# ---------------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        ([], "nothing"),
        (["a"], "a"),
        (["--store", "a"], "--store a"),
        (["--text", "a"], "--text a"),
        (["a", "b", "--text", "c"], "a, b, --text c"),
        (["a", "--store", "b", "--text", "c"], "--store b, a, --text c"),
        (["a", "b", "--store", "c"], "--store c, a, b"),
        (["a", "b", "c"], "a, b, c"),
    ],
)
def test_one_store_and_one_thing_to_compare_it_with(arguments: list[str], got: str) -> None:
    error = run(*arguments, code=2).stderr
    expected = "expected STORE VOCAB, or --text FILE --store STORE: one store and one of the others"
    assert error.endswith(f"Error: {expected}; got {got}\n")


@pytest.mark.parametrize("option", [["--tokenizer", "keras"], ["--encoding", "utf-8"], ["--progress"]])
def test_options_of_a_text_need_one(option: list[str]) -> None:
    error = run("store.h5", "vocab.txt", *option, code=2).stderr
    assert error.endswith("--tokenizer, --encoding and --progress are about --text: expected --text FILE\n")


def test_an_unknown_encoding_is_wrong_usage() -> None:
    error = run("--text", "corpus.txt", "--store", "store.h5", "--encoding", "utf-9", code=2).stderr
    assert "expected an encoding of text that Python knows" in error
    assert "'utf-9'" in error


# ---------------------------------------------------------------------- the table


def diagnosis_of(coverage: Coverage, wins: tuple[Win, ...] = (), counts: tuple[int, ...] | None = None) -> Diagnosis:
    names = tuple(win.fallback for win in wins)
    return Diagnosis(coverage, coverage.missing_tokens, counts, wins, wins, names, coverage)


def test_the_advice_on_nothing() -> None:
    assert advice(diagnosis_of(Coverage(0, 0, {}, 0, ()))).split() == (
        ["tokens", "0", "found", "0", "0.0", "%", "missing", "0", "0.0", "%"]
    )


def test_rules_in_use_say_nothing_about_occurrences() -> None:
    table = advice(diagnosis_of(Coverage(4, 1, {"lower": 3}, 0, (), 4000, 4000)))
    assert table.splitlines()[2:] == [
        "found               4  100.0 %        4,000  100.0 %",
        "  as they are       1   25.0 %",
        "  by lower          3   75.0 %",
        "missing             0    0.0 %            0    0.0 %",
    ]


def test_odd_tokens_do_not_spoil_the_table() -> None:
    missing = ("x" * 500, "\x1b[31m", "")
    win = Win("lower", 1, 7, ("\x1b[31M", "\x1b[31m"))
    table = advice(diagnosis_of(Coverage(3, 0, {}, 3, missing, 9, 0), (win,), (7, 1, 1)))
    assert f"  7  {'x' * 60}...\n  1  '\\x1b[31m'\n  1  ''\n" in table
    assert r"'\x1b[31M' as '\x1b[31m'" in table
