// SIMD tiers: the functions whose speed depends on the machine's instructions, chosen at run time. Every tier gives the
// same results, bit for bit; only what passes between score_rows and its caller may differ.
#pragma once

#include <cstddef>

#include "nearest.hpp"
#include "noise.hpp"
#include "parse.hpp"
#include "statistics.hpp"
#include "stored.hpp"

namespace glovestore {

struct Kernels {
    const char* name;
    decltype(&glovestore::parse_rows) parse_rows;
    decltype(&glovestore::row_norms) row_norms;
    decltype(&glovestore::update_statistics) update_statistics;
    decltype(&glovestore::normal_vector) normal_vector;
    decltype(&glovestore::score_rows) score_rows;
    decltype(&glovestore::decode_rows) decode_rows;
    decltype(&glovestore::encode_rows) encode_rows;
};

// The tiers that x86-64 adds; GCC and clang can compile them without -march.
#if defined(__x86_64__) && defined(__GNUC__)
#define GLOVESTORE_X86_TIERS 1
extern const Kernels kernels_avx512, kernels_avx2;
#endif

// The tiers that this machine can run, the fastest first, one after the other; nullptr behind the last.
const Kernels* kernels_at(std::size_t place) noexcept;

}  // namespace glovestore
