// Values of groups side by side: the last column of `by` along the axis, the others as series.
// Shares and rates are points with their interval, counts are bars.
#include <stdio.h>
#include "figure.h"

typedef struct points {
    const pc_shown *shown;
    int keys; ///< columns of the group
    int value, lower, upper;
    pc_plane plane;
    int series, categories;
    pc_span name[PC_FIGURE_SERIES];
    pc_span category[PC_FIGURE_CATEGORIES];
} points;

enum { LABEL_CHARACTERS = 22, LABELS_ACROSS = 12, SHORT_LABEL = 9 };

static bool number(const points *p, int column, int64_t row, double *out)
{
    return column >= 0 && pc_result_number(p->shown->result, p->shown->protect, column, row, out);
}

/** The number of a text among those seen, which it joins; `most`: there are too many. */
static int place_of(pc_span text, pc_span *seen, int *count, int most)
{
    for (int i = 0; i < *count; i++) {
        if (pc_span_equal(seen[i], text)) return i;
    }
    if (*count == most) return most;
    seen[*count] = text;
    return (*count)++;
}

static pc_status place(points *p, int64_t row, pc_arena *arena, int *series, int *category,
                       pc_error *err)
{
    const pc_span name = pc_figure_label(p->shown, 0, p->keys - 1, row, arena, err);
    if (name.data == NULL) return PC_NO_MEMORY;
    const pc_span text = pc_figure_label(p->shown, p->keys - 1, p->keys, row, arena, err);
    if (text.data == NULL) return PC_NO_MEMORY;
    *series = place_of(name, p->name, &p->series, PC_FIGURE_SERIES);
    *category = place_of(text, p->category, &p->categories, PC_FIGURE_CATEGORIES);
    return PC_OK;
}

/** Categories in a reader's order: groups of the first series may lack some. */
static void sort_categories(points *p)
{
    for (int i = 1; i < p->categories; i++) {
        const pc_span text = p->category[i];
        int at = i;
        for (; at > 0 && pc_span_compare_natural(text, p->category[at - 1]) < 0; at--)
            p->category[at] = p->category[at - 1];
        p->category[at] = text;
    }
}

static pc_status look(points *p, pc_arena *arena, bool *is_possible, pc_error *err)
{
    *is_possible = false;
    for (int64_t row = 0; row < p->shown->result->row_count; row++) {
        int series = 0, category = 0;
        double value = 0;
        if (pc_figure_is_all(p->shown, p->keys, row)) continue;
        PC_TRY(place(p, row, arena, &series, &category, err));
        if (series == PC_FIGURE_SERIES || category == PC_FIGURE_CATEGORIES) return PC_OK;
        if (number(p, p->value, row, &value) && value > p->plane.y_most) p->plane.y_most = value;
        if (number(p, p->upper, row, &value) && value > p->plane.y_most) p->plane.y_most = value;
    }
    sort_categories(p);
    *is_possible = p->plane.y_most > 0;
    return PC_OK;
}

static int characters(pc_span text)
{
    int count = 0;
    for (size_t at = 0; at < text.bytes; count++) {
        const size_t one = pc_utf8_character((pc_span){text.data + at, text.bytes - at});
        at += one == 0 ? 1 : one;
    }
    return count;
}

static int longest_label(const points *p)
{
    int longest = 0;
    for (int i = 0; i < p->categories; i++) {
        const int length = characters(p->category[i]);
        if (length > longest) longest = length;
    }
    return longest < LABEL_CHARACTERS ? longest : LABEL_CHARACTERS;
}

/** Labels stand slanted when they would not fit beside each other. */
static bool is_slanted(const points *p)
{
    return p->categories > LABELS_ACROSS || (p->categories > 4 && longest_label(p) > SHORT_LABEL);
}

static pc_status print_labels(const points *p, pc_buffer *out, pc_error *err)
{
    const double y = p->plane.top + p->plane.height + 16;
    for (int i = 0; i < p->categories; i++) {
        const double x = pc_plane_x(&p->plane, i + 0.5);
        size_t bytes = 0;
        for (int k = 0; k < LABEL_CHARACTERS && bytes < p->category[i].bytes; k++) {
            const size_t one = pc_utf8_character(
                (pc_span){p->category[i].data + bytes, p->category[i].bytes - bytes});
            bytes += one == 0 ? 1 : one;
        }
        const pc_span text = {p->category[i].data, bytes};
        if (!is_slanted(p)) {
            PC_TRY(pc_figure_text(x, y, "middle", text, out, err));
            continue;
        }
        PC_TRY(pc_buffer_print(out, err, "<g transform=\"translate(%.1f %.1f) rotate(-45)\">",
                               x + 4, y - 4));
        PC_TRY(pc_figure_text(0, 0, "end", text, out, err));
        PC_TRY(pc_buffer_print(out, err, "</g>\n"));
    }
    return PC_OK;
}

static pc_status print_point(const points *p, int64_t row, int series, int category, pc_buffer *out,
                             pc_error *err)
{
    const double room = p->plane.width / p->categories * 0.8 / p->series;
    const double x =
        pc_plane_x(&p->plane, category + 0.5) + room * (series - (p->series - 1) / 2.0);
    double value = 0, lower = 0, upper = 0;
    const char *colour = pc_figure_colour(series);
    if (!number(p, p->value, row, &value)) return PC_OK;
    const double y = pc_plane_y(&p->plane, value), zero = pc_plane_y(&p->plane, 0);
    if (p->lower < 0) {
        return pc_buffer_print(out, err,
                               "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
                               "fill=\"%s\"/>\n",
                               x - room / 2, y, room, zero - y, colour);
    }
    if (number(p, p->lower, row, &lower) && number(p, p->upper, row, &upper)) {
        PC_TRY(pc_buffer_print(out, err, "<path d=\"M%.2f %.2fV%.2f\" stroke=\"%s\"/>\n", x,
                               pc_plane_y(&p->plane, lower), pc_plane_y(&p->plane, upper), colour));
    }
    return pc_buffer_print(out, err, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"2.6\" fill=\"%s\"/>\n", x,
                           y, colour);
}

static int first_of(const pc_shown *shown, const char *const *name, int count)
{
    for (int i = 0; i < count; i++) {
        const int column = pc_figure_column(shown, name[i]);
        if (column >= 0) return column;
    }
    return -1;
}

pc_status pc_figure_points(const pc_shown *shown, pc_arena *arena, pc_buffer *out, pc_error *err)
{
    // The first column behind the group, and what is drawn, by kind of statistic.
    static const char *const behind[] = {"records", "outcomes", "patients"};
    static const char *const value[] = {"share", "rate", "patients"};
    points p = {.shown = shown,
                .value = first_of(shown, value, 3),
                .lower = pc_figure_column(shown, "lower"),
                .upper = pc_figure_column(shown, "upper"),
                .plane = {.left = 70, .top = 28, .width = 600, .height = 300}};
    const bool is_rate = shown->statistic->kind == PC_STAT_INCIDENCE;
    p.keys = first_of(shown, behind, shown->statistic->kind == PC_STAT_PREVALENCE ? 0 : 2);
    if (p.keys < 0) p.keys = pc_figure_column(shown, "patients");
    if (p.keys < 1 || p.value < 0) return PC_OK;
    char rate[64];
    (void)snprintf(rate, sizeof rate, "per %.6g person-years", shown->statistic->rate_per);
    p.plane.x_name = shown->result->schema.field[p.keys - 1].name;
    p.plane.y_name = is_rate ? rate : shown->result->schema.field[p.value].name;
    bool is_possible = false;
    PC_TRY(look(&p, arena, &is_possible, err));
    if (!is_possible) return PC_OK;
    double step = 0;
    p.plane.y_most = pc_figure_round(p.plane.y_most, &step);
    p.plane.x_most = p.categories;
    PC_TRY(pc_plane_begin(shown, &p.plane, is_slanted(&p) ? 44 + 5 * longest_label(&p) : 48, p.name,
                          p.series, out, err));
    PC_TRY(print_labels(&p, out, err));
    for (int64_t row = 0; row < shown->result->row_count; row++) {
        int series = 0, category = 0;
        if (pc_figure_is_all(shown, p.keys, row)) continue;
        PC_TRY(place(&p, row, arena, &series, &category, err));
        PC_TRY(print_point(&p, row, series, category, out, err));
    }
    return pc_buffer_print(out, err, "</svg>\n");
}
