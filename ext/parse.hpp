// Rows of GloVe text -> a batch: tokens as bytes, numbers as float32. The text rules are those of FORMAT.md, "Text input".
#pragma once

#include <cstddef>
#include <cstdint>

namespace glovestore {

constexpr std::size_t longest_token = 65535;

enum class RowFault : int {
    none = 0,
    too_few,         // fewer than `dim` fields behind the token
    not_a_number,    // one of the last `dim` fields is not a number
    overflow,        // ... or is beyond the largest float32
    too_many,        // more than `dim` numbers
    token_too_long,  // the token has more than longest_token bytes
    not_finite,      // a number of a binary row is infinite or not a number
};

// Where the rows go. The caller owns all of it, with room for `capacity` rows and for as many token bytes as there is text.
struct Batch {
    float* vectors;                // (capacity, dim)
    unsigned char* token_bytes;    // the tokens one behind the other
    std::uint16_t* token_lengths;  // (capacity,)
    std::size_t capacity;
};

// How far parse_rows came and why it stopped.
struct ParseResult {
    std::size_t rows;         // rows written to the batch
    std::size_t token_bytes;  // bytes written to the batch
    std::size_t consumed;     // bytes of text used up: whole lines, the faulty one not among them
    RowFault fault;           // none: the text or the capacity is used up; else what is wrong with the next line
    std::size_t field;        // the offending field: its first byte, counted from the start of its line, from 0
    std::size_t field_size;
    std::size_t found;        // number of fields behind the token
};

// Parses whole lines.
//
//   text                                                      text + size
//   |the 0.418 0.24968 -0.41242 ...\n|, 0.013 ... \n| ... \n|.... readable padding ....|
//                                                             ^ number_padding bytes, any content
//
// `text` ends with a newline (or size is 0). Lines are rows of `dim` >= 1 numbers. Stops at the first faulty line: what
// stands before it is in the batch. Never throws, never allocates.
ParseResult parse_rows(const char* text, std::size_t size, std::size_t dim, const Batch& batch) noexcept;

}  // namespace glovestore
