// release/report.html: what a run may show, in one file. Each table with its figure, which is also
// a file of its own.
#include <string.h>
#include "figure.h"
#include "output.h"

enum { MOST_ROWS = 2000 }; // of a table on the page; its file has all

static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
    "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:62em;padding:0 1em;color:#222}\n"
    "table{border-collapse:collapse;margin:.8em 0;font-size:14px}\n"
    "th,td{padding:.15em .7em;border-bottom:1px solid #ddd;text-align:left}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.s{text-align:right;color:#999}"
    "\n"
    "h2{margin-top:2em;border-top:2px solid #888;padding-top:.4em}svg{max-width:100%;height:auto}\n"
    ".warn{background:#fff3e0;border-left:4px solid #d55e00;padding:.5em 1em}\n"
    ".small{color:#666;font-size:13px}\n</style>\n";

static const char *title_of(const pc_statistic *statistic)
{
    return statistic->title != NULL ? statistic->title : statistic->name;
}

static bool is_number(const pc_result *result, int column)
{
    const pc_type type = result->column[column].type;
    return type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT;
}

static pc_status print_row(const pc_shown *shown, int64_t row, pc_buffer *out, pc_error *err)
{
    const pc_result *result = shown->result;
    PC_TRY(pc_buffer_print(out, err, "<tr>"));
    for (int i = 0; i < result->schema.field_count; i++) {
        char room[PC_CELL_TEXT_BYTES];
        double value = 0;
        const pc_span text = pc_result_text(result, shown->protect, i, row, room);
        const bool is_hidden = is_number(result, i) && text.bytes == 1 && text.data[0] == 's';
        PC_TRY(pc_buffer_print(out, err,
                               is_hidden              ? "<td class=\"s\">"
                               : is_number(result, i) ? "<td class=\"n\">"
                                                      : "<td>"));
        // For the eye: six digits; the file has twelve.
        if (result->column[i].type == PC_FLOAT &&
            pc_result_number(result, shown->protect, i, row, &value)) {
            PC_TRY(pc_buffer_print(out, err, "%.6g", value));
        } else {
            PC_TRY(pc_markup_text(out, text, err));
        }
        PC_TRY(pc_buffer_print(out, err, "</td>"));
    }
    return pc_buffer_print(out, err, "</tr>\n");
}

static pc_status print_table(const pc_shown *shown, pc_buffer *out, pc_error *err)
{
    const pc_result *result = shown->result;
    const int64_t rows = result->row_count < MOST_ROWS ? result->row_count : MOST_ROWS;
    PC_TRY(pc_buffer_print(out, err, "<table>\n<tr>"));
    for (int i = 0; i < result->schema.field_count; i++) {
        PC_TRY(pc_buffer_print(out, err, is_number(result, i) ? "<th class=\"n\">" : "<th>"));
        PC_TRY(pc_markup_text(out, pc_span_of(result->schema.field[i].name), err));
        PC_TRY(pc_buffer_print(out, err, "</th>"));
    }
    PC_TRY(pc_buffer_print(out, err, "</tr>\n"));
    for (int64_t row = 0; row < rows; row++)
        PC_TRY(print_row(shown, row, out, err));
    PC_TRY(pc_buffer_print(out, err, "</table>\n"));
    if (rows == result->row_count) return PC_OK;
    return pc_buffer_print(out, err, "<p class=\"small\">%lld of %lld rows.</p>\n", (long long)rows,
                           (long long)result->row_count);
}

static pc_status print_section(const pc_output *output, const pc_shown *shown, pc_span figure,
                               pc_buffer *out, pc_error *err)
{
    const pc_statistic *statistic = shown->statistic;
    const char *ending = pc_output_ending(output, ".csv", ".incomplete.csv");
    PC_TRY(pc_buffer_print(out, err, "<h2 id=\"%s\">", statistic->name));
    PC_TRY(pc_markup_text(out, pc_span_of(title_of(statistic)), err));
    PC_TRY(pc_buffer_print(out, err, "</h2>\n"));
    PC_TRY(pc_buffer_append(out, figure.data, figure.bytes, err));
    PC_TRY(print_table(shown, out, err));
    return pc_buffer_print(out, err, "<p class=\"small\"><a href=\"%s%s\">%s%s</a></p>\n",
                           statistic->name, ending, statistic->name, ending);
}

static pc_status put_figure(pc_output *output, const pc_statistic *statistic, pc_span figure,
                            pc_arena *arena, pc_error *err)
{
    if (figure.bytes == 0) return PC_OK;
    return pc_output_text(output, "release", statistic->name,
                          pc_output_ending(output, ".svg", ".incomplete.svg"), figure, 0644, arena,
                          err);
}

pc_status pc_page_add(pc_output *output, const pc_statistic *statistic, const pc_result *release,
                      const pc_result *control, pc_arena *arena, pc_error *err)
{
    const bool protect = !output->options->unprotected;
    const pc_shown shown = {
        .statistic = statistic, .result = protect ? release : control, .protect = protect};
    pc_buffer figure = {.budget = arena->budget};
    pc_status status = pc_figure_print(&shown, arena, &figure, err);
    const pc_span drawn = {figure.data, figure.bytes};
    if (status == PC_OK) status = put_figure(output, statistic, drawn, arena, err);
    if (status == PC_OK) status = print_section(output, &shown, drawn, &output->page, err);
    pc_buffer_release(&figure);
    return status;
}

static pc_status print_warnings(const pc_output *output, pc_buffer *out, pc_error *err)
{
    if (output->options->unprotected) {
        PC_TRY(pc_buffer_print(out, err,
                               "<p class=\"warn\">Made with --unprotected: true counts, which may "
                               "not leave.</p>\n"));
    }
    if (output->lost->count > 0) {
        PC_TRY(pc_buffer_print(out, err,
                               "<p class=\"warn\">Incomplete: whoever is in the shards that could "
                               "not be read is missing here. Of %lld shards these: ",
                               (long long)output->lost->shard_count));
        PC_TRY(pc_lost_print(output->lost, out, err));
        PC_TRY(pc_buffer_print(out, err, ".</p>\n"));
    }
    return PC_OK;
}

static pc_status print_head(const pc_output *output, pc_buffer *out, pc_error *err)
{
    const pc_study *study = &output->session->study;
    const pc_span title = pc_span_of(study->title == NULL ? study->name : study->title);
    PC_TRY(pc_buffer_append(out, HEAD, strlen(HEAD), err));
    PC_TRY(pc_buffer_print(out, err, "<title>"));
    PC_TRY(pc_markup_text(out, title, err));
    PC_TRY(pc_buffer_print(out, err, "</title>\n<h1>"));
    PC_TRY(pc_markup_text(out, title, err));
    PC_TRY(pc_buffer_print(out, err, "</h1>\n"));
    PC_TRY(print_warnings(output, out, err));
    if (!output->options->unprotected) {
        PC_TRY(pc_buffer_print(out, err,
                               "<p>s: the number stands for 1 to %d people and is not shown; in "
                               "figures it is a gap.</p>\n",
                               PC_MIN_PATIENTS - 1));
    }
    PC_TRY(pc_buffer_print(out, err, "<ul>\n"));
    for (int i = 0; i < study->statistic_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "<li><a href=\"#%s\">", study->statistic[i].name));
        PC_TRY(pc_markup_text(out, pc_span_of(title_of(&study->statistic[i])), err));
        PC_TRY(pc_buffer_print(out, err, "</a></li>\n"));
    }
    return pc_buffer_print(out, err, "</ul>\n");
}

pc_status pc_page_end(pc_output *output, pc_arena *arena, pc_error *err)
{
    pc_buffer text = {.budget = arena->budget};
    pc_status status = print_head(output, &text, err);
    if (status == PC_OK) {
        status = pc_buffer_append(&text, output->page.data, output->page.bytes, err);
    }
    if (status == PC_OK) {
        // Nothing of the store: with other shards it has another id, and the page the same bytes.
        status = pc_buffer_print(&text, err, "<p class=\"small\">Study %s, parcours %s.</p>\n",
                                 output->study_hash, PC_VERSION);
    }
    if (status == PC_OK) {
        status = pc_output_text(output, "release", "report",
                                pc_output_ending(output, ".html", ".incomplete.html"),
                                (pc_span){text.data, text.bytes}, 0644, arena, err);
    }
    pc_buffer_release(&text);
    return status;
}
