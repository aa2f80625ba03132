// States of whole shards on disk, and back.
#include "checkpoint.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "commit.h"

enum { PATH_BYTES = 4096, NAME_BYTES = 64 };
static const double least_interval_s = 1;
static const double cost_share = 40; // seconds of work for each second of writing
static const char mark[] = "parcours checkpoint 1";

/** The head of a file. Then: bitmap of shards, packed results, and of each cohort pieces and rows;
 *  the digest of all that, last. */
typedef struct head {
    char mark[32];
    char version[64];
    char study_hash[PC_DIGEST_TEXT_BYTES + 7];
    char store_id[PC_DIGEST_TEXT_BYTES + 7];
    int64_t shard_count, cohort_count, packed_bytes;
} head;

typedef struct cohort_sizes {
    int64_t pieces, rows;
} cohort_sizes;

static size_t word_count(const pc_checkpoint *c)
{
    return (size_t)(c->shard_count + 63) / 64;
}

static head make_head(const pc_checkpoint *c)
{
    head h = {.shard_count = c->shard_count, .cohort_count = c->results->cohort_count};
    (void)snprintf(h.mark, sizeof h.mark, "%s", mark);
    (void)snprintf(h.version, sizeof h.version, "%s %s", PC_VERSION, PC_COMMIT);
    (void)snprintf(h.study_hash, sizeof h.study_hash, "%s", c->study_hash);
    (void)snprintf(h.store_id, sizeof h.store_id, "%s", c->store_id);
    return h;
}

static pc_status fail_io(const char *path, const char *what, pc_error *err)
{
    return PC_FAIL(err, PC_IO, "checkpoint '%s': cannot %s: %s", path, what, strerror(errno));
}

static pc_status join(const pc_checkpoint *c, const char *name, char out[PATH_BYTES], pc_error *err)
{
    const int bytes = snprintf(out, PATH_BYTES, "%s/%s", c->folder, name);
    if (bytes > 0 && bytes < PATH_BYTES) return PC_OK;
    return PC_FAIL(err, PC_IO, "the path of the checkpoint is too long");
}

/** A file being written, with the digest so far. */
typedef struct writer {
    int file;
    const char *path;
    pc_digest_state digest;
} writer;

static pc_status put(writer *w, const void *data, size_t bytes, pc_error *err)
{
    const char *from = data;
    if (bytes > 0) pc_digest_add(&w->digest, data, bytes);
    while (bytes > 0) {
        const ssize_t done = write(w->file, from, bytes);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return fail_io(w->path, "write", err);
        from += done;
        bytes -= (size_t)done;
    }
    return PC_OK;
}

static pc_status put_state(const pc_checkpoint *c, writer *w, pc_error *err)
{
    pc_buffer packed = {.budget = c->results->budget};
    head h = make_head(c);
    pc_status status = pc_results_pack(c->results, &packed, err);
    h.packed_bytes = (int64_t)packed.bytes;
    if (status == PC_OK) status = put(w, &h, sizeof h, err);
    if (status == PC_OK) status = put(w, c->mine, word_count(c) * sizeof *c->mine, err);
    if (status == PC_OK) status = put(w, packed.data, packed.bytes, err);
    pc_buffer_release(&packed);
    for (int i = 0; i < c->results->cohort_count && status == PC_OK; i++) {
        const pc_cohort_rows_of_rank *cohort = &c->results->cohort[i];
        const cohort_sizes sizes = {(int64_t)cohort->pieces.bytes, (int64_t)cohort->rows.bytes};
        status = put(w, &sizes, sizeof sizes, err);
        if (status == PC_OK) status = put(w, cohort->pieces.data, cohort->pieces.bytes, err);
        if (status == PC_OK) status = put(w, cohort->rows.data, cohort->rows.bytes, err);
    }
    PC_TRY(status);
    const pc_digest digest = pc_digest_end(&w->digest);
    return put(w, &digest, sizeof digest, err);
}

/** What is no state: head, bytes, digest. */
static pc_status put_kept(const pc_checkpoint *c, writer *w, pc_span bytes, pc_error *err)
{
    head h = make_head(c);
    h.packed_bytes = (int64_t)bytes.bytes;
    PC_TRY(put(w, &h, sizeof h, err));
    PC_TRY(put(w, bytes.data, bytes.bytes, err));
    const pc_digest digest = pc_digest_end(&w->digest);
    return put(w, &digest, sizeof digest, err);
}

/** Writes a whole file under another name first. `kept` NULL: the state. */
static pc_status write_file(const pc_checkpoint *c, const char *temporary, const char *path,
                            const pc_span *kept, pc_error *err)
{
    writer w = {.path = temporary};
    pc_digest_begin(&w.digest);
    w.file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (w.file < 0) return fail_io(temporary, "make the file", err);
    pc_status status = kept == NULL ? put_state(c, &w, err) : put_kept(c, &w, *kept, err);
    if (close(w.file) != 0 && status == PC_OK) status = fail_io(temporary, "close", err);
    if (status == PC_OK && rename(temporary, path) != 0) status = fail_io(path, "name", err);
    if (status != PC_OK) (void)unlink(temporary);
    return status;
}

pc_status pc_checkpoint_write(pc_checkpoint *c, pc_error *err)
{
    bool has_shard = false;
    for (size_t i = 0; i < word_count(c); i++)
        has_shard = has_shard || c->mine[i] != 0;
    if (c->in_shard || !has_shard) return PC_OK;
    const double began = pc_clock_s();
    char name[NAME_BYTES], path[PATH_BYTES], temporary[PATH_BYTES];
    (void)snprintf(name, sizeof name, "%06lld-%06d.state", (long long)c->generation, c->rank);
    PC_TRY(join(c, name, path, err));
    (void)snprintf(name, sizeof name, "%06lld-%06d.tmp", (long long)c->generation, c->rank);
    PC_TRY(join(c, name, temporary, err));
    PC_TRY(write_file(c, temporary, path, NULL, err));
    // What was taken up stands in the new file.
    for (int i = 0; i < c->taken_count; i++) {
        if (join(c, c->taken[i], path, err) == PC_OK) (void)unlink(path);
    }
    c->taken_count = 0;
    c->written_s = pc_clock_s();
    c->cost_s = c->written_s - began;
    c->kept_s += c->cost_s;
    return PC_OK;
}

pc_status pc_checkpoint_shard(pc_checkpoint *c, int shard, pc_error *err)
{
    c->mine[shard / 64] |= UINT64_C(1) << (shard % 64);
    c->in_shard = false;
    const double since = pc_clock_s() - c->written_s;
    if (since < least_interval_s || since < cost_share * c->cost_s) return PC_OK;
    return pc_checkpoint_write(c, err);
}

static bool is_state(const char *name, int64_t *generation)
{
    char *end = NULL;
    *generation = strtoll(name, &end, 10);
    const size_t bytes = strlen(name);
    return end != name && *end == '-' && bytes < NAME_BYTES && bytes > 6 &&
           strcmp(name + bytes - 6, ".state") == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(b, a); // the latest generation first
}

static pc_status list_names(const pc_checkpoint *c, pc_buffer *names, int64_t *latest,
                            pc_error *err)
{
    *latest = 0;
    DIR *folder = opendir(c->folder);
    if (folder == NULL && errno == ENOENT) {
        return mkdir(c->folder, 0700) == 0 ? PC_OK : fail_io(c->folder, "make the folder", err);
    }
    if (folder == NULL) return fail_io(c->folder, "read the folder", err);
    pc_status status = PC_OK;
    for (const struct dirent *entry = readdir(folder); entry != NULL && status == PC_OK;
         entry = readdir(folder)) {
        int64_t generation;
        char name[NAME_BYTES] = {0};
        if (!is_state(entry->d_name, &generation)) continue;
        if (generation > *latest) *latest = generation;
        memcpy(name, entry->d_name, strlen(entry->d_name));
        status = pc_buffer_append(names, name, sizeof name, err);
    }
    (void)closedir(folder); // only read
    if (names->bytes > 0) qsort(names->data, names->bytes / NAME_BYTES, NAME_BYTES, compare_names);
    return status;
}

/** Is a file that begins so of this version, study and store. One of another study is refused. */
static pc_status check_head(const pc_checkpoint *c, const head *found, const char *path,
                            bool *is_ours, pc_error *err)
{
    const head wanted = make_head(c);
    const bool same_version = memcmp(found->mark, wanted.mark, sizeof found->mark) == 0 &&
                              memcmp(found->version, wanted.version, sizeof found->version) == 0;
    *is_ours = same_version &&
               memcmp(found->study_hash, wanted.study_hash, sizeof found->study_hash) == 0 &&
               memcmp(found->store_id, wanted.store_id, sizeof found->store_id) == 0 &&
               found->shard_count == wanted.shard_count &&
               found->cohort_count == wanted.cohort_count;
    if (same_version && !*is_ours) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "'%s' is the checkpoint of another study, store or setting: name another "
                       "folder with --out",
                       path);
    }
    return PC_OK;
}

/** Whether the state named so can be taken up, and its shards. */
static pc_status look_at(const pc_checkpoint *c, const char *name, uint64_t *shards, bool *is_ours,
                         pc_error *err)
{
    char path[PATH_BYTES];
    head found;
    PC_TRY(join(c, name, path, err));
    *is_ours = false;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail_io(path, "open", err);
    const size_t bytes = word_count(c) * sizeof *shards;
    const bool is_whole = read(file, &found, sizeof found) == (ssize_t)sizeof found &&
                          read(file, shards, bytes) == (ssize_t)bytes;
    (void)close(file); // only read
    if (is_whole) PC_TRY(check_head(c, &found, path, is_ours, err));
    if (!*is_ours) {
        pc_log_line(c->log, PC_WARNING, "checkpoint",
                    "file=%s ignored=\"damaged, or of another version: its shards are read again\"",
                    name);
    }
    return PC_OK;
}

/** Leaves in `names` the states to take up: no shard in two of them. Rank 0. */
static pc_status choose_names(pc_checkpoint *c, pc_buffer *names, pc_error *err)
{
    int64_t latest;
    PC_TRY(list_names(c, names, &latest, err));
    c->generation = latest + 1;
    uint64_t *all = pc_arena_array(&c->arena, word_count(c) * 2 + 1, sizeof *all, err);
    if (all == NULL) return PC_NO_MEMORY;
    uint64_t *shards = all + word_count(c);
    const size_t count = names->bytes / NAME_BYTES;
    names->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = names->data + i * NAME_BYTES;
        bool is_ours, overlaps = false;
        PC_TRY(look_at(c, name, shards, &is_ours, err));
        for (size_t w = 0; is_ours && w < word_count(c); w++)
            overlaps = overlaps || (all[w] & shards[w]) != 0;
        // A later state holds the earlier ones that it took up.
        if (!is_ours || overlaps) continue;
        for (size_t w = 0; w < word_count(c); w++)
            all[w] |= shards[w];
        memmove(names->data + names->bytes, name, NAME_BYTES);
        names->bytes += NAME_BYTES;
    }
    return PC_OK;
}

static pc_status read_whole(const char *path, pc_buffer *out, pc_error *err)
{
    struct stat about;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) != 0) return fail_io(path, "open", err);
    pc_status status = pc_buffer_reserve(out, (size_t)about.st_size + 1, err);
    while (status == PC_OK && out->bytes < (size_t)about.st_size) {
        const ssize_t got = read(file, out->data + out->bytes, (size_t)about.st_size - out->bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) status = fail_io(path, "read", err);
        if (got <= 0) break;
        out->bytes += (size_t)got;
    }
    (void)close(file); // only read
    return status;
}

static bool digest_is_right(const pc_buffer *text)
{
    const size_t tail = sizeof(pc_digest);
    if (text->bytes < sizeof(head) + tail) return false;
    const pc_digest digest = pc_digest_of(text->data, text->bytes - tail);
    return memcmp(text->data + text->bytes - tail, &digest, tail) == 0;
}

/** Adds rows of a cohort behind those of this rank. */
static pc_status take_rows(pc_cohort_rows_of_rank *cohort, pc_span pieces, pc_span rows,
                           pc_error *err)
{
    const int64_t base = (int64_t)cohort->rows.bytes;
    const size_t from = cohort->pieces.bytes;
    PC_TRY(pc_buffer_append(&cohort->pieces, pieces.data, pieces.bytes, err));
    PC_TRY(pc_buffer_append(&cohort->rows, rows.data, rows.bytes, err));
    for (size_t at = from; at < cohort->pieces.bytes; at += sizeof(pc_cohort_piece)) {
        pc_cohort_piece *piece = (pc_cohort_piece *)(void *)(cohort->pieces.data + at);
        piece->first_byte += base;
    }
    return PC_OK;
}

/** Merges a state whose digest is right: it is as this version wrote it. */
static pc_status take_state(pc_checkpoint *c, const pc_buffer *text, pc_error *err)
{
    head h;
    memcpy(&h, text->data, sizeof h);
    const char *at = text->data + sizeof h;
    for (size_t i = 0; i < word_count(c); i++) {
        uint64_t shards;
        memcpy(&shards, at + i * sizeof shards, sizeof shards);
        c->mine[i] |= shards;
    }
    at += word_count(c) * sizeof(uint64_t);
    PC_TRY(pc_results_merge(c->results, (pc_span){at, (size_t)h.packed_bytes}, err));
    at += h.packed_bytes;
    for (int i = 0; i < c->results->cohort_count; i++) {
        cohort_sizes sizes;
        memcpy(&sizes, at, sizeof sizes);
        at += sizeof sizes;
        PC_TRY(take_rows(&c->results->cohort[i], (pc_span){at, (size_t)sizes.pieces},
                         (pc_span){at + sizes.pieces, (size_t)sizes.rows}, err));
        at += sizes.pieces + sizes.rows;
    }
    return PC_OK;
}

/** Takes up one state. Local. */
static pc_status take_file(pc_checkpoint *c, const char *name, pc_error *err)
{
    char path[PATH_BYTES];
    PC_TRY(join(c, name, path, err));
    pc_buffer text = {.budget = c->results->budget};
    pc_status status = read_whole(path, &text, err);
    if (status == PC_OK && !digest_is_right(&text)) {
        pc_log_line(c->log, PC_WARNING, "checkpoint",
                    "file=%s ignored=\"damaged: its shards are read again\"", name);
    } else if (status == PC_OK) {
        status = take_state(c, &text, err);
        c->taken[c->taken_count] = pc_arena_text(&c->arena, name, strlen(name), err);
        if (c->taken[c->taken_count] == NULL) status = PC_NO_MEMORY;
        c->taken_count++;
    }
    pc_buffer_release(&text);
    return status;
}

pc_status pc_checkpoint_keep(const pc_checkpoint *c, const char *name, pc_span bytes, pc_error *err)
{
    char path[PATH_BYTES], temporary[PATH_BYTES], aside[NAME_BYTES];
    (void)snprintf(aside, sizeof aside, "%.40s.tmp", name);
    PC_TRY(join(c, name, path, err));
    PC_TRY(join(c, aside, temporary, err));
    if (mkdir(c->folder, 0700) != 0 && errno != EEXIST) {
        return fail_io(c->folder, "make the folder", err);
    }
    return write_file(c, temporary, path, &bytes, err);
}

pc_status pc_checkpoint_kept(const pc_checkpoint *c, const char *name, pc_buffer *out,
                             bool *is_there, pc_error *err)
{
    char path[PATH_BYTES];
    *is_there = false;
    PC_TRY(join(c, name, path, err));
    if (access(path, R_OK) != 0) return PC_OK;
    PC_TRY(read_whole(path, out, err));
    head found = {.packed_bytes = 0};
    if (digest_is_right(out)) {
        memcpy(&found, out->data, sizeof found);
        PC_TRY(check_head(c, &found, path, is_there, err));
    }
    if (*is_there) {
        out->bytes -= sizeof found + sizeof(pc_digest);
        memmove(out->data, out->data + sizeof found, out->bytes);
    } else {
        out->bytes = 0;
        pc_log_line(c->log, PC_WARNING, "checkpoint",
                    "file=%s ignored=\"damaged, or of another version\"", name);
    }
    return PC_OK;
}

pc_status pc_checkpoint_open(pc_comm *comm, pc_checkpoint *c, pc_error *err)
{
    pc_buffer names = {.budget = c->results->budget};
    c->mine = pc_arena_array(&c->arena, word_count(c) + 1, sizeof *c->mine, err);
    c->done = pc_arena_array(&c->arena, word_count(c) + 1, sizeof *c->done, err);
    pc_status status = c->mine == NULL || c->done == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && c->rank == 0) status = choose_names(c, &names, err);
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(comm, &names, err);
    if (status == PC_OK) {
        pc_comm_broadcast(comm, &c->generation, sizeof c->generation);
        const size_t count = names.bytes / NAME_BYTES;
        c->taken = pc_arena_array(&c->arena, count + 1, sizeof *c->taken, err);
        if (c->taken == NULL) status = PC_NO_MEMORY;
        for (size_t i = (size_t)c->rank; i < count && status == PC_OK;
             i += (size_t)pc_comm_size(comm)) {
            status = take_file(c, names.data + i * NAME_BYTES, err);
        }
        status = pc_comm_agree(comm, status, err);
    }
    pc_buffer_release(&names);
    if (status != PC_OK) return status;
    // No shard is in two states: their bits add up without a carry.
    memcpy(c->done, c->mine, word_count(c) * sizeof *c->done);
    pc_comm_sum_int64(comm, (int64_t *)c->done, (int)word_count(c));
    for (int64_t shard = 0; shard < c->shard_count; shard++) {
        c->shards_taken += (int64_t)(c->done[shard / 64] >> (shard % 64) & 1);
    }
    c->written_s = pc_clock_s();
    return PC_OK;
}

void pc_checkpoint_remove(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); // fails for . and ..
    }
    (void)closedir(folder);
    (void)rmdir(path);
}

void pc_checkpoint_close(pc_checkpoint *c)
{
    pc_arena_reset(&c->arena);
}
