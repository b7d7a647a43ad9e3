// What the records of a source are, a token and its vector each: lines of text (lines.hpp), or rows of word2vec's binary
// format (word2vec.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "keep.hpp"
#include "kernels.hpp"
#include "outcome.hpp"
#include "parse.hpp"
#include "row_writer.hpp"

namespace glovestore {

constexpr std::size_t longest_record = std::size_t{1} << 24;  // bytes: memory must stay bounded

// The memory belongs to one thread, which uses it for block after block.
//
//   memory |left over by the block before|bytes read for this one ...|start of a record|
//                                        ^ fresh         records_end ^                 ^ fresh + fresh_size
//
// The start of a record at the end is carried over to the next block.
struct Block {
    std::vector<char> memory;
    std::size_t fresh;
    std::size_t fresh_size;
    std::size_t records_end;
    std::uint64_t position;  // of the fresh bytes in the source
    std::uint64_t number;    // 0, 1, 2, ...
    bool is_last;            // no record is wanted behind these
    bool unfinished;         // the source's last line, here, had no newline: it has one now, at records_end - 1
    Outcome fault;           // not ok: why no record stands behind records_end

    std::size_t end() const { return fresh + fresh_size; }
    std::uint64_t source_position() const { return position - fresh + records_end; }  // of records_end
};

// A record that is no row.
struct BadRecord {
    std::uint64_t number;  // from 1; of the whole source
    RowFault fault;
    std::size_t field;  // of the record, as ParseResult has it
    std::size_t field_size;
    std::size_t found;
    bool unfinished;  // the last line, and it had no newline
    std::string text;
};

// A block, and what one thread found in it.
struct ParsedBlock {
    static constexpr std::size_t shown_bad = 10;

    Block block;
    RowBatch batch;
    std::uint64_t skipped;
    std::uint64_t not_kept;
    bool failed;       // the last bad record ends the work
    bool last_is_unk;  // the last record is a line whose token is <unk>
    std::vector<BadRecord> bad;  // the first ones; counted from the start of the block
    std::vector<std::uint64_t> digest_hashes;

    std::uint64_t records() const { return batch.rows + skipped + not_kept; }

    void reset() {
        batch.rows = 0;
        skipped = not_kept = 0;
        failed = last_is_unk = false;
        bad.clear();
    }
};

struct RecordOptions {
    std::size_t prefix;           // bytes at the start of the source that are no records: a BOM, a header line
    std::uint64_t most;           // records, those of the prefix not among them
    bool skip_bad;
    const KeptTokens* keep;       // nullptr: all

    std::size_t begin(const Block& block) const { return block.number == 0 ? prefix : 0; }
};

class Records {
public:
    virtual ~Records() = default;

    // Finds the end of the last whole record among the block's bytes, those from `searched` on being new; `at_end`: no more
    // will come. False: there is none yet. One thread at a time, in order.
    virtual bool cut(Block& block, std::size_t searched, bool at_end) = 0;

    // Takes the records of a block apart: up to the first bad one, or passing over the bad ones. Any thread.
    virtual void parse(ParsedBlock& parsed, const Kernels& kernels) const = 0;

    // Whether RecordOptions::most were found: there may be more.
    virtual bool is_cut() const = 0;
};

}  // namespace glovestore
