// The `exports` section.
#include <string.h>
#include "study_read.h"

#define BIT(kind) (1U << (kind))

static const char *const verbs[PC_EXPORT_COUNT_OF_KINDS] = {"rows", "intervals", "buckets"};
static const struct {
    const char *key;
    unsigned kinds;
} belongs[] = {{"split", BIT(PC_EXPORT_INTERVALS)},
               {"outcomes", BIT(PC_EXPORT_INTERVALS) | BIT(PC_EXPORT_BUCKETS)},
               {"days", BIT(PC_EXPORT_BUCKETS)},
               {"features", BIT(PC_EXPORT_BUCKETS)},
               {"per", BIT(PC_EXPORT_BUCKETS)},
               {"mark", BIT(PC_EXPORT_BUCKETS)}};

static pc_status check_keys(pc_loader *loader, const pc_json *object, const pc_place *place,
                            const pc_export *out)
{
    for (size_t i = 0; i < sizeof belongs / sizeof belongs[0]; i++) {
        const bool fits = (belongs[i].kinds & BIT(out->kind)) != 0;
        if (fits || pc_json_get(object, belongs[i].key) == NULL) continue;
        PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, belongs[i].key), "key",
                          "'%s' is not for '%s'", belongs[i].key, verbs[out->kind]));
    }
    if (out->kind != PC_EXPORT_BUCKETS) return PC_OK;
    if (pc_json_get(object, "days") == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'days' is missing: the length of a bucket"));
    }
    if (pc_json_get(object, "features") == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'features' is missing"));
    }
    return PC_OK;
}

static pc_status parse_lists(pc_loader *loader, const pc_json *object, const pc_place *place,
                             pc_export *out)
{
    const pc_json *value = pc_json_get(object, "split");
    if (value != NULL) {
        PC_TRY(pc_read_refs(loader, value, PC_PLACE_KEY(place, "split"), &out->by_year,
                            &out->split_count, &out->split));
    }
    value = pc_json_get(object, "outcomes");
    if (value != NULL) {
        PC_TRY(pc_read_refs(loader, value, PC_PLACE_KEY(place, "outcomes"), NULL,
                            &out->outcome_count, &out->outcome));
    }
    value = pc_json_get(object, "features");
    if (value == NULL) return PC_OK;
    return pc_read_refs(loader, value, PC_PLACE_KEY(place, "features"), NULL, &out->feature_count,
                        &out->feature);
}

static pc_status parse_rest(pc_loader *loader, const pc_json *object, const pc_place *place,
                            pc_export *out)
{
    static const char *const formats[] = {"hdf5", "csv", NULL};
    static const char *const marks[] = {"covered", "start", NULL};
    int choice = 0;
    const pc_json *value = pc_json_get(object, "columns");
    if (value != NULL) {
        PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "columns"), &out->columns));
    }
    value = pc_json_get(object, "format");
    if (value != NULL) {
        PC_TRY(pc_read_choice(loader, value, PC_PLACE_KEY(place, "format"), formats, &choice));
        out->is_csv = choice == 1;
        if (out->is_csv && out->kind == PC_EXPORT_BUCKETS) {
            PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, "format"), "key",
                              "'buckets' are written as HDF5 alone"));
        }
    }
    value = pc_json_get(object, "mark");
    if (value != NULL) {
        PC_TRY(pc_read_choice(loader, value, PC_PLACE_KEY(place, "mark"), marks, &choice));
        out->marks_start = choice == 1;
    }
    value = pc_json_get(object, "days");
    out->days = 1;
    if (value != NULL) {
        PC_TRY(pc_read_range(loader, value, PC_PLACE_KEY(place, "days"), 1, 1000000, &out->days));
    }
    value = pc_json_get(object, "per");
    if (value == NULL) return PC_OK;
    return pc_read_text(loader, value, PC_PLACE_KEY(place, "per"), &out->per);
}

static pc_status parse_export(pc_loader *loader, const pc_json *object, const pc_place *place,
                              pc_export *out)
{
    static const char *const keys[] = {"title",    "note",   "rows",  "intervals", "buckets",
                                       "columns",  "format", "split", "outcomes",  "days",
                                       "features", "per",    "mark",  NULL};
    int found = 0;
    PC_TRY(pc_check_keys(loader, object, place, keys, NULL));
    for (int i = 0; i < PC_EXPORT_COUNT_OF_KINDS; i++) {
        if (pc_json_get(object, verbs[i]) == NULL) continue;
        found++;
        out->kind = (pc_export_kind)i;
    }
    if (found != 1) {
        return pc_problem(loader, place, "verb", "expected one of 'rows', 'intervals', 'buckets'");
    }
    PC_TRY(pc_place_text(loader, place, &out->path));
    PC_TRY(pc_read_title(loader, object, place, &out->title));
    const char *verb = verbs[out->kind];
    PC_TRY(
        pc_read_ref(loader, pc_json_get(object, verb), PC_PLACE_KEY(place, verb), &out->timeline));
    PC_TRY(check_keys(loader, object, place, out));
    PC_TRY(parse_lists(loader, object, place, out));
    return parse_rest(loader, object, place, out);
}

pc_status pc_parse_exports(pc_loader *loader, const pc_json *section)
{
    const pc_place root = {.key = "exports"};
    pc_study *study = loader->study;
    pc_status status = PC_OK;
    if (!pc_expect(loader, section, PC_JSON_OBJECT, &root, &status)) return status;
    study->exports = pc_arena_array(study->arena, (size_t)pc_json_count(section),
                                    sizeof *study->exports, loader->err);
    if (study->exports == NULL) return PC_NO_MEMORY;
    for (const pc_json *member = pc_json_first(section); member != NULL;
         member = pc_json_next(member)) {
        const char *name = pc_json_key(member);
        const pc_place place = {.up = &root, .key = name};
        if (!pc_name_is_plain(loader, name, &place, &status) ||
            !pc_expect(loader, member, PC_JSON_OBJECT, &place, &status)) {
            PC_TRY(status);
            continue;
        }
        pc_export *one = &study->exports[study->export_count++];
        one->name = name;
        PC_TRY(parse_export(loader, member, &place, one));
    }
    return PC_OK;
}
