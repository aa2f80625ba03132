/** parcours report: what a delivery brought, from the JSON that its ingest wrote. */
#include "report.h"
#include <stdio.h>
#include <unistd.h>
#include "parcours/cli.h"

enum { PATH_BYTES = 4096, MOST_DELIVERIES = 10000, MOST_WARNINGS = 5 };

static int64_t number_of(const pc_json *object, const char *key)
{
    int64_t number = 0;
    const pc_json *value = pc_json_get(object, key);
    return value != NULL && pc_json_int(value, &number) ? number : 0;
}

static pc_status print_value(const pc_json *value, pc_buffer *out, pc_error *err)
{
    int64_t number = 0;
    if (pc_json_int(value, &number)) return pc_buffer_print(out, err, "%lld", (long long)number);
    const char *text = pc_json_text(value);
    return pc_buffer_print(out, err, "%s", text == NULL ? "?" : text);
}

// "label: name count, name count" of what is not zero; columns beyond a few are only counted.
static pc_status print_list(const char *label, const pc_json *list, int most, pc_buffer *out,
                            pc_error *err)
{
    int shown = 0;
    int left = 0;
    for (const pc_json *v = list == NULL ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v)) {
        int64_t number = 1; // a text stands for a small count
        (void)pc_json_int(v, &number);
        if (number == 0) continue;
        if (shown == most) {
            left++;
            continue;
        }
        if (shown == 0) PC_TRY(pc_buffer_print(out, err, "    %s: ", label));
        PC_TRY(pc_buffer_print(out, err, "%s%s ", shown == 0 ? "" : ", ", pc_json_key(v)));
        PC_TRY(print_value(v, out, err));
        shown++;
    }
    if (left > 0) PC_TRY(pc_buffer_print(out, err, " and %d more", left));
    return shown == 0 ? PC_OK : pc_buffer_print(out, err, "\n");
}

// Columns that some files have and others lack; those that no file has are only counted.
static pc_status print_missing(const pc_json *table, pc_buffer *out, pc_error *err)
{
    const pc_json *missing = pc_json_get(table, "columns_missing");
    const pc_json *files = pc_json_get(table, "files");
    const int file_count = files == NULL ? 0 : pc_json_count(files);
    int absent = 0;
    int shown = 0;
    for (const pc_json *v = missing == NULL ? NULL : pc_json_first(missing); v != NULL;
         v = pc_json_next(v)) {
        int64_t count = 0;
        (void)pc_json_int(v, &count);
        absent += count == file_count;
        if (count == file_count || shown == MOST_WARNINGS) continue;
        PC_TRY(pc_buffer_print(out, err, "%s%s (%lld of %d files)",
                               shown++ == 0 ? "    columns that files lack: " : ", ",
                               pc_json_key(v), (long long)count, file_count));
    }
    if (shown > 0) PC_TRY(pc_buffer_print(out, err, "\n"));
    if (absent == 0) return PC_OK;
    return pc_buffer_print(out, err, "    columns that no file has: %d\n", absent);
}

// "flow 2019-02 to 2021-12" of the months that have rows.
static pc_status print_months(const char *before, const char *label, const pc_json *months,
                              pc_buffer *out, pc_error *err)
{
    const pc_json *first = months == NULL ? NULL : pc_json_first(months);
    const pc_json *last = first;
    for (const pc_json *v = first; v != NULL; v = pc_json_next(v))
        last = v;
    if (first == NULL) return PC_OK;
    return pc_buffer_print(out, err, "%s%s %s to %s", before, label, pc_json_key(first),
                           pc_json_key(last));
}

static pc_status print_table(const pc_json *table, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(
        out, err, "%-18s %12lld %12lld %10lld %10lld %10lld\n", pc_json_key(table),
        (long long)number_of(table, "rows_read"), (long long)number_of(table, "rows_stored"),
        (long long)number_of(table, "rows_rejected"), (long long)number_of(table, "rows_orphan"),
        (long long)number_of(table, "key_conflict")));
    PC_TRY(print_list("rejected", pc_json_get(table, "rejects"), INT32_MAX, out, err));
    PC_TRY(print_list("columns unknown to the model, by files",
                      pc_json_get(table, "columns_unknown"), MOST_WARNINGS, out, err));
    PC_TRY(print_missing(table, out, err));
    PC_TRY(print_list("values outside their nomenclature",
                      pc_json_get(table, "outside_nomenclature"), MOST_WARNINGS, out, err));
    const pc_json *flow = pc_json_get(table, "flow_months");
    const pc_json *care = pc_json_get(table, "care_months");
    const bool has_flow = flow != NULL && pc_json_count(flow) > 0;
    if (!has_flow && (care == NULL || pc_json_count(care) == 0)) return PC_OK;
    PC_TRY(print_months("    ", "flow", flow, out, err));
    PC_TRY(print_months(has_flow ? ", " : "    ", "care", care, out, err));
    return pc_buffer_print(out, err, "\n");
}

pc_status pc_report_text(const pc_json *report, pc_buffer *out, pc_error *err)
{
    const pc_json *tables = pc_json_get(report, "tables");
    const char *model = pc_json_text(pc_json_get(report, "model"));
    PC_TRY(pc_buffer_print(out, err, "delivery %lld by model %s: %lld files, %.1f MiB\n\n",
                           (long long)number_of(report, "delivery"), model == NULL ? "?" : model,
                           (long long)number_of(report, "files"),
                           (double)number_of(report, "bytes") / (1024 * 1024)));
    PC_TRY(pc_buffer_print(out, err, "%-18s %12s %12s %10s %10s %10s\n", "table", "read", "stored",
                           "rejected", "orphans", "conflicts"));
    for (const pc_json *t = tables == NULL ? NULL : pc_json_first(tables); t != NULL;
         t = pc_json_next(t)) {
        PC_TRY(print_table(t, out, err));
    }
    return PC_OK;
}

// ---- the command ------------------------------------------------------------------------------

static bool make_path(const char *store, int64_t delivery, char path[PATH_BYTES])
{
    const int bytes =
        snprintf(path, PATH_BYTES, "%s/reports/%04lld.json", store, (long long)delivery);
    return bytes > 0 && bytes < PATH_BYTES && access(path, F_OK) == 0;
}

static pc_status copy_file(const char *path, pc_buffer *out, pc_error *err)
{
    char piece[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PC_FAIL(err, PC_IO, "'%s': cannot be opened", path);
    pc_status status = PC_OK;
    for (size_t got = 1; got > 0 && status == PC_OK;) {
        got = fread(piece, 1, sizeof piece, file);
        status = pc_buffer_append(out, piece, got, err);
    }
    (void)fclose(file);
    return status;
}

pc_status pc_report_read(const char *store, int64_t delivery, bool as_json, pc_buffer *out,
                         pc_error *err)
{
    char path[PATH_BYTES];
    if (delivery < 0) {
        for (int64_t next = 0; next < MOST_DELIVERIES && make_path(store, next, path); next++)
            delivery = next;
    }
    if (delivery < 0 || !make_path(store, delivery, path)) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "'%s' has no report of %s: expected a store, made by 'ingest'", store,
                       delivery < 0 ? "a delivery" : "that delivery");
    }
    if (as_json) return copy_file(path, out, err);
    pc_json *json = NULL;
    PC_TRY(pc_json_read(path, &json, err));
    const pc_status status = pc_report_text(json, out, err);
    pc_json_free(json);
    return status;
}

// Names of a list that pass, behind a colon; nothing when there are none.
static pc_status warn_list(const char *table, const char *what, const pc_json *list, int64_t least,
                           pc_buffer *out, pc_error *err)
{
    int shown = 0;
    for (const pc_json *v = list == NULL ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v)) {
        int64_t number = least; // a text stands for a small count
        (void)pc_json_int(v, &number);
        if (number < least) continue;
        if (shown++ == 0) PC_TRY(pc_buffer_print(out, err, "warning: %s: %s:", table, what));
        PC_TRY(pc_buffer_print(out, err, " %s", pc_json_key(v)));
    }
    return shown == 0 ? PC_OK : pc_buffer_print(out, err, "\n");
}

static pc_status warn_delivery(const pc_json *report, pc_buffer *out, pc_error *err)
{
    const pc_json *tables = pc_json_get(report, "tables");
    for (const pc_json *t = tables == NULL ? NULL : pc_json_first(tables); t != NULL;
         t = pc_json_next(t)) {
        const pc_json *files = pc_json_get(t, "files");
        const int64_t file_count = files == NULL ? 0 : pc_json_count(files);
        PC_TRY(warn_list(pc_json_key(t), "columns that no file has",
                         pc_json_get(t, "columns_missing"), file_count, out, err));
        PC_TRY(warn_list(pc_json_key(t), "values outside their nomenclature",
                         pc_json_get(t, "outside_nomenclature"), 1, out, err));
    }
    return PC_OK;
}

pc_status pc_report_warnings(const char *store, pc_buffer *out, pc_error *err)
{
    char path[PATH_BYTES];
    for (int64_t next = 0; next < MOST_DELIVERIES && make_path(store, next, path); next++) {
        pc_json *json = NULL;
        PC_TRY(pc_json_read(path, &json, err));
        const pc_status status = warn_delivery(json, out, err);
        pc_json_free(json);
        if (status != PC_OK) return status;
    }
    return PC_OK;
}

static const pc_option option[] = {
    {"delivery", "N", "which one, from 0 (the newest)", false},
    {"json", NULL, "the whole report, as JSON", false},
};

static pc_status tell(pc_cli *cli, pc_buffer *text, pc_error *err)
{
    int64_t delivery = -1;
    if (pc_cli_has(cli, "delivery")) PC_TRY(pc_cli_int(cli, "delivery", 0, &delivery, err));
    PC_TRY(pc_report_read(cli->operand[0], delivery, pc_cli_has(cli, "json"), text, err));
    return pc_cli_write(cli, (pc_span){text->data, text->bytes}, err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_status status = PC_OK;
    if (pc_comm_rank(cli->comm) == 0) { // one reader is enough
        pc_buffer text = {.budget = &cli->budget};
        status = tell(cli, &text, err);
        pc_buffer_release(&text);
    }
    return pc_comm_agree(cli->comm, status, err);
}

const pc_command pc_command_report = {
    .name = "report",
    .summary = "says what a delivery brought",
    .operands = "STORE",
    .detail =
        "Rows read, stored and rejected by reason, columns that are new or missing, orphans,\n"
        "keys of several rows, months of flow and care, values outside their nomenclature.\n"
        "The whole report, with nulls of each column, is STORE/reports/NNNN.json and .html.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
