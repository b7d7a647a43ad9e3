// Memory that grows and is not cleared: a vector would write zeros over megabytes that are about to be filled.
#pragma once

#include <cstddef>
#include <memory>

namespace glovestore {

template <class T>
class Buffer {
public:
    // Makes room for `size` elements; what was there is gone if there was less room before.
    void require(std::size_t size) {
        if (size <= size_) return;
        elements_.reset();
        elements_.reset(new T[size]);
        size_ = size;
    }
    std::size_t size() const { return size_; }
    T* data() { return elements_.get(); }
    const T* data() const { return elements_.get(); }
    T& operator[](std::size_t i) { return elements_[i]; }
    const T& operator[](std::size_t i) const { return elements_[i]; }

private:
    std::unique_ptr<T[]> elements_;
    std::size_t size_ = 0;
};

}  // namespace glovestore
