/** A definition: concept sets, primary criteria, limits, rules, exit, collapse. */
#include "read.h"
#include <stdlib.h>
#include <string.h>

/** {"Type": "All"}: anything else keeps the first, "Last" the last. */
static pc_status read_limit(pc_circe_reader *reader, const pc_json *object, const char *key,
                            const pc_circe_place *up, pc_circe_limit *out)
{
    *out = PC_CIRCE_KEEP_FIRST;
    const pc_json *value = pc_circe_member(object, key);
    if (value == NULL) return PC_OK;
    const pc_circe_place *place = PC_CIRCE_KEY(up, key);
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    const char *text = NULL;
    PC_TRY(pc_circe_text(reader, value, "Type", place, &text));
    if (text == NULL) return PC_OK;
    if (pc_span_equal_nocase(pc_span_of(text), pc_span_of("All"))) *out = PC_CIRCE_KEEP_ALL;
    if (pc_span_equal_nocase(pc_span_of(text), pc_span_of("Last"))) *out = PC_CIRCE_KEEP_LAST;
    return PC_OK;
}

static pc_status read_primary(pc_circe_reader *reader, const pc_json *document)
{
    pc_circe_definition *out = reader->out;
    const pc_circe_place *place = PC_CIRCE_KEY(NULL, "PrimaryCriteria");
    const pc_json *primary = pc_circe_member(document, "PrimaryCriteria");
    if (primary == NULL) {
        return pc_circe_fail(reader, place, PC_BAD_JOB, "a definition needs it%s",
                             pc_circe_member(document, "expression") == NULL
                                 ? ""
                                 : ": this file holds it in \"expression\", which is what to save");
    }
    PC_TRY(pc_circe_expect(reader, primary, place, PC_JSON_OBJECT));
    const pc_json *window = pc_circe_member(primary, "ObservationWindow");
    const pc_circe_place *inside = PC_CIRCE_KEY(place, "ObservationWindow");
    if (window == NULL) return pc_circe_fail(reader, inside, PC_BAD_JOB, "a definition needs it");
    PC_TRY(pc_circe_expect(reader, window, inside, PC_JSON_OBJECT));
    PC_TRY(pc_circe_days(reader, window, "PriorDays", inside, &out->prior_days));
    PC_TRY(pc_circe_days(reader, window, "PostDays", inside, &out->post_days));
    PC_TRY(read_limit(reader, primary, "PrimaryCriteriaLimit", place, &out->primary_limit));
    PC_TRY(pc_circe_criteria(reader, primary, "CriteriaList", place, false, &out->primary_count,
                             &out->primary));
    if (out->primary_count > 0) return PC_OK;
    return pc_circe_fail(reader, PC_CIRCE_KEY(place, "CriteriaList"), PC_BAD_JOB,
                         "no criterion: nothing would begin a cohort");
}

static pc_status read_rules(pc_circe_reader *reader, const pc_json *document)
{
    pc_circe_definition *out = reader->out;
    const pc_circe_place *inside = PC_CIRCE_KEY(NULL, "InclusionRules");
    const pc_json *list = NULL;
    PC_TRY(
        pc_circe_array(reader, document, "InclusionRules", NULL, false, &list, &out->rule_count));
    if (out->rule_count > PC_CIRCE_RULES_MAX) {
        return pc_circe_fail(reader, inside, PC_UNSUPPORTED,
                             "%d rules: their mask holds at most %d", out->rule_count,
                             (int)PC_CIRCE_RULES_MAX);
    }
    pc_circe_rule *rule =
        pc_arena_array(reader->arena, (size_t)out->rule_count + 1, sizeof *rule, reader->err);
    if (rule == NULL) return PC_NO_MEMORY;
    out->rule = rule;
    for (const pc_json *v = list == NULL ? NULL : pc_json_first(list); v != NULL;
         v = pc_json_next(v), rule++) {
        const pc_circe_place *place = PC_CIRCE_NTH(inside, (int)(rule - out->rule));
        PC_TRY(pc_circe_expect(reader, v, place, PC_JSON_OBJECT));
        PC_TRY(pc_circe_text(reader, v, "name", place, &rule->name));
        if (rule->name == NULL) rule->name = "";
        const pc_json *expression = pc_circe_member(v, "expression");
        if (expression == NULL) {
            return pc_circe_fail(reader, PC_CIRCE_KEY(place, "expression"), PC_BAD_JOB,
                                 "an inclusion rule needs it");
        }
        rule->group = pc_arena_take(reader->arena, sizeof *rule->group, reader->err);
        if (rule->group == NULL) return PC_NO_MEMORY;
        PC_TRY(pc_circe_read_group(reader, expression, PC_CIRCE_KEY(place, "expression"),
                                   rule->group));
    }
    return PC_OK;
}

static pc_status read_offset(pc_circe_reader *reader, const pc_json *value,
                             const pc_circe_place *place)
{
    pc_circe_definition *out = reader->out;
    const char *text = NULL;
    out->exit = PC_CIRCE_EXIT_OFFSET;
    PC_TRY(pc_circe_text(reader, value, "DateField", place, &text));
    if (text != NULL) {
        out->offset_from_end = strcmp(text, "EndDate") == 0;
        if (!out->offset_from_end && strcmp(text, "StartDate") != 0) {
            return pc_circe_fail(reader, PC_CIRCE_KEY(place, "DateField"), PC_BAD_JOB,
                                 "expected StartDate or EndDate");
        }
    }
    return pc_circe_days(reader, value, "Offset", place, &out->exit_offset);
}

static pc_status read_era(pc_circe_reader *reader, const pc_json *value,
                          const pc_circe_place *place)
{
    pc_circe_definition *out = reader->out;
    out->exit = PC_CIRCE_EXIT_ERA;
    out->era_set = PC_CIRCE_NO_SET;
    out->era_supply = -1;
    PC_TRY(pc_circe_set_index(reader, value, "DrugCodesetId", place, &out->era_set));
    if (out->era_set == PC_CIRCE_NO_SET) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "DrugCodesetId"), PC_BAD_JOB,
                             "an exit by drug era needs it");
    }
    int64_t supply = -1;
    PC_TRY(
        pc_circe_whole(reader, value, "DaysSupplyOverride", place, 0, PC_CIRCE_DAYS_MAX, &supply));
    out->era_supply = (int32_t)supply;
    PC_TRY(pc_circe_days(reader, value, "GapDays", place, &out->era_gap));
    return pc_circe_days(reader, value, "Offset", place, &out->exit_offset);
}

static pc_status read_exit(pc_circe_reader *reader, const pc_json *document)
{
    const pc_json *value = pc_circe_member(document, "EndStrategy");
    const pc_circe_place *place = PC_CIRCE_KEY(NULL, "EndStrategy");
    if (value == NULL) return PC_OK;
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    const pc_json *body = pc_json_first(value);
    const char *type = pc_json_count(value) == 1 ? pc_json_key(body) : "";
    const bool is_offset = strcmp(type, "DateOffset") == 0;
    if (!is_offset && strcmp(type, "CustomEra") != 0) {
        return pc_circe_fail(reader, place, PC_BAD_JOB,
                             "expected one key, DateOffset or CustomEra");
    }
    place = PC_CIRCE_KEY(place, type);
    PC_TRY(pc_circe_expect(reader, body, place, PC_JSON_OBJECT));
    return is_offset ? read_offset(reader, body, place) : read_era(reader, body, place);
}

static pc_status read_collapse(pc_circe_reader *reader, const pc_json *document)
{
    pc_circe_definition *out = reader->out;
    const pc_json *value = pc_json_get(document, "CollapseSettings");
    const pc_circe_place *place = PC_CIRCE_KEY(NULL, "CollapseSettings");
    if (value == NULL) return PC_OK;
    PC_TRY(pc_circe_expect(reader, value, place, PC_JSON_OBJECT));
    const char *text = NULL;
    PC_TRY(pc_circe_text(reader, value, "CollapseType", place, &text));
    if (text != NULL && strcmp(text, "ERA") != 0) {
        return pc_circe_fail(reader, PC_CIRCE_KEY(place, "CollapseType"), PC_BAD_JOB,
                             "expected ERA");
    }
    return pc_circe_days(reader, value, "EraPad", place, &out->collapse_pad);
}

static pc_status read_document(pc_circe_reader *reader, const pc_json *document)
{
    pc_circe_definition *out = reader->out;
    PC_TRY(pc_circe_expect(reader, document, NULL, PC_JSON_OBJECT));
    PC_TRY(circe_concepts_read(reader->concepts, pc_json_get(document, "ConceptSets"), out->path,
                               &out->sets, reader->err));
    PC_TRY(read_primary(reader, document));
    const pc_json *additional = pc_circe_member(document, "AdditionalCriteria");
    if (additional != NULL) {
        out->has_additional = true;
        out->additional = pc_arena_take(reader->arena, sizeof *out->additional, reader->err);
        if (out->additional == NULL) return PC_NO_MEMORY;
        PC_TRY(pc_circe_read_group(reader, additional, PC_CIRCE_KEY(NULL, "AdditionalCriteria"),
                                   out->additional));
    }
    PC_TRY(read_limit(reader, document, "QualifiedLimit", NULL, &out->qualified_limit));
    PC_TRY(read_limit(reader, document, "ExpressionLimit", NULL, &out->expression_limit));
    PC_TRY(read_rules(reader, document));
    PC_TRY(read_exit(reader, document));
    PC_TRY(pc_circe_criteria(reader, document, "CensoringCriteria", NULL, true,
                             &out->censoring_count, &out->censoring));
    PC_TRY(read_collapse(reader, document));
    const pc_json *window = pc_circe_member(document, "CensorWindow");
    const pc_circe_place *place = PC_CIRCE_KEY(NULL, "CensorWindow");
    if (window != NULL) PC_TRY(pc_circe_expect(reader, window, place, PC_JSON_OBJECT));
    PC_TRY(pc_circe_date(reader, window, "StartDate", place, &out->window_start));
    return pc_circe_date(reader, window, "EndDate", place, &out->window_end);
}

/** The file's name without folder and .json, and the number that it is. */
static pc_status name_it(pc_circe_definition *out, pc_arena *arena, pc_error *err)
{
    const char *slash = strrchr(out->path, '/');
    const char *base = slash == NULL ? out->path : slash + 1;
    size_t bytes = strlen(base);
    if (bytes > 5 && strcmp(base + bytes - 5, ".json") == 0) bytes -= 5;
    out->name = pc_arena_text(arena, base, bytes, err);
    if (out->name == NULL) return PC_NO_MEMORY;
    int64_t id = 0;
    if (pc_int_parse((pc_span){out->name, bytes}, &id)) out->id = id;
    return PC_OK;
}

pc_status pc_circe_read(const char *path, int64_t id, const pc_circe_options *options,
                        circe_concepts *concepts, pc_arena *arena, pc_circe_definition *out,
                        pc_error *err)
{
    *out = (pc_circe_definition){
        .id = id, .window_start = PC_CIRCE_NO_DAY, .window_end = PC_CIRCE_NO_DAY, .era_supply = -1};
    out->path = pc_arena_text(arena, path, strlen(path), err);
    if (out->path == NULL) return PC_NO_MEMORY;
    PC_TRY(name_it(out, arena, err));
    pc_json *document = NULL;
    PC_TRY(pc_json_read(path, &document, err));
    pc_circe_reader reader = {
        .out = out, .options = options, .concepts = concepts, .arena = arena, .err = err};
    const pc_status status = read_document(&reader, document);
    pc_json_free(document);
    return status;
}
