/** What bytes of text may be: ASCII, UTF-8, or Latin-1 that becomes UTF-8. */
#include <string.h>
#include "csv_private.h"

bool csv_is_ascii(pc_span text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.bytes; i++)
        all = (unsigned char)(all | (unsigned char)text.data[i]);
    return all < 0x80;
}

// Bytes that follow a first byte of UTF-8, and the bounds of the first of them; -1: not one.
static int utf8_more(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0x80) return 0;
    if (first >= 0xc2 && first <= 0xdf) return 1;
    if (first == 0xe0) *low = 0xa0;
    if (first == 0xed) *high = 0x9f;
    if (first >= 0xe0 && first <= 0xef) return 2;
    if (first == 0xf0) *low = 0x90;
    if (first == 0xf4) *high = 0x8f;
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

bool csv_is_utf8(pc_span text)
{
    for (size_t i = 0; i < text.bytes;) {
        unsigned char low;
        unsigned char high;
        const int more = utf8_more((unsigned char)text.data[i++], &low, &high);
        if (more < 0 || (size_t)more > text.bytes - i) return false;
        for (int k = 0; k < more; k++, i++) {
            const unsigned char c = (unsigned char)text.data[i];
            if (c < low || c > high) return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

size_t csv_latin1_to_utf8(pc_span text, char *out)
{
    size_t bytes = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c < 0x80) {
            out[bytes++] = (char)c;
        } else {
            out[bytes++] = (char)(0xc0 | (c >> 6));
            out[bytes++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return bytes;
}
