#include "kernels.hpp"

namespace glovestore {
namespace {

constexpr Kernels scalar{"scalar", parse_rows, row_norms, update_statistics};

}  // namespace

const Kernels* kernels_at(std::size_t place) noexcept { return place == 0 ? &scalar : nullptr; }

}  // namespace glovestore
