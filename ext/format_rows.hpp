// Rows of a store -> bytes of a vectors file: text, or word2vec's binary.
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

// Tokens and vectors of `count` rows, which belong to somebody else. Token i is token_bytes[offsets[i]:offsets[i + 1]], and
// the offsets rise.
struct RowsOut {
    const float* vectors;
    const unsigned char* token_bytes;  // null: no tokens, a row is its numbers alone
    const std::uint64_t* offsets;
    std::size_t count, dim;
};

struct Formatted {
    std::size_t bytes;
    std::size_t rows;  // less than there are: this one has a number that is not finite
};

// Writes each row as token, numbers and newline, one `separator` between them; numbers as write_number spells them. `out`
// has room for `longest_number` + 1 bytes a number and the tokens, and one byte more a row.
Formatted format_rows(const RowsOut& rows, char separator, char* out) noexcept;

// Writes each row as token, space, and the bytes of its float32; returns how many bytes. `out` has room for just that.
std::size_t pack_rows(const RowsOut& rows, char* out) noexcept;

}  // namespace glovestore
