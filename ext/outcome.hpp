// What becomes of work on a store, in C++ and (by name) in Python.
#pragma once

namespace glovestore {

enum class Outcome : int {
    ok,
    stopped,
    bad_line,         // a record is no row
    record_too_long,  // a line, or the token of a binary row
    truncated,        // the source ends inside a record, or before the last one
    left_over,        // bytes stand behind the last record
    collisions,       // the tokens collide under every seed of the index, as only a hostile file's do
    read_failed,      // errno says why; so it does for the next
    write_failed,
    out_of_memory,
    out_of_range,     // a number is too large for the dtype of the store
};

}  // namespace glovestore
