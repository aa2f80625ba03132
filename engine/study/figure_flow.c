// The flowchart of an attrition: a box for each step, what each takes away beside it.
#include <string.h>
#include "figure.h"

enum {
    BOX_WIDTH = 380,
    BOX_LEFT = 10,
    LINE_HEIGHT = 17,
    LINE_CHARACTERS = 54,
    MOST_LINES = 4, // of a title
    GAP = 34        // between boxes
};

typedef struct flow_columns {
    int title, patients, records, patients_lost;
} flow_columns;

/** Where the next line of a text ends: at a blank if there is one. */
static size_t line_bytes(pc_span text)
{
    size_t at = 0, last_blank = 0;
    for (int characters = 0; at < text.bytes; characters++) {
        const size_t one = pc_utf8_character((pc_span){text.data + at, text.bytes - at});
        if (characters == LINE_CHARACTERS) return last_blank > 0 ? last_blank : at;
        if (text.data[at] == ' ') last_blank = at;
        at += one == 0 ? 1 : one;
    }
    return text.bytes;
}

static int count_lines(pc_span text)
{
    int lines = 0;
    while (text.bytes > 0 && lines < MOST_LINES) {
        const size_t bytes = line_bytes(text);
        text = pc_span_trim((pc_span){text.data + bytes, text.bytes - bytes});
        lines++;
    }
    return lines < 1 ? 1 : lines;
}

static pc_span cell(const pc_shown *shown, int column, int64_t row, char room[PC_CELL_TEXT_BYTES])
{
    return pc_result_text(shown->result, shown->protect, column, row, room);
}

static double box_height(const pc_shown *shown, const flow_columns *at, int64_t row)
{
    char room[PC_CELL_TEXT_BYTES];
    return LINE_HEIGHT * (count_lines(cell(shown, at->title, row, room)) + 1) + 14;
}

static pc_status print_numbers(const pc_shown *shown, const flow_columns *at, int64_t row, double y,
                               pc_buffer *out, pc_error *err)
{
    char patients[PC_CELL_TEXT_BYTES], records[PC_CELL_TEXT_BYTES];
    const pc_span p = cell(shown, at->patients, row, patients);
    const pc_span r = cell(shown, at->records, row, records);
    PC_TRY(pc_buffer_print(out, err,
                           "<text x=\"%d\" y=\"%.1f\" text-anchor=\"middle\" "
                           "font-weight=\"bold\">%.*s patients, %.*s records</text>\n",
                           BOX_LEFT + BOX_WIDTH / 2, y, (int)p.bytes, p.data, (int)r.bytes,
                           r.data));
    return PC_OK;
}

static pc_status print_box(const pc_shown *shown, const flow_columns *at, int64_t row, double top,
                           pc_buffer *out, pc_error *err)
{
    char room[PC_CELL_TEXT_BYTES];
    pc_span title = cell(shown, at->title, row, room);
    const int lines = count_lines(title);
    PC_TRY(pc_buffer_print(out, err,
                           "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" rx=\"4\" "
                           "fill=\"#f4f7fa\" stroke=\"#0072b2\"/>\n",
                           BOX_LEFT, top, BOX_WIDTH, box_height(shown, at, row)));
    double y = top + LINE_HEIGHT + 2;
    for (int i = 0; i < lines; i++, y += LINE_HEIGHT) {
        const size_t bytes = i + 1 < MOST_LINES ? line_bytes(title) : title.bytes;
        PC_TRY(pc_figure_text(BOX_LEFT + BOX_WIDTH / 2.0, y, "middle", (pc_span){title.data, bytes},
                              out, err));
        title = pc_span_trim((pc_span){title.data + bytes, title.bytes - bytes});
    }
    return print_numbers(shown, at, row, y, out, err);
}

/** The arrow to the next box, and who is lost on the way. */
static pc_status print_arrow(const pc_shown *shown, const flow_columns *at, int64_t next,
                             double top, pc_buffer *out, pc_error *err)
{
    const int x = BOX_LEFT + BOX_WIDTH / 2;
    const double middle = top + GAP / 2.0, end = top + GAP;
    char room[PC_CELL_TEXT_BYTES];
    const pc_span lost = cell(shown, at->patients_lost, next, room);
    PC_TRY(pc_buffer_print(out, err,
                           "<path d=\"M%d %.1fV%.1fm-4 -6l4 6l4 -6M%d %.1fH%d\" fill=\"none\" "
                           "stroke=\"#444\"/>\n",
                           x, top, end, x, middle, BOX_LEFT + BOX_WIDTH + 20));
    return pc_buffer_print(out, err,
                           "<text x=\"%d\" y=\"%.1f\" text-anchor=\"start\">%.*s patients "
                           "left out</text>\n",
                           BOX_LEFT + BOX_WIDTH + 26, middle + 4, (int)lost.bytes, lost.data);
}

pc_status pc_figure_flow(const pc_shown *shown, pc_buffer *out, pc_error *err)
{
    const flow_columns at = {.title = pc_figure_column(shown, "title"),
                             .patients = pc_figure_column(shown, "patients"),
                             .records = pc_figure_column(shown, "records"),
                             .patients_lost = pc_figure_column(shown, "patients_lost")};
    const int64_t rows = shown->result->row_count;
    const int width = BOX_LEFT + BOX_WIDTH + 200;
    double height = 20;
    for (int64_t row = 0; row < rows; row++)
        height += box_height(shown, &at, row) + (row + 1 < rows ? GAP : 0);
    PC_TRY(pc_buffer_print(out, err,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" "
                           "width=\"%d\" height=\"%.0f\" role=\"img\" font-family=\"sans-serif\" "
                           "font-size=\"13\" fill=\"#222\">\n<title>Flowchart</title>\n",
                           width, height, width, height));
    double top = 10;
    for (int64_t row = 0; row < rows; row++) {
        PC_TRY(print_box(shown, &at, row, top, out, err));
        top += box_height(shown, &at, row);
        if (row + 1 < rows) PC_TRY(print_arrow(shown, &at, row + 1, top, out, err));
        top += GAP;
    }
    return pc_buffer_print(out, err, "</svg>\n");
}
