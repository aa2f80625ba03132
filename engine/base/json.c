/** JSON documents over cJSON, read strictly. */
#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "json_scan.h"
#include "parcours/json.h"

enum { DOCUMENT_BYTES = 64 << 20 }; // studies and models are far smaller; a wrong file is not read

static const cJSON *node_of(const pc_json *value)
{
    return (const cJSON *)(const void *)value;
}

static const pc_json *value_of(const cJSON *node)
{
    return (const pc_json *)(const void *)node;
}

typedef struct key_place {
    size_t object; // number of the object it stands in
    const char *key;
    size_t offset; // in the text
} key_place;

static int compare_places(const void *a, const void *b)
{
    const key_place *x = a;
    const key_place *y = b;
    if (x->object != y->object) return x->object < y->object ? -1 : 1;
    const int order = strcmp(x->key, y->key);
    if (order != 0) return order;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

// Lists all keys with their object. A walk in document order meets the keys in the order of
// `offset`.
static pc_status list_keys(const cJSON *root, const size_t *offset, size_t key_count,
                           pc_buffer *out, pc_error *err)
{
    const cJSON *parent[PC_JSON_MAX_DEPTH + 1];
    size_t object[PC_JSON_MAX_DEPTH + 1] = {0}; // of the members at this depth
    int depth = 0;
    size_t object_count = 0;
    size_t key_index = 0;
    const cJSON *node = root;
    while (node != NULL) {
        if (node->string != NULL) {
            assert(key_index < key_count);
            const key_place place = {object[depth], node->string, offset[key_index++]};
            PC_TRY(pc_buffer_append(out, &place, sizeof place, err));
        }
        if (node->child != NULL) {
            assert(depth < PC_JSON_MAX_DEPTH);
            parent[depth++] = node;
            object[depth] = object_count++;
            node = node->child;
            continue;
        }
        while (depth > 0 && node->next == NULL) {
            node = parent[--depth];
        }
        node = depth > 0 ? node->next : NULL;
    }
    assert(key_index == key_count);
    (void)key_count;
    return PC_OK;
}

static pc_status check_keys(const cJSON *root, const pc_buffer *key_offset, pc_span text,
                            const char *name, pc_error *err)
{
    pc_buffer places = {0};
    const size_t *offset = (const size_t *)(const void *)key_offset->data;
    pc_status status = list_keys(root, offset, key_offset->bytes / sizeof *offset, &places, err);
    if (status == PC_OK && places.bytes > 0) {
        key_place *place = (key_place *)(void *)places.data;
        const size_t count = places.bytes / sizeof *place;
        qsort(place, count, sizeof *place, compare_places);
        size_t first = SIZE_MAX;
        for (size_t i = 1; i < count; i++) {
            if (place[i].object == place[i - 1].object &&
                strcmp(place[i].key, place[i - 1].key) == 0 && place[i].offset < first) {
                first = place[i].offset;
            }
        }
        if (first != SIZE_MAX) {
            status = pc_json_fail_at(text, name, first, "this key stands twice in its object", err);
        }
    }
    pc_buffer_release(&places);
    return status;
}

pc_status pc_json_parse(pc_span text, const char *name, pc_json **out, pc_error *err)
{
    pc_buffer key_offset = {0};
    cJSON *root = NULL;
    pc_status status = pc_json_scan(text, name, &key_offset, err);
    if (status != PC_OK) goto done;
    // cJSON skips a byte order mark only before more than one byte, so we do.
    const size_t mark_bytes = text.bytes > 0 && text.data[0] == '\xef' ? 3 : 0;
    root = cJSON_ParseWithLengthOpts(text.data + mark_bytes, text.bytes - mark_bytes, NULL, 0);
    if (root == NULL) {
        status =
            PC_FAIL(err, PC_NO_MEMORY, "%s: out of memory for %zu bytes of JSON", name, text.bytes);
        goto done;
    }
    status = check_keys(root, &key_offset, text, name, err);
done:
    pc_buffer_release(&key_offset);
    if (status != PC_OK) {
        cJSON_Delete(root);
        return status;
    }
    *out = (pc_json *)(void *)root;
    return PC_OK;
}

static pc_status read_all(FILE *file, const char *path, pc_buffer *out, pc_error *err)
{
    enum { PIECE_BYTES = 64 << 10 };
    for (;;) {
        PC_TRY(pc_buffer_reserve(out, out->bytes + PIECE_BYTES, err));
        const size_t bytes = fread(out->data + out->bytes, 1, PIECE_BYTES, file);
        if (ferror(file)) {
            return PC_FAIL(err, PC_IO, "cannot read '%s': %s", path, strerror(errno));
        }
        if (bytes == 0) return PC_OK;
        out->bytes += bytes;
        if (out->bytes > DOCUMENT_BYTES) {
            return PC_FAIL(err, PC_BAD_JOB, "'%s' is larger than 64 MiB: not a JSON file of ours",
                           path);
        }
    }
}

pc_status pc_json_read(const char *path, pc_json **out, pc_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PC_FAIL(err, PC_IO, "cannot open '%s': %s", path, strerror(errno));
    pc_buffer text = {0};
    pc_status status = read_all(file, path, &text, err);
    (void)fclose(file);
    if (status == PC_OK) status = pc_json_parse((pc_span){text.data, text.bytes}, path, out, err);
    pc_buffer_release(&text);
    return status;
}

void pc_json_free(pc_json *document)
{
    cJSON_Delete((cJSON *)(void *)document);
}

pc_json_kind pc_json_kind_of(const pc_json *value)
{
    const cJSON *node = node_of(value);
    if (cJSON_IsBool(node)) return PC_JSON_BOOL;
    if (cJSON_IsNumber(node)) return PC_JSON_NUMBER;
    if (cJSON_IsString(node)) return PC_JSON_TEXT;
    if (cJSON_IsArray(node)) return PC_JSON_ARRAY;
    if (cJSON_IsObject(node)) return PC_JSON_OBJECT;
    return PC_JSON_NULL;
}

const char *pc_json_kind_name(pc_json_kind kind)
{
    static const char *const name[] = {"null",   "true or false", "a number",
                                       "a text", "a list",        "an object"};
    return name[kind];
}

const pc_json *pc_json_get(const pc_json *object, const char *key)
{
    return value_of(cJSON_GetObjectItemCaseSensitive(node_of(object), key));
}

const pc_json *pc_json_first(const pc_json *value)
{
    return value == NULL ? NULL : value_of(node_of(value)->child);
}

const pc_json *pc_json_next(const pc_json *value)
{
    return value_of(node_of(value)->next);
}

const char *pc_json_key(const pc_json *member)
{
    return node_of(member)->string;
}

int pc_json_count(const pc_json *value)
{
    return cJSON_GetArraySize(node_of(value));
}

const char *pc_json_text(const pc_json *value)
{
    return cJSON_GetStringValue(node_of(value));
}

double pc_json_number(const pc_json *value)
{
    return cJSON_GetNumberValue(node_of(value));
}

bool pc_json_bool(const pc_json *value)
{
    return cJSON_IsTrue(node_of(value)) != 0;
}

bool pc_json_int(const pc_json *value, int64_t *out)
{
    static const double MOST = 9007199254740992.0; // 2^53: beyond it doubles skip integers
    if (!cJSON_IsNumber(node_of(value))) return false;
    const double number = cJSON_GetNumberValue(node_of(value));
    if (!(fabs(number) <= MOST) || floor(number) != number) return false;
    *out = (int64_t)number;
    return true;
}

pc_status pc_json_write_text(pc_buffer *out, pc_span text, pc_error *err)
{
    PC_TRY(pc_buffer_append(out, "\"", 1, err));
    for (size_t at = 0; at < text.bytes;) {
        const char c = text.data[at];
        size_t bytes = pc_utf8_character((pc_span){text.data + at, text.bytes - at});
        if (bytes == 0) {
            PC_TRY(pc_buffer_append(out, "\xef\xbf\xbd", 3, err)); // U+FFFD
            bytes = 1;
        } else if (c == '"' || c == '\\') {
            PC_TRY(pc_buffer_print(out, err, "\\%c", c));
        } else if (c == '\n') {
            PC_TRY(pc_buffer_append(out, "\\n", 2, err));
        } else if ((unsigned char)c < 0x20 || c == 0x7f) {
            PC_TRY(pc_buffer_print(out, err, "\\u%04x", (unsigned)(unsigned char)c));
        } else {
            PC_TRY(pc_buffer_append(out, text.data + at, bytes, err));
        }
        at += bytes;
    }
    return pc_buffer_append(out, "\"", 1, err);
}
