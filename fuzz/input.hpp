// What a fuzz target takes its decisions from: the bytes of its input one after the other, then zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    bool is_used_up() const { return size_ == 0; }
    std::size_t left() const { return size_; }

    template <class T>
    T number() {
        T value{};
        take(&value, sizeof value);
        return value;
    }
    bool flag() { return (number<std::uint8_t>() & 1) != 0; }
    std::size_t below(std::size_t limit) {
        return (limit > 256 ? number<std::uint16_t>() : number<std::uint8_t>()) % limit;
    }
    std::string bytes(std::size_t count) {
        std::string taken(std::min(count, size_), '\0');
        take(taken.data(), taken.size());
        return taken;
    }
    std::string rest() { return bytes(size_); }

    // Memory of its very own size, so that the sanitizer sees what is read or written beyond it.
    template <class T>
    std::unique_ptr<T[]> array(std::size_t count) {
        std::unique_ptr<T[]> memory(new T[count]());
        take(memory.get(), count * sizeof(T));
        return memory;
    }

private:
    void take(void* to, std::size_t count) {
        const std::size_t taken = std::min(count, size_);
        if (taken) std::memcpy(to, data_, taken);
        data_ += taken, size_ -= taken;
    }

    const std::uint8_t* data_;
    std::size_t size_;
};

inline std::uint32_t bits_of(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

// A copy in memory of its very own size.
template <class T>
std::unique_ptr<T[]> exact(const std::vector<T>& values) {
    std::unique_ptr<T[]> memory(new T[values.size()]);
    std::copy(values.begin(), values.end(), memory.get());
    return memory;
}

inline std::unique_ptr<unsigned char[]> exact(const std::string& bytes) {
    std::unique_ptr<unsigned char[]> memory(new unsigned char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), memory.get());
    return memory;
}
