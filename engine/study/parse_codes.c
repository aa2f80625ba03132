// The `codes` section: lists of codes by system.
#include "study_read.h"
#include <string.h>

/** The code without '=' and, in a tree, '~'. */
static const char *behind_marks(const char *text, const pc_system *system, bool *is_mapped)
{
    const char *code = text[0] == '=' ? text + 1 : text;
    const bool has_mark = system->kind == PC_SYSTEM_TREE && code[0] == '~';
    if (is_mapped != NULL) *is_mapped = has_mark;
    return has_mark ? code + 1 : code;
}

/** Notes what is wrong with a code as written; `*is_good` says whether anything was. */
static pc_status check_code(pc_loader *loader, const char *text, const pc_system *system,
                            const pc_place *place, bool *is_good)
{
    *is_good = false;
    const char *code = behind_marks(text, system, NULL);
    if (system->kind == PC_SYSTEM_TREE) {
        *is_good = pc_tree_code_is_good(code);
        if (*is_good) return PC_OK;
        return pc_problem(loader, place, "codes", "a code of %s is a whole number: '%.40s'",
                          system->name, code);
    }
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
    bool is_mapped = false;
    const char *code = behind_marks(text, &model->system[system], &is_mapped);
    const char *dash = strchr(code, '-');
    *out = (pc_code_pattern){.system = system,
                             .is_prefix_system = model->system[system].kind == PC_SYSTEM_PREFIX,
                             .is_except = is_except,
                             .exact = exact,
                             .is_mapped = is_mapped,
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

/** One line `system;code` of a file. */
static pc_status parse_line(pc_loader *loader, pc_span line, int number, bool is_except,
                            const pc_place *place, pc_codes *codes)
{
    const pc_model *model = loader->study->model;
    const char *mark = memchr(line.data, ';', line.bytes);
    if (mark == NULL) {
        return pc_problem(loader, place, "codes", "line %d: expected system;code", number);
    }
    const pc_span name = {line.data, (size_t)(mark - line.data)};
    const int system = pc_model_find_system(model, pc_span_trim(name));
    if (system < 0) {
        return pc_problem(loader, place, "codes", "line %d: model %s has no such code system",
                          number, model->name);
    }
    const pc_span rest = pc_span_trim((pc_span){mark + 1, line.bytes - name.bytes - 1});
    const char *code = pc_arena_text(loader->study->arena, rest.data, rest.bytes, loader->err);
    if (code == NULL) return PC_NO_MEMORY;
    const int before = loader->study->problem_count;
    bool is_good = false;
    PC_TRY(check_code(loader, code, &model->system[system], place, &is_good));
    if (!is_good && loader->study->problem_count > before) {
        return pc_problem(loader, place, "codes", "line %d is wrong", number);
    }
    make_pattern(code, model, system, is_except, &codes->pattern[codes->pattern_count++]);
    if (!is_except) codes->systems |= UINT64_C(1) << (system & 63);
    return PC_OK;
}

/** Makes room for the patterns of `lines` more lines. */
static pc_status grow_patterns(pc_loader *loader, pc_codes *codes, size_t lines)
{
    // Codes written in the file itself, behind this key, come too: room for those was made before.
    const size_t room = (size_t)codes->pattern_room + lines;
    pc_code_pattern *all = pc_arena_array(loader->study->arena, room, sizeof *all, loader->err);
    if (all == NULL) return PC_NO_MEMORY;
    if (codes->pattern_count > 0) {
        memcpy(all, codes->pattern, (size_t)codes->pattern_count * sizeof *all);
    }
    codes->pattern = all;
    codes->pattern_room = (int)room;
    return PC_OK;
}

/** `file`: lines `system;code`, empty ones left out. */
static pc_status parse_file(pc_loader *loader, const pc_json *value, bool is_except,
                            const pc_place *place, pc_codes *codes)
{
    const char *name = NULL, *path = NULL;
    PC_TRY(pc_read_text(loader, value, place, &name));
    if (name == NULL) return PC_OK;
    PC_TRY(pc_study_find_file(loader, name, &path));
    pc_buffer text = {.budget = loader->study->arena->budget};
    pc_error why = {0};
    pc_status status = pc_study_read_file(loader, path, &text, &why);
    if (status == PC_IO) {
        status = pc_problem(loader, place, "name", "the file cannot be read");
        text.bytes = 0;
    } else if (status != PC_OK) {
        status = pc_fail(loader->err, status, "%s", why.text);
    }
    size_t lines = 1;
    for (size_t i = 0; i < text.bytes; i++)
        lines += text.data[i] == '\n';
    if (status == PC_OK) status = grow_patterns(loader, codes, lines);
    int number = 0;
    for (size_t at = 0; at < text.bytes && status == PC_OK;) {
        const char *end = memchr(text.data + at, '\n', text.bytes - at);
        const size_t bytes = end == NULL ? text.bytes - at : (size_t)(end - text.data) - at;
        pc_span line = {text.data + at, bytes};
        if (bytes > 0 && line.data[bytes - 1] == '\r') line.bytes--;
        number++;
        if (pc_span_trim(line).bytes > 0) {
            status = parse_line(loader, line, number, is_except, place, codes);
        }
        at += bytes + 1;
    }
    pc_buffer_release(&text);
    codes->has_except = codes->has_except || is_except;
    return status;
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
    if (strcmp(key, "file") == 0) return parse_file(loader, member, is_except, place, codes);
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
        codes->pattern_room = count_codes(loader, member);
        codes->pattern = pc_arena_array(loader->study->arena, (size_t)codes->pattern_room,
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
