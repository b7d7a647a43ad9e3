// A token, or a text, whose bytes belong to somebody else.
#pragma once

#include <cstddef>

namespace glovestore {

struct TokenView {
    const unsigned char* bytes;  // nullptr: none, as a null of an Arrow array
    std::size_t size;
};

}  // namespace glovestore
