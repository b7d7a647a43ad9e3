// Text -> rows of a store, by any number of threads.
//
//   TextBlocks       one thread at a time reads the next block of whole lines
//   parse            each its own block
//   RowWriter        in the order of the blocks: tokens get their rows; then all write; in order again: sums and checksums
//
// Because rows are placed in order when their block is parsed, nothing depends on the number of threads or the size of the
// blocks: neither a byte of the store nor which bad line is reported.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "in_order.hpp"
#include "keep.hpp"
#include "outcome.hpp"
#include "parse.hpp"
#include "piece_hashes.hpp"
#include "row_writer.hpp"
#include "text_blocks.hpp"

namespace glovestore {

// A line that is no row.
struct BadLine {
    std::uint64_t line;  // from 1; of the whole source
    RowFault fault;
    std::size_t field;  // of the line, as ParseResult has it
    std::size_t field_size;
    std::size_t found;
    bool unfinished;  // the last line, and it had no newline
    std::string text;
};

struct IngestOptions {
    std::size_t prefix;         // bytes at the start of the source that are no rows: a BOM, a header line
    std::uint64_t header;       // lines in the prefix: 0 or 1
    bool skip_bad_lines;
    const KeptTokens* keep;     // nullptr: all
};

struct Counts {
    std::uint64_t lines;  // used up: header + rows + duplicates + skipped + not_kept
    std::uint64_t skipped;
    std::uint64_t not_kept;
    bool final_newline;
    bool last_is_unk;  // the last line was a row whose token is <unk>
};

class Ingest {
public:
    // Borrows everything.
    Ingest(TextBlocks& blocks, RowWriter& writer, const IngestOptions& options)
        : blocks_(blocks), writer_(writer), options_(options), digest_(digest_piece) {
        counts_.lines = options.header;
    }

    // Works until the source is used up or something stops all threads. Call it in as many threads as are wanted.
    void work() noexcept;
    void stop() noexcept { finish(Outcome::stopped, 0); }

    // What became of it, once all threads have returned. bad_line: bad_lines() ends with it; line_too_long: it stands
    // behind counts().lines; read_failed, write_failed: error() is the errno.
    Outcome outcome() const { return outcome_; }
    int error() const { return error_; }
    const Counts& counts() const { return counts_; }
    const std::vector<BadLine>& bad_lines() const { return bad_lines_; }
    std::uint64_t source_bytes() const { return digest_.bytes(); }
    std::uint64_t source_digest() const { return digest_.digest(); }

private:
    static constexpr std::size_t digest_piece = std::size_t{1} << 20;
    struct Worker;

    bool handle(Worker& worker);
    void parse(Worker& worker) const;
    bool place(Worker& worker);
    void add(Worker& worker);
    void finish(Outcome outcome, int error) noexcept;

    TextBlocks& blocks_;
    RowWriter& writer_;
    const IngestOptions options_;

    InOrder placing_;
    Counts counts_{0, 0, 0, true, false};
    std::vector<BadLine> bad_lines_;

    InOrder adding_;
    PieceHashes digest_;

    std::mutex finishing_;
    std::atomic<bool> finished_{false};
    Outcome outcome_ = Outcome::ok;
    int error_ = 0;
};

}  // namespace glovestore
