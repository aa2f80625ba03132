// The `codes` section: lists of codes by system.
#include "study_read.h"
#include <string.h>

/** Notes what is wrong with a code as written; `*is_good` says whether anything was. */
static pc_status check_code(pc_loader *loader, const char *text, const pc_system *system,
                            const pc_place *place, bool *is_good)
{
    *is_good = false;
    if (system->kind == PC_SYSTEM_TREE) {
        return pc_problem(loader, place, "codes",
                          "trees of codes are above the level of this version");
    }
    const char *code = text[0] == '=' ? text + 1 : text;
    if (code[0] == '\0') return pc_problem(loader, place, "codes", "the code is empty");
    if (strpbrk(code, ". \t") != NULL) {
        return pc_problem(loader, place, "codes", "a code is written without dot or blank: '%.40s'",
                          code);
    }
    const char *dash = strchr(code, '-');
    if (dash == NULL) {
        *is_good = true;
        return PC_OK;
    }
    if (system->kind == PC_SYSTEM_FLAT) {
        return pc_problem(loader, place, "codes", "%s has no hierarchy, so no ranges",
                          system->name);
    }
    const size_t low_bytes = (size_t)(dash - code);
    if (text[0] == '=' || low_bytes == 0 || strlen(dash + 1) != low_bytes ||
        memcmp(code, dash + 1, low_bytes) > 0) {
        return pc_problem(loader, place, "codes",
                          "a range is two codes of one length, the lower first: '%.40s'", code);
    }
    *is_good = true;
    return PC_OK;
}

static void make_pattern(const char *text, const pc_model *model, int system, bool is_except,
                         pc_code_pattern *out)
{
    const bool exact = text[0] == '=';
    const char *code = exact ? text + 1 : text;
    const char *dash = strchr(code, '-');
    *out = (pc_code_pattern){.system = system,
                             .is_prefix_system = model->system[system].kind == PC_SYSTEM_PREFIX,
                             .is_except = is_except,
                             .exact = exact,
                             .low = pc_span_of(code)};
    if (dash != NULL) {
        out->low.bytes = (size_t)(dash - code);
        out->high = pc_span_of(dash + 1);
    }
}

static pc_status parse_list(pc_loader *loader, const pc_json *list, int system, bool is_except,
                            const pc_place *place, pc_codes *codes)
{
    pc_names names;
    PC_TRY(pc_read_names(loader, list, place, &names));
    const pc_model *model = loader->study->model;
    for (int i = 0; i < names.count; i++) {
        bool is_good = false;
        PC_TRY(check_code(loader, names.name[i], &model->system[system], PC_PLACE_INDEX(place, i),
                          &is_good));
        if (!is_good) continue;
        make_pattern(names.name[i], model, system, is_except,
                     &codes->pattern[codes->pattern_count++]);
        if (!is_except) codes->systems |= UINT64_C(1) << (system & 63);
    }
    codes->has_except = codes->has_except || (is_except && names.count > 0);
    return PC_OK;
}

static int count_codes(pc_loader *loader, const pc_json *object)
{
    int count = 0;
    for (const pc_json *member = pc_json_first(object); member != NULL;
         member = pc_json_next(member)) {
        const pc_json *value = pc_value_of(loader, member);
        count += pc_json_kind_of(value) == PC_JSON_OBJECT ? count_codes(loader, value)
                                                          : 1 + pc_json_count(value);
    }
    return count;
}

static pc_status parse_systems(pc_loader *loader, const pc_json *object, bool is_except,
                               const pc_place *place, pc_codes *codes);

static pc_status parse_member(pc_loader *loader, const pc_json *member, bool is_except,
                              const pc_place *place, pc_codes *codes)
{
    const pc_model *model = loader->study->model;
    const char *key = pc_json_key(member);
    pc_status status = PC_OK;
    if (strcmp(key, "title") == 0 || strcmp(key, "note") == 0) return PC_OK;
    if (strcmp(key, "except") == 0 && !is_except) {
        if (!pc_expect(loader, member, PC_JSON_OBJECT, place, &status)) return status;
        return parse_systems(loader, member, true, place, codes);
    }
    if (strcmp(key, "sets") == 0 && !is_except) {
        pc_names names;
        PC_TRY(pc_read_names(loader, member, place, &names));
        codes->set_count = names.count;
        codes->set_name = pc_arena_array(loader->study->arena, (size_t)names.count,
                                         sizeof *codes->set_name, loader->err);
        if (codes->set_name == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < names.count; i++)
            codes->set_name[i] = names.name[i];
        return PC_OK;
    }
    if (strcmp(key, "file") == 0) {
        return pc_problem(loader, place, "key", "'file' is above the level of this version");
    }
    const int system = pc_model_find_system(model, pc_span_of(key));
    if (system >= 0) return parse_list(loader, member, system, is_except, place, codes);
    const char **name = pc_arena_array(loader->study->arena, (size_t)model->system_count,
                                       sizeof *name, loader->err);
    if (name == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < model->system_count; i++)
        name[i] = model->system[i].name;
    return pc_problem(loader, place, "codes", "model %s has no code system '%.60s'%s", model->name,
                      key, pc_did_you_mean(loader->study, key, name, model->system_count));
}

static pc_status parse_systems(pc_loader *loader, const pc_json *object, bool is_except,
                               const pc_place *place, pc_codes *codes)
{
    for (const pc_json *member = pc_json_first(object); member != NULL;
         member = pc_json_next(member)) {
        PC_TRY(parse_member(loader, member, is_except, PC_PLACE_KEY(place, pc_json_key(member)),
                            codes));
    }
    return PC_OK;
}

pc_status pc_parse_codes(pc_loader *loader, const pc_json *section)
{
    const pc_place root = {.key = "codes"};
    pc_status status = PC_OK;
    if (!pc_expect(loader, section, PC_JSON_OBJECT, &root, &status)) return status;
    pc_codes **tail = &loader->doc->codes;
    for (const pc_json *member = pc_json_first(section); member != NULL;
         member = pc_json_next(member)) {
        const char *name = pc_json_key(member);
        const pc_place place = {.up = &root, .key = name};
        if (!pc_name_is_plain(loader, name, &place, &status)) {
            PC_TRY(status);
            continue;
        }
        if (!pc_expect(loader, member, PC_JSON_OBJECT, &place, &status)) {
            PC_TRY(status);
            continue;
        }
        pc_codes *codes = pc_arena_take(loader->study->arena, sizeof *codes, loader->err);
        if (codes == NULL) return PC_NO_MEMORY;
        codes->pattern = pc_arena_array(loader->study->arena, (size_t)count_codes(loader, member),
                                        sizeof *codes->pattern, loader->err);
        if (codes->pattern == NULL) return PC_NO_MEMORY;
        codes->name = name;
        codes->doc = loader->doc;
        PC_TRY(pc_place_text(loader, &place, &codes->path));
        *tail = codes;
        tail = &codes->next;
        PC_TRY(parse_systems(loader, member, false, &place, codes));
    }
    return PC_OK;
}
