// The nearest rows, over vectors and norms of any content: every SIMD tier and number of threads gives what sorting all
// cosines gives where norms are true; where they lie, rows that are there, each once, with their own cosines, in order.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "input.hpp"
#include "kernels.hpp"
#include "require.hpp"

using namespace glovestore;

namespace {

struct Search {
    StoredVectors vectors;
    std::vector<float> decoded, norms, queries;
    std::vector<std::int64_t> rows, left_out;  // no rows: all of them
    std::size_t k;

    std::size_t candidates() const { return rows.empty() ? vectors.rows : rows.size(); }
    std::int64_t row(std::size_t candidate) const {
        return rows.empty() ? static_cast<std::int64_t>(candidate) : rows[candidate];
    }
};

struct Found {
    std::vector<std::int64_t> rows;
    std::vector<float> cosines;
};

// What is found for each query.
std::vector<Found> search(const Search& s, const Kernels& kernels, const Queries& queries, std::size_t threads) {
    const std::size_t count = queries.count();
    const auto rows = exact(std::vector<std::int64_t>(count * s.k));
    const auto cosines = exact(std::vector<float>(count * s.k));
    const auto counts = exact(std::vector<std::int64_t>(count));
    const Candidates all{s.vectors, s.norms.data(), s.rows.empty() ? nullptr : s.rows.data(), s.candidates()};
    find_nearest(kernels.score_rows, kernels.decode_rows, all, queries, s.k, threads, rows.get(), cosines.get(), counts.get());
    std::vector<Found> found(count);
    for (std::size_t i = 0; i < count; ++i) {
        require(counts[i] >= 0 && static_cast<std::size_t>(counts[i]) <= std::min(s.k, s.candidates()));
        found[i].rows.assign(rows.get() + i * s.k, rows.get() + i * s.k + counts[i]);
        found[i].cosines.assign(cosines.get() + i * s.k, cosines.get() + i * s.k + counts[i]);
    }
    return found;
}

bool better(const NearRow& a, const NearRow& b) { return a.cosine > b.cosine || (a.cosine == b.cosine && a.row < b.row); }

// Sorts all cosines; what is no number is not found.
Found by_the_book(const Search& s, const Queries& queries, std::size_t query) {
    std::vector<NearRow> all;
    for (std::size_t i = 0; i < s.candidates(); ++i) {
        const std::int64_t row = s.row(i);
        const float cosine = queries.cosine(query, s.decoded.data() + static_cast<std::size_t>(row) * s.vectors.dim);
        if (row != s.left_out[query] && !std::isnan(cosine)) all.push_back({cosine, row});
    }
    std::sort(all.begin(), all.end(), better);
    Found found;
    for (std::size_t i = 0; i < std::min(s.k, all.size()); ++i) {
        found.rows.push_back(all[i].row);
        found.cosines.push_back(all[i].cosine);
    }
    return found;
}

void require_sane(const Search& s, const Queries& queries, std::size_t query, const Found& found) {
    std::set<std::int64_t> allowed, seen;
    for (std::size_t i = 0; i < s.candidates(); ++i) allowed.insert(s.row(i));
    for (std::size_t i = 0; i < found.rows.size(); ++i) {
        const std::int64_t row = found.rows[i];
        require(allowed.count(row) == 1 && seen.insert(row).second && row != s.left_out[query]);
        require(found.cosines[i] == queries.cosine(query, s.decoded.data() + static_cast<std::size_t>(row) * s.vectors.dim));
        require(i == 0 || better({found.cosines[i - 1], found.rows[i - 1]}, {found.cosines[i], row}));
    }
}

void require_found(const Search& s, bool norms_are_true, std::size_t threads) {
    const Queries queries(s.queries.data(), s.left_out.data(), s.left_out.size(), s.vectors.dim);
    for (std::size_t place = 0; const Kernels* kernels = kernels_at(place); ++place) {
        const std::vector<Found> found = search(s, *kernels, queries, threads);
        for (std::size_t query = 0; query < queries.count(); ++query) {
            require_sane(s, queries, query, found[query]);
            const Found expected = by_the_book(s, queries, query);
            require(!norms_are_true || (found[query].rows == expected.rows && found[query].cosines == expected.cosines));
        }
    }
}

}  // namespace

// Six bytes say what is asked; then rows asked among and left out, queries, scales, norms, and the vectors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto dtype = static_cast<Stored>(input.below(3));
    const std::size_t dim = 1 + input.below(24), rows = 1 + input.below(40), count = 1 + input.below(20);
    const auto flags = input.number<std::uint8_t>();
    const bool norms_are_true = (flags & 1) != 0;
    Search s{{nullptr, nullptr, dtype, rows, dim}, std::vector<float>(rows * dim), std::vector<float>(rows), {}, {}, {}, 1 + input.below(8)};
    if (input.flag())
        for (std::size_t i = 0; i < rows; ++i)
            if (input.flag()) s.rows.push_back(static_cast<std::int64_t>(i));
    for (std::size_t i = 0; i < count; ++i) s.left_out.push_back(static_cast<std::int64_t>(input.below(rows + 1)) - 1);
    for (std::size_t i = 0; i < count * dim; ++i) {
        const auto x = input.flag() ? input.number<float>() : static_cast<float>(input.number<std::int8_t>());
        s.queries.push_back(std::isfinite(x) ? x : 1.0f);
    }
    const auto scales = input.array<float>(dtype == Stored::int8 ? rows : 0);
    const auto norms = input.array<float>(norms_are_true ? 0 : rows);
    const auto memory = input.array<std::uint32_t>((rows * dim * size_of(dtype) + 3) / 4);
    s.vectors.data = reinterpret_cast<const unsigned char*>(memory.get());
    s.vectors.scales = scales.get();
    decode_rows(s.vectors, 0, rows, s.decoded.data());
    if (norms_are_true) row_norms(s.decoded.data(), rows, dim, s.norms.data());
    else std::copy(norms.get(), norms.get() + rows, s.norms.begin());
    require_found(s, norms_are_true, flags >= 0xF0 ? 3 : 1);
    return 0;
}
