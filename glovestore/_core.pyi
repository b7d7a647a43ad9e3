"""The C++ core: buffers in, caller's buffers filled, the GIL released while bytes are worked on.

Every function checks that the buffers fit each other (ValueError) before it calls the core. Arrays are C-contiguous.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypedDict, final, type_check_only

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer, disjoint_base

_Bytes: TypeAlias = Buffer | NDArray[Any]  # numpy's own type is a Buffer from Python 3.12 on

INDEX_SEEDS: int
"""How many seeds of the token index are tried."""
LONGEST_LINE: int
"""The most bytes a line of text may have."""
LONGEST_TOKEN: int
"""The most bytes a token may have."""
MOST_BUCKETS: int
"""The most buckets that the n-grams of a model are spread over."""
MOST_NGRAM: int
"""The most characters of an n-gram."""
MOST_PROBES: int
"""The most buckets beyond home that a token may stand in."""
TEXT_PADDING: int
"""How many readable bytes `parse_rows` needs behind the text."""
OWN_ROWS: tuple[str, ...]
"""What `SubwordRows.mean_vectors` takes for `own`."""
OUTCOMES: tuple[str, ...]
"""What can become of an Ingest, "ok" first."""
ADVICES: tuple[str, ...]
"""What `FileMap.advise` takes, the system's default first."""
FAULT_NAMES: tuple[str, ...]
"""The faults of records, "none" first."""

SIMD_TIERS: tuple[str, ...]
"""The SIMD tiers that this machine can run, the fastest first; "scalar" is always there."""

def xxh64(data: _Bytes, seed: int = 0) -> int:
    """Return the XXH64 of a buffer of bytes."""

def parse_number(field: bytes) -> float:
    """Return the correctly rounded float32 of a decimal. ValueError: not a number; OverflowError: beyond float32."""

def parse_rows(
    text: _Bytes,
    begin: int,
    end: int,
    vectors: NDArray[np.float32],
    token_bytes: NDArray[np.uint8],
    token_lengths: NDArray[np.uint16],
    tier: str = ...,
) -> tuple[int, int, int, str, int, int, int]:
    r"""Parse the lines text[begin:end], which end with "\n" and have TEXT_PADDING bytes behind them.

    Fills `vectors` (capacity, dim), `token_bytes` (at least end - begin) and `token_lengths` (capacity,). Returns
    (rows, token bytes, bytes used up, fault, and of the faulty line: first byte of the offending field, its size,
    number of fields behind the token). It stops before the first faulty line, or when the capacity is used up.
    """

STORED_DTYPES: tuple[str, ...]
"""The dtypes that a store may keep vectors in, float32 first."""

@final
class StoredVectors:
    """Vectors (n, dim) as a store keeps them, to be read as float32: float32, float16, or int8 with `scales` (n,).

    A row of int8 is its numbers times its scale. Holds the arrays.
    """

    def __init__(self, vectors: NDArray[Any], scales: NDArray[np.float32] | None = None) -> None: ...
    @property
    def shape(self) -> tuple[int, int]:
        """(n, dim)."""
    def decode_row(self, row: int, out: NDArray[np.float32]) -> None:
        """Write one row to `out` (dim,). IndexError if there is none of that number."""
    def decode(self, first: int, out: NDArray[np.float32], tier: str = ...) -> None:
        """Write rows from `first` on to `out` (k, dim). IndexError if there are not as many."""

def encode_rows(
    vectors: NDArray[np.float32], out: NDArray[np.uint8], scales: NDArray[np.float32] | None = None, tier: str = ...
) -> None:
    """Write rows (k, dim) to `out` as float16, the bytes of (k, dim), or with `scales` (k,) as int8.

    Rounds to nearest, ties to even; what is too large for float16 becomes infinite. A scale is the row's largest
    magnitude / 127.
    """

@final
class PieceHashes:
    """XXH64 of each piece of `piece_size` bytes of a stream, whose first byte stands at `position` in its piece."""

    def __init__(self, piece_size: int, position: int = 0) -> None: ...
    def add(self, data: _Bytes) -> None:
        """Add the next bytes."""
    @property
    def finished(self) -> list[int]:
        """The hashes of all finished pieces."""
    @property
    def digest(self) -> int:
        """XXH64 over the hashes, as u64, of all pieces, a last unfinished one included: FORMAT.md, `source_digest`."""

@final
class RowWriter:
    """Rows on their way into a store: tokens into the index, vectors into the file, norms, statistics, checksums.

    Takes over the descriptor `fd` and writes row i at `vectors_offset` + i times the size of a row of `dtype`, one of
    STORED_DTYPES. Checksum blocks are counted from `checksums_offset`. `expected_rows` is a guess that saves time. Of
    equal tokens the first row is kept.
    """

    def __init__(
        self,
        fd: int,
        vectors_offset: int,
        checksums_offset: int,
        checksum_block: int,
        dim: int,
        expected_rows: int = 0,
        tier: str = ...,
        index_seeds: int = ...,
        dtype: str = "float32",
    ) -> None: ...
    def append(
        self,
        vectors: NDArray[np.float32] | StoredVectors,
        token_bytes: NDArray[np.uint8],
        token_lengths: NDArray[np.uint16],
    ) -> tuple[str, int]:
        """Write rows (k, dim) with their tokens, one behind the other. Returns the outcome, "ok" if all is well, and
        errno. Vectors of the writer's own dtype are written as they are. Not for several threads at a time.
        """
    def finish(self) -> bool:
        """Complete index and statistics; nothing can be appended afterwards. False: no seed of the index will do."""
    def arrays(self) -> dict[str, memoryview]:
        """Return the bytes of every array of the finished rows but the vectors; views keep this object alive."""
    def block_hashes(self) -> memoryview:
        """Return the hashes, u64, of the checksum blocks that the vectors filled; the first is of a part of one."""
    @property
    def rows(self) -> int:
        """Rows so far."""
    @property
    def duplicates(self) -> int:
        """Rows left out because their token was there already."""
    @property
    def first_duplicates(self) -> list[bytes]:
        """The tokens of the first of them, ten at most."""
    @property
    def out_of_range(self) -> tuple[int, int, float, bytes]:
        """Row, column, the number and the token that belong to the outcome "out_of_range"."""
    @property
    def index_seed(self) -> int:
        """The seed of the tokens' hashes."""
    @property
    def longest_probe(self) -> int:
        """How many buckets beyond home any token stands."""

@final
class KeptTokens:
    """Tokens, one behind the other, that an Ingest is to keep."""

    def __init__(self, token_bytes: NDArray[np.uint8], token_lengths: NDArray[np.uint16]) -> None: ...
    def find(
        self, token_bytes: NDArray[np.uint8], token_lengths: NDArray[np.uint16], is_kept: NDArray[np.uint8]
    ) -> None:
        """Write 1 to `is_kept` (k,) for each of k tokens that is one of them, 0 for the others."""

@type_check_only
class _Counts(TypedDict):
    """Records of a source: lines == header + rows + duplicates + skipped + not_kept."""

    lines: int
    skipped: int
    not_kept: int
    final_newline: bool
    last_is_unk: bool
    fault_at: int
    """The byte behind which no record stands, where the outcome is record_too_long, truncated or left_over."""

@final
class Ingest:
    """Records -> rows, by any number of threads: each calls `work`, and all return when the source is used up.

    Reads the descriptor `fd`, which it takes over, or what is fed if that is -1. `head` comes first: its `prefix` bytes
    are no records, but a BOM or a header, which counts as a line with `header`. It reads `most` records at most.
    A record is a line of text, or one of the `word2vec_rows` rows that word2vec's binary format is said to hold.
    """

    def __init__(
        self,
        writer: RowWriter,
        fd: int,
        head: _Bytes,
        prefix: int,
        header: bool,
        skip_bad: bool = False,
        keep: KeptTokens | None = None,
        most: int = ...,
        block_size: int = ...,
        word2vec_rows: int | None = None,
    ) -> None: ...
    def work(self) -> None:
        """Work until the source is used up or something stops all threads."""
    def stop(self) -> None:
        """Make all threads return, at the end of what they are doing."""
    def feed(self, data: _Bytes, seconds: float) -> bool:
        """Hand over the next bytes; False if several pieces still wait after `seconds`: try again."""
    def finish_feeding(self) -> None:
        """Say that there are no more bytes."""
    @property
    def is_used_up(self) -> bool:
        """Whether no more bytes are wanted."""
    @property
    def bytes_read(self) -> int:
        """Bytes of the source so far."""
    @property
    def was_cut(self) -> bool:
        """Whether `most` records were read: there may be more."""
    @property
    def outcome(self) -> str:
        """One of OUTCOMES, once all threads have returned."""
    @property
    def error(self) -> int:
        """The errno that belongs to "read_failed" and "write_failed"."""
    @property
    def counts(self) -> _Counts:
        """What became of the records."""
    @property
    def bad_records(self) -> list[tuple[int, str, int, int, int, bool, bytes]]:
        """The first bad records, ten at most.

        Each is (its number from 1, fault, first byte of the offending field, its size, fields behind the token, whether
        the source ends inside it, its bytes).
        """
    @property
    def source_bytes(self) -> int:
        """The number of bytes of the source."""
    @property
    def source_digest(self) -> int:
        """The digest of the source: FORMAT.md, `source_digest`."""

@final
class Statistics:
    """Mean and deviation of columns, row by row in a fixed order. `memory`: (5, dim) float64, owned by the caller."""

    def __init__(self, memory: NDArray[np.float64], tier: str = ...) -> None: ...
    def update(self, vectors: NDArray[np.float32]) -> None:
        """Add rows (k, dim)."""
    def finish(self, mean: NDArray[np.float64], std: NDArray[np.float64]) -> None:
        """Write the mean and the population standard deviation, each (dim,)."""

def first_not_finite(vectors: NDArray[np.float32], first: int = 0) -> int | None:
    """Return the first row (k, dim), from `first` on, that holds an infinity or a NaN; None: all are finite."""

def row_norms(vectors: NDArray[np.float32], norms: NDArray[np.float32], tier: str = ...) -> None:
    """Write the L2 norm of each row (k, dim), summed in float64 in a fixed order, to `norms` (k,)."""

@final
class FileMap:
    """The first `size` bytes of a file: a buffer that lasts as long as any view of it; `fd` may be closed at once.

    Read-only and shared with all processes; `copy_on_write`: writable, and what is written stays in this process.
    OSError: what the system refuses, from all of it.
    """

    def __init__(self, fd: int, size: int, copy_on_write: bool = False) -> None: ...
    def __len__(self) -> int: ...
    def advise(self, advice: str) -> None:
        """Tell the system how the pages will be asked for: one of ADVICES, else ValueError."""
    def prefault(self, begin: int, end: int) -> None:
        """Bring a part into memory, and into the page table of this process.

        OSError EFAULT if the file was truncated, where the system can tell (Linux 5.14); else that is a SIGBUS.
        """

def buckets_for(rows: int) -> int:
    """Return the number of buckets of the token index for so many rows."""

@final
class Strings:
    """Tokens, or texts, as the core reads them. Holds what their bytes belong to, which must not be changed.

    A str stands for its UTF-8. With `escaped`, U+DC80 to U+DCFF are the bytes 80 to FF (surrogateescape), and a str
    with any other lone surrogate is none, as a null is; without, each surrogate is encoded as it is, in three bytes.
    """

    @staticmethod
    def of_objects(objects: Iterable[Any], *, escaped: bool = True) -> Strings:
        """Take `str` and `bytes`; anything else is none, and what uses the strings says so."""
    @staticmethod
    def of_fixed_bytes(data: NDArray[np.uint8], width: int) -> Strings:
        """Take strings of `width` bytes each, filled up with NULs."""
    @staticmethod
    def of_fixed_code_points(
        data: NDArray[np.uint32], width: int, *, escaped: bool = True, texts: Any = None
    ) -> Strings:
        """Take strings of `width` code points each, filled up with NULs; `texts` names them, lone surrogates too."""
    @staticmethod
    def of_string_dtype(array: NDArray[Any]) -> Strings:
        """Copy the strings of a C-contiguous array of numpy's StringDType."""
    @staticmethod
    def of_packed(data: _Bytes, offsets: NDArray[np.uint64], *, escaped: bool = True) -> Strings:
        """Take the strings data[offsets[i]:offsets[i + 1]]; what points outside is none."""
    @staticmethod
    def of_arrow_array(schema: Any, array: Any) -> Strings:
        """Take the capsules of `__arrow_c_array__`. TypeError if they hold no strings."""
    @staticmethod
    def of_arrow_stream(stream: Any) -> Strings:
        """Take the capsule of `__arrow_c_stream__`, read to its end.

        TypeError if it holds no strings, OSError if it breaks.
        """
    def __len__(self) -> int: ...
    def __getitem__(self, position: int, /) -> Any:
        """Return one of them: as it was given, else as a str; None for a null."""
    def __iter__(self) -> Iterator[Any]: ...
    def survey(self, wanted: tuple[bytes, ...] = (), threads: int = 1) -> tuple[int | None, list[int | None]]:
        """Return where the first object stands that is no string, and where each of the wanted ones stands first."""

@final
class TokenIndex:
    """A token index to look things up in. Holds its buffers; safe on damaged ones: a miss, never a stray read."""

    def __init__(
        self,
        slots: NDArray[np.uint64],
        token_offsets: NDArray[np.uint64],
        token_bytes: NDArray[np.uint8],
        seed: int,
        longest_probe: int,
    ) -> None: ...
    def row(self, token: str | bytes) -> int:
        """Return the row of a token, -1 if absent. TypeError for anything but str and bytes."""
    def find(self, tokens: Strings | list[Any] | tuple[Any, ...], out: NDArray[np.int64], threads: int = 1) -> None:
        """Write the row of each token, -1 if absent, to `out` (len(tokens),). TypeError at the first that is no string.

        The rows do not depend on the number of threads. A list is read under the GIL, `Strings` without.
        """
    def first_lost_row(self) -> int | None:
        """Return the first row whose token the index does not lead to, None if there is none."""

@disjoint_base
class SingleLookups:
    """The base of a store: look-ups of one token at the speed of C.

    `path`, `_vectors_of` and `_decoded_row` are the store's.
    """

    vectors: NDArray[Any]
    """All vectors as they stand in the file, read-only (n, dim): float32, float16 or int8, which `scales` belong to."""
    @property
    def stored(self) -> StoredVectors:
        """The same, to be read as float32."""
    def _set_vectors(self, vectors: NDArray[Any], scales: NDArray[np.float32] | None) -> None:
        """Take the arrays of the store."""

    def _set_index(self, index: TokenIndex | None) -> None:
        """Look tokens up in this index from now on; None: nowhere, the store is closed."""
    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
    @property
    def _index(self) -> TokenIndex:
        """The index; ValueError if the store was closed."""
    def __contains__(self, token: object, /) -> bool:
        """Tell whether the store has this token; what is neither str nor bytes is in no store."""
    def get(self, token: str | bytes, default: Any = None) -> Any:
        """Return the token's vector, read-only float32 (dim,), or `default` if the store lacks it."""
    def __getitem__(self, tokens: Any, /) -> NDArray[np.float32]:
        """Return the vector of one token, (dim,), or of k tokens, a new (k, dim): read-only float32.

        That of one token is a view of the map if that is float32.
        Several tokens come in any form that `rows` takes. Raises KeyError naming the first that the store lacks.
        """

@final
class Target:
    """Writable memory of a (rows, columns) array: a C-contiguous one of numpy, or what DLPack hands over of the CPU's.

    Of floats of 16, 32 or 64 bits, int32 or int64. ValueError, BufferError or RuntimeError, of ours or of the array's,
    for what cannot be written to.
    """

    def __init__(self, array: Any) -> None: ...
    @property
    def rows(self) -> int:
        """Rows of the array."""
    @property
    def columns(self) -> int:
        """Numbers in a row."""
    @property
    def dtype(self) -> str:
        """The name of its dtype."""

SCALARS: tuple[str, ...]
"""The dtypes that `gather` writes."""

def find_nearest(
    vectors: NDArray[np.float32] | StoredVectors,
    norms: NDArray[np.float32],
    queries: NDArray[np.float32],
    left_out: NDArray[np.int64],
    rows: NDArray[np.int64] | None,
    out: NDArray[np.int64],
    cosines: NDArray[np.float32],
    counts: NDArray[np.int64],
    threads: int = 1,
    tier: str = ...,
) -> None:
    """Write the k nearest rows of each query (q, dim) and their cosines to `out` and `cosines` (q, k).

    counts (q,): how many there are of each query; what is behind them is left as it is. left_out (q,): a row that is
    not to be found, or -1. rows: those that may be found, each once, in any order; None for all. IndexError for others.
    """

def gather(
    vectors: NDArray[np.float32] | StoredVectors,
    rows: NDArray[np.int64],
    out: Target | NDArray[Any],
    positions: NDArray[np.int64] | None = None,
    threads: int = 1,
    tier: str = ...,
) -> None:
    """Write vectors[rows[i]], zeros for a negative row, to out[positions[i]], or to out[i]; positions are distinct.

    Rounds to nearest, ties to even, what is too large becoming infinite. IndexError before anything is written if a row
    or a position is outside.
    """

def format_room(rows: int, dim: int, token_bytes: int) -> int:
    """Return how many bytes `out` of `format_rows` needs."""

def format_rows(
    vectors: NDArray[np.float32],
    token_bytes: NDArray[np.uint8] | None,
    offsets: NDArray[np.uint64] | None,
    out: NDArray[np.uint8],
    separator: str = ...,
) -> tuple[int, int]:
    """Write rows (k, dim) as text: token, numbers, newline, `separator` between; without tokens the numbers alone.

    Token i is token_bytes[offsets[i]:offsets[i + 1]]. Numbers have the fewest digits that stand for the float32.
    Returns (bytes, rows); rows < k: row `rows` has a number that is not finite, the bytes are of those before it.
    """

def pack_rows(
    vectors: NDArray[np.float32], token_bytes: NDArray[np.uint8], offsets: NDArray[np.uint64], out: NDArray[np.uint8]
) -> int:
    """Write rows (k, dim) as word2vec's binary format has them, token, space, float32; return how many bytes."""

def normal_vectors(
    tokens: Strings,
    mean: NDArray[np.float64],
    std: NDArray[np.float64],
    out: NDArray[np.float32],
    threads: int = 1,
    tier: str = ...,
) -> None:
    """Write each token's reproducible random vector, about normal with `mean` and `std`, to `out`, a row a token."""

@final
class SubwordRows:
    """The rows (rows, dim) of character n-grams, each in one of `bucket_count` buckets: FORMAT.md, "Subwords".

    `buckets` (rows,), rising, says which bucket has each row; None: row i is that of bucket i.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        bucket_count: int,
        minn: int,
        maxn: int,
        buckets: NDArray[np.uint64] | None = None,
    ) -> None: ...
    def mean_vectors(self, tokens: Strings, out: NDArray[np.float32], own: str = "none", threads: int = 1) -> None:
        """Write the mean of the rows of each token's n-grams to `out`, a row a token; zeros where there are none.

        own, one of OWN_ROWS: "given" if `out` has the tokens' own rows beforehand, which are averaged, too; "given of
        2016" to let "</s>" have n-grams.
        """

def read_entries(
    data: _Bytes, token_bytes: NDArray[np.uint8], token_lengths: NDArray[np.uint16], types: NDArray[np.uint8]
) -> tuple[int, int, int, bool]:
    """Read whole entries of fastText's dictionary, no more than there is room for lengths and types.

    `token_bytes` has as many bytes as `data`. Returns (entries, bytes used up, token bytes, whether the token of the
    next entry is longer than LONGEST_TOKEN).
    """

def dequantise(
    centroids: NDArray[np.float32],
    part_dim: int,
    codes: NDArray[np.uint8],
    norms: NDArray[np.float32] | None,
    out: NDArray[np.float32],
    threads: int = 1,
) -> None:
    """Write the rows that codes (k, parts) stand for to `out` (k, dim), times norms (k,) if there are norms.

    centroids: (256 * dim,), for each part of `part_dim` numbers 256 of its centroids.
    """

TOKENIZERS: tuple[str, ...]
"""The names of the tokenizers."""

@final
class LowerCase:
    """Every character's lower case, from what `make`, given a number of planes, returns when it is first needed.

    That is (pages, entries): see the only such function, `glovestore.vocabulary.lower_case.lower_case_table`.
    """

    def __init__(self, make: Callable[[int], tuple[NDArray[np.uint16], NDArray[np.int32]]]) -> None: ...

def valid_utf8(text: _Bytes) -> int:
    """Return the number of bytes before the first sequence that is not UTF-8, or of all bytes if there is none."""

def split_text(text: str, tokenizer: str, lower_case: LowerCase) -> list[str]:
    """Return a text's tokens; a subclass of str will do. ValueError: no such tokenizer; TypeError: no text."""

def first_not_str(objects: Iterable[object]) -> int:
    """Return the position of the first object that is no str, or how many there are."""

def lay_out(
    texts: tuple[Any, ...], first: int, strings: list[Any], starts: NDArray[np.int64], is_tokenised: NDArray[np.uint8]
) -> int:
    """Append the str, and the elements of the lists and tuples, of texts[first:], to `strings`.

    Stops at the first text that is neither, and returns its position.

    After text i `strings` has starts[i + 1] elements; `is_tokenised[i]` says whether it was no str. What the elements
    are is not looked at.
    """

@final
class Texts:
    """Texts to split, or tokens of texts: text i is string i, or strings[starts[i]:starts[i + 1]].

    `is_tokenised[i]` says whether those are its tokens, or one text. TypeError for objects that are no str, and for a
    null; ValueError for bytes that are no UTF-8. len() is the number of texts.
    """

    def __init__(
        self, strings: Strings, starts: NDArray[np.int64] | None = None, is_tokenised: NDArray[np.uint8] | None = None
    ) -> None: ...
    def __len__(self) -> int: ...
    @property
    def characters(self) -> int:
        """About how much text this is: code points or bytes."""

@final
class CountedTokens:
    """Every token once with its count, in the order in which they were first seen.

    ValueError where thousands of tokens collide in the index; then this object is of no use any more.
    """

    def __init__(self, index_seeds: int = ...) -> None: ...
    def __len__(self) -> int: ...
    @property
    def total(self) -> int:
        """The sum of the counts."""
    def count(self, texts: Texts, tokenizer: str, lower_case: LowerCase, threads: int = 1) -> None:
        """Count the tokens of texts; the result does not depend on the number of threads."""
    def add(self, other: CountedTokens) -> None:
        """Add the counts of another one. OverflowError where the total passes int64."""
    def add_counts(self, tokens: Strings, counts: NDArray[np.int64]) -> None:
        """Add counts[i] to token i."""
    def arrays(self) -> tuple[memoryview, memoryview, memoryview]:
        """Return the bytes of all tokens, uint64 offsets into them, and int64 counts. No more can be added."""

def build_index(
    token_bytes: _Bytes, offsets: NDArray[np.uint64], slots: NDArray[np.uint64], index_seeds: int = ...
) -> tuple[int, int]:
    """Fill the slots, buckets_for(tokens) * 8 of them, of an index, and return (seed, longest_probe).

    ValueError if two tokens are equal, or thousands collide under every seed.
    """

def select_tokens(
    token_bytes: _Bytes, offsets: NDArray[np.uint64], rows: NDArray[np.int64], out: NDArray[np.uint8]
) -> None:
    """Write the tokens of these rows, one behind the other, to `out`."""

def has_surrogate(text: _Bytes) -> bool:
    """Return whether UTF-8 that "surrogatepass" wrote has a surrogate in it."""

@final
class KnownTokens:
    """The tokens of an index with their ids, row + `shift`. Those of `padding_row` and `unk_row` are unknown.

    An unknown token's id is `unk_id`; -1: it has none. `escaped`: the index's tokens are bytes (surrogateescape), else
    they are UTF-8 ("surrogatepass").
    """

    def __init__(
        self, index: TokenIndex, shift: int, padding_row: int, unk_row: int, unk_id: int, escaped: bool
    ) -> None: ...
    def id_of(self, token: str) -> int:
        """Return the id of a token."""
    def encode(
        self,
        texts: Texts,
        tokenizer: str,
        lower_case: LowerCase,
        out: Target,
        first_row: int,
        lengths: NDArray[np.int64],
        fill_left: bool,
        cut_left: bool,
        threads: int = 1,
    ) -> None:
        """Write the ids of text i to row first_row + i of `out`, filled up with 0 or cut; their number to `lengths`."""

@final
class RaggedIds:
    """The ids of one block of texts after the other, nothing filled up or cut."""

    def __init__(self) -> None: ...
    def encode(self, known: KnownTokens, texts: Texts, tokenizer: str, lower_case: LowerCase, threads: int = 1) -> None:
        """Append the ids of texts; the result does not depend on the number of threads."""
    @property
    def texts(self) -> int: ...
    @property
    def ids(self) -> int: ...
    @property
    def longest(self) -> int: ...
    def copy(self, values: NDArray[np.int64], offsets: NDArray[np.int64]) -> None:
        """Write all ids (ids,), and where in them each text begins and the last ends (texts + 1,)."""
    def pad(self, out: Target, lengths: NDArray[np.int64], fill_left: bool) -> None:
        """Write the ids of text i to row i of `out` (texts, longest), filled up with 0; their number to `lengths`."""
