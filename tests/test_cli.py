"""The verbs of the shell, in this process: what they print, as text and as JSON, beside what the library says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

import glovestore
from glovestore.cli import main

VERBS = [
    *("build", "cache", "catalogue", "convert", "coverage", "demo", "download", "evaluate", "export", "get", "info"),
    *("matrix", "merge", "nearest", "predict", "slice", "train", "verify"),
]
TEXT = (
    b"the 0.1 -0.24487 0.0000001\nof 1 2 3\nking 1 1 0\nqueen 1 0.9 0\nprince 1 0.5 0.5\n"
    b"caf\xc3\xa9 3 2 1\n\xff\xfe 4 5 6\n 7 8 9\nq q 0 0 1\n\x1b[31m 1 1 1\n"
)
TOKENS = [row.rsplit(b" ", 3)[0] for row in TEXT.splitlines()]


def run(*arguments: str | Path, stdin: bytes = b"", code: int = 0) -> Result:
    """Call the command and check its exit code."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return result


def as_json(*arguments: str | Path, **options: Any) -> Any:
    """Return the one JSON document on standard output, which is ASCII."""
    return json.loads(run(*arguments, "--json", **options).stdout_bytes.decode("ascii"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "vectors.txt"
    path.write_bytes(TEXT)
    return path


@pytest.fixture(scope="module")
def path(source: Path) -> Path:
    glovestore.build(source, source.with_suffix(".h5"), dim=3, durable=False)
    return source.with_suffix(".h5")


# ---------------------------------------------------------------------- all


def test_the_verbs() -> None:
    assert main.list_commands(click.Context(main)) == VERBS
    listing = run("--help").stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listing.strip().splitlines()] == VERBS
    assert "..." not in listing  # every summary fits


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_an_example_and_json(verb: str) -> None:
    text = run(verb, "-h").stdout
    assert f"\n    glovestore {verb} " in text or (verb == "demo" and "\n    glovestore demo\n" in text)
    assert "--json" in text


def test_version() -> None:
    assert run("--version").stdout == f"glovestore {glovestore.__version__}\n"


# ---------------------------------------------------------------------- build


def test_build_prints_the_report(source: Path, tmp_path: Path) -> None:
    text = run("build", source, tmp_path / "new.h5", "--dim", "3").stdout
    assert text.startswith(f"{tmp_path / 'new.h5'}: 10 rows x 3 from 10 lines")
    with glovestore.open(tmp_path / "new.h5") as store:
        assert [token.encode("utf-8", "surrogateescape") for token in store] == TOKENS


def test_build_as_json_accounts_for_every_line(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"5 2\na 1 2\nb 1 x\na 3 4\nc 5 6\nd 7 8")
    options = ["--skip-bad-lines", "--header", "--no-durable"]
    report = as_json("build", tmp_path / "v.txt", tmp_path / "v.h5", *options)
    counts = {name: report[name] for name in ("lines", "rows", "header", "duplicates", "skipped", "final_newline")}
    assert counts == {"lines": 6, "rows": 3, "header": 1, "duplicates": 1, "skipped": 1, "final_newline": False}
    assert report["first_duplicates"] == ["a"]
    assert report["first_skipped"][0].endswith(":3:5: expected a number, got 'x'")


def test_build_flushes_to_disk_unless_told_not_to(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", flushed.append)
    run("build", source, tmp_path / "1.h5", "--dim", "3", "--no-durable")
    assert flushed == []
    run("build", source, tmp_path / "2.h5", "--dim", "3")
    assert flushed


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (b"a 1 2\nb 3 x\n", [], ":2:5: expected a number, got 'x'"),
        (b"a 1 2\nb 3 4 5\n", [], "; say --dim"),
        (b"a 1 2\nb 3 4\n", ["--dim", "3"], ":1:6: expected 3 numbers, got 2"),
        (b"a 1 2\nb 3 4\n", ["--header"], ":1:1: expected a header"),
        (b"2 2\na 1 2\nb 3 4\n", ["--no-header"], ":1:4: expected 2 numbers, got 1"),
        (b"", [], "empty file"),
    ],
)
def test_bad_text_is_one_line_and_exit_code_1(tmp_path: Path, text: bytes, options: list[str], message: str) -> None:
    (tmp_path / "v.txt").write_bytes(text)
    result = run("build", tmp_path / "v.txt", tmp_path / "v.h5", *options, code=1)
    assert result.stdout == ""
    assert result.stderr.startswith(f"glovestore: error: {tmp_path / 'v.txt'}")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not (tmp_path / "v.h5").exists()


def test_build_replaces_stores_only_and_only_when_told(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "v.h5"
    run("build", source, target, "--dim", "2", "--skip-bad-lines")
    assert "--overwrite" in run("build", source, target, code=1).stderr
    assert as_json("info", target)["dim"] == 2
    run("build", source, target, "--dim", "3", "--overwrite")
    assert as_json("info", target)["dim"] == 3
    note = tmp_path / "note.txt"
    note.write_text("mine")
    assert "not a store" in run("build", source, note, "--overwrite", code=1).stderr
    assert note.read_text() == "mine"


# ---------------------------------------------------------------------- info, verify


def test_info(path: Path) -> None:
    info = as_json("info", path)
    with glovestore.open(path) as store:
        assert (info["rows"], info["dim"], info["dtype"], info["bytes"]) == (10, 3, "float32", path.stat().st_size)
        assert info["source"] == {"name": "vectors.txt", "bytes": len(TEXT), "digest": store.metadata["source_digest"]}
        assert info["norms"]["mean"] == pytest.approx(np.linalg.norm(store.vectors, axis=1).mean())
    counts = dict.fromkeys(("header", "duplicates", "skipped", "not_kept", "filled"), 0)
    assert info["lines"] == {"total": 10, "rows": 10, **counts}
    assert info["index"] == {"buckets": 2, "load": 10 / 16, "longest_probe": info["index"]["longest_probe"], "seed": 0}
    text = run("info", path).stdout
    for part in (
        str(path),
        "10 x 3, float32",
        f"vectors.txt, {len(TEXT)} bytes",
        "10 = 10 rows + 0 header",
        "2 buckets",
    ):
        assert part in text


def test_verify(path: Path, tmp_path: Path) -> None:
    result = as_json("verify", path)
    assert result == {"ok": True, "path": str(path), "bytes": path.stat().st_size, "seconds": result["seconds"]}
    assert run("verify", path).stdout.startswith(f"ok: {path}: {path.stat().st_size:,} bytes in ")


def test_verify_of_a_damaged_store(path: Path, tmp_path: Path) -> None:
    data = bytearray(path.read_bytes())
    with glovestore.open(path) as store:
        data[data.index(store.vectors.tobytes())] ^= 1
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(data)
    result = run("verify", damaged, "--json", code=1)
    document = json.loads(result.stdout)
    assert document["ok"] is False
    assert "vectors rows 0 to 9" in document["problem"]
    assert result.stderr == f"glovestore: error: {damaged}: {document['problem']}\n"
    assert run("verify", damaged, code=1).stdout == ""


def test_a_vectors_file_has_nothing_to_verify(source: Path) -> None:
    message = run("verify", source, code=1).stderr
    assert "expected a glovestore file, got one that does not start like one" in message
    assert f"glovestore build {source} " in message
    assert as_json("verify", source, code=1)["ok"] is False


@pytest.mark.parametrize("verb", ["info", "verify"])
def test_what_is_missing_is_an_error(verb: str, tmp_path: Path) -> None:
    missing = tmp_path / "none.h5"
    assert run(verb, missing, code=1).stderr == f"glovestore: error: {missing}: No such file or directory\n"


# ---------------------------------------------------------------------- get, nearest


def test_get_prints_bytes_and_the_shortest_digits(path: Path) -> None:
    lines = b"\r\n".join(TOKENS)
    output = run("get", path, stdin=lines).stdout_bytes
    assert output.startswith(b"the 0.1 -0.24487 0.0000001\nof 1 2 3\n")
    rows = [row.rsplit(b" ", 3) for row in output.splitlines()]
    assert [row[0] for row in rows] == TOKENS
    with glovestore.open(path) as store:
        assert np.array_equal(np.array([row[1:] for row in rows]).astype(np.float32), store.vectors)


def test_get_as_json(path: Path) -> None:
    document = as_json("get", path, stdin=b"the\nnone\n\xff\xfe\nthe\n", code=1)
    assert document["dim"] == 3
    assert document["missing"] == ["none"]
    assert [entry["token"] for entry in document["vectors"]] == ["the", "\udcff\udcfe", "the"]
    assert document["vectors"][0]["vector"] == [0.1, -0.24487, 1e-07]


@pytest.mark.parametrize("arguments", [["the", "none", "of", "nil"], ["-"], []])
def test_get_prints_what_it_found_and_names_what_is_missing(path: Path, arguments: list[str]) -> None:
    result = run("get", path, *arguments, stdin=b"the\nnone\nof\nnil", code=1)
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["the", "of"]
    assert result.stderr == "glovestore: error: 2 of 4 tokens are not in the store: 'none', 'nil'\n"


def test_tokens_from_standard_input_end_at_newlines_only(path: Path) -> None:
    result = as_json("get", path, stdin="a\u0085b\r\n\n c \nd\u2028\r\r\n".encode(), code=1)
    assert result["missing"] == ["a\u0085b", " c ", "d\u2028\r"]
    assert [entry["token"] for entry in result["vectors"]] == [""]
    assert run("get", path, stdin=b"").output == ""


def test_more_tokens_than_are_printed_at_a_time(path: Path) -> None:
    assert run("get", path, stdin=b"of\nking\n" * 1000).stdout == "of 1 2 3\nking 1 1 0\n" * 1000


def test_nearest(path: Path) -> None:
    with glovestore.open(path) as store:
        expected = store.nearest(["king", "café"], 2)
    document = as_json("nearest", path, "king", "café", "none", "-k", "2", code=1)
    assert (document["k"], document["missing"]) == (2, ["none"])
    assert [result["token"] for result in document["results"]] == ["king", "café"]
    found = [[(near["token"], near["cosine"]) for near in result["nearest"]] for result in document["results"]]
    assert found == expected
    assert expected[0][0][0] == "queen"


def test_nearest_among_some_tokens(path: Path, tmp_path: Path) -> None:
    among = tmp_path / "some.txt"
    among.write_bytes(b"the\nprince\nnone\nking\n")
    with glovestore.open(path) as store:
        expected = [token for token, _ in store.nearest("king", restrict_to=["the", "prince"])]
    document = as_json("nearest", path, "king", "--restrict-to", among)
    assert [near["token"] for near in document["results"][0]["nearest"]] == expected == ["prince", "the"]
    result = run("nearest", path, "king", "--restrict-to", "-", stdin=among.read_bytes())
    assert [line.split()[-1] for line in result.stdout.splitlines()] == ["king", *expected]
    for tokens in ((), ("-",)):
        result = run("nearest", path, *tokens, "--restrict-to", "-", stdin=b"king\n", code=2)
        assert "TOKENS and --restrict-to to come from two places" in result.stderr


def test_nearest_as_text(path: Path) -> None:
    text = run("nearest", path, stdin=b"king\nqueen\n").stdout
    first, second = text.split("\n\n")
    assert first.splitlines()[:2] == ["king", "   0.9986  queen"]
    assert len(first.splitlines()) == 10  # k is 10, there are 9 others
    assert second.splitlines()[:2] == ["queen", "   0.9986  king"]
    assert r"'\x1b[31m'" in text, "a terminal must not obey tokens"
    assert r"'\udcff\udcfe'" in text


def test_nearest_of_nothing_but_missing_tokens(path: Path) -> None:
    result = run("nearest", path, "none", code=1)
    assert result.stdout == ""
    assert "'none'" in result.stderr


def test_the_process_loads_neither_torch_nor_h5py() -> None:
    """The modules of this process prove nothing: another test may have loaded them."""
    code = (
        "import sys, glovestore.cli; print([m for m in ('torch', 'h5py', 'tqdm', 'safetensors') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("http://[::1", "http://[::1: expected a URL, got none: Invalid IPv6 URL"),
        ("hf://", "hf://: expected a URL with a host, such as https://host/vectors.txt.gz, got none"),
        ("file://host/x", "file://host/x: expected a file of this machine, got one of 'host'"),
        ("\x1b[31m\x07\u202ex", r"\x1b[31m\x07\u202ex: No such file or directory"),
    ],
)
@pytest.mark.parametrize("verb", ["info", "verify", "get", "nearest"])
def test_what_is_no_place(verb: str, name: str, problem: str) -> None:
    """A sentence, in which nothing steers the terminal."""
    if verb == "verify" and "://" in name:
        problem = f"{name}: No such file or directory"
    tokens = [] if verb in ("info", "verify") else ["the"]
    assert run(verb, name, *tokens, code=1).stderr == f"glovestore: error: {problem}\n"
