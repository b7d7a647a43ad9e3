#include "row_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

namespace glovestore {
namespace {

constexpr std::size_t shown_duplicates = 10;
constexpr std::size_t largest_write = std::size_t{1} << 20;  // the kernel copies a piece while it is still in the cache

// Writes all of it; 0, or errno.
int write_all(int fd, const void* data, std::size_t size, std::uint64_t offset) {
#if defined(_WIN32)
    (void)fd, (void)data, (void)size, (void)offset;
    return ENOSYS;
#else
    const auto* bytes = static_cast<const unsigned char*>(data);
    while (size > 0) {
        const ssize_t count = ::pwrite(fd, bytes, std::min(size, largest_write), static_cast<off_t>(offset));
        if (count < 0 && errno != EINTR) return errno;
        if (count <= 0) continue;
        bytes += count, offset += static_cast<std::uint64_t>(count), size -= static_cast<std::size_t>(count);
    }
    return 0;
#endif
}

// Takes the rows out whose flag is set, and moves the others together.
void drop_rows(RowBatch& batch, std::size_t dim, Stored dtype) {
    const std::size_t row_size = dim * size_of(dtype);
    std::size_t kept = 0, from = 0, to = 0;
    for (std::size_t i = 0; i < batch.rows; ++i) {
        const std::size_t length = batch.token_lengths[i];
        if (!batch.is_duplicate[i]) {
            if (kept < i) {
                if (batch.is_encoded) {
                    std::memmove(batch.stored.data() + kept * row_size, batch.stored.data() + i * row_size, row_size);
                    if (dtype == Stored::int8) batch.scales[kept] = batch.scales[i];
                } else {
                    std::copy_n(batch.vectors.data() + i * dim, dim, batch.vectors.data() + kept * dim);
                }
                std::memmove(batch.token_bytes.data() + to, batch.token_bytes.data() + from, length);
                batch.token_lengths[kept] = static_cast<std::uint16_t>(length);
            }
            ++kept, to += length;
        }
        from += length;
    }
    batch.rows = kept;
}

}  // namespace

RowWriter::RowWriter(int fd, std::uint64_t vectors_offset, std::uint64_t checksums_offset, std::size_t checksum_block,
                     std::size_t dim, Stored dtype, std::uint64_t expected_rows, std::uint64_t seeds,
                     const Kernels& kernels)
    : fd_(fd), vectors_offset_(vectors_offset), dim_(dim), dtype_(dtype), kernels_(kernels),
      tokens_(expected_rows, seeds),
      hashes_(checksum_block, static_cast<std::size_t>(vectors_offset - checksums_offset)),
      mean_(dim), squares_(dim), shift_(dim), sum_(dim), sum_of_squares_(dim), std_(dim),
      statistics_{0, 0, mean_.data(), squares_.data(), shift_.data(), sum_.data(), sum_of_squares_.data()} {
    norms_.reserve(expected_rows);
    if (dtype == Stored::int8) scales_.reserve(expected_rows);
}

RowWriter::~RowWriter() {
#if !defined(_WIN32)
    ::close(fd_);
#endif
}

Outcome RowWriter::place(RowBatch& batch) {
    batch.first_row = tokens_.rows();
    batch.is_duplicate.require(batch.rows);
    if (!tokens_.add(batch.token_bytes.data(), batch.token_lengths.data(), batch.rows, batch.is_duplicate.data()))
        return Outcome::collisions;
    batch.duplicates = batch.rows - static_cast<std::size_t>(tokens_.rows() - batch.first_row);
    if (batch.duplicates > 0) {
        duplicates_ += batch.duplicates;
        const auto* token = reinterpret_cast<const char*>(batch.token_bytes.data());
        for (std::size_t i = 0; i < batch.rows && first_duplicates_.size() < shown_duplicates; token += batch.token_lengths[i++])
            if (batch.is_duplicate[i]) first_duplicates_.emplace_back(token, token + batch.token_lengths[i]);
    }
    return Outcome::ok;
}

// Fills `stored`, unless it is there already, and puts what it stands for into `vectors`.
void RowWriter::encode(RowBatch& batch) const {
    const std::size_t count = batch.rows * dim_;
    batch.beyond = count;
    if (dtype_ == Stored::float32) return;
    batch.vectors.require(count);
    if (!batch.is_encoded) {
        batch.beyond = first_beyond(batch.vectors.data(), count, dtype_);
        if (batch.beyond < count) batch.beyond_value = batch.vectors[batch.beyond];
        batch.stored.require(count * size_of(dtype_));
        batch.scales.require(batch.rows);
        kernels_.encode_rows(batch.vectors.data(), batch.rows, dim_, dtype_, batch.stored.data(), batch.scales.data());
    }
    const StoredVectors stored{batch.stored.data(), batch.scales.data(), dtype_, batch.rows, dim_};
    kernels_.decode_rows(stored, 0, batch.rows, batch.vectors.data());
}

Outcome RowWriter::write(RowBatch& batch) {
    if (batch.duplicates > 0) drop_rows(batch, dim_, dtype_);
    encode(batch);
    batch.norms.require(batch.rows);
    kernels_.row_norms(batch.vectors.data(), batch.rows, dim_, batch.norms.data());
    const std::size_t row_size = dim_ * size_of(dtype_), size = batch.rows * row_size;
    const std::uint64_t offset = batch.first_row * row_size;
    const int error = write_all(fd_, bytes_of(batch), size, vectors_offset_ + offset);
    if (error != 0) {
        error_ = error;
        return Outcome::write_failed;
    }
    hashes_.hash_whole(bytes_of(batch), size, offset, batch.block_hashes);
    return Outcome::ok;
}

Outcome RowWriter::add(RowBatch& batch) {
    if (batch.beyond < batch.rows * dim_) {
        const std::size_t row = batch.beyond / dim_;
        const auto* token = reinterpret_cast<const char*>(batch.token_bytes.data());
        for (std::size_t i = 0; i < row; ++i) token += batch.token_lengths[i];
        out_of_range_ = {batch.first_row + row, batch.beyond % dim_, batch.beyond_value,
                         std::string(token, batch.token_lengths[row])};
        return Outcome::out_of_range;
    }
    norms_.insert(norms_.end(), batch.norms.data(), batch.norms.data() + batch.rows);
    if (dtype_ == Stored::int8) scales_.insert(scales_.end(), batch.scales.data(), batch.scales.data() + batch.rows);
    hashes_.add(bytes_of(batch), batch.rows * dim_ * size_of(dtype_), batch.block_hashes);
    kernels_.update_statistics(statistics_, batch.vectors.data(), batch.rows, dim_);
    return Outcome::ok;
}

const void* RowWriter::bytes_of(const RowBatch& batch) const {
    return dtype_ == Stored::float32 ? static_cast<const void*>(batch.vectors.data()) : batch.stored.data();
}

Outcome RowWriter::append(RowBatch& batch) {
    Outcome outcome = place(batch);
    if (outcome == Outcome::ok) outcome = write(batch);
    if (outcome == Outcome::ok) outcome = add(batch);
    return outcome;
}

bool RowWriter::finish() {
    finish_statistics(statistics_, dim_, std_.data());
    return tokens_.finish();
}

}  // namespace glovestore
