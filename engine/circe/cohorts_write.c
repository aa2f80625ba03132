/** The rows of cohorts, brought together: one definition a rank at a time, each sorted by person.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cohorts_run.h"
#include "commit.h"
#include "parcours/cohort_file.h"

static const char header[] = "cohort_definition_id,subject_id,cohort_start_date,cohort_end_date\n";

/** cohort.csv being written by rank 0. */
typedef struct csv_file {
    char *path, *temporary;
    int file; // -1: not open
    pc_digest_state digest;
    int64_t bytes;
} csv_file;

static pc_status put(csv_file *csv, const char *data, size_t bytes, pc_error *err)
{
    pc_digest_add(&csv->digest, data, bytes);
    csv->bytes += (int64_t)bytes;
    while (bytes > 0) {
        const ssize_t done = write(csv->file, data, bytes);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            return PC_FAIL(err, PC_IO, "file '%s': cannot be written: %s", csv->temporary,
                           strerror(errno));
        }
        data += done;
        bytes -= (size_t)done;
    }
    return PC_OK;
}

static pc_status open_csv(pc_cohorts *run, csv_file *csv, pc_error *err)
{
    const char *path = NULL, *temporary = NULL;
    PC_TRY(pc_output_path(&run->output, "cohorts", "cohort", ".csv", &run->arena, &path, err));
    PC_TRY(pc_output_path(&run->output, "cohorts", "cohort", ".csv.tmp", &run->arena, &temporary,
                          err));
    csv->path = pc_arena_text(&run->arena, path, strlen(path), err);
    csv->temporary = pc_arena_text(&run->arena, temporary, strlen(temporary), err);
    if (csv->path == NULL || csv->temporary == NULL) return PC_NO_MEMORY;
    pc_digest_begin(&csv->digest);
    csv->file = open(csv->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (csv->file < 0) {
        return PC_FAIL(err, PC_IO, "file '%s': cannot be made: %s", csv->temporary,
                       strerror(errno));
    }
    return put(csv, header, sizeof header - 1, err);
}

static pc_status close_csv(pc_cohorts *run, csv_file *csv, pc_error *err)
{
    const int file = csv->file;
    csv->file = -1;
    if (close(file) != 0 || rename(csv->temporary, csv->path) != 0) {
        return PC_FAIL(err, PC_IO, "file '%s': cannot be written: %s", csv->path, strerror(errno));
    }
    const pc_digest digest = pc_digest_end(&csv->digest);
    pc_digest_format(&digest, run->csv_hash);
    return pc_output_note(&run->output, "cohorts", "cohort", ".csv", run->csv_hash, err);
}

/** This rank's rows of a definition, appended. */
static pc_status read_spool(pc_spool *spool, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_spool_seal(spool, err));
    for (int i = 0; i < pc_spool_block_count(spool); i++)
        PC_TRY(pc_spool_read(spool, i, out, err));
    pc_spool_drop(spool);
    return PC_OK;
}

/** Sorts rows by person, those of a person staying as they are (by start): byte by byte of the
 *  number, the least first; bytes that are the same everywhere cost one look. */
static pc_status sort_rows(pc_buffer *rows, pc_error *err)
{
    enum { KEY_BYTES = 8, VALUES = 256 };
    const size_t count = rows->bytes / PC_COHORTS_ROW_BYTES;
    pc_buffer other = {.budget = rows->budget};
    PC_TRY(pc_buffer_reserve(&other, rows->bytes + 1, err));
    for (int byte = KEY_BYTES - 1; byte >= 0; byte--) {
        size_t first[VALUES + 1] = {0};
        const unsigned char *row = (const unsigned char *)rows->data;
        for (size_t i = 0; i < count; i++)
            first[row[i * PC_COHORTS_ROW_BYTES + (size_t)byte] + 1]++;
        bool is_same = false;
        for (int v = 0; v < VALUES; v++) {
            is_same = is_same || first[v + 1] == count;
            first[v + 1] += first[v];
        }
        if (is_same) continue;
        for (size_t i = 0; i < count; i++, row += PC_COHORTS_ROW_BYTES) {
            memcpy(other.data + first[row[byte]]++ * PC_COHORTS_ROW_BYTES, row,
                   PC_COHORTS_ROW_BYTES);
        }
        char *const data = rows->data;
        const size_t capacity_bytes = rows->capacity_bytes;
        rows->data = other.data;
        rows->capacity_bytes = other.capacity_bytes;
        other.data = data;
        other.capacity_bytes = capacity_bytes;
    }
    pc_buffer_release(&other);
    return PC_OK;
}

/** Digits of a number; returns how many characters. */
static size_t print_number(int64_t value, char *out)
{
    char digit[24];
    size_t count = 0, at = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digit[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) out[at++] = '-';
    while (count > 0)
        out[at++] = digit[--count];
    return at;
}

enum { DATE_BYTES = 10, DAYS_KNOWN = 4096 };

/** Days that were written lately, so that few are written digit by digit. */
typedef struct known_days {
    int32_t day[DAYS_KNOWN];
    char text[DAYS_KNOWN][16];
} known_days;

static size_t print_day(known_days *known, int32_t day, char *out)
{
    const size_t at = (size_t)(uint32_t)day % DAYS_KNOWN;
    if (known->day[at] != day || known->text[at][0] == '\0') {
        known->day[at] = day;
        (void)pc_day_format(day, known->text[at]);
    }
    memcpy(out, known->text[at], DATE_BYTES);
    return DATE_BYTES;
}

/** The lines of sorted rows. */
static pc_status print_rows(int64_t id, const pc_buffer *rows, pc_buffer *out, pc_error *err)
{
    enum { LINE_BYTES = 96 };
    const size_t count = rows->bytes / PC_COHORTS_ROW_BYTES;
    pc_arena arena = {.budget = rows->budget};
    known_days *known = pc_arena_take(&arena, sizeof *known, err);
    pc_status status = known == NULL ? PC_NO_MEMORY : PC_OK;
    char line[LINE_BYTES];
    size_t head = print_number(id, line);
    line[head++] = ',';
    for (size_t i = 0; i < count && status == PC_OK; i++) {
        const unsigned char *row = (const unsigned char *)rows->data + i * PC_COHORTS_ROW_BYTES;
        const pc_circe_period episode = pc_cohorts_row_episode(row);
        size_t at = head + print_number(pc_cohorts_row_subject(row), line + head);
        line[at++] = ',';
        at += print_day(known, episode.start, line + at);
        line[at++] = ',';
        at += print_day(known, episode.end, line + at);
        line[at++] = '\n';
        status = pc_buffer_append(out, line, at, err);
    }
    pc_arena_reset(&arena);
    return status;
}

/** The HDF5 file of a cohort. */
static pc_status write_file(pc_cohorts *run, const pc_cohorts_entry *entry, const pc_buffer *rows,
                            pc_error *err)
{
    enum { SUBJECT_BYTES = 20 };
    pc_arena arena = {.budget = run->options->budget};
    const int64_t count = (int64_t)(rows->bytes / PC_COHORTS_ROW_BYTES);
    char *patient = pc_arena_array(&arena, (size_t)count + 1, SUBJECT_BYTES, err);
    int64_t *subject = pc_arena_array(&arena, (size_t)count + 1, sizeof *subject, err);
    int32_t *start = pc_arena_array(&arena, (size_t)count + 1, sizeof *start, err);
    int32_t *end = pc_arena_array(&arena, (size_t)count + 1, sizeof *end, err);
    const char *path = NULL;
    pc_status status = PC_NO_MEMORY;
    if (patient == NULL || subject == NULL || start == NULL || end == NULL) goto done;
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *row = (const unsigned char *)rows->data + i * PC_COHORTS_ROW_BYTES;
        char text[SUBJECT_BYTES + 1];
        subject[i] = pc_cohorts_row_subject(row);
        start[i] = pc_cohorts_row_episode(row).start;
        end[i] = pc_cohorts_row_episode(row).end;
        memcpy(patient + i * SUBJECT_BYTES, text, print_number(subject[i], text));
    }
    const pc_cohort_attribute attribute = {.name = "subject_id",
                                           .column = {.type = PC_INT, .width = 8, .data = subject}};
    const pc_cohort_rows file = {.row_count = count,
                                 .patient_bytes = SUBJECT_BYTES,
                                 .patient = patient,
                                 .start_date = start,
                                 .end_date = end,
                                 .attribute_count = 1,
                                 .attribute = &attribute};
    status = pc_output_path(&run->output, "cohorts", entry->name, ".h5", &arena, &path, err);
    if (status == PC_OK) status = pc_cohort_file_write(path, &file, run->options->budget, err);
done:
    pc_arena_reset(&arena);
    return status;
}

/** Rows of entries `first` on go to their ranks: entry first + r to rank r. */
static pc_status exchange_rows(pc_cohorts *run, int first, pc_buffer *mine, int64_t *sizes,
                               pc_error *err)
{
    const int ranks = pc_comm_size(run->comm);
    pc_arena arena = {.budget = run->options->budget};
    pc_buffer *out = pc_arena_array(&arena, (size_t)ranks, sizeof *out, err);
    pc_span *piece = pc_arena_array(&arena, (size_t)ranks, sizeof *piece, err);
    pc_status status = out == NULL || piece == NULL ? PC_NO_MEMORY : PC_OK;
    for (int r = 0; r < ranks && first + r < run->entry_count && status == PC_OK; r++) {
        const int computed = run->entry[first + r].computed;
        out[r].budget = run->options->budget;
        if (computed >= 0) status = read_spool(run->spool[computed], &out[r], err);
        piece[r] = (pc_span){out[r].data, out[r].bytes};
    }
    status = pc_comm_agree(run->comm, status, err);
    if (status == PC_OK) status = pc_comm_exchange(run->comm, piece, mine, sizes, err);
    for (int r = 0; out != NULL && r < ranks; r++)
        pc_buffer_release(&out[r]);
    pc_arena_reset(&arena);
    return status;
}

/** What this rank does with the entry that is its own. */
static pc_status make_text(pc_cohorts *run, const pc_cohorts_entry *entry, pc_buffer *rows,
                           pc_buffer *text, pc_error *err)
{
    if (entry->computed < 0) return pc_cohorts_kept_text(run, entry, text, err);
    if (rows->bytes > 0) PC_TRY(sort_rows(rows, err));
    PC_TRY(print_rows(entry->id, rows, text, err));
    return write_file(run, entry, rows, err);
}

/** Rank 0 appends what the ranks made of entries `first` on. Collective. */
static pc_status append_text(pc_cohorts *run, int first, csv_file *csv, const pc_buffer *text,
                             int64_t *sizes, pc_error *err)
{
    pc_buffer all = {.budget = run->options->budget};
    pc_status status =
        pc_comm_gather(run->comm, (pc_span){text->data, text->bytes}, &all, sizes, err);
    if (status == PC_OK && pc_comm_rank(run->comm) == 0) {
        int64_t at = csv->bytes;
        status = put(csv, all.data, all.bytes, err);
        for (int r = 0; r < pc_comm_size(run->comm) && first + r < run->entry_count; r++) {
            run->entry[first + r].first_byte = at;
            run->entry[first + r].bytes = sizes[r];
            at += sizes[r];
        }
    }
    pc_buffer_release(&all);
    return pc_comm_agree(run->comm, status, err);
}

/** One round: as many entries as there are ranks. Collective. */
static pc_status write_round(pc_cohorts *run, int first, csv_file *csv, int64_t *sizes,
                             pc_error *err)
{
    const int mine = first + pc_comm_rank(run->comm);
    pc_buffer rows = {.budget = run->options->budget}, text = {.budget = run->options->budget};
    pc_status status = exchange_rows(run, first, &rows, sizes, err);
    if (status == PC_OK) {
        if (mine < run->entry_count) {
            status = make_text(run, &run->entry[mine], &rows, &text, err);
        }
        status = pc_comm_agree(run->comm, status, err);
    }
    pc_buffer_release(&rows);
    if (status == PC_OK) status = append_text(run, first, csv, &text, sizes, err);
    pc_buffer_release(&text);
    return status;
}

/** The manifest, last. Rank 0. */
static pc_status write_manifest(pc_cohorts *run, pc_error *err)
{
    pc_buffer text = {.budget = run->options->budget};
    const pc_output *output = &run->output;
    const int64_t bytes = output->counts.read.bytes_read;
    pc_status status = pc_buffer_print(
        &text, err,
        "{\n  \"cohorts\": %d,\n  \"computed\": %d,\n  \"definitions_hash\": \"%s\",\n"
        "  \"store_id\": \"%s\",\n  \"version\": \"%s\",\n  \"commit\": \"%s\",\n  \"ranks\": %d,\n"
        "  \"protected\": %s,\n"
        "  \"read\": {\"shards\": %lld, \"slots\": %lld, \"rows\": %lld, \"bytes\": %lld},\n"
        "  \"seconds\": {\"open\": %.3f, \"scan\": %.3f},\n  \"files\": {%.*s\n  }\n}\n",
        run->entry_count, run->computed_count, output->study_hash, pc_store_id(run->store),
        PC_VERSION, PC_COMMIT, output->ranks, run->options->unprotected ? "false" : "true",
        (long long)output->counts.shards, (long long)output->counts.read.slots,
        (long long)output->counts.read.rows,
        (long long)(run->options->unprotected ? bytes : pc_told(bytes, PC_TOLD_BYTES)),
        output->open_s, output->scan_s, (int)output->files.bytes, output->files.data);
    const char *path = NULL;
    if (status == PC_OK) {
        status = pc_output_path(output, "", "manifest", ".json", &run->arena, &path, err);
    }
    if (status == PC_OK) {
        status = pc_file_put(path, (pc_span){text.data, text.bytes}, 0644, err);
    }
    pc_buffer_release(&text);
    return status;
}

/** What rank 0 writes after the rows. */
static pc_status write_rest(pc_cohorts *run, csv_file *csv, pc_error *err)
{
    PC_TRY(close_csv(run, csv, err));
    PC_TRY(pc_cohorts_tables(run, err));
    PC_TRY(pc_cohorts_lens_write(run, err));
    PC_TRY(pc_output_protection(&run->output, &run->arena, err));
    PC_TRY(pc_cohorts_tidy(run, err));
    PC_TRY(pc_cohorts_keep(run, err));
    return write_manifest(run, err);
}

pc_status pc_cohorts_write_all(pc_cohorts *run, pc_error *err)
{
    csv_file csv = {.file = -1};
    const int ranks = pc_comm_size(run->comm);
    const bool is_first = pc_comm_rank(run->comm) == 0;
    int64_t *sizes = pc_arena_array(&run->arena, (size_t)ranks, sizeof *sizes, err);
    pc_status status = sizes == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && is_first) status = pc_cohorts_collect(run, err);
    if (status == PC_OK && is_first) status = open_csv(run, &csv, err);
    status = pc_comm_agree(run->comm, status, err);
    for (int first = 0; first < run->entry_count && status == PC_OK; first += ranks)
        status = write_round(run, first, &csv, sizes, err);
    if (status == PC_OK && is_first) status = write_rest(run, &csv, err);
    if (csv.file >= 0) {
        (void)close(csv.file); // the run failed: what it wrote is taken away
        (void)unlink(csv.temporary);
    }
    return pc_comm_agree(run->comm, status, err);
}
