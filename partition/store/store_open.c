/** Opening a store: the manifest first, then each file that it names, once its digest is right. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parcours/json.h"
#include "h5.h"
#include "inside.h"

enum { MOST_MANIFEST_BYTES = 64 << 20, MOST_SHARDS = 65536 };
#define DOCUMENT_MARK "\"document\":"

// A failure of reading what the store itself wrote is the store's, not the job's.
static pc_status as_input(pc_status status, const char *path, pc_error *err)
{
    if (status == PC_OK || status == PC_NO_MEMORY || status == PC_IO) return status;
    pc_error_prefix(err, "'%s' is damaged", path);
    if (err != NULL) err->status = PC_BAD_INPUT;
    return PC_BAD_INPUT;
}

// The manifest ends with the digest of all that stands before it.
static bool digest_is_right(pc_span text)
{
    enum { TAIL = sizeof "\"digest\":\"\"}\n" - 1 + PC_DIGEST_TEXT_BYTES - 1 };
    if (text.bytes < TAIL) return false;
    char expected[TAIL + 1], digest[PC_DIGEST_TEXT_BYTES];
    const pc_digest all = pc_digest_of(text.data, text.bytes - TAIL);
    pc_digest_format(&all, digest);
    snprintf(expected, sizeof expected, "\"digest\":\"%s\"}\n", digest);
    return memcmp(text.data + text.bytes - TAIL, expected, TAIL) == 0;
}

static bool take_digest(const pc_json *text, pc_digest *out)
{
    const char *hex = text == NULL ? NULL : pc_json_text(text);
    if (hex == NULL || strlen(hex) != PC_DIGEST_TEXT_BYTES - 1) return false;
    for (int i = 0; i < PC_DIGEST_BYTES; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return false;
        out->byte[i] = (unsigned char)byte;
    }
    return true;
}

// The digest of one of the three files, which the edition names.
static bool take_file(const pc_store *store, const pc_json *files, const char *base, pc_digest *out)
{
    char name[64];
    pc_store_file_name(base, store->edition, name);
    return take_digest(pc_json_get(files, name), out);
}

// The model's document, as the bytes it was read from.
static bool find_document(pc_span text, const pc_json *model, pc_span *out)
{
    int64_t bytes;
    pc_digest hash;
    const pc_json *size = pc_json_get(model, "document_bytes");
    const char *mark = strstr(text.data, DOCUMENT_MARK);
    if (mark == NULL || size == NULL || !pc_json_int(size, &bytes) || bytes < 0) return false;
    const char *from = mark + strlen(DOCUMENT_MARK);
    if (bytes > text.data + text.bytes - from) return false;
    *out = (pc_span){from, (size_t)bytes};
    const pc_digest digest = pc_digest_of(from, (size_t)bytes);
    return take_digest(pc_json_get(model, "hash"), &hash) &&
           memcmp(&hash, &digest, sizeof hash) == 0;
}

static bool take_count(const pc_json *manifest, const char *key, int64_t most, int64_t *out)
{
    const pc_json *value = pc_json_get(manifest, key);
    return value != NULL && pc_json_int(value, out) && *out >= 1 && *out <= most;
}

static pc_status read_header(pc_store *store, pc_span text, pc_error *err)
{
    const pc_json *manifest = store->manifest;
    const pc_json *format = pc_json_get(manifest, "format");
    if (format == NULL || pc_json_text(format) == NULL ||
        strcmp(pc_json_text(format), PC_STORE_FORMAT) != 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "expected format " PC_STORE_FORMAT);
    }
    const pc_json *id = pc_json_get(manifest, "id");
    const pc_json *files = pc_json_get(manifest, "files");
    int64_t shards, generations, edition = 0;
    pc_digest id_digest;
    const pc_json *count = pc_json_get(manifest, "edition");
    if (count != NULL && (!pc_json_int(count, &edition) || edition < 0 || edition > UINT32_MAX)) {
        return PC_FAIL(err, PC_BAD_INPUT, "expected an edition");
    }
    store->edition = (uint32_t)edition;
    if (!take_digest(id, &id_digest) || !take_count(manifest, "shards", MOST_SHARDS, &shards) ||
        (shards & (shards - 1)) != 0 || !take_count(manifest, "generations", 65535, &generations) ||
        files == NULL || !take_file(store, files, "parts", &store->parts_digest) ||
        !take_file(store, files, "dictionaries", &store->dictionaries_digest) ||
        !take_file(store, files, "references", &store->references_digest)) {
        return PC_FAIL(err, PC_BAD_INPUT, "expected id, shards, generations and files");
    }
    pc_digest_format(&id_digest, store->id);
    store->shard_count = (int)shards;
    store->generation_count = (uint32_t)generations;
    const pc_json *models = pc_json_get(manifest, "models");
    pc_span document;
    if (models == NULL || pc_json_count(models) != 1 ||
        !find_document(text, pc_json_first(models), &document)) {
        return PC_FAIL(err, PC_BAD_INPUT, "expected one model with its document");
    }
    const pc_json *parsed = pc_json_get(pc_json_first(models), "document");
    return pc_model_build(parsed, document, "the store's model", &store->arena, &store->model, err);
}

static pc_status read_manifest(pc_store *store, pc_error *err)
{
    char path[PC_PATH_BYTES];
    PC_TRY(pc_path_join(store->path, "store.json", path, err));
    if (access(path, F_OK) != 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "'%s' is not a store: it has no store.json (%s)",
                       store->path, strerror(errno));
    }
    pc_buffer text = {.budget = store->budget};
    pc_status status = pc_file_read(path, MOST_MANIFEST_BYTES, &text, err);
    const pc_span span = {text.data, text.bytes};
    if (status == PC_OK && !digest_is_right(span)) {
        status = PC_FAIL(err, PC_BAD_INPUT, "'%s' is damaged: it has changed since it was written",
                         path);
    }
    if (status == PC_OK) {
        status = as_input(pc_json_parse(span, "store.json", &store->manifest, err), path, err);
    }
    if (status == PC_OK) status = as_input(read_header(store, span, err), path, err);
    pc_buffer_release(&text);
    return status;
}

pc_status pc_store_find_file(const pc_store *store, const char *base, const pc_digest *digest,
                             char *path, pc_error *err)
{
    char name[64];
    pc_digest found;
    int64_t bytes;
    pc_store_file_name(base, store->edition, name);
    PC_TRY(pc_path_join(store->path, name, path, err));
    if (digest == NULL) return PC_OK;
    PC_TRY(pc_file_digest(path, store->budget, &found, &bytes, err));
    if (memcmp(&found, digest, sizeof found) == 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "'%s' is damaged: it has changed since it was written", path);
}

static pc_status read_named(pc_store *store, const char *base, const pc_digest *digest,
                            pc_status (*read)(pc_store *, const char *, pc_error *), pc_error *err)
{
    char path[PC_PATH_BYTES];
    PC_TRY(pc_store_find_file(store, base, digest, path, err));
    PC_TRY(pc_budget_take(store->budget, PC_H5_BYTES, err)); // libhdf5's own memory
    const pc_status status = read(store, path, err);
    pc_budget_give(store->budget, PC_H5_BYTES);
    return status;
}

static pc_status open_files(pc_store *store, const pc_store_shared *shared, pc_error *err)
{
    bool has_texts = false;
    PC_TRY(read_manifest(store, err));
    PC_TRY(pc_dictionaries_attach(store, shared, &has_texts, err));
    if (!has_texts) {
        PC_TRY(read_named(store, "dictionaries", &store->dictionaries_digest, pc_dictionaries_read,
                          err));
    }
    PC_TRY(pc_references_open(store, err));
    return read_named(store, "parts", &store->parts_digest, pc_parts_read, err);
}

pc_status pc_store_open(const char *path, pc_budget *budget, pc_store **out, pc_error *err)
{
    return pc_store_open_with(path, NULL, budget, out, err);
}

pc_status pc_store_open_with(const char *path, const pc_store_shared *shared, pc_budget *budget,
                             pc_store **out, pc_error *err)
{
    *out = NULL;
    pc_arena arena = {.budget = budget};
    pc_store *store = pc_arena_take(&arena, sizeof *store, err);
    if (store == NULL) return PC_NO_MEMORY;
    store->budget = budget;
    store->arena = arena;
    const int bytes = snprintf(store->path, sizeof store->path, "%s", path);
    pc_status status = PC_OK;
    if (bytes < 0 || bytes >= (int)sizeof store->path) {
        status = PC_FAIL(err, PC_BAD_INPUT, "the path of the store is too long");
    }
    if (status == PC_OK) status = open_files(store, shared, err);
    if (status != PC_OK) {
        pc_store_close(store);
        return status;
    }
    *out = store;
    return PC_OK;
}

void pc_store_close(pc_store *store)
{
    if (store == NULL) return;
    pc_json_free(store->manifest);
    pc_budget_give(store->budget, store->shared.counted_bytes);
    pc_arena arena = store->arena; // the store itself lies in it
    pc_arena_reset(&arena);
}

const char *pc_store_id(const pc_store *store)
{
    return store->id;
}

const pc_model *pc_store_model(const pc_store *store)
{
    return store->model;
}

void pc_store_period(const pc_store *store, int32_t *first, int32_t *last)
{
    *first = INT32_MAX;
    *last = INT32_MIN;
    for (int64_t i = 0; i < store->part_count; i++) {
        *first = store->part[i].first_day < *first ? store->part[i].first_day : *first;
        *last = store->part[i].last_day > *last ? store->part[i].last_day : *last;
    }
}

const pc_json *pc_store_manifest(const pc_store *store)
{
    return store->manifest;
}

const pc_dict *pc_store_dict(const pc_store *store, int dict)
{
    return &store->dict[dict];
}

pc_status pc_store_reference(pc_store *store, int table, const pc_column **column,
                             int64_t *row_count, pc_error *err)
{
    *column = store->reference[table];
    *row_count = store->reference_rows[table];
    return pc_references_read(store, table, err);
}

const pc_column *pc_store_reference_columns(const pc_store *store, int table)
{
    return store->reference[table];
}

pc_status pc_store_read_references(pc_store *store, pc_error *err)
{
    return pc_references_read(store, -1, err);
}

int pc_store_shard_count(const pc_store *store)
{
    return store->shard_count;
}

int64_t pc_store_shard_bytes(const pc_store *store, int shard)
{
    int64_t bytes = 0;
    for (int64_t i = store->shard_part[shard]; i < store->shard_part[shard + 1]; i++) {
        bytes += store->part[i].bytes;
    }
    return bytes;
}

int64_t pc_store_table_rows(const pc_store *store, int table)
{
    int64_t rows = 0;
    if (store->model->table[table].path == PC_PATH_NONE) return store->reference_rows[table];
    for (int64_t i = 0; i < store->part_count; i++) {
        rows += store->part_rows[i * store->model->table_count + table];
    }
    return rows;
}
