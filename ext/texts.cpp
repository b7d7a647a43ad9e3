#include "texts.hpp"

#include <cstring>

#include "utf8.hpp"

namespace glovestore {

TextCheck check_texts(const Strings& strings) {
    constexpr std::size_t at_a_time = 64;
    TokenView views[at_a_time];
    Scratch scratch;
    TextCheck check{0, 0, 0};
    while (check.good < strings.size()) {
        const std::size_t count = std::min(at_a_time, strings.size() - check.good);
        strings.read(check.good, count, views, scratch);
        for (std::size_t i = 0; i < count; ++i, ++check.good) {
            if (!views[i].bytes || valid_utf8(views[i].bytes, views[i].size) != views[i].size) return check;
            check.bytes += views[i].size;
            const unsigned char greatest = greatest_byte(views[i].bytes, views[i].size);
            check.width = std::max(check.width, greatest < 0x80 ? 0 : greatest < 0xF0 ? 2 : 4);
        }
    }
    return check;
}

}  // namespace glovestore
