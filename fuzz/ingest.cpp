// Whole sources, text or word2vec's binary format: blocks of any size and any number of threads give the same rows.
#include <fcntl.h>

#include <cstdint>
#include <cstring>
#include <memory>
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

}  // namespace

// Two bytes say format, dim, rows and block size; the rest is the source.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const Source source{(data[0] & 1) != 0, (data[0] & 2) != 0, std::size_t{1} + data[0] / 4 % 8, data[1] / std::uint64_t{8},
                        {reinterpret_cast<const char*>(data + 2), size - 2}};
    const Outcomes whole = read(source, 1 << 16, 1);
    require_same(whole, read(source, 1 + data[1] % 8, 1));
    require_same(whole, read(source, 16 + data[1] % 64, 2));
    return 0;
}
