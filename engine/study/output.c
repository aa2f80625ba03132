// The folder of a run. The manifest is written last: a folder without it is not complete, nor is
// one whose files are not as its hashes say. So nothing here waits for the disk.
#include "output.h"
#include "commit.h"
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const folders[] = {"release", "control", "cohorts"};

pc_status pc_output_path(const pc_output *output, const char *folder, const char *name,
                         const char *ending, pc_arena *arena, const char **out, pc_error *err)
{
    pc_buffer text = {.budget = arena->budget};
    const char *dir = output->options->out;
    pc_status status = pc_buffer_print(&text, err, "%s/%s%s%s%s", dir, folder,
                                       folder[0] == '\0' ? "" : "/", name, ending);
    if (status == PC_OK) {
        *out = pc_arena_text(arena, text.data, text.bytes, err);
        if (*out == NULL) status = PC_NO_MEMORY;
    }
    pc_buffer_release(&text);
    return status;
}

static bool is_entry(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/** A manifest whose writer was killed before it had its name. */
static bool is_left_over(const char *name)
{
    return strncmp(name, "manifest.json.tmp.", strlen("manifest.json.tmp.")) == 0;
}

static bool is_ours(const char *name)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (strcmp(name, folders[i]) == 0) return true;
    }
    return strcmp(name, "manifest.json") == 0 || strcmp(name, "checkpoint") == 0 ||
           name[0] == '.' || is_left_over(name);
}

static bool text_is(const pc_json *object, const char *key, const char *wanted)
{
    const pc_json *value = pc_json_get(object, key);
    const char *text = value == NULL ? NULL : pc_json_text(value);
    return text != NULL && strcmp(text, wanted) == 0;
}

/** Is the manifest that of this study, store and protection, and are its files as it says. */
static pc_status look_at_manifest(const pc_output *output, const char *path, bool *is_same,
                                  bool *is_whole, pc_error *err)
{
    pc_json *manifest = NULL;
    PC_TRY(pc_json_read(path, &manifest, err));
    const pc_json *protection = pc_json_get(manifest, "protected");
    *is_same = text_is(manifest, "study_hash", output->study_hash) &&
               text_is(manifest, "store_id", pc_store_id(output->session->store)) &&
               protection != NULL && pc_json_bool(protection) != output->options->unprotected;
    const pc_json *missing = pc_json_get(manifest, "missing_shards");
    *is_whole = *is_same && missing == NULL;
    const pc_json *files = pc_json_get(manifest, "files");
    pc_arena arena = {.budget = output->options->budget};
    pc_status status = PC_OK;
    for (const pc_json *file = files == NULL ? NULL : pc_json_first(files);
         file != NULL && *is_whole && status == PC_OK; file = pc_json_next(file)) {
        const char *name = NULL, *hash = pc_json_text(file);
        char found[PC_DIGEST_TEXT_BYTES];
        status = pc_output_path(output, "", pc_json_key(file), "", &arena, &name, err);
        if (status != PC_OK) break;
        *is_whole =
            hash != NULL && pc_file_hash(name, found, NULL) == PC_OK && strcmp(hash, found) == 0;
    }
    pc_arena_reset(&arena);
    pc_json_free(manifest);
    return status;
}

pc_status pc_output_look(const pc_output *output, bool *is_complete, pc_error *err)
{
    const char *dir = output->options->out;
    *is_complete = false;
    DIR *open = opendir(dir);
    if (open == NULL && errno == ENOENT) return PC_OK;
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "folder '%s': cannot be read: %s", dir, strerror(errno));
    }
    bool has_manifest = false, has_other = false, has_any = false;
    for (const struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        if (!is_entry(entry->d_name)) continue;
        has_any = true;
        has_manifest = has_manifest || strcmp(entry->d_name, "manifest.json") == 0;
        has_other = has_other || !is_ours(entry->d_name);
    }
    closedir(open);
    if (has_other) {
        return PC_FAIL(err, PC_BAD_JOB, "folder '%s' holds other files: name an empty or new one",
                       dir);
    }
    if (has_any && !output->options->resume) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "folder '%s' holds results: name a new one, or give --resume", dir);
    }
    if (!has_manifest) return PC_OK;
    bool is_same = false;
    pc_arena arena = {.budget = output->options->budget};
    const char *path = NULL;
    pc_status status = pc_output_path(output, "", "manifest.json", "", &arena, &path, err);
    if (status == PC_OK) status = look_at_manifest(output, path, &is_same, is_complete, err);
    pc_arena_reset(&arena);
    if (status == PC_OK && !is_same) {
        status = PC_FAIL(err, PC_BAD_JOB,
                         "folder '%s' holds the results of another study, store or setting", dir);
    }
    return status;
}

static pc_status make_folder(const char *path, mode_t mode, pc_error *err)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST) return PC_OK;
    return PC_FAIL(err, PC_IO, "folder '%s': cannot be made: %s", path, strerror(errno));
}

/** What an unfinished run left, perhaps of another study or unprotected, must not leave with this
 *  one: removes the entries that `is_meant`. */
static pc_status empty_folder(const char *path, bool (*is_meant)(const char *name), pc_error *err)
{
    DIR *open = opendir(path);
    if (open == NULL) {
        return PC_FAIL(err, PC_IO, "folder '%s': cannot be read: %s", path, strerror(errno));
    }
    pc_status status = PC_OK;
    for (const struct dirent *entry = readdir(open); entry != NULL && status == PC_OK;
         entry = readdir(open)) {
        if (is_meant(entry->d_name) && unlinkat(dirfd(open), entry->d_name, 0) != 0) {
            status = PC_FAIL(err, PC_IO, "folder '%s': what it holds cannot be removed: %s", path,
                             strerror(errno));
        }
    }
    closedir(open);
    return status;
}

pc_status pc_output_make(const char *path, pc_error *err)
{
    return make_folder(path, 0755, err);
}

pc_status pc_output_begin(const pc_output *output, pc_error *err)
{
    pc_arena arena = {.budget = output->options->budget};
    pc_status status = make_folder(output->options->out, 0755, err);
    if (status == PC_OK) status = empty_folder(output->options->out, is_left_over, err);
    for (int i = 0; i < 3 && status == PC_OK; i++) {
        const char *path = NULL;
        status = pc_output_path(output, "", folders[i], "", &arena, &path, err);
        // What holds patients or true small counts is for the owner alone.
        if (status == PC_OK) status = make_folder(path, i == 0 ? 0755 : 0700, err);
        // The third holds exports of shards that are done: pc_exports_begin knows which.
        if (status == PC_OK && i < 2) status = empty_folder(path, is_entry, err);
    }
    const char *manifest = NULL;
    if (status == PC_OK) {
        status = pc_output_path(output, "", "manifest.json", "", &arena, &manifest, err);
    }
    if (status == PC_OK && unlink(manifest) != 0 && errno != ENOENT) {
        status =
            PC_FAIL(err, PC_IO, "file '%s': cannot be replaced: %s", manifest, strerror(errno));
    }
    pc_arena_reset(&arena);
    return status;
}

pc_status pc_output_note(pc_output *output, const char *folder, const char *name,
                         const char *ending, const char *hash, pc_error *err)
{
    return pc_buffer_print(&output->files, err, "%s\n    \"%s/%s%s\": \"%s\"",
                           output->files.bytes == 0 ? "" : ",", folder, name, ending, hash);
}

const char *pc_output_ending(const pc_output *output, const char *ending, const char *incomplete)
{
    return output->lost->count == 0 ? ending : incomplete;
}

/** The member that says which shards are missing; nothing when none is. */
static pc_status print_missing(const pc_output *output, pc_buffer *out, pc_error *err)
{
    if (output->lost->count == 0) return PC_OK;
    PC_TRY(pc_buffer_print(out, err, "  \"missing_shards\": ["));
    PC_TRY(pc_lost_print(output->lost, out, err));
    return pc_buffer_print(out, err, "],\n  \"shards\": %lld,\n",
                           (long long)output->lost->shard_count);
}

pc_status pc_output_text(pc_output *output, const char *folder, const char *name,
                         const char *ending, pc_span text, unsigned mode, pc_arena *arena,
                         pc_error *err)
{
    const char *path = NULL;
    char hash[PC_DIGEST_TEXT_BYTES];
    PC_TRY(pc_output_path(output, folder, name, ending, arena, &path, err));
    PC_TRY(pc_file_put(path, text, mode, err));
    const pc_digest digest = pc_digest_of(text.data, text.bytes);
    pc_digest_format(&digest, hash);
    return pc_output_note(output, folder, name, ending, hash, err);
}

pc_status pc_output_table(pc_output *output, const char *name, const pc_result *release,
                          const pc_result *control, pc_arena *arena, pc_error *err)
{
    pc_gate_counts gate = {0};
    pc_buffer text = {.budget = arena->budget};
    pc_status status = PC_OK;
    for (int i = 0; i < 2 && status == PC_OK; i++) {
        const bool is_release = i == 0;
        const bool protect = is_release && !output->options->unprotected;
        text.bytes = 0;
        status = pc_result_write(protect ? release : control, PC_FORMAT_CSV, protect, &text,
                                 is_release ? &gate : NULL, err);
        if (status == PC_OK) {
            status = pc_output_text(
                output, folders[i], name, pc_output_ending(output, ".csv", ".incomplete.csv"),
                (pc_span){text.data, text.bytes}, is_release ? 0644 : 0600, arena, err);
        }
    }
    pc_buffer_release(&text);
    PC_TRY(status);
    return pc_buffer_print(&output->protection, err,
                           "%s\n    {\"table\": \"%s\", \"rows\": %lld, \"rows_suppressed\": %lld}",
                           output->protection.bytes == 0 ? "" : ",", name, (long long)gate.rows,
                           (long long)gate.suppressed_rows);
}

pc_status pc_output_protection(pc_output *output, pc_arena *arena, pc_error *err)
{
    pc_buffer text = {.budget = arena->budget};
    const bool is_off = output->options->unprotected;
    pc_status status = pc_buffer_print(&text, err, "{\n");
    if (status == PC_OK) status = print_missing(output, &text, err);
    if (status == PC_OK)
        status = pc_buffer_print(
            &text, err,
            "  \"protection\": \"%s\",\n  \"smallest_count\": %d,\n  \"tables\": [%.*s\n  ]\n}\n",
            is_off ? "none" : "primary suppression only", is_off ? 0 : (int)PC_MIN_PATIENTS,
            (int)output->protection.bytes,
            output->protection.data == NULL ? "" : output->protection.data);
    if (status == PC_OK) {
        status = pc_output_text(output, "release", "protection", ".json",
                                (pc_span){text.data, text.bytes}, 0644, arena, err);
    }
    pc_buffer_release(&text);
    return status;
}

/** Rows that made no record, by event. */
static pc_status print_left_out(const pc_nodes *nodes, pc_buffer *out, pc_error *err)
{
    bool is_first = true;
    PC_TRY(pc_buffer_print(out, err, "  \"rows_without_record\": ["));
    for (int i = 0; i < nodes->count; i++) {
        const pc_node *node = nodes->node[i];
        if (node->rows_without_day + node->rows_backwards + node->rows_without_supply == 0) {
            continue;
        }
        PC_TRY(pc_buffer_print(out, err, "%s\n    {\"event\": ", is_first ? "" : ","));
        PC_TRY(pc_json_write_text(out, pc_span_of(node->def->name), err));
        PC_TRY(pc_buffer_print(out, err,
                               ", \"no_first_day\": %lld, \"ends_before_it_starts\": %lld, "
                               "\"no_supply\": %lld}",
                               (long long)node->rows_without_day, (long long)node->rows_backwards,
                               (long long)node->rows_without_supply));
        is_first = false;
    }
    return pc_buffer_print(out, err, "%s],\n", is_first ? "" : "\n  ");
}

// What was read depends on single rows.
static long long told(const pc_output *output, int64_t value, int64_t step)
{
    return (long long)(output->options->unprotected ? value : pc_told(value, step));
}

static pc_status print_manifest(const pc_output *output, const pc_nodes *nodes, pc_buffer *out,
                                pc_error *err)
{
    const pc_read_counts *read = &output->counts.read;
    const pc_study *study = &output->session->study;
    const char *title = study->title == NULL ? study->name : study->title;
    PC_TRY(pc_buffer_print(out, err, "{\n  \"study\": \"%s\",\n  \"title\": ", study->name));
    PC_TRY(pc_json_write_text(out, pc_span_of(title), err));
    PC_TRY(pc_buffer_print(out, err, ",\n  \"study_hash\": \"%s\",\n", output->study_hash));
    PC_TRY(pc_buffer_print(out, err, "  \"store_id\": \"%s\",\n  \"version\": \"%s\",\n",
                           pc_store_id(output->session->store), PC_VERSION));
    PC_TRY(pc_buffer_print(out, err, "  \"commit\": \"%s\",\n  \"ranks\": %d,\n", PC_COMMIT,
                           output->ranks));
    PC_TRY(pc_buffer_print(out, err, "  \"protected\": %s,\n",
                           output->options->unprotected ? "false" : "true"));
    PC_TRY(pc_buffer_print(out, err,
                           "  \"read\": {\"shards\": %lld, \"blocks\": %lld, \"slots\": %lld, "
                           "\"rows\": %lld, \"chunks\": %lld, \"bytes\": %lld, "
                           "\"bytes_decoded\": %lld},\n",
                           (long long)output->counts.shards, (long long)read->blocks,
                           (long long)read->slots, (long long)read->rows,
                           told(output, read->chunks_read, PC_TOLD_CHUNKS),
                           told(output, read->bytes_read, PC_TOLD_BYTES),
                           told(output, read->bytes_decoded, PC_TOLD_BYTES)));
    PC_TRY(pc_buffer_print(out, err,
                           "  \"seconds\": {\"open\": %.3f, \"scan\": %.3f, \"reduce\": %.3f, "
                           "\"write\": %.3f},\n",
                           output->open_s, output->scan_s, output->reduce_s, output->write_s));
    PC_TRY(print_missing(output, out, err));
    PC_TRY(print_left_out(nodes, out, err));
    return pc_buffer_print(out, err, "  \"files\": {%.*s\n  }\n}\n", (int)output->files.bytes,
                           output->files.data == NULL ? "" : output->files.data);
}

pc_status pc_output_end(pc_output *output, const pc_nodes *nodes, pc_error *err)
{
    pc_arena arena = {.budget = output->options->budget};
    pc_buffer text = {.budget = output->options->budget};
    const char *path = NULL;
    pc_status status = pc_output_protection(output, &arena, err);
    if (status == PC_OK) status = print_manifest(output, nodes, &text, err);
    if (status == PC_OK) {
        status = pc_output_path(output, "", "manifest", ".json", &arena, &path, err);
    }
    if (status == PC_OK) {
        status = pc_file_put(path, (pc_span){text.data, text.bytes}, 0644, err);
    }
    pc_buffer_release(&text);
    pc_arena_reset(&arena);
    return status;
}
