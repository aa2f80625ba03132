/** The report of a delivery as one HTML page: a table of tables, then a section for each. */
#include <string.h>
#include "parcours/release.h"
#include "report.h"

static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Delivery "
    "report</title>\n"
    "<style>\nbody{font:15px/1.4 sans-serif;margin:2em auto;max-width:70em;color:#222}\n"
    "table{border-collapse:collapse;margin:.5em 0}th,td{padding:.15em .7em;text-align:right;"
    "border-bottom:1px solid #ddd}\nth:first-child,td:first-child{text-align:left}\n"
    "h2{margin-top:2em;border-top:2px solid #888}h3{margin-bottom:.2em}\n"
    ".bar{background:#47a;height:.8em;display:inline-block}\n</style>\n";

static int64_t number_of(const pc_json *object, const char *key)
{
    int64_t number = 0;
    const pc_json *value = pc_json_get(object, key);
    return value != NULL && pc_json_int(value, &number) ? number : 0;
}

static pc_status print_escaped(pc_buffer *out, const char *text, pc_error *err)
{
    return text == NULL ? PC_OK : pc_markup_text(out, pc_span_of(text), err);
}

static pc_status print_cell(pc_buffer *out, const char *text, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "<td>"));
    PC_TRY(print_escaped(out, text, err));
    return pc_buffer_print(out, err, "</td>");
}

static pc_status print_value(pc_buffer *out, const pc_json *value, pc_error *err)
{
    int64_t number = 0;
    if (!pc_json_int(value, &number)) return print_cell(out, pc_json_text(value), err);
    return pc_buffer_print(out, err, "<td>%lld</td>", (long long)number);
}

static int64_t largest(const pc_json *list)
{
    int64_t most = 1;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        int64_t number = 0;
        if (pc_json_int(v, &number) && number > most) most = number;
    }
    return most;
}

/** A table of names and counts; `of` > 0: with the share of so many rows; bars: of the largest. */
static pc_status print_counts(pc_buffer *out, const char *title, const pc_json *list, int64_t of,
                              bool bars, pc_error *err)
{
    if (list == NULL || pc_json_count(list) == 0) return PC_OK;
    const int64_t most = largest(list);
    PC_TRY(pc_buffer_print(out, err, "<h3>%s</h3>\n<table>\n", title));
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        int64_t number = 0;
        const bool is_number = pc_json_int(v, &number);
        PC_TRY(pc_buffer_print(out, err, "<tr>"));
        PC_TRY(print_cell(out, pc_json_key(v), err));
        PC_TRY(print_value(out, v, err));
        if (of > 0 && is_number) {
            PC_TRY(
                pc_buffer_print(out, err, "<td>%.2f %%</td>", 100.0 * (double)number / (double)of));
        }
        if (bars && is_number) {
            PC_TRY(pc_buffer_print(
                out, err,
                "<td style=\"text-align:left\"><span class=\"bar\" style=\"width:%.1fem\">"
                "</span></td>",
                30.0 * (double)number / (double)most));
        }
        PC_TRY(pc_buffer_print(out, err, "</tr>\n"));
    }
    return pc_buffer_print(out, err, "</table>\n");
}

static pc_status print_summary(pc_buffer *out, const pc_json *tables, pc_error *err)
{
    static const char *const column[] = {"rows_read", "rows_stored", "rows_rejected", "rows_orphan",
                                         "key_conflict"};
    PC_TRY(pc_buffer_print(out, err,
                           "<table>\n<tr><th>table</th><th>rows read</th><th>stored</th>"
                           "<th>rejected</th><th>orphans</th><th>of a key with other content</th>"
                           "</tr>\n"));
    for (const pc_json *t = pc_json_first(tables); t != NULL; t = pc_json_next(t)) {
        PC_TRY(pc_buffer_print(out, err, "<tr><td><a href=\"#"));
        PC_TRY(print_escaped(out, pc_json_key(t), err));
        PC_TRY(pc_buffer_print(out, err, "\">"));
        PC_TRY(print_escaped(out, pc_json_key(t), err));
        PC_TRY(pc_buffer_print(out, err, "</a></td>"));
        for (size_t i = 0; i < sizeof column / sizeof column[0]; i++) {
            PC_TRY(pc_buffer_print(out, err, "<td>%lld</td>", (long long)number_of(t, column[i])));
        }
        PC_TRY(pc_buffer_print(out, err, "</tr>\n"));
    }
    return pc_buffer_print(out, err, "</table>\n");
}

static pc_status print_table(pc_buffer *out, const pc_json *t, pc_error *err)
{
    const int64_t read = number_of(t, "rows_read");
    const int64_t stored = number_of(t, "rows_stored");
    PC_TRY(pc_buffer_print(out, err, "<h2 id=\""));
    PC_TRY(print_escaped(out, pc_json_key(t), err));
    PC_TRY(pc_buffer_print(out, err, "\">"));
    PC_TRY(print_escaped(out, pc_json_key(t), err));
    PC_TRY(pc_buffer_print(out, err, "</h2>\n"));
    PC_TRY(print_counts(out, "Rejected, by reason", pc_json_get(t, "rejects"), read, false, err));
    PC_TRY(print_counts(out, "Whose rows", pc_json_get(t, "patient_status"), stored, false, err));
    PC_TRY(print_counts(out, "Columns that the model does not know: files",
                        pc_json_get(t, "columns_unknown"), 0, false, err));
    PC_TRY(print_counts(out, "Columns of the model that files lack: files",
                        pc_json_get(t, "columns_missing"), 0, false, err));
    PC_TRY(print_counts(out, "Values outside their nomenclature: rows",
                        pc_json_get(t, "outside_nomenclature"), stored, false, err));
    PC_TRY(print_counts(out, "Rows that each rule leaves out", pc_json_get(t, "rules"), stored,
                        false, err));
    PC_TRY(print_counts(out, "Nulls", pc_json_get(t, "nulls"), stored, false, err));
    PC_TRY(print_counts(out, "Rows by month of flow", pc_json_get(t, "flow_months"), 0, true, err));
    return print_counts(out, "Rows by month of care", pc_json_get(t, "care_months"), 0, true, err);
}

pc_status pc_report_page(const pc_json *report, pc_buffer *out, pc_error *err)
{
    const pc_json *tables = pc_json_get(report, "tables");
    PC_TRY(pc_buffer_append(out, HEAD, strlen(HEAD), err));
    PC_TRY(pc_buffer_print(out, err, "<h1>Delivery %lld</h1>\n<p>Model ",
                           (long long)number_of(report, "delivery")));
    PC_TRY(print_escaped(out, pc_json_text(pc_json_get(report, "model")), err));
    PC_TRY(pc_buffer_print(out, err, " "));
    PC_TRY(print_escaped(out, pc_json_text(pc_json_get(report, "model_version")), err));
    PC_TRY(
        pc_buffer_print(out, err,
                        ", %lld files, %lld bytes. Counts of 1 to %d rows behind which there may "
                        "be few persons stand as %s.</p>\n",
                        (long long)number_of(report, "files"),
                        (long long)number_of(report, "bytes"), REPORT_SMALL, REPORT_FEW));
    if (tables == NULL) return PC_OK;
    PC_TRY(print_summary(out, tables, err));
    for (const pc_json *t = pc_json_first(tables); t != NULL; t = pc_json_next(t))
        PC_TRY(print_table(out, t, err));
    return PC_OK;
}
