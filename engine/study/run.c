// `parcours run`: one pass over the store, then the results.
#include "checkpoint.h"
#include "exports.h"
#include "grid.h"
#include "match.h"
#include "output.h"
#include "parcours/share.h"
#include "stat_sql.h"
#include <stdio.h>
#include <string.h>

/** All that a run holds on a rank. */
typedef struct study_run {
    pc_comm *comm;
    const pc_log *log;
    pc_session session;
    pc_nodes nodes;
    pc_block_eval eval;
    pc_results results;
    pc_exports exports;
    pc_output output;
    pc_checkpoint checkpoint;
    pc_run_counts matching; ///< of the passes before the last
    pc_sql_answer *answers; ///< [statistic_count] of statistics `sql`, on rank 0
    pc_arena answers_arena;
    bool is_complete; ///< its folder holds its results already
} study_run;

/** The studies of a grid, or the only one: they share the pass over the store. */
typedef struct study_grid {
    pc_comm *comm;
    const pc_log *log;
    const pc_study_options *options;
    pc_arena arena;
    int count;
    pc_grid_point *point; ///< [count]
    study_run *run;       ///< [count]
    pc_lost *lost;        ///< borrowed: outlives a start over
    pc_study_outcome *outcome;
    bool starts_over; ///< a shard was lost: the states of some ranks hold a part of it
} study_grid;

static bool is_done(const study_run *run, int shard)
{
    const uint64_t *done = run->checkpoint.done;
    return run->is_complete || (done != NULL && (done[shard / 64] >> (shard % 64) & 1) != 0);
}

static pc_status eval_block(void *context, int shard, pc_block *block, const pc_reader *reader,
                            pc_error *err)
{
    study_grid *grid = context;
    for (int i = 0; i < grid->count; i++) {
        study_run *run = &grid->run[i];
        if (is_done(run, shard)) continue;
        run->checkpoint.in_shard = true;
        PC_TRY(pc_block_eval_run(&run->eval, block, reader, err));
        PC_TRY(pc_results_add(&run->results, shard, err));
        PC_TRY(pc_exports_add(&run->exports, err));
    }
    return PC_OK;
}

static pc_status end_shard(void *context, int shard, pc_error *err)
{
    study_grid *grid = context;
    for (int i = 0; i < grid->count; i++) {
        study_run *run = &grid->run[i];
        if (is_done(run, shard)) continue;
        PC_TRY(pc_exports_shard(&run->exports, shard, err));
        PC_TRY(pc_checkpoint_shard(&run->checkpoint, shard, err));
    }
    return PC_OK;
}

/** Are the sets of a node chosen in that pass. */
static bool is_matched_in(const pc_node *node, int pass)
{
    return node->def->kind == PC_DEF_MATCH && node->phase == pass + 1;
}

/** A block of a pass that collects cases and candidates. */
static pc_status collect_block(void *context, int shard, pc_block *block, const pc_reader *reader,
                               pc_error *err)
{
    study_run *run = context;
    (void)shard;
    PC_TRY(pc_block_eval_run(&run->eval, block, reader, err));
    for (int i = 0; i < run->nodes.count; i++) {
        pc_node *node = run->nodes.node[i];
        if (!is_matched_in(node, run->eval.pass)) continue;
        node->match_items.budget = run->eval.budget;
        PC_TRY(pc_match_collect(&run->eval, node, &node->match_items, err));
    }
    return PC_OK;
}

static void add_counts(pc_run_counts *into, const pc_run_counts *from)
{
    into->shards += from->shards;
    into->cpu_s += from->cpu_s;
    into->read.blocks += from->read.blocks;
    into->read.slots += from->read.slots;
    into->read.rows += from->read.rows;
    into->read.chunks_read += from->read.chunks_read;
    into->read.bytes_read += from->read.bytes_read;
    into->read.bytes_decoded += from->read.bytes_decoded;
}

/** What the passes before counted is counted again by the last one. */
static void forget_counts(pc_nodes *nodes)
{
    for (int i = 0; i < nodes->count; i++) {
        pc_node *node = nodes->node[i];
        node->rows_without_day = node->rows_backwards = node->rows_without_supply = 0;
        for (int k = 0; k < node->step_count; k++) {
            node->step[k] = (pc_flow_step){.title = node->step[k].title};
        }
    }
}

/** The name of what a pass of matching gives, in the folder of the checkpoint. */
static void name_matched(int pass, char name[32])
{
    (void)snprintf(name, 32, "pass-%d.matched", pass);
}

/** Keeps the sets of a pass on disk: of each node its bytes, then they. Rank 0. */
static pc_status keep_matched(const study_run *run, int pass, pc_error *err)
{
    pc_buffer all = {.budget = run->results.budget};
    pc_status status = PC_OK;
    for (int i = 0; i < run->nodes.count && status == PC_OK; i++) {
        const pc_node *node = run->nodes.node[i];
        if (!is_matched_in(node, pass)) continue;
        const int64_t bytes = (int64_t)node->match_members.bytes;
        status = pc_buffer_append(&all, &bytes, sizeof bytes, err);
        if (status == PC_OK && bytes > 0) {
            status = pc_buffer_append(&all, node->match_members.data, (size_t)bytes, err);
        }
    }
    char name[32];
    name_matched(pass, name);
    if (status == PC_OK) {
        status = pc_checkpoint_keep(&run->checkpoint, name, (pc_span){all.data, all.bytes}, err);
    }
    pc_buffer_release(&all);
    return status;
}

/** The sets that an earlier start has chosen in this pass, if it did, on all ranks. Collective. */
static pc_status take_matched(study_run *run, int pass, bool *is_there, pc_error *err)
{
    pc_buffer all = {.budget = run->results.budget};
    pc_status status = PC_OK;
    char name[32];
    *is_there = false;
    name_matched(pass, name);
    if (pc_comm_rank(run->comm) == 0) {
        status = pc_checkpoint_kept(&run->checkpoint, name, &all, is_there, err);
    }
    status = pc_comm_agree(run->comm, status, err);
    pc_comm_broadcast(run->comm, is_there, sizeof *is_there);
    if (status == PC_OK && *is_there) status = pc_comm_broadcast_buffer(run->comm, &all, err);
    size_t at = 0;
    for (int i = 0; i < run->nodes.count && status == PC_OK && *is_there; i++) {
        pc_node *node = run->nodes.node[i];
        if (!is_matched_in(node, pass)) continue;
        int64_t bytes = 0; // the digest was right: it is as this version wrote it
        memcpy(&bytes, all.data + at, sizeof bytes);
        at += sizeof bytes;
        node->match_members.budget = run->results.budget;
        status = pc_buffer_append(&node->match_members, all.data + at, (size_t)bytes, err);
        at += (size_t)bytes;
    }
    pc_buffer_release(&all);
    return pc_comm_agree(run->comm, status, err);
}

/** Passes over the store that choose controls; sets of later ones may stand on those of earlier.
 *  Collective. */
static pc_status match_controls(study_run *run, const pc_study_options *options, pc_error *err)
{
    const pc_read_request request = {.table = run->nodes.tables};
    const pc_shards work = {.store = run->session.store,
                            .request = &request,
                            .budget = options->budget,
                            .log = run->log,
                            .context = run,
                            .block = collect_block};
    for (; run->eval.pass < run->nodes.passes; run->eval.pass++) {
        bool is_there = false;
        PC_TRY(take_matched(run, run->eval.pass, &is_there, err));
        if (is_there) {
            pc_log_line(run->log, PC_INFO, "resume", "pass_of_matching=%d taken=true",
                        run->eval.pass);
            continue;
        }
        pc_run_counts counts = {0};
        PC_TRY(pc_shards_run(run->comm, &work, &counts, err));
        add_counts(&run->matching, &counts);
        for (int i = 0; i < run->nodes.count; i++) {
            pc_node *node = run->nodes.node[i];
            if (!is_matched_in(node, run->eval.pass)) continue;
            PC_TRY(pc_match_run(run->comm, node, options->budget, err));
        }
        pc_status status = PC_OK;
        if (pc_comm_rank(run->comm) == 0) status = keep_matched(run, run->eval.pass, err);
        PC_TRY(pc_comm_agree(run->comm, status, err));
    }
    return PC_OK;
}

/** Passes of statistics `sql`, each a query. Collective. */
static pc_status answer_queries(study_run *run, const pc_study_options *options, pc_error *err)
{
    run->answers_arena.budget = options->budget;
    const pc_query_run query = {.store = run->session.store,
                                .catalog = run->session.catalog,
                                .budget = options->budget,
                                .log = run->log,
                                .scratch = options->scratch,
                                .state_bytes = SIZE_MAX}; // its results are whole
    return pc_sql_statistics_run(run->comm, &run->eval, &query, &run->answers_arena, &run->answers,
                                 err);
}

/** Everything before the first data byte: store, study, nodes. Local. */
static pc_status prepare(study_run *run, const pc_study_options *options, pc_error *err)
{
    PC_TRY(pc_session_open(&run->session, options, err));
    PC_TRY(pc_session_verdict(&run->session, options, err));
    pc_study *study = &run->session.study;
    pc_loader loader = {.study = study, .doc = study->doc[0], .options = options, .err = err};
    PC_TRY(pc_nodes_open(&run->nodes, &loader, run->session.catalog, options->budget, err));
    run->nodes.loader = NULL; // it ends here
    int32_t first = 0, last = 0;
    pc_store_period(run->session.store, &first, &last);
    PC_TRY(pc_block_eval_open(&run->eval, &run->nodes, options->budget, first, last, err));
    PC_TRY(pc_results_open(&run->results, &run->eval, err));
    const int ranks = pc_comm_size(run->comm);
    run->results.shards_here = (pc_store_shard_count(run->session.store) + ranks - 1) / ranks;
    PC_TRY(pc_exports_open(&run->exports, &run->eval, &run->output, err));
    pc_digest_state digest = study->digest;
    const pc_digest hash = pc_digest_end(&digest);
    pc_digest_format(&hash, run->output.study_hash);
    return PC_OK;
}

/** Every rank reads the study and the store for itself: they must be those of rank 0. */
static pc_status compare_ranks(study_run *run, pc_error *err)
{
    enum { HASHES = 2 };
    char mine[HASHES][PC_DIGEST_TEXT_BYTES] = {0};
    (void)snprintf(mine[0], sizeof mine[0], "%s", run->output.study_hash);
    (void)snprintf(mine[1], sizeof mine[1], "%s", pc_store_id(run->session.store));
    char first[HASHES][PC_DIGEST_TEXT_BYTES];
    memcpy(first, mine, sizeof first);
    pc_comm_broadcast(run->comm, first, sizeof first);
    pc_status status = PC_OK;
    if (memcmp(first, mine, sizeof first) != 0) {
        status =
            PC_FAIL(err, PC_BAD_INPUT,
                    "rank %d reads another %s than rank 0: is the folder shared by all nodes?",
                    pc_comm_rank(run->comm), strcmp(first[0], mine[0]) != 0 ? "study" : "store");
    }
    return pc_comm_agree(run->comm, status, err);
}

/** Rank 0 looks at the folder for all. */
static pc_status look_at_output(study_run *run, bool *is_complete, pc_error *err)
{
    pc_status status = PC_OK;
    int64_t complete = 0;
    if (pc_comm_rank(run->comm) == 0) {
        status = pc_output_look(&run->output, is_complete, err);
        if (status == PC_OK && !*is_complete) status = pc_output_begin(&run->output, err);
        complete = status == PC_OK && *is_complete;
    }
    PC_TRY(pc_comm_agree(run->comm, status, err));
    pc_comm_max_int64(run->comm, &complete, 1);
    *is_complete = complete != 0;
    return PC_OK;
}

/** Where states are kept. Collective. */
static pc_status name_checkpoint(study_run *run, pc_error *err)
{
    pc_checkpoint *checkpoint = &run->checkpoint;
    *checkpoint = (pc_checkpoint){.study_hash = run->output.study_hash,
                                  .store_id = pc_store_id(run->session.store),
                                  .results = &run->results,
                                  .log = run->log,
                                  .rank = pc_comm_rank(run->comm),
                                  .shard_count = pc_store_shard_count(run->session.store),
                                  .arena = {.budget = run->results.budget}};
    pc_status status = pc_output_path(&run->output, "", "checkpoint", "", &checkpoint->arena,
                                      &checkpoint->folder, err);
    return pc_comm_agree(run->comm, status, err);
}

/** Takes up what an earlier start has left, and makes ready to leave something. Collective. */
static pc_status open_checkpoint(study_run *run, pc_error *err)
{
    pc_checkpoint *checkpoint = &run->checkpoint;
    const pc_status status = pc_checkpoint_open(run->comm, checkpoint, err);
    if (status == PC_OK && checkpoint->shards_taken > 0) {
        pc_log_line(run->log, PC_INFO, "resume", "shards_done=%lld shards=%lld",
                    (long long)checkpoint->shards_taken, (long long)checkpoint->shard_count);
    }
    return status;
}

/** Before the pass: controls, what an earlier start has left, the folder of exports. Collective. */
static pc_status begin_pass(study_run *run, const pc_study_options *options, pc_error *err)
{
    PC_TRY(name_checkpoint(run, err));
    PC_TRY(match_controls(run, options, err));
    PC_TRY(answer_queries(run, options, err));
    forget_counts(&run->nodes);
    PC_TRY(open_checkpoint(run, err));
    pc_status status = PC_OK;
    if (pc_comm_rank(run->comm) == 0) {
        status =
            pc_exports_begin(&run->exports, run->checkpoint.done, run->checkpoint.shard_count, err);
    }
    return pc_comm_agree(run->comm, status, err);
}

/** What the pass has read, the same for all studies of a grid. Collective. */
static void sum_counts(study_run *run, const pc_run_counts *pass)
{
    pc_run_counts *counts = &run->output.counts;
    *counts = *pass;
    add_counts(counts, &run->matching);
    pc_read_counts *read = &counts->read;
    const int64_t cpu_ns = (int64_t)(counts->cpu_s * 1e9);
    int64_t sums[] = {counts->shards,    read->blocks,     read->slots,         read->rows,
                      read->chunks_read, read->bytes_read, read->bytes_decoded, cpu_ns};
    pc_comm_sum_int64(run->comm, sums, 8);
    counts->cpu_s = 1e-9 * (double)sums[7];
    counts->shards = sums[0];
    *read = (pc_read_counts){.blocks = sums[1],
                             .slots = sums[2],
                             .rows = sums[3],
                             .chunks_read = sums[4],
                             .bytes_read = sums[5],
                             .bytes_decoded = sums[6]};
}

/** What is done stays, whatever ended the rest. */
static void keep_states(study_grid *grid)
{
    for (int i = 0; i < grid->count; i++) {
        study_run *run = &grid->run[i];
        if (!run->is_complete && pc_checkpoint_write(&run->checkpoint, NULL) != PC_OK) {
            pc_log_line(run->log, PC_WARNING, "checkpoint", "written=false");
        }
    }
}

/** Which tables some study reads, and which shards all of them are done with. Local. */
static pc_status join_requests(study_grid *grid, bool **tables, uint64_t **done, pc_error *err)
{
    const study_run *first = &grid->run[0];
    const int table_count = first->session.catalog->model->table_count;
    const size_t words = (size_t)(pc_store_shard_count(first->session.store) + 63) / 64;
    *tables = pc_arena_array(&grid->arena, (size_t)table_count, sizeof **tables, err);
    *done = pc_arena_array(&grid->arena, words, sizeof **done, err);
    if (*tables == NULL || *done == NULL) return PC_NO_MEMORY;
    memset(*done, 0xff, words * sizeof **done);
    for (int i = 0; i < grid->count; i++) {
        const study_run *run = &grid->run[i];
        if (run->is_complete) continue;
        for (int t = 0; t < table_count; t++)
            (*tables)[t] = (*tables)[t] || run->nodes.tables[t];
        for (size_t w = 0; w < words; w++) {
            (*done)[w] &= run->checkpoint.done == NULL ? 0 : run->checkpoint.done[w];
        }
    }
    for (size_t w = 0; w < words; w++)
        (*done)[w] |= grid->lost->all[w];
    return PC_OK;
}

/** One pass over the store for all studies. Collective. */
static pc_status scan_store(study_grid *grid, pc_error *err)
{
    for (int i = 0; i < grid->count; i++) {
        if (grid->run[i].is_complete) continue;
        PC_TRY(begin_pass(&grid->run[i], &grid->point[i].options, err));
    }
    bool *tables = NULL;
    uint64_t *done = NULL;
    pc_status status = join_requests(grid, &tables, &done, err);
    PC_TRY(pc_comm_agree(grid->comm, status, err));
    const pc_read_request request = {.table = tables};
    const pc_shards work = {.store = grid->run[0].session.store,
                            .request = &request,
                            .budget = grid->options->budget,
                            .log = grid->log,
                            .context = grid,
                            .block = eval_block,
                            .shard_end = end_shard,
                            .done = done,
                            .lost = grid->options->keep_going ? grid->lost->fresh : NULL,
                            .keeps_shards = true};
    pc_run_counts counts = {0};
    status = pc_shards_run(grid->comm, &work, &counts, err);
    int found = 0;
    if (status == PC_OK) pc_lost_gather(grid->comm, grid->lost, &found);
    grid->starts_over = found > 0;
    if (status != PC_OK || found > 0) {
        keep_states(grid);
        return status;
    }
    for (int i = 0; i < grid->count; i++) {
        if (!grid->run[i].is_complete) sum_counts(&grid->run[i], &counts);
    }
    return PC_OK;
}

/** A statistic as table, figure and section of the page. */
static pc_status write_table(study_run *run, int index, pc_arena *arena, pc_error *err)
{
    const pc_statistic_state *state = &run->results.statistic[index];
    const pc_statistic *statistic = state->statistic;
    pc_result both[2]; // for release, and with all counts
    if (statistic->kind == PC_STAT_SQL) {
        both[0] = run->answers[index].result[0];
        both[1] = run->answers[index].result[1];
    } else {
        PC_TRY(pc_statistic_result(&run->results, state, arena, &both[0], err));
        both[1] = both[0];
    }
    PC_TRY(pc_output_table(&run->output, statistic->name, &both[0], &both[1], arena, err));
    return pc_page_add(&run->output, statistic, &both[0], &both[1], arena, err);
}

static pc_status write_tables(study_run *run, pc_error *err)
{
    pc_status status = PC_OK;
    pc_arena arena = {.budget = run->results.budget};
    for (int i = 0; i < run->results.statistic_count && status == PC_OK; i++) {
        status = write_table(run, i, &arena, err);
        pc_arena_reset(&arena);
    }
    if (status == PC_OK) status = pc_page_end(&run->output, &arena, err);
    pc_arena_reset(&arena);
    return status;
}

/** The files of cohorts, and what the manifest says of them. Collective. */
static pc_status write_cohorts(study_run *run, pc_error *err)
{
    const int count = run->results.cohort_count;
    const char *ending = pc_output_ending(&run->output, ".h5", ".incomplete.h5");
    pc_arena arena = {.budget = run->results.budget};
    const char **path = pc_arena_array(&arena, (size_t)count + 1, sizeof *path, err);
    char(*hash)[PC_DIGEST_TEXT_BYTES] =
        pc_arena_array(&arena, (size_t)count + 1, sizeof *hash, err);
    pc_status status = path == NULL || hash == NULL ? PC_NO_MEMORY : PC_OK;
    for (int i = 0; i < count && status == PC_OK; i++) {
        status = pc_output_path(&run->output, "cohorts", run->results.cohort[i].node->def->name,
                                ending, &arena, &path[i], err);
    }
    status = pc_comm_agree(run->comm, status, err);
    if (status == PC_OK) {
        status = pc_cohort_files_write(run->comm, &run->results,
                                       pc_store_shard_count(run->session.store), path, hash, err);
    }
    if (status == PC_OK && pc_comm_rank(run->comm) == 0) {
        for (int i = 0; i < count && status == PC_OK; i++) {
            status = pc_output_note(&run->output, "cohorts", run->results.cohort[i].node->def->name,
                                    ending, hash[i], err);
        }
    }
    pc_arena_reset(&arena);
    return pc_comm_agree(run->comm, status, err);
}

/** From states to files. Collective. */
static pc_status finish(study_run *run, const pc_study_options *options, pc_error *err)
{
    double at = pc_clock_s();
    PC_TRY(pc_comm_reduce(run->comm, &run->results, pc_results_pack, pc_results_merge,
                          options->budget, err));
    run->output.reduce_s = pc_clock_s() - at;
    at = pc_clock_s();
    PC_TRY(write_cohorts(run, err));
    pc_status status = PC_OK;
    if (pc_comm_rank(run->comm) == 0) {
        status = write_tables(run, err);
        if (status == PC_OK) {
            status = pc_exports_end(&run->exports, &run->output, run->checkpoint.shard_count, err);
        }
        run->output.write_s = pc_clock_s() - at; // as the manifest says; the log has all
        if (status == PC_OK) status = pc_output_end(&run->output, &run->nodes, err);
        run->output.write_s = pc_clock_s() - at;
    }
    PC_TRY(pc_comm_agree(run->comm, status, err));
    // Without some shards it stays: --resume reads them once they can be read.
    if (pc_comm_rank(run->comm) == 0 && run->output.lost->count == 0) {
        pc_checkpoint_remove(run->checkpoint.folder);
    }
    int64_t kept_us = (int64_t)(run->checkpoint.kept_s * 1e6);
    pc_comm_max_int64(run->comm, &kept_us, 1);
    const int64_t bytes = run->output.counts.read.bytes_read;
    pc_log_line(run->log, PC_INFO, "study",
                "name=%s ranks=%d rows=%lld bytes=%lld open_s=%.3f scan_s=%.3f reduce_s=%.3f "
                "write_s=%.3f scan_cpu_s=%.3f kept_s=%.3f",
                run->session.study.name, run->output.ranks, (long long)run->output.counts.read.rows,
                (long long)(options->unprotected ? bytes : pc_told(bytes, PC_TOLD_BYTES)),
                run->output.open_s, run->output.scan_s, run->output.reduce_s, run->output.write_s,
                run->output.counts.cpu_s, (double)kept_us * 1e-6);
    return PC_OK;
}

/** Collective. */
static pc_status execute(study_grid *grid, double began, pc_error *err)
{
    const double open_s = pc_clock_s() - began, at = pc_clock_s();
    PC_TRY(scan_store(grid, err));
    if (grid->starts_over) return PC_OK;
    const double scan_s = pc_clock_s() - at;
    for (int i = 0; i < grid->count; i++) {
        study_run *run = &grid->run[i];
        if (run->is_complete) continue;
        run->output.open_s = open_s;
        run->output.scan_s = scan_s;
        PC_TRY(finish(run, &grid->point[i].options, err));
        const pc_output *o = &run->output;
        *grid->outcome = (pc_study_outcome){.lost = grid->lost->count,
                                            .rows = o->counts.read.rows,
                                            .bytes = o->counts.read.bytes_read,
                                            .open_s = o->open_s,
                                            .scan_s = o->scan_s,
                                            .reduce_s = o->reduce_s,
                                            .write_s = o->write_s,
                                            .scan_cpu_s = o->counts.cpu_s};
    }
    return PC_OK;
}

/** What is wrong with the study, one line each: rank 0 tells it. */
static void log_problems(const study_run *run)
{
    const pc_buffer *problems = &run->session.study.problems;
    if (pc_comm_rank(run->comm) != 0 || problems->data == NULL) return;
    size_t at = 0;
    while (at < problems->bytes) {
        const char *line = problems->data + at;
        const char *end = memchr(line, '\n', problems->bytes - at);
        const size_t bytes = end == NULL ? problems->bytes - at : (size_t)(end - line);
        pc_log_line(run->log, PC_ERROR, "study", "%.*s", (int)bytes, line);
        at += bytes + 1;
    }
}

/** What keep-going cannot do; and room for what it finds, once. Local. */
static pc_status open_lost(const study_grid *grid, const study_run *run, pc_error *err)
{
    if (grid->options->keep_going &&
        (run->session.study.export_count > 0 || run->nodes.passes > 0)) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "--keep-going: a study with exports or matched controls needs all shards");
    }
    if (grid->lost->all != NULL) return PC_OK;
    return pc_lost_open(grid->lost, pc_store_shard_count(run->session.store), err);
}

/** Makes ready the studies of the grid. Local. */
static pc_status open_grid(study_grid *grid, pc_error *err)
{
    const pc_study_options *options = grid->options;
    if (options->store == NULL || options->out == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "a run needs a store and a folder to write to");
    }
    int count = 0;
    PC_TRY(pc_grid_expand(options, &grid->arena, &grid->point, &count, err));
    grid->run = pc_arena_array(&grid->arena, (size_t)count, sizeof *grid->run, err);
    if (grid->run == NULL) return PC_NO_MEMORY;
    for (; grid->count < count; grid->count++) {
        study_run *run = &grid->run[grid->count];
        run->comm = grid->comm;
        run->log = grid->log;
        run->output = (pc_output){.options = &grid->point[grid->count].options,
                                  .session = &run->session,
                                  .lost = grid->lost,
                                  .ranks = pc_comm_size(grid->comm),
                                  .files = {.budget = options->budget},
                                  .protection = {.budget = options->budget},
                                  .page = {.budget = options->budget}};
        pc_status status = prepare(run, &grid->point[grid->count].options, err);
        if (status == PC_OK) status = open_lost(grid, run, err);
        if (status == PC_OK) continue;
        if (run->session.study.problem_count > 1) log_problems(run);
        grid->count++;
        return status;
    }
    return PC_OK;
}

/** Looks at the folders, and at what the ranks have read. `*is_complete`: nothing is to do.
 *  Collective. */
static pc_status look_at_all(study_grid *grid, bool *is_complete, pc_error *err)
{
    pc_status status = PC_OK;
    *is_complete = true;
    if (pc_comm_rank(grid->comm) == 0 && grid->options->grid_count > 0) {
        status = pc_output_make(grid->options->out, err);
    }
    PC_TRY(pc_comm_agree(grid->comm, status, err));
    for (int i = 0; i < grid->count; i++) {
        study_run *run = &grid->run[i];
        PC_TRY(compare_ranks(run, err));
        PC_TRY(look_at_output(run, &run->is_complete, err));
        *is_complete = *is_complete && run->is_complete;
    }
    return PC_OK;
}

static void close_grid(study_grid *grid)
{
    for (int i = 0; i < grid->count; i++) {
        study_run *run = &grid->run[i];
        pc_buffer_release(&run->output.files);
        pc_buffer_release(&run->output.protection);
        pc_buffer_release(&run->output.page);
        pc_checkpoint_close(&run->checkpoint);
        pc_exports_close(&run->exports);
        pc_arena_reset(&run->answers_arena);
        pc_results_close(&run->results);
        pc_block_eval_close(&run->eval);
        pc_nodes_close(&run->nodes);
        pc_session_close(&run->session);
    }
    pc_arena_reset(&grid->arena);
}

/** One start: all studies of the grid, or as far as a lost shard lets them. Collective. */
static pc_status run_once(pc_comm *comm, const pc_study_options *options, const pc_log *log,
                          pc_lost *lost, pc_study_outcome *outcome, bool *starts_over,
                          pc_error *err)
{
    const double began = pc_clock_s();
    study_grid grid = {.comm = comm,
                       .log = log,
                       .options = options,
                       .lost = lost,
                       .outcome = outcome,
                       .arena = {.budget = options->budget}};
    pc_status status = pc_comm_agree(comm, open_grid(&grid, err), err);
    bool is_complete = false;
    if (status == PC_OK) status = look_at_all(&grid, &is_complete, err);
    if (status == PC_OK && is_complete) {
        pc_log_line(log, PC_INFO, "study", "name=%s complete=true", grid.run[0].session.study.name);
    } else if (status == PC_OK) {
        status = execute(&grid, began, err);
    }
    *starts_over = grid.starts_over;
    if (status == PC_OK && !grid.starts_over && options->grid_count > 0) {
        if (pc_comm_rank(comm) == 0) {
            status = pc_grid_end(options, grid.point, grid.count, err);
        }
        status = pc_comm_agree(comm, status, err);
    }
    close_grid(&grid);
    return status;
}

pc_status pc_study_run(pc_comm *comm, const pc_study_options *options, const pc_log *log,
                       pc_study_outcome *outcome, pc_error *err)
{
    pc_lost lost = {.arena = {.budget = options->budget}};
    *outcome = (pc_study_outcome){0};
    pc_study_options again = *options;
    const pc_store_shared shared = pc_share_store(comm, options->store, options->budget);
    again.shared = &shared;
    bool starts_over = false;
    pc_status status;
    do {
        // The ranks that met a shard they cannot read come back to what they had kept before it.
        status = run_once(comm, &again, log, &lost, outcome, &starts_over, err);
        again.resume = true;
    } while (status == PC_OK && starts_over);
    pc_lost_close(&lost);
    return status;
}
