// Strings of a caller, whatever they are kept in: tokens to look up, or texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "token_view.hpp"

namespace glovestore {

// Memory for the views of one batch, used again for the next: each thread has its own.
class Scratch {
public:
    // Forgets what was taken.
    void clear() noexcept { page_ = used_ = 0; }

    // Room for `size` bytes, which stays where it is until clear(); take() says how many of them were used.
    unsigned char* room(std::size_t size);
    void take(std::size_t size) noexcept { used_ += size; }

private:
    struct Page {
        std::unique_ptr<unsigned char[]> bytes;
        std::size_t size;
    };
    std::vector<Page> pages_;
    std::size_t page_ = 0, used_ = 0;
};

class Strings {
public:
    virtual ~Strings() = default;
    virtual std::size_t size() const noexcept = 0;

    // views[i] = string first + i, for i < count: bytes of the caller's memory, or of `scratch`, which is cleared first.
    virtual void read(std::size_t first, std::size_t count, TokenView* views, Scratch& scratch) const = 0;
};

using StringsPointer = std::unique_ptr<Strings>;

// The UTF-8 of a string of code points, `width` (1, 2 or 4) bytes each, in `scratch`. `escaped`: U+DC80 to U+DCFF are the
// bytes 80 to FF (surrogateescape), and a string with any other surrogate is none; else surrogates are encoded as they are.
TokenView encoded(const void* points, int width, std::size_t length, bool escaped, Scratch& scratch);

// The bytes that such a string without escaping stands for with it, in `scratch` if they differ; none if there are none.
TokenView unescaped(const TokenView& string, Scratch& scratch);

// Strings of `width` bytes each, filled up with NULs: numpy's S.
StringsPointer fixed_bytes(const unsigned char* data, std::size_t count, std::size_t width);

// Strings of `width` code points each in native order, filled up with NULs: numpy's U. `escaped`: as above.
StringsPointer fixed_code_points(const std::uint32_t* data, std::size_t count, std::size_t width, bool escaped);

// Strings one behind the other: string i is bytes[offsets[i]:offsets[i + 1]]; what points outside `size` bytes is none.
StringsPointer packed_strings(const unsigned char* bytes, std::size_t size, const std::uint64_t* offsets, std::size_t count);

// Copies of strings, for those whose owner lets go of them.
class CopiedStrings : public Strings {
public:
    void reserve(std::size_t count) { places_.reserve(count); }
    void add(const void* bytes, std::size_t size);
    void add_none() { places_.push_back({none, 0}); }

    std::size_t size() const noexcept override { return places_.size(); }
    void read(std::size_t first, std::size_t count, TokenView* views, Scratch& scratch) const override;

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    struct Place {
        std::size_t begin, size;
    };
    std::vector<unsigned char> bytes_;
    std::vector<Place> places_;
};

// Where some strings stand first, and where the first string is that is none; size() where there is none such.
struct Survey {
    std::size_t first_none;
    std::vector<std::size_t> first_equal;
};

Survey survey(const Strings& strings, const std::vector<TokenView>& wanted, std::size_t threads);

}  // namespace glovestore
