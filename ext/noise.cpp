#include "noise.hpp"

namespace glovestore {
namespace {

inline std::uint64_t next_splitmix64(std::uint64_t& state) noexcept {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

}  // namespace

void normal_vector(std::uint64_t seed, const double* mean, const double* std, std::size_t dim, float* out) noexcept {
    std::uint64_t state = seed;
    for (std::size_t d = 0; d < dim; ++d) {
        std::uint64_t sum = 0;
        for (int i = 0; i < 6; ++i) {
            const std::uint64_t bits = next_splitmix64(state);
            sum += (bits & 0xFFFFFFFFu) + (bits >> 32);
        }
        const double noise = static_cast<double>(sum) * 0x1p-32 - 6.0;
        out[d] = static_cast<float>(mean[d] + std[d] * noise);
    }
}

}  // namespace glovestore
