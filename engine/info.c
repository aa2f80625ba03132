/** parcours info: what a store holds. Counts of tables and files, never of patients' values. */
#include <string.h>
#include "info.h"
#include "report.h"

static const pc_option option[] = {
    {"json", NULL, "everything, as JSON", false},
    {"columns", NULL, "also lists the columns of each table", false},
};

static pc_status print_size(pc_buffer *out, int64_t bytes, pc_error *err)
{
    static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t power = 0;
    while (value >= 1024 && power + 1 < sizeof unit / sizeof unit[0]) {
        value /= 1024;
        power++;
    }
    return pc_buffer_print(out, err, power == 0 ? "%.0f %s" : "%.1f %s", value, unit[power]);
}

static pc_status print_head(const pc_info *info, pc_buffer *out, pc_error *err)
{
    char first[16];
    char last[16];
    PC_TRY(pc_buffer_print(out, err, "store     %s\nid        %s\nmodel     %s %s\nshards    %d\n",
                           info->path, pc_store_id(info->store), info->model->name,
                           info->model->version, pc_store_shard_count(info->store)));
    if (info->first_day <= info->last_day) {
        (void)pc_day_format(info->first_day, first);
        (void)pc_day_format(info->last_day, last);
        PC_TRY(pc_buffer_print(out, err, "period    %s to %s\n", first, last));
    }
    PC_TRY(pc_buffer_print(out, err, "patients  %lld\nsize      ", (long long)info->patients));
    PC_TRY(print_size(out, info->stored_bytes, err));
    if (info->delivered_bytes > 0) {
        PC_TRY(pc_buffer_print(out, err, ", from "));
        PC_TRY(print_size(out, info->delivered_bytes, err));
        PC_TRY(pc_buffer_print(out, err, " of files (1 to %.1f)",
                               info->stored_bytes > 0
                                   ? (double)info->delivered_bytes / (double)info->stored_bytes
                                   : 0.0));
    }
    return pc_buffer_print(out, err, "\n\n");
}

static pc_status print_tables(const pc_info *info, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "%-14s %14s %14s %12s %12s %8s\n", "table", "rows read",
                           "rows stored", "rejected", "orphan", "columns"));
    for (int i = 0; i < info->table_count; i++) {
        const pc_info_table *t = &info->table[i];
        PC_TRY(pc_buffer_print(out, err, "%-14s %14lld %14lld %12lld %12lld %8d\n", t->table->name,
                               (long long)t->rows_read, (long long)t->rows_stored,
                               (long long)t->rows_rejected, (long long)t->rows_orphan,
                               t->table->column_count));
    }
    return PC_OK;
}

static pc_status print_columns(const pc_info *info, pc_buffer *out, pc_error *err)
{
    for (int i = 0; i < info->table_count; i++) {
        const pc_model_table *table = info->table[i].table;
        PC_TRY(pc_buffer_print(out, err, "\n%s\n", table->name));
        for (int k = 0; k < table->column_count; k++) {
            const pc_model_column *c = &table->column[k];
            char type[32];
            pc_info_type(c, type);
            PC_TRY(pc_buffer_print(out, err, "  %-22s %-12s %s%s%s\n", c->name, type,
                                   pc_class_name(c->class_of), c->label == NULL ? "" : "  ",
                                   c->label == NULL ? "" : c->label));
        }
    }
    return PC_OK;
}

static pc_status print_reasons(const pc_info_table *t, pc_buffer *out, pc_error *err)
{
    if (t->rows_rejected == 0) return PC_OK;
    PC_TRY(pc_buffer_print(out, err, "warning: %s: %lld rows rejected", t->table->name,
                           (long long)t->rows_rejected));
    const char *mark = ": ";
    for (const pc_json *v = t->rejects == NULL ? NULL : pc_json_first(t->rejects); v != NULL;
         v = pc_json_next(v)) {
        int64_t count = 0;
        (void)pc_json_int(v, &count);
        PC_TRY(pc_buffer_print(out, err, "%s%s %lld", mark, pc_json_key(v), (long long)count));
        mark = ", ";
    }
    return pc_buffer_print(out, err, "\n");
}

static pc_status print_warnings(const pc_info *info, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "\n"));
    for (int i = 0; i < info->table_count; i++) {
        PC_TRY(print_reasons(&info->table[i], out, err));
    }
    PC_TRY(pc_report_warnings(info->path, out, err));
    for (const pc_json *d = pc_json_first(info->deliveries); d != NULL; d = pc_json_next(d)) {
        const pc_json *files = pc_json_get(d, "files");
        for (const pc_json *f = files == NULL ? NULL : pc_json_first(files); f != NULL;
             f = pc_json_next(f)) {
            const pc_json *unknown = pc_json_get(f, "unknown_columns");
            const char *name = pc_json_text(pc_json_get(f, "name"));
            if (unknown == NULL || name == NULL) continue;
            PC_TRY(pc_buffer_print(out, err,
                                   "warning: %s: columns that the model does not know:", name));
            for (const pc_json *c = pc_json_first(unknown); c != NULL; c = pc_json_next(c)) {
                const char *text = pc_json_text(c);
                PC_TRY(pc_buffer_print(out, err, " %s", text == NULL ? "?" : text));
            }
            PC_TRY(pc_buffer_print(out, err, "\n"));
        }
    }
    return PC_OK;
}

static pc_status print_text(const pc_cli *cli, const pc_info *info, pc_buffer *out, pc_error *err)
{
    PC_TRY(print_head(info, out, err));
    PC_TRY(print_tables(info, out, err));
    if (pc_cli_has(cli, "columns")) PC_TRY(print_columns(info, out, err));
    return print_warnings(info, out, err);
}

static pc_status tell(pc_cli *cli, pc_store *store, pc_buffer *out, pc_error *err)
{
    pc_info info;
    PC_TRY(pc_info_gather(store, cli->operand[0], &cli->arena, &info, err));
    PC_TRY(pc_cli_has(cli, "json") ? pc_info_json(&info, out, err)
                                   : print_text(cli, &info, out, err));
    return pc_cli_write(cli, (pc_span){out->data, out->bytes}, err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_status status = PC_OK;
    if (pc_comm_rank(cli->comm) == 0) { // one reader is enough
        pc_store *store = NULL;
        pc_buffer text = {.budget = &cli->budget};
        status = pc_store_open(cli->operand[0], &cli->budget, &store, err);
        if (status == PC_OK) status = tell(cli, store, &text, err);
        pc_buffer_release(&text);
        pc_store_close(store);
    }
    return pc_comm_agree(cli->comm, status, err);
}

const pc_command pc_command_info = {
    .name = "info",
    .summary = "says what a store holds",
    .operands = "STORE",
    .detail =
        "Tables, rows read, stored and rejected, period, size, and warnings: rejects by reason,\n"
        "columns that the model does not know or no file has, values that no nomenclature has.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
