"""GloVe text: token and numbers, one space apart."""

from __future__ import annotations

from glovestore import _core
from glovestore.exporting.job import Job
from glovestore.exporting.rows import check_tokens
from glovestore.exporting.text import check_read_back, text_of, write_rows


def write_glove(job: Job) -> None:
    """Write GloVe text, which `glovestore.build` reads back: the same floats bit for bit, the same tokens.

    A file whose numbers are spelled as here (see `glovestore.export`) comes out as it went in, byte for byte, if
    nothing of it was left out. Tokens may have spaces; GlovestoreError for those that FORMAT.md's "Text input" would
    take for something else.
    """
    check_tokens(job.store, "GloVe text", b"\n ", _problem)
    check_read_back(job.store)
    with job.file() as write:
        write_rows(job, write, text_of(job.store))


def _problem(token: bytes) -> str | None:
    if b"\n" in token:
        return "it has a newline in it"
    extras = token.split(b" ")[1:]
    if extras and all(map(_is_number, extras)):
        return "what stands behind its first space would be read as numbers"
    return None


def _is_number(field: bytes) -> bool:
    try:
        _core.parse_number(field)
    except OverflowError:
        return True
    except ValueError:
        return False
    return True
