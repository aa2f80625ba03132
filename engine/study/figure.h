/** @file figure.h
 *  Figures of released tables, as SVG: what they show is read from the cells that release/ has, a
 *  suppressed cell is a gap.
 */
#ifndef PC_FIGURE_H
#define PC_FIGURE_H
#include "parcours/release.h"
#include "study_def.h"

enum {
    PC_FIGURE_SERIES = 8,     ///< more groups than colours: no figure
    PC_FIGURE_CATEGORIES = 60 ///< more values on an axis than can be read: no figure
};

/** A table of a statistic, as it is shown. */
typedef struct pc_shown {
    const pc_statistic *statistic;
    const pc_result *result;
    bool protect; ///< small cells are suppressed
} pc_shown;

/** Appends the table's figure as one <svg>; nothing when the table has none: a flowchart of an
 *  attrition, curves of a survival, points or bars of counts, prevalences and incidences by group.
 *  Local. Cost: rows of the table. */
pc_status pc_figure_print(const pc_shown *shown, pc_arena *arena, pc_buffer *out,
                          pc_error *err) PC_MUST_CHECK;

// ---- for the kinds of figures -----------------------------------------------------------------

/** Colours of series that people with colour blindness tell apart (Okabe and Ito, 2008). */
const char *pc_figure_colour(int series);
/** The number of the column of that name, or -1. */
int pc_figure_column(const pc_shown *shown, const char *name);
/** Does the row stand for all records together. `keys`: so many columns tell the group. */
bool pc_figure_is_all(const pc_shown *shown, int keys, int64_t row);
/** The texts of columns `from` .. `to` - 1 of a row, with commas. Memory of `arena`; data NULL:
 * none left. */
pc_span pc_figure_label(const pc_shown *shown, int from, int to, int64_t row, pc_arena *arena,
                        pc_error *err);

/** A plane with axes. */
typedef struct pc_plane {
    double left, top, width, height; ///< of the plane, in pixels
    double x_most, y_most;           ///< values at the right and at the top; 0 is left and below
    const char *x_name, *y_name;
} pc_plane;
/** A round number that is at least `most` (but for rounding), and the step between about five marks
 * below it. */
double pc_figure_round(double most, double *step);
double pc_plane_x(const pc_plane *plane, double x);
double pc_plane_y(const pc_plane *plane, double y);
/** Opens the <svg>, draws marks of the y axis and names of both axes, and a legend when `series` is
 *  above 1. `bottom`: pixels below the plane. */
pc_status pc_plane_begin(const pc_shown *shown, const pc_plane *plane, double bottom,
                         const pc_span *name, int series, pc_buffer *out,
                         pc_error *err) PC_MUST_CHECK;
/** A text at a place. `anchor`: start, middle or end. */
pc_status pc_figure_text(double x, double y, const char *anchor, pc_span text, pc_buffer *out,
                         pc_error *err) PC_MUST_CHECK;

pc_status pc_figure_flow(const pc_shown *shown, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
pc_status pc_figure_curve(const pc_shown *shown, pc_arena *arena, pc_buffer *out,
                          pc_error *err) PC_MUST_CHECK;
pc_status pc_figure_points(const pc_shown *shown, pc_arena *arena, pc_buffer *out,
                           pc_error *err) PC_MUST_CHECK;

#endif
