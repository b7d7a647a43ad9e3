#include "kernels.hpp"

#if defined(GLOVESTORE_X86_TIERS)
#include <cpuid.h>
#endif

namespace glovestore {
namespace {

constexpr Kernels kernels_scalar{"scalar",      parse_rows, row_norms,   update_statistics,
                                 normal_vector, score_rows, decode_rows, encode_rows};

#if defined(GLOVESTORE_X86_TIERS)
// Not every compiler's builtin knows this one by name. Asked once: a virtual machine takes microseconds to answer.
bool has_f16c() noexcept {
    static const bool has = [] {
        unsigned a, b, c, d;
        return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    }();
    return has;
}

// The builtin also asks whether the operating system saves the registers.
bool runs_avx2() noexcept {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt") && has_f16c();
}

bool runs_avx512() noexcept {
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

bool runs_everywhere() noexcept { return true; }

struct Tier {
    const Kernels* kernels;
    bool (*runs_here)() noexcept;
};

constexpr Tier tiers[] = {
#if defined(GLOVESTORE_X86_TIERS)
    {&kernels_avx512, runs_avx512},
    {&kernels_avx2, runs_avx2},
#endif
    {&kernels_scalar, runs_everywhere},
};

}  // namespace

const Kernels* kernels_at(std::size_t place) noexcept {
    for (const Tier& tier : tiers)
        if (tier.runs_here() && place-- == 0) return tier.kernels;
    return nullptr;
}

}  // namespace glovestore
