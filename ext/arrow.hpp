// Strings in Arrow arrays, read where they are: "The Arrow C data interface" and "The Arrow C stream interface", whose
// structs these are, field by field; formats and buffers as in "Arrow columnar format".
#pragma once

#include <cstdint>
#include <string>

#include "strings.hpp"

extern "C" {

struct ArrowSchema {
    const char* format;
    const char* name;
    const char* metadata;
    std::int64_t flags;
    std::int64_t n_children;
    ArrowSchema** children;
    ArrowSchema* dictionary;
    void (*release)(ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    std::int64_t length;
    std::int64_t null_count;
    std::int64_t offset;
    std::int64_t n_buffers;
    std::int64_t n_children;
    const void** buffers;
    ArrowArray** children;
    ArrowArray* dictionary;
    void (*release)(ArrowArray*);
    void* private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
    int (*get_next)(ArrowArrayStream*, ArrowArray*);
    const char* (*get_last_error)(ArrowArrayStream*);
    void (*release)(ArrowArrayStream*);
    void* private_data;
};

}  // extern "C"

namespace glovestore {

// Strings, or what is wrong with the array ("" if nothing is): it holds no strings, or its stream is broken.
struct ArrowStrings {
    StringsPointer strings;
    std::string problem;
    bool is_broken = false;
};

// Takes over the array, whatever comes of it, and reads utf8, large_utf8, utf8_view, their binary twins, dictionaries of
// these, and the null type; nulls are none. The producer is trusted as far as Arrow has no sizes to check.
ArrowStrings arrow_strings(const ArrowSchema& schema, ArrowArray& array);

// Takes all arrays of a stream, one behind the other. The stream is the caller's to release.
ArrowStrings arrow_strings(ArrowArrayStream& stream);

}  // namespace glovestore
