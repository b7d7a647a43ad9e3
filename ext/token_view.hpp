// A token, or a text, whose bytes belong to somebody else.
#pragma once

#include <cstddef>

namespace glovestore {

struct TokenView {
    const unsigned char* bytes;  // nullptr: none, as a null of an Arrow array
    std::size_t size;
};

// What an empty string points to that has no address of its own: it is not none.
inline constexpr unsigned char nothing = 0;

}  // namespace glovestore
