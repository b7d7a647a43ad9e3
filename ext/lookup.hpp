// Look-ups in a token index: one at a time, and many, so that the latencies of their cache misses overlap.
//
// All of it is safe on any content of index and table: a miss, never a stray read, a hang, or a wrong row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strings.hpp"
#include "token_index.hpp"

namespace glovestore {

// The row of a token, or absent.
std::int64_t find_row(const IndexView& index, const TokenTable& table, const void* token, std::size_t size) noexcept;

// rows[i] = the row of tokens[i], or absent; a token that is none is absent.
void find_rows(const IndexView& index, const TokenTable& table, const TokenView* tokens, std::size_t count,
               std::int64_t* rows) noexcept;

// The same for all of `tokens`, on up to `threads` threads; the rows do not depend on their number.
void find_rows(const IndexView& index, const TokenTable& table, const Strings& tokens, std::int64_t* rows,
               std::size_t threads);

// The first row whose own token the index does not lead back to it, or `rows` when all do.
std::uint64_t first_lost_row(const IndexView& index, const TokenTable& table) noexcept;

}  // namespace glovestore
