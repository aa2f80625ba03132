// Resolves the names of a study: timelines, tables, code sets; finds cycles; finds the level.
#include "parcours/plan.h"
#include "study_read.h"
#include <stdio.h>
#include <string.h>

/** The code set of that name as seen from `doc`, or NULL. */
static pc_codes *find_codes(const pc_doc *doc, const char *name)
{
    const char *dot = strchr(name, '.');
    if (dot != NULL) {
        for (int i = 0; i < doc->use_count; i++) {
            const char *prefix = doc->use[i].prefix;
            if (strlen(prefix) == (size_t)(dot - name) &&
                strncmp(prefix, name, (size_t)(dot - name)) == 0) {
                return strchr(dot + 1, '.') != NULL ? NULL : find_codes(doc->use[i].doc, dot + 1);
            }
        }
        return NULL;
    }
    for (pc_codes *codes = doc->codes; codes != NULL; codes = codes->next) {
        if (strcmp(codes->name, name) == 0) return codes;
    }
    return NULL;
}

static pc_def *find_own(const pc_doc *doc, const char *name)
{
    const size_t prefix_bytes = strlen(doc->prefix);
    for (pc_def *def = doc->defs; def != NULL; def = def->next) {
        if (!def->is_anonymous && strcmp(def->name + prefix_bytes, name) == 0) return def;
    }
    return NULL;
}

/** The timeline of that name as seen from `doc`, or NULL. */
static pc_def *find_def(pc_study *study, const pc_doc *doc, const char *name)
{
    static const char *const given_name[] = {"study", "observation", "death"};
    pc_def *const given[] = {&study->given_study, &study->given_observation, &study->given_death};
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, given_name[i]) == 0) return given[i];
    }
    const char *dot = strchr(name, '.');
    if (dot == NULL) return find_own(doc, name);
    for (int i = 0; i < doc->use_count; i++) {
        const char *prefix = doc->use[i].prefix;
        if (strlen(prefix) == (size_t)(dot - name) &&
            strncmp(prefix, name, (size_t)(dot - name)) == 0) {
            return find_own(doc->use[i].doc, dot + 1);
        }
    }
    return NULL;
}

static int count_defs(const pc_doc *doc)
{
    int count = 0;
    for (const pc_def *def = doc->defs; def != NULL; def = def->next)
        count++;
    return count;
}

/** Names of timelines seen from `doc`, then of tables, for "did you mean". */
static pc_status list_names(pc_loader *loader, const pc_doc *doc, const char *const **name,
                            int *count)
{
    static const char *const given_name[] = {"study", "observation", "death"};
    const pc_model *model = loader->study->model;
    int capacity = 3 + count_defs(doc) + model->table_count;
    for (int i = 0; i < doc->use_count; i++)
        capacity += count_defs(doc->use[i].doc);
    const char **list =
        pc_arena_array(loader->study->arena, (size_t)capacity, sizeof *list, loader->err);
    if (list == NULL) return PC_NO_MEMORY;
    int used = 0;
    for (int i = 0; i < 3; i++)
        list[used++] = given_name[i];
    for (int i = -1; i < doc->use_count; i++) {
        const pc_doc *from = i < 0 ? doc : doc->use[i].doc;
        // A library's names are written with the prefix that this document gives it.
        const size_t skip = strlen(doc->prefix);
        for (const pc_def *def = from->defs; def != NULL; def = def->next) {
            if (!def->is_anonymous) list[used++] = def->name + skip;
        }
    }
    for (int i = 0; i < model->table_count; i++)
        list[used++] = model->table[i].name;
    *name = list;
    *count = used;
    return PC_OK;
}

static pc_status unknown_timeline(pc_loader *loader, const pc_ref *ref, bool may_be_table)
{
    const char *const *name = NULL;
    int count = 0;
    PC_TRY(list_names(loader, ref->doc, &name, &count));
    if (!may_be_table) count -= loader->study->model->table_count;
    return pc_problem_at(loader, ref->path, "name", "no %s '%.80s'%s",
                         may_be_table ? "table or timeline" : "timeline", ref->name,
                         pc_did_you_mean(loader->study, ref->name, name, count));
}

static pc_status link_codes_names(pc_loader *loader, pc_def *def)
{
    def->codes = pc_arena_array(loader->study->arena, (size_t)def->codes_count, sizeof *def->codes,
                                loader->err);
    if (def->codes == NULL) return PC_NO_MEMORY;
    int kept = 0;
    for (int i = 0; i < def->codes_count; i++) {
        pc_codes *codes = find_codes(def->codes_doc, def->codes_name[i]);
        if (codes != NULL) {
            def->codes[kept++] = codes;
            continue;
        }
        const char *known[256];
        int count = 0;
        for (const pc_codes *c = def->codes_doc->codes; c != NULL && count < 256; c = c->next) {
            known[count++] = c->name;
        }
        PC_TRY(pc_problem_at(loader, def->path, "name", "no code set '%.80s'%s", def->codes_name[i],
                             pc_did_you_mean(loader->study, def->codes_name[i], known, count)));
    }
    def->codes_count = kept;
    return PC_OK;
}

static pc_status link_def(pc_loader *loader, pc_def *def)
{
    pc_study *study = loader->study;
    if (!def->is_anonymous) {
        for (const pc_def *other = def->next; other != NULL; other = other->next) {
            if (other->is_anonymous || strcmp(other->name, def->name) != 0) continue;
            PC_TRY(pc_problem_at(loader, other->path, "name", "two timelines are called '%s'",
                                 other->name));
        }
        const char *own = def->name + strlen(def->doc->prefix);
        if (strcmp(own, "study") == 0 || strcmp(own, "observation") == 0 ||
            strcmp(own, "death") == 0) {
            PC_TRY(pc_problem_at(loader, def->path, "name", "'%s' is a given timeline", own));
        }
    }
    if (def->codes_count > 0) PC_TRY(link_codes_names(loader, def));
    if (def->table_name == NULL) return PC_OK;
    pc_ref *ref = def->from[0];
    ref->def = find_def(study, ref->doc, def->table_name);
    const int table = pc_model_find_table(study->model, pc_span_of(def->table_name));
    // An event may bear the name of its table: it cannot be made from itself.
    if (ref->def == def) ref->def = NULL;
    if (ref->def != NULL) {
        def->table_name = NULL;
        return PC_OK;
    }
    def->from_count = 0;
    def->table = table;
    if (def->table < 0) return unknown_timeline(loader, ref, true);
    if (study->model->table[def->table].path == PC_PATH_NONE) {
        def->table = -1;
        return pc_problem_at(loader, ref->path, "name", "'%s' is a table without patients",
                             def->table_name);
    }
    return PC_OK;
}

static int count_patterns(const pc_codes *codes, int depth)
{
    int count = codes->pattern_count;
    for (int i = 0; i < codes->set_count && depth < PC_STUDY_DEPTH_MAX; i++) {
        const pc_codes *other = find_codes(codes->doc, codes->set_name[i]);
        if (other != NULL) count += count_patterns(other, depth + 1);
    }
    return count;
}

static pc_status make_set(pc_loader *loader, pc_codes *codes);

/** Copies the patterns of the sets that `codes` names behind its own. */
static pc_status add_sets(pc_loader *loader, pc_codes *codes, pc_code_pattern *all, int *count)
{
    for (int i = 0; i < codes->set_count; i++) {
        pc_codes *other = find_codes(codes->doc, codes->set_name[i]);
        if (other == NULL) {
            PC_TRY(pc_problem_at(loader, codes->path, "name", "no code set '%.80s'",
                                 codes->set_name[i]));
            continue;
        }
        if (other->mark == 1) {
            PC_TRY(pc_problem_at(loader, codes->path, "cycle", "the set '%s' contains itself",
                                 codes->set_name[i]));
            continue;
        }
        PC_TRY(make_set(loader, other));
        // What the other set takes away would also be taken from the rest of this one.
        if (other->has_except && (codes->pattern_count > 0 || codes->set_count > 1)) {
            PC_TRY(pc_problem_at(loader, codes->path, "codes",
                                 "the set '%s' has 'except': it can only stand alone in 'sets'",
                                 codes->set_name[i]));
        }
        for (int k = 0; k < other->pattern_count; k++)
            all[(*count)++] = other->pattern[k];
        codes->systems |= other->systems;
        codes->has_except = codes->has_except || other->has_except;
    }
    return PC_OK;
}

static pc_status make_set(pc_loader *loader, pc_codes *codes)
{
    if (codes->mark != 0) return PC_OK;
    codes->mark = 1;
    pc_arena *arena = loader->study->arena;
    pc_code_pattern *all =
        pc_arena_array(arena, (size_t)count_patterns(codes, 0), sizeof *all, loader->err);
    if (all == NULL) return PC_NO_MEMORY;
    int count = 0;
    for (int i = 0; i < codes->pattern_count; i++)
        all[count++] = codes->pattern[i];
    PC_TRY(add_sets(loader, codes, all, &count));
    codes->pattern = all;
    codes->pattern_count = count;
    pc_code_set *set = NULL;
    pc_error why = {0};
    const pc_code_pattern *known = all;
    PC_TRY(pc_tree_expand(loader, codes, &known, &count));
    const pc_status status = pc_code_set_make(known, count, arena, &set, &why);
    codes->mark = 2;
    codes->set = set;
    if (status == PC_OK) return PC_OK;
    if (status != PC_BAD_JOB) return pc_fail(loader->err, status, "%s", why.text);
    return pc_problem_at(loader, codes->path, "codes", "%s", why.text);
}

/** The chain of timelines that are being followed, from the innermost out. */
typedef struct trail {
    const struct trail *up;
    const pc_def *def;
} trail;

static pc_status tell_cycle(pc_loader *loader, const trail *at, const pc_def *again)
{
    char ring[512];
    int used = snprintf(ring, sizeof ring, "%s", again->name);
    for (const trail *step = at; step != NULL && used < (int)sizeof ring; step = step->up) {
        used += snprintf(ring + used, sizeof ring - (size_t)used, " <- %s", step->def->name);
        if (step->def == again) break;
    }
    return pc_problem_at(loader, again->path, "cycle", "a timeline needs itself: %s", ring);
}

static pc_status follow(pc_loader *loader, pc_def *def, const trail *up, int depth);

static pc_status follow_conditions(pc_loader *loader, pc_condition *const *condition, int count,
                                   const trail *at, bool is_measure, int depth)
{
    for (int i = 0; i < count; i++) {
        const pc_condition *c = condition[i];
        if (c->timeline != NULL && c->timeline->def != NULL) {
            PC_TRY(follow(loader, c->timeline->def, at, depth));
        }
        // A cohort's measure may look during the cohort itself: its own record.
        const bool is_own = is_measure && c->during != NULL && c->during->def == at->def &&
                            at->def->kind == PC_DEF_COHORT;
        if (c->during != NULL && c->during->def != NULL && !is_own) {
            PC_TRY(follow(loader, c->during->def, at, depth));
        }
        PC_TRY(follow_conditions(loader, c->child, c->child_count, at, is_measure, depth));
    }
    return PC_OK;
}

static pc_status follow(pc_loader *loader, pc_def *def, const trail *up, int depth)
{
    const trail at = {up, def};
    if (def->mark == 2) return PC_OK;
    if (def->mark == 1) return tell_cycle(loader, up, def);
    if (depth > 1000) {
        return pc_problem_at(loader, def->path, "cycle",
                             "timelines depend on one another in a "
                             "chain of more than 1000");
    }
    def->mark = 1;
    for (int i = 0; i < def->from_count; i++) {
        if (def->from[i]->def != NULL) PC_TRY(follow(loader, def->from[i]->def, &at, depth + 1));
    }
    if (def->clip != NULL && def->clip->def != NULL) {
        PC_TRY(follow(loader, def->clip->def, &at, depth + 1));
    }
    for (int i = 0; i < def->exit_count; i++) {
        const int looks = def->exit[i].look == NULL ? 0 : 1;
        PC_TRY(follow_conditions(loader, &def->exit[i].look, looks, &at, false, depth + 1));
    }
    PC_TRY(follow_conditions(loader, def->measure, def->measure_count, &at, true, depth + 1));
    PC_TRY(follow_conditions(loader, def->require, def->require_count, &at, false, depth + 1));
    def->mark = 2;
    return PC_OK;
}

static int level_of_condition(const pc_condition *c)
{
    int level = 1;
    if (c->verb == PC_VERB_FIRST || c->verb == PC_VERB_LAST || c->verb == PC_VERB_DAYS_OF ||
        c->verb == PC_VERB_SHARE_OF || c->verb == PC_VERB_COVERED_BY || c->verb == PC_VERB_OF ||
        c->during != NULL || c->same.count > 0 || c->different.count > 0 || c->window_count > 1) {
        level = 2;
    }
    for (int i = 0; i < c->window_count; i++) {
        if (c->window[i].unit == PC_WINDOW_MONTHS || c->window[i].from_end) level = 2;
    }
    for (int i = 0; i < c->child_count; i++) {
        const int child = level_of_condition(c->child[i]);
        if (child > level) level = child;
    }
    return level;
}

static int level_of_def(const pc_def *def)
{
    int level = 1;
    if (def->kind == PC_DEF_EVENT &&
        (def->from_count > 0 || def->is_grouped || def->having.text != NULL ||
         def->measure_count > 0 || def->require_count > 0 || def->apart >= 0)) {
        level = 2;
    }
    const bool is_made_of_others = def->kind == PC_DEF_JOIN || def->kind == PC_DEF_INTERSECT ||
                                   def->kind == PC_DEF_SUBTRACT || def->kind == PC_DEF_EXPOSURE;
    const bool has_end = def->exit_count > 0 || def->gap != PC_GAP_NONE;
    if (is_made_of_others) level = 2;
    if (def->kind == PC_DEF_COHORT && (def->measure_count > 0 || has_end)) level = 2;
    if (def->kind == PC_DEF_MATCH || def->carry > 0 || def->combine_most > 0) level = 3;
    for (int i = 0; i < def->require_count; i++) {
        const int condition = level_of_condition(def->require[i]);
        if (condition > level) level = condition;
    }
    return level;
}

static void find_level(pc_study *study)
{
    study->level = study->doc_count > 1 ? 2 : 1;
    for (int d = 0; d < study->doc_count; d++) {
        for (const pc_def *def = study->doc[d]->defs; def != NULL; def = def->next) {
            const int level = level_of_def(def);
            if (level > study->level) study->level = level;
        }
        for (const pc_codes *codes = study->doc[d]->codes; codes != NULL; codes = codes->next) {
            if (codes->set_count > 0 && study->level < 2) study->level = 2;
        }
    }
    for (int i = 0; i < study->export_count; i++) {
        const int level = study->exports[i].kind == PC_EXPORT_ROWS ? 2 : 3;
        if (level > study->level) study->level = level;
    }
    for (int i = 0; i < study->statistic_count; i++) {
        const pc_statistic *statistic = &study->statistic[i];
        const bool is_third = statistic->by_year || statistic->split_count > 0 ||
                              statistic->population != NULL ||
                              (statistic->kind == PC_STAT_SURVIVAL && statistic->of_count > 0);
        const int level = is_third ? 3 : statistic->kind >= PC_STAT_PREVALENCE ? 2 : 1;
        if (level > study->level) study->level = level;
    }
}

static pc_status check_exports(pc_loader *loader)
{
    for (int i = 0; i < loader->study->export_count; i++) {
        const pc_export *one = &loader->study->exports[i];
        const pc_def *same = find_def(loader->study, loader->study->doc[0], one->name);
        if (same != NULL && same->kind == PC_DEF_COHORT && !one->is_csv) {
            PC_TRY(pc_problem_at(loader, one->path, "name",
                                 "'%s' is a cohort: its file has that name", one->name));
        }
        const pc_ref *cohort = one->kind == PC_EXPORT_ROWS ? NULL : one->timeline;
        if (cohort == NULL || cohort->def == NULL || cohort->def->kind == PC_DEF_COHORT) continue;
        PC_TRY(pc_problem_at(loader, cohort->path, "name", "'%s' is not a cohort", cohort->name));
    }
    return PC_OK;
}

/** The timelines that FROM of a statistic names; other names are tables, or wrong. */
static pc_status link_sql(pc_loader *loader, pc_statistic *statistic)
{
    pc_study *study = loader->study;
    const char *const *name = NULL;
    int count = 0;
    pc_error why = {0};
    const pc_status status =
        pc_sql_from_names(statistic->sql.text, study->arena, &name, &count, &why);
    // What is wrong with the text is told when it is planned.
    if (status == PC_BAD_JOB || status == PC_UNSUPPORTED) return PC_OK;
    if (status != PC_OK) return pc_fail(loader->err, status, "%s", why.text);
    statistic->of =
        pc_arena_array(study->arena, (size_t)count + 1, sizeof *statistic->of, loader->err);
    if (statistic->of == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        pc_def *def = find_def(study, study->doc[0], name[i]);
        for (int k = 0; k < statistic->of_count && def != NULL; k++) {
            if (statistic->of[k]->def == def) def = NULL;
        }
        if (def == NULL) continue;
        pc_ref *ref = pc_arena_take(study->arena, sizeof *ref, loader->err);
        if (ref == NULL) return PC_NO_MEMORY;
        *ref = (pc_ref){.name = name[i], .path = statistic->path, .doc = study->doc[0], .def = def};
        statistic->of[statistic->of_count++] = ref;
    }
    return PC_OK;
}

static pc_status check_statistics(pc_loader *loader)
{
    pc_study *study = loader->study;
    for (int i = 0; i < study->statistic_count; i++) {
        pc_statistic *statistic = &study->statistic[i];
        if (statistic->sql.text != NULL) PC_TRY(link_sql(loader, statistic));
        const pc_ref *cohort =
            statistic->kind == PC_STAT_ATTRITION ? statistic->timeline : statistic->in;
        if (cohort == NULL || cohort->def == NULL || cohort->def->kind == PC_DEF_COHORT) continue;
        PC_TRY(pc_problem_at(loader, cohort->path, "name", "'%s' is not a cohort", cohort->name));
    }
    return PC_OK;
}

pc_status pc_study_link(pc_loader *loader)
{
    pc_study *study = loader->study;
    study->given_study = (pc_def){.kind = PC_DEF_STUDY, .name = "study", .table = -1, .apart = -1};
    study->given_observation =
        (pc_def){.kind = PC_DEF_OBSERVATION, .name = "observation", .table = -1, .apart = -1};
    study->given_death = (pc_def){.kind = PC_DEF_DEATH, .name = "death", .table = -1, .apart = -1};
    pc_def *const given[] = {&study->given_study, &study->given_observation, &study->given_death};
    for (int i = 0; i < 3; i++) {
        given[i]->doc = study->doc[0];
        given[i]->path = given[i]->name;
    }
    for (pc_ref *ref = study->refs; ref != NULL; ref = ref->next) {
        ref->def = find_def(study, ref->doc, ref->name);
        if (ref->def == NULL) PC_TRY(unknown_timeline(loader, ref, false));
    }
    for (int d = 0; d < study->doc_count; d++) {
        for (pc_def *def = study->doc[d]->defs; def != NULL; def = def->next) {
            PC_TRY(link_def(loader, def));
        }
        for (pc_codes *codes = study->doc[d]->codes; codes != NULL; codes = codes->next) {
            PC_TRY(make_set(loader, codes));
        }
    }
    for (int d = 0; d < study->doc_count; d++) {
        for (pc_def *def = study->doc[d]->defs; def != NULL; def = def->next) {
            PC_TRY(follow(loader, def, NULL, 0));
        }
    }
    find_level(study);
    PC_TRY(check_exports(loader));
    return check_statistics(loader);
}
