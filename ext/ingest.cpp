#include "ingest.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

namespace glovestore {
namespace {

constexpr std::size_t shown_bad_lines = 10;
constexpr std::string_view unk = "<unk>";

const char* line_end(const char* line, const char* end) noexcept {
    return static_cast<const char*>(std::memchr(line, '\n', static_cast<std::size_t>(end - line))) + 1;
}

}  // namespace

// One thread's memory, and what it found in its block.
struct Ingest::Worker {
    TextBlock block;
    RowBatch batch;
    std::uint64_t skipped;
    std::uint64_t not_kept;
    bool failed;       // the last bad line ends the work
    bool last_is_bad;  // the block's last line is no row
    bool last_is_unk;
    std::vector<BadLine> bad_lines;  // the first ones; lines counted from the start of the block
    std::vector<std::uint64_t> digest_hashes;

    const char* begin(std::size_t prefix) const { return block.memory.data() + (block.number == 0 ? prefix : 0); }
    const char* end() const { return block.memory.data() + block.lines_end; }
    std::uint64_t lines() const { return batch.rows + skipped + not_kept; }

    void reset() {
        batch.rows = 0;
        skipped = not_kept = 0;
        failed = last_is_bad = last_is_unk = false;
        bad_lines.clear();
    }

    // Makes room for the rows that `size` bytes of text can hold at most.
    void reserve(std::size_t size, std::size_t dim) {
        const std::size_t rows = size / (2 * dim + 1) + 1;
        batch.vectors.require(rows * dim);
        batch.token_lengths.require(rows);
        batch.token_bytes.require(size);
    }

    // Notes a line that is no row, and returns the next one.
    const char* pass_bad_line(const char* line, const ParseResult& parsed, bool go_on) {
        const char* const next = line_end(line, end());
        last_is_bad = next == end();
        failed = !go_on;
        if (bad_lines.size() < shown_bad_lines)
            bad_lines.push_back({lines() + 1, parsed.fault, parsed.field, parsed.field_size, parsed.found,
                                 block.unfinished && last_is_bad, std::string(line, next - 1)});
        ++skipped;
        return next;
    }

    // `used`: bytes of all tokens of the batch.
    bool last_row_is_unk(std::size_t used) const {
        if (batch.rows == 0 || last_is_bad) return false;
        const std::size_t size = batch.token_lengths[batch.rows - 1];
        return std::string_view(reinterpret_cast<const char*>(batch.token_bytes.data()) + used - size, size) == unk;
    }

    // The same where the line may have been passed over.
    bool last_line_begins_with_unk() const {
        if (block.lines_end == 0 || last_is_bad) return false;
        const char* line = end() - 1;
        while (line > block.memory.data() && line[-1] != '\n') --line;
        const std::string_view text(line, static_cast<std::size_t>(end() - line));
        return text.substr(0, text.find(' ')) == unk;
    }
};

void Ingest::work() noexcept {
    try {
        Worker worker;
        while (!finished_ && blocks_.next(worker.block) && handle(worker)) {
        }
        if (blocks_.error() != 0) finish(Outcome::read_failed, blocks_.error());
    } catch (const std::bad_alloc&) {
        finish(Outcome::out_of_memory, 0);
    }
}

bool Ingest::handle(Worker& worker) {
    parse(worker);
    if (!placing_.enter(worker.block.number)) return false;
    if (!place(worker)) return false;
    placing_.leave();
    const Outcome written = writer_.write(worker.batch);
    if (written != Outcome::ok) {
        finish(written, writer_.error());
        return false;
    }
    const TextBlock& block = worker.block;
    const char* const fresh = block.memory.data() + block.fresh;
    digest_.hash_whole(fresh, block.fresh_size, block.position, worker.digest_hashes);
    if (!adding_.enter(block.number)) return false;
    const Outcome added = writer_.add(worker.batch);
    if (added != Outcome::ok) {
        finish(added, 0);
        return false;
    }
    digest_.add(fresh, block.fresh_size, worker.digest_hashes);
    adding_.leave();
    return true;
}

// Parses the block's lines into the worker's batch: up to the first bad one, or passing over the bad ones.
void Ingest::parse(Worker& worker) const {
    const std::size_t dim = writer_.dim();
    RowBatch& batch = worker.batch;
    const char* line = worker.begin(options_.prefix);
    const char* const end = worker.end();
    worker.reset();
    worker.reserve(static_cast<std::size_t>(end - line), dim);
    std::size_t used = 0;
    while (line < end && !worker.failed) {
        const char* stop = end;
        if (options_.keep) {
            std::uint64_t passed;
            line = options_.keep->find_line(line, end, passed);
            worker.not_kept += passed;
            if (line == end) break;
            stop = line_end(line, end);
        }
        const Batch room{batch.vectors.data() + batch.rows * dim, batch.token_bytes.data() + used,
                         batch.token_lengths.data() + batch.rows, batch.token_lengths.size() - batch.rows};
        const ParseResult parsed = writer_.kernels().parse_rows(line, static_cast<std::size_t>(stop - line), dim, room);
        line += parsed.consumed;
        if (options_.keep && parsed.rows == 1 && !options_.keep->has(room.token_bytes, parsed.token_bytes)) {
            ++worker.not_kept;
        } else {
            batch.rows += parsed.rows;
            used += parsed.token_bytes;
        }
        if (parsed.fault != RowFault::none) line = worker.pass_bad_line(line, parsed, options_.skip_bad_lines);
    }
    worker.last_is_unk = !options_.keep ? worker.last_row_is_unk(used) : worker.last_line_begins_with_unk();
}

bool Ingest::place(Worker& worker) {
    for (BadLine& bad : worker.bad_lines) {
        bad.line += counts_.lines;
        if (bad_lines_.size() < shown_bad_lines) bad_lines_.push_back(std::move(bad));
    }
    if (worker.failed) {
        finish(Outcome::bad_line, 0);
        return false;
    }
    const std::uint64_t lines = worker.lines();
    counts_.lines += lines;
    counts_.skipped += worker.skipped;
    counts_.not_kept += worker.not_kept;
    if (lines > 0) counts_.last_is_unk = worker.last_is_unk;
    if (worker.block.unfinished) counts_.final_newline = false;
    if (worker.block.line_too_long) {
        finish(Outcome::line_too_long, 0);
        return false;
    }
    const Outcome placed = writer_.place(worker.batch);
    if (placed != Outcome::ok) finish(placed, 0);
    return placed == Outcome::ok;
}

// The first call decides; all threads stop.
void Ingest::finish(Outcome outcome, int error) noexcept {
    {
        const std::lock_guard<std::mutex> lock(finishing_);
        if (finished_) return;
        outcome_ = outcome;
        error_ = error;
        finished_ = true;
    }
    blocks_.stop();
    placing_.close();
    adding_.close();
}

}  // namespace glovestore
