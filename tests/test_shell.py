"""The command `glovestore` as a process: pipes, terminals, signals, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import glovestore

if sys.platform == "win32":
    pytest.skip("pipes and terminals of POSIX", allow_module_level=True)
import fcntl
import pty
import struct
import termios

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "glovestore")
TEXT = b"".join(b"token%d %d 0.5\n" % (i, i) for i in range(3000))
WAIT = 60  # seconds: only a hang takes so long
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # as users run it


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shell") / "vectors.txt"
    path.write_bytes(TEXT)
    glovestore.build(path, path.with_suffix(".h5"), durable=False)
    return path.with_suffix(".h5")


def call(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([SCRIPT, *map(str, arguments)], input=stdin, capture_output=True, timeout=WAIT)


def in_terminal(*arguments: str | Path) -> tuple[int, str]:
    """Run the command with a terminal of 100 columns for everything; return exit code and output."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen([SCRIPT, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    output = b""
    try:
        while part := os.read(master, 4096):
            output += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(master)
    return process.wait(WAIT), output.decode()


# ---------------------------------------------------------------------- pipes


def test_get_pipes_back_into_build(store: Path, tmp_path: Path) -> None:
    get = subprocess.Popen([SCRIPT, "get", store], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    command = [SCRIPT, "build", "-", tmp_path / "small.h5", "--json"]
    build = subprocess.Popen(command, stdin=get.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert get.stdin and get.stdout
    get.stdout.close()
    get.communicate(b"token7\ntoken2999\r\ntoken0", timeout=WAIT)
    report, messages = build.communicate(timeout=WAIT)
    assert (get.returncode, build.returncode, messages) == (0, 0, b"")
    assert json.loads(report)["rows"] == 3
    with glovestore.open(tmp_path / "small.h5") as small, glovestore.open(store) as whole:
        assert list(small) == ["token7", "token2999", "token0"]
        assert (small.vectors == whole[list(small)]).all()


def test_bytes_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"caf\xc3\xa9 1 2\n\xff 3 4\n")
    glovestore.build(tmp_path / "v.txt", tmp_path / "v.h5", durable=False)
    for locale in ("C.UTF-8", "C", "POSIX"):
        command = [SCRIPT, "get", tmp_path / "v.h5", b"\xff", b"caf\xc3\xa9"]
        done = subprocess.run(command, capture_output=True, env={**os.environ, "LC_ALL": locale}, timeout=WAIT)
        assert (done.returncode, done.stdout) == (0, b"\xff 3 4\ncaf\xc3\xa9 1 2\n"), locale


def test_an_output_encoding_that_lacks_the_token(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"caf\xc3\xa9 1 2\nb 3 4\n")
    glovestore.build(tmp_path / "v.txt", tmp_path / "v.h5", durable=False)
    command = [SCRIPT, "nearest", tmp_path / "v.h5", "b"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=WAIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"b\n   0.9839  caf\\xe9\n", b"")


def test_a_reader_that_leaves_is_no_error_message(store: Path) -> None:
    tokens = b"".join(b"token%d\n" % i for i in range(3000)) * 20  # more than a pipe holds
    process = subprocess.Popen(
        [SCRIPT, "get", store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=BUFFERED,
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(tokens)
    process.stdin.close()
    assert process.stdout.read(7) == b"token0 "
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(WAIT) == 128 + signal.SIGPIPE


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device /dev/full")
@pytest.mark.parametrize("verb", ["get", "info"])
def test_a_full_disk(store: Path, verb: str) -> None:
    with open("/dev/full", "wb") as full:
        command = [SCRIPT, verb, store, *(["token1"] if verb == "get" else [])]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=WAIT, env=BUFFERED)
    assert (done.returncode, done.stderr) == (1, b"glovestore: error: No space left on device\n")


# ---------------------------------------------------------------------- terminals


def test_get_without_tokens_does_not_wait_for_a_terminal(store: Path) -> None:
    for verb in ("get", "nearest"):
        code, output = in_terminal(verb, store)
        assert code == 2
        assert "expected TOKENS" in output


def test_progress_is_for_terminals_only(store: Path, tmp_path: Path) -> None:
    source = store.with_suffix(".txt")
    quiet = call("build", source, tmp_path / "1.h5")
    assert (quiet.returncode, quiet.stderr) == (0, b"")
    code, output = in_terminal("build", source, tmp_path / "2.h5")
    assert code == 0
    assert "vectors.txt: 100%" in output
    assert "B/s]" in output  # the rate
    assert "00:00<" in output  # time gone, time to go


def test_progress_when_asked_for(store: Path, tmp_path: Path) -> None:
    loud = call("build", store.with_suffix(".txt"), tmp_path / "3.h5", "--progress", "--json")
    assert b"vectors.txt: 100%" in loud.stderr
    assert json.loads(loud.stdout)["rows"] == 3000
    code, output = in_terminal("build", store.with_suffix(".txt"), tmp_path / "4.h5", "--no-progress")
    assert (code, "%" in output) == (0, False)


def test_coverage_of_a_text_from_a_pipe(store: Path) -> None:
    text = b"token1 Token2\r\ntoken1 absent\n"
    done = call("coverage", "--text", "-", "--store", store, "--tokenizer", "whitespace", "--json", stdin=text)
    assert (done.returncode, done.stderr) == (0, b"")
    document = json.loads(done.stdout)
    assert (document["missing_tokens"], document["occurrences"]) == (["Token2", "absent"], 4)
    bad = call("coverage", "--text", "-", "--store", store, stdin=b"token1\n\xff")
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert bad.stderr.startswith(b"glovestore: error: <stdin>:2:1: expected text in utf-8, got the byte 0xff (")


def test_coverage_of_a_text_shows_progress_to_who_waits(store: Path) -> None:
    """The bar is for texts that take a second: this one does as soon as its pipe is slow."""
    arguments = [SCRIPT, "coverage", "--text", "-", "--store", store, "--progress"]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin and process.stderr
    os.set_blocking(process.stderr.fileno(), False)
    begin, messages = time.monotonic(), b""
    while b"<stdin>: " not in messages and time.monotonic() < begin + WAIT:
        process.stdin.write(b"token1 token2\n")
        process.stdin.flush()
        time.sleep(0.05)
        messages += process.stderr.read() or b""
    output, _ = process.communicate(timeout=WAIT)
    assert b"B/s]" in messages
    assert (process.returncode, output.split()[:2]) == (0, [b"tokens", b"occurrences"])


# ---------------------------------------------------------------------- exit codes


def test_exit_codes(store: Path, tmp_path: Path) -> None:
    assert call("info", store).returncode == 0
    assert call("get", store, "absent").returncode == 1
    assert call("info", tmp_path / "absent.h5").returncode == 1
    assert call("info").returncode == 2
    assert call("info", store, "--absent").returncode == 2
    assert call("nearest", store, "token1", "-k", "0").returncode == 2
    assert call("absent").returncode == 2


def test_the_module_is_the_command(store: Path) -> None:
    command = [sys.executable, "-P", "-m", "glovestore", "get", str(store), "token1"]
    done = subprocess.run(command, capture_output=True, timeout=WAIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"token1 1 0.5\n", b"")
    bad = subprocess.run([*command[:-1], "absent"], capture_output=True, timeout=WAIT)
    assert (bad.returncode, bad.stderr) == (1, b"glovestore: error: 1 of 1 tokens are not in the store: 'absent'\n")


@pytest.mark.usefixtures("ctrl_c")
def test_control_c_ends_a_build_without_a_trace(tmp_path: Path) -> None:
    """The source is a pipe that stays open, so the build is waiting when the signal comes."""
    source = tmp_path / "source"
    os.mkfifo(source)
    process = subprocess.Popen(
        [SCRIPT, "build", source, tmp_path / "out.h5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with open(source, "wb", buffering=0) as pipe:
        pipe.write(b"a 1 2\n" * 200)
        while any(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))):  # bytes that nobody has read yet
            assert process.poll() is None
        assert any(path.suffix == ".tmp" for path in tmp_path.iterdir())
        process.send_signal(signal.SIGINT)
        output, messages = process.communicate(timeout=WAIT)
    assert (process.returncode, output, messages) == (128 + signal.SIGINT, b"", b"glovestore: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
