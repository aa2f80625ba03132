// What figures have in common: colours, labels of groups, axes.
#include "figure.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *pc_figure_colour(int series)
{
    static const char *const colour[PC_FIGURE_SERIES] = {
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#999933"};
    return colour[series % PC_FIGURE_SERIES];
}

int pc_figure_column(const pc_shown *shown, const char *name)
{
    const pc_schema *schema = &shown->result->schema;
    for (int i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->field[i].name, name) == 0) return i;
    }
    return -1;
}

bool pc_figure_is_all(const pc_shown *shown, int keys, int64_t row)
{
    for (int i = 0; i < keys; i++) {
        char room[PC_CELL_TEXT_BYTES];
        const pc_span text = pc_result_text(shown->result, shown->protect, i, row, room);
        if (!pc_span_equal(text, pc_span_of("all"))) return false;
    }
    return keys > 0;
}

pc_span pc_figure_label(const pc_shown *shown, int from, int to, int64_t row, pc_arena *arena,
                        pc_error *err)
{
    pc_buffer text = {.budget = arena->budget};
    pc_status status = PC_OK;
    for (int i = from; i < to && status == PC_OK; i++) {
        char room[PC_CELL_TEXT_BYTES];
        const pc_span cell = pc_result_text(shown->result, shown->protect, i, row, room);
        if (i > from) status = pc_buffer_append(&text, ", ", 2, err);
        if (status == PC_OK && cell.bytes == 0) status = pc_buffer_append(&text, "none", 4, err);
        if (status == PC_OK) status = pc_buffer_append(&text, cell.data, cell.bytes, err);
    }
    pc_span label = {NULL, text.bytes};
    if (status == PC_OK)
        label.data = pc_arena_text(arena, text.bytes == 0 ? "" : text.data, text.bytes, err);
    pc_buffer_release(&text);
    return label;
}

double pc_figure_round(double most, double *step)
{
    static const double nice[] = {1, 2, 5, 10};
    const double raw = most / 5, power = pow(10, floor(log10(raw)));
    *step = 10 * power;
    for (int i = 0; i < 4; i++) {
        if (nice[i] * power < raw * (1 - 1e-9)) continue;
        *step = nice[i] * power;
        break;
    }
    return ceil(most / *step - 1e-9) * *step;
}

double pc_plane_x(const pc_plane *plane, double x)
{
    return plane->left + plane->width * x / plane->x_most;
}

double pc_plane_y(const pc_plane *plane, double y)
{
    return plane->top + plane->height * (1 - y / plane->y_most);
}

pc_status pc_figure_text(double x, double y, const char *anchor, pc_span text, pc_buffer *out,
                         pc_error *err)
{
    PC_TRY(
        pc_buffer_print(out, err, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor));
    PC_TRY(pc_markup_text(out, text, err));
    return pc_buffer_print(out, err, "</text>\n");
}

static pc_status print_legend(const pc_plane *plane, const pc_span *name, int series,
                              pc_buffer *out, pc_error *err)
{
    const double x = plane->left + plane->width + 18;
    for (int i = 0; i < series && series > 1; i++) {
        const double y = plane->top + 8 + 18 * i;
        PC_TRY(pc_buffer_print(out, err,
                               "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" "
                               "fill=\"%s\"/>\n",
                               x, y - 9, pc_figure_colour(i)));
        PC_TRY(pc_figure_text(x + 15, y, "start", name[i], out, err));
    }
    return PC_OK;
}

static pc_status print_y_axis(const pc_plane *plane, pc_buffer *out, pc_error *err)
{
    double step = 0;
    (void)pc_figure_round(plane->y_most, &step);
    for (int i = 0; i * step <= plane->y_most * (1 + 1e-9); i++) {
        const double y = pc_plane_y(plane, i * step);
        char mark[32];
        (void)snprintf(mark, sizeof mark, "%.6g", i * step);
        PC_TRY(pc_buffer_print(out, err,
                               "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
                               "stroke=\"%s\"/>\n",
                               plane->left, y, plane->left + plane->width, y,
                               i == 0 ? "#444" : "#ddd"));
        PC_TRY(pc_figure_text(plane->left - 8, y + 4, "end", pc_span_of(mark), out, err));
    }
    return PC_OK;
}

pc_status pc_plane_begin(const pc_shown *shown, const pc_plane *plane, double bottom,
                         const pc_span *name, int series, pc_buffer *out, pc_error *err)
{
    const double width = plane->left + plane->width + (series > 1 ? 190 : 24);
    const double height = plane->top + plane->height + bottom;
    const char *title =
        shown->statistic->title != NULL ? shown->statistic->title : shown->statistic->name;
    PC_TRY(pc_buffer_print(out, err,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                           "width=\"%.0f\" height=\"%.0f\" role=\"img\" font-family=\"sans-serif\" "
                           "font-size=\"12\" fill=\"#222\">\n<title>",
                           width, height, width, height));
    PC_TRY(pc_markup_text(out, pc_span_of(title), err));
    PC_TRY(pc_buffer_print(out, err, "</title>\n"));
    PC_TRY(print_y_axis(plane, out, err));
    PC_TRY(print_legend(plane, name, series, out, err));
    PC_TRY(pc_figure_text(plane->left + plane->width / 2, height - 6, "middle",
                          pc_span_of(plane->x_name), out, err));
    return pc_figure_text(4, 14, "start", pc_span_of(plane->y_name), out, err);
}

pc_status pc_figure_print(const pc_shown *shown, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    switch (shown->statistic->kind) {
        case PC_STAT_ATTRITION:
            return pc_figure_flow(shown, out, err);
        case PC_STAT_SURVIVAL:
            return pc_figure_curve(shown, arena, out, err);
        case PC_STAT_COUNT:
        case PC_STAT_PREVALENCE:
        case PC_STAT_INCIDENCE:
            return pc_figure_points(shown, arena, out, err);
        default:
            return PC_OK;
    }
}
