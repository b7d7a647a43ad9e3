// Rows of text in two phases, for the SIMD tiers: first where everything stands, then what it is worth.
//
//   phase 1, a strip of at most 16 KiB, 64 bytes a step       phase 2, a row of the strip, 8 numbers a step
//
//   the 0.418 -0.2496 ... 1e-5\n     arrays of positions:     token ' ' number ' ' number ... ' ' number '\n'
//      ^     ^           ^    ^      separators                 `dim` separators behind the token's own: a regular row;
//            -                       signs                      a number is what stands between two neighbours of
//         ^      ^                   dots                       `separators`, its dot the next one of `dots`:
//                         ^^         `bad`, a bit a byte        Simd::convert; an odd one: parse_number
//
// Bitmasks, then indexes, then values is the method of simdjson (Langdale and Lemire, "Parsing gigabytes of JSON per
// second", 2019). Whatever is no regular row takes the scalar parse_rows, which alone defines the faults.
//
// A tier's file includes this one behind its target pragma, and all other headers before it. Everything here is in an
// anonymous namespace: of a function with external linkage the linker keeps one copy, and it might be this one, for
// processors that lack its instructions. For the same reason no template of the standard library is used.
//
// A tier is a struct with these static functions:
//
//   masks(p)                          the Masks of p[0, 64)
//   append_positions(bits, base, out) base + the index of every set bit, and up to `slack` - 1 entries of no meaning
//   append_signs(separators, minus_follows, out)    0xFFFF or 0 for every separator, and likewise more
//   convert(text, separators, signs, dots, count, out)   1 <= count <= 8 numbers
//
// convert takes numbers of one or two integer digits, a dot, and at most 11 digits; it returns false if one is not so.
// Of each it loads the 16 bytes that begin two before the dot:
//
//      0    1    2    3    4    5    6    7    8    9   10  ...  13   14   15
//     '-'  '0'  '.'  '0'  '3'  '8'  '1'  '9'  '4'  ' '  '1'
//     tens units     |<----------- 11 places -------------->|   weight 0
//
// Subtracting '0', with saturation, makes 0 of a sign, a space, a newline and a dot. What stands behind the number is
// masked. Weights of 10 1 0 1 10 1 10 1 ... then give pairs of digits, fours, and w = number * 10^11, whatever the
// number of places, so (float)((double)w * 1e-11) is the result: correctly rounded, as decimal.cpp explains.
namespace glovestore {
namespace {

constexpr std::size_t strip_bytes = 16384;    // a multiple of 64; text and positions stay in the first-level cache
constexpr std::size_t most_positions = 8192;  // of one kind; a strip that has more ends early
constexpr std::size_t most_lines = 4096;
constexpr std::size_t slack = 64;
static_assert(strip_bytes <= 32768, "AVX2 compares positions with a sign");

// One bit for each of 64 bytes.
struct Masks {
    std::uint64_t separators;  // space and newline
    std::uint64_t newlines;
    std::uint64_t dots;
    std::uint64_t minuses;
    std::uint64_t digits;
};

struct Strip {
    alignas(64) std::uint16_t separators[most_positions + slack];
    alignas(64) std::uint16_t signs[most_positions + slack];  // 0xFFFF where a '-' follows the separator, else 0
    alignas(64) std::uint16_t dots[most_positions + slack];
    std::uint16_t line_ends[most_lines + slack];  // the newlines, as indexes into `separators`
    std::uint64_t bad[strip_bytes / 64];          // neither digit, dot nor separator, nor a '-' behind a separator
    std::size_t dot_count, line_count;
};

inline std::size_t smaller(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }
inline std::size_t count_bits(std::uint64_t x) noexcept { return static_cast<std::size_t>(__builtin_popcountll(x)); }

// `before`: how many separators stand in front of these 64 bytes. Returns the number of newlines.
inline std::size_t append_line_ends(const Masks& m, std::size_t before, std::uint16_t* out) noexcept {
    for (std::uint64_t rest = m.newlines; rest; rest &= rest - 1)
        *out++ = static_cast<std::uint16_t>(before + count_bits(m.separators & ((rest & (~rest + 1)) - 1)));
    return count_bits(m.newlines);
}

// Phase 1 of the strip at `text`, which has `size` bytes and number_padding more.
template <class Simd>
void scan(const char* text, std::size_t size, Strip& strip) noexcept {
    constexpr std::size_t full = most_positions - 64, full_of_lines = most_lines - 64;
    std::size_t begin = 0, separators = 0, dots = 0, lines = 0;
    std::uint64_t separator_before = 0;
    char last[65] = {};  // the last bytes, and zeros
    const std::size_t end = smaller(size, strip_bytes);
    for (; begin < end && separators <= full && dots <= full && lines <= full_of_lines; begin += 64) {
        const char* bytes = text + begin;
        if (size - begin < 64) bytes = static_cast<const char*>(std::memcpy(last, bytes, size - begin));
        const Masks m = Simd::masks(bytes);
        const std::uint64_t signs = m.minuses & (m.separators << 1 | separator_before);
        separator_before = m.separators >> 63;
        strip.bad[begin / 64] = ~(m.digits | m.dots | m.separators | signs);
        const std::uint64_t minus_follows = m.minuses >> 1 | static_cast<std::uint64_t>(bytes[64] == '-') << 63;
        Simd::append_signs(m.separators, minus_follows, strip.signs + separators);
        Simd::append_positions(m.separators, begin, strip.separators + separators);
        Simd::append_positions(m.dots, begin, strip.dots + dots);
        lines += append_line_ends(m, separators, strip.line_ends + lines);
        separators += count_bits(m.separators);
        dots += count_bits(m.dots);
    }
    // Behind the last dot: eight that stand in no number, and where text may be read.
    for (std::size_t i = 0; i <= 8; ++i) strip.dots[dots + i] = static_cast<std::uint16_t>(smaller(begin, size));
    strip.dot_count = dots;
    strip.line_count = lines;
}

// Whether a byte of [first, last] is bad; both are in the strip.
inline bool any_bad(const std::uint64_t* bad, std::size_t first, std::size_t last) noexcept {
    const std::uint64_t from_first = ~std::uint64_t{0} << first % 64, to_last = ~std::uint64_t{0} >> (63 - last % 64);
    if (first / 64 == last / 64) return (bad[first / 64] & from_first & to_last) != 0;
    std::uint64_t found = (bad[first / 64] & from_first) | (bad[last / 64] & to_last);
    for (std::size_t i = first / 64 + 1; i < last / 64; ++i) found |= bad[i];
    return found != 0;
}

// The first dot at or behind a position, as an index; `dot` is not behind it.
inline std::size_t dot_from(const Strip& strip, std::size_t dot, std::size_t position) noexcept {
    while (dot < strip.dot_count && strip.dots[dot] < position) ++dot;
    return dot;
}

// Exponents, integers, long numbers: one by one. False: one is no number, or too great.
inline bool convert_odd(const char* text, const std::uint16_t* separators, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const Number number = parse_number(text + separators[i] + 1);
        if (number.status != NumberStatus::ok || number.end != text + separators[i + 1]) return false;
        out[i] = number.value;
    }
    return true;
}

// The numbers between `dim` + 1 separators from `first` on. `dot`: the first dot behind `first`; moved behind the row.
template <class Simd>
bool convert_row(const char* text, const Strip& strip, std::size_t first, std::size_t dim, std::size_t& dot,
                 float* vector) noexcept {
    const std::uint16_t* const separators = strip.separators + first;
    const bool odd_row = any_bad(strip.bad, separators[0], separators[dim]);
    for (std::size_t i = 0; i < dim; i += 8) {
        const std::size_t count = smaller(8, dim - i);
        __builtin_prefetch(text + separators[i] + strip_bytes);  // of the next strip; harmless behind the text
        const bool plain = !odd_row || !any_bad(strip.bad, separators[i], separators[i + count]);
        const std::uint16_t* const signs = strip.signs + first + i;
        if (plain && Simd::convert(text, separators + i, signs, strip.dots + dot, count, vector + i)) {
            dot += count;
        } else {
            if (!convert_odd(text, separators + i, count, vector + i)) return false;
            dot = dot_from(strip, dot, separators[i + count]);
        }
    }
    return true;
}

// Where a strip's next row begins: in the text, in `separators`, in `dots`.
struct Cursor {
    std::size_t line, separator, dot;
};

inline void add_token(const char* token, std::size_t size, const Batch& batch, ParseResult& result) noexcept {
    std::memcpy(batch.token_bytes + result.token_bytes, token, size);
    batch.token_lengths[result.rows++] = static_cast<std::uint16_t>(size);  // below strip_bytes
    result.token_bytes += size;
}

// Phase 2 of the row whose newline is separator `line_end`. False: it is not regular, and nothing has been added.
template <class Simd>
bool parse_strip_row(const char* text, Strip& strip, Cursor& cursor, std::size_t line_end, std::size_t dim,
                     const Batch& batch, ParseResult& result) noexcept {
    const std::size_t first = cursor.separator, token_end = strip.separators[first];
    std::size_t last = line_end, end = strip.separators[last];
    for (; end > token_end && (text[end - 1] == ' ' || text[end - 1] == '\r'); --end) last -= text[end - 1] == ' ';
    if (last - first != dim) return false;
    if (end != strip.separators[last]) strip.separators[last] = static_cast<std::uint16_t>(end);  // a '\r'
    cursor.dot = dot_from(strip, cursor.dot, token_end);
    if (!convert_row<Simd>(text, strip, first, dim, cursor.dot, batch.vectors + result.rows * dim)) return false;
    add_token(text + cursor.line, token_end - cursor.line, batch, result);
    return true;
}

// The line at text + result.consumed, the scalar way.
inline void parse_other_row(const char* text, std::size_t size, std::size_t dim, const Batch& batch,
                            ParseResult& result) noexcept {
    const Batch one{batch.vectors + result.rows * dim, batch.token_bytes + result.token_bytes,
                    batch.token_lengths + result.rows, 1};
    ParseResult row = parse_rows(text + result.consumed, size - result.consumed, dim, one);
    row.rows += result.rows;
    row.token_bytes += result.token_bytes;
    row.consumed += result.consumed;
    result = row;
}

// The whole rows of the strip that begins at text + result.consumed. False: it has none.
template <class Simd>
bool parse_strip(const char* text, std::size_t size, std::size_t dim, const Batch& batch, Strip& strip,
                 ParseResult& result) noexcept {
    const std::size_t begin = result.consumed;
    scan<Simd>(text + begin, size - begin, strip);
    Cursor cursor{};
    for (std::size_t i = 0; i < strip.line_count; ++i) {
        if (result.rows == batch.capacity || result.fault != RowFault::none) break;
        const std::size_t line_end = strip.line_ends[i], next = strip.separators[line_end] + std::size_t{1};
        if (parse_strip_row<Simd>(text + begin, strip, cursor, line_end, dim, batch, result))
            result.consumed = begin + next;
        else
            parse_other_row(text, size, dim, batch, result);
        cursor = {next, line_end + 1, dot_from(strip, cursor.dot, next)};
    }
    return strip.line_count > 0;
}

// parse_rows of parse.hpp.
template <class Simd>
ParseResult parse_rows_in_strips(const char* text, std::size_t size, std::size_t dim, const Batch& batch) noexcept {
    ParseResult result{};
    Strip strip;  // 60 KB
    while (result.consumed < size && result.rows < batch.capacity && result.fault == RowFault::none)
        if (!parse_strip<Simd>(text, size, dim, batch, strip, result)) parse_other_row(text, size, dim, batch, result);
    return result;
}

}  // namespace
}  // namespace glovestore
