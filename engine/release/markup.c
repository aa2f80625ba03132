/** Text inside of HTML and SVG. */
#include <string.h>
#include "parcours/release.h"

pc_status pc_markup_text(pc_buffer *out, pc_span text, pc_error *err)
{
    for (size_t i = 0; i < text.bytes; i++) {
        const char c = text.data[i];
        const char *mark = c == '&'   ? "&amp;"
                           : c == '<' ? "&lt;"
                           : c == '>' ? "&gt;"
                           : c == '"' ? "&quot;"
                                      : NULL;
        // XML has no place for control characters.
        const char plain = (unsigned char)c < ' ' || c == 0x7f ? ' ' : c;
        if (mark != NULL) PC_TRY(pc_buffer_append(out, mark, strlen(mark), err));
        if (mark == NULL) PC_TRY(pc_buffer_append(out, &plain, 1, err));
    }
    return PC_OK;
}
