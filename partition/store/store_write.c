/** The files beside the parts, and store.json last: until it is there, there is no store. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parcours/json.h"
#include "h5.h"
#include "inside.h"

/** A file that store.json names by its digest. */
typedef struct named_file {
    char name[64];
    pc_digest digest;
} named_file;
enum { DICTIONARIES, REFERENCES, PARTS, FILE_COUNT };

static pc_status write_content(int which, const char *store, const char *path,
                               const pc_store_contents *contents, pc_budget *budget, pc_error *err)
{
    if (which == DICTIONARIES) return pc_dictionaries_write(path, contents, budget, err);
    if (which == REFERENCES) return pc_references_write(path, contents, budget, err);
    return pc_parts_write(store, path, contents, budget, err);
}

// Writes one file under a temporary name, then its own.
static pc_status write_file(int which, const char *store, const pc_store_contents *contents,
                            pc_budget *budget, named_file *file, pc_error *err)
{
    char path[PC_PATH_BYTES], temporary[PC_PATH_BYTES], name[PC_PATH_BYTES];
    int64_t bytes;
    snprintf(name, sizeof name, "%s.tmp.%d", file->name, (int)getpid());
    PC_TRY(pc_path_join(store, file->name, path, err));
    PC_TRY(pc_path_join(store, name, temporary, err));
    unlink(temporary);
    pc_status status = write_content(which, store, temporary, contents, budget, err);
    if (status == PC_OK) status = pc_file_digest(temporary, budget, &file->digest, &bytes, err);
    if (status == PC_OK) status = pc_publish(temporary, path, err);
    if (status != PC_OK) unlink(temporary);
    return status;
}

static pc_digest store_id(const pc_manifest *manifest, const char *model_hash)
{
    pc_digest_state state;
    char shards[32];
    const int bytes = snprintf(shards, sizeof shards, "\n%u\n", manifest->shard_count);
    pc_digest_begin(&state);
    pc_digest_add(&state, PC_STORE_FORMAT "\n", sizeof PC_STORE_FORMAT);
    pc_digest_add(&state, model_hash, PC_DIGEST_TEXT_BYTES - 1);
    pc_digest_add(&state, shards, (size_t)bytes);
    pc_digest_add(&state, manifest->deliveries_json.data, manifest->deliveries_json.bytes);
    return pc_digest_end(&state);
}

static pc_status print_model(const pc_model *model, const char *hash, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "\"models\":[{\"name\":"));
    PC_TRY(pc_json_write_text(out, pc_span_of(model->name), err));
    PC_TRY(pc_buffer_print(out, err, ",\"version\":"));
    PC_TRY(pc_json_write_text(out, pc_span_of(model->version), err));
    PC_TRY(pc_buffer_print(out, err, ",\"hash\":\"%s\",\"document_bytes\":%zu,\"document\":", hash,
                           model->document.bytes));
    PC_TRY(pc_buffer_append(out, model->document.data, model->document.bytes, err));
    return pc_buffer_print(out, err, "}],\n");
}

static pc_status print_manifest(const pc_store_contents *contents, const named_file *file,
                                pc_buffer *out, pc_error *err)
{
    const pc_manifest *manifest = contents->manifest;
    const pc_model *model = manifest->model;
    char text[PC_DIGEST_TEXT_BYTES], model_hash[PC_DIGEST_TEXT_BYTES];
    const pc_digest model_digest = pc_digest_of(model->document.data, model->document.bytes);
    pc_digest_format(&model_digest, model_hash);
    const pc_digest id = store_id(manifest, model_hash);
    pc_digest_format(&id, text);
    PC_TRY(
        pc_buffer_print(out, err, "{\"format\":\"%s\",\n\"id\":\"%s\",\n", PC_STORE_FORMAT, text));
    PC_TRY(print_model(model, model_hash, out, err));
    PC_TRY(pc_buffer_print(out, err,
                           "\"shards\":%u,\n\"edition\":%u,\n\"generations\":%u,\n\"deliveries\":",
                           manifest->shard_count, contents->edition, contents->generation_count));
    PC_TRY(pc_buffer_append(out, manifest->deliveries_json.data, manifest->deliveries_json.bytes,
                            err));
    PC_TRY(pc_buffer_print(out, err, ",\n\"tables\":"));
    PC_TRY(pc_buffer_append(out, manifest->tables_json.data, manifest->tables_json.bytes, err));
    PC_TRY(pc_buffer_print(out, err, ",\n\"files\":{"));
    for (int i = 0; i < FILE_COUNT; i++) {
        pc_digest_format(&file[i].digest, text);
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", file[i].name, text));
    }
    PC_TRY(pc_buffer_print(out, err, "},\n"));
    const pc_digest all = pc_digest_of(out->data, out->bytes);
    pc_digest_format(&all, text);
    return pc_buffer_print(out, err, "\"digest\":\"%s\"}\n", text);
}

// A manifest that cannot be read again must not be published.
static pc_status check_manifest(pc_span text, pc_error *err)
{
    pc_json *json = NULL;
    const pc_status status = pc_json_parse(text, "store.json", &json, err);
    pc_json_free(json);
    return status;
}

static pc_status write_manifest(const char *store, pc_span text, pc_error *err)
{
    char path[PC_PATH_BYTES], temporary[PC_PATH_BYTES], name[64];
    snprintf(name, sizeof name, "store.json.tmp.%d", (int)getpid());
    PC_TRY(pc_path_join(store, "store.json", path, err));
    PC_TRY(pc_path_join(store, name, temporary, err));
    pc_status status = pc_write_file(temporary, text.data, text.bytes, err);
    if (status == PC_OK) status = pc_publish(temporary, path, err);
    if (status != PC_OK) unlink(temporary);
    return status;
}

pc_status pc_store_write(const char *store, const pc_store_contents *contents, pc_budget *budget,
                         pc_error *err)
{
    static const char *const base[FILE_COUNT] = {"dictionaries", "references", "parts"};
    named_file file[FILE_COUNT];
    char path[PC_PATH_BYTES];
    PC_TRY(pc_path_join(store, "store.json", path, err));
    PC_TRY(pc_make_folders(path, err));
    PC_TRY(pc_budget_take(budget, PC_H5_BYTES, err)); // libhdf5's own memory
    pc_buffer text = {.budget = budget};
    pc_status status = PC_OK;
    for (int i = 0; i < FILE_COUNT && status == PC_OK; i++) {
        pc_store_file_name(base[i], contents->edition, file[i].name);
        status = write_file(i, store, contents, budget, &file[i], err);
    }
    if (status == PC_OK) status = print_manifest(contents, file, &text, err);
    if (status == PC_OK) status = check_manifest((pc_span){text.data, text.bytes}, err);
    if (status == PC_OK) status = write_manifest(store, (pc_span){text.data, text.bytes}, err);
    pc_buffer_release(&text);
    pc_budget_give(budget, PC_H5_BYTES);
    return status;
}
