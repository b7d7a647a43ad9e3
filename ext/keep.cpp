#include "keep.hpp"

#include <cstring>
#include <vector>

namespace glovestore {
namespace {

std::size_t first_field(const unsigned char* token, std::size_t size) noexcept {
    const void* space = size == 0 ? nullptr : std::memchr(token, ' ', size);
    return space ? static_cast<std::size_t>(static_cast<const unsigned char*>(space) - token) : size;
}

}  // namespace

bool KeptTokens::add(const unsigned char* bytes, const std::uint16_t* lengths, std::size_t count) {
    std::vector<unsigned char> is_duplicate(count);
    if (!tokens_.add(bytes, lengths, count, is_duplicate.data())) return false;
    for (std::size_t i = 0; i < count; bytes += lengths[i++]) {
        const auto size = static_cast<std::uint16_t>(first_field(bytes, lengths[i]));
        if (!first_fields_.add(bytes, &size, 1, is_duplicate.data())) return false;
    }
    return true;
}

const char* KeptTokens::find_line(const char* line, const char* end, std::uint64_t& passed) const noexcept {
    const IndexView index = first_fields_.index();
    const TokenTable table = first_fields_.table();
    for (passed = 0; line < end; ++passed) {
        const char* p = line;
        while (*p != ' ' && *p != '\n') ++p;
        if (find_row(index, table, line, static_cast<std::size_t>(p - line)) != absent) return line;
        const void* newline = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
        line = static_cast<const char*>(newline) + 1;
    }
    return end;
}

}  // namespace glovestore
