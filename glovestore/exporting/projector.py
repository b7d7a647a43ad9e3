"""TensorBoard's embedding projector: vectors and labels, tab-separated."""

from __future__ import annotations

from glovestore.display import visible
from glovestore.exporting.job import Job
from glovestore.exporting.rows import token_batches
from glovestore.exporting.text import text_of, write_rows
from glovestore.tokens import as_text

VECTORS, METADATA = "vectors.tsv", "metadata.tsv"
NAMES = frozenset({VECTORS, METADATA})


def write(job: Job) -> None:
    """Write vectors.tsv, numbers with tabs between them, and metadata.tsv, a token a line, for its page.

    Labels are for people: a token that cannot be seen, or would break the table (tabs, newlines, white space at an
    end), stands there quoted and escaped, as in the tables of the shell.
    """
    with job.folder(NAMES) as folder:
        with open(folder / METADATA, "wb") as stream:
            for batch in token_batches(job.store):
                stream.write("".join(f"{visible(as_text(token))}\n" for token in batch.tokens()).encode())
        with open(folder / VECTORS, "wb") as stream:
            write_rows(job, stream.write, text_of(job.store, "\t", with_tokens=False))
