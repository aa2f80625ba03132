// The sections `periods` and `exposures`.
#include "study_read.h"

static pc_status parse_dates(pc_loader *loader, const pc_json *dates, const pc_place *place,
                             pc_def *def)
{
    const pc_place at = {.up = place, .key = "dates"};
    PC_TRY(pc_read_pair(loader, dates, &at, true, &def->dates));
    if (def->dates.is_given && !def->dates.has_low) {
        return pc_problem(loader, &at, "type", "a period needs a first day");
    }
    return PC_OK;
}

static pc_status parse_every(pc_loader *loader, const pc_json *every, const pc_place *place,
                             pc_def *def)
{
    static const char *const units[] = {"day", "month", "quarter", "year", NULL};
    int choice = 0;
    PC_TRY(pc_read_choice(loader, every, PC_PLACE_KEY(place, "every"), units, &choice));
    def->every = choice < 0 ? PC_EVERY_YEAR : (pc_every)choice;
    return PC_OK;
}

/** `intersect` and `subtract`: days of several timelines. */
static pc_status parse_days_of(pc_loader *loader, const pc_json *value, const char *key,
                               const pc_place *place, pc_def *def)
{
    const pc_place at = {.up = place, .key = key};
    pc_status status = PC_OK;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_ARRAY, &at, &status)) return status;
    if (pc_json_count(value) < 2) {
        return pc_problem(loader, &at, "type", "expected at least two timelines");
    }
    return pc_parse_from(loader, value, &at, false, 0, def);
}

static pc_status parse_period(pc_loader *loader, const pc_json *object, const char *name,
                              const pc_place *place)
{
    static const char *const keys[] = {"title", "note",      "every",    "dates", "from",
                                       "gap",   "intersect", "subtract", NULL};
    static const struct {
        const char *key;
        pc_def_kind kind;
    } base[] = {{"every", PC_DEF_EVERY},
                {"dates", PC_DEF_DATES},
                {"from", PC_DEF_JOIN},
                {"intersect", PC_DEF_INTERSECT},
                {"subtract", PC_DEF_SUBTRACT}};
    enum { BASES = 5 };
    pc_status status = PC_OK;
    if (!pc_expect(loader, object, PC_JSON_OBJECT, place, &status)) return status;
    PC_TRY(pc_check_keys(loader, object, place, keys, NULL));
    int found = 0, which = 0;
    for (int i = 0; i < BASES; i++) {
        if (pc_json_get(object, base[i].key) == NULL) continue;
        which = i;
        found++;
    }
    pc_def *def = NULL;
    PC_TRY(pc_def_add(loader, base[which].kind, name, place, &def));
    PC_TRY(pc_read_title(loader, object, place, &def->title));
    if (found != 1) {
        return pc_problem(loader, place, "key",
                          "a period has exactly one of 'every', 'dates', 'from', 'intersect' and "
                          "'subtract'");
    }
    const pc_json *gap = pc_json_get(object, "gap");
    if (gap != NULL && def->kind != PC_DEF_JOIN) {
        PC_TRY(pc_problem(loader, PC_PLACE_KEY(place, "gap"), "key", "'gap' belongs to 'from'"));
    } else if (gap != NULL) {
        PC_TRY(pc_read_gap(loader, gap, PC_PLACE_KEY(place, "gap"), &def->gap));
    }
    const pc_json *value = pc_json_get(object, base[which].key);
    switch (def->kind) {
        case PC_DEF_EVERY:
            return parse_every(loader, value, place, def);
        case PC_DEF_DATES:
            return parse_dates(loader, value, place, def);
        case PC_DEF_JOIN:
            return pc_parse_from(loader, value, PC_PLACE_KEY(place, "from"), false, 0, def);
        default:
            return parse_days_of(loader, value, base[which].key, place, def);
    }
}

static pc_status parse_carry(pc_loader *loader, const pc_json *value, const pc_place *place,
                             pc_def *def)
{
    static const char *const words[] = {"all", NULL};
    if (pc_json_kind_of(pc_value_of(loader, value)) != PC_JSON_TEXT) {
        return pc_read_range(loader, value, place, 0, 1000000, &def->carry);
    }
    int choice = -1;
    PC_TRY(pc_read_choice(loader, value, place, words, &choice));
    if (choice == 0) def->carry = PC_CARRY_ALL;
    return PC_OK;
}

static pc_status parse_combine(pc_loader *loader, const pc_json *value, const pc_place *place,
                               pc_def *def)
{
    static const char *const keys[] = {"most", "shortest", "note", NULL};
    pc_status status = PC_OK;
    int64_t most = 2;
    value = pc_value_of(loader, value);
    if (!pc_expect(loader, value, PC_JSON_OBJECT, place, &status)) return status;
    PC_TRY(pc_check_keys(loader, value, place, keys, NULL));
    const pc_json *member = pc_json_get(value, "most");
    if (member == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'most' is missing: values in a set"));
    } else {
        PC_TRY(pc_read_range(loader, member, PC_PLACE_KEY(place, "most"), 2, PC_STUDY_COMBINE_MAX,
                             &most));
    }
    def->combine_most = (int)most;
    def->combine_shortest = 1;
    member = pc_json_get(value, "shortest");
    if (member != NULL) {
        PC_TRY(pc_read_range(loader, member, PC_PLACE_KEY(place, "shortest"), 1, 1000000,
                             &def->combine_shortest));
    }
    if (def->per.count == 1) return PC_OK;
    return pc_problem(loader, place, "key", "'combine' needs 'per' with one column");
}

static pc_status parse_exposure(pc_loader *loader, const pc_json *object, const char *name,
                                const pc_place *place)
{
    static const char *const keys[] = {"title", "note", "from", "supply",  "carry",
                                       "gap",   "per",  "clip", "combine", NULL};
    pc_status status = PC_OK;
    if (!pc_expect(loader, object, PC_JSON_OBJECT, place, &status)) return status;
    PC_TRY(pc_check_keys(loader, object, place, keys, NULL));
    pc_def *def = NULL;
    PC_TRY(pc_def_add(loader, PC_DEF_EXPOSURE, name, place, &def));
    PC_TRY(pc_read_title(loader, object, place, &def->title));
    const pc_json *value = pc_json_get(object, "from");
    if (value == NULL) {
        PC_TRY(pc_problem(loader, place, "key", "'from' is missing"));
    } else {
        PC_TRY(pc_parse_from(loader, value, PC_PLACE_KEY(place, "from"), false, 0, def));
    }
    PC_TRY(pc_parse_optional_sql(loader, object, place, "supply", &def->supply));
    value = pc_json_get(object, "carry");
    if (value != NULL) PC_TRY(parse_carry(loader, value, PC_PLACE_KEY(place, "carry"), def));
    value = pc_json_get(object, "gap");
    if (value != NULL) PC_TRY(pc_read_gap(loader, value, PC_PLACE_KEY(place, "gap"), &def->gap));
    value = pc_json_get(object, "per");
    if (value != NULL) {
        PC_TRY(pc_read_names(loader, value, PC_PLACE_KEY(place, "per"), &def->per));
    }
    value = pc_json_get(object, "clip");
    if (value != NULL) {
        PC_TRY(pc_read_ref(loader, value, PC_PLACE_KEY(place, "clip"), &def->clip));
    }
    value = pc_json_get(object, "combine");
    if (value == NULL) return PC_OK;
    return parse_combine(loader, value, PC_PLACE_KEY(place, "combine"), def);
}

pc_status pc_parse_periods(pc_loader *loader, const pc_json *section)
{
    return pc_each_member(loader, section, "periods", parse_period);
}

pc_status pc_parse_exposures(pc_loader *loader, const pc_json *section)
{
    return pc_each_member(loader, section, "exposures", parse_exposure);
}
