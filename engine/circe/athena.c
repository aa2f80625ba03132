/** Vocabulary files to the columns that concept sets are expanded with. */
#include "athena.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/csv.h"
#include "parcours/release.h"

enum { ATHENA_CONCEPT, ATHENA_ANCESTOR, ATHENA_RELATION, ATHENA_TABLES, MOST_NEEDED = 4 };
static const char *const table_name[ATHENA_TABLES] = {"CONCEPT", "CONCEPT_ANCESTOR",
                                                      "CONCEPT_RELATIONSHIP"};
static const char *const needed[ATHENA_TABLES][MOST_NEEDED] = {
    {"concept_id", "invalid_reason", NULL, NULL},
    {"ancestor_concept_id", "descendant_concept_id", NULL, NULL},
    {"concept_id_1", "concept_id_2", "relationship_id", "invalid_reason"}};

/** Two numbers of a record: a concept and whether it is invalid, ancestor and descendant, or what
 *  maps to what. */
typedef struct athena_pair {
    int64_t first, second;
} athena_pair;

typedef struct athena {
    const char *folder;
    pc_arena *arena;
    const pc_model *model;
    pc_dict_builder **dict; // [model->dict_count]
    pc_csv_reader *reader;
    pc_buffer listed;              // int64_t, sorted
    pc_buffer pair[ATHENA_TABLES]; // athena_pair
    pc_buffer rejected;
    // Of the file at hand.
    int which;
    int row_bytes;
    const pc_row_field *field[MOST_NEEDED];
} athena;

static int compare_int64(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_pairs(const void *a, const void *b)
{
    const athena_pair *x = a, *y = b;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return (x->second > y->second) - (x->second < y->second);
}

static bool is_listed(const athena *a, int64_t concept)
{
    const int64_t *listed = (const int64_t *)(const void *)a->listed.data;
    const size_t count = a->listed.bytes / sizeof *listed;
    return count > 0 && bsearch(&concept, listed, count, sizeof *listed, compare_int64) != NULL;
}

static pc_status list_concepts(athena *a, const circe_concepts *concepts, pc_error *err)
{
    for (int s = 0; s < circe_concepts_count(concepts); s++) {
        int count = 0;
        const circe_item *item = circe_items_of(concepts, s, &count);
        for (int i = 0; i < count; i++) {
            PC_TRY(pc_buffer_append(&a->listed, &item[i].concept, sizeof item[i].concept, err));
        }
    }
    if (a->listed.bytes > 0) {
        qsort(a->listed.data, a->listed.bytes / sizeof(int64_t), sizeof(int64_t), compare_int64);
    }
    return PC_OK;
}

/** Keeps what a record says, if somebody asks for it. */
static pc_status take_record(athena *a, const unsigned char *row, pc_error *err)
{
    const pc_row_field *const *f = a->field;
    athena_pair pair = {pc_row_int(f[0], row), 0};
    if (a->which == ATHENA_CONCEPT) {
        pair.second = f[1] != NULL && !pc_row_is_null(f[1], row);
    } else {
        if (pc_row_is_null(f[1], row)) return PC_OK;
        pair.second = pc_row_int(f[1], row);
    }
    if (a->which == ATHENA_ANCESTOR && !is_listed(a, pair.first) && !is_listed(a, pair.second)) {
        return PC_OK;
    }
    if (a->which == ATHENA_RELATION) {
        const pc_dict *kinds = pc_dict_builder_view(a->dict[f[2]->dict]);
        if (pc_row_is_null(f[2], row) || (f[3] != NULL && !pc_row_is_null(f[3], row))) return PC_OK;
        const pc_span kind = pc_dict_text(kinds, (uint32_t)pc_row_int(f[2], row));
        if (!pc_span_equal(kind, pc_span_of("Maps to"))) return PC_OK;
    }
    return pc_buffer_append(&a->pair[a->which], &pair, sizeof pair, err);
}

static pc_status take_rows(void *context, const unsigned char *row, int64_t row_count,
                           pc_error *err)
{
    athena *a = context;
    for (int64_t i = 0; i < row_count; i++)
        PC_TRY(take_record(a, row + i * a->row_bytes, err));
    return PC_OK;
}

/** The fields of a table that are needed; others of the file are not read. */
static pc_status choose_fields(athena *a, pc_csv_file *file, const pc_row_layout *layout,
                               pc_error *err)
{
    const pc_model_table *table = &a->model->table[file->table];
    int *column = pc_arena_array(a->arena, (size_t)file->column_count + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < file->column_count; i++)
        column[i] = -1;
    for (int k = 0; k < MOST_NEEDED; k++) {
        a->field[k] = NULL;
        if (needed[a->which][k] == NULL) continue;
        const int c = pc_model_find_column(table, pc_span_of(needed[a->which][k]));
        bool is_there = false;
        for (int i = 0; i < file->column_count; i++) {
            if (file->column[i] != c) continue;
            column[i] = c;
            is_there = true;
        }
        if (is_there) a->field[k] = &layout->field[layout->field_of_column[c]];
        const bool is_optional = strcmp(needed[a->which][k], "invalid_reason") == 0;
        if (is_there || is_optional) continue;
        return PC_FAIL(err, PC_BAD_INPUT, "vocabulary '%s': file '%s' has no column '%s'",
                       a->folder, file->name, needed[a->which][k]);
    }
    file->column = column;
    return PC_OK;
}

/** Records that an ingest would reject: the first one is told. */
static pc_status refuse(athena *a, const pc_csv_file *file, pc_error *err)
{
    pc_rejected *rejected = (pc_rejected *)(void *)a->rejected.data;
    const int64_t count = (int64_t)(a->rejected.bytes / sizeof *rejected);
    if (count == 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT,
                   "vocabulary '%s': file '%s': the record at byte %lld cannot be read (%s), and "
                   "%lld more",
                   a->folder, file->name, (long long)pc_source_offset(rejected->source),
                   pc_reject_name((pc_reject)rejected->reason), (long long)count - 1);
}

static pc_status read_file(athena *a, const char *path, const char *name, pc_error *err)
{
    pc_csv_file file;
    const pc_row_layout *layout = NULL;
    PC_TRY(pc_csv_open(a->model, path, name, 0, a->arena, &file, err));
    PC_TRY(pc_row_layout_make(a->model, file.table, a->arena, &layout, err));
    PC_TRY(choose_fields(a, &file, layout, err));
    a->row_bytes = layout->row_bytes;
    pc_csv_counts counts = {0};
    pc_digest digest;
    for (int64_t unit = 0; unit < file.unit_count; unit++) {
        a->rejected.bytes = 0;
        PC_TRY(pc_csv_read_unit(a->reader, &file, unit, layout, take_rows, a, &a->rejected, &counts,
                                &digest, err));
        PC_TRY(refuse(a, &file, err));
    }
    return PC_OK;
}

/** Which of the tables a file is of by its name; -1: none. */
static int table_of(const athena *a, const char *name)
{
    int year = 0;
    const int table = pc_model_match_file(a->model, name, &year);
    for (int w = 0; w < ATHENA_TABLES && table >= 0; w++) {
        if (strcmp(a->model->table[table].name, table_name[w]) == 0) return w;
    }
    return -1;
}

/** A file of the folder. */
typedef struct athena_file {
    const char *name, *path;
    int which;
} athena_file;

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const athena_file *)a)->name, ((const athena_file *)b)->name);
}

static pc_status list_one(athena *a, const char *name, pc_buffer *out, pc_error *err)
{
    athena_file file = {.which = table_of(a, name)};
    if (file.which < 0) return PC_OK;
    const size_t bytes = strlen(a->folder) + strlen(name) + 2;
    char *path = pc_arena_take(a->arena, bytes, err);
    if (path == NULL) return PC_NO_MEMORY;
    (void)snprintf(path, bytes, "%s/%s", a->folder, name);
    file.path = path;
    file.name = path + strlen(a->folder) + 1;
    return pc_buffer_append(out, &file, sizeof file, err);
}

/** The vocabulary's files, in order of names. */
static pc_status list_files(athena *a, pc_buffer *out, pc_error *err)
{
    DIR *open = opendir(a->folder);
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "vocabulary '%s': the folder cannot be read: %s", a->folder,
                       strerror(errno));
    }
    pc_status status = PC_OK;
    for (const struct dirent *e = readdir(open); e != NULL && status == PC_OK; e = readdir(open))
        status = list_one(a, e->d_name, out, err);
    (void)closedir(open); // only read
    PC_TRY(status);
    bool is_there[ATHENA_TABLES] = {false};
    athena_file *file = (athena_file *)(void *)out->data;
    const size_t count = out->bytes / sizeof *file;
    for (size_t i = 0; i < count; i++)
        is_there[file[i].which] = true;
    for (int w = 0; w < ATHENA_TABLES; w++) {
        if (is_there[w]) continue;
        return PC_FAIL(err, PC_BAD_INPUT, "vocabulary '%s': no file of %s (%s.csv)", a->folder,
                       table_name[w], table_name[w]);
    }
    qsort(file, count, sizeof *file, compare_files);
    return PC_OK;
}

static pc_status read_folder(athena *a, pc_error *err)
{
    pc_buffer files = {.budget = a->arena->budget};
    pc_status status = list_files(a, &files, err);
    const athena_file *file = (const athena_file *)(const void *)files.data;
    for (size_t i = 0; i < files.bytes / sizeof *file && status == PC_OK; i++) {
        a->which = file[i].which;
        status = read_file(a, file[i].path, file[i].name, err);
    }
    pc_buffer_release(&files);
    return status;
}

pc_status circe_athena_hash(const char *folder, const char *share, pc_budget *budget, char *out,
                            pc_error *err)
{
    pc_arena arena = {.budget = budget};
    pc_buffer files = {.budget = budget};
    athena a = {.folder = folder, .arena = &arena};
    pc_digest_state state;
    pc_digest_begin(&state);
    pc_status status = pc_model_read("omop", share, &arena, &a.model, err);
    if (status == PC_OK) status = list_files(&a, &files, err);
    const athena_file *file = (const athena_file *)(const void *)files.data;
    for (size_t i = 0; i < files.bytes / sizeof *file && status == PC_OK; i++) {
        char hash[PC_DIGEST_TEXT_BYTES];
        status = pc_file_hash(file[i].path, hash, err);
        if (status == PC_OK) pc_digest_add(&state, hash, sizeof hash);
    }
    const pc_digest digest = pc_digest_end(&state);
    pc_digest_format(&digest, out);
    pc_buffer_release(&files);
    pc_arena_reset(&arena);
    return status;
}

/** One of the two numbers of all pairs, as a column. */
static pc_status take_column(const athena *a, int which, bool second, pc_column *out, pc_error *err)
{
    const athena_pair *pair = (const athena_pair *)(const void *)a->pair[which].data;
    const size_t count = a->pair[which].bytes / sizeof *pair;
    int64_t *value = pc_arena_raw(a->arena, (count + 1) * sizeof *value, err);
    if (value == NULL) return PC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        value[i] = second ? pair[i].second : pair[i].first;
    *out = (pc_column){.type = PC_INT, .width = sizeof *value, .data = value};
    return PC_OK;
}

/** Invalid concepts: null where valid. */
static pc_status take_invalid(const athena *a, pc_column *out, pc_error *err)
{
    const athena_pair *pair = (const athena_pair *)(const void *)a->pair[ATHENA_CONCEPT].data;
    const size_t count = a->pair[ATHENA_CONCEPT].bytes / sizeof *pair;
    uint64_t *valid = pc_arena_array(a->arena, count / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        valid[i >> 6] |= (uint64_t)(pair[i].second != 0) << (i & 63);
    PC_TRY(take_column(a, ATHENA_CONCEPT, true, out, err));
    out->valid = valid;
    return PC_OK;
}

static pc_status take_vocabulary(athena *a, circe_vocabulary *out, pc_error *err)
{
    int64_t count[ATHENA_TABLES];
    for (int w = 0; w < ATHENA_TABLES; w++) {
        count[w] = (int64_t)(a->pair[w].bytes / sizeof(athena_pair));
        if (count[w] > 0) {
            qsort(a->pair[w].data, (size_t)count[w], sizeof(athena_pair), compare_pairs);
        }
    }
    *out = (circe_vocabulary){.concept_count = count[ATHENA_CONCEPT],
                              .pair_count = count[ATHENA_ANCESTOR],
                              .relation_count = count[ATHENA_RELATION],
                              .maps_only = true};
    PC_TRY(take_column(a, ATHENA_CONCEPT, false, &out->concept, err));
    PC_TRY(take_invalid(a, &out->invalid, err));
    PC_TRY(take_column(a, ATHENA_ANCESTOR, false, &out->ancestor, err));
    PC_TRY(take_column(a, ATHENA_ANCESTOR, true, &out->descendant, err));
    PC_TRY(take_column(a, ATHENA_RELATION, false, &out->from, err));
    return take_column(a, ATHENA_RELATION, true, &out->to, err);
}

static pc_status open_reader(athena *a, const char *share, pc_error *err)
{
    PC_TRY(pc_model_read("omop", share, a->arena, &a->model, err));
    const size_t dicts = (size_t)a->model->dict_count;
    a->dict = pc_arena_array(a->arena, dicts + 1, sizeof(pc_dict_builder *), err);
    if (a->dict == NULL) return PC_NO_MEMORY;
    for (size_t i = 0; i < dicts; i++)
        PC_TRY(pc_dict_builder_new(a->arena->budget, &a->dict[i], err));
    return pc_csv_reader_open(a->model, a->dict, a->arena->budget, &a->reader, err);
}

static void close_reader(athena *a)
{
    pc_csv_reader_close(a->reader);
    for (int i = 0; a->dict != NULL && i < a->model->dict_count; i++)
        pc_dict_builder_free(a->dict[i]);
    pc_buffer_release(&a->listed);
    pc_buffer_release(&a->rejected);
    for (int w = 0; w < ATHENA_TABLES; w++)
        pc_buffer_release(&a->pair[w]);
}

pc_status circe_athena_read(const char *folder, const char *share, const circe_concepts *concepts,
                            pc_arena *arena, circe_vocabulary *out, pc_error *err)
{
    athena a = {.folder = folder,
                .arena = arena,
                .listed.budget = arena->budget,
                .rejected.budget = arena->budget};
    for (int w = 0; w < ATHENA_TABLES; w++)
        a.pair[w].budget = arena->budget;
    pc_status status = open_reader(&a, share, err);
    if (status == PC_OK) status = list_concepts(&a, concepts, err);
    if (status == PC_OK) status = read_folder(&a, err);
    if (status == PC_OK) status = take_vocabulary(&a, out, err);
    close_reader(&a);
    return status;
}
