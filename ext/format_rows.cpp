#include "format_rows.hpp"

#include <algorithm>
#include <cstring>

#include "shortest.hpp"

namespace glovestore {
namespace {

char* put_token(char* out, const RowsOut& rows, std::size_t row) noexcept {
    const std::size_t size = rows.offsets[row + 1] - rows.offsets[row];
    if (size != 0) std::memcpy(out, rows.token_bytes + rows.offsets[row], size);
    return out + size;
}

}  // namespace

Formatted format_rows(const RowsOut& rows, char separator, char* out) noexcept {
    char* const begin = out;
    for (std::size_t row = 0; row < rows.count; ++row) {
        const float* const vector = rows.vectors + row * rows.dim;
        if (!std::all_of(vector, vector + rows.dim, is_finite)) return {static_cast<std::size_t>(out - begin), row};
        if (rows.token_bytes) {
            out = put_token(out, rows, row);
            *out++ = separator;
        }
        for (std::size_t i = 0; i < rows.dim; ++i) {
            out = write_number(out, vector[i]);
            *out++ = separator;
        }
        out[-1] = '\n';
    }
    return {static_cast<std::size_t>(out - begin), rows.count};
}

std::size_t pack_rows(const RowsOut& rows, char* out) noexcept {
    char* const begin = out;
    const std::size_t size = rows.dim * sizeof(float);
    for (std::size_t row = 0; row < rows.count; ++row) {
        out = put_token(out, rows, row);
        *out++ = ' ';
        std::memcpy(out, rows.vectors + row * rows.dim, size);
        out += size;
    }
    return static_cast<std::size_t>(out - begin);
}

}  // namespace glovestore
