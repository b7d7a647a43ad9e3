// What a fuzz target demands: a crash that the fuzzer keeps, in every build.
#pragma once

#include <cstdlib>

inline void require(bool holds) {
    if (!holds) std::abort();
}
