"""The formats of the program word2vec, text and binary: a line with rows and dim, then row by row."""

from __future__ import annotations

from glovestore.exporting.job import Job
from glovestore.exporting.rows import check_tokens
from glovestore.exporting.text import check_read_back, packed, text_of, write_rows


def write_text(job: Job) -> None:
    """Write "rows dim", then GloVe text's rows: what gensim and fastText's .vec readers take.

    They end a token at its first space: GlovestoreError for tokens with a space or a newline, and for the empty one.
    """
    check_tokens(job.store, "word2vec text", b"\n ", _problem)
    check_read_back(job.store, _header(job))
    with job.file() as write:
        write(_header(job))
        write_rows(job, write, text_of(job.store))


def write_binary(job: Job) -> None:
    """Write "rows dim", then for each row token, space, and float32, little-endian, without a newline behind it.

    The bytes are those that gensim's `save_word2vec_format(binary=True)` writes. Tokens as of `write_text`.
    """
    check_tokens(job.store, "word2vec's binary format", b"\n ", _problem)
    with job.file() as write:
        write(_header(job))
        write_rows(job, write, packed)


def _header(job: Job) -> bytes:
    return b"%d %d\n" % job.store.shape


def _problem(token: bytes) -> str | None:
    if not token:
        return "it is empty"
    return "it has a space or a newline in it" if b" " in token or b"\n" in token else None
