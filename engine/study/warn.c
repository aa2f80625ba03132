// What `check` warns of: studies that run, but may not mean what is written.
#include <string.h>
#include "parcours/store.h"
#include "session.h"

static pc_status warn_empty_tables(const pc_session *session, const pc_doc *doc, pc_buffer *out,
                                   pc_error *err)
{
    const pc_model *model = session->study.model;
    for (const pc_def *def = doc->defs; def != NULL && session->store != NULL; def = def->next) {
        if (def->typed == NULL || def->table < 0) continue;
        if (pc_store_table_rows(session->store, def->table) > 0) continue;
        PC_TRY(pc_buffer_print(out, err, "%s: warning: the store has no row of %s\n", def->path,
                               model->table[def->table].name));
    }
    return PC_OK;
}

/** Does a code match a pattern of a set. */
static bool matches(const pc_code_pattern *pattern, pc_span code)
{
    const pc_span low = pattern->low, high = pattern->high;
    code = pc_span_trim(code);
    if (high.bytes > 0) {
        if (code.bytes < low.bytes) return false;
        const pc_span begin = {code.data, low.bytes};
        return pc_span_compare(begin, low) >= 0 && pc_span_compare(begin, high) <= 0;
    }
    if (pattern->exact || !pattern->is_prefix_system) return pc_span_equal(code, low);
    return code.bytes >= low.bytes && memcmp(code.data, low.data, low.bytes) == 0;
}

/** The codes of a system that the store has; NULL: it has no list of them. */
static const pc_dict *dict_of(const pc_session *session, int system)
{
    const pc_model *model = session->study.model;
    for (int i = 0; i < model->dict_count; i++) {
        if (strcmp(model->dict_name[i], model->system[system].name) == 0) {
            return session->catalog->dict[i];
        }
    }
    return NULL;
}

/** The code of a dictionary that is nearest to a wanted one, or NULL. */
static const char *nearest_code(const pc_dict *dict, pc_span wanted, pc_arena *arena)
{
    char *text = pc_arena_text(arena, wanted.data, wanted.bytes, NULL);
    const char **name = pc_arena_array(arena, (size_t)dict->count + 1, sizeof *name, NULL);
    if (text == NULL || name == NULL) return NULL;
    for (uint32_t i = 0; i < dict->count; i++) {
        const pc_span code = pc_span_trim(pc_dict_text(dict, i));
        name[i] = pc_arena_text(arena, code.data, code.bytes, NULL);
        if (name[i] == NULL) return NULL;
    }
    return pc_nearest_name(text, name, dict->count);
}

static pc_status warn_unknown_code(const pc_session *session, const pc_codes *codes,
                                   const pc_code_pattern *pattern, pc_buffer *out, pc_error *err)
{
    const pc_dict *dict = dict_of(session, pattern->system);
    for (uint32_t i = 0; dict != NULL && i < dict->count; i++) {
        if (matches(pattern, pc_dict_text(dict, i))) return PC_OK;
    }
    if (dict == NULL || dict->count == 0) return PC_OK;
    pc_arena scratch = {.budget = session->arena.budget};
    const char *near = pattern->high.bytes > 0 ? NULL : nearest_code(dict, pattern->low, &scratch);
    const pc_status status = pc_buffer_print(
        out, err, "%s: warning: the store has no code of %s like '%s%.*s%s%.*s'%s%s%s\n",
        codes->path, session->study.model->system[pattern->system].name, pattern->exact ? "=" : "",
        (int)pattern->low.bytes, pattern->low.data, pattern->high.bytes > 0 ? "-" : "",
        (int)pattern->high.bytes, pattern->high.bytes > 0 ? pattern->high.data : "",
        near == NULL ? "" : ", the nearest is '", near == NULL ? "" : near,
        near == NULL ? "" : "'");
    pc_arena_reset(&scratch);
    return status;
}

/** Sets that match nothing, and codes that no row of the store has. */
static pc_status warn_codes(const pc_session *session, const pc_doc *doc, pc_buffer *out,
                            pc_error *err)
{
    for (const pc_codes *codes = doc->codes; codes != NULL; codes = codes->next) {
        int wanted = 0;
        for (int i = 0; i < codes->pattern_count; i++)
            wanted += !codes->pattern[i].is_except;
        if (wanted == 0) {
            PC_TRY(pc_buffer_print(out, err, "%s: warning: the set is empty: it matches nothing\n",
                                   codes->path));
        }
        for (int i = 0; i < codes->pattern_count && session->store != NULL; i++) {
            PC_TRY(warn_unknown_code(session, codes, &codes->pattern[i], out, err));
        }
    }
    return PC_OK;
}

/** Can no day be in both windows, counted from the same day of any anchor. */
static bool exclude(const pc_window *a, const pc_window *b)
{
    if (a->unit != b->unit || a->unit == PC_WINDOW_ALL || a->part != b->part) return false;
    if (a->part == PC_PART_OVERLAP) return false;
    if (a->unit != PC_WINDOW_DATES && a->from_end != b->from_end) return false;
    return (a->pair.has_high && b->pair.has_low && a->pair.high < b->pair.low) ||
           (b->pair.has_high && a->pair.has_low && b->pair.high < a->pair.low);
}

/** Is a window of fixed days outside of what the store has. */
static bool is_outside(const pc_session *session, const pc_window *window)
{
    if (session->store == NULL || window->unit != PC_WINDOW_DATES) return false;
    int32_t first = 0, last = 0;
    pc_store_period(session->store, &first, &last);
    return (window->pair.has_high && window->pair.high < first) ||
           (window->pair.has_low && window->pair.low > last);
}

static pc_status warn_windows(const pc_session *session, const pc_condition *c, pc_buffer *out,
                              pc_error *err)
{
    for (int i = 0; i < c->window_count; i++) {
        bool never = false;
        for (int k = 0; k < i; k++)
            never = never || exclude(&c->window[k], &c->window[i]);
        if (never) {
            PC_TRY(pc_buffer_print(
                out, err, "%s: warning: the windows exclude each other: none holds\n", c->path));
        } else if (is_outside(session, &c->window[i])) {
            PC_TRY(pc_buffer_print(
                out, err, "%s: warning: the window lies outside of the store's period\n", c->path));
        }
    }
    for (int i = 0; i < c->child_count; i++) {
        PC_TRY(warn_windows(session, c->child[i], out, err));
    }
    return PC_OK;
}

static pc_status warn_dates(const pc_session *session, const char *path, const pc_pair *dates,
                            pc_buffer *out, pc_error *err)
{
    const pc_window window = {.unit = PC_WINDOW_DATES, .pair = *dates};
    if (!dates->is_given || !is_outside(session, &window)) return PC_OK;
    return pc_buffer_print(out, err, "%s: warning: the dates lie outside of the store's period\n",
                           path);
}

static pc_status warn_timelines(const pc_session *session, const pc_doc *doc, pc_buffer *out,
                                pc_error *err)
{
    for (const pc_def *def = doc->defs; def != NULL; def = def->next) {
        if (def->kind == PC_DEF_EVENT) {
            PC_TRY(warn_dates(session, def->path, &def->dates, out, err));
        }
        if (def->kind == PC_DEF_COHORT) {
            PC_TRY(warn_dates(session, def->path, &def->entry_dates, out, err));
        }
        for (int i = 0; i < def->measure_count; i++) {
            PC_TRY(warn_windows(session, def->measure[i], out, err));
        }
        for (int i = 0; i < def->require_count; i++) {
            PC_TRY(warn_windows(session, def->require[i], out, err));
        }
    }
    return PC_OK;
}

pc_status pc_session_warn(const pc_session *session, pc_buffer *out, pc_error *err)
{
    for (int d = 0; d < session->study.doc_count; d++) {
        const pc_doc *doc = session->study.doc[d];
        PC_TRY(warn_empty_tables(session, doc, out, err));
        PC_TRY(warn_codes(session, doc, out, err));
        PC_TRY(warn_timelines(session, doc, out, err));
    }
    return PC_OK;
}
