// fastText's vectors of tokens: the mean of the rows of a token's character n-grams, and of its own row if it has one.
//
// A character is a byte that is no UTF-8 continuation byte (10xxxxxx) with those that follow it, whether or not that is
// UTF-8. The n-grams of a token are those of minn to maxn characters of "<" + token + ">", by where they begin and then by
// length, without the single characters at both ends; "</s>" has none. The bucket of one is FNV-1a (32 bits) over its bytes,
// sign-extended, modulo the number of buckets. FORMAT.md, "Subwords"; src/dictionary.cc and src/fasttext.cc of fastText.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strings.hpp"

namespace glovestore {

// The work for a token grows with its bytes times maxn: both are bounded, maxn by this, and tokens by longest_token.
inline constexpr std::uint32_t most_ngram = 64;

struct SubwordTable {
    const float* vectors;          // (rows, dim)
    const std::uint64_t* buckets;  // (rows,), rising: the bucket of each row; nullptr: row i is that of bucket i
    std::uint64_t rows;
    std::size_t dim;
    std::uint32_t bucket_count;    // at least 1, and at least `rows` where `buckets` is nullptr
    std::uint32_t minn, maxn;      // 1 <= minn, maxn <= most_ngram
};

// out[i] = the vector (dim,) of tokens[i], for all of `tokens`, on up to `threads` threads; zeros if nothing is to be
// averaged, as of a token that is none or too long. `own`: whether out[i] is the token's own row beforehand, and one of those
// that are averaged; before 2017 "</s>" had n-grams like any other token of the dictionary.
//
// Sums are float32, in the order in which fastText adds: the own row, then the n-grams'; the sum is multiplied by the
// reciprocal of their number, rounded to float32. They do not depend on the number of threads. Safe on any content of the
// table: a bucket that is not there counts for nothing, as in a pruned model.
enum class Own : int { none, given, given_of_2016 };

void mean_vectors(const SubwordTable& table, const Strings& tokens, Own own, float* out, std::size_t threads);

}  // namespace glovestore
