"""Subwords: the rows of character n-grams, of which fastText makes the vector of any token. FORMAT.md, "Subwords"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from glovestore import _core
from glovestore.threads import threads_for
from glovestore.tokens import Token, as_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENS_WORTH = 64  # look-ups that take as long as one mean


class Subwords:
    """The rows of n-grams of `minn` to `maxn` characters, which are spread over `bucket_count` buckets by a hash.

    `vectors` is float32 (rows, dim), perhaps a map. `buckets`, uint64 (rows,), rising, says which bucket has which row;
    None: row i is that of bucket i. Buckets without a row count for nothing.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        bucket_count: int,
        minn: int,
        maxn: int,
        buckets: NDArray[np.uint64] | None = None,
    ) -> None:
        self.vectors, self.buckets = vectors, buckets
        self.bucket_count, self.minn, self.maxn = bucket_count, minn, maxn
        self._rows = _core.SubwordRows(vectors, bucket_count, minn, maxn, buckets)

    def vectors_of(self, tokens: Iterable[Token | None]) -> NDArray[np.float32]:
        """Return the mean of the n-gram rows of each token, a new float32 (k, dim).

        Zeros for what has no n-gram with a row: `</s>`, None, and tokens of more than 65,535 bytes among them. A `str`
        stands for the bytes of `tokens.as_bytes`.
        """
        strings = _core.Strings.of_objects(None if token is None else as_bytes(token) for token in tokens)
        means = np.empty((len(strings), self.vectors.shape[1]), np.float32)
        self._rows.mean_vectors(strings, means, "none", threads_for(TOKENS_WORTH * len(strings)))
        return means

    def average_own(
        self,
        token_bytes: NDArray[np.uint8],
        offsets: NDArray[np.uint64],
        own: NDArray[np.float32],
        threads: int,
        eos_has_ngrams: bool = False,
    ) -> None:
        """Replace the tokens' own rows (k, dim) by their means with the rows of their n-grams.

        Token i is token_bytes[offsets[i]:offsets[i + 1]]. eos_has_ngrams: as `</s>` had before 2017.
        """
        kind = "given of 2016" if eos_has_ngrams else "given"
        self._rows.mean_vectors(_core.Strings.of_packed(token_bytes, offsets), own, kind, threads)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a store keeps: FORMAT.md's arrays."""
        buckets = {} if self.buckets is None else {"subword_buckets": self.buckets}
        return {"subword_vectors": self.vectors, **buckets}

    def metadata(self) -> dict[str, str]:
        """Return what a store says about them: FORMAT.md's metadata."""
        return {
            "subword_bucket_count": str(self.bucket_count),
            "subword_minn": str(self.minn),
            "subword_maxn": str(self.maxn),
        }

    @classmethod
    def of_store(cls, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> Subwords:
        """Return the subwords of a store whose header was validated."""
        count, minn, maxn = (int(metadata[f"subword_{name}"]) for name in ("bucket_count", "minn", "maxn"))
        return cls(arrays["subword_vectors"], count, minn, maxn, arrays.get("subword_buckets"))

    def __repr__(self) -> str:
        rows, dim = self.vectors.shape
        return f"<Subwords {rows:,} x {dim}: n-grams of {self.minn} to {self.maxn} characters>"
