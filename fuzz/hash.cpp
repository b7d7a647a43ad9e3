// XXH64 against its specification, word by word, in one piece, in pieces and in hashes of pieces.
#include <cstdint>
#include <string>
#include <vector>

#include "hash.hpp"
#include "input.hpp"
#include "piece_hashes.hpp"
#include "require.hpp"

using namespace glovestore;

namespace {

constexpr std::uint64_t primes[] = {0, 11400714785074694791u, 14029467366897019727u, 1609587929392839161u,
                                    9650029242287828579u, 2870177450012600261u};

std::uint64_t rotated(std::uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

std::uint64_t little_endian(const std::string& bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
}

std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) { return rotated(lane + word * primes[2], 31) * primes[1]; }

// doc/xxhash_spec.md, "XXH64 Algorithm Description", step by step.
std::uint64_t hash_by_the_book(const std::string& bytes, std::uint64_t seed) {
    std::size_t at = 0;
    std::uint64_t hash = seed + primes[5];
    if (bytes.size() >= 32) {
        std::uint64_t lanes[] = {seed + primes[1] + primes[2], seed + primes[2], seed, seed - primes[1]};
        for (; at + 32 <= bytes.size(); at += 32)
            for (std::size_t i = 0; i < 4; ++i) lanes[i] = mixed(lanes[i], little_endian(bytes, at + 8 * i, 8));
        hash = rotated(lanes[0], 1) + rotated(lanes[1], 7) + rotated(lanes[2], 12) + rotated(lanes[3], 18);
        for (const std::uint64_t lane : lanes) hash = (hash ^ mixed(0, lane)) * primes[1] + primes[4];
    }
    hash += bytes.size();
    for (; at + 8 <= bytes.size(); at += 8)
        hash = rotated(hash ^ mixed(0, little_endian(bytes, at, 8)), 27) * primes[1] + primes[4];
    if (at + 4 <= bytes.size()) {
        hash = rotated(hash ^ little_endian(bytes, at, 4) * primes[1], 23) * primes[2] + primes[3];
        at += 4;
    }
    for (; at < bytes.size(); ++at) hash = rotated(hash ^ little_endian(bytes, at, 1) * primes[5], 11) * primes[1];
    hash = (hash ^ hash >> 33) * primes[2];
    hash = (hash ^ hash >> 29) * primes[3];
    return hash ^ hash >> 32;
}

// The pieces of a stream that begins inside its first one, handed over in parts.
void hash_pieces(Input cuts, const std::string& bytes) {
    const std::size_t piece = 1 + cuts.below(80), position = cuts.below(piece);
    PieceHashes hashes(piece, position);
    std::vector<std::uint64_t> whole;
    std::string digests;
    for (std::size_t begin = 0, end = piece - position; begin < bytes.size(); begin = end, end += piece) {
        const std::uint64_t hash = hash_by_the_book(bytes.substr(begin, end - begin), 0);
        for (unsigned i = 0; i < 8; ++i) digests.push_back(static_cast<char>(hash >> 8 * i));
    }
    for (std::size_t at = 0; at < bytes.size();) {
        const std::string part = bytes.substr(at, 1 + cuts.below(200));
        const auto memory = exact(part);
        hashes.hash_whole(memory.get(), part.size(), at, whole);
        hashes.add(memory.get(), part.size(), whole);
        at += part.size();
    }
    require(hashes.bytes() == bytes.size() && hashes.digest() == hash_by_the_book(digests, 0));
}

}  // namespace

// A seed; then bytes, which also say how they are cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto seed = input.number<std::uint64_t>();
    Input cuts = input;
    const std::string bytes = input.rest();
    require(xxh64(exact(bytes).get(), bytes.size(), seed) == hash_by_the_book(bytes, seed));
    Xxh64Stream stream(seed);
    for (std::size_t at = 0; at < bytes.size();) {
        const std::string part = bytes.substr(at, 1 + cuts.below(70));
        stream.update(exact(part).get(), part.size());
        at += part.size();
        require(stream.digest() == hash_by_the_book(bytes.substr(0, at), seed));
    }
    hash_pieces(cuts, bytes);
    return 0;
}
