// The tokens that a build is to keep, so that other lines are passed over before their numbers are parsed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lookup.hpp"
#include "token_table.hpp"

namespace glovestore {

class KeptTokens {
public:
    KeptTokens() : tokens_(0), first_fields_(0) {}

    // Tokens that stand one behind the other. False: they collide, as only a hostile list's do.
    bool add(const unsigned char* bytes, const std::uint16_t* lengths, std::size_t count);

    bool has(const unsigned char* token, std::size_t size) const {
        return find_row(tokens_.index(), tokens_.table(), token, size) != absent;
    }

    // The next line of [line, end), whole lines, that may be a row of a kept token, or `end`; `passed` counts the lines
    // before it. A token, with all its spaces, begins with its line's first field: that is looked up.
    const char* find_line(const char* line, const char* end, std::uint64_t& passed) const noexcept;

private:
    GrowingTokens tokens_;
    GrowingTokens first_fields_;
};

}  // namespace glovestore
