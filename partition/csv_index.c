/** Where fields and records end: the index of a window, and the slow ways for quoted records. */
#include <assert.h>
#include <string.h>
#include "csv_private.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Between tabs a quote is a character like any other: such files have no quoted fields.
static bool has_quotes(char delimiter)
{
    return delimiter != '\t';
}

#if defined(__SSE2__)
// One bit for each of 64 bytes that is the delimiter, a quote or below 32.
static uint64_t marks_of(const char *data, char delimiter)
{
    const __m128i delimiters = _mm_set1_epi8(delimiter);
    const __m128i quotes = _mm_set1_epi8(has_quotes(delimiter) ? '"' : delimiter);
    const __m128i controls = _mm_set1_epi8(31);
    uint64_t marks = 0;
    for (int i = 0; i < 4; i++) {
        const __m128i piece = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        const __m128i hit = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(piece, delimiters), _mm_cmpeq_epi8(piece, quotes)),
            _mm_cmpeq_epi8(_mm_min_epu8(piece, controls), piece));
        marks |= (uint64_t)(uint32_t)_mm_movemask_epi8(hit) << (16 * i);
    }
    return marks;
}
#else
static uint64_t marks_of(const char *data, char delimiter)
{
    const char quote = has_quotes(delimiter) ? '"' : delimiter;
    uint64_t marks = 0;
    for (int i = 0; i < 64; i++) {
        const unsigned char c = (unsigned char)data[i];
        marks |= (uint64_t)(c < 32 || data[i] == quote || data[i] == delimiter) << i;
    }
    return marks;
}
#endif

size_t csv_index(const char *data, size_t bytes, char delimiter, uint32_t *index)
{
    static_assert(CSV_PADDING >= 64, "the last block is read whole");
    size_t count = 0;
    for (size_t at = 0; at < bytes; at += 64) {
        uint64_t marks = marks_of(data + at, delimiter);
        if (bytes - at < 64) marks &= (UINT64_C(1) << (bytes - at)) - 1;
        for (; marks != 0; marks &= marks - 1) {
            index[count++] = (uint32_t)at + (uint32_t)__builtin_ctzll(marks);
        }
    }
    return count;
}

csv_end csv_find_end(const char *data, size_t bytes, bool is_last, char delimiter, bool multiline,
                     size_t *record_bytes)
{
    const bool may_quote = has_quotes(delimiter);
    bool at_start = true; // of a field
    bool quoted = false;
    for (size_t i = 0; i < bytes; i++) {
        const char c = data[i];
        if (quoted) {
            if (c == '"') {
                // A quote at the very end of the window may be the first of two.
                if (i + 1 == bytes && !is_last) return CSV_END_UNKNOWN;
                if (i + 1 < bytes && data[i + 1] == '"') {
                    i++;
                } else {
                    quoted = false;
                }
            } else if (c == '\n' && !multiline) {
                *record_bytes = i;
                return CSV_END_QUOTE;
            }
        } else if (c == '\n') {
            *record_bytes = i;
            return CSV_END_LINE;
        } else {
            quoted = may_quote && at_start && c == '"';
            at_start = c == delimiter;
        }
    }
    if (!is_last) return CSV_END_UNKNOWN;
    const char *line_end = quoted ? memchr(data, '\n', bytes) : NULL;
    *record_bytes = line_end != NULL ? (size_t)(line_end - data) : bytes;
    return quoted ? CSV_END_QUOTE : CSV_END_FILE;
}

// A quoted field from behind its first quote; halves doubled quotes into *scratch.
// Returns where its closing quote stands.
static size_t split_quoted(const char *record, size_t bytes, size_t at, char **scratch,
                           pc_span *field)
{
    const size_t begin = at;
    char *copy = *scratch;
    bool doubled = false;
    while (at < bytes && !(record[at] == '"' && (at + 1 >= bytes || record[at + 1] != '"'))) {
        doubled = doubled || record[at] == '"';
        at += record[at] == '"' ? 2 : 1;
    }
    *field = (pc_span){record + begin, at - begin};
    if (!doubled) return at;
    for (size_t i = begin; i < at; i++) {
        *copy++ = record[i];
        if (record[i] == '"') i++;
    }
    *field = (pc_span){*scratch, (size_t)(copy - *scratch)};
    *scratch = copy;
    return at;
}

int csv_split(const char *record, size_t bytes, char delimiter, char *scratch, pc_span *field,
              int room)
{
    const bool may_quote = has_quotes(delimiter);
    int count = 0;
    size_t at = 0;
    for (;;) {
        pc_span value;
        if (may_quote && at < bytes && record[at] == '"') {
            at = split_quoted(record, bytes, at + 1, &scratch, &value) + 1;
            if (at < bytes && record[at] != delimiter) return -1;
        } else {
            const size_t begin = at;
            while (at < bytes && record[at] != delimiter)
                at++;
            value = (pc_span){record + begin, at - begin};
        }
        if (count < room) field[count] = value;
        count++;
        if (at >= bytes) return count;
        at++;
    }
}
