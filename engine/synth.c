/** The driver of `parcours synth`: patients are shared among ranks in one run of numbers each.
 * Every rank makes its patients twice: first it only adds up how many bytes go to each segment of
 * each file, so that all places are known; then it writes its parts there. No scratch file, and the
 * same bytes for any number of ranks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parcours/signals.h"
#include "parcours/synth.h"

enum {
    PATH_BYTES = 4096,
    FLUSH_BYTES = 128 << 10,     // a segment's buffer is written when it is so full ...
    LEAST_FLUSH_BYTES = 4 << 10, // ... or as full as a small budget allows
    ROOM_BYTES = 8 << 10,        // rows of one patient that come on top
    PROGRESS_PATIENTS = 256
};

typedef struct place {
    int64_t bytes;  // of this rank in a segment
    int64_t offset; // where the next of them go
} place;

typedef struct delivery {
    pc_comm *comm;
    const pc_synth_options *options;
    pc_synth *synth;
    pc_buffer *segment; // [segments]
    place *place;       // [segments]
    size_t flush_bytes;
    int64_t from, to; // patients of this rank
    bool made_dir;
    pc_synth_truth truth;
    pc_progress progress;
} delivery;

// How many of the patients this delivery holds.
static int64_t made_patients(const pc_synth_options *options)
{
    return options->to == 0 ? options->patients : options->to - options->from;
}

static pc_status path_of(const delivery *d, const char *name, char out[PATH_BYTES], pc_error *err)
{
    const int bytes = snprintf(out, PATH_BYTES, "%s/%s", d->options->out_dir, name);
    if (bytes < 0 || bytes >= PATH_BYTES) {
        return PC_FAIL(err, PC_BAD_JOB, "--out: the path is longer than %d bytes", PATH_BYTES);
    }
    return PC_OK;
}

static pc_status write_at(int file, const char *name, const char *data, size_t bytes,
                          int64_t offset, pc_error *err)
{
    while (bytes > 0) {
        const ssize_t written = pwrite(file, data, bytes, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            return PC_FAIL(err, PC_IO, "synth: cannot write '%s': %s", name,
                           written == 0 ? "nothing was taken" : strerror(errno));
        }
        data += written;
        bytes -= (size_t)written;
        offset += written;
    }
    return PC_OK;
}

// Rank 0: the directory is made, or stands there empty.
static pc_status prepare_dir(delivery *d, pc_error *err)
{
    const char *path = d->options->out_dir;
    if (mkdir(path, 0777) == 0) {
        d->made_dir = true;
        return PC_OK;
    }
    if (errno != EEXIST) {
        return PC_FAIL(err, PC_IO, "--out: cannot make directory '%s': %s", path, strerror(errno));
    }
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "--out: '%s' is not a directory that can be read: %s", path,
                       strerror(errno));
    }
    bool is_empty = true;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) is_empty = false;
    }
    closedir(dir);
    if (is_empty) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB,
                   "--out: '%s' is not empty; name a directory that is missing or empty", path);
}

static pc_status make_file(delivery *d, const char *name, const char *data, size_t bytes,
                           pc_error *err)
{
    char path[PATH_BYTES];
    PC_TRY(path_of(d, name, path, err));
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        return PC_FAIL(err, PC_IO, "synth: cannot make '%s': %s", path, strerror(errno));
    }
    pc_status status = write_at(file, name, data, bytes, 0, err);
    if (close(file) != 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "synth: cannot write '%s': %s", path, strerror(errno));
    }
    return status;
}

// Rank 0: reference files whole, the others with their header.
static pc_status make_files(delivery *d, pc_error *err)
{
    pc_status status = PC_OK;
    pc_buffer text = {.budget = d->options->budget};
    for (int k = 0; k < pc_synth_reference_count(d->synth) && status == PC_OK; k++) {
        const char *name = pc_synth_reference_name(d->synth, k);
        text.bytes = 0;
        status = pc_synth_reference(d->synth, k, &text, &d->truth, err);
        if (status == PC_OK) status = make_file(d, name, text.data, text.bytes, err);
    }
    for (int k = 0; k < pc_synth_file_count(d->synth) && status == PC_OK; k++) {
        const pc_span header = pc_synth_file_header(d->synth, k);
        status = make_file(d, pc_synth_file_name(d->synth, k), header.data, header.bytes, err);
    }
    pc_buffer_release(&text);
    return status;
}

// Rank 0, after a failure: nothing half-made stays.
static void remove_files(const delivery *d)
{
    char path[PATH_BYTES];
    for (int k = 0; k < pc_synth_reference_count(d->synth); k++) {
        const char *name = pc_synth_reference_name(d->synth, k);
        if (path_of(d, name, path, NULL) == PC_OK) unlink(path);
    }
    for (int k = 0; k < pc_synth_file_count(d->synth); k++) {
        if (path_of(d, pc_synth_file_name(d->synth, k), path, NULL) == PC_OK) unlink(path);
    }
    if (path_of(d, "truth.json", path, NULL) == PC_OK) unlink(path);
    if (d->made_dir) rmdir(d->options->out_dir);
}

// Files are open for one write only: a delivery with all tables has more of them than a process may
// hold open.
static pc_status flush(delivery *d, int segment, pc_error *err)
{
    pc_buffer *rows = &d->segment[segment];
    const char *name = pc_synth_file_name(d->synth, pc_synth_segment_file(d->synth, segment));
    char path[PATH_BYTES];
    PC_TRY(path_of(d, name, path, err));
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return PC_FAIL(err, PC_IO, "synth: cannot open '%s': %s", path, strerror(errno));
    }
    pc_status status = write_at(file, name, rows->data, rows->bytes, d->place[segment].offset, err);
    if (close(file) != 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "synth: cannot write '%s': %s", name, strerror(errno));
    }
    d->place[segment].offset += (int64_t)rows->bytes;
    rows->bytes = 0;
    if (rows->capacity_bytes > 4 * d->flush_bytes + ROOM_BYTES) pc_buffer_release(rows);
    return status;
}

// Makes this rank's patients. `write` false: only their sizes are kept.
static pc_status make_patients(delivery *d, bool write, pc_error *err)
{
    const int segments = pc_synth_segment_count(d->synth);
    const int64_t done = write ? made_patients(d->options) : 0;
    memset(&d->truth.diabetes, 0, sizeof d->truth.diabetes);
    d->truth.rows = 0;
    pc_synth_truth scrap = {.rows = 0};
    for (int64_t patient = d->from; patient < d->to; patient++) {
        PC_TRY(pc_synth_make(d->synth, patient, d->segment, write ? &d->truth : &scrap, err));
        for (int k = 0; k < segments; k++) {
            if (!write) {
                d->place[k].bytes += (int64_t)d->segment[k].bytes;
                d->segment[k].bytes = 0;
            } else if (d->segment[k].bytes >= d->flush_bytes) {
                PC_TRY(flush(d, k, err));
            }
        }
        if (patient % PROGRESS_PATIENTS == 0) {
            if (pc_stop_requested()) {
                return PC_FAIL(err, PC_STOPPED, "synth: stopped by a signal; run it again");
            }
            pc_progress_set(&d->progress, done + (patient - d->from) * pc_comm_size(d->comm));
        }
    }
    for (int k = 0; write && k < segments; k++) {
        if (d->segment[k].bytes > 0) PC_TRY(flush(d, k, err));
    }
    return PC_OK;
}

// Collective. From all ranks' sizes to this rank's places.
static void place_segments(delivery *d)
{
    const int segments = pc_synth_segment_count(d->synth);
    int64_t at = 0;
    for (int k = 0; k < segments; k++) {
        const int file = pc_synth_segment_file(d->synth, k);
        if (k == 0 || file != pc_synth_segment_file(d->synth, k - 1)) {
            at = (int64_t)pc_synth_file_header(d->synth, file).bytes;
        }
        int64_t before = 0, total = d->place[k].bytes;
        pc_comm_scan_int64(d->comm, d->place[k].bytes, &before);
        pc_comm_sum_int64(d->comm, &total, 1);
        d->place[k].offset = at + before;
        at += total;
    }
}

static pc_status begin(delivery *d, pc_arena *arena, pc_error *err)
{
    PC_TRY(pc_synth_open(d->options, arena, &d->synth, err));
    const size_t segments = (size_t)pc_synth_segment_count(d->synth);
    d->segment = pc_arena_array(arena, segments, sizeof *d->segment, err);
    d->place = pc_arena_array(arena, segments, sizeof *d->place, err);
    if (d->segment == NULL || d->place == NULL) return PC_NO_MEMORY;
    for (size_t k = 0; k < segments; k++)
        d->segment[k].budget = d->options->budget;
    // buffers grow by halves: two thirds of a segment's share may be waiting
    const size_t share = pc_budget_left(d->options->budget) / segments / 2;
    const size_t waiting = share > ROOM_BYTES ? share - ROOM_BYTES : 0;
    d->flush_bytes = waiting > FLUSH_BYTES ? FLUSH_BYTES : waiting;
    if (d->flush_bytes < LEAST_FLUSH_BYTES) d->flush_bytes = LEAST_FLUSH_BYTES;
    const int64_t ranks = pc_comm_size(d->comm), rank = pc_comm_rank(d->comm);
    const int64_t first = d->options->from, made = made_patients(d->options);
    d->from = first + made * rank / ranks;
    d->to = first + made * (rank + 1) / ranks;
    return PC_OK;
}

// Rank 0: truth.json comes last; with it the delivery is whole.
static pc_status write_truth(delivery *d, pc_error *err)
{
    pc_buffer text = {.budget = d->options->budget};
    pc_synth_options told = *d->options;
    told.patients = made_patients(d->options);
    pc_status status = pc_synth_truth_write(&told, &d->truth, &text, err);
    if (status == PC_OK) status = make_file(d, "truth.json", text.data, text.bytes, err);
    pc_buffer_release(&text);
    return status;
}

// Collective, after `begin` on every rank. Rank 0 has made the files when this is called.
static pc_status fill_files(delivery *d, const pc_log *log, pc_error *err)
{
    pc_progress_begin(&d->progress, log, "synth", "patients", 2 * made_patients(d->options));
    pc_status status = make_patients(d, false, err);
    status = pc_comm_agree(d->comm, status, err);
    if (status != PC_OK) return status;
    place_segments(d);
    status = make_patients(d, true, err);
    status = pc_comm_agree(d->comm, status, err);
    if (status != PC_OK) return status;
    pc_comm_sum_int64(d->comm, d->truth.diabetes, PC_SYNTH_MAX_YEARS);
    pc_comm_sum_int64(d->comm, d->truth.defect, PC_SYNTH_DEFECTS + 1);
    pc_comm_sum_int64(d->comm, &d->truth.rows, 1);
    pc_progress_set(&d->progress, d->progress.total);
    pc_progress_end(&d->progress);
    if (pc_comm_rank(d->comm) == 0) status = write_truth(d, err);
    return pc_comm_agree(d->comm, status, err);
}

pc_status pc_synth_run(pc_comm *comm, const pc_synth_options *options, const pc_log *log,
                       pc_error *err)
{
    pc_error here = {0};
    if (err == NULL) err = &here;
    pc_arena arena = {.budget = options->budget};
    delivery d = {.comm = comm, .options = options};
    const bool first = pc_comm_rank(comm) == 0;
    const double started_s = pc_clock_s();
    bool files_made = false;
    pc_status status = begin(&d, &arena, err);
    if (first && status == PC_OK) status = prepare_dir(&d, err);
    if (first && status == PC_OK) {
        files_made = true;
        status = make_files(&d, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = fill_files(&d, log, err);
    if (status != PC_OK && files_made) remove_files(&d);
    if (status == PC_OK) {
        pc_log_line(log, PC_INFO, "synth", "patients=%lld rows=%lld seconds=%.1f",
                    (long long)made_patients(options), (long long)d.truth.rows,
                    pc_clock_s() - started_s);
    }
    for (int k = 0; d.segment != NULL && k < pc_synth_segment_count(d.synth); k++) {
        pc_buffer_release(&d.segment[k]);
    }
    pc_synth_close(d.synth);
    pc_arena_reset(&arena);
    return status;
}
