/** What a manifest and a model say of a store, and the same as JSON. */
#include <stdio.h>
#include <string.h>
#include "info.h"

static int64_t number_of(const pc_json *object, const char *key)
{
    const pc_json *value = pc_json_get(object, key);
    int64_t number = 0;
    if (value == NULL || !pc_json_int(value, &number)) return 0;
    return number;
}

static void add_files(const pc_json *delivery, pc_info *info)
{
    const pc_json *files = pc_json_get(delivery, "files");
    for (const pc_json *f = files == NULL ? NULL : pc_json_first(files); f != NULL;
         f = pc_json_next(f)) {
        const int64_t bytes = number_of(f, "bytes");
        const char *table = pc_json_text(pc_json_get(f, "table"));
        info->delivered_bytes += bytes;
        for (int i = 0; table != NULL && i < info->table_count; i++) {
            if (strcmp(info->table[i].table->name, table) == 0) {
                info->table[i].delivered_bytes += bytes;
            }
        }
    }
}

pc_status pc_info_gather(const pc_store *store, const char *path, pc_arena *arena, pc_info *out,
                         pc_error *err)
{
    const pc_model *model = pc_store_model(store);
    const pc_json *tables = pc_json_get(pc_store_manifest(store), "tables");
    *out = (pc_info){.path = path,
                     .store = store,
                     .model = model,
                     .deliveries = pc_json_get(pc_store_manifest(store), "deliveries"),
                     .patients = pc_store_table_rows(store, model->person_table)};
    if (tables == NULL || out->deliveries == NULL) {
        return PC_FAIL(err, PC_BAD_INPUT, "store '%s': its manifest has no tables or deliveries",
                       path);
    }
    out->table = pc_arena_array(arena, (size_t)model->table_count, sizeof *out->table, err);
    if (out->table == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < model->table_count; i++) {
        const pc_json *counts = pc_json_get(tables, model->table[i].name);
        if (counts == NULL) continue;
        out->table[out->table_count++] =
            (pc_info_table){.table = &model->table[i],
                            .rows_read = number_of(counts, "rows_read"),
                            .rows_stored = number_of(counts, "rows_stored"),
                            .rows_rejected = number_of(counts, "rows_rejected"),
                            .rows_orphan = number_of(counts, "rows_orphan"),
                            .patient_status = pc_json_get(counts, "patient_status"),
                            .rejects = pc_json_get(counts, "rejects")};
    }
    for (const pc_json *d = pc_json_first(out->deliveries); d != NULL; d = pc_json_next(d)) {
        add_files(d, out);
    }
    for (int shard = 0; shard < pc_store_shard_count(store); shard++) {
        out->stored_bytes += pc_store_shard_bytes(store, shard);
    }
    pc_store_period(store, &out->first_day, &out->last_day);
    return PC_OK;
}

void pc_info_type(const pc_model_column *column, char out[32])
{
    const char *name = pc_type_name(column->type);
    if (column->type == PC_DECIMAL || column->type == PC_ID) {
        const int size = column->type == PC_ID ? column->width : column->scale;
        (void)snprintf(out, 32, "%s(%d)", name, size);
    } else {
        (void)snprintf(out, 32, "%s", name);
    }
}

static pc_status json_counts(const char *key, const pc_json *counts, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, ",\"%s\":{", key));
    const char *mark = "";
    for (const pc_json *v = counts == NULL ? NULL : pc_json_first(counts); v != NULL;
         v = pc_json_next(v)) {
        int64_t count = 0;
        (void)pc_json_int(v, &count);
        PC_TRY(pc_buffer_print(out, err, "%s", mark));
        PC_TRY(pc_json_write_text(out, pc_span_of(pc_json_key(v)), err));
        PC_TRY(pc_buffer_print(out, err, ":%lld", (long long)count));
        mark = ",";
    }
    return pc_buffer_print(out, err, "}");
}

static pc_status json_columns(const pc_info *info, const pc_model_table *table, pc_buffer *out,
                              pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, ",\"columns\":["));
    for (int i = 0; i < table->column_count; i++) {
        const pc_model_column *c = &table->column[i];
        char type[32];
        pc_info_type(c, type);
        PC_TRY(pc_buffer_print(out, err, "%s\n{\"name\":", i == 0 ? "" : ","));
        PC_TRY(pc_json_write_text(out, pc_span_of(c->name), err));
        PC_TRY(pc_buffer_print(out, err, ",\"type\":\"%s\",\"class\":\"%s\"", type,
                               pc_class_name(c->class_of)));
        if (c->system >= 0) {
            PC_TRY(pc_buffer_print(out, err, ",\"system\":"));
            PC_TRY(pc_json_write_text(out, pc_span_of(info->model->system[c->system].name), err));
        }
        if (c->label != NULL) {
            PC_TRY(pc_buffer_print(out, err, ",\"label\":"));
            PC_TRY(pc_json_write_text(out, pc_span_of(c->label), err));
        }
        PC_TRY(pc_buffer_print(out, err, "}"));
    }
    return pc_buffer_print(out, err, "]}");
}

static pc_status json_table(const pc_info *info, const pc_info_table *t, pc_buffer *out,
                            pc_error *err)
{
    PC_TRY(pc_json_write_text(out, pc_span_of(t->table->name), err));
    PC_TRY(pc_buffer_print(out, err,
                           ":{\"rows_read\":%lld,\"rows_stored\":%lld,\"rows_rejected\":%lld,"
                           "\"rows_orphan\":%lld,\"delivered_bytes\":%lld",
                           (long long)t->rows_read, (long long)t->rows_stored,
                           (long long)t->rows_rejected, (long long)t->rows_orphan,
                           (long long)t->delivered_bytes));
    PC_TRY(json_counts("patient_status", t->patient_status, out, err));
    PC_TRY(json_counts("rejects", t->rejects, out, err));
    return json_columns(info, t->table, out, err);
}

static pc_status json_warnings(const pc_info *info, pc_buffer *out, pc_error *err)
{
    const char *mark = "";
    PC_TRY(pc_buffer_print(out, err, ",\n\"unknown_columns\":["));
    for (const pc_json *d = pc_json_first(info->deliveries); d != NULL; d = pc_json_next(d)) {
        const pc_json *files = pc_json_get(d, "files");
        for (const pc_json *f = files == NULL ? NULL : pc_json_first(files); f != NULL;
             f = pc_json_next(f)) {
            const pc_json *unknown = pc_json_get(f, "unknown_columns");
            const char *name = pc_json_text(pc_json_get(f, "name"));
            for (const pc_json *c = unknown == NULL ? NULL : pc_json_first(unknown);
                 c != NULL && name != NULL; c = pc_json_next(c)) {
                const char *text = pc_json_text(c);
                PC_TRY(pc_buffer_print(out, err, "%s\n{\"file\":", mark));
                PC_TRY(pc_json_write_text(out, pc_span_of(name), err));
                PC_TRY(pc_buffer_print(out, err, ",\"column\":"));
                PC_TRY(pc_json_write_text(out, pc_span_of(text == NULL ? "" : text), err));
                PC_TRY(pc_buffer_print(out, err, "}"));
                mark = ",";
            }
        }
    }
    return pc_buffer_print(out, err, "]");
}

pc_status pc_info_json(const pc_info *info, pc_buffer *out, pc_error *err)
{
    char day[16];
    PC_TRY(pc_buffer_print(out, err, "{\"store\":"));
    PC_TRY(pc_json_write_text(out, pc_span_of(info->path), err));
    PC_TRY(pc_buffer_print(out, err, ",\"id\":\"%s\",\"model\":", pc_store_id(info->store)));
    PC_TRY(pc_json_write_text(out, pc_span_of(info->model->name), err));
    PC_TRY(pc_buffer_print(out, err, ",\"model_version\":"));
    PC_TRY(pc_json_write_text(out, pc_span_of(info->model->version), err));
    PC_TRY(pc_buffer_print(out, err,
                           ",\"shards\":%d,\"patients\":%lld,\"stored_bytes\":%lld,"
                           "\"delivered_bytes\":%lld,\"period\":",
                           pc_store_shard_count(info->store), (long long)info->patients,
                           (long long)info->stored_bytes, (long long)info->delivered_bytes));
    if (info->first_day <= info->last_day) {
        (void)pc_day_format(info->first_day, day);
        PC_TRY(pc_buffer_print(out, err, "[\"%s\",", day));
        (void)pc_day_format(info->last_day, day);
        PC_TRY(pc_buffer_print(out, err, "\"%s\"]", day));
    } else {
        PC_TRY(pc_buffer_print(out, err, "null"));
    }
    PC_TRY(pc_buffer_print(out, err, ",\n\"tables\":{"));
    for (int i = 0; i < info->table_count; i++) {
        PC_TRY(pc_buffer_print(out, err, i == 0 ? "\n" : ",\n"));
        PC_TRY(json_table(info, &info->table[i], out, err));
    }
    PC_TRY(pc_buffer_print(out, err, "}"));
    PC_TRY(json_warnings(info, out, err));
    return pc_buffer_print(out, err, "}\n");
}
