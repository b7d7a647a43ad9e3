# Rows of a store as bytes of a vectors file: ext/format_rows.hpp.

cdef extern from "shortest.hpp" namespace "glovestore" nogil:
    const size_t longest_number


cdef extern from "format_rows.hpp" namespace "glovestore" nogil:
    cdef struct RowsOut:
        const float* vectors
        const unsigned char* token_bytes
        const uint64_t* offsets
        size_t count, dim

    cdef struct Formatted:
        size_t bytes, rows

    Formatted c_format_rows "glovestore::format_rows"(const RowsOut& rows, char separator, char* out) noexcept
    size_t c_pack_rows "glovestore::pack_rows"(const RowsOut& rows, char* out) noexcept


cdef const unsigned char* NO_BYTES = <const unsigned char*> ""  # tokens that are all empty still are tokens


cdef RowsOut rows_out(const float[:, ::1] vectors, const uint8_t[::1] token_bytes, const uint64_t[::1] offsets) except *:
    """Return the rows as C++ takes them: offsets that rise and end inside the tokens."""
    cdef RowsOut rows
    cdef size_t i
    rows.count, rows.dim = vectors.shape[0], vectors.shape[1]
    require(rows.count > 0 and rows.dim > 0, "vectors is empty")
    rows.vectors = &vectors[0, 0]
    rows.token_bytes = NULL
    rows.offsets = NULL
    if token_bytes is None:
        return rows
    require(offsets is not None and <size_t> offsets.shape[0] == rows.count + 1, "offsets does not fit vectors")
    require(offsets[rows.count] <= <size_t> token_bytes.shape[0], "offsets lead outside token_bytes")
    for i in range(rows.count):
        require(offsets[i] <= offsets[i + 1], "offsets do not rise")
    rows.offsets = &offsets[0]
    rows.token_bytes = &token_bytes[0] if token_bytes.shape[0] else NO_BYTES
    return rows


def format_room(size_t rows, size_t dim, size_t token_bytes):
    return rows * (dim * (longest_number + 1) + 1) + token_bytes


def format_rows(const float[:, ::1] vectors, const uint8_t[::1] token_bytes, const uint64_t[::1] offsets,
                uint8_t[::1] out, str separator=" "):
    cdef RowsOut rows = rows_out(vectors, token_bytes, offsets)
    cdef size_t tokens = 0 if token_bytes is None else token_bytes.shape[0]
    cdef char between = ord(separator)
    cdef Formatted written
    require(<size_t> out.shape[0] >= format_room(rows.count, rows.dim, tokens), "out is too small for the text")
    with nogil:
        written = c_format_rows(rows, between, <char*> &out[0])
    return written.bytes, written.rows


def pack_rows(const float[:, ::1] vectors, const uint8_t[::1] token_bytes not None, const uint64_t[::1] offsets not None,
              uint8_t[::1] out):
    cdef RowsOut rows = rows_out(vectors, token_bytes, offsets)
    cdef size_t written
    require(<size_t> out.shape[0] >= rows.count * (4 * rows.dim + 1) + <size_t> token_bytes.shape[0],
            "out is too small for the rows")
    with nogil:
        written = c_pack_rows(rows, <char*> &out[0])
    return written
