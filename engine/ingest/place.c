/** The folder of the store: its lock, what is in it already, what must not stay in it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "old.h"
#include "parcours/release.h"

enum { PATH_BYTES = 4096, MOST_DEPTH = 8 };

static pc_status make_path(char *out, const char *folder, const char *name, pc_error *err)
{
    const int bytes = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    if (bytes < 0 || bytes >= PATH_BYTES) {
        return PC_FAIL(err, PC_BAD_JOB, "store '%s': the path is too long", folder);
    }
    return PC_OK;
}

static bool exists(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    return make_path(path, folder, name, NULL) == PC_OK && access(path, F_OK) == 0;
}

static pc_status make_folder(const char *path, bool *made, pc_error *err)
{
    *made = mkdir(path, 0700) == 0;
    if (*made) return PC_OK;
    struct stat info;
    if (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return PC_OK;
    return PC_FAIL(err, PC_IO, "cannot make the folder '%s': %s", path, strerror(errno));
}

/** Removes a file, or a folder with all that is in it. Nothing is followed. */
static void remove_tree(const char *path, int depth)
{
    struct stat info;
    if (lstat(path, &info) != 0) return;
    if (!S_ISDIR(info.st_mode) || depth == MOST_DEPTH) {
        unlink(path);
        return;
    }
    DIR *dir = opendir(path);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        char inside[PATH_BYTES];
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
        if (make_path(inside, path, item->d_name, NULL) == PC_OK) remove_tree(inside, depth + 1);
    }
    if (dir != NULL) closedir(dir);
    rmdir(path);
}

static void remove_in(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    if (make_path(path, folder, name, NULL) == PC_OK) remove_tree(path, 0);
}

/** What an ingest makes in STORE, besides its plan and its lock. */
static const char *const contents[] = {"store.json",    "parts.h5", "dictionaries.h5",
                                       "references.h5", "shards",   "rejects",
                                       "reports",       "scratch",  ".done"};
enum { CONTENTS = sizeof contents / sizeof contents[0] };

static void remove_contents(const char *store)
{
    for (int i = 0; i < CONTENTS; i++)
        remove_in(store, contents[i]);
}

static bool is_part_name(const char *name, unsigned *number)
{
    int end = 0;
    return sscanf(name, "part-%6u.h5%n", number, &end) == 1 && end > 0 && name[end] == '\0';
}

// ---- what no manifest names -------------------------------------------------------------------

/** The folders of a store, and what its manifest names. */
typedef struct folder_walk {
    char path[PATH_BYTES]; // of the store
    const pc_store *store; // NULL: not finished
    bool keeps_written;    // shards that checkpoint.c has a record of
    int deliveries;
} folder_walk;

/** Whether the manifest names a part; `name` is its file's. */
static bool is_named_part(const pc_store *store, const char *name, uint32_t shard)
{
    unsigned number;
    int64_t from, to, count;
    if (shard >= (uint32_t)pc_store_shard_count(store) || !is_part_name(name, &number)) {
        return false;
    }
    const pc_part_info *part = pc_store_parts(store, &count);
    pc_store_shard_parts(store, (int)shard, &from, &to);
    for (int64_t i = from; i < to; i++) {
        if (part[i].number == number) return true;
    }
    return false;
}

/** Removes what is in STORE/shards/xx/xxxx and is no part of the store, nor one that --resume can
 *  take over. */
static void sweep_shard(const folder_walk *walk, const char *folder, uint32_t shard)
{
    char record[32];
    snprintf(record, sizeof record, ".done/%04x", shard);
    const bool is_kept = walk->keeps_written && exists(walk->path, record);
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        unsigned number;
        if (item->d_name[0] == '.') continue;
        if (walk->store != NULL && is_named_part(walk->store, item->d_name, shard)) continue;
        if (is_kept && is_part_name(item->d_name, &number)) continue;
        remove_in(folder, item->d_name);
    }
    if (dir != NULL) closedir(dir);
    rmdir(folder); // only when it is empty
}

static void sweep_shards(const folder_walk *walk, const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        char inside[PATH_BYTES];
        unsigned number;
        if (sscanf(item->d_name, "%x", &number) != 1) continue;
        if (make_path(inside, folder, item->d_name, NULL) != PC_OK) continue;
        if (depth == 1) {
            sweep_shard(walk, inside, number);
        } else {
            sweep_shards(walk, inside, depth + 1);
        }
    }
    if (dir != NULL) closedir(dir);
    if (depth > 0) rmdir(folder);
}

/** Whether a file of STORE is one of the three beside the manifest, of another edition (of a store
 *  that is not finished: any), or was cut short. */
static bool is_old_edition(const pc_store *store, const char *name)
{
    static const char *const base[] = {"parts", "dictionaries", "references"};
    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++) {
        char now[64] = "";
        const size_t bytes = strlen(base[i]);
        if (store != NULL) pc_store_file_name(base[i], pc_store_edition(store), now);
        if (strncmp(name, base[i], bytes) != 0 || (name[bytes] != '-' && name[bytes] != '.')) {
            continue;
        }
        return strcmp(name, now) != 0;
    }
    return strncmp(name, "store.json.tmp.", 15) == 0;
}

static void sweep_top(const pc_store *store, const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        if (is_old_edition(store, item->d_name)) remove_in(folder, item->d_name);
    }
    if (dir != NULL) closedir(dir);
}

/** Rejects or reports of deliveries that the manifest does not have. */
static void sweep_numbered(const folder_walk *walk, const char *name)
{
    char folder[PATH_BYTES];
    if (make_path(folder, walk->path, name, NULL) != PC_OK) return;
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        int number, end = 0;
        const bool is_one = sscanf(item->d_name, "%4d%n", &number, &end) == 1 &&
                            (item->d_name[end] == '\0' || item->d_name[end] == '.');
        if (is_one && number >= walk->deliveries) remove_in(folder, item->d_name);
    }
    if (dir != NULL) closedir(dir);
}

/** What a store that is not finished may keep: the shards that are written whole. */
static void sweep_unfinished(const char *store)
{
    char shards[PATH_BYTES];
    folder_walk walk = {.keeps_written = true};
    snprintf(walk.path, sizeof walk.path, "%s", store);
    if (make_path(shards, store, "shards", NULL) == PC_OK) sweep_shards(&walk, shards, 0);
    sweep_top(NULL, store);
    for (int i = 0; i < CONTENTS; i++) {
        if (strcmp(contents[i], "shards") == 0 || strcmp(contents[i], ".done") == 0) continue;
        remove_in(store, contents[i]);
    }
}

/** Removes what the manifest, as it is on disk now, does not name: what a killed command left, and
 *  the parts that an earlier one replaced. */
static pc_status sweep_store(const ingest_job *job, bool keeps_written, pc_error *err)
{
    pc_store *store = NULL;
    PC_TRY(pc_store_open(job->options->store, job->budget, &store, err));
    const pc_json *deliveries = pc_json_get(pc_store_manifest(store), "deliveries");
    folder_walk walk = {.store = store,
                        .keeps_written = keeps_written,
                        .deliveries = deliveries == NULL ? 0 : pc_json_count(deliveries)};
    snprintf(walk.path, sizeof walk.path, "%s", job->options->store);
    char shards[PATH_BYTES];
    pc_status status = make_path(shards, walk.path, "shards", err);
    if (status == PC_OK) sweep_shards(&walk, shards, 0);
    if (!keeps_written) remove_in(walk.path, ".done");
    sweep_top(store, walk.path);
    sweep_numbered(&walk, "rejects");
    sweep_numbered(&walk, "reports");
    pc_store_close(store);
    return status;
}

// ---- the lock ---------------------------------------------------------------------------------

/** Takes STORE/.lock. The file is removed at the end, so the one that was locked may be gone from
 *  the folder by then: look again. */
static pc_status take_lock(ingest_job *job, pc_error *err)
{
    char path[PATH_BYTES];
    PC_TRY(make_path(path, job->options->store, ".lock", err));
    for (;;) {
        const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0) {
            return PC_FAIL(err, PC_IO, "store '%s': cannot write in the folder: %s",
                           job->options->store, strerror(errno));
        }
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat held, there;
        if (fcntl(file, F_SETLK, &lock) != 0) {
            const int reason = errno;
            close(file);
            if (reason == EACCES || reason == EAGAIN) {
                return PC_FAIL(err, PC_BAD_JOB, "store '%s': another ingest holds its lock",
                               job->options->store);
            }
            return PC_FAIL(err, PC_IO, "store '%s': the folder cannot be locked: %s",
                           job->options->store, strerror(reason));
        }
        if (fstat(file, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino) {
            job->lock_file = file;
            return PC_OK;
        }
        close(file);
    }
}

// ---- the plan ---------------------------------------------------------------------------------

/** Plans that a kill cut short. */
static void remove_plan_drafts(const char *store)
{
    DIR *dir = opendir(store);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        if (strncmp(item->d_name, ".plan.tmp.", 10) == 0) remove_in(store, item->d_name);
    }
    if (dir != NULL) closedir(dir);
}

static pc_status write_plan(const ingest_job *job, pc_error *err)
{
    char path[PATH_BYTES], text[PC_DIGEST_TEXT_BYTES];
    PC_TRY(make_path(path, job->options->store, ".plan", err));
    pc_digest_format(&job->plan_digest, text);
    // Whole or not there: a plan cut short by a kill would refuse --resume.
    return pc_file_write(path, pc_span_of(text), 0600, err);
}

/** Whether the file `.plan`, or a delivery of the manifest, names this plan. */
static bool names_plan(const ingest_job *job, const char *name, pc_error *err)
{
    char path[PATH_BYTES], wanted[PC_DIGEST_TEXT_BYTES], text[PC_DIGEST_TEXT_BYTES] = "";
    pc_digest_format(&job->plan_digest, wanted);
    if (make_path(path, job->options->store, name, err) != PC_OK) return false;
    if (strcmp(name, ".plan") == 0) {
        FILE *file = fopen(path, "r");
        const bool got = file != NULL && fgets(text, sizeof text, file) != NULL;
        if (file != NULL) fclose(file);
        return got && strcmp(text, wanted) == 0;
    }
    pc_json *manifest = NULL;
    if (pc_json_read(path, &manifest, err) != PC_OK) return false;
    const pc_json *deliveries = pc_json_get(manifest, "deliveries");
    bool same = false;
    for (const pc_json *d = deliveries == NULL ? NULL : pc_json_first(deliveries);
         d != NULL && !same; d = pc_json_next(d)) {
        const pc_json *plan = pc_json_get(d, "plan");
        same =
            plan != NULL && pc_json_text(plan) != NULL && strcmp(pc_json_text(plan), wanted) == 0;
    }
    pc_json_free(manifest);
    return same;
}

static pc_status look_at_store(ingest_job *job, bool *is_done, pc_error *err)
{
    const char *store = job->options->store;
    if (exists(store, "store.json")) {
        if (!job->options->resume) {
            return PC_FAIL(
                err, PC_BAD_JOB,
                "store '%s' is there already: name another, remove it, or add to it with "
                "--append or --replace",
                store);
        }
        if (!names_plan(job, "store.json", err)) {
            return PC_FAIL(err, PC_BAD_JOB,
                           "store '%s' was made of another delivery, model or number of shards",
                           store);
        }
        *is_done = true;
        return PC_OK;
    }
    // Without a plan nothing in the folder is ours: a failed ingest must not remove it.
    for (int i = 0; i < CONTENTS && !exists(store, ".plan"); i++) {
        if (!exists(store, contents[i])) continue;
        return PC_FAIL(err, PC_BAD_JOB,
                       "store '%s': the folder has a '%s' that no ingest is known to have made: "
                       "name another folder",
                       store, contents[i]);
    }
    if (!exists(store, ".plan")) return PC_OK;
    if (!job->options->resume) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "store '%s' is unfinished: run the same command with --resume, or remove it",
                       store);
    }
    if (!names_plan(job, ".plan", err)) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "store '%s' was begun with another delivery, model or number of shards",
                       store);
    }
    sweep_unfinished(store);
    return PC_OK;
}

/** What is only there while a command works. */
static void remove_traces(const ingest_job *job)
{
    remove_in(job->options->store, ".done");
    remove_in(job->options->store, ".plan");
}

/** Rank 0. What a store that is added to looks like: whole, perhaps with what a killed command
 *  left, perhaps with this delivery in it already. Only what the same command left is taken over.
 */
static pc_status look_at_old(ingest_job *job, bool *is_done, pc_error *err)
{
    const bool compacts = job->old->compacts;
    if (compacts) {
        *is_done = !old_needs_compaction(job);
        if (*is_done && names_plan(job, ".plan", err)) return PC_OK; // only its end is missing
    } else if (job->options->resume && names_plan(job, "store.json", err)) {
        *is_done = true;
        return PC_OK;
    }
    const bool resumes = compacts || job->options->resume;
    return sweep_store(job, resumes && !*is_done && names_plan(job, ".plan", err), err);
}

/** Rank 0. */
static pc_status open_place(ingest_job *job, bool *is_done, pc_error *err)
{
    char path[PATH_BYTES];
    const char *store = job->options->store;
    if (job->old == NULL) {
        PC_TRY(make_folder(store, &job->made_store, err));
        PC_TRY(take_lock(job, err));
        PC_TRY(look_at_store(job, is_done, err));
    } else {
        PC_TRY(look_at_old(job, is_done, err));
    }
    if (*is_done) {
        // Killed between the manifest and the end.
        if (names_plan(job, ".plan", err)) {
            remove_traces(job);
            rmdir(job->scratch);
        }
        return PC_OK;
    }
    job->made_files = true;
    remove_plan_drafts(store);
    PC_TRY(write_plan(job, err));
    PC_TRY(make_path(path, store, "shards", err));
    bool made;
    PC_TRY(make_folder(path, &made, err));
    return make_folder(job->scratch, &job->made_scratch, err);
}

pc_status ingest_place_lock(ingest_job *job, pc_error *err)
{
    if (!exists(job->options->store, "store.json")) {
        return PC_FAIL(err, PC_BAD_JOB, "store '%s' is not there, or not finished",
                       job->options->store);
    }
    return take_lock(job, err);
}

pc_status ingest_place_open(ingest_job *job, bool *is_done, pc_error *err)
{
    pc_status status = PC_OK;
    const char *scratch = job->options->scratch;
    if (scratch == NULL) {
        const size_t bytes = strlen(job->options->store) + sizeof "/scratch";
        char *path = pc_arena_take(&job->arena, bytes, err);
        if (path == NULL) {
            status = PC_NO_MEMORY;
        } else {
            snprintf(path, bytes, "%s/scratch", job->options->store);
        }
        scratch = path;
    }
    job->scratch = scratch;
    *is_done = false;
    status = pc_comm_agree(job->comm, status, err);
    if (status != PC_OK) return status;
    if (job->rank == 0) status = open_place(job, is_done, err);
    pc_comm_broadcast(job->comm, is_done, sizeof *is_done);
    return pc_comm_agree(job->comm, status, err);
}

void ingest_place_close(ingest_job *job, pc_status status)
{
    // Whoever still writes has stopped before anything is removed.
    pc_comm_barrier(job->comm);
    if (job->rank != 0) return;
    const char *store = job->options->store;
    if (job->made_files) {
        if (job->old != NULL) {
            // What no manifest names goes; should that fail, the next command does it.
            if (status != PC_OK) (void)sweep_store(job, status == PC_STOPPED, NULL);
        } else if (status == PC_STOPPED) {
            sweep_unfinished(store);
        } else if (status != PC_OK) {
            remove_contents(store);
        }
        if (status != PC_STOPPED) remove_traces(job);
        if (job->made_scratch) rmdir(job->scratch); // its files have no names
    }
    if (job->lock_file >= 0) {
        remove_in(store, ".lock");
        close(job->lock_file);
    }
    if (job->made_store && status != PC_OK && status != PC_STOPPED) rmdir(store);
}
