// UTF-8 of what Python keeps its strings in.
#pragma once

#include <cstddef>

namespace glovestore {

// Writes the UTF-8 of `length` code points of `width` (1, 2 or 4) bytes each and returns its size; a surrogate becomes three
// bytes like any other code point. `out` has room for 2, 3 or 4 bytes a code point.
std::size_t encode_utf8(const void* code_points, int width, std::size_t length, unsigned char* out) noexcept;

}  // namespace glovestore
