# cython: language_level=3, embedsignature=False, boundscheck=False, wraparound=False, initializedcheck=False
# cython: freethreading_compatible=True
# distutils: language = c++
"""The only boundary between Python and the C++ core: take buffers, release the GIL, call, return plain values.

Docstrings and types stand in _core.pyi, where editors and type checkers look.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stddef cimport size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from "hash.hpp" namespace "glovestore" nogil:
    uint64_t c_xxh64 "glovestore::xxh64"(const void* data, size_t size, uint64_t seed) noexcept


cdef extern from "number.hpp" namespace "glovestore" nogil:
    cdef enum class NumberStatus(unsigned char):
        ok, not_a_number, overflow

    cdef struct Number:
        float value
        const char* end
        NumberStatus status

    const size_t number_padding
    Number c_parse_number "glovestore::parse_number"(const char* begin) noexcept


cdef extern from "parse.hpp" namespace "glovestore" nogil:
    cdef enum class RowFault(int):
        none, too_few, not_a_number, overflow, too_many, token_too_long, not_finite

    cdef struct Batch:
        float* vectors
        unsigned char* token_bytes
        uint16_t* token_lengths
        size_t capacity

    cdef struct ParseResult:
        size_t rows, token_bytes, consumed
        RowFault fault
        size_t field, field_size, found

    const size_t longest_token


cdef extern from "token_index.hpp" namespace "glovestore" nogil:
    const uint32_t most_probes

    cdef struct TokenTable:
        const unsigned char* bytes
        size_t size
        const uint64_t* offsets
        uint64_t rows

    cdef struct IndexView:
        const uint64_t* slots
        uint64_t buckets
        uint64_t seed
        uint32_t longest_probe

    uint64_t c_buckets_for "glovestore::buckets_for"(uint64_t rows) noexcept


cdef extern from "statistics.hpp" namespace "glovestore" nogil:
    cdef struct CStatistics "glovestore::Statistics":
        uint64_t joined_rows
        uint64_t block_rows
        double* mean
        double* squares
        double* shift
        double* sum
        double* sum_of_squares

    void finish_statistics(CStatistics& statistics, size_t dim, double* std) noexcept


cdef extern from "nearest.hpp" namespace "glovestore" nogil:
    cdef cppclass RowBlock:
        pass

    cdef cppclass BestRows:
        pass


cdef extern from "stored.hpp" namespace "glovestore" nogil:
    cdef enum class Stored(int):
        float32, float16, int8

    cdef cppclass CStoredVectors "glovestore::StoredVectors":
        const uint8_t* data
        const float* scales
        Stored dtype
        size_t rows, dim

    size_t size_of(Stored dtype) noexcept


cdef extern from "kernels.hpp" namespace "glovestore" nogil:
    ctypedef ParseResult (*ParseRows)(const char* text, size_t size, size_t dim, const Batch& batch) noexcept nogil
    ctypedef void (*RowNorms)(const float* vectors, size_t rows, size_t dim, float* norms) noexcept nogil
    ctypedef void (*UpdateStatistics)(CStatistics& statistics, const float* vectors, size_t rows, size_t dim) noexcept nogil
    ctypedef void (*ScoreRows)(const RowBlock& block, BestRows& best) noexcept nogil
    ctypedef void (*DecodeRows)(const CStoredVectors& source, size_t first, size_t count, float* out) noexcept nogil
    ctypedef void (*EncodeRows)(const float* vectors, size_t rows, size_t dim, Stored dtype, void* out,
                                float* scales) noexcept nogil

    cdef struct Kernels:
        const char* name
        ParseRows parse_rows
        RowNorms row_norms
        UpdateStatistics update_statistics
        ScoreRows score_rows
        DecodeRows decode_rows
        EncodeRows encode_rows

    const Kernels* kernels_at(size_t place) noexcept


LONGEST_TOKEN = longest_token
MOST_PROBES = most_probes
TEXT_PADDING = number_padding
FAULT_NAMES = ("none", "too_few", "not_a_number", "overflow", "too_many", "token_too_long", "not_finite")


cdef inline const void* start(const uint8_t[::1] data) noexcept:
    """Return the address of the first byte; an empty view has none that may be taken."""
    return <const void*> &data[0] if data.shape[0] else NULL


def xxh64(const uint8_t[::1] data, uint64_t seed=0):
    cdef const void* begin = start(data)
    cdef uint64_t value
    with nogil:
        value = c_xxh64(begin, data.shape[0], seed)
    return value


cdef require(bint holds, str problem):
    """Guard the memory of every call below: a wrong shape is an error, never a stray write."""
    if not holds:
        raise ValueError(problem)


cdef list list_tiers():
    cdef size_t place = 0
    cdef list names = []
    while kernels_at(place) != NULL:
        names.append(kernels_at(place).name.decode())
        place += 1
    return names


SIMD_TIERS = tuple(list_tiers())


cdef const Kernels* kernels_named(str tier) except NULL:
    if tier not in SIMD_TIERS:
        raise ValueError(f"expected one of the tiers that this machine has, {', '.join(SIMD_TIERS)}, got {tier!r}")
    return kernels_at(SIMD_TIERS.index(tier))


def parse_number(bytes field not None):
    cdef bytes padded = field + b"\n" + bytes(number_padding)
    cdef const char* begin = PyBytes_AS_STRING(padded)
    cdef Number number = c_parse_number(begin)
    if number.status == NumberStatus.not_a_number or number.end != begin + len(field):
        raise ValueError(f"expected a decimal number, got {field!r}")
    if number.status == NumberStatus.overflow:
        raise OverflowError(f"expected a number within float32, got {field!r}")
    return number.value


def parse_rows(const uint8_t[::1] text, size_t begin, size_t end, float[:, ::1] vectors, uint8_t[::1] token_bytes,
               uint16_t[::1] token_lengths, str tier=SIMD_TIERS[0]):
    cdef const Kernels* kernels = kernels_named(tier)
    cdef size_t dim = vectors.shape[1]
    require(begin < end and end + number_padding <= <size_t> text.shape[0], "text has no padding behind its end")
    require(text[end - 1] == 10, "text does not end with a newline")
    require(dim > 0 and vectors.shape[0] > 0, "vectors is empty")
    require(<size_t> token_bytes.shape[0] >= end - begin, "token_bytes is smaller than the text")
    require(token_lengths.shape[0] == vectors.shape[0], "token_lengths and vectors differ in length")
    cdef Batch batch
    batch.vectors = &vectors[0, 0]
    batch.token_bytes = &token_bytes[0]
    batch.token_lengths = &token_lengths[0]
    batch.capacity = vectors.shape[0]
    cdef ParseResult result
    with nogil:
        result = kernels.parse_rows(<const char*> &text[begin], end - begin, dim, batch)
    return (result.rows, result.token_bytes, result.consumed, FAULT_NAMES[<int> result.fault], result.field,
            result.field_size, result.found)


def buckets_for(uint64_t rows):
    return c_buckets_for(rows)


cdef class _Memory:
    # Bytes that belong to another object's C++ side; a view of them keeps that object alive.
    cdef object owner
    cdef const void* data
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, <void*> self.data, self.size, 1, flags)


cdef memory_of(object owner, const void* data, size_t size):
    cdef _Memory memory = _Memory.__new__(_Memory)
    memory.owner, memory.data, memory.size = owner, data, size
    return memoryview(memory)


include "stored.pxi"
include "build.pxi"
include "strings.pxi"
include "lookup.pxi"
include "target.pxi"
include "gather.pxi"
include "noise.pxi"
include "subwords.pxi"
include "file_map.pxi"
include "format_rows.pxi"
include "nearest.pxi"
include "tokenizers.pxi"
include "count.pxi"
include "encode.pxi"
