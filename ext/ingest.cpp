#include "ingest.hpp"

#include <new>
#include <utility>

namespace glovestore {

void Ingest::work() noexcept {
    try {
        ParsedBlock parsed;
        while (!finished_ && blocks_.next(parsed.block) && handle(parsed)) {
        }
        if (blocks_.error() != 0) finish(Outcome::read_failed, blocks_.error());
    } catch (const std::bad_alloc&) {
        finish(Outcome::out_of_memory, 0);
    }
}

bool Ingest::handle(ParsedBlock& parsed) {
    const Block& block = parsed.block;
    parsed.reset();
    records_.parse(parsed, writer_.kernels());
    if (!placing_.enter(block.number)) return false;
    if (!place(parsed)) return false;
    placing_.leave();
    const Outcome written = writer_.write(parsed.batch);
    if (written != Outcome::ok) {
        finish(written, writer_.error());
        return false;
    }
    const char* const fresh = block.memory.data() + block.fresh;
    digest_.hash_whole(fresh, block.fresh_size, block.position, parsed.digest_hashes);
    if (!adding_.enter(block.number)) return false;
    const Outcome added = writer_.add(parsed.batch);
    if (added != Outcome::ok) {
        finish(added, 0);
        return false;
    }
    digest_.add(fresh, block.fresh_size, parsed.digest_hashes);
    adding_.leave();
    return true;
}

bool Ingest::place(ParsedBlock& parsed) {
    for (BadRecord& bad : parsed.bad) {
        bad.number += counts_.lines;
        if (bad_records_.size() < ParsedBlock::shown_bad) bad_records_.push_back(std::move(bad));
    }
    if (parsed.failed) {
        finish(Outcome::bad_line, 0);
        return false;
    }
    const std::uint64_t records = parsed.records();
    counts_.lines += records;
    counts_.skipped += parsed.skipped;
    counts_.not_kept += parsed.not_kept;
    if (records > 0) counts_.last_is_unk = parsed.last_is_unk;
    if (parsed.block.unfinished) counts_.final_newline = false;
    if (parsed.block.fault != Outcome::ok) {
        counts_.fault_at = parsed.block.source_position();
        finish(parsed.block.fault, 0);
        return false;
    }
    const Outcome placed = writer_.place(parsed.batch);
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
