// The rows of the tokens that a text has all the time, found without the index.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytes.hpp"
#include "lookup.hpp"

namespace glovestore {

// One per thread and table, whose rows do not change. Nine of ten tokens of natural text are among a few thousand: encoding
// them takes four fifths of the time that it takes without.
class RecentRows {
public:
    // Of so many bytes of text; few are not worth the memory.
    explicit RecentRows(std::size_t text_size = 0) : entries_(text_size < least_text ? 0 : std::size_t{1} << bits) {}

    // As find_rows.
    void find(const IndexView& index, const TokenTable& table, const TokenView* tokens, std::size_t count,
              std::int64_t* rows) noexcept {
        if (entries_.empty()) return find_rows(index, table, tokens, count, rows);
        for (std::size_t first = 0; first < count; first += batch)
            find_batch(index, table, tokens + first, std::min(batch, count - first), rows + first);
    }

private:
    static constexpr unsigned bits = 14;  // 512 KiB: they stay in the L2 cache
    static constexpr std::size_t least_text = std::size_t{1} << 18;
    static constexpr std::size_t batch = 64, longest = 16;

    // A token of up to 16 bytes: its first and its last bytes, which may overlap, and their number.
    struct Entry {
        std::uint64_t head, tail;
        std::uint32_t size_and_one;  // 0: none
        std::uint32_t row;
    };

    static Entry entry_of(const TokenView& token) noexcept {
        if (!token.bytes || token.size > longest) return {0, 0, 0, 0};
        const unsigned char* bytes = token.bytes;
        const std::size_t size = token.size;
        Entry entry{0, 0, static_cast<std::uint32_t>(size) + 1, 0};
        if (size >= 8) {
            entry.head = load_u64(bytes);
            entry.tail = load_u64(bytes + size - 8);
        } else if (size >= 4) {
            entry.head = std::uint64_t{load_u32(bytes + size - 4)} << 32 | load_u32(bytes);
        } else if (size > 0) {
            entry.head = bytes[0] | std::uint64_t{bytes[size / 2]} << 8 | std::uint64_t{bytes[size - 1]} << 16;
        }
        return entry;
    }

    Entry& place(const Entry& entry) noexcept {
        const std::uint64_t mixed = (entry.head + (entry.tail << 7 | entry.tail >> 57) + entry.size_and_one) * 0x9E3779B97F4A7C15u;
        return entries_[mixed >> (64 - bits)];
    }

    void find_batch(const IndexView& index, const TokenTable& table, const TokenView* tokens, std::size_t count,
                    std::int64_t* rows) noexcept {
        TokenView others[batch] = {};
        std::int64_t found[batch];
        Entry entries[batch];
        unsigned char positions[batch];
        std::size_t missing = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const Entry entry = entry_of(tokens[i]);
            const Entry& held = place(entry);
            if (entry.size_and_one && held.head == entry.head && held.tail == entry.tail &&
                held.size_and_one == entry.size_and_one) {
                rows[i] = held.row;
                continue;
            }
            entries[missing] = entry;
            positions[missing] = static_cast<unsigned char>(i);
            others[missing++] = tokens[i];
        }
        find_rows(index, table, others, missing, found);
        for (std::size_t i = 0; i < missing; ++i) {
            rows[positions[i]] = found[i];
            if (found[i] == absent || entries[i].size_and_one == 0) continue;
            entries[i].row = static_cast<std::uint32_t>(found[i]);
            place(entries[i]) = entries[i];
        }
    }

    std::vector<Entry> entries_;
};

}  // namespace glovestore
