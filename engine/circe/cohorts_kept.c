/** What a run leaves for the next one into the same folder: cohorts/kept.json says of each
 *  definition what its answer depends on, where its rows stand in cohort.csv, and its counts. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cohorts_run.h"

static int compare_masks(const void *a, const void *b)
{
    const pc_circe_mask *x = a, *y = b;
    if (x->definition != y->definition) return x->definition < y->definition ? -1 : 1;
    return (x->mask > y->mask) - (x->mask < y->mask);
}

pc_status pc_cohorts_collect(pc_cohorts *run, pc_error *err)
{
    const pc_circe_counts *counts = &run->counts;
    pc_circe_mask *mask =
        pc_arena_array(&run->arena, (size_t)counts->mask_count + 1, sizeof *mask, err);
    if (mask == NULL) return PC_NO_MEMORY;
    int64_t count = 0;
    for (int64_t i = 0; i < counts->mask_capacity; i++) {
        if (counts->mask[i].definition != 0) mask[count++] = counts->mask[i];
    }
    qsort(mask, (size_t)count, sizeof *mask, compare_masks);
    int64_t at = 0;
    for (int e = 0; e < run->entry_count; e++) {
        pc_cohorts_entry *entry = &run->entry[e];
        if (entry->computed < 0) continue;
        entry->of_definition = counts->of_definition + (size_t)entry->computed * PC_CIRCE_COUNTS;
        entry->of_rule = counts->of_rule +
                         (size_t)run->program.first_rule[entry->computed] * PC_CIRCE_RULE_COUNTS;
        entry->mask = mask + at;
        const int64_t first = at;
        while (at < count && mask[at].definition == entry->computed + 1)
            at++;
        entry->mask_count = (int)(at - first);
    }
    return PC_OK;
}

pc_status pc_cohorts_kept_text(pc_cohorts *run, const pc_cohorts_entry *entry, pc_buffer *out,
                               pc_error *err)
{
    const char *path = NULL;
    PC_TRY(pc_output_path(&run->output, "cohorts", "cohort", ".csv", &run->arena, &path, err));
    PC_TRY(pc_buffer_reserve(out, out->bytes + (size_t)entry->bytes + 1, err));
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return PC_FAIL(err, PC_IO, "file '%s': %s", path, strerror(errno));
    int64_t done = 0;
    while (done < entry->bytes) {
        const ssize_t got = pread(file, out->data + out->bytes, (size_t)(entry->bytes - done),
                                  entry->first_byte + done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        out->bytes += (size_t)got;
        done += got;
    }
    (void)close(file); // only read
    if (done == entry->bytes) return PC_OK;
    return PC_FAIL(err, PC_IO, "file '%s' was changed while it was read", path);
}

static pc_status print_numbers(pc_buffer *out, const char *key, const int64_t *value, int count,
                               pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, ", \"%s\": [", key));
    for (int i = 0; i < count; i++)
        PC_TRY(pc_buffer_print(out, err, "%s%" PRId64, i == 0 ? "" : ",", value[i]));
    return pc_buffer_print(out, err, "]");
}

static pc_status print_entry(const pc_cohorts_entry *e, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "\n  {\"name\": "));
    PC_TRY(pc_json_write_text(out, pc_span_of(e->name), err));
    PC_TRY(pc_buffer_print(out, err,
                           ", \"key\": \"%s\", \"first_byte\": %" PRId64 ", \"bytes\": %" PRId64
                           ", \"window\": %s",
                           e->key, e->first_byte, e->bytes, e->has_window ? "true" : "false"));
    PC_TRY(print_numbers(out, "counts", e->of_definition, PC_CIRCE_COUNTS, err));
    PC_TRY(print_numbers(out, "rules", e->of_rule, e->rule_count * PC_CIRCE_RULE_COUNTS, err));
    PC_TRY(pc_buffer_print(out, err, ", \"masks\": ["));
    for (int i = 0; i < e->mask_count; i++) {
        const pc_circe_mask *m = &e->mask[i];
        PC_TRY(pc_buffer_print(out, err, "%s[\"%" PRIu64 "\",%" PRId64 ",%" PRId64 ",%" PRId64 "]",
                               i == 0 ? "" : ",", m->mask, m->events, m->persons, m->best));
    }
    PC_TRY(pc_buffer_print(out, err, "]"));
    if (e->portability != NULL) {
        PC_TRY(pc_buffer_print(out, err, ", \"portability\": "));
        PC_TRY(pc_json_write_text(out, pc_span_of(e->portability), err));
    }
    return pc_buffer_print(out, err, "}");
}

pc_status pc_cohorts_keep(pc_cohorts *run, pc_error *err)
{
    pc_buffer text = {.budget = run->options->budget};
    const char *path = NULL;
    pc_status status =
        pc_output_path(&run->output, "cohorts", "kept", ".json", &run->arena, &path, err);
    if (status == PC_OK) {
        status = pc_buffer_print(&text, err, "{\"cohort_csv\": \"%s\",\n \"definitions\": [",
                                 run->csv_hash);
    }
    for (int i = 0; i < run->entry_count && status == PC_OK; i++) {
        if (i > 0) status = pc_buffer_print(&text, err, ",");
        if (status == PC_OK) status = print_entry(&run->entry[i], &text, err);
    }
    if (status == PC_OK) status = pc_buffer_print(&text, err, "]}\n");
    if (status == PC_OK) {
        status = pc_file_put(path, (pc_span){text.data, text.bytes}, 0600, err);
    }
    pc_buffer_release(&text);
    return status;
}

static bool read_numbers(const pc_json *list, int count, int64_t *out)
{
    if (list == NULL || pc_json_kind_of(list) != PC_JSON_ARRAY || pc_json_count(list) != count) {
        return false;
    }
    int at = 0;
    for (const pc_json *v = count == 0 ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v)) {
        if (!pc_json_int(v, &out[at++])) return false;
    }
    return true;
}

/** [["mask", events, persons, best], ...] */
static bool read_masks(const pc_json *list, pc_circe_mask *out)
{
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v), out++) {
        int64_t *const number[] = {&out->events, &out->persons, &out->best};
        const pc_json *part =
            pc_json_kind_of(v) == PC_JSON_ARRAY && pc_json_count(v) == 4 ? pc_json_first(v) : NULL;
        const char *text = part == NULL ? NULL : pc_json_text(part);
        int64_t mask = 0;
        if (text == NULL || !pc_int_parse(pc_span_of(text), &mask)) return false;
        out->mask = (uint64_t)mask;
        for (int i = 0; i < 3; i++) {
            part = pc_json_next(part);
            if (!pc_json_int(part, number[i])) return false;
        }
    }
    return true;
}

/** Takes up what is kept of an entry. False: it is not as this version writes it. */
static pc_status take_entry(pc_cohorts *run, const pc_json *kept, pc_cohorts_entry *e,
                            bool *is_good, pc_error *err)
{
    const pc_json *rules = pc_json_get(kept, "rules"), *masks = pc_json_get(kept, "masks");
    const pc_json *window = pc_json_get(kept, "window");
    const pc_json *first = pc_json_get(kept, "first_byte"), *bytes = pc_json_get(kept, "bytes");
    *is_good = rules != NULL && pc_json_kind_of(rules) == PC_JSON_ARRAY && masks != NULL &&
               pc_json_kind_of(masks) == PC_JSON_ARRAY && window != NULL && first != NULL &&
               bytes != NULL && pc_json_int(first, &e->first_byte) &&
               pc_json_int(bytes, &e->bytes) && e->first_byte >= 0 && e->bytes >= 0;
    if (!*is_good) return PC_OK;
    const int rule_numbers = pc_json_count(rules);
    e->rule_count = rule_numbers / PC_CIRCE_RULE_COUNTS;
    e->mask_count = pc_json_count(masks);
    e->has_window = pc_json_bool(window);
    int64_t *of = pc_arena_array(&run->arena, PC_CIRCE_COUNTS, sizeof *of, err);
    int64_t *rule = pc_arena_array(&run->arena, (size_t)rule_numbers + 1, sizeof *rule, err);
    pc_circe_mask *mask = pc_arena_array(&run->arena, (size_t)e->mask_count + 1, sizeof *mask, err);
    if (of == NULL || rule == NULL || mask == NULL) return PC_NO_MEMORY;
    const pc_json *reach = pc_json_get(kept, "portability");
    const char *lines = reach == NULL ? NULL : pc_json_text(reach);
    if (lines != NULL) {
        e->portability = pc_arena_text(&run->arena, lines, strlen(lines), err);
        if (e->portability == NULL) return PC_NO_MEMORY;
    }
    *is_good = rule_numbers % PC_CIRCE_RULE_COUNTS == 0 &&
               read_numbers(pc_json_get(kept, "counts"), PC_CIRCE_COUNTS, of) &&
               read_numbers(rules, rule_numbers, rule) && read_masks(masks, mask);
    e->of_definition = of;
    e->of_rule = rule;
    e->mask = mask;
    return PC_OK;
}

static pc_cohorts_entry *find_key(pc_cohorts *run, const char *key)
{
    for (int i = 0; i < run->entry_count; i++) {
        if (strcmp(run->entry[i].key, key) == 0) return &run->entry[i];
    }
    return NULL;
}

/** Is the HDF5 file of the entry there. */
static pc_status has_file(pc_cohorts *run, const char *name, bool *out, pc_error *err)
{
    const char *path = NULL;
    PC_TRY(pc_output_path(&run->output, "cohorts", name, ".h5", &run->arena, &path, err));
    *out = access(path, R_OK) == 0;
    return PC_OK;
}

static pc_status take_list(pc_cohorts *run, const pc_json *list, pc_error *err)
{
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        if (pc_json_kind_of(v) != PC_JSON_OBJECT) continue;
        const pc_json *key = pc_json_get(v, "key"), *name = pc_json_get(v, "name");
        const char *text = key == NULL ? NULL : pc_json_text(key);
        pc_cohorts_entry *entry = text == NULL ? NULL : find_key(run, text);
        bool is_good = false, is_there = false;
        if (entry == NULL || name == NULL || pc_json_text(name) == NULL ||
            strcmp(pc_json_text(name), entry->name) != 0) {
            continue;
        }
        PC_TRY(has_file(run, entry->name, &is_there, err));
        if (!is_there) continue;
        PC_TRY(take_entry(run, v, entry, &is_good, err));
        entry->is_kept = is_good;
    }
    return PC_OK;
}

pc_status pc_cohorts_take_kept(pc_cohorts *run, pc_error *err)
{
    const char *path = NULL, *csv = NULL;
    PC_TRY(pc_output_path(&run->output, "cohorts", "kept", ".json", &run->arena, &path, err));
    PC_TRY(pc_output_path(&run->output, "cohorts", "cohort", ".csv", &run->arena, &csv, err));
    if (access(path, F_OK) != 0) return PC_OK;
    pc_json *document = NULL;
    char hash[PC_DIGEST_TEXT_BYTES] = "";
    // What cannot be read, or was changed since, is computed anew.
    if (pc_json_read(path, &document, NULL) != PC_OK) return PC_OK;
    pc_status status = PC_OK;
    const bool is_object = pc_json_kind_of(document) == PC_JSON_OBJECT;
    const pc_json *wanted = is_object ? pc_json_get(document, "cohort_csv") : NULL;
    const pc_json *list = is_object ? pc_json_get(document, "definitions") : NULL;
    const char *text = wanted == NULL ? NULL : pc_json_text(wanted);
    if (text != NULL && list != NULL && pc_json_kind_of(list) == PC_JSON_ARRAY &&
        pc_file_hash(csv, hash, NULL) == PC_OK && strcmp(hash, text) == 0) {
        status = take_list(run, list, err);
    }
    pc_json_free(document);
    return status;
}

static const char *const ours[] = {"release", "control", "cohorts", "manifest.json"};

pc_status pc_cohorts_look(pc_cohorts *run, pc_error *err)
{
    const char *dir = run->options->out;
    DIR *open = opendir(dir);
    if (open == NULL && errno == ENOENT) return PC_OK;
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "folder '%s': cannot be read: %s", dir, strerror(errno));
    }
    bool has_other = false, has_manifest = false;
    for (const struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        if (entry->d_name[0] == '.') continue;
        bool is_ours = false;
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
            is_ours = is_ours || strcmp(entry->d_name, ours[i]) == 0;
        has_other = has_other || !is_ours;
        has_manifest = has_manifest || strcmp(entry->d_name, "manifest.json") == 0;
    }
    (void)closedir(open); // only read
    const char *kept = NULL;
    PC_TRY(pc_output_path(&run->output, "cohorts", "kept", ".json", &run->arena, &kept, err));
    if (!has_other && (!has_manifest || access(kept, F_OK) == 0)) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "folder '%s' holds other files: name an empty or new one", dir);
}

/** Takes away HDF5 files of definitions that are no longer asked for. */
pc_status pc_cohorts_tidy(pc_cohorts *run, pc_error *err)
{
    const char *folder = NULL;
    PC_TRY(pc_output_path(&run->output, "", "cohorts", "", &run->arena, &folder, err));
    DIR *open = opendir(folder);
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "folder '%s': cannot be read: %s", folder, strerror(errno));
    }
    for (const struct dirent *e = readdir(open); e != NULL; e = readdir(open)) {
        const size_t bytes = strlen(e->d_name);
        if (bytes < 4 || strcmp(e->d_name + bytes - 3, ".h5") != 0) continue;
        bool is_wanted = false;
        for (int i = 0; i < run->entry_count && !is_wanted; i++) {
            is_wanted = strlen(run->entry[i].name) == bytes - 3 &&
                        memcmp(run->entry[i].name, e->d_name, bytes - 3) == 0;
        }
        if (!is_wanted) (void)unlinkat(dirfd(open), e->d_name, 0); // the next run tries again
    }
    (void)closedir(open); // only read
    return PC_OK;
}
