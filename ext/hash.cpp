#include "hash.hpp"

#include <algorithm>
#include <cstring>

#include "bytes.hpp"

namespace glovestore {
namespace {

constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87u;
constexpr std::uint64_t prime2 = 0xC2B2AE3D27D4EB4Fu;
constexpr std::uint64_t prime3 = 0x165667B19E3779F9u;
constexpr std::uint64_t prime4 = 0x85EBCA77C2B2AE63u;
constexpr std::uint64_t prime5 = 0x27D4EB2F165667C5u;

constexpr std::size_t stripe = 32;

inline std::uint64_t rotate(std::uint64_t x, int bits) noexcept { return (x << bits) | (x >> (64 - bits)); }

inline std::uint64_t round(std::uint64_t lane, std::uint64_t input) noexcept {
    return rotate(lane + input * prime2, 31) * prime1;
}

inline void start_lanes(std::uint64_t lanes[4], std::uint64_t seed) noexcept {
    lanes[0] = seed + prime1 + prime2;
    lanes[1] = seed + prime2;
    lanes[2] = seed;
    lanes[3] = seed - prime1;
}

// Mixes all whole stripes in; returns the first byte that is not in one.
const unsigned char* mix_stripes(std::uint64_t lanes[4], const unsigned char* p, std::size_t size) noexcept {
    std::uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (; size >= stripe; p += stripe, size -= stripe) {
        a = round(a, load_u64(p));
        b = round(b, load_u64(p + 8));
        c = round(c, load_u64(p + 16));
        d = round(d, load_u64(p + 24));
    }
    lanes[0] = a, lanes[1] = b, lanes[2] = c, lanes[3] = d;
    return p;
}

std::uint64_t converge(const std::uint64_t lanes[4]) noexcept {
    std::uint64_t hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (int i = 0; i < 4; ++i) hash = (hash ^ round(0, lanes[i])) * prime1 + prime4;
    return hash;
}

// All ones or none.
inline std::uint64_t mask_if(bool holds) noexcept { return 0 - static_cast<std::uint64_t>(holds); }

inline std::uint64_t mix_byte(std::uint64_t hash, std::uint64_t byte) noexcept {
    return rotate(hash ^ (byte * prime5), 11) * prime1;
}

inline std::uint64_t kept_if(bool holds, std::uint64_t now, std::uint64_t before) noexcept {
    return before ^ ((now ^ before) & mask_if(holds));
}

// The last size < 32 bytes and the avalanche. The sizes of tokens cannot be predicted: what is left behind the words of
// eight bytes goes through every step, and what a step did is kept or not, without a branch.
inline std::uint64_t finish(std::uint64_t hash, const unsigned char* p, std::size_t size) noexcept {
    for (; size >= 8; p += 8, size -= 8) hash = rotate(hash ^ round(0, load_u64(p)), 27) * prime1 + prime4;
    std::uint64_t rest = load_few(p, size);
    const std::uint64_t word = rotate(hash ^ ((rest & 0xFFFFFFFFu) * prime1), 23) * prime2 + prime3;
    hash = kept_if(size & 4, word, hash);
    rest >>= 8 * (size & 4);
    hash = kept_if(size & 3, mix_byte(hash, rest & 0xFF), hash);
    hash = kept_if(size & 2, mix_byte(hash, rest >> 8 & 0xFF), hash);
    hash = kept_if((size & 3) == 3, mix_byte(hash, rest >> 16 & 0xFF), hash);
    hash = (hash ^ (hash >> 33)) * prime2;
    hash = (hash ^ (hash >> 29)) * prime3;
    return hash ^ (hash >> 32);
}

}  // namespace

std::uint64_t xxh64(const void* data, std::size_t size, std::uint64_t seed) noexcept {
    static constexpr unsigned char nothing = 0;  // an empty buffer may have no address
    const auto* p = data ? static_cast<const unsigned char*>(data) : &nothing;
    if (size < stripe) return finish(seed + prime5 + size, p, size);
    std::uint64_t lanes[4];
    start_lanes(lanes, seed);
    const auto* rest = mix_stripes(lanes, p, size);
    return finish(converge(lanes) + size, rest, size % stripe);
}

void Xxh64Stream::reset(std::uint64_t seed) noexcept {
    start_lanes(lanes_, seed);
    total_ = 0;
    seed_ = seed;
}

void Xxh64Stream::update(const void* data, std::size_t size) noexcept {
    if (size == 0) return;  // memcpy from a null pointer is undefined even for no bytes
    const auto* p = static_cast<const unsigned char*>(data);
    const std::size_t held = total_ % stripe;
    total_ += size;
    if (held > 0) {
        const std::size_t taken = std::min(size, stripe - held);
        std::memcpy(pending_ + held, p, taken);
        if (held + taken < stripe) return;
        mix_stripes(lanes_, pending_, stripe);
        p += taken, size -= taken;
    }
    p = mix_stripes(lanes_, p, size);
    std::memcpy(pending_, p, size % stripe);
}

std::uint64_t Xxh64Stream::digest() const noexcept {
    const std::uint64_t start = total_ < stripe ? seed_ + prime5 : converge(lanes_);
    return finish(start + total_, pending_, total_ % stripe);
}

}  // namespace glovestore
