// Lines of text as records: a token and its numbers, one space apart. The rules are those of FORMAT.md, "Text input".
#pragma once

#include <cstddef>
#include <cstdint>

#include "records.hpp"

namespace glovestore {

class Lines final : public Records {
public:
    Lines(std::size_t dim, const RecordOptions& options) : dim_(dim), options_(options), lines_left_(options.most) {}

    bool cut(Block& block, std::size_t searched, bool at_end) override;
    void parse(ParsedBlock& parsed, const Kernels& kernels) const override;
    bool is_cut() const override { return lines_left_ == 0; }

private:
    void cut_at_limit(Block& block);

    const std::size_t dim_;
    const RecordOptions options_;
    std::uint64_t lines_left_;
};

}  // namespace glovestore
