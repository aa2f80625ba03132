/** What makes a store visible: counts, the delivery's hash, and, last, the manifest. */
#include <stdlib.h>
#include <string.h>
#include "old.h"
#include "report.h"

static const char *const count_name[COUNT_STATUS] = {"rows_read", "rows_stored", "rows_rejected",
                                                     "rows_orphan", "key_conflict"};

static pc_status add_table(const ingest_job *job, int t, bool *is_first, pc_buffer *out,
                           pc_error *err)
{
    const int64_t *count = job->table[t].count;
    bool is_told = job->table[t].is_delivered || t == job->model->person_table;
    // Conflicts of pairs count in the first identity table, although another may have brought them.
    for (int i = 0; i < COUNT_END; i++)
        is_told = is_told || count[i] != 0;
    if (!is_told) return PC_OK;
    PC_TRY(pc_buffer_print(out, err, "%s\n", *is_first ? "" : ","));
    *is_first = false;
    PC_TRY(pc_json_write_text(out, pc_span_of(job->model->table[t].name), err));
    PC_TRY(pc_buffer_print(out, err, ":{"));
    for (int i = 0; i < COUNT_STATUS; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", i == 0 ? "" : ",", count_name[i],
                               (long long)count[i]));
    }
    const char *mark = ",\"patient_status\":{";
    for (int i = COUNT_STATUS; i < COUNT_REASON; i++) {
        if (count[i] == 0) continue;
        const pc_slot_kind kind = (pc_slot_kind)STATUS_KINDS[i - COUNT_STATUS];
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", mark, pc_slot_kind_name(kind),
                               (long long)count[i]));
        mark = ",";
    }
    if (strcmp(mark, ",") == 0) PC_TRY(pc_buffer_print(out, err, "}"));
    mark = ",\"rejects\":{";
    for (int i = COUNT_REASON; i < COUNT_END; i++) {
        if (count[i] == 0) continue;
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", mark,
                               pc_reject_name((pc_reject)(i - COUNT_REASON)), (long long)count[i]));
        mark = ",";
    }
    if (strcmp(mark, ",") == 0) PC_TRY(pc_buffer_print(out, err, "}"));
    return pc_buffer_print(out, err, "}");
}

static pc_status make_tables_json(const ingest_job *job, pc_buffer *out, pc_error *err)
{
    bool is_first = true;
    PC_TRY(pc_buffer_print(out, err, "{"));
    for (int t = 0; t < job->model->table_count; t++) {
        PC_TRY(add_table(job, t, &is_first, out, err));
    }
    return pc_buffer_print(out, err, "\n}");
}

// ---- the files --------------------------------------------------------------------------------

/** What was rejected of each file: sums over ranks. */
static void sum_files(ingest_job *job)
{
    enum { WORDS = sizeof(ingest_file) / sizeof(int64_t) };
    for (int t = 0; t < job->model->table_count; t++) {
        const pc_buffer *all = &job->table[t].rejected;
        const pc_rejected *rejected = (const pc_rejected *)(const void *)all->data;
        for (size_t i = 0; i < all->bytes / sizeof *rejected; i++) {
            const int file = pc_source_file(rejected[i].source) - job->file_base;
            job->file_count_of[file].reject[rejected[i].reason]++;
        }
    }
    for (int f = 0; f < job->file_count; f++) {
        pc_comm_sum_int64(job->comm, (int64_t *)(void *)&job->file_count_of[f], WORDS);
    }
}

// ---- the store --------------------------------------------------------------------------------

/** Parts of a store that is added to, old and new, and which of their slots are hidden. */
typedef struct part_list {
    pc_buffer part;          // pc_part_info
    pc_buffer hidden_offset; // int64_t [parts + 1]
    pc_buffer hidden;        // uint32_t
} part_list;

static pc_status end_part(part_list *list, pc_error *err)
{
    const int64_t count = (int64_t)(list->hidden.bytes / sizeof(uint32_t));
    return pc_buffer_append(&list->hidden_offset, &count, sizeof count, err);
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_part_slots(const void *a, const void *b)
{
    const pc_part_slot *x = a, *y = b;
    return x->part != y->part ? (x->part < y->part ? -1 : 1) : compare_numbers(&x->slot, &y->slot);
}

/** One part of the store, unless all its slots are hidden now.
 *  @param slot  [count] the slots of it that left */
static pc_status keep_part(const ingest_job *job, int64_t number, const pc_part_slot *slot,
                           int64_t count, part_list *list, pc_error *err)
{
    int64_t part_count, hidden_count;
    const pc_part_info *part = &pc_store_parts(job->old->store, &part_count)[number];
    const uint32_t *hidden = pc_store_hidden(job->old->store, number, &hidden_count);
    if (hidden_count + count >= part->slot_count) return PC_OK;
    const size_t first = list->hidden.bytes;
    PC_TRY(pc_buffer_append(&list->hidden, hidden, (size_t)hidden_count * sizeof *hidden, err));
    for (int64_t i = 0; i < count; i++) {
        PC_TRY(pc_buffer_append(&list->hidden, &slot[i].slot, sizeof slot[i].slot, err));
    }
    if (hidden_count + count > 0) {
        qsort(list->hidden.data + first, (size_t)(hidden_count + count), sizeof *hidden,
              compare_numbers);
    }
    PC_TRY(pc_buffer_append(&list->part, part, sizeof *part, err));
    return end_part(list, err);
}

/** @param left  pc_part_slot of all ranks */
static pc_status list_parts(const ingest_job *job, const pc_buffer *made, pc_buffer *left,
                            part_list *list, pc_error *err)
{
    int64_t old_count = 0;
    PC_TRY(end_part(list, err));
    pc_part_slot *slot = (pc_part_slot *)(void *)left->data;
    const int64_t count = (int64_t)(left->bytes / sizeof *slot);
    if (count > 0) qsort(slot, (size_t)count, sizeof *slot, compare_part_slots);
    if (job->old != NULL) (void)pc_store_parts(job->old->store, &old_count);
    for (int64_t part = 0, at = 0; part < old_count; part++) {
        const int64_t from = at;
        while (at < count && slot[at].part == part)
            at++;
        PC_TRY(keep_part(job, part, slot + from, at - from, list, err));
    }
    PC_TRY(pc_buffer_append(&list->part, made->data, made->bytes, err));
    for (size_t i = 0; i < made->bytes / sizeof(pc_part_info); i++)
        PC_TRY(end_part(list, err));
    return PC_OK;
}

/** The generations of the dictionaries; those that no part uses any more get empty maps. */
static pc_status set_generations(ingest_job *job, const part_list *list, pc_store_contents *out,
                                 pc_error *err)
{
    const size_t dicts = (size_t)job->model->dict_count;
    if (job->old == NULL) {
        pc_dict *dict = pc_arena_array(&job->arena, dicts, sizeof *dict, err);
        if (dict == NULL) return PC_NO_MEMORY;
        for (size_t d = 0; d < dicts; d++)
            dict[d] = *job->dict[d];
        out->dict = dict;
        out->generation_count = 1;
        return PC_OK;
    }
    pc_store_generations(job->old->store, out);
    const size_t maps = dicts * out->generation_count;
    uint32_t *count = pc_arena_array(&job->arena, maps + 1, sizeof *count, err);
    bool *is_used = pc_arena_array(&job->arena, out->generation_count, sizeof *is_used, err);
    if (count == NULL || is_used == NULL) return PC_NO_MEMORY;
    const pc_part_info *part = (const pc_part_info *)(const void *)list->part.data;
    for (size_t i = 0; i < list->part.bytes / sizeof *part; i++)
        is_used[part[i].generation] = true;
    for (size_t i = 0; i + dicts < maps; i++)
        count[i] = is_used[i / dicts] ? out->old_count[i] : 0;
    out->old_count = count;
    return PC_OK;
}

static pc_status write_store(ingest_job *job, const part_list *list, pc_store_contents *contents,
                             pc_error *err)
{
    pc_buffer tables = {.budget = job->budget}, deliveries = {.budget = job->budget};
    const size_t table_count = (size_t)job->model->table_count;
    pc_reference_rows *reference = pc_arena_array(&job->arena, table_count, sizeof *reference, err);
    if (reference == NULL) return PC_NO_MEMORY;
    int reference_count = 0;
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->column[t] == NULL) continue;
        reference[reference_count++] =
            (pc_reference_rows){t, job->reference_rows[t], job->column[t]};
    }
    pc_status status = make_tables_json(job, &tables, err);
    if (status == PC_OK) status = ingest_print_deliveries(job, &deliveries, err);
    const pc_manifest manifest = {.model = job->model,
                                  .shard_count = job->shard_count,
                                  .deliveries_json = {deliveries.data, deliveries.bytes},
                                  .tables_json = {tables.data, tables.bytes}};
    contents->manifest = &manifest;
    contents->edition = job->old == NULL ? 0 : pc_store_edition(job->old->store) + 1;
    contents->reference = reference;
    contents->reference_count = reference_count;
    contents->part = (const pc_part_info *)(const void *)list->part.data;
    contents->part_count = (int64_t)(list->part.bytes / sizeof(pc_part_info));
    contents->hidden_offset = (const int64_t *)(const void *)list->hidden_offset.data;
    contents->hidden = (const uint32_t *)(const void *)list->hidden.data;
    if (status == PC_OK) {
        status = pc_store_write(job->options->store, contents, job->budget, err);
    }
    pc_buffer_release(&tables);
    pc_buffer_release(&deliveries);
    return status;
}

static pc_status finish_store(ingest_job *job, const pc_buffer *made, pc_buffer *left,
                              pc_error *err)
{
    part_list list = {.part.budget = job->budget,
                      .hidden_offset.budget = job->budget,
                      .hidden.budget = job->budget};
    pc_store_contents contents = {0};
    pc_status status = list_parts(job, made, left, &list, err);
    if (status == PC_OK) status = set_generations(job, &list, &contents, err);
    if (status == PC_OK) status = write_store(job, &list, &contents, err);
    pc_buffer_release(&list.part);
    pc_buffer_release(&list.hidden_offset);
    pc_buffer_release(&list.hidden);
    return status;
}

static void log_tables(const ingest_job *job)
{
    for (int t = 0; t < job->model->table_count; t++) {
        const int64_t *count = job->table[t].count;
        // Reference tables are many and small: only what went wrong in them is told.
        const bool is_reference = job->model->table[t].path == PC_PATH_NONE;
        if (count[COUNT_READ] == 0 || (is_reference && count[COUNT_REJECTED] == 0)) continue;
        pc_log_line(job->log, PC_INFO, "ingest_table",
                    "table=%s rows_read=%lld rows_stored=%lld rows_rejected=%lld rows_orphan=%lld "
                    "unresolved=%lld ambiguous=%lld dummy=%lld",
                    job->model->table[t].name, (long long)count[COUNT_READ],
                    (long long)count[COUNT_STORED], (long long)count[COUNT_REJECTED],
                    (long long)count[COUNT_ORPHAN], (long long)count[COUNT_STATUS + 1],
                    (long long)count[COUNT_STATUS + 2], (long long)count[COUNT_STATUS + 3]);
    }
}

pc_status ingest_finish(ingest_job *job, pc_error *err)
{
    for (int t = 0; t < job->model->table_count; t++) {
        pc_comm_sum_int64(job->comm, job->table[t].count, COUNT_END);
    }
    sum_files(job);
    const bool compacts = job->old != NULL && job->old->compacts;
    pc_status reported = PC_OK; // before the store's own counts are added
    if (!compacts) reported = report_write(job, err);
    if (reported != PC_OK) return reported;
    if (job->old != NULL && job->rank == 0) old_add_counts(job);
    pc_buffer parts = {.budget = job->budget}, left = {.budget = job->budget};
    pc_status status =
        pc_comm_gather(job->comm, (pc_span){job->part.data, job->part.bytes}, &parts, NULL, err);
    if (status == PC_OK && job->old != NULL) {
        const pc_buffer *hidden = &job->old->hidden;
        status =
            pc_comm_gather(job->comm, (pc_span){hidden->data, hidden->bytes}, &left, NULL, err);
    }
    for (int t = 0; status == PC_OK && job->rank == 0 && t < job->model->table_count; t++) {
        const int64_t *count = job->table[t].count;
        if (count[COUNT_READ] != count[COUNT_STORED] + count[COUNT_REJECTED]) {
            status = PC_FAIL(err, PC_BAD_INPUT,
                             "table %s: %lld rows read are not %lld stored and %lld rejected",
                             job->model->table[t].name, (long long)count[COUNT_READ],
                             (long long)count[COUNT_STORED], (long long)count[COUNT_REJECTED]);
        }
    }
    if (status == PC_OK && job->rank == 0) {
        status = finish_store(job, &parts, &left, err);
        if (status == PC_OK) log_tables(job);
    }
    pc_buffer_release(&parts);
    pc_buffer_release(&left);
    return pc_comm_agree(job->comm, status, err);
}
