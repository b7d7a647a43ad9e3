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
constexpr std::size_t lines_ahead = 4;       // the processor fetches a row's further lines by itself: all took twice as long
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
        for (std::size_t k = 0; k < table.dim && k < lines_ahead * floats_a_line; k += floats_a_line) __builtin_prefetch(row + k);
}

// Adds rows, one after the other in each column. Four at once: a sum is loaded and stored once for all of them.
void add_rows(const Rows& rows, std::size_t dim, float* __restrict out) noexcept {
    std::size_t i = 0;
    for (; i + 4 <= rows.size(); i += 4) {
        const float *a = rows[i], *b = rows[i + 1], *c = rows[i + 2], *d = rows[i + 3];
        for (std::size_t k = 0; k < dim; ++k) out[k] = (((out[k] + a[k]) + b[k]) + c[k]) + d[k];
    }
    for (; i < rows.size(); ++i)
        for (std::size_t k = 0; k < dim; ++k) out[k] += rows[i][k];
}

void average(const Rows& rows, std::size_t dim, bool has_own, float* out) noexcept {
    const std::size_t count = rows.size() + has_own;
    if (has_own)
        for (std::size_t k = 0; k < dim; ++k) out[k] = 0.0f + out[k];  // what fastText starts with: -0 becomes 0
    else
        std::memset(out, 0, dim * sizeof(float));
    if (count == 0) return;
    add_rows(rows, dim, out);
    const auto scale = static_cast<float>(1.0 / static_cast<double>(count));
    for (std::size_t k = 0; k < dim; ++k) out[k] *= scale;
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
