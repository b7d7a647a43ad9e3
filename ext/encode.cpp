#include "encode.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "lookup.hpp"
#include "parallel.hpp"
#include "utf8.hpp"

namespace glovestore {
namespace {

constexpr std::size_t batch = 256;
constexpr std::size_t bytes_a_token = 5;  // a guess that saves growing
constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

// Gives every row its id.
void apply(const IdRule& rule, std::int64_t* ids, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_unknown = ids[i] == absent || ids[i] == rule.padding_row || ids[i] == rule.unk_row;
        ids[i] = is_unknown ? rule.unk_id : ids[i] + rule.shift;
    }
}

// As find_rows, for tokens in which surrogates may stand for bytes.
void find_escaped(const KnownTokens& known, const TokenView* tokens, std::size_t count, std::int64_t* rows) {
    TokenView bytes[batch];
    Scratch scratch;
    for (std::size_t first = 0; first < count; first += batch) {
        const std::size_t size = std::min(batch, count - first);
        scratch.clear();
        for (std::size_t i = 0; i < size; ++i) bytes[i] = unescaped(tokens[first + i], scratch);
        find_rows(known.index, known.table, bytes, size, rows + first);
    }
}

// The ids of one text after the other, at most `limit` of each.
class TextIds {
public:
    TextIds(const KnownTokens& known, std::size_t text_size, std::size_t limit, bool cut_left)
        : known_(known), recent_(text_size), limit_(limit), cut_left_(cut_left) {}

    // They are data()[0] to data()[result - 1].
    std::size_t encode(const TokenView* tokens, std::size_t count) {
        const std::size_t most = std::min(count, limit_);
        if (ids_.size() < most) ids_.resize(most);
        first_ = 0;
        if (known_.rule.unk_id == dropped) return cut_left_ ? known_last(tokens, count, most) : known_first(tokens, count, most);
        find_ids(known_, recent_, cut_left_ ? tokens + (count - most) : tokens, most, ids_.data());
        return most;
    }
    const std::int64_t* data() const { return ids_.data() + first_; }

private:
    // The first `most` ids, of however many tokens.
    std::size_t known_first(const TokenView* tokens, std::size_t count, std::size_t most) {
        std::int64_t found[batch];
        std::size_t size = 0;
        for (std::size_t first = 0; first < count && size < most; first += batch) {
            const std::size_t part = std::min(batch, count - first);
            find_ids(known_, recent_, tokens + first, part, found);
            for (std::size_t i = 0; i < part && size < most; ++i)
                if (found[i] != dropped) ids_[size++] = found[i];
        }
        return size;
    }

    // The last `most` ids: written from the end.
    std::size_t known_last(const TokenView* tokens, std::size_t count, std::size_t most) {
        std::int64_t found[batch];
        first_ = most;
        while (count > 0 && first_ > 0) {
            const std::size_t part = std::min(batch, count);
            count -= part;
            find_ids(known_, recent_, tokens + count, part, found);
            for (std::size_t i = part; i > 0 && first_ > 0; --i)
                if (found[i - 1] != dropped) ids_[--first_] = found[i - 1];
        }
        return most - first_;
    }

    const KnownTokens& known_;
    RecentRows recent_;
    std::size_t limit_;
    bool cut_left_;
    std::vector<std::int64_t> ids_;
    std::size_t first_ = 0;
};

template <class Id>
void lay(const std::int64_t* ids, std::size_t count, std::size_t width, bool fill_left, Id* row) {
    Id* begin = fill_left ? row + (width - count) : row;
    std::fill(row, begin, Id{0});
    for (std::size_t i = 0; i < count; ++i) begin[i] = static_cast<Id>(ids[i]);
    std::fill(begin + count, row + width, Id{0});
}

}  // namespace

void find_ids(const KnownTokens& known, RecentRows& recent, const TokenView* tokens, std::size_t count, std::int64_t* ids) {
    const auto has_surrogate = [](const TokenView& token) { return glovestore::has_surrogate(token.bytes, token.size); };
    if (known.escaped && std::any_of(tokens, tokens + count, has_surrogate)) {
        find_escaped(known, tokens, count, ids);
    } else {
        recent.find(known.index, known.table, tokens, count, ids);
    }
    apply(known.rule, ids, count);
}

template <class Id>
void encode_padded(const KnownTokens& known, const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower,
                   const RowShape& shape, Id* out, std::int64_t* lengths, std::size_t threads) {
    in_parallel(texts.count, threads, 1, [&](std::size_t begin, std::size_t end) {
        TextReader reader(texts, tokenizer, lower);
        TextIds ids(known, texts.size, shape.width, shape.cut_left);
        std::size_t text = begin;
        reader.each(begin, end, [&](const TokenView* tokens, std::size_t count) {
            const std::size_t size = ids.encode(tokens, count);
            lay(ids.data(), size, shape.width, shape.fill_left, out + text * shape.width);
            lengths[text++] = static_cast<std::int64_t>(size);
        });
    });
}

template void encode_padded(const KnownTokens&, const GivenTexts&, Tokenizer, const LowerCase&, const RowShape&,
                            std::int32_t*, std::int64_t*, std::size_t);
template void encode_padded(const KnownTokens&, const GivenTexts&, Tokenizer, const LowerCase&, const RowShape&,
                            std::int64_t*, std::int64_t*, std::size_t);

void RaggedIds::encode(const KnownTokens& known, const GivenTexts& texts, Tokenizer tokenizer, const LowerCase& lower,
                       std::size_t threads) {
    const std::size_t parts = std::max<std::size_t>(1, std::min(threads, texts.count));
    std::vector<Part> made(parts);
    in_parallel(parts, parts, 1, [&](std::size_t first, std::size_t last) {
        TextReader reader(texts, tokenizer, lower);
        TextIds ids(known, texts.size, no_limit, false);
        for (std::size_t i = first; i < last; ++i) {
            Part& part = made[i];
            part.ids.reserve(texts.size / parts / bytes_a_token);
            part.lengths.reserve(texts.count / parts + 1);
            reader.each(part_edge(texts.count, parts, i), part_edge(texts.count, parts, i + 1),
                        [&](const TokenView* tokens, std::size_t count) {
                            const std::size_t size = ids.encode(tokens, count);
                            part.ids.insert(part.ids.end(), ids.data(), ids.data() + size);
                            part.lengths.push_back(static_cast<std::int64_t>(size));
                        });
        }
    });
    parts_.reserve(parts_.size() + parts);  // from here on nothing is thrown
    for (Part& part : made) {
        texts_ += part.lengths.size();
        ids_ += part.ids.size();
        for (const std::int64_t length : part.lengths) longest_ = std::max(longest_, static_cast<std::size_t>(length));
        parts_.push_back(std::move(part));
    }
}

void RaggedIds::copy(std::int64_t* values, std::int64_t* offsets) const {
    *offsets = 0;
    for (const Part& part : parts_) {
        values = std::copy(part.ids.begin(), part.ids.end(), values);
        for (const std::int64_t length : part.lengths) ++offsets, *offsets = offsets[-1] + length;
    }
}

template <class Id>
void RaggedIds::pad(bool fill_left, Id* out, std::int64_t* lengths) const {
    for (const Part& part : parts_) {
        const std::int64_t* ids = part.ids.data();
        for (const std::int64_t length : part.lengths) {
            lay(ids, static_cast<std::size_t>(length), longest_, fill_left, out);
            ids += length;
            out += longest_;
            *lengths++ = length;
        }
    }
}

template void RaggedIds::pad(bool, std::int32_t*, std::int64_t*) const;
template void RaggedIds::pad(bool, std::int64_t*, std::int64_t*) const;

}  // namespace glovestore
