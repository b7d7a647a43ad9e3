"""open_source: what kind of file it is, plain text, pipes, standard input, and files that change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from packing import LONG_TEXT, PACKERS, TEXT, gzip_with_everything, read_source, zip_of

from glovestore import TextFormatError
from glovestore.streams.files import open_source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "glove.txt"


def feed(pipe: Path, content: bytes) -> threading.Thread:
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(content,))
    feeder.start()
    return feeder


def read_descriptor(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


# ---------------------------------------------------------------- plain files


@pytest.mark.parametrize("text", [b"", b"a", TEXT, LONG_TEXT, b"BZh9 1 2\n", b"PK 1 2\n", b"BZh91AY 1\n", b"\x1f 1\n"])
def test_a_plain_file(path: Path, text: bytes):
    path.write_bytes(text)
    with open_source(path) as source:
        assert (source.path, source.name, source.size, source.head) == (path, "glove.txt", len(text), b"")
        assert source.regular
        descriptor = source.fileno()
        assert descriptor is not None and not os.get_inheritable(descriptor)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
        assert read_descriptor(descriptor) == text
        source.check_unchanged(len(text))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert read_source(path) == text


def test_the_name_says_nothing(tmp_path: Path):
    (tmp_path / "a.gz").write_bytes(TEXT)
    (tmp_path / "b.txt").write_bytes(PACKERS["gzip"](TEXT))
    assert read_source(tmp_path / "a.gz") == read_source(tmp_path / "b.txt") == TEXT


def test_a_folder(tmp_path: Path):
    with pytest.raises(IsADirectoryError, match=f"^{tmp_path}: expected a file, got a directory$"):
        open_source(tmp_path)


def test_a_file_that_is_not_there(path: Path):
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: .*glove\.txt'"):
        open_source(path)


@pytest.mark.parametrize("kind", ["text", *PACKERS])
def test_a_member_of_something_else(path: Path, kind: str):
    path.write_bytes(PACKERS[kind](TEXT) if kind in PACKERS else TEXT)
    sentence = rf"glove\.txt: expected a zip archive to take the member 'x' from, got none \({kind}\)$"
    with pytest.raises(ValueError, match=sentence):
        open_source(path, "x")
    with pytest.raises(ValueError, match=sentence):
        open_source(path.with_name("glove.txt#x"))


def test_nothing_stays_open_after_an_error(path: Path):
    path.write_bytes(zip_of({"a": TEXT})[:-1])
    before = os.listdir("/proc/self/fd")
    with pytest.raises(TextFormatError):
        open_source(path)
    assert os.listdir("/proc/self/fd") == before


# ---------------------------------------------------------------------- pipes


@pytest.mark.parametrize("text", [b"", b"a", TEXT, LONG_TEXT])
def test_a_pipe(path: Path, text: bytes):
    feeder = feed(path, text)
    with open_source(path) as source:
        descriptor = source.fileno()
        assert descriptor is not None
        assert (source.size, source.regular, source.name) == (None, False, "glove.txt")
        assert source.head + read_descriptor(descriptor) == text
        source.check_unchanged(len(text))
    feeder.join()


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["text", *PACKERS])
def test_pieces_of_a_pipe(path: Path, pack: Callable[[bytes], bytes]):
    feeder = feed(path, pack(LONG_TEXT))
    assert read_source(path) == LONG_TEXT
    feeder.join()


def test_a_pipe_that_trickles(path: Path):
    """The first bytes come one by one: the kind is known only when there are enough of them."""
    reading, writing = os.pipe()

    def trickle() -> None:
        for byte in PACKERS["bzip2"](TEXT):
            os.write(writing, bytes([byte]))
        os.close(writing)

    feeder = threading.Thread(target=trickle)
    feeder.start()
    assert read_source(Path(f"/dev/fd/{reading}")) == TEXT
    feeder.join()
    os.close(reading)


@pytest.mark.parametrize("pack", [bytes, PACKERS["gzip"]], ids=["text", "gzip"])
def test_a_standard_input_that_does_not_wait(pack: Callable[[bytes], bytes]):
    """Some programs start others with such pipes: a read of an empty one says "nothing now", which is not the end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    command = [sys.executable, "-P", "-c", DESCRIBE, "0"]
    with subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE) as process:
        content = pack(TEXT)
        for part in (content[:5], content[5:50], content[50:]):
            os.write(writing, part)
            time.sleep(0.05)  # whatever happens meanwhile, the text is the same
        os.close(writing)
        os.close(reading)
        output, _ = process.communicate()
    description = json.loads(output)
    assert description[4] is True
    assert description[-1] == sha256(TEXT).hexdigest()


def test_a_zip_archive_from_a_pipe(path: Path):
    feeder = feed(path, zip_of({"a": TEXT}))
    with pytest.raises(
        TextFormatError, match="got a zip archive from a pipe: its directory stands at its end; save it"
    ):
        open_source(path)
    feeder.join()


# ------------------------------------------------------------- standard input

DESCRIBE = """
import json, os, sys
from hashlib import sha256
from pathlib import Path
from glovestore.streams.files import open_source
os.lseek(0, int(sys.argv[1]), 0) if int(sys.argv[1]) else None
with open_source(Path("-")) as source:
    pieces = list(source.pieces())
    source.check_unchanged()
    print(json.dumps([source.path, source.name, source.size, source.regular, source.fileno() is None,
        source.head.decode("latin-1"), sha256(b"".join(pieces)).hexdigest()]))
"""


def describe_stdin(start: int = 0, **stdin: object) -> tuple[list[object], str]:
    command = [sys.executable, "-P", "-c", DESCRIBE, str(start)]
    done = subprocess.run(command, capture_output=True, check=False, **stdin)  # type: ignore[call-overload]
    return json.loads(done.stdout or "[]"), done.stderr.decode()


def test_standard_input_as_a_pipe():
    packed = PACKERS["xz"](TEXT)
    digest = sha256(TEXT).hexdigest()
    assert describe_stdin(input=TEXT)[0] == ["<stdin>", "<stdin>", None, False, False, TEXT[:10].decode(), digest]
    assert describe_stdin(input=packed)[0] == ["<stdin>", "<stdin>", None, False, True, "", digest]


def test_standard_input_as_a_file(path: Path):
    for content, is_plain in ((TEXT, True), (gzip_with_everything(TEXT), False)):
        path.write_bytes(content)
        with open(path, "rb") as file:
            description, _ = describe_stdin(stdin=file)
        digest = sha256(TEXT).hexdigest()
        assert description == ["<stdin>", "<stdin>", len(content), is_plain, not is_plain, "", digest]


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values(), lambda text: zip_of({"a": text})])
def test_standard_input_of_which_somebody_read_the_start(path: Path, pack: Callable[[bytes], bytes]):
    """`{ read line; glovestore build - out; } < file`: a descriptor from 0 on would be the wrong text."""
    content = pack(TEXT)
    path.write_bytes(b"first\n" + content)
    with open(path, "rb") as file:
        (_, _, _, regular, _, _, digest), _ = describe_stdin(6, stdin=file)
    assert (regular, digest) == (False, sha256(TEXT).hexdigest())


def test_standard_input_that_is_closed():
    script = f"exec '{sys.executable}' -P -c '{DESCRIBE}' 0 <&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert "expected an open standard input: Bad file descriptor: '<stdin>'" in done.stderr


def test_a_folder_named_like_standard_input(tmp_path: Path):
    (tmp_path / "-").mkdir()
    description, error = describe_stdin(input=TEXT, cwd=tmp_path)
    assert description[0] == "<stdin>", error


# --------------------------------------------------- a file that does not stay


def append(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"x")


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def swap(path: Path) -> None:
    status = path.stat()
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, path)


@pytest.mark.parametrize("change", [append, touch, swap])
@pytest.mark.parametrize(
    "pack", [bytes, PACKERS["gzip"], lambda text: zip_of({"a": text})], ids=["text", "gzip", "zip"]
)
def test_a_file_that_changes(path: Path, pack: Callable[[bytes], bytes], change: Callable[[Path], None]):
    path.write_bytes(pack(TEXT))
    size = path.stat().st_size
    with open_source(path) as source:
        source.check_unchanged()
        change(path)
        with pytest.raises(TextFormatError) as caught:
            source.check_unchanged()
        assert str(caught.value) == (
            f"{path}: expected the file to stay as it is while it is read: it had {size} bytes at the start, and it was"
            " changed or replaced meanwhile"
        )


def test_a_file_of_which_not_everything_was_read(path: Path):
    path.write_bytes(TEXT)
    with open_source(path) as source:
        source.check_unchanged(len(TEXT))
        with pytest.raises(TextFormatError, match=rf"had {len(TEXT)} bytes at the start, 3 were read, and it was"):
            source.check_unchanged(3)


def test_a_file_that_is_removed(path: Path):
    path.write_bytes(TEXT)
    with open_source(path) as source:
        path.unlink()
        with pytest.raises(TextFormatError, match=r"expected the file to stay while it is read: it was removed$"):
            source.check_unchanged()


def test_a_standard_input_that_changes(path: Path):
    path.write_bytes(TEXT)
    code = DESCRIBE.replace("source.check_unchanged()", "os.utime(sys.argv[2], ns=(1, 1)); source.check_unchanged()")
    command = [sys.executable, "-P", "-c", code, "0", path]
    with open(path, "rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    assert "TextFormatError: <stdin>: expected the file to stay as it is" in done.stderr


# ---------------------------------------------------------------------- the first bytes, before anything is read


@pytest.mark.parametrize("kind", ["plain", "pipe", "gzip", "zip"])
@pytest.mark.parametrize("count", [1, 5, 512, 1_000_000])
def test_peeking_takes_nothing_away(path: Path, kind: str, count: int):
    if kind == "pipe":
        feeder = feed(path, LONG_TEXT)
    else:
        pack = {"plain": bytes, "gzip": gzip_with_everything, "zip": lambda text: zip_of({"a.txt": text})}[kind]
        path.write_bytes(pack(LONG_TEXT))
    with open_source(path) as source:
        assert source.peek(count) == LONG_TEXT[:count]
        assert source.peek(3) == LONG_TEXT[:3]
        descriptor = source.fileno()
        if descriptor is None:
            assert b"".join(source.pieces()) == LONG_TEXT
        else:  # as the native reader has it: the head, then what the descriptor gives
            assert source.head + read_descriptor(descriptor) == LONG_TEXT
    if kind == "pipe":
        feeder.join()
