// Constants of this machine: the engine's own work on populations of two sizes and two numbers of
// shards. Three points give what is fixed, what goes with parts and what goes with bytes; and, by
// the bytes of their stores, how much less a part of few people is worth.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "capacity.h"
#include "parcours/store.h"
#include "parcours/synth.h"

enum {
    PATH_BYTES = 4096,
    FIRST_YEAR = 2019,
    LAST_YEAR = 2020,
    YEARS = LAST_YEAR - FIRST_YEAR + 1,
    GROWTH = 4,       // the large population over the small one
    FEW_SHARDS = 4,   // so that a part has people enough to have all its columns
    MANY_SHARDS = 64, // so that parts of few people, too, lie between what was measured
    STUDY_RUNS = 5,   // a pass over a small store takes milliseconds: the least disturbed counts
    POINTS = 3,
    HALVINGS = 60, // of an interval of doubles
    MOST_DEPTH = 8 // of the folders that are removed: those of a store
};

/** What one population and number of shards took. */
typedef struct point {
    int64_t people, shards;
    double delivery_bytes, store_bytes, moved_bytes, shared_bytes;
    pc_ingest_profile ingest;
    pc_study_outcome study[PC_CAPACITY_STUDIES];
} point;

typedef struct work {
    const pc_calibration_options *options;
    pc_comm *alone;
    char folder[PATH_BYTES]; ///< of this rank
    point at[POINTS];
    double part_half; ///< person-years at which a part has half of its columns
} work;

static pc_status join(const char *folder, const char *name, char out[PATH_BYTES], pc_error *err)
{
    const int bytes = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    if (bytes > 0 && bytes < PATH_BYTES) return PC_OK;
    return PC_FAIL(err, PC_IO, "the path of '%s' is too long", name);
}

// As deep as a store: a folder of files whose names are known would not need this, a store does.
static void remove_tree(const char *path, int depth)
{
    DIR *open = depth < MOST_DEPTH ? opendir(path) : NULL;
    if (open == NULL) {
        (void)unlink(path);
        return;
    }
    for (const struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        char inside[PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (join(path, entry->d_name, inside, NULL) == PC_OK) remove_tree(inside, depth + 1);
    }
    (void)closedir(open);
    (void)rmdir(path);
}

static double file_bytes(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    struct stat about;
    if (join(folder, name, path, NULL) != PC_OK || stat(path, &about) != 0) return 0;
    return S_ISREG(about.st_mode) ? (double)about.st_size : 0;
}

static double folder_bytes(const char *folder)
{
    double bytes = 0;
    DIR *open = opendir(folder);
    for (const struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
         entry = readdir(open)) {
        bytes += file_bytes(folder, entry->d_name);
    }
    if (open != NULL) (void)closedir(open);
    return bytes;
}

static pc_status look_at_store(const char *path, pc_budget *budget, point *p, pc_error *err)
{
    pc_store *store = NULL;
    PC_TRY(pc_store_open(path, budget, &store, err));
    for (int i = 0; i < pc_store_shard_count(store); i++) {
        p->store_bytes += (double)pc_store_shard_bytes(store, i);
    }
    pc_store_close(store);
    p->shared_bytes = file_bytes(path, "dictionaries.h5") + file_bytes(path, "references.h5");
    return PC_OK;
}

static void take_least(const pc_study_outcome *one, bool is_first, pc_study_outcome *least)
{
    if (is_first) *least = *one;
    if (one->scan_cpu_s < least->scan_cpu_s) least->scan_cpu_s = one->scan_cpu_s;
    if (one->open_s < least->open_s) least->open_s = one->open_s;
    if (one->write_s < least->write_s) least->write_s = one->write_s;
}

static pc_status run_studies(const work *w, const char *store, point *p, pc_error *err)
{
    static const pc_log silent = {.rank = 1, .quiet = true, .progress = PC_PROGRESS_NEVER};
    const pc_calibration_options *o = w->options;
    char out[PATH_BYTES];
    PC_TRY(join(w->folder, "out", out, err));
    for (int i = 0; i < o->study_count; i++) {
        const pc_study_options options = {.study = o->study[i],
                                          .store = store,
                                          .out = out,
                                          .share = o->share,
                                          .budget = o->budget};
        for (int k = 0; k < STUDY_RUNS; k++) {
            pc_study_outcome one;
            PC_TRY(pc_study_run(w->alone, &options, &silent, &one, err));
            take_least(&one, k == 0, &p->study[i]);
            remove_tree(out, 0);
        }
    }
    return PC_OK;
}

/** One population, loaded and studied by this rank. */
static pc_status run_point(const work *w, point *p, pc_error *err)
{
    static const pc_log silent = {.rank = 1, .quiet = true, .progress = PC_PROGRESS_NEVER};
    const pc_calibration_options *o = w->options;
    char delivery[PATH_BYTES], store[PATH_BYTES];
    PC_TRY(join(w->folder, "delivery", delivery, err));
    PC_TRY(join(w->folder, "store", store, err));
    const pc_synth_options synth = {.patients = p->people,
                                    .first_year = FIRST_YEAR,
                                    .last_year = LAST_YEAR,
                                    .all_columns = true,
                                    .out_dir = delivery,
                                    .share_dir = o->share,
                                    .budget = o->budget};
    PC_TRY(pc_synth_run(w->alone, &synth, &silent, err));
    p->delivery_bytes = folder_bytes(delivery);
    const int64_t before = pc_comm_counted(w->alone).kept_bytes;
    const pc_ingest_options ingest = {.model = "snds",
                                      .in = delivery,
                                      .store = store,
                                      .shards = p->shards,
                                      .max_rejects = -1,
                                      .share = o->share,
                                      .budget = o->budget,
                                      .profile = &p->ingest};
    PC_TRY(pc_ingest_run(w->alone, &ingest, &silent, err));
    p->moved_bytes = (double)(pc_comm_counted(w->alone).kept_bytes - before);
    remove_tree(delivery, 0);
    pc_status status = look_at_store(store, o->budget, p, err);
    if (status == PC_OK) status = run_studies(w, store, p, err);
    remove_tree(store, 0);
    return status;
}

static pc_status run_points(work *w, pc_error *err)
{
    const int64_t people = w->options->people;
    w->at[0] = (point){.people = people, .shards = FEW_SHARDS};
    w->at[1] = (point){.people = GROWTH * people, .shards = MANY_SHARDS};
    w->at[2] = (point){.people = GROWTH * people, .shards = FEW_SHARDS};
    for (int i = 0; i < POINTS; i++)
        PC_TRY(run_point(w, &w->at[i], err));
    return PC_OK;
}

static double above_zero(double value)
{
    return value > 0 ? value : 0;
}

static double full_parts(const point *p, double part_half)
{
    return pc_capacity_full_parts((double)p->shards, (double)p->people * YEARS, part_half);
}

/** Where parts have half of their columns: parts as large as those of the small population, but of
 *  the large one, would take GROWTH times its bytes. So the bytes of one population in three
 *  numbers of parts are known, and their differences have one answer. */
static double fit_part_half(const point p[POINTS])
{
    const double few = p[2].store_bytes, some = GROWTH * p[0].store_bytes, many = p[1].store_bytes;
    point middle = p[2];
    middle.shards = GROWTH * FEW_SHARDS;
    double low = 0, high = (double)p[2].people * YEARS;
    for (int step = 0; step < HALVINGS; step++) {
        const double half = (low + high) / 2, least = full_parts(&p[2], half);
        const double rise = full_parts(&p[1], half) - least;
        // Few columns in small parts: the last parts added cost less than the first.
        const bool too_low =
            rise * (some - few) > (many - few) * (full_parts(&middle, half) - least);
        *(too_low ? &low : &high) = half;
    }
    return low;
}

/** From seconds at the three points; `bytes` of the small and the large one. */
static pc_cost fit(const char *name, const work *w, const double seconds[POINTS], double small,
                   double large)
{
    const point *p = w->at;
    const double few[] = {full_parts(&p[0], w->part_half), full_parts(&p[2], w->part_half)};
    const double many = full_parts(&p[1], w->part_half);
    pc_cost cost = {.name = ""};
    (void)snprintf(cost.name, sizeof cost.name, "%s", name);
    cost.part_s = above_zero((seconds[1] - seconds[2]) / (many - few[1]));
    const double grown_s = seconds[2] - seconds[0] - cost.part_s * (few[1] - few[0]);
    cost.byte_s = above_zero(grown_s / (large - small));
    cost.fixed_s = above_zero(seconds[0] - few[0] * cost.part_s - small * cost.byte_s);
    return cost;
}

static void fit_ingest(const work *w, pc_calibration *out)
{
    const point *p = w->at;
    out->phase_count = p[0].ingest.phase_count;
    for (int i = 0; i < out->phase_count; i++) {
        const double seconds[POINTS] = {p[0].ingest.phase[i].cpu_s, p[1].ingest.phase[i].cpu_s,
                                        p[2].ingest.phase[i].cpu_s};
        out->phase[i] =
            fit(p[0].ingest.phase[i].name, w, seconds, p[0].delivery_bytes, p[2].delivery_bytes);
    }
}

/** Bytes of a full part beside its rows, and of all rows. */
static double part_bytes(const work *w)
{
    const point *p = w->at;
    const double more = full_parts(&p[1], w->part_half) - full_parts(&p[2], w->part_half);
    return above_zero((p[1].store_bytes - p[2].store_bytes) / more);
}

static double row_bytes(const work *w, const point *p)
{
    return p->store_bytes - full_parts(p, w->part_half) * part_bytes(w);
}

static void fit_study(const work *w, int which, pc_study_cost *out)
{
    const point *p = w->at;
    const pc_study_outcome *small = &p[0].study[which], *large = &p[2].study[which];
    const double seconds[POINTS] = {small->scan_cpu_s, p[1].study[which].scan_cpu_s,
                                    large->scan_cpu_s};
    const char *slash = strrchr(w->options->study[which], '/');
    *out = (pc_study_cost){.scan = fit(slash == NULL ? w->options->study[which] : slash + 1, w,
                                       seconds, row_bytes(w, &p[0]), row_bytes(w, &p[2])),
                           .read_share = (double)large->bytes / row_bytes(w, &p[2]),
                           .open_s = small->open_s,
                           .person_s = above_zero((large->write_s - small->write_s) /
                                                  (double)(p[2].people - p[0].people))};
    out->write_s = above_zero(small->write_s - out->person_s * (double)p[0].people);
    char *ending = strstr(out->scan.name, ".json");
    if (ending != NULL) *ending = '\0';
}

/** Volumes by the difference of two populations: nomenclatures are in both. */
static void fit_volumes(const work *w, pc_calibration *out)
{
    const point *small = &w->at[0], *large = &w->at[2];
    const double person_years = (double)(large->people - small->people) * YEARS;
    out->delivery_bytes = (large->delivery_bytes - small->delivery_bytes) / person_years;
    out->store_bytes = (row_bytes(w, large) - row_bytes(w, small)) / person_years;
    out->moved_bytes = (large->moved_bytes - small->moved_bytes) / person_years;
    out->packed_bytes =
        (double)(large->ingest.packed_bytes - small->ingest.packed_bytes) / person_years;
    out->part_bytes = part_bytes(w);
    out->part_half = w->part_half;
    out->shared_bytes = large->shared_bytes;
}

static pc_status make_folder(work *w, int rank, pc_error *err)
{
    char name[64];
    (void)snprintf(name, sizeof name, "parcours-calibrate-%lld-%d", (long long)getpid(), rank);
    PC_TRY(join(w->options->scratch, name, w->folder, err));
    if (mkdir(w->folder, 0700) == 0) return PC_OK;
    return PC_FAIL(err, PC_IO, "folder '%s': cannot be made: %s", w->folder, strerror(errno));
}

static pc_status work_alone(work *w, pc_error *err)
{
    w->alone = pc_comm_alone(w->options->budget, err);
    if (w->alone == NULL) return PC_NO_MEMORY;
    const pc_status status = run_points(w, err);
    pc_comm_alone_close(w->alone);
    return status;
}

/** Constants are those of the slowest rank: the others wait for it. */
static void take_slowest(pc_comm *comm, double *value)
{
    int64_t scaled = (int64_t)(*value * 1e15);
    pc_comm_max_int64(comm, &scaled, 1);
    *value = (double)scaled * 1e-15;
}

static void take_slowest_cost(pc_comm *comm, pc_cost *cost)
{
    take_slowest(comm, &cost->fixed_s);
    take_slowest(comm, &cost->part_s);
    take_slowest(comm, &cost->byte_s);
}

pc_status pc_calibrate(pc_comm *comm, const pc_calibration_options *options, pc_calibration *out,
                       pc_error *err)
{
    *out = (pc_calibration){.ranks = pc_comm_size(comm)};
    pc_arena arena = {.budget = options->budget};
    work *w = pc_arena_take(&arena, sizeof *w, err);
    pc_status status = w == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK) {
        w->options = options;
        status = make_folder(w, pc_comm_rank(comm), err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pc_probe_machine(comm, w->folder, options->budget, out, err);
    if (status == PC_OK) status = pc_comm_agree(comm, work_alone(w, err), err);
    if (status == PC_OK) {
        w->part_half = fit_part_half(w->at);
        fit_ingest(w, out);
        fit_volumes(w, out);
        for (int i = 0; i < out->phase_count; i++)
            take_slowest_cost(comm, &out->phase[i]);
        for (; out->study_count < options->study_count; out->study_count++) {
            fit_study(w, out->study_count, &out->study[out->study_count]);
            take_slowest_cost(comm, &out->study[out->study_count].scan);
        }
    }
    if (w != NULL && w->folder[0] != '\0') remove_tree(w->folder, 0);
    pc_arena_reset(&arena);
    return status;
}
