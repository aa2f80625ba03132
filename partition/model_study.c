/** What studies ask of a model: how signed lines cancel, and standard populations. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "model_build.h"

enum { MOST_CLASSES = 512, MOST_AGE = 150 };

// ---- netting ----------------------------------------------------------------------------------

static bool table_has(const model_builder *b, int table, const char *name)
{
    return pc_model_find_column(&b->table[table], pc_span_of(name)) >= 0;
}

// A column of the row, of its parent, or of its or its parent's companions.
static bool row_sees(const model_builder *b, int table, const char *name)
{
    if (table_has(b, table, name)) return true;
    const pc_model_table *t = &b->table[table];
    const int key = t->own_key >= 0 ? t->own_key : t->parent_key;
    if (key < 0) return false;
    if (table_has(b, b->key[key].table, name)) return true;
    for (int i = 0; i < b->model->table_count; i++) {
        if (b->table[i].companion && b->table[i].parent_key == key && table_has(b, i, name)) {
            return true;
        }
    }
    return false;
}

static pc_status read_net(model_builder *b, int table, const pc_json *json)
{
    static const char *const known[] = {"by", "quantity"};
    char path[MODEL_PATH_BYTES];
    pc_model_net *net = &b->table[table].net;
    (void)snprintf(path, sizeof path, "tables.%s.net", b->table[table].name);
    PC_TRY(model_expect(b, path, json, PC_JSON_OBJECT, "an object {\"by\", \"quantity\"}"));
    PC_TRY(model_members(b, path, json, known, 2));
    PC_TRY(model_texts(b, path, json, "by", true, &net->by, &net->by_count));
    PC_TRY(model_text(b, path, json, "quantity", true, &net->quantity));
    if (b->table[table].path == PC_PATH_NONE) {
        return model_fail(b, path, "a reference table has no patient whose lines cancel");
    }
    for (int i = 0; i <= net->by_count; i++) {
        const char *name = i < net->by_count ? net->by[i] : net->quantity;
        if (row_sees(b, table, name)) continue;
        return model_fail(b, path, "'%.63s' is no column of %s, its parent or a companion", name,
                          b->table[table].name);
    }
    return PC_OK;
}

pc_status model_read_nets(model_builder *b)
{
    for (int t = 0; t < b->model->table_count; t++) {
        const pc_json *json = b->json[t] == NULL ? NULL : pc_json_get(b->json[t], "net");
        if (json != NULL) PC_TRY(read_net(b, t, json));
    }
    return PC_OK;
}

// ---- standard populations ---------------------------------------------------------------------

// [low, high, weight]; high null in the last one.
static pc_status read_class(model_builder *b, const char *path, const pc_json *json,
                            pc_model_class *out)
{
    static const char *const shape = "[first age, last age or null, weight]";
    int64_t low = 0;
    int64_t high = INT_MAX;
    PC_TRY(model_expect(b, path, json, PC_JSON_ARRAY, shape));
    const pc_json *first = pc_json_first(json);
    const pc_json *second = first == NULL ? NULL : pc_json_next(first);
    const pc_json *third = second == NULL ? NULL : pc_json_next(second);
    if (pc_json_count(json) != 3 || !pc_json_int(first, &low) ||
        !pc_json_int(third, &out->weight) ||
        (pc_json_kind_of(second) != PC_JSON_NULL && !pc_json_int(second, &high))) {
        return model_fail(b, path, "expected %s", shape);
    }
    if (low < 0 || low > MOST_AGE || high < low || out->weight < 0 ||
        (high > MOST_AGE && high != INT_MAX)) {
        return model_fail(b, path, "expected ages from 0 to %d in order and a weight from 0",
                          MOST_AGE);
    }
    out->low = (int)low;
    out->high = (int)high;
    return PC_OK;
}

static pc_status read_classes(model_builder *b, const char *path, const pc_json *list, char sex,
                              pc_model_class *out, int *count)
{
    int next = 0; // the age that the next class begins with
    PC_TRY(model_expect(b, path, list, PC_JSON_ARRAY, "a list of classes"));
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        pc_model_class *c = &out[*count];
        PC_TRY(read_class(b, path, v, c));
        c->sex = sex;
        if (next == INT_MAX || c->low != next) {
            return model_fail(b, path, "expected classes without gaps from age 0");
        }
        next = c->high == INT_MAX ? INT_MAX : c->high + 1;
        ++*count;
    }
    if (next == INT_MAX) return PC_OK;
    return model_fail(b, path, "expected null as the last age of the last class");
}

static pc_status read_population(model_builder *b, const pc_json *json, pc_model_population *out)
{
    static const char *const known[] = {"source", "classes", "female", "male"};
    static const char *const list_name[] = {"classes", "female", "male"};
    static const char sex[] = {0, 'F', 'M'};
    char path[MODEL_PATH_BYTES];
    char at[MODEL_PATH_BYTES];
    int room = 0;
    (void)snprintf(path, sizeof path, "populations.%.63s", pc_json_key(json));
    PC_TRY(model_check_name(b, path, pc_json_key(json)));
    PC_TRY(model_expect(b, path, json, PC_JSON_OBJECT, "an object"));
    PC_TRY(model_members(b, path, json, known, 4));
    PC_TRY(model_text(b, path, json, "source", true, &out->source));
    const bool both = pc_json_get(json, "classes") != NULL;
    for (int i = 0; i < 3; i++) {
        const pc_json *list = pc_json_get(json, list_name[i]);
        if ((list != NULL) != (both ? i == 0 : i > 0)) {
            return model_fail(b, path, "expected \"classes\", or \"female\" and \"male\"");
        }
        if (list != NULL) room += pc_json_count(list);
    }
    if (room > MOST_CLASSES)
        return model_fail(b, path, "expected at most %d classes", MOST_CLASSES);
    pc_model_class *classes = pc_arena_array(b->arena, (size_t)room + 1, sizeof *classes, b->err);
    out->name = pc_arena_text(b->arena, pc_json_key(json), strlen(pc_json_key(json)), b->err);
    if (classes == NULL || out->name == NULL) return PC_NO_MEMORY;
    out->classes = classes;
    for (int i = 0; i < 3; i++) {
        const pc_json *list = pc_json_get(json, list_name[i]);
        if (list == NULL) continue;
        model_path(at, path, list_name[i]);
        PC_TRY(read_classes(b, at, list, sex[i], classes, &out->class_count));
    }
    return PC_OK;
}

pc_status model_read_populations(model_builder *b, const pc_json *document)
{
    const pc_json *list = pc_json_get(document, "populations");
    if (list == NULL) return PC_OK;
    PC_TRY(model_expect(b, "populations", list, PC_JSON_OBJECT, "an object {name: population}"));
    pc_model_population *population =
        model_grow(b, b->model->population, b->model->population_count, pc_json_count(list) + 1,
                   sizeof *population);
    if (population == NULL) return PC_NO_MEMORY;
    b->model->population = population;
    for (const pc_json *v = pc_json_first(list); v != NULL; v = pc_json_next(v)) {
        PC_TRY(read_population(b, v, &population[b->model->population_count]));
        b->model->population_count++;
    }
    return PC_OK;
}
