/** The statistics of cohorts as OHDSI names them, through the release gate. */
#include <stdlib.h>
#include <string.h>
#include "../study/sheet.h"
#include "cohorts_run.h"

/** Columns of a table being filled, row after row. */
enum { TABLE_COLUMNS = 6 };
typedef struct table {
    const char *name;
    int column_count;
    const char *column[TABLE_COLUMNS];
    int key_count; ///< columns that are never suppressed
    pc_buffer value[TABLE_COLUMNS], patients[TABLE_COLUMNS];
} table;

static pc_status add_row(table *t, const int64_t *value, const int64_t *patients, pc_error *err)
{
    for (int c = 0; c < t->column_count; c++) {
        PC_TRY(pc_buffer_append(&t->value[c], &value[c], sizeof *value, err));
        if (c < t->key_count) continue;
        PC_TRY(
            pc_buffer_append(&t->patients[c], &patients[c - t->key_count], sizeof *patients, err));
    }
    return PC_OK;
}

static pc_status write_table(pc_cohorts *run, const table *t, pc_error *err)
{
    pc_arena arena = {.budget = run->options->budget};
    pc_sheet sheet;
    pc_result result;
    const int64_t rows = (int64_t)(t->value[0].bytes / sizeof(int64_t));
    pc_status status = pc_sheet_open(&sheet, &arena, t->column_count, rows, err);
    for (int c = 0; c < t->column_count && status == PC_OK; c++) {
        const bool is_cell = c >= t->key_count;
        int64_t *value = pc_sheet_numbers(&sheet, err), *patients = pc_sheet_numbers(&sheet, err);
        if (value == NULL || patients == NULL) {
            status = PC_NO_MEMORY;
            break;
        }
        if (rows > 0) memcpy(value, t->value[c].data, t->value[c].bytes);
        if (rows > 0 && is_cell) memcpy(patients, t->patients[c].data, t->patients[c].bytes);
        status =
            pc_sheet_add(&sheet, t->column[c], PC_INT, 0, value, is_cell ? patients : NULL, err);
    }
    if (status == PC_OK) {
        pc_sheet_close(&sheet, &result);
        status = pc_output_table(&run->output, t->name, &result, &result, &arena, err);
    }
    pc_arena_reset(&arena);
    return status;
}

static const pc_circe_mask *find_mask(const pc_cohorts_entry *e, uint64_t mask)
{
    for (int i = 0; i < e->mask_count; i++) {
        if (e->mask[i].mask == mask) return &e->mask[i];
    }
    return NULL;
}

/** Fills a table with the rows of one definition. `mode` 0: all events, 1: the best of a person. */
typedef pc_status (*fill)(table *t, const pc_cohorts_entry *e, pc_error *err);

static pc_status fill_count(table *t, const pc_cohorts_entry *e, pc_error *err)
{
    const int64_t subjects = e->of_definition[PC_CIRCE_SUBJECTS];
    const int64_t value[] = {e->id, e->of_definition[PC_CIRCE_ENTRIES], subjects};
    const int64_t patients[] = {subjects, subjects};
    return add_row(t, value, patients, err);
}

static pc_status fill_result(table *t, const pc_cohorts_entry *e, pc_error *err)
{
    for (int i = 0; i < e->mask_count; i++) {
        for (int mode = 0; mode < 2; mode++) {
            const pc_circe_mask *m = &e->mask[i];
            const int64_t value[] = {e->id, (int64_t)m->mask, mode,
                                     mode == 0 ? m->events : m->best};
            const int64_t patients = mode == 0 ? m->persons : m->best;
            if (value[3] > 0) PC_TRY(add_row(t, value, &patients, err));
        }
    }
    return PC_OK;
}

static pc_status fill_stats(table *t, const pc_cohorts_entry *e, pc_error *err)
{
    const uint64_t full = (UINT64_C(1) << e->rule_count) - 1;
    for (int r = 0; r < e->rule_count; r++) {
        const int64_t *rule = e->of_rule + (size_t)r * PC_CIRCE_RULE_COUNTS;
        const pc_circe_mask *gain = find_mask(e, full & ~(UINT64_C(1) << r));
        const pc_circe_mask none = {0};
        if (gain == NULL) gain = &none;
        const int64_t persons = e->of_definition[PC_CIRCE_QUALIFIED_PERSONS];
        for (int mode = 0; mode < 2; mode++) {
            const int64_t value[] = {e->id,
                                     r,
                                     mode,
                                     rule[mode == 0 ? PC_CIRCE_RULE_EVENTS : PC_CIRCE_RULE_BEST],
                                     mode == 0 ? gain->events : gain->best,
                                     mode == 0 ? e->of_definition[PC_CIRCE_QUALIFIED] : persons};
            const int64_t patients[] = {
                rule[mode == 0 ? PC_CIRCE_RULE_PERSONS : PC_CIRCE_RULE_BEST],
                mode == 0 ? gain->persons : gain->best, persons};
            PC_TRY(add_row(t, value, patients, err));
        }
    }
    return PC_OK;
}

static pc_status fill_summary(table *t, const pc_cohorts_entry *e, pc_error *err)
{
    if (e->rule_count == 0) return PC_OK;
    const pc_circe_mask *full = find_mask(e, (UINT64_C(1) << e->rule_count) - 1);
    const pc_circe_mask none = {0};
    if (full == NULL) full = &none;
    const int64_t persons = e->of_definition[PC_CIRCE_QUALIFIED_PERSONS];
    for (int mode = 0; mode < 2; mode++) {
        const int64_t value[] = {e->id, mode,
                                 mode == 0 ? e->of_definition[PC_CIRCE_QUALIFIED] : persons,
                                 mode == 0 ? full->events : full->best};
        const int64_t patients[] = {persons, mode == 0 ? full->persons : full->best};
        PC_TRY(add_row(t, value, patients, err));
    }
    return PC_OK;
}

static pc_status fill_censor(table *t, const pc_cohorts_entry *e, pc_error *err)
{
    if (!e->has_window) return PC_OK;
    const int64_t lost = e->of_definition[PC_CIRCE_UNCUT] - e->of_definition[PC_CIRCE_SUBJECTS];
    const int64_t value[] = {e->id, lost};
    return add_row(t, value, &lost, err);
}

static const struct {
    table table;
    fill fill;
} tables[] = {
    {{.name = "cohort_count",
      .column_count = 3,
      .column = {"cohort_id", "cohort_entries", "cohort_subjects"},
      .key_count = 1},
     fill_count},
    {{.name = "cohort_inclusion_result",
      .column_count = 4,
      .column = {"cohort_definition_id", "inclusion_rule_mask", "mode_id", "person_count"},
      .key_count = 3},
     fill_result},
    {{.name = "cohort_inclusion_stats",
      .column_count = 6,
      .column = {"cohort_definition_id", "rule_sequence", "mode_id", "person_count", "gain_count",
                 "person_total"},
      .key_count = 3},
     fill_stats},
    {{.name = "cohort_summary_stats",
      .column_count = 4,
      .column = {"cohort_definition_id", "mode_id", "base_count", "final_count"},
      .key_count = 2},
     fill_summary},
    {{.name = "cohort_censor_stats",
      .column_count = 2,
      .column = {"cohort_definition_id", "lost_count"},
      .key_count = 1},
     fill_censor}};

pc_status pc_cohorts_tables(pc_cohorts *run, pc_error *err)
{
    pc_status status = PC_OK;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && status == PC_OK; i++) {
        table t = tables[i].table;
        for (int c = 0; c < t.column_count; c++)
            t.value[c].budget = t.patients[c].budget = run->options->budget;
        for (int e = 0; e < run->entry_count && status == PC_OK; e++)
            status = tables[i].fill(&t, &run->entry[e], err);
        if (status == PC_OK) status = write_table(run, &t, err);
        for (int c = 0; c < t.column_count; c++) {
            pc_buffer_release(&t.value[c]);
            pc_buffer_release(&t.patients[c]);
        }
    }
    return status;
}
