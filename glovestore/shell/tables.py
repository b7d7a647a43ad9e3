"""What the shell shows: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glovestore.display import aligned, visible
from glovestore.format.layout import BUCKET_SLOTS
from glovestore.matrix import EmbeddingMatrix
from glovestore.store import EmbeddingStore
from glovestore.subwords import Subwords
from glovestore.tokens import Token, as_text, first_few, shown

# ---------------------------------------------------------------------- JSON


def to_json(value: Any) -> str:
    """Return one JSON document in ASCII. Lone surrogates are escaped; NaN and infinity, which JSON lacks, are null."""
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {as_text(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return as_text(value) if isinstance(value, bytes) else value


def short_floats(vector: NDArray[np.float32]) -> list[float]:
    """Return the floats with the fewest digits that stand for these float32: 0.1 and not 0.10000000149011612."""
    return [float(str(number)) for number in vector]


# ---------------------------------------------------------------------- info


def describe(store: EmbeddingStore) -> dict[str, Any]:
    """Return what there is to know about a store, ready for JSON. Numbers that the file does not state are None."""
    metadata, norms = store.metadata, store.norms.astype(np.float64)
    buckets = int(metadata["index_buckets"])
    return {
        "path": str(store.path),
        "rows": len(store),
        "dim": store.dim,
        "dtype": str(store.dtype),
        "bytes": store.nbytes,
        "format_version": int(metadata["format_version"]),
        "source": {
            "name": metadata.get("source_name"),
            "bytes": _stated(metadata, "source_bytes"),
            "digest": metadata.get("source_digest"),
        },
        "lines": {
            "total": _stated(metadata, "lines"),
            "rows": len(store),
            **{name: _stated(metadata, name) for name in ("header", "duplicates", "skipped")},
            "not_kept": _stated(metadata, "not_kept") or 0,
            "filled": _stated(metadata, "filled") or 0,
        },
        "final_newline": {"1": True, "0": False}.get(metadata.get("final_newline", "")),
        "index": {
            "buckets": buckets,
            "load": len(store) / (buckets * BUCKET_SLOTS),
            "longest_probe": int(metadata["index_longest_probe"]),
            "seed": int(metadata["index_seed"]),
        },
        "norms": {"mean": float(norms.mean()), "min": float(norms.min()), "max": float(norms.max())},
        **({} if store.subwords is None else {"subwords": _subwords(store.subwords)}),
        "first_tokens": store.tokens[:5],
        "last_token": store.tokens[-1],
    }


def _subwords(subwords: Subwords) -> dict[str, int]:
    rows, buckets = len(subwords.vectors), subwords.bucket_count
    return {"rows": rows, "buckets": buckets, "minn": subwords.minn, "maxn": subwords.maxn}


def _stated(metadata: Mapping[str, str], name: str) -> int | None:
    text = metadata.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None


def info_table(info: Mapping[str, Any], indent: str = "") -> str:
    """Return the table of what `describe` returned."""
    source, lines, index, norms = info["source"], info["lines"], info["index"], info["norms"]
    tokens = first_few(info["first_tokens"]) + ", ... " + shown(info["last_token"])
    cut = "" if info["final_newline"] is not False else "; no final newline"
    rows = [
        ("store", info["path"]),
        ("vectors", f"{info['rows']:,} x {info['dim']}, {info['dtype']}"),
        ("file", f"{info['bytes']:,} bytes, format version {info['format_version']}"),
        ("source", _source(source)),
        ("lines", f"{_line_sum(lines)}{cut}"),
        ("tokens", tokens if info["rows"] > 5 else first_few(info["first_tokens"])),
        ("index", f"{index['buckets']:,} buckets, load {index['load']:.2f}, longest probe {index['longest_probe']}"),
        ("norms", f"mean {norms['mean']:.4g}, from {norms['min']:.4g} to {norms['max']:.4g}"),
    ]
    if grams := info.get("subwords"):
        rows.append(("subwords", f"{grams['rows']:,} x {info['dim']}, n-grams of {grams['minn']} to {grams['maxn']}"))
    return aligned(rows, "ll", indent)


def _source(source: Mapping[str, Any]) -> str:
    if source["name"] is None:
        return "unknown"
    name, digest = visible(source["name"]), visible(str(source["digest"]))
    if source["digest"] is None:
        return name
    return f"{name}, {_count(source['bytes'])} bytes, digest {digest}"


def _line_sum(lines: Mapping[str, int | None]) -> str:
    parts = [f"{_count(lines[name])} {name}" for name in ("rows", "header", "duplicates", "skipped")]
    parts += [f"{_count(lines['not_kept'])} not kept"] if lines["not_kept"] else []
    filled = f" + {_count(lines['filled'])} filled" if lines["filled"] else ""
    return f"{_count(lines['total'])}{filled} = {' + '.join(parts)}"


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


# ---------------------------------------------------------------------- nearest, matrix


class Neighbours(NamedTuple):
    """A token and those nearest to it with their cosines, best first."""

    token: Token
    nearest: Sequence[tuple[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "token": self.token,
            "nearest": [{"token": token, "cosine": cosine} for token, cosine in self.nearest],
        }


def nearest_table(results: Sequence[Neighbours]) -> str:
    """Return for each token a line with its name, and its neighbours below it."""
    blocks = (
        "\n".join([visible(as_text(token)), *(f"  {cosine:7.4f}  {visible(other)}" for other, cosine in nearest)])
        for token, nearest in results
    )
    return "\n\n".join(blocks)


def matrix_summary(path: str, matrix: EmbeddingMatrix) -> str:
    """Return what was written, and its coverage."""
    padding = "" if matrix.padding_idx is None else f", padding row {matrix.padding_idx}"
    head = f"{path}: {matrix.shape[0]:,} x {matrix.shape[1]}, {matrix.dtype}{padding}"
    return f"{head}\n{matrix.coverage}"
