"""Strings of every kind that Python people keep them in: the same rows from all of them."""

from __future__ import annotations

import ctypes
import errno
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sanitizing
from hypothesis import example, given, settings
from hypothesis import strategies as st
from row_writers import index_of, written_rows

from glovestore import _core
from glovestore.strings import as_strings
from glovestore.tokens import as_bytes

TOKENS = ["the", "", "caf\u00e9", "\u4e2d\u6587", "\U0001f642", "a" * 12, "b" * 13, "c" * 40, "nan", "x\0y", "\u00ff"]
INDEX = index_of(written_rows([[token.encode() for token in TOKENS]]))
ASKED = [*TOKENS, "absent", "the", "THE", "caf", "d" * 300]
ROWS = [*range(len(TOKENS)), -1, 0, -1, -1, -1]


def rows_of(tokens: Any, threads: int = 1) -> list[int]:
    out = np.full(len(tokens), -7, np.int64)
    INDEX.find(tokens, out, threads)
    return out.tolist()


OBJECTS: dict[str, Callable[[], Any]] = {
    "list": lambda: ASKED,
    "tuple": lambda: tuple(ASKED),
    "bytes": lambda: [token.encode() for token in ASKED],
    "both": lambda: [token.encode() if i % 2 else token for i, token in enumerate(ASKED)],
    "generator": lambda: iter(ASKED),
    "values": lambda: dict(enumerate(ASKED)).values(),
    "subclasses": lambda: [np.str_(token) for token in ASKED],
    "array of objects": lambda: np.array(ASKED, object),
    "array of S": lambda: np.array([token.encode() for token in ASKED]),
    "array of U": lambda: np.array(ASKED),
    "array of U, swapped": lambda: np.array(ASKED, np.array(ASKED).dtype.newbyteorder()),
    "every other of an array of U": lambda: np.repeat(np.array(ASKED), 2)[::2],
    "every other of an array of S": lambda: np.repeat(np.array([token.encode() for token in ASKED]), 2)[::2],
    "StringDType": lambda: np.array(ASKED, np.dtypes.StringDType()),
    "every other of StringDType": lambda: np.repeat(np.array(ASKED, np.dtypes.StringDType()), 2)[::2],
}


@pytest.mark.parametrize("make", OBJECTS.values(), ids=list(OBJECTS))
def test_objects_and_arrays(make: Callable[[], Any]):
    strings = as_strings(make())
    assert len(strings) == len(ASKED)
    assert rows_of(strings) == rows_of(strings, threads=3) == ROWS


def arrow(kind: str) -> Callable[[], Any]:
    def make() -> Any:
        pa = pytest.importorskip("pyarrow")
        return pa.array(ASKED, getattr(pa, kind)())

    return make


def arrow_array(change: Callable[[Any, Any], Any]) -> Callable[[], Any]:
    def make() -> Any:
        pa = pytest.importorskip("pyarrow")
        return change(pa, pa.array(ASKED))

    return make


def polars(**options: Any) -> Callable[[], Any]:
    def make() -> Any:
        if sanitizing.TSAN:
            pytest.skip("polars' own allocator does not live with TSAN: its first Series ends the process")
        pl = pytest.importorskip("polars")
        return pl.Series(ASKED, **{name: getattr(pl, dtype) for name, dtype in options.items()})

    return make


def pandas(kind: str, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        pd = pytest.importorskip("pandas")
        return getattr(pd, kind)(ASKED, **options)

    return make


ARROW: dict[str, Callable[[], Any]] = {
    **{
        kind: arrow(kind) for kind in ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
    },
    "part": arrow_array(lambda pa, array: pa.concat_arrays([pa.array(["x"] * 9), array, pa.array(["y"])])[9:-1]),
    "chunks": arrow_array(lambda pa, array: pa.chunked_array([array[:3], array[3:3], array[3:7], array[7:]])),
    "many chunks": arrow_array(lambda pa, array: pa.chunked_array([[token.as_py()] for token in array])),
    "dictionary": arrow_array(lambda pa, array: array.dictionary_encode()),
    "part of a dictionary": arrow_array(
        lambda pa, array: pa.concat_arrays([array, array]).dictionary_encode()[len(array) :]
    ),
    "dictionary with small indices": arrow_array(
        lambda pa, array: array.dictionary_encode().cast(pa.dictionary(pa.int8(), pa.string()))
    ),
    "dictionary of large strings": arrow_array(
        lambda pa, array: (
            array.cast(pa.large_string()).dictionary_encode().cast(pa.dictionary(pa.uint64(), pa.large_string()))
        )
    ),
    "polars": polars(),
    "polars categories": polars(dtype="Categorical"),
    "pandas": pandas("Series"),
    "pandas objects": pandas("Series", dtype=object),
    "pandas arrow": pandas("Series", dtype="string[pyarrow]"),
    "pandas categories": pandas("Series", dtype="category"),
    "pandas index": pandas("Index"),
}


@pytest.mark.parametrize("make", ARROW.values(), ids=list(ARROW))
def test_arrow(make: Callable[[], Any]):
    given = make()
    strings = as_strings(given)
    del given  # the strings keep what they stand in
    assert rows_of(strings) == rows_of(strings, threads=3) == ROWS
    assert [as_bytes(token) for token in strings] == [token.encode() for token in ASKED]


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view"])
@pytest.mark.parametrize("encode", [False, True])
def test_nulls_of_arrow_are_absent(kind: str, encode: bool):
    pa = pytest.importorskip("pyarrow")
    array = pa.array(["the", None, "", None, "absent", "the"], getattr(pa, kind)())
    strings = as_strings(array.dictionary_encode() if encode else array)
    assert rows_of(strings) == [0, -1, 1, -1, -1, 0]
    assert list(strings) == ["the", None, "", None, "absent", "the"]
    assert strings.survey((b"", b"absent", b"nowhere")) == (None, [2, 4, None])


def test_nulls_of_numpys_strings_are_absent():
    array = np.array(["the", None, "x" * 300, "", None], np.dtypes.StringDType(na_object=None))
    strings = as_strings(array)
    assert rows_of(strings) == [0, -1, -1, 1, -1]
    assert list(strings) == ["the", None, "x" * 300, "", None]
    assert len(as_strings(array[:0])) == 0
    array[:] = "of"  # the strings are copies
    assert strings[0] == "the"


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_first_ones_are_found_on_any_number_of_threads(threads: int):
    tokens: list[Any] = [f"{i:05}" for i in range(60_000)]
    tokens[40_000] = tokens[50_000] = tokens[100]
    tokens[59_999] = tokens[30_000] = None
    strings = as_strings(tokens)
    assert strings.survey((b"00100", b"50001", b"nowhere", b"00000"), threads) == (30_000, [100, 50_001, None, 0])


def test_a_null_of_numpys_strings_that_is_itself_a_string():
    array = np.array(["", "the", "absent"], np.dtypes.StringDType(na_object="the"))
    assert rows_of(as_strings(array)) == [1, 0, -1]


class Exported:
    """An Arrow array of two empty strings whose data has an address that is none, as arrow-rs exports it."""

    def __init__(self, address: int) -> None:
        self.address = address

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        pa = pytest.importorskip("pyarrow")
        schema, array = pa.array(["", ""]).__arrow_c_array__()
        # ArrowArray: five int64, then `buffers`, of which the third is the data.
        place = struct_in(array, b"arrow_array") + 40
        buffers = ctypes.cast(place, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
        buffers[2] = self.address
        return schema, array


@pytest.mark.parametrize("address", [0, 1, 64])
def test_empty_strings_without_an_address(address: int):
    assert rows_of(as_strings(Exported(address))) == [1, 1]


def test_a_list_that_lies_about_its_length():
    class Liar(list[str]):
        def __len__(self) -> int:
            return 2_000_000

    out = np.zeros(2_000_000, np.int64)
    with pytest.raises(ValueError, match="out does not fit tokens"):
        INDEX.find(Liar(["the"]), out)
    assert rows_of(as_strings(Liar(["the"]))) == [0]


@pytest.mark.parametrize("dtype", ["U3", "S3"])
def test_arrays_that_are_not_aligned(dtype: str):
    unaligned = np.zeros(2 * np.dtype(dtype).itemsize + 1, np.uint8)[1:].view(dtype)
    unaligned[:] = ["the", "nan"]
    assert rows_of(as_strings(unaligned)) == [0, TOKENS.index("nan")]


def test_a_stream_of_other_things_is_not_begun():
    pa = pytest.importorskip("pyarrow")
    taken: list[int] = []

    def batches() -> Any:
        for i in range(3):
            taken.append(i)
            yield pa.record_batch({"a": ["b"]})

    reader = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.string()}), batches())
    with pytest.raises(TypeError, match=r"format \+s"):
        as_strings(reader)
    assert taken == []


def test_arrow_without_any_value():
    pa = pytest.importorskip("pyarrow")
    assert rows_of(as_strings(pa.nulls(3))) == [-1, -1, -1]
    assert len(as_strings(pa.array([], pa.string()))) == len(as_strings(pa.chunked_array([], pa.string()))) == 0
    assert rows_of(as_strings(pa.array(["", ""]))) == [1, 1]


@pytest.mark.parametrize(
    "make", ["array([1, 2])", "array([['a']])", "array([1.5]).dictionary_encode()", "table({'a': ['b']})"]
)
def test_arrow_of_other_things(make: str):
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match=r"^expected an Arrow array of strings, got one of format "):
        as_strings(eval(f"pa.{make}", {"pa": pa}))


def struct_in(capsule: Any, name: bytes) -> int:
    """Return the address of the struct in a capsule."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address: int = pointer(capsule, name)
    return address


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
def fail(stream: int, array: int) -> int:
    return errno.EIO


MESSAGE = ctypes.create_string_buffer(b"the disk is gone")


@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def last_error(stream: int) -> int:
    return ctypes.addressof(MESSAGE)


@pytest.mark.parametrize("place", [0, 1])
def test_a_stream_that_breaks(place: int):
    """ArrowArrayStream: get_schema, get_next, get_last_error, release."""
    pa = pytest.importorskip("pyarrow")
    stream = pa.chunked_array([["the"], ["of"]]).__arrow_c_stream__()
    functions = ctypes.cast(struct_in(stream, b"arrow_array_stream"), ctypes.POINTER(ctypes.c_void_p))
    functions[place] = ctypes.cast(fail, ctypes.c_void_p).value
    functions[2] = ctypes.cast(last_error, ctypes.c_void_p).value
    with pytest.raises(OSError, match=r"^the Arrow stream broke: the disk is gone$"):
        _core.Strings.of_arrow_stream(stream)


@pytest.mark.parametrize("options", [{}, {"dtype": object}, {"dtype": "category"}])
def test_pandas_without_pyarrow(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]):
    pd = pytest.importorskip("pandas")
    series = pd.Series(ASKED, **options)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError):
        series.__arrow_c_stream__()
    assert rows_of(as_strings(series)) == ROWS


def test_a_capsule_is_used_once():
    pa = pytest.importorskip("pyarrow")
    capsules = pa.array(ASKED).__arrow_c_array__()
    assert rows_of(_core.Strings.of_arrow_array(*capsules)) == ROWS
    with pytest.raises(ValueError, match="was released"):
        _core.Strings.of_arrow_array(*capsules)
    with pytest.raises(ValueError, match="PyCapsule"):
        _core.Strings.of_arrow_stream(capsules[0])


# ----- what a str stands for

any_str = st.text(st.integers(0, 0x10FFFF).map(chr), max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(any_str, st.binary(max_size=6)), max_size=8))
@example(["\udcc3\udca9", "\u00e9", b"\xc3\xa9", "\ud800", "\udc7f", "\udcff", b"\xff", "\U0010ffff"])
def test_a_str_is_found_by_its_bytes(tokens: list[str | bytes]):
    """UTF-8 with surrogateescape; a str with another lone surrogate has no bytes and is in no index."""
    stored = list(dict.fromkeys(raw for token in tokens if (raw := bytes_or_none(token)) is not None))
    if not stored:
        return
    index = index_of(written_rows([stored]))
    expected = [-1 if (raw := bytes_or_none(token)) is None else stored.index(raw) for token in tokens]
    out = np.empty(len(tokens), np.int64)
    for kind in (tokens, tuple(tokens), _core.Strings.of_objects(tokens)):
        index.find(kind, out)
        assert out.tolist() == expected
    assert [index.row(token) for token in tokens] == expected
    texts = [token for token in tokens if isinstance(token, str) and not token.endswith("\0")]
    if texts:
        index.find(as_strings(np.array(texts)), out[: len(texts)])
        assert out[: len(texts)].tolist() == [index.row(token) for token in texts]


def bytes_or_none(token: str | bytes) -> bytes | None:
    try:
        return token if isinstance(token, bytes) else token.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None


@given(st.lists(any_str, max_size=5))
def test_strings_that_are_not_escaped_keep_every_surrogate(tokens: list[str]):
    strings = _core.Strings.of_objects(tokens, escaped=False)
    raw = [token.encode("utf-8", "surrogatepass") for token in tokens]
    assert strings.survey(tuple(raw)) == (None, [raw.index(token) for token in raw])
    data, offsets = b"".join(raw), np.cumsum([0, *map(len, raw)], dtype=np.uint64)
    assert list(_core.Strings.of_packed(data, offsets, escaped=False)) == tokens


def test_packed_strings_that_point_outside_are_none():
    offsets = np.array([0, 2, 1, 3, 9, 2**63, 2**64 - 1], np.uint64)
    assert list(_core.Strings.of_packed(b"abc", offsets)) == ["ab", None, "bc", None, None, None]


# ----- what is none


@pytest.mark.parametrize("wrong", [7, None, ["the"], bytearray(b"the"), 1.5, object()])
@pytest.mark.parametrize("position", [0, 40, 99])
def test_objects_that_are_no_strings_are_named(wrong: Any, position: int):
    tokens = ["the"] * 100
    tokens[position] = wrong
    tokens[99] = wrong
    for kind in (tokens, as_strings(tokens)):
        for threads in (1, 4):
            with pytest.raises(TypeError, match=f"str or bytes. at position {position}, got {type(wrong).__name__}"):
                rows_of(kind, threads)
    assert as_strings(tokens).survey()[0] == position


@pytest.mark.parametrize("wrong", [7, None, 1.5, object()])
def test_what_is_no_strings_at_all(wrong: Any):
    with pytest.raises(TypeError, match=f"^expected an iterable of tokens, got {type(wrong).__name__}"):
        as_strings(wrong)


@pytest.mark.parametrize("wrong", ["the", b"the"])
def test_a_single_token_is_not_its_characters(wrong: Any):
    with pytest.raises(
        TypeError, match=r"^expected an iterable of tokens, got the single token 'the': put it into a list"
    ):
        as_strings(wrong)


def test_arrays_of_other_things():
    with pytest.raises(ValueError, match=r"^expected tokens of one dimension, got shape \(1, 2\)"):
        as_strings(np.array([["a", "b"]]))
    with pytest.raises(TypeError, match="at position 0, got int"):
        rows_of(as_strings(np.arange(3)))


@pytest.mark.parametrize("position", [-1, 3, 2**40])
def test_a_position_outside(position: int):
    for strings in (as_strings(["a", "b", "c"]), as_strings(np.array(["a", "b", "c"]))):
        with pytest.raises(IndexError, match=f"^expected a position below 3, got {position}"):
            strings[position]


GUARDS: dict[str, Callable[[], Any]] = {
    "half a string of bytes": lambda: _core.Strings.of_fixed_bytes(np.zeros(3, np.uint8), 2),
    "strings of no bytes": lambda: _core.Strings.of_fixed_bytes(np.zeros(3, np.uint8), 0),
    "half a string of code points": lambda: _core.Strings.of_fixed_code_points(np.zeros(3, np.uint32), 2),
    "no offsets": lambda: _core.Strings.of_packed(b"abc", np.zeros(0, np.uint64)),
}


@pytest.mark.parametrize("call", GUARDS.values(), ids=list(GUARDS))
def test_buffers_that_do_not_fit(call: Callable[[], Any]):
    with pytest.raises(ValueError, match=r"\w"):
        call()
