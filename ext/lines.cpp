#include "lines.hpp"

#include <cstring>
#include <limits>
#include <string_view>

namespace glovestore {
namespace {

constexpr std::string_view unk = "<unk>";

// The first byte behind the last newline of [begin, end), or 0.
std::size_t behind_last_newline(const char* data, std::size_t begin, std::size_t end) {
    while (end > begin && data[end - 1] != '\n') --end;
    return end > begin ? end : 0;
}

std::size_t first_newline(const char* data, std::size_t begin, std::size_t end) {
    const void* found = std::memchr(data + begin, '\n', end - begin);
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - data) : end;
}

const char* line_end(const char* line, const char* end) noexcept {
    return static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line))) + 1;
}

// The lines of one block on their way into its batch.
struct Parsing {
    ParsedBlock& parsed;
    const char* const end;
    std::size_t used = 0;      // bytes of all tokens of the batch
    bool last_is_bad = false;  // the block's last line is no row

    // Makes room for the rows that `size` bytes of text can hold at most.
    void reserve(std::size_t size, std::size_t dim) {
        const std::size_t rows = size / (2 * dim + 1) + 1;
        parsed.batch.vectors.require(rows * dim);
        parsed.batch.token_lengths.require(rows);
        parsed.batch.token_bytes.require(size);
    }

    // Notes a line that is no row, and returns the next one.
    const char* pass_bad_line(const char* line, const ParseResult& result, bool go_on) {
        const char* const next = line_end(line, end);
        last_is_bad = next == end;
        parsed.failed = !go_on;
        if (parsed.bad.size() < ParsedBlock::shown_bad)
            parsed.bad.push_back({parsed.records() + 1, result.fault, result.field, result.field_size, result.found,
                                  parsed.block.unfinished && last_is_bad, std::string(line, next - 1)});
        ++parsed.skipped;
        return next;
    }

    bool last_row_is_unk() const {
        const RowBatch& batch = parsed.batch;
        if (batch.rows == 0 || last_is_bad) return false;
        const std::size_t size = batch.token_lengths[batch.rows - 1];
        return std::string_view(reinterpret_cast<const char*>(batch.token_bytes.data()) + used - size, size) == unk;
    }

    // The same where the line may have been passed over.
    bool last_line_begins_with_unk() const {
        if (parsed.block.records_end == 0 || last_is_bad) return false;
        const char* line = end - 1;
        while (line > parsed.block.memory.data() && line[-1] != '\n') --line;
        const std::string_view text(line, static_cast<std::size_t>(end - line));
        return text.substr(0, text.find(' ')) == unk;
    }
};

}  // namespace

bool Lines::cut(Block& block, std::size_t searched, bool at_end) {
    const std::size_t end = block.end();
    if (first_newline(block.memory.data(), searched, end) > longest_record) {
        block.fault = Outcome::record_too_long;
        return true;
    }
    block.records_end = behind_last_newline(block.memory.data(), searched, end);
    if (block.records_end == 0 && !at_end) return false;
    if (at_end && end > block.records_end) {
        block.memory[end] = '\n';
        block.records_end = end + 1;
        block.unfinished = true;
    }
    if (lines_left_ != std::numeric_limits<std::uint64_t>::max()) cut_at_limit(block);
    return true;
}

// Takes everything off that stands behind the last of the lines that are wanted.
void Lines::cut_at_limit(Block& block) {
    const char* const data = block.memory.data();
    std::size_t line = options_.begin(block);
    for (; line < block.records_end && lines_left_ > 0; --lines_left_)
        line = static_cast<std::size_t>(line_end(data + line, data + block.records_end) - data);
    if (lines_left_ > 0) return;
    block.is_last = true;
    if (block.unfinished && line == block.records_end) return;  // the last byte is not the source's
    block.records_end = line;
    block.fresh_size = line - block.fresh;
    block.unfinished = false;
}

void Lines::parse(ParsedBlock& parsed, const Kernels& kernels) const {
    RowBatch& batch = parsed.batch;
    const Block& block = parsed.block;
    const KeptTokens* const keep = options_.keep;
    const char* line = block.memory.data() + options_.begin(block);
    Parsing parsing{parsed, block.memory.data() + block.records_end};
    parsing.reserve(static_cast<std::size_t>(parsing.end - line), dim_);
    while (line < parsing.end && !parsed.failed) {
        const char* stop = parsing.end;
        if (keep) {
            std::uint64_t passed;
            line = keep->find_line(line, parsing.end, passed);
            parsed.not_kept += passed;
            if (line == parsing.end) break;
            stop = line_end(line, parsing.end);
        }
        const Batch room{batch.vectors.data() + batch.rows * dim_, batch.token_bytes.data() + parsing.used,
                         batch.token_lengths.data() + batch.rows, batch.token_lengths.size() - batch.rows};
        const ParseResult result = kernels.parse_rows(line, static_cast<std::size_t>(stop - line), dim_, room);
        line += result.consumed;
        if (keep && result.rows == 1 && !keep->has(room.token_bytes, result.token_bytes)) {
            ++parsed.not_kept;
        } else {
            batch.rows += result.rows;
            parsing.used += result.token_bytes;
        }
        if (result.fault != RowFault::none) line = parsing.pass_bad_line(line, result, options_.skip_bad);
    }
    parsed.last_is_unk = keep ? parsing.last_line_begins_with_unk() : parsing.last_row_is_unk();
}

}  // namespace glovestore
