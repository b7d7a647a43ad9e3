// Rows of text in two phases, for the SIMD tiers: first where everything stands, then what it is worth.
//
//   phase 1, a strip of at most 16 KiB, 64 bytes a step        phase 2, a row of the strip, 8 numbers a step
//   the 0.418 -0.2496 ...\n       positions of                 |token| ' ' field ' ' field ... ' ' field '\n'
//      ^     ^           ^        separators  (u16)              exactly `dim` separators behind the token's: regular
//       _    -           _        signs       (u16)              field = what stands between two neighbours in `separators`
//         ^      ^                dots        (u16)              its dot = the next one in `dots`
//   one bit a byte: `bad`, what no plain decimal has           -> Simd::convert, or parse_number for the odd group
//
// The method is that of simdjson (Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019): bitmasks, then
// indexes, then values. What is no plain row takes the scalar parse_rows, which alone defines every fault. Text and
// positions of a strip stay in the first-level cache; the workspace is on the stack.
//
// A tier's file includes this one behind its target pragma. All of it is in an anonymous namespace, and it calls no
// template or inline function from outside that is compiled with more instructions than the linker may expect.
namespace glovestore {
namespace {

constexpr std::size_t strip_bytes = 16384;  // a multiple of 64; text and positions together fit into 48 KiB
constexpr std::size_t most_positions = 8192;  // of one kind: a strip of shorter fields ends early
constexpr std::size_t most_lines = 4096;
constexpr std::size_t slack = 64;  // Simd appends whole registers, whatever the count

// One bit for each of 64 bytes.
struct Masks {
    std::uint64_t separators;    // space and newline
    std::uint64_t newlines;
    std::uint64_t dots;
    std::uint64_t minuses;
    std::uint64_t digits;
};

struct Strip {
    alignas(64) std::uint16_t separators[most_positions + slack];
    alignas(64) std::uint16_t signs[most_positions + slack];  // 0xFFFF where a '-' follows the separator, else 0
    alignas(64) std::uint16_t dots[most_positions + slack];
    std::uint16_t line_ends[most_lines + slack];  // indexes into `separators`
    std::uint64_t bad[strip_bytes / 64];          // neither digit, dot nor separator, nor a '-' behind a separator
    std::size_t separator_count, dot_count, line_count;
};

inline std::size_t count_bits(std::uint64_t x) noexcept { return static_cast<std::size_t>(__builtin_popcountll(x)); }
inline std::size_t smaller(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

// For each newline its index among the separators, of which `before` stand in front of these 64 bytes. Returns their count.
inline std::size_t append_line_ends(const Masks& m, std::size_t before, std::uint16_t* out) noexcept {
    for (std::uint64_t rest = m.newlines; rest; rest &= rest - 1)
        *out++ = static_cast<std::uint16_t>(before + count_bits(m.separators & ((rest & (~rest + 1)) - 1)));
    return count_bits(m.newlines);
}

// Phase 1. Reads text[0, size) and one byte more.
template <class Simd>
void scan(const char* text, std::size_t size, Strip& strip) noexcept {
    std::size_t begin = 0, separators = 0, dots = 0, lines = 0;
    std::uint64_t separator_before = 0;
    char last[65] = {};
    const std::size_t end = smaller(size, strip_bytes);
    for (; begin < end && separators <= most_positions - 64 && dots <= most_positions - 64 && lines <= most_lines - 64; begin += 64) {
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
    // Behind the last dot: positions that stand in no field, and that may be read at.
    for (std::size_t i = 0; i <= 8; ++i) strip.dots[dots + i] = static_cast<std::uint16_t>(smaller(begin, size));
    strip.separator_count = separators;
    strip.dot_count = dots;
    strip.line_count = lines;
}

// Whether a byte of [first, last] is bad; both are in the strip.
inline bool any_bad(const Strip& strip, std::size_t first, std::size_t last) noexcept {
    const std::uint64_t* const bad = strip.bad;
    const std::uint64_t from_first = ~std::uint64_t{0} << first % 64, to_last = ~std::uint64_t{0} >> (63 - last % 64);
    if (first / 64 == last / 64) return (bad[first / 64] & from_first & to_last) != 0;
    std::uint64_t found = (bad[first / 64] & from_first) | (bad[last / 64] & to_last);
    for (std::size_t i = first / 64 + 1; i < last / 64; ++i) found |= bad[i];
    return found != 0;
}

// Exponents, integers, long numbers: `count` fields one by one. False: one of them is no number, or too great.
inline bool convert_odd(const char* text, const std::uint16_t* separators, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const Number number = parse_number(text + separators[i] + 1);
        if (number.status != NumberStatus::ok || number.end != text + separators[i + 1]) return false;
        out[i] = number.value;
    }
    return true;
}

// The numbers between `dim` + 1 separators. `dot` is an index: the first one behind the token, and is moved to the first
// one behind the row.
template <class Simd>
bool convert_row(const char* text, const Strip& strip, std::size_t first, std::size_t dim, std::size_t& dot, float* vector) noexcept {
    const std::uint16_t* const separators = strip.separators + first;
    const bool odd_row = any_bad(strip, separators[0], separators[dim]);
    for (std::size_t i = 0; i < dim; i += 8) {
        const std::size_t count = smaller(8, dim - i);
        __builtin_prefetch(text + separators[i] + strip_bytes);  // of the next strip; harmless behind the text
        const bool plain = !odd_row || !any_bad(strip, separators[i], separators[i + count]);
        if (plain && Simd::convert(text, separators + i, strip.signs + first + i, strip.dots + dot, count, vector + i)) {
            dot += count;
        } else {
            if (!convert_odd(text, separators + i, count, vector + i)) return false;
            while (dot < strip.dot_count && strip.dots[dot] < separators[i + count]) ++dot;
        }
    }
    return true;
}

// Where a strip's next row begins: in the text, in `separators`, in `dots`.
struct Cursor {
    std::size_t line, separator, dot;
};

// Phase 2, one row. False: it is not regular, and nothing has been added.
template <class Simd>
bool parse_strip_row(const char* text, Strip& strip, Cursor& cursor, std::size_t line_end, std::size_t dim, const Batch& batch,
                     ParseResult& result) noexcept {
    std::size_t last = line_end, end = strip.separators[last];
    const std::size_t token_end = strip.separators[cursor.separator];
    for (; end > token_end && (text[end - 1] == ' ' || text[end - 1] == '\r'); --end) last -= text[end - 1] == ' ';
    if (last - cursor.separator != dim) return false;
    if (end != strip.separators[last]) strip.separators[last] = static_cast<std::uint16_t>(end);  // "\r\n"
    while (cursor.dot < strip.dot_count && strip.dots[cursor.dot] < token_end) ++cursor.dot;
    if (!convert_row<Simd>(text, strip, cursor.separator, dim, cursor.dot, batch.vectors + result.rows * dim)) return false;
    const std::size_t token_size = token_end - cursor.line;
    std::memcpy(batch.token_bytes + result.token_bytes, text + cursor.line, token_size);
    batch.token_lengths[result.rows++] = static_cast<std::uint16_t>(token_size);
    result.token_bytes += token_size;
    return true;
}

// The line at text + result.consumed, the scalar way.
void parse_other_row(const char* text, std::size_t size, std::size_t dim, const Batch& batch, ParseResult& result) noexcept {
    const Batch one{batch.vectors + result.rows * dim, batch.token_bytes + result.token_bytes,
                    batch.token_lengths + result.rows, 1};
    const ParseResult row = parse_rows(text + result.consumed, size - result.consumed, dim, one);
    result.rows += row.rows;
    result.token_bytes += row.token_bytes;
    result.consumed += row.consumed;
    result.fault = row.fault;
    result.field = row.field;
    result.field_size = row.field_size;
    result.found = row.found;
}

// The strip that begins at text + result.consumed: its whole rows. False: it has none.
template <class Simd>
bool parse_strip(const char* text, std::size_t size, std::size_t dim, const Batch& batch, Strip& strip, ParseResult& result) noexcept {
    const std::size_t begin = result.consumed;
    const char* const strip_text = text + begin;
    scan<Simd>(strip_text, size - begin, strip);
    Cursor cursor{};
    for (std::size_t i = 0; i < strip.line_count && result.rows < batch.capacity && result.fault == RowFault::none; ++i) {
        const std::size_t line_end = strip.line_ends[i];
        const std::size_t next = strip.separators[line_end] + std::size_t{1};
        if (parse_strip_row<Simd>(strip_text, strip, cursor, line_end, dim, batch, result))
            result.consumed = begin + next;
        else
            parse_other_row(text, size, dim, batch, result);
        while (cursor.dot < strip.dot_count && strip.dots[cursor.dot] < next) ++cursor.dot;
        cursor.line = next;
        cursor.separator = line_end + 1;
    }
    return strip.line_count > 0;
}

template <class Simd>
ParseResult parse_rows_in_strips(const char* text, std::size_t size, std::size_t dim, const Batch& batch) noexcept {
    ParseResult result{};
    Strip strip;
    while (result.consumed < size && result.rows < batch.capacity && result.fault == RowFault::none)
        if (!parse_strip<Simd>(text, size, dim, batch, strip, result)) parse_other_row(text, size, dim, batch, result);
    return result;
}

}  // namespace
}  // namespace glovestore
