// The memory of another framework's array, as DLPack (version 0.8 of its C structs, field by field) hands it over.
#pragma once

#include <cstdint>

extern "C" {

struct DLDevice {
    std::int32_t device_type;
    std::int32_t device_id;
};

struct DLDataType {
    std::uint8_t code;
    std::uint8_t bits;
    std::uint16_t lanes;
};

struct DLTensor {
    void* data;
    DLDevice device;
    std::int32_t ndim;
    DLDataType dtype;
    std::int64_t* shape;
    std::int64_t* strides;  // in elements; null: C-contiguous
    std::uint64_t byte_offset;
};

struct DLManagedTensor {
    DLTensor dl_tensor;
    void* manager_ctx;
    void (*deleter)(DLManagedTensor*);
};

}  // extern "C"

namespace glovestore {

constexpr std::uint8_t dlpack_int = 0, dlpack_float = 2, dlpack_bfloat = 4;

// Whether the processor can read and write the memory: its own, or a GPU's runtime's (pinned or managed).
inline bool is_in_memory(const DLDevice& device) noexcept {
    return device.device_type == 1 || device.device_type == 3 || device.device_type == 11 || device.device_type == 13;
}

}  // namespace glovestore
