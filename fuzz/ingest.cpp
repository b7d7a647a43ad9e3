// Whole sources, text or word2vec's binary format: blocks of any size and any number of threads give the same rows, and
// those of the binary format are what reading it from front to back gives. (text_rows.cpp has the same for text.)
#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "blocks.hpp"
#include "ingest.hpp"
#include "lines.hpp"
#include "require.hpp"
#include "word2vec.hpp"

using namespace glovestore;

namespace {

struct Source {
    bool is_binary, skip_bad;
    std::size_t dim;
    std::uint64_t rows;  // as its header says
    std::string data;
};

struct Outcomes {
    Outcome outcome;
    Counts counts;
    std::uint64_t rows, duplicates, bytes, digest;
    std::vector<BadRecord> bad;
    std::vector<float> norms;
    std::string tokens;
};

std::string tokens_of(const TokenTable& table) {
    return {reinterpret_cast<const char*>(table.bytes), table.offsets[table.rows]};
}

Outcomes read(const Source& source, std::size_t block_size, std::size_t threads) {
    RowWriter writer(::open("/dev/null", O_WRONLY), 4096, 4096, 65536, source.dim,
                     Stored::float32, 0, index_seeds, *kernels_at(0));
    const RecordOptions options{0, static_cast<std::uint64_t>(-1), source.skip_bad, nullptr};
    std::unique_ptr<Records> records;
    if (source.is_binary)
        records = std::make_unique<Word2vecRows>(source.dim, source.rows, options);
    else
        records = std::make_unique<Lines>(source.dim, options);
    Blocks blocks(-1, source.data.data(), source.data.size(), block_size, *records);
    blocks.finish_feeding();
    Ingest ingest(blocks, *records, writer, 0);
    std::vector<std::thread> workers;
    for (std::size_t i = 1; i < threads; ++i) workers.emplace_back([&] { ingest.work(); });
    ingest.work();
    for (std::thread& worker : workers) worker.join();
    writer.finish();
    require(ingest.counts().lines >= writer.tokens().rows());
    return {ingest.outcome(), ingest.counts(), writer.tokens().rows(), writer.duplicates(), ingest.source_bytes(),
            ingest.source_digest(), ingest.bad_records(), writer.norms(), tokens_of(writer.tokens().table())};
}

void require_same(const Outcomes& a, const Outcomes& b) {
    require(a.outcome == b.outcome && a.bad.size() == b.bad.size());
    for (std::size_t i = 0; i < a.bad.size(); ++i)
        require(a.bad[i].number == b.bad[i].number && a.bad[i].fault == b.bad[i].fault && a.bad[i].field == b.bad[i].field &&
                a.bad[i].text == b.bad[i].text);
    if (a.outcome == Outcome::bad_line) return;  // how far the other blocks came is nobody's business
    require(a.counts.lines == b.counts.lines && a.counts.skipped == b.counts.skipped &&
            a.counts.fault_at == b.counts.fault_at);
    if (a.outcome != Outcome::ok) return;
    require(a.rows == b.rows && a.duplicates == b.duplicates && a.bytes == b.bytes && a.digest == b.digest &&
            a.tokens == b.tokens && a.norms.size() == b.norms.size());
    require(a.norms.empty() || std::memcmp(a.norms.data(), b.norms.data(), a.norms.size() * sizeof(float)) == 0);
    require(a.counts.lines == a.rows + a.duplicates + a.counts.skipped);
}

// The tokens of word2vec's binary format that are kept, one behind the other; and what becomes of the source.
Outcomes read_by_the_book(const Source& source) {
    Outcomes read{Outcome::ok, {}, 0, 0, 0, 0, {}, {}, {}};
    std::set<std::string> seen;
    std::size_t at = 0;
    const std::size_t vector_size = source.dim * sizeof(float);
    for (std::uint64_t row = 0; row < source.rows; ++row) {
        while (at < source.data.size() && source.data[at] == '\n') ++at;
        const std::size_t space = source.data.find(' ', at);
        if (space == std::string::npos || space + 1 + vector_size > source.data.size()) return read.outcome = Outcome::truncated, read;
        std::vector<float> vector(source.dim);
        std::memcpy(vector.data(), source.data.data() + space + 1, vector_size);
        const bool finite = std::all_of(vector.begin(), vector.end(), [](float x) { return x - x == 0; });
        const std::string token = source.data.substr(at, space - at);
        at = space + 1 + vector_size;
        ++read.counts.lines;
        if (!finite && !source.skip_bad) return read.outcome = Outcome::bad_line, read;
        if (!finite) ++read.counts.skipped;
        else if (seen.insert(token).second) ++read.rows, read.tokens += token;
        else ++read.duplicates;
    }
    const std::size_t left = source.data.size() - at;
    if (left > 1 || (left == 1 && source.data[at] != '\n')) read.outcome = Outcome::left_over;
    return read;
}

void require_by_the_book(const Source& source, const Outcomes& found) {
    const Outcomes expected = read_by_the_book(source);
    require(found.outcome == expected.outcome);
    if (found.outcome != Outcome::ok) return;
    require(found.counts.lines == expected.counts.lines && found.counts.skipped == expected.counts.skipped);
    require(found.rows == expected.rows && found.duplicates == expected.duplicates && found.tokens == expected.tokens);
}

}  // namespace

// Two bytes say format, dim, rows and block size; the rest is the source.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const Source source{(data[0] & 1) != 0, (data[0] & 2) != 0, std::size_t{1} + data[0] / 4 % 8, data[1] / std::uint64_t{8},
                        {reinterpret_cast<const char*>(data + 2), size - 2}};
    const Outcomes whole = read(source, 1 << 16, 1);
    require_same(whole, read(source, 1 + data[1] % 8, 1));
    require_same(whole, read(source, 16 + data[1] % 64, 2));
    if (source.is_binary) require_by_the_book(source, whole);
    return 0;
}
