// Files of exports.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "exports.h"
#include "sheet.h"

enum { NAME_BYTES = PC_STUDY_NAME_BYTES + 16 };

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

static bool is_csv(const pc_export_state *s)
{
    return s->export->is_csv;
}

static const char *ending_of(const pc_export_state *s)
{
    return is_csv(s) ? ".csv" : ".h5";
}

static void part_name(const pc_export_state *s, int64_t shard, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "%s-%06lld", s->export->name, (long long)shard);
}

// ---- beginning --------------------------------------------------------------------------------

/** Is a file the part of a shard that is done. */
static bool is_done_part(const pc_exports *exports, const char *file, const uint64_t *done,
                         int64_t shard_count)
{
    for (int i = 0; i < exports->count; i++) {
        const pc_export_state *s = &exports->state[i];
        const size_t bytes = strlen(s->export->name);
        if (strncmp(file, s->export->name, bytes) != 0 || file[bytes] != '-') continue;
        char *end = NULL;
        const long shard = strtol(file + bytes + 1, &end, 10);
        if (end != file + bytes + 7 || strcmp(end, ending_of(s)) != 0) continue;
        if (shard < 0 || shard >= shard_count || done == NULL) continue;
        if ((done[shard / 64] >> (shard % 64) & 1) != 0) return true;
    }
    return false;
}

static pc_status clean_folder(const pc_exports *exports, const char *folder, const uint64_t *done,
                              int64_t shard_count, pc_error *err)
{
    DIR *open = opendir(folder);
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "folder '%s': cannot be read: %s", folder, strerror(errno));
    }
    pc_status status = PC_OK;
    for (const struct dirent *entry = readdir(open); entry != NULL && status == PC_OK;
         entry = readdir(open)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (is_done_part(exports, entry->d_name, done, shard_count)) continue;
        if (unlinkat(dirfd(open), entry->d_name, 0) != 0) {
            status = PC_FAIL(err, PC_IO, "folder '%s': what it holds cannot be removed: %s", folder,
                             strerror(errno));
        }
    }
    closedir(open);
    return status;
}

pc_status pc_exports_begin(const pc_exports *exports, const uint64_t *done, int64_t shard_count,
                           pc_error *err)
{
    pc_arena arena = {.budget = exports->eval->budget};
    const char *folder = NULL;
    pc_status status = pc_output_path(exports->output, "", "cohorts", "", &arena, &folder, err);
    if (status == PC_OK) status = clean_folder(exports, folder, done, shard_count, err);
    pc_arena_reset(&arena);
    return status;
}

// ---- a shard ----------------------------------------------------------------------------------

static int64_t count_of(const pc_export_values *column)
{
    const size_t width = column->type == PC_ID ? PC_SLOT_TEXT_BYTES : sizeof(int64_t);
    return (int64_t)(column->value.bytes / width);
}

/** Texts of words, all as wide as the longest. */
static pc_status make_texts(const pc_dict *dict, const int64_t *word, int64_t count,
                            pc_arena *arena, pc_export_column *out, pc_error *err)
{
    size_t widest = 1;
    for (int64_t row = 0; row < count; row++) {
        if (word[row] == PC_NULL) continue;
        const size_t bytes = pc_dict_text(dict, (uint32_t)word[row]).bytes;
        if (bytes > widest) widest = bytes;
    }
    if (widest > UINT8_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "a text of '%s' is longer than %d bytes", out->name,
                       UINT8_MAX);
    }
    char *text = pc_arena_array(arena, (size_t)count + 1, widest, err);
    if (text == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < count; row++) {
        if (word[row] == PC_NULL) continue;
        const pc_span one = pc_dict_text(dict, (uint32_t)word[row]);
        memcpy(text + (size_t)row * widest, one.data, one.bytes);
    }
    out->type = PC_ID;
    out->width = (int)widest;
    out->data = text;
    return PC_OK;
}

/** Values in the width and with the nulls of the file. */
static pc_status make_numbers(const pc_export_values *column, int64_t count, pc_arena *arena,
                              pc_export_column *out, pc_error *err)
{
    static const uint64_t no_real = UINT64_C(0x7FF8504152430001); // the NaN of cohort files
    const int64_t *value = (const int64_t *)(const void *)column->value.data;
    const bool is_real = column->type == PC_DECIMAL || column->type == PC_FLOAT;
    double divisor = 1;
    for (int i = 0; i < column->scale; i++)
        divisor *= 10;
    out->type = is_real ? PC_FLOAT : column->type == PC_NONE ? PC_INT : column->type;
    if (out->type == PC_KEY) out->type = PC_INT;
    char *data = pc_arena_array(arena, (size_t)count + 1, sizeof(int64_t), err);
    if (data == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < count; row++) {
        const bool is_null = value[row] == PC_NULL;
        if (out->type == PC_DATE) {
            const bool is_day = !is_null && value[row] != PC_OPEN;
            ((int32_t *)(void *)data)[row] = is_day ? (int32_t)value[row] : INT32_MIN;
        } else if (out->type == PC_BOOL) {
            ((uint8_t *)data)[row] = is_null ? UINT8_MAX : (uint8_t)value[row];
        } else if (column->type == PC_DECIMAL && !is_null) {
            const double real = (double)value[row] / divisor;
            memcpy(data + row * 8, &real, sizeof real);
        } else {
            const int64_t null = is_real ? (int64_t)no_real : PC_NULL;
            memcpy(data + row * 8, is_null ? &null : &value[row], sizeof null);
        }
    }
    out->data = data;
    return PC_OK;
}

static pc_status make_column(const pc_exports *exports, const pc_export_state *s, int index,
                             pc_arena *arena, pc_export_column *out, pc_error *err)
{
    const pc_export_values *column = &s->column[index];
    const int64_t *value = (const int64_t *)(const void *)column->value.data;
    *out = (pc_export_column){.name = column->name, .type = PC_INT, .count = count_of(column)};
    if (index == 0) {
        out->type = PC_ID;
        out->width = PC_SLOT_TEXT_BYTES;
        out->data = column->value.data == NULL ? "" : column->value.data;
        return PC_OK;
    }
    if (is_text(column->type)) {
        return make_texts(exports->eval->words.dict, value, out->count, arena, out, err);
    }
    return make_numbers(column, out->count, arena, out, err);
}

/** `indptr` begins with 0, and `feature` has the names that were numbered in this shard. */
static pc_status finish_sparse(const pc_export_state *s, pc_export_column *column, pc_arena *arena,
                               pc_error *err)
{
    enum { INDPTR = 2, FEATURE = 5 };
    pc_export_column *indptr = &column[s->of_kind + INDPTR];
    int64_t *from_zero = pc_arena_array(arena, (size_t)indptr->count + 1, sizeof *from_zero, err);
    if (from_zero == NULL) return PC_NO_MEMORY;
    if (indptr->count > 0) {
        memcpy(from_zero + 1, indptr->data, (size_t)indptr->count * sizeof *from_zero);
    }
    indptr->data = from_zero;
    indptr->count++;
    const pc_dict *names = pc_dict_builder_view(s->features);
    int64_t *number = pc_arena_array(arena, (size_t)names->count + 1, sizeof *number, err);
    if (number == NULL) return PC_NO_MEMORY;
    for (uint32_t i = 0; i < names->count; i++)
        number[i] = i;
    column[s->of_kind + FEATURE].count = names->count;
    return make_texts(names, number, names->count, arena, &column[s->of_kind + FEATURE], err);
}

static pc_status write_h5(const pc_exports *exports, const pc_export_state *s, const char *path,
                          pc_arena *arena, pc_error *err)
{
    pc_export_column *column =
        pc_arena_array(arena, (size_t)s->column_count + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < s->column_count; i++) {
        PC_TRY(make_column(exports, s, i, arena, &column[i], err));
    }
    if (s->features != NULL) PC_TRY(finish_sparse(s, column, arena, err));
    return pc_export_part_write(path, column, s->column_count, exports->eval->budget, err);
}

static pc_status print_text(pc_buffer *out, pc_span text, pc_error *err)
{
    bool is_quoted = false;
    for (size_t i = 0; i < text.bytes; i++)
        is_quoted = is_quoted || strchr(",\"\r\n", text.data[i]) != NULL;
    if (!is_quoted) return pc_buffer_append(out, text.data, text.bytes, err);
    PC_TRY(pc_buffer_append(out, "\"", 1, err));
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') PC_TRY(pc_buffer_append(out, "\"", 1, err));
        PC_TRY(pc_buffer_append(out, text.data + i, 1, err));
    }
    return pc_buffer_append(out, "\"", 1, err);
}

static pc_status print_cell(const pc_exports *exports, const pc_export_values *column, int64_t row,
                            pc_buffer *out, pc_error *err)
{
    const pc_record_column as = {
        .name = column->name, .type = column->type, .scale = column->scale};
    const int64_t value = ((const int64_t *)(const void *)column->value.data)[row];
    pc_words *words = &exports->eval->words;
    uint32_t word = PC_DICT_NONE;
    PC_TRY(pc_value_word(&as, value, words, &word, err));
    return word == PC_DICT_NONE ? PC_OK : print_text(out, pc_dict_text(words->dict, word), err);
}

static pc_status print_csv(const pc_exports *exports, const pc_export_state *s, pc_buffer *out,
                           pc_error *err)
{
    const char *patient = s->column[0].value.data;
    for (int64_t row = 0; row < count_of(&s->column[0]); row++, patient += PC_SLOT_TEXT_BYTES) {
        const char *end = memchr(patient, '\0', PC_SLOT_TEXT_BYTES);
        const size_t bytes = end == NULL ? PC_SLOT_TEXT_BYTES : (size_t)(end - patient);
        PC_TRY(print_text(out, (pc_span){patient, bytes}, err));
        for (int i = 1; i < s->column_count; i++) {
            PC_TRY(pc_buffer_append(out, ",", 1, err));
            PC_TRY(print_cell(exports, &s->column[i], row, out, err));
        }
        PC_TRY(pc_buffer_append(out, "\n", 1, err));
    }
    return PC_OK;
}

static pc_status write_part(pc_exports *exports, pc_export_state *s, int shard, pc_arena *arena,
                            pc_error *err)
{
    char name[NAME_BYTES];
    const char *path = NULL;
    part_name(s, shard, name);
    PC_TRY(pc_output_path(exports->output, "cohorts", name, ending_of(s), arena, &path, err));
    if (!is_csv(s)) return write_h5(exports, s, path, arena, err);
    pc_buffer text = {.budget = arena->budget};
    pc_status status = print_csv(exports, s, &text, err);
    const pc_span span = {text.data == NULL ? "" : text.data, text.bytes};
    if (status == PC_OK) status = pc_file_put(path, span, 0600, err);
    pc_buffer_release(&text);
    return status;
}

pc_status pc_exports_shard(pc_exports *exports, int shard, pc_error *err)
{
    for (int i = 0; i < exports->count; i++) {
        pc_export_state *s = &exports->state[i];
        pc_arena arena = {.budget = exports->eval->budget};
        pc_status status = write_part(exports, s, shard, &arena, err);
        pc_arena_reset(&arena);
        for (int k = 0; k < s->column_count; k++)
            s->column[k].value.bytes = 0;
        if (s->features != NULL && status == PC_OK) {
            pc_dict_builder_free(s->features);
            s->features = NULL;
            status = pc_dict_builder_new(exports->eval->budget, &s->features, err);
        }
        PC_TRY(status);
    }
    return PC_OK;
}

// ---- over all ---------------------------------------------------------------------------------

/** Appends a file to another that is open. */
static pc_status append_file(FILE *to, const char *path, pc_error *err)
{
    char piece[1 << 14];
    FILE *from = fopen(path, "rb");
    if (from == NULL) {
        return PC_FAIL(err, PC_IO, "'%s': cannot be opened: %s", path, strerror(errno));
    }
    size_t bytes = 1;
    bool is_good = true;
    while (bytes > 0 && is_good) {
        bytes = fread(piece, 1, sizeof piece, from);
        is_good = fwrite(piece, 1, bytes, to) == bytes;
    }
    is_good = is_good && ferror(from) == 0;
    fclose(from);
    return is_good ? PC_OK : PC_FAIL(err, PC_IO, "'%s': cannot be copied", path);
}

/** The parts behind each other under a line of names; then the parts go. */
static pc_status join_csv(const pc_exports *exports, const pc_export_state *s, const char *path,
                          int64_t shard_count, pc_arena *arena, pc_error *err)
{
    pc_buffer head = {.budget = arena->budget};
    pc_status status = PC_OK;
    for (int i = 0; i < s->column_count && status == PC_OK; i++) {
        status = pc_buffer_print(&head, err, "%s%s", i == 0 ? "" : ",", s->column[i].name);
    }
    if (status == PC_OK) status = pc_buffer_print(&head, err, "\n");
    if (status == PC_OK) {
        status = pc_file_put(path, (pc_span){head.data, head.bytes}, 0600, err);
    }
    pc_buffer_release(&head);
    PC_TRY(status);
    FILE *to = fopen(path, "ab");
    if (to == NULL) return PC_FAIL(err, PC_IO, "'%s': cannot be opened: %s", path, strerror(errno));
    for (int64_t shard = 0; shard < shard_count && status == PC_OK; shard++) {
        char name[NAME_BYTES];
        const char *part = NULL;
        part_name(s, shard, name);
        status = pc_output_path(exports->output, "cohorts", name, ".csv", arena, &part, err);
        if (status == PC_OK) status = append_file(to, part, err);
        if (status == PC_OK) (void)unlink(part);
    }
    if (fclose(to) != 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "'%s': cannot be completed: is the disk full?", path);
    }
    return status;
}

static pc_status note_file(pc_output *output, const char *name, const char *ending, pc_arena *arena,
                           pc_error *err)
{
    char hash[PC_DIGEST_TEXT_BYTES];
    const char *path = NULL;
    PC_TRY(pc_output_path(output, "cohorts", name, ending, arena, &path, err));
    PC_TRY(pc_file_hash(path, hash, err));
    return pc_output_note(output, "cohorts", name, ending, hash, err);
}

static pc_status join_h5(pc_exports *exports, const pc_export_state *s, const char *path,
                         pc_output *output, int64_t shard_count, pc_arena *arena, pc_error *err)
{
    char(*name)[NAME_BYTES + 4] = pc_arena_array(arena, (size_t)shard_count, sizeof *name, err);
    const char **part = pc_arena_array(arena, (size_t)shard_count, sizeof *part, err);
    pc_export_column *column =
        pc_arena_array(arena, (size_t)s->column_count + 1, sizeof *column, err);
    if (name == NULL || part == NULL || column == NULL) return PC_NO_MEMORY;
    // No values: only names and types.
    for (int i = 0; i < s->column_count; i++) {
        PC_TRY(make_column(exports, s, i, arena, &column[i], err));
    }
    for (int64_t shard = 0; shard < shard_count; shard++) {
        char plain[NAME_BYTES];
        part_name(s, shard, plain);
        (void)snprintf(name[shard], sizeof *name, "%s.h5", plain);
        part[shard] = name[shard];
        PC_TRY(note_file(output, plain, ".h5", arena, err));
    }
    return pc_export_join(path, column, s->column_count, part, (int)shard_count,
                          exports->eval->budget, err);
}

pc_status pc_exports_end(pc_exports *exports, pc_output *output, int64_t shard_count, pc_error *err)
{
    pc_status status = PC_OK;
    for (int i = 0; i < exports->count && status == PC_OK; i++) {
        const pc_export_state *s = &exports->state[i];
        pc_arena arena = {.budget = exports->eval->budget};
        const char *path = NULL, *name = s->export->name;
        status = pc_output_path(output, "cohorts", name, ending_of(s), &arena, &path, err);
        if (status == PC_OK && is_csv(s)) {
            status = join_csv(exports, s, path, shard_count, &arena, err);
        } else if (status == PC_OK) {
            status = join_h5(exports, s, path, output, shard_count, &arena, err);
        }
        if (status == PC_OK) status = note_file(output, name, ending_of(s), &arena, err);
        pc_arena_reset(&arena);
    }
    return status;
}
