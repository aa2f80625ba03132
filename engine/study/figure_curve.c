// Curves of survival or of cumulative incidence at the days that were asked for, with intervals.
#include <stdio.h>
#include "figure.h"

typedef struct curve_columns {
    int day, value, lower, upper;
    bool falls; ///< survival, from 1; else incidence, from 0
} curve_columns;

/** What of a table is drawn. */
typedef struct curves {
    const pc_shown *shown;
    curve_columns at;
    pc_plane plane;
    int series;
    pc_span name[PC_FIGURE_SERIES];
    bool has_groups; ///< the rows of all together are left out
} curves;

static bool number(const curves *c, int column, int64_t row, double *out)
{
    return pc_result_number(c->shown->result, c->shown->protect, column, row, out);
}

static bool is_drawn(const curves *c, int64_t row)
{
    return !c->has_groups || !pc_figure_is_all(c->shown, c->at.day, row);
}

/** Series, greatest day and value. False: there is nothing to draw, or too much. */
static pc_status look(curves *c, pc_arena *arena, bool *is_possible, pc_error *err)
{
    const pc_result *result = c->shown->result;
    pc_span last = {NULL, 0};
    double value = 0, day = 0;
    bool has_value = false;
    for (int64_t row = 0; row < result->row_count; row++)
        c->has_groups = c->has_groups || !pc_figure_is_all(c->shown, c->at.day, row);
    c->has_groups = c->has_groups && c->at.day > 0;
    *is_possible = false;
    for (int64_t row = 0; row < result->row_count; row++) {
        if (!is_drawn(c, row)) continue;
        const pc_span name = pc_figure_label(c->shown, 0, c->at.day, row, arena, err);
        if (name.data == NULL) return PC_NO_MEMORY;
        if (last.data == NULL || !pc_span_equal(name, last)) {
            if (c->series == PC_FIGURE_SERIES) return PC_OK;
            c->name[c->series++] = name;
        }
        last = name;
        if (number(c, c->at.day, row, &day) && day > c->plane.x_most) c->plane.x_most = day;
        if (number(c, c->at.value, row, &value)) has_value = true;
        if (number(c, c->at.upper, row, &value) && value > c->plane.y_most) c->plane.y_most = value;
        if (number(c, c->at.value, row, &value) && value > c->plane.y_most) c->plane.y_most = value;
    }
    *is_possible = has_value && c->plane.x_most > 0;
    return PC_OK;
}

static pc_status print_x_axis(const curves *c, pc_buffer *out, pc_error *err)
{
    double step = 0;
    (void)pc_figure_round(c->plane.x_most, &step);
    for (int i = 0; i * step <= c->plane.x_most * (1 + 1e-9); i++) {
        char mark[32];
        (void)snprintf(mark, sizeof mark, "%.6g", i * step);
        PC_TRY(pc_figure_text(pc_plane_x(&c->plane, i * step), c->plane.top + c->plane.height + 17,
                              "middle", pc_span_of(mark), out, err));
    }
    return PC_OK;
}

static double day_of(const curves *c, int64_t row)
{
    double day = 0;
    (void)number(c, c->at.day, row, &day);
    return day;
}

/** A line through what is known, from the first day on, for the eye: between two days that were
 *  asked for the curve may run otherwise. */
static pc_status print_line(const curves *c, int series, int64_t from, int64_t to, pc_buffer *out,
                            pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err,
                           "<path fill=\"none\" stroke=\"%s\" stroke-opacity=\".5\" "
                           "d=\"M%.2f %.2f",
                           pc_figure_colour(series), pc_plane_x(&c->plane, 0),
                           pc_plane_y(&c->plane, c->at.falls ? 1 : 0)));
    bool is_known = true;
    for (int64_t row = from; row < to; row++) {
        double value = 0;
        const bool was_known = is_known;
        is_known = number(c, c->at.value, row, &value);
        if (!is_known) continue;
        PC_TRY(pc_buffer_print(out, err, "%c%.2f %.2f", was_known ? 'L' : 'M',
                               pc_plane_x(&c->plane, day_of(c, row)),
                               pc_plane_y(&c->plane, value)));
    }
    return pc_buffer_print(out, err, "\"/>\n");
}

/** Rows `from` .. `to` - 1 as points with their intervals. */
static pc_status print_points(const curves *c, int series, int64_t from, int64_t to, pc_buffer *out,
                              pc_error *err)
{
    for (int64_t row = from; row < to; row++) {
        double value = 0, lower = 0, upper = 0;
        if (!number(c, c->at.value, row, &value)) continue;
        const double x = pc_plane_x(&c->plane, day_of(c, row));
        if (number(c, c->at.lower, row, &lower) && number(c, c->at.upper, row, &upper)) {
            PC_TRY(pc_buffer_print(out, err, "<path d=\"M%.2f %.2fV%.2f\" stroke=\"%s\"/>\n", x,
                                   pc_plane_y(&c->plane, lower), pc_plane_y(&c->plane, upper),
                                   pc_figure_colour(series)));
        }
        PC_TRY(pc_buffer_print(out, err, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\" fill=\"%s\"/>\n",
                               x, pc_plane_y(&c->plane, value), pc_figure_colour(series)));
    }
    return PC_OK;
}

static pc_status print_series(const curves *c, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    const int64_t rows = c->shown->result->row_count;
    int64_t from = 0;
    for (int series = 0; series < c->series; series++) {
        while (!is_drawn(c, from))
            from++;
        int64_t to = from;
        while (to < rows && is_drawn(c, to)) {
            const pc_span name = pc_figure_label(c->shown, 0, c->at.day, to, arena, err);
            if (name.data == NULL) return PC_NO_MEMORY;
            if (!pc_span_equal(name, c->name[series])) break;
            to++;
        }
        PC_TRY(print_line(c, series, from, to, out, err));
        PC_TRY(print_points(c, series, from, to, out, err));
        from = to;
    }
    return PC_OK;
}

pc_status pc_figure_curve(const pc_shown *shown, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    const int survival = pc_figure_column(shown, "survival");
    const bool falls = survival >= 0;
    curves c = {.shown = shown,
                .at = {.day = pc_figure_column(shown, "day"),
                       .value = falls ? survival : pc_figure_column(shown, "incidence"),
                       .lower = pc_figure_column(shown, "lower"),
                       .upper = pc_figure_column(shown, "upper"),
                       .falls = falls},
                .plane = {.left = 64,
                          .top = 28,
                          .width = 540,
                          .height = 300,
                          .y_most = falls ? 1 : 0,
                          .x_name = "days",
                          .y_name = falls ? "without the event" : "cumulative incidence"}};
    bool is_possible = false;
    PC_TRY(look(&c, arena, &is_possible, err));
    if (!is_possible || c.plane.y_most <= 0) return PC_OK;
    double step = 0;
    c.plane.y_most = pc_figure_round(c.plane.y_most, &step);
    PC_TRY(pc_plane_begin(shown, &c.plane, 48, c.name, c.series, out, err));
    PC_TRY(print_x_axis(&c, out, err));
    PC_TRY(print_series(&c, arena, out, err));
    return pc_buffer_print(out, err, "</svg>\n");
}
