/** parcours verify: every file of a store against its hash, then each invariant. */
#include <stdio.h>
#include <unistd.h>
#include "parcours/cli.h"
#include "parcours/journal.h"
#include "parcours/signals.h"
#include "parcours/store.h"

static pc_status verify_shards(const pc_cli *cli, pc_store *store, pc_counter *counter,
                               pc_budget *budget, pc_verify_counts *counts, pc_error *err)
{
    const int shard_count = pc_store_shard_count(store);
    pc_progress progress;
    pc_progress_begin(&progress, &cli->log, "verify", "shards", shard_count);
    for (;;) {
        const int64_t shard = pc_counter_next(counter);
        if (shard >= shard_count) break;
        if (pc_stop_requested()) {
            return PC_FAIL(err, PC_STOPPED, "stopped by a signal; run it again");
        }
        pc_progress_set(&progress, shard);
        PC_TRY(pc_store_verify(store, (int)shard, 1, budget, counts, err));
        pc_counter_serve(counter);
    }
    pc_progress_set(&progress, shard_count);
    pc_progress_end(&progress);
    return PC_OK;
}

// The journal has a chain of its own. A store that was never queried has none.
static pc_status verify_journal(pc_cli *cli, int64_t *lines, pc_error *err)
{
    const char *path = cli->journal;
    if (path == NULL) path = pc_cli_path(cli, cli->operand[0], "journal.jsonl", err);
    if (path == NULL) return PC_NO_MEMORY;
    *lines = 0;
    if (access(path, F_OK) != 0) return PC_OK;
    return pc_journal_verify(path, lines, err);
}

static pc_status tell(pc_cli *cli, const int64_t total[5], int64_t lines, pc_error *err)
{
    char text[256];
    const int bytes = snprintf(text, sizeof text,
                               "sound: %lld shards, %lld parts, %lld chunks, %lld rows, %lld "
                               "bytes; %lld journal records\n",
                               (long long)total[0], (long long)total[1], (long long)total[2],
                               (long long)total[3], (long long)total[4], (long long)lines);
    return pc_cli_write(cli, (pc_span){text, (size_t)bytes}, err);
}

static pc_status verify(pc_cli *cli, pc_store *store, pc_error *err)
{
    pc_counter *counter = NULL;
    pc_status status = pc_counter_open(cli->comm, &counter, err);
    if (status != PC_OK) return status;
    pc_verify_counts counts = {0};
    status = verify_shards(cli, store, counter, &cli->budget, &counts, err);
    if (status != PC_OK) pc_counter_poison(counter);
    pc_counter_close(cli->comm, counter);
    int64_t lines = 0;
    if (status == PC_OK && pc_comm_rank(cli->comm) == 0) status = verify_journal(cli, &lines, err);
    status = pc_comm_agree(cli->comm, status, err);
    if (status != PC_OK) return status;
    int64_t total[] = {counts.shards, counts.parts, counts.chunks, counts.rows, counts.bytes};
    pc_comm_sum_int64(cli->comm, total, 5);
    return pc_comm_agree(cli->comm, tell(cli, total, lines, err), err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_store *store = NULL;
    pc_status status = pc_store_open(cli->operand[0], &cli->budget, &store, err);
    status = pc_comm_agree(cli->comm, status, err);
    if (status == PC_OK) status = verify(cli, store, err);
    pc_store_close(store);
    return status;
}

const pc_command pc_command_verify = {
    .name = "verify",
    .summary = "checks a store: hashes first, then every invariant",
    .operands = "STORE",
    .detail =
        "Each file against its hash, each chunk against its own and against what the directory\n"
        "says of it, the order of slots and rows, codes, links, row counts, and the chain of\n"
        "the journal. The first problem is told with its file and dataset (exit code 1).\n",
    .least_operands = 1,
    .most_operands = 1,
    .run = run};
