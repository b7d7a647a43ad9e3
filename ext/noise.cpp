#include "noise.hpp"

#include <cstring>

#include "hash.hpp"
#include "kernels.hpp"
#include "noise_loop.hpp"
#include "parallel.hpp"

namespace glovestore {
namespace {

constexpr std::size_t numbers_a_thread = 1 << 15;  // fewer take less time than a thread takes to start

}  // namespace

void normal_vector(std::uint64_t seed, const double* mean, const double* std, std::size_t dim, float* out) noexcept {
    noise(seed, mean, std, dim, out);
}

void normal_vectors(const Strings& tokens, const double* mean, const double* std, std::size_t dim, float* out,
                    const Kernels& kernels, std::size_t threads) {
    in_parallel(tokens.size(), threads, numbers_a_thread / dim + 1, [&](std::size_t begin, std::size_t end) {
        TokenView token;
        Scratch scratch;
        for (std::size_t i = begin; i < end; ++i) {
            tokens.read(i, 1, &token, scratch);
            kernels.normal_vector(xxh64(token.bytes, token.size, 0), mean, std, dim, out + i * dim);
        }
    });
}

}  // namespace glovestore
