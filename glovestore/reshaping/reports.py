"""What became of a store that was made of others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from glovestore.tokens import first_few


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """What was written, and how long it took.

    `sources` are the stores it was made of, of `source_bytes` together. `seconds` is the time up to the renamed store
    without the flushes to disk, which are in `fsync_seconds`.
    """

    path: str
    sources: tuple[str, ...]
    rows: int
    dim: int
    dtype: str
    source_bytes: int
    store_bytes: int
    seconds: float
    fsync_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    def _lines(self) -> list[str]:
        size = f"{self.store_bytes:,} bytes, {self.store_bytes / self.source_bytes:.1%} of {self.source_bytes:,}"
        return [
            f"{self.path}: {self.rows:,} rows x {self.dim} in {self.dtype}, {size}",
            f"{self.seconds:.2f} s and {self.fsync_seconds:.2f} s until it was safe on disk",
        ]

    def __str__(self) -> str:
        return "\n".join(self._lines())


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertReport(StoreReport):
    """What `convert` wrote, from vectors of `source_dtype`."""

    source_dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceReport(StoreReport):
    """What `slice` wrote: `found` rows of the store, and others.

    Of the vocabulary's tokens `missing` are not in the store; `first_missing` names some of them. They were left out
    (`skipped`), or filled. `special` rows are padding, and the unknown token of a `Vocabulary` where the store has
    none: rows == found + missing - skipped + special.
    """

    found: int
    missing: int
    skipped: int
    special: int
    first_missing: tuple[str, ...]

    def __str__(self) -> str:
        lines = self._lines()
        if self.missing:
            what = "left out" if self.skipped else "filled"
            lines.append(f"tokens that are not there, {what}: {self.missing:,} ({first_few(self.first_missing)})")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport(StoreReport):
    """What `merge` wrote: `rows_of` says how many rows' tokens came first from each of the sources.

    `left_out` rows of the sources went into no row: of known tokens ("first"), or of tokens that are not common to all.
    """

    how: str
    rows_of: tuple[int, ...]
    left_out: int

    def __str__(self) -> str:
        lines = self._lines()
        lines += [f"{count:,} rows of {source}" for source, count in zip(self.sources, self.rows_of, strict=True)]
        return "\n".join([*lines, f"rows left out: {self.left_out:,}"])
