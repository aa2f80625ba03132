/** The generator as a whole: which files and segments a delivery has, and one patient after the
 *  other. See README.md of this folder. */
#include <stdio.h>
#include <string.h>
#include "care.h"

int pc_synth_file_count(const pc_synth *synth)
{
    return synth->file_count;
}

const char *pc_synth_file_name(const pc_synth *synth, int file)
{
    return synth->file[file].name;
}

pc_span pc_synth_file_header(const pc_synth *synth, int file)
{
    return synth->file[file].layout.header;
}

int pc_synth_segment_count(const pc_synth *synth)
{
    return synth->segment_count;
}

int pc_synth_segment_file(const pc_synth *synth, int segment)
{
    return synth->segment_file[segment];
}

static pc_status check_options(const pc_synth_options *o, pc_error *err)
{
    if (o->patients < 1 || o->patients > PC_SYNTH_MAX_PATIENTS) {
        return PC_FAIL(err, PC_BAD_JOB, "--patients: expected 1 to %d, got %lld",
                       PC_SYNTH_MAX_PATIENTS, (long long)o->patients);
    }
    if (o->first_year < PC_SYNTH_FIRST_YEAR || o->last_year > PC_SYNTH_LAST_YEAR ||
        o->last_year < o->first_year) {
        return PC_FAIL(err, PC_BAD_JOB, "--years: expected FIRST:LAST inside %d:%d, got %d:%d",
                       PC_SYNTH_FIRST_YEAR, PC_SYNTH_LAST_YEAR, o->first_year, o->last_year);
    }
    return PC_OK;
}

// A file that the plan has: its name, and where its rows go.
typedef struct plan {
    const synth_columns *columns;
    pc_arena *arena;
} plan;

static pc_status add_file(pc_synth *synth, const plan *p, int table, const char *name, int year,
                          int segments, pc_error *err)
{
    if (synth->file_count == synth->most_files) {
        return PC_FAIL(err, PC_BAD_JOB, "--years: more than %d files", synth->most_files);
    }
    synth_file *file = &synth->file[synth->file_count];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->table = table;
    file->year = year;
    file->first_segment = synth->segment_count;
    file->segment_count = segments;
    for (int k = 0; k < segments; k++) {
        synth->segment_file[synth->segment_count++] = (int16_t)synth->file_count;
    }
    const int index = year == 0 ? 0 : year - synth->options.first_year;
    synth->file_of[table][index] = (int16_t)synth->file_count++;
    // T53: from one year to the next columns stand in another order, and one is new
    const bool last = year == synth->options.last_year && synth->options.messy;
    const bool backwards = last && (table == SYNTH_CAM || table == SYNTH_MCO_UM);
    synth->odd_file_count += backwards;
    return synth_layout_make(p->columns, &synth->world, table, year, backwards, p->arena,
                             &file->layout, err);
}

static pc_status plan_core(pc_synth *synth, const plan *p, pc_error *err)
{
    static const char *const er[] = {"PRS", "PHA", "CAM", "BIO", "ETE"};
    static const char *const mco[] = {"B", "C", "D", "A", "UM"};
    const int first = synth->options.first_year, last = synth->options.last_year;
    char name[32];
    PC_TRY(add_file(synth, p, SYNTH_BEN, "IR_BEN_R.CSV", 0, 1, err));
    PC_TRY(add_file(synth, p, SYNTH_ARC, "IR_BEN_R_ARC.CSV", 0, 1, err));
    PC_TRY(add_file(synth, p, SYNTH_IMB, "IR_IMB_R.CSV", 0, 1, err));
    PC_TRY(add_file(synth, p, SYNTH_CCI, "KI_CCI_R.CSV", 0, 1, err));
    for (int k = 0; k < 5; k++) {
        // care of the last year is paid until the end of the next
        for (int year = first; year <= last + 1; year++) {
            snprintf(name, sizeof name, "ER_%s_F_%04d.CSV", er[k], year);
            PC_TRY(add_file(synth, p, SYNTH_PRS + k, name, year, 12, err));
        }
        for (int year = first; year <= last; year++) {
            snprintf(name, sizeof name, "T_MCO%02d%s.CSV", year % 100, mco[k]);
            PC_TRY(add_file(synth, p, SYNTH_MCO_B + k, name, year, 1, err));
        }
    }
    return PC_OK;
}

// The files of one table beyond the core, in the years in which it exists.
static pc_status plan_detail(pc_synth *synth, const plan *p, int table, pc_error *err)
{
    const char *schema = synth_schema(table);
    const bool flow = strncmp(schema, "ER_", 3) == 0;
    const int first = synth->options.first_year, last = synth->options.last_year + flow;
    char name[32];
    if (!synth_is_yearly(table)) {
        snprintf(name, sizeof name, "%.20s.CSV", schema);
        return add_file(synth, p, table, name, 0, 1, err);
    }
    for (int year = first; year <= last; year++) {
        bool lives = false;
        PC_TRY(synth_table_lives(p->columns, table, year, &lives, err));
        synth_file_name(table, year, name, sizeof name);
        if (lives) PC_TRY(add_file(synth, p, table, name, year, flow ? 12 : 1, err));
    }
    return PC_OK;
}

static pc_status plan_files(pc_synth *synth, const plan *p, pc_error *err)
{
    memset(synth->file_of, -1, sizeof synth->file_of);
    synth->most_files =
        SYNTH_ALL_TABLES * (synth->options.last_year - synth->options.first_year + 2);
    synth->file = pc_arena_array(p->arena, (size_t)synth->most_files, sizeof *synth->file, err);
    if (synth->file == NULL) return PC_NO_MEMORY;
    PC_TRY(plan_core(synth, p, err));
    for (int detail = 0; p->columns->all && detail < SYNTH_DETAILS; detail++) {
        if (synth_due_of(detail) == DUE_REFERENCE) continue;
        PC_TRY(plan_detail(synth, p, SYNTH_TABLES + detail, err));
    }
    const int first = synth->options.first_year;
    synth->month_count = 12 * (synth->options.last_year - first + 2);
    for (int month = 0; month <= synth->month_count; month++) {
        synth->month_first[month] = pc_day_of(first + month / 12, month % 12 + 1, 1);
    }
    return synth_reference_plan(synth, p->columns, p->arena, err);
}

pc_status pc_synth_open(const pc_synth_options *options, pc_arena *arena, pc_synth **out,
                        pc_error *err)
{
    PC_TRY(check_options(options, err));
    pc_synth *synth = pc_arena_take(arena, sizeof *synth, err);
    if (synth == NULL) return PC_NO_MEMORY;
    synth->options = *options;
    synth->evidence.delivery.budget = options->budget;
    for (int table = 0; table < SYNTH_TABLES; table++)
        synth->row[table].odd.field = -1;
    synth->detail.odd.field = -1;
    PC_TRY(synth_world_read(options->share_dir, options->all_columns, arena, &synth->world, err));
    char *core = NULL, *details = NULL;
    size_t bytes = 0;
    PC_TRY(synth_file_read(options->share_dir, "columns.csv", arena, &core, &bytes, err));
    if (options->all_columns) {
        PC_TRY(synth_file_read(options->share_dir, "details.csv", arena, &details, &bytes, err));
    }
    const synth_columns columns = {core, details, options->all_columns};
    PC_TRY(plan_files(synth, &(plan){&columns, arena}, err));
    *out = synth;
    return PC_OK;
}

void pc_synth_close(pc_synth *synth)
{
    if (synth != NULL) pc_buffer_release(&synth->evidence.delivery);
}

void synth_count_defect(pc_synth *synth, int number)
{
    synth->truth->defect[number]++;
}

static pc_status emit_row(pc_synth *synth, synth_row *row, const synth_file *file, int month,
                          pc_error *err)
{
    synth->truth->rows++;
    row->salt = (uint32_t)synth->person.index * 2654435761u + row->salt * 40503u + 1;
    const pc_status status = synth_row_write(&synth->world, &file->layout, row,
                                             &synth->segment[file->first_segment + month], err);
    row->odd.field = -1;
    return status;
}

pc_status synth_emit(pc_synth *synth, synth_table table, int year_index, int month, pc_error *err)
{
    const synth_file *file = &synth->file[synth->file_of[table][year_index]];
    return emit_row(synth, &synth->row[table], file, month, err);
}

pc_status synth_detail_emit(pc_synth *synth, synth_detail_table table, int year_index, int month,
                            pc_error *err)
{
    const int file = synth->file_of[SYNTH_TABLES + (int)table][year_index];
    if (file < 0) return PC_OK;
    return emit_row(synth, &synth->detail, &synth->file[file], month, err);
}

pc_status pc_synth_make(pc_synth *synth, int64_t patient, pc_buffer *segment, pc_synth_truth *truth,
                        pc_error *err)
{
    synth->segment = segment;
    synth->truth = truth;
    synth->evidence.delivery.bytes = 0;
    memset(synth->evidence.ald, 0, sizeof synth->evidence.ald);
    memset(synth->evidence.stay, 0, sizeof synth->evidence.stay);
    memset(synth->statement, 0, sizeof synth->statement);
    memset(synth->stay_key, 0, sizeof synth->stay_key);
    memset(synth->late_days, 0, sizeof synth->late_days);
    synth->detail.salt = 0;
    for (int table = 0; table < SYNTH_TABLES; table++)
        synth->row[table].salt = 0;
    synth_person_make(synth, patient);
    synth_health_make(synth);
    synth_claim_person(synth);
    if (synth->options.all_columns) synth_detail_person(synth);
    PC_TRY(synth_person_emit(synth, err));
    for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
        PC_TRY(synth_care_year(synth, year, err));
        PC_TRY(synth_stay_year(synth, year, err));
        if (synth->options.all_columns) PC_TRY(synth_episode_year(synth, year, err));
    }
    PC_TRY(synth_heavy_user(synth, err));
    if (synth->options.all_columns) PC_TRY(synth_rights_emit(synth, err));
    bool diabetic[PC_SYNTH_MAX_YEARS];
    synth_truth_judge(synth, diabetic);
    return synth->options.all_columns ? synth_atlas_emit(synth, diabetic, err) : PC_OK;
}
