/** The loop over shards: the largest first, each drawn from one counter, so that no rank waits for
 *  a slow one longer than its last shard takes. */
#include <string.h>
#include "parcours/exec.h"
#include "parcours/signals.h"

// Shards in the order in which they are given out, and how much is behind the first i of them.
typedef struct schedule {
    int count;
    int *shard;    // [count]
    int64_t total; // bytes of all
} schedule;

// Heap sort: the order is a strict one (bytes descending, then number), so that every rank has the
// same schedule. 16,384 shards at most.
static bool is_before(const pc_store *store, int a, int b)
{
    const int64_t bytes_a = pc_store_shard_bytes(store, a);
    const int64_t bytes_b = pc_store_shard_bytes(store, b);
    return bytes_a != bytes_b ? bytes_a > bytes_b : a < b;
}

static void sift_down(const pc_store *store, int *heap, int count, int at)
{
    for (;;) {
        int child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && is_before(store, heap[child], heap[child + 1])) child++;
        if (!is_before(store, heap[at], heap[child])) return;
        const int moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

static pc_status make_schedule(const pc_shards *work, pc_arena *arena, schedule *out, pc_error *err)
{
    const pc_store *store = work->store;
    const int shards = pc_store_shard_count(store);
    *out = (schedule){.count = 0};
    out->shard = pc_arena_array(arena, (size_t)shards, sizeof *out->shard, err);
    if (out->shard == NULL && shards > 0) return PC_NO_MEMORY;
    for (int i = 0; i < shards; i++) {
        if (work->done != NULL && (work->done[i / 64] >> (i % 64) & 1) != 0) continue;
        out->shard[out->count++] = i;
        out->total += pc_store_shard_bytes(store, i);
    }
    for (int i = out->count / 2 - 1; i >= 0; i--) {
        sift_down(store, out->shard, out->count, i);
    }
    for (int last = out->count - 1; last > 0; last--) {
        const int moved = out->shard[0];
        out->shard[0] = out->shard[last];
        out->shard[last] = moved;
        sift_down(store, out->shard, last, 0);
    }
    return PC_OK;
}

static void add_counts(pc_read_counts *sum, const pc_read_counts *one)
{
    sum->blocks += one->blocks;
    sum->slots += one->slots;
    sum->rows += one->rows;
    sum->chunks_read += one->chunks_read;
    sum->chunks_skipped += one->chunks_skipped;
    sum->bytes_read += one->bytes_read;
    sum->bytes_decoded += one->bytes_decoded;
}

static pc_status stopped(const pc_shards *work, pc_error *err)
{
    return PC_FAIL(err, PC_STOPPED, "stopped by a signal: run %s",
                   work->keeps_shards ? "the same command with --resume" : "it again");
}

static pc_status read_blocks(const pc_shards *work, int shard, pc_reader *reader,
                             pc_counter *counter, pc_error *err)
{
    for (;;) {
        pc_block *block = NULL;
        PC_TRY(pc_reader_next(reader, &block, err));
        if (block->slot_count == 0) break;
        PC_TRY(work->block(work->context, shard, block, reader, err));
        pc_counter_serve(counter);
        if (work->keeps_shards ? pc_stop_is_urgent() : pc_stop_requested()) {
            return stopped(work, err);
        }
    }
    return work->shard_end == NULL ? PC_OK : work->shard_end(work->context, shard, err);
}

static pc_status run_shard(const pc_shards *work, int shard, pc_counter *counter,
                           pc_run_counts *counts, pc_error *err)
{
    if (pc_stop_requested()) return stopped(work, err);
    pc_reader *reader = NULL;
    pc_status status =
        pc_reader_open(work->store, shard, work->request, work->budget, &reader, err);
    if (status == PC_OK) {
        status = read_blocks(work, shard, reader, counter, err);
        add_counts(&counts->read, pc_reader_counts(reader));
        counts->shards++;
    }
    pc_reader_close(reader);
    return status;
}

/** Whether a failure is one of the shard's files, not of the study, the memory or the results. */
static bool is_damaged(const pc_shards *work, int shard, pc_status status)
{
    if (work->lost == NULL || (status != PC_BAD_INPUT && status != PC_IO)) return false;
    pc_verify_counts counts = {0};
    pc_error why = {0};
    const pc_status found = pc_store_verify(work->store, shard, 1, work->budget, &counts, &why);
    return found == PC_BAD_INPUT || found == PC_IO;
}

static void lose_shard(const pc_shards *work, int shard, const pc_error *err)
{
    work->lost[shard / 64] |= UINT64_C(1) << (shard % 64);
    pc_log_line(work->log, PC_WARNING, "shard_lost", "shard=%d reason=\"%s\"", shard, err->text);
}

static pc_status run_shards(const pc_shards *work, const schedule *plan, pc_counter *counter,
                            pc_run_counts *counts, pc_error *err)
{
    static const pc_log silent = {.quiet = true, .progress = PC_PROGRESS_NEVER};
    pc_progress progress;
    pc_progress_begin(&progress, work->log == NULL ? &silent : work->log, "read", "bytes",
                      plan->total);
    pc_status status = PC_OK;
    int64_t begun_bytes = 0;
    int64_t at = 0;
    while (status == PC_OK) {
        const int64_t next = pc_counter_next(counter);
        if (next >= plan->count) break;
        // What others were given since is as good as done: all ranks work at the same time.
        for (; at < next; at++) {
            begun_bytes += pc_store_shard_bytes(work->store, plan->shard[at]);
        }
        pc_progress_set(&progress, begun_bytes);
        const double began_s = pc_cpu_s();
        status = run_shard(work, plan->shard[next], counter, counts, err);
        counts->cpu_s += pc_cpu_s() - began_s;
        if (is_damaged(work, plan->shard[next], status)) {
            lose_shard(work, plan->shard[next], err);
            return PC_OK;
        }
    }
    if (status != PC_OK) pc_counter_poison(counter);
    if (status == PC_OK) {
        pc_progress_set(&progress, plan->total);
        pc_progress_end(&progress);
    }
    return status;
}

pc_status pc_shards_run(pc_comm *comm, const pc_shards *work, pc_run_counts *counts, pc_error *err)
{
    const double started_s = pc_clock_s();
    *counts = (pc_run_counts){0};
    pc_arena arena = {.budget = work->budget};
    schedule plan = {0};
    pc_counter *counter = NULL;
    pc_status status = make_schedule(work, &arena, &plan, err);
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pc_counter_open(comm, &counter, err);
    if (status == PC_OK) {
        status = run_shards(work, &plan, counter, counts, err);
        counts->seconds = pc_clock_s() - started_s;
        pc_counter_close(comm, counter);
        status = pc_comm_agree(comm, status, err);
    }
    pc_arena_reset(&arena);
    return status;
}
