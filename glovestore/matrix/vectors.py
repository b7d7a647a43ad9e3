"""What a matrix is made from: a look-up, rows, and their statistics. Whoever has these needs no store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from glovestore.subwords import Subwords

Find = Callable[[Any], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows of vectors and the look-up that finds them.

    `find` maps k tokens, a list of them or `_core.Strings`, to a new int64 (k,) array of rows, -1 for an absent token,
    and raises `TypeError` for anything that is neither `str` nor `bytes`. `vectors` is float32 (n, dim), C-contiguous,
    and only read; `mean` and `std` are float64 (dim,), the statistics of its rows. `subwords` make vectors of tokens
    that have no row; None: there are none.
    """

    find: Find
    vectors: NDArray[np.float32]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    subwords: Subwords | None = field(default=None, kw_only=True)

    @property
    def dim(self) -> int:
        """Return the number of floats in a row."""
        return int(self.vectors.shape[1])
