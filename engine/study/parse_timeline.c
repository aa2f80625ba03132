// The sections that make timelines: events and cohorts (parse_period.c: periods, exposures).
#include "study_read.h"
#include <string.h>

static const char *const pick_names[] = {"all", "first", "last", NULL};

pc_status pc_def_add(pc_loader *loader, pc_def_kind kind, const char *name, const pc_place *place,
                     pc_def **out)
{
    pc_arena *arena = loader->study->arena;
    pc_def *def = pc_arena_take(arena, sizeof *def, loader->err);
    if (def == NULL) return PC_NO_MEMORY;
    const size_t prefix_bytes = strlen(loader->doc->prefix), name_bytes = strlen(name);
    char *full = pc_arena_array(arena, prefix_bytes + name_bytes + 1, 1, loader->err);
    if (full == NULL) return PC_NO_MEMORY;
    memcpy(full, loader->doc->prefix, prefix_bytes);
    memcpy(full + prefix_bytes, name, name_bytes + 1);
    *def = (pc_def){.kind = kind, .name = full, .doc = loader->doc, .table = -1, .apart = -1};
    PC_TRY(pc_place_text(loader, place, &def->path));
    if (loader->doc->last_def == NULL) {
        loader->doc->defs = def;
    } else {
        loader->doc->last_def->next = def;
    }
    loader->doc->last_def = def;
    *out = def;
    return PC_OK;
}

static pc_status parse_pick(pc_loader *loader, const pc_json *object, const pc_place *place,
                            pc_pick *out)
{
    const pc_json *value = pc_json_get(object, "pick");
    if (value == NULL) return PC_OK;
    int choice = 0;
    PC_TRY(pc_read_choice(loader, value, PC_PLACE_KEY(place, "pick"), pick_names, &choice));
    *out = choice < 0 ? PC_PICK_ALL : (pc_pick)choice;
    return PC_OK;
}

static pc_status parse_event(pc_loader *loader, const pc_json *object, const char *name,
                             const pc_place *place, int depth, pc_def **out);

pc_status pc_parse_from(pc_loader *loader, const pc_json *value, const pc_place *place,
                        bool may_be_table, int depth, pc_def *def)
{
    pc_arena *arena = loader->study->arena;
    pc_doc *doc = pc_doc_of(loader, value); // of a library's parameter: who uses the library
    const pc_json *list = pc_value_of(loader, value);
    const bool is_list = pc_json_kind_of(list) == PC_JSON_ARRAY;
    const int count = is_list ? pc_json_count(list) : 1;
    if (count == 0) return pc_problem(loader, place, "type", "expected at least one timeline");
    def->from = pc_arena_array(arena, (size_t)count, sizeof *def->from, loader->err);
    if (def->from == NULL) return PC_NO_MEMORY;
    const pc_json *element = is_list ? pc_json_first(list) : value;
    for (int i = 0; i < count; i++, element = is_list ? pc_json_next(element) : NULL) {
        const pc_place nth = {
            .up = is_list ? place : place->up, .key = is_list ? NULL : place->key, .index = i};
        if (is_list && may_be_table && pc_json_kind_of(element) == PC_JSON_OBJECT) {
            pc_ref *ref = pc_arena_take(arena, sizeof *ref, loader->err);
            if (ref == NULL) return PC_NO_MEMORY;
            PC_TRY(pc_place_text(loader, &nth, &ref->path));
            ref->doc = loader->doc;
            PC_TRY(parse_event(loader, element, ref->path, &nth, depth + 1, &ref->def));
            if (ref->def != NULL) def->from[def->from_count++] = ref;
            continue;
        }
        if (!is_list && may_be_table) {
            PC_TRY(pc_read_text(loader, element, &nth, &def->table_name));
            if (def->table_name == NULL) continue;
            // Not among the study's references: link.c sees whether it is a timeline or a table.
            pc_ref *either = pc_arena_take(arena, sizeof *either, loader->err);
            if (either == NULL) return PC_NO_MEMORY;
            PC_TRY(pc_place_text(loader, &nth, &either->path));
            either->name = def->table_name;
            either->doc = doc;
            def->from[def->from_count++] = either;
            continue;
        }
        pc_ref *ref = NULL;
        PC_TRY(pc_read_ref(loader, element, &nth, &ref));
        if (ref == NULL) continue;
        if (ref->doc == loader->doc) ref->doc = doc;
        def->from[def->from_count++] = ref;
    }
    return PC_OK;
}

pc_status pc_parse_optional_sql(pc_loader *loader, const pc_json *object, const pc_place *place,
                                const char *key, pc_sql_text *out)
{
    const pc_json *value = pc_json_get(object, key);
    if (value == NULL) return PC_OK;
    return pc_read_sql(loader, value, PC_PLACE_KEY(place, key), out);
}

static pc_status parse_keep(pc_loader *loader, const pc_json *object, const pc_place *place,
                            pc_def *def)
{
    static const char *const record_columns[] = {"patient", "start_date", "end_date", "code",
                                                 "value",   "stay",       NULL};
    const pc_json *keep = pc_value_of(loader, pc_json_get(object, "keep"));
    const pc_place at = {.up = place, .key = "keep"};
    pc_status status = PC_OK;
    if (keep == NULL) return PC_OK;
    if (!pc_expect(loader, keep, PC_JSON_OBJECT, &at, &status)) return status;
    def->keep = pc_arena_array(loader->study->arena, (size_t)pc_json_count(keep) + 1,
                               sizeof *def->keep, loader->err);
    if (def->keep == NULL) return PC_NO_MEMORY;
    for (const pc_json *member = pc_json_first(keep); member != NULL;
         member = pc_json_next(member)) {
        const char *name = pc_json_key(member);
        const pc_place nth = {.up = &at, .key = name};
        if (!pc_name_is_good(loader, name, &nth, &status)) {
            PC_TRY(status);
            continue;
        }
        bool is_record_column = false;
        for (int i = 0; record_columns[i] != NULL; i++) {
            is_record_column = is_record_column || strcmp(record_columns[i], name) == 0;
        }
        if (is_record_column) {
            PC_TRY(pc_problem(loader, &nth, "name", "'%s' is a column of every record", name));
            continue;
        }
        pc_keep *kept = &def->keep[def->keep_count++];
        kept->name = name;
        PC_TRY(pc_read_sql(loader, member, &nth, &kept->sql));
    }
    return PC_OK;
}

static pc_status parse_end(pc_loader *loader, const pc_json *object, const pc_place *place,
                           pc_def *def)
{
    const pc_json *end = pc_json_get(object, "end");
    if (end == NULL) return PC_OK;
    if (pc_json_kind_of(pc_value_of(loader, end)) == PC_JSON_NULL) {
        def->end_is_open = true;
        return PC_OK;
    }
    return pc_read_sql(loader, end, PC_PLACE_KEY(place, "end"), &def->end);
}

/** Stages 2 to 7 of an event. */
static pc_status parse_event_stages(pc_loader *loader, const pc_json *object, const pc_place *place,
                                    pc_def *def)
{
    const pc_json *value = pc_json_get(object, "codes");
    if (value != NULL) {
        pc_names names;
        PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "codes"), &names));
        def->codes_doc = pc_doc_of(loader, value);
        def->codes_count = names.count;
        def->codes_name = (const char **)names.name;
    }
    value = pc_json_get(object, "dates");
    if (value != NULL) {
        PC_TRY(pc_read_pair(loader, value, PC_PLACE_KEY(place, "dates"), true, &def->dates));
    }
    value = pc_json_get(object, "group");
    if (value != NULL) {
        def->is_grouped = true;
        PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "group"), &def->group));
    }
    PC_TRY(pc_parse_optional_sql(loader, object, place, "having", &def->having));
    value = pc_json_get(object, "measures");
    if (value != NULL) {
        PC_TRY(pc_parse_measures(loader, value, PC_PLACE_KEY(place, "measures"),
                                 &def->measure_count, &def->measure));
    }
    value = pc_json_get(object, "require");
    if (value != NULL) {
        PC_TRY(pc_parse_conditions(loader, value, PC_PLACE_KEY(place, "require"), 0,
                                   &def->require_count, &def->require));
    }
    value = pc_json_get(object, "apart");
    if (value != NULL) {
        bool is_good = false;
        int64_t apart = 0;
        PC_TRY(pc_read_int(loader, value, PC_PLACE_KEY(place, "apart"), &apart, &is_good));
        if (is_good && apart < 0) {
            PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, "apart"), "type",
                              "expected 0 days or more"));
        } else if (is_good) {
            def->apart = apart;
        }
    }
    PC_TRY(parse_pick(loader, object, place, &def->pick));
    value = pc_json_get(object, "per");
    if (value == NULL) return PC_OK;
    PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "per"), &def->per));
    if (def->apart < 0 && def->pick == PC_PICK_ALL) {
        return pc_problem(loader, PC_PLACE_KEY(place, "per"), "key",
                          "'per' says nothing without 'apart' or 'pick'");
    }
    return PC_OK;
}

static pc_status parse_event(pc_loader *loader, const pc_json *object, const char *name,
                             const pc_place *place, int depth, pc_def **out)
{
    static const char *const keys[] = {
        "title", "note",  "from",   "where",    "code",    "value", "start", "end", "keep", "codes",
        "dates", "group", "having", "measures", "require", "apart", "pick",  "per", NULL};
    pc_status status = PC_OK;
    *out = NULL;
    if (!pc_expect(loader, object, PC_JSON_OBJECT, place, &status)) return status;
    if (depth > 8) return pc_problem(loader, place, "type", "event objects are nested too deeply");
    PC_TRY(pc_check_keys(loader, object, place, keys, NULL));
    pc_def *def = NULL;
    PC_TRY(pc_def_add(loader, PC_DEF_EVENT, name, place, &def));
    def->is_anonymous = depth > 0;
    if (def->is_anonymous) def->name = def->path;
    PC_TRY(pc_read_title(loader, object, place, &def->title));
    const pc_json *from = pc_json_get(object, "from");
    if (from == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'from' is missing"));
    } else {
        PC_TRY(pc_parse_from(loader, from, PC_PLACE_KEY(place, "from"), true, depth, def));
    }
    PC_TRY(pc_parse_optional_sql(loader, object, place, "where", &def->where));
    PC_TRY(pc_parse_optional_sql(loader, object, place, "code", &def->code));
    PC_TRY(pc_parse_optional_sql(loader, object, place, "value", &def->value));
    PC_TRY(pc_parse_optional_sql(loader, object, place, "start", &def->start));
    PC_TRY(parse_end(loader, object, place, def));
    PC_TRY(parse_keep(loader, object, place, def));
    PC_TRY(parse_event_stages(loader, object, place, def));
    *out = def;
    return PC_OK;
}

pc_status pc_each_member(pc_loader *loader, const pc_json *section, const char *key,
                         pc_status (*parse)(pc_loader *, const pc_json *, const char *,
                                            const pc_place *))
{
    const pc_place root = {.key = key};
    pc_status status = PC_OK;
    if (!pc_expect(loader, section, PC_JSON_OBJECT, &root, &status)) return status;
    for (const pc_json *member = pc_json_first(section); member != NULL;
         member = pc_json_next(member)) {
        const char *name = pc_json_key(member);
        const pc_place place = {.up = &root, .key = name};
        if (!pc_name_is_good(loader, name, &place, &status)) {
            PC_TRY(status);
            continue;
        }
        PC_TRY(parse(loader, member, name, &place));
    }
    return PC_OK;
}

static pc_status parse_named_event(pc_loader *loader, const pc_json *object, const char *name,
                                   const pc_place *place)
{
    pc_def *def = NULL;
    return parse_event(loader, object, name, place, 0, &def);
}

static pc_status parse_entry(pc_loader *loader, const pc_json *entry, const pc_place *place,
                             pc_def *def)
{
    static const char *const keys[] = {"from", "match", "dates", "pick", "note", "title", NULL};
    pc_status status = PC_OK;
    if (!pc_expect(loader, entry, PC_JSON_OBJECT, place, &status)) return status;
    PC_TRY(pc_check_keys(loader, entry, place, keys, NULL));
    const pc_json *from = pc_json_get(entry, "from"), *match = pc_json_get(entry, "match");
    if ((from == NULL) == (match == NULL)) {
        PC_TRY(pc_problem(loader, place, "key",
                          from == NULL ? "'from' is missing"
                                       : "an entry has one of 'from' and 'match'"));
    } else if (match != NULL) {
        PC_TRY(pc_parse_match(loader, match, PC_PLACE_KEY(place, "match"), def));
    } else {
        PC_TRY(pc_parse_from(loader, from, PC_PLACE_KEY(place, "from"), false, 0, def));
    }
    def->entry_dates = loader->study->dates;
    const pc_json *dates = pc_json_get(entry, "dates");
    if (dates != NULL) {
        PC_TRY(pc_read_pair(loader, dates, PC_PLACE_KEY(place, "dates"), true, &def->entry_dates));
    }
    return parse_pick(loader, entry, place, &def->entry_pick);
}

static pc_status parse_cohort(pc_loader *loader, const pc_json *object, const char *name,
                              const pc_place *place)
{
    static const char *const keys[] = {"title", "note", "entry",    "require", "pick",
                                       "exit",  "gap",  "measures", NULL};
    pc_status status = PC_OK;
    if (!pc_expect(loader, object, PC_JSON_OBJECT, place, &status)) return status;
    PC_TRY(pc_check_keys(loader, object, place, keys, NULL));
    pc_def *def = NULL;
    PC_TRY(pc_def_add(loader, PC_DEF_COHORT, name, place, &def));
    PC_TRY(pc_read_title(loader, object, place, &def->title));
    const pc_json *entry = pc_value_of(loader, pc_json_get(object, "entry"));
    if (entry == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'entry' is missing"));
    } else {
        PC_TRY(parse_entry(loader, entry, PC_PLACE_KEY(place, "entry"), def));
    }
    const pc_json *value = pc_json_get(object, "require");
    if (value != NULL) {
        PC_TRY(pc_parse_conditions(loader, value, PC_PLACE_KEY(place, "require"), 0,
                                   &def->require_count, &def->require));
    }
    value = pc_json_get(object, "measures");
    if (value != NULL) {
        PC_TRY(pc_parse_measures(loader, value, PC_PLACE_KEY(place, "measures"),
                                 &def->measure_count, &def->measure));
    }
    value = pc_json_get(object, "exit");
    if (value != NULL) PC_TRY(pc_parse_exits(loader, value, PC_PLACE_KEY(place, "exit"), def));
    def->gap = PC_GAP_NONE;
    value = pc_json_get(object, "gap");
    if (value != NULL) PC_TRY(pc_read_gap(loader, value, PC_PLACE_KEY(place, "gap"), &def->gap));
    return parse_pick(loader, object, place, &def->pick);
}

pc_status pc_parse_events(pc_loader *loader, const pc_json *section)
{
    return pc_each_member(loader, section, "events", parse_named_event);
}

pc_status pc_parse_cohorts(pc_loader *loader, const pc_json *section)
{
    return pc_each_member(loader, section, "cohorts", parse_cohort);
}
