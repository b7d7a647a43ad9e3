"""gensim's own format: what `KeyedVectors.load(path, mmap="r")` opens."""

from __future__ import annotations

from typing import Any

from glovestore.errors import naming
from glovestore.exporting.job import Job
from glovestore.exporting.npy import write_npy
from glovestore.exporting.rows import all_tokens
from glovestore.replacing_folder import scratch_folder

VECTORS = ".vectors.npy"  # behind the name: where gensim keeps the array "vectors" of what it saves


def write(job: Job) -> None:
    """Write PATH, gensim's pickle of tokens (`str` with surrogateescape), and PATH.vectors.npy, float32 (n, dim).

    gensim makes the pickle, so it has to be installed: ImportError, else. It sees no vectors: those are written as they
    are read.
    """
    keyed = _keyed_vectors()(job.store.dim, count=0)
    with job.files(job.path.with_name(job.path.name + VECTORS), job.path) as (vectors, pickled):
        keyed.index_to_key = all_tokens(job.store)
        keyed.key_to_index = {token: row for row, token in enumerate(keyed.index_to_key)}
        keyed.lifecycle_events = None  # no paths, no times
        with naming(job.path), scratch_folder(job.path) as scratch:
            place = scratch / job.path.name
            keyed.save(str(place), separately=["vectors"])
            pickled.write(place.read_bytes())
        write_npy(job, vectors)


def _keyed_vectors() -> Any:
    try:
        from gensim.models import KeyedVectors
    except ImportError as error:
        raise ImportError('the format gensim needs that package: pip install "glovestore[gensim]"') from error
    return KeyedVectors
