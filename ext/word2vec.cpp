#include "word2vec.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "finite.hpp"

namespace glovestore {
namespace {

constexpr std::size_t longest_head = longest_token + 2;  // a newline, a token, and its space

struct Row {
    const char* token;
    std::size_t token_size;
    const char* vector;
    const char* next;  // nullptr: the row is not whole
    bool too_long;     // ... and its token has more than longest_token bytes
};

// The row that begins at `record`.
Row find_row(const char* record, const char* end, std::size_t vector_size) noexcept {
    const std::size_t searched = std::min(static_cast<std::size_t>(end - record), longest_head);
    const auto* space = searched == 0 ? nullptr : static_cast<const char*>(std::memchr(record, ' ', searched));
    if (!space) return {record, 0, nullptr, nullptr, searched == longest_head};
    const char* const token = std::find_if(record, space, [](char c) { return c != '\n'; });
    const auto token_size = static_cast<std::size_t>(space - token);
    if (token_size > longest_token) return {token, token_size, nullptr, nullptr, true};
    const bool whole = static_cast<std::size_t>(end - space) > vector_size;
    return {token, token_size, space + 1, whole ? space + 1 + vector_size : nullptr, false};
}

}  // namespace

bool Word2vecRows::cut(Block& block, std::size_t /*searched*/, bool at_end) {
    const char* const data = block.memory.data();
    const std::size_t begin = options_.begin(block);
    if (block.end() < begin) return false;  // a small block: not yet all of the header
    block.records_end = std::max(block.records_end, begin);
    for (; rows_left_ > 0; --rows_left_) {
        const Row row = find_row(data + block.records_end, data + block.end(), dim_ * sizeof(float));
        if (row.too_long) block.fault = Outcome::record_too_long;
        if (!row.next) break;
        block.records_end = static_cast<std::size_t>(row.next - data);
    }
    if (rows_left_ == 0) return finish(block, at_end);
    if (at_end && block.fault == Outcome::ok) block.fault = Outcome::truncated;
    return block.records_end > begin || block.fault != Outcome::ok;
}

// The last row was found: one newline may follow, which cannot be seen before the source ends.
bool Word2vecRows::finish(Block& block, bool at_end) const {
    block.is_last = true;
    if (is_limited_) {
        block.fresh_size = block.records_end - block.fresh;
        return true;
    }
    const std::size_t left = block.end() - block.records_end;
    if (left > 1 || (left == 1 && block.memory[block.records_end] != '\n')) block.fault = Outcome::left_over;
    return at_end || block.fault != Outcome::ok;
}

void Word2vecRows::parse(ParsedBlock& parsed, const Kernels& /*kernels*/) const {
    const std::size_t vector_size = dim_ * sizeof(float);
    const Block& block = parsed.block;
    const char* record = block.memory.data() + options_.begin(block);
    const char* const end = block.memory.data() + block.records_end;
    RowBatch& batch = parsed.batch;
    const auto size = static_cast<std::size_t>(end - record);
    batch.vectors.require(size / (vector_size + 1) * dim_ + dim_);
    batch.token_lengths.require(size / (vector_size + 1) + 1);
    batch.token_bytes.require(size + 1);
    std::size_t used = 0;
    while (record < end && !parsed.failed) {
        const Row row = find_row(record, end, vector_size);
        const auto* const token = reinterpret_cast<const unsigned char*>(row.token);
        record = row.next;
        if (options_.keep && !options_.keep->has(token, row.token_size)) {
            ++parsed.not_kept;
            continue;
        }
        float* const vector = batch.vectors.data() + batch.rows * dim_;
        std::memcpy(vector, row.vector, vector_size);
        if (first_not_finite(vector, 1, dim_, 0) == 0) {
            parsed.failed = !options_.skip_bad;
            if (parsed.bad.size() < ParsedBlock::shown_bad)
                parsed.bad.push_back({parsed.records() + 1, RowFault::not_finite, 0, 0, 0, false, std::string(row.token, row.next)});
            ++parsed.skipped;
            continue;
        }
        std::copy_n(token, row.token_size, batch.token_bytes.data() + used);
        used += row.token_size;
        batch.token_lengths[batch.rows++] = static_cast<std::uint16_t>(row.token_size);
    }
}

}  // namespace glovestore
