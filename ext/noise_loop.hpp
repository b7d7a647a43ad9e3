// The loop of noise.hpp, compiled once for each tier: whole numbers, then operations on single float64.
//
// A tier's file includes this one behind its target pragma; see kernels_avx512.cpp for the reasons of that.
namespace glovestore {
namespace {

// The n-th output of splitmix64, from 1: its state is the seed plus n times a constant.
inline std::uint64_t splitmix64(std::uint64_t seed, std::uint64_t n) noexcept {
    std::uint64_t z = seed + n * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// A whole number below 2^52 is the fraction of a float64 from 2^52 on: converted so, any tier makes vectors of it.
inline double to_double(std::uint64_t small) noexcept {
    const std::uint64_t bits = small | 0x4330000000000000u;
    double shifted;
    std::memcpy(&shifted, &bits, sizeof shifted);
    return shifted - 0x1p52;
}

void noise(std::uint64_t seed, const double* __restrict mean, const double* __restrict std, std::size_t dim,
           float* __restrict out) noexcept {
    for (std::size_t d = 0; d < dim; ++d) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 1; i <= 6; ++i) {
            const std::uint64_t bits = splitmix64(seed, 6 * d + i);
            sum += (bits & 0xFFFFFFFFu) + (bits >> 32);
        }
        out[d] = static_cast<float>(mean[d] + std[d] * (to_double(sum) * 0x1p-32 - 6.0));
    }
}

}  // namespace
}  // namespace glovestore
