#include "subwords.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "parallel.hpp"
#include "parse.hpp"
#include "token_index.hpp"

namespace glovestore {
namespace {

constexpr std::size_t tokens_a_thread = 64;  // fewer take less time than a thread takes to start
constexpr std::size_t batch = 32;            // tokens that are read at a time
constexpr std::size_t floats_a_line = 16;
constexpr std::size_t columns_at_once = 32;  // whose sums stay in registers
constexpr std::size_t eos_size = 4;
constexpr unsigned char eos[] = {'<', '/', 's', '>'};

using Rows = std::vector<const float*>;

bool is_continuation(unsigned char byte) noexcept { return (byte & 0xC0) == 0x80; }

std::uint32_t hashed(std::uint32_t hash, unsigned char byte) noexcept {
    return (hash ^ static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<signed char>(byte)))) * 16777619u;
}

// The row of a bucket, or nullptr.
const float* row_of(const SubwordTable& table, std::uint32_t bucket) noexcept {
    if (!table.buckets) return bucket < table.rows ? table.vectors + bucket * table.dim : nullptr;
    std::uint64_t low = 0, high = table.rows;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2, found = read_once(table.buckets + middle);
        if (found == bucket) return table.vectors + middle * table.dim;
        if (found < bucket) low = middle + 1;
        else high = middle;
    }
    return nullptr;
}

// The rows of the n-grams of `bracketed`, "<" + token + ">", in the order in which they are added.
void collect_rows(const SubwordTable& table, const std::vector<unsigned char>& bracketed, Rows& rows) {
    const std::size_t size = bracketed.size();
    for (std::size_t begin = 0; begin < size; ++begin) {
        if (is_continuation(bracketed[begin])) continue;
        std::uint32_t hash = 2166136261u;
        std::size_t at = begin;
        for (std::uint32_t n = 1; at < size && n <= table.maxn; ++n) {
            do hash = hashed(hash, bracketed[at++]);
            while (at < size && is_continuation(bracketed[at]));
            if (n < table.minn || (n == 1 && (begin == 0 || at == size))) continue;
            if (const float* row = row_of(table, hash % table.bucket_count)) rows.push_back(row);
        }
    }
}

void find_rows_of(const SubwordTable& table, const TokenView& token, Own own, std::vector<unsigned char>& bracketed,
                  Rows& rows) {
    rows.clear();
    if (!token.bytes || token.size > longest_token) return;
    if (own != Own::given_of_2016 && token.size == eos_size && std::memcmp(token.bytes, eos, eos_size) == 0) return;
    bracketed.clear();
    bracketed.push_back('<');
    bracketed.insert(bracketed.end(), token.bytes, token.bytes + token.size);
    bracketed.push_back('>');
    collect_rows(table, bracketed, rows);
    for (const float* row : rows)  // they stand all over memory
        for (std::size_t d = 0; d < table.dim; d += floats_a_line) __builtin_prefetch(row + d);
}

// The same for every `columns`, which the compiler knows for all blocks but the last: sums in registers.
inline void average_columns(const Rows& rows, std::size_t first, std::size_t columns, bool has_own, float scale,
                            float* out) noexcept {
    float sums[columns_at_once] = {};
    if (has_own)
        for (std::size_t d = 0; d < columns; ++d) sums[d] += out[first + d];
    for (const float* row : rows)
        for (std::size_t d = 0; d < columns; ++d) sums[d] += row[first + d];
    for (std::size_t d = 0; d < columns; ++d) out[first + d] = sums[d] * scale;
}

void average(const Rows& rows, std::size_t dim, bool has_own, float* out) noexcept {
    const std::size_t count = rows.size() + has_own;
    const auto scale = static_cast<float>(count ? 1.0 / static_cast<double>(count) : 1.0);
    std::size_t first = 0;
    for (; first + columns_at_once <= dim; first += columns_at_once)
        average_columns(rows, first, columns_at_once, has_own, scale, out);
    average_columns(rows, first, dim - first, has_own, scale, out);
}

}  // namespace

void mean_vectors(const SubwordTable& table, const Strings& tokens, Own own, float* out, std::size_t threads) {
    in_parallel(tokens.size(), threads, tokens_a_thread, [&](std::size_t begin, std::size_t end) {
        TokenView views[batch];
        Scratch scratch;
        std::vector<unsigned char> bracketed;
        Rows rows, next;  // of a token and the one behind it, whose rows are on their way meanwhile
        for (std::size_t first = begin; first < end; first += batch) {
            const std::size_t count = std::min(batch, end - first);
            tokens.read(first, count, views, scratch);
            find_rows_of(table, views[0], own, bracketed, next);
            for (std::size_t i = 0; i < count; ++i) {
                rows.swap(next);
                if (i + 1 < count) find_rows_of(table, views[i + 1], own, bracketed, next);
                average(rows, table.dim, own != Own::none, out + (first + i) * table.dim);
            }
        }
    });
}

}  // namespace glovestore
