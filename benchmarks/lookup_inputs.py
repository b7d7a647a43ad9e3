"""Tokens as pipelines have them: one function per kind, from a list of new `str`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Input:
    """A kind of input, how it is made of a list of str, and the package (of a version) that it takes."""

    name: str
    make: Callable[[list[str]], Any]
    package: str = "numpy"
    least: str | None = None  # version


def as_bytes(tokens: list[str]) -> list[bytes]:
    return [token.encode("utf-8", "surrogateescape") for token in tokens]


def numpy_strings(tokens: list[str]) -> Any:
    return np.array(tokens, np.dtypes.StringDType())


def numpy_objects(tokens: list[str]) -> Any:
    return np.array(tokens, object)


def arrow(kind: str) -> Callable[[list[str]], Any]:
    """Return the function that makes an Arrow array of a type, by the name that pyarrow has for it."""

    def make(tokens: list[str]) -> Any:
        import pyarrow as pa

        return pa.array(tokens, getattr(pa, kind)())

    return make


def arrow_dictionary(tokens: list[str]) -> Any:
    import pyarrow as pa

    return pa.array(tokens).dictionary_encode()


def polars_series(tokens: list[str]) -> Any:
    import polars as pl

    return pl.Series("tokens", tokens)


def pandas_series(tokens: list[str]) -> Any:
    import pandas as pd
    import pyarrow as pa

    return pd.Series(tokens, dtype=pd.ArrowDtype(pa.large_string()))


INPUTS = (
    Input("tuple of str", tuple),
    Input("list of bytes", as_bytes),
    Input("keys of a dict", lambda tokens: dict.fromkeys(tokens).keys()),
    Input("numpy S", lambda tokens: np.array(as_bytes(tokens))),
    Input("numpy U", lambda tokens: np.array(tokens)),
    Input("numpy StringDType", numpy_strings, least="2.0"),
    Input("numpy objects", numpy_objects),
    Input("pyarrow string", arrow("string"), "pyarrow"),
    Input("pyarrow large_string", arrow("large_string"), "pyarrow"),
    Input("pyarrow string_view", arrow("string_view"), "pyarrow"),
    Input("pyarrow dictionary", arrow_dictionary, "pyarrow"),
    Input("polars Series", polars_series, "polars"),
    Input("pandas Series (Arrow)", pandas_series, "pandas"),
)
