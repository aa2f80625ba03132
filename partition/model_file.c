/** Models from their files: shipped ones by name, others by path, extensions behind '+'; and the
 * model of a store with extensions that it did not have. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parcours/model.h"

enum { MODEL_MAX_BYTES = 16 * 1024 * 1024 }; // of a model file: a hundred times the SNDS's

static pc_status read_whole(const char *path, pc_buffer *out, pc_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PC_FAIL(err, PC_IO, "model '%s': cannot be opened", path);
    pc_status status = PC_OK;
    size_t got = 1;
    while (status == PC_OK && got > 0) {
        char piece[16384];
        got = fread(piece, 1, sizeof piece, file);
        status = pc_buffer_append(out, piece, got, err);
        if (status == PC_OK && out->bytes > MODEL_MAX_BYTES) {
            status = PC_FAIL(err, PC_BAD_JOB, "model '%s': larger than 16 MiB", path);
        }
    }
    if (status == PC_OK && ferror(file) != 0) {
        status = PC_FAIL(err, PC_IO, "model '%s': cannot be read", path);
    }
    (void)fclose(file);
    return status;
}

// The text of one model, by name or path.
static pc_status read_one(pc_span name, const char *share, pc_buffer *out, pc_error *err)
{
    char path[4096];
    const bool is_path =
        memchr(name.data, '/', name.bytes) != NULL || memchr(name.data, '.', name.bytes) != NULL;
    const int bytes = is_path ? snprintf(path, sizeof path, "%.*s", (int)name.bytes, name.data)
                              : snprintf(path, sizeof path, "%s/models/%.*s.json", share,
                                         (int)name.bytes, name.data);
    if (bytes < 0 || (size_t)bytes >= sizeof path) {
        return PC_FAIL(err, PC_BAD_JOB, "model: its path is too long");
    }
    if (access(path, F_OK) != 0) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "model '%.*s': there is no file '%s'; a shipped model is given by "
                       "its name (snds), another by the path of its file, extensions behind '+'",
                       (int)name.bytes, name.data, path);
    }
    return read_whole(path, out, err);
}

pc_status pc_model_read(const char *name_or_path, const char *share, pc_arena *arena,
                        const pc_model **out, pc_error *err)
{
    pc_buffer text = {.budget = arena->budget};
    const bool is_one = strchr(name_or_path, '+') == NULL;
    const char *at = name_or_path;
    pc_status status = is_one ? PC_OK : pc_buffer_append(&text, "[", 1, err);
    for (bool is_first = true; status == PC_OK && (is_first || *at != '\0'); is_first = false) {
        const size_t bytes = strcspn(at, "+");
        if (!is_first) status = pc_buffer_append(&text, ",", 1, err);
        if (status == PC_OK) status = read_one((pc_span){at, bytes}, share, &text, err);
        at += bytes;
        if (*at == '+') at++;
    }
    if (status == PC_OK && !is_one) status = pc_buffer_append(&text, "]", 1, err);
    if (status == PC_OK) {
        status = pc_model_parse((pc_span){text.data, text.bytes}, name_or_path, arena, out, err);
    }
    pc_buffer_release(&text);
    return status;
}

// Whether `text` is one of the documents that `base` consists of.
static bool holds_document(pc_span base, pc_span text)
{
    if (pc_span_equal(base, text)) return true;
    if (text.bytes == 0 || base.bytes < text.bytes + 2) return false;
    for (const char *at = base.data + 1; at + text.bytes < base.data + base.bytes; at++) {
        const char *end = at + text.bytes;
        if ((at[-1] == '[' || at[-1] == ',') && (*end == ',' || *end == ']') &&
            memcmp(at, text.data, text.bytes) == 0) {
            return true;
        }
    }
    return false;
}

// A document that the base does not hold must be an extension that it does not have.
static pc_status check_extension(const pc_model *base, pc_span text, pc_span name, pc_error *err)
{
    pc_json *document = NULL;
    char file[PC_ERROR_BYTES], what[PC_ERROR_BYTES + 16];
    const int name_bytes = name.bytes < sizeof file ? (int)name.bytes : (int)sizeof file - 1;
    (void)snprintf(file, sizeof file, "%.*s", name_bytes, name.data);
    (void)snprintf(what, sizeof what, "model '%s'", file);
    PC_TRY(pc_json_parse(text, what, &document, err));
    const bool is_object = pc_json_kind_of(document) == PC_JSON_OBJECT;
    const pc_json *title = is_object ? pc_json_get(document, "model") : NULL;
    const char *own = title == NULL ? NULL : pc_json_text(title);
    bool is_known = !is_object || pc_json_get(document, "extends") == NULL || own == NULL;
    for (const char *at = base->name; !is_known && *at != '\0'; at += *at == '+') {
        const size_t bytes = strcspn(at, "+");
        is_known = pc_span_equal((pc_span){at, bytes}, pc_span_of(own));
        at += bytes;
    }
    pc_status status = PC_OK;
    if (is_known) {
        status = PC_FAIL(err, PC_BAD_JOB,
                         "the store was made with another text of model '%s': a delivery that is "
                         "added must be read by the same (leave out --model), or by an extension "
                         "that is new to the store",
                         own == NULL ? file : own);
    }
    pc_json_free(document);
    return status;
}

// Appends the documents of `names` that the base lacks to `all`, the list that it begins.
static pc_status add_documents(const pc_model *base, const char *names, const char *share,
                               pc_buffer *all, pc_error *err)
{
    pc_buffer text = {.budget = all->budget};
    pc_status status = PC_OK;
    for (bool is_first = true; status == PC_OK && (is_first || *names != '\0'); is_first = false) {
        const size_t bytes = strcspn(names, "+");
        text.bytes = 0;
        status = read_one((pc_span){names, bytes}, share, &text, err);
        const pc_span document = {text.data, text.bytes}, name = {names, bytes};
        names += bytes;
        if (*names == '+') names++;
        if (status != PC_OK || holds_document(base->document, document)) continue;
        status = check_extension(base, document, name, err);
        if (status == PC_OK) status = pc_buffer_append(all, ",", 1, err);
        if (status == PC_OK) status = pc_buffer_append(all, text.data, text.bytes, err);
    }
    pc_buffer_release(&text);
    return status;
}

pc_status pc_model_extend(const pc_model *base, const char *names, const char *share,
                          pc_arena *arena, const pc_model **out, pc_error *err)
{
    const pc_span old = base->document;
    const bool is_list = strchr(base->name, '+') != NULL;
    size_t old_bytes = old.bytes;
    while (is_list && old.data[--old_bytes] != ']') {
    } // the list goes on
    pc_buffer all = {.budget = arena->budget};
    pc_status status = is_list ? PC_OK : pc_buffer_append(&all, "[", 1, err);
    if (status == PC_OK) status = pc_buffer_append(&all, old.data, old_bytes, err);
    const size_t before = all.bytes;
    if (status == PC_OK) status = add_documents(base, names, share, &all, err);
    *out = base;
    if (status == PC_OK && all.bytes > before) {
        status = pc_buffer_append(&all, "]", 1, err);
        if (status == PC_OK) {
            status = pc_model_parse((pc_span){all.data, all.bytes}, names, arena, out, err);
        }
    }
    pc_buffer_release(&all);
    return status;
}
