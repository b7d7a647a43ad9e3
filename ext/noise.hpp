// Reproducible random vectors for tokens that a store lacks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "strings.hpp"

namespace glovestore {

// out[d] = float32(mean[d] + std[d] * noise_d), with noise_d about standard normal: the sum of 12 uniforms less 6.
//
// The uniforms of dimension d are the low, then the high 32 bits of the next 6 outputs of splitmix64 (Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", 2014) started at `seed`. Their sum is an integer below 2^36, so it is
// exact, and only IEEE operations follow: the same seed gives the same bits on every platform, in every tier.
void normal_vector(std::uint64_t seed, const double* mean, const double* std, std::size_t dim, float* out) noexcept;

struct Kernels;

// Row i of `out` (tokens.size(), dim) becomes the vector of seed XXH64(token i), on up to `threads` threads. No token is none.
void normal_vectors(const Strings& tokens, const double* mean, const double* std, std::size_t dim, float* out,
                    const Kernels& kernels, std::size_t threads);

}  // namespace glovestore
