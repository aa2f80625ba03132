/** The files of definitions: which they are, what each is called, and reading them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cohorts_run.h"
#include "commit.h"

/** A path that was named or found in a folder. */
typedef struct found {
    const char *path;
} found;

static int compare_paths(const void *a, const void *b)
{
    const found *x = a, *y = b;
    return pc_span_compare_natural(pc_span_of(x->path), pc_span_of(y->path));
}

static bool is_json(const char *name)
{
    const size_t bytes = strlen(name);
    return name[0] != '.' && bytes > 5 && strcmp(name + bytes - 5, ".json") == 0;
}

/** The *.json of a folder, in natural order of names. */
static pc_status list_folder(pc_cohorts *run, const char *folder, pc_buffer *out, pc_error *err)
{
    DIR *open = opendir(folder);
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "folder '%s': cannot be read: %s", folder, strerror(errno));
    }
    const size_t before = out->bytes;
    pc_buffer text = {.budget = run->options->budget};
    pc_status status = PC_OK;
    for (const struct dirent *e = readdir(open); e != NULL && status == PC_OK; e = readdir(open)) {
        if (!is_json(e->d_name)) continue;
        text.bytes = 0;
        status = pc_buffer_print(&text, err, "%s/%s", folder, e->d_name);
        if (status != PC_OK) break;
        const found one = {pc_arena_text(&run->arena, text.data, text.bytes, err)};
        status = one.path == NULL ? PC_NO_MEMORY : pc_buffer_append(out, &one, sizeof one, err);
    }
    (void)closedir(open); // only read
    pc_buffer_release(&text);
    PC_TRY(status);
    if (out->bytes == before) {
        return PC_FAIL(err, PC_BAD_JOB, "folder '%s' holds no definition (*.json)", folder);
    }
    qsort(out->data + before, (out->bytes - before) / sizeof(found), sizeof(found), compare_paths);
    return PC_OK;
}

static pc_status list_paths(pc_cohorts *run, pc_buffer *out, pc_error *err)
{
    for (int i = 0; i < run->options->path_count; i++) {
        const found one = {run->options->path[i]};
        struct stat about;
        if (stat(one.path, &about) != 0) {
            return PC_FAIL(err, PC_IO, "definition '%s': %s", one.path, strerror(errno));
        }
        if (S_ISDIR(about.st_mode)) {
            PC_TRY(list_folder(run, one.path, out, err));
        } else {
            PC_TRY(pc_buffer_append(out, &one, sizeof one, err));
        }
    }
    return PC_OK;
}

/** What the answer of a definition depends on. */
static pc_status make_key(const pc_cohorts *run, pc_cohorts_entry *entry, pc_error *err)
{
    char file[PC_DIGEST_TEXT_BYTES];
    PC_TRY(pc_file_hash(entry->path, file, err));
    pc_digest_state state;
    pc_digest_begin(&state);
    const char *const part[] = {file,
                                pc_store_id(run->store),
                                PC_VERSION,
                                PC_COMMIT,
                                run->options->compatible ? "compatible" : "strict",
                                run->lens.hash};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        pc_digest_add(&state, part[i], strlen(part[i]) + 1);
    pc_digest_add(&state, &entry->id, sizeof entry->id);
    const pc_digest key = pc_digest_end(&state);
    pc_digest_format(&key, entry->key);
    return PC_OK;
}

/** Its name and number: the file's name when that is a number, else the position from 1. */
static pc_status name_entry(pc_cohorts *run, const char *path, int position, pc_cohorts_entry *out,
                            pc_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const size_t bytes = strlen(base) - (is_json(base) ? 5 : 0);
    *out = (pc_cohorts_entry){.path = path, .id = position + 1, .computed = -1};
    out->name = pc_arena_text(&run->arena, base, bytes, err);
    if (out->name == NULL) return PC_NO_MEMORY;
    int64_t id = 0;
    if (pc_int_parse((pc_span){base, bytes}, &id)) out->id = id;
    return make_key(run, out, err);
}

static int compare_entries(const void *a, const void *b)
{
    const pc_cohorts_entry *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static pc_status make_entries(pc_cohorts *run, const pc_buffer *paths, pc_error *err)
{
    const int count = (int)(paths->bytes / sizeof(found));
    const found *path = (const found *)(const void *)paths->data;
    run->entry = pc_arena_array(&run->arena, (size_t)count + 1, sizeof *run->entry, err);
    if (run->entry == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++)
        PC_TRY(name_entry(run, path[i].path, i, &run->entry[i], err));
    run->entry_count = count;
    qsort(run->entry, (size_t)count, sizeof *run->entry, compare_entries);
    for (int i = 1; i < count; i++) {
        if (run->entry[i - 1].id != run->entry[i].id) continue;
        return PC_FAIL(err, PC_BAD_JOB,
                       "definitions '%s' and '%s' have one number, %lld: rename a file",
                       run->entry[i - 1].path, run->entry[i].path, (long long)run->entry[i].id);
    }
    return PC_OK;
}

/** Reads all definitions; every one that cannot be read is told. */
static pc_status read_definitions(pc_cohorts *run, pc_error *err)
{
    const pc_circe_options options = {.compatible = run->options->compatible};
    pc_status first_status = PC_OK;
    pc_error first = {0};
    int bad = 0;
    for (int i = 0; i < run->entry_count; i++) {
        pc_cohorts_entry *entry = &run->entry[i];
        if (entry->is_kept) continue;
        pc_circe_definition *definition = &run->definition[run->computed_count];
        pc_error found_error = {0};
        const pc_status status = pc_circe_read(entry->path, entry->id, &options, run->concepts,
                                               &run->arena, definition, &found_error);
        if (status != PC_OK) {
            if (bad == 0) {
                first = found_error;
                first_status = status;
            }
            bad++;
            if (status != PC_BAD_JOB && status != PC_UNSUPPORTED) break;
            if (pc_comm_rank(run->comm) == 0 && bad == 2) {
                pc_log_line(run->log, PC_ERROR, "definition", "%s", first.text);
            }
            if (pc_comm_rank(run->comm) == 0 && bad > 1) {
                pc_log_line(run->log, PC_ERROR, "definition", "%s", found_error.text);
            }
            continue;
        }
        entry->has_window = definition->window_start != PC_CIRCE_NO_DAY ||
                            definition->window_end != PC_CIRCE_NO_DAY;
        entry->rule_count = definition->rule_count;
        entry->computed = run->computed_count++;
    }
    if (bad > 0 && err != NULL) *err = first;
    return first_status;
}

pc_status pc_cohorts_read(pc_cohorts *run, pc_error *err)
{
    pc_buffer paths = {.budget = run->options->budget};
    pc_status status = list_paths(run, &paths, err);
    if (status == PC_OK) status = make_entries(run, &paths, err);
    pc_buffer_release(&paths);
    PC_TRY(status);
    PC_TRY(pc_cohorts_take_kept(run, err));
    run->definition =
        pc_arena_array(&run->arena, (size_t)run->entry_count + 1, sizeof *run->definition, err);
    if (run->definition == NULL) return PC_NO_MEMORY;
    PC_TRY(circe_concepts_new(&run->arena, &run->concepts, err));
    return read_definitions(run, err);
}
