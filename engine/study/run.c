// `parcours run`: one pass over the store, then the results.
#include "checkpoint.h"
#include "exports.h"
#include "match.h"
#include "output.h"
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
} study_run;

static pc_status eval_block(void *context, int shard, pc_block *block, const pc_reader *reader,
                            pc_error *err)
{
    study_run *run = context;
    run->checkpoint.in_shard = true;
    PC_TRY(pc_block_eval_run(&run->eval, block, reader, err));
    PC_TRY(pc_results_add(&run->results, shard, err));
    return pc_exports_add(&run->exports, err);
}

static pc_status end_shard(void *context, int shard, pc_error *err)
{
    study_run *run = context;
    PC_TRY(pc_exports_shard(&run->exports, shard, err));
    return pc_checkpoint_shard(&run->checkpoint, shard, err);
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
        if (node->def->kind != PC_DEF_MATCH || node->phase != run->eval.pass + 1) continue;
        node->match_items.budget = run->eval.budget;
        PC_TRY(pc_match_collect(&run->eval, node, &node->match_items, err));
    }
    return PC_OK;
}

static void add_counts(pc_run_counts *into, const pc_run_counts *from)
{
    into->shards += from->shards;
    into->read.blocks += from->read.blocks;
    into->read.slots += from->read.slots;
    into->read.rows += from->read.rows;
    into->read.chunks_read += from->read.chunks_read;
    into->read.bytes_read += from->read.bytes_read;
    into->read.bytes_decoded += from->read.bytes_decoded;
}

/** What the passes of matching counted is counted again by the last one. */
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
        pc_run_counts counts = {0};
        PC_TRY(pc_shards_run(run->comm, &work, &counts, err));
        add_counts(&run->matching, &counts);
        for (int i = 0; i < run->nodes.count; i++) {
            pc_node *node = run->nodes.node[i];
            if (node->def->kind != PC_DEF_MATCH || node->phase != run->eval.pass + 1) continue;
            PC_TRY(pc_match_run(run->comm, node, options->budget, err));
        }
    }
    forget_counts(&run->nodes);
    return PC_OK;
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

/** Takes up what an earlier start has left, and makes ready to leave something. Collective. */
static pc_status open_checkpoint(study_run *run, pc_error *err)
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
    status = pc_comm_agree(run->comm, status, err);
    if (status == PC_OK) status = pc_checkpoint_open(run->comm, checkpoint, err);
    if (status == PC_OK && checkpoint->shards_taken > 0) {
        pc_log_line(run->log, PC_INFO, "resume", "shards_done=%lld shards=%lld",
                    (long long)checkpoint->shards_taken, (long long)checkpoint->shard_count);
    }
    return status;
}

/** Collective. */
static pc_status scan_store(study_run *run, const pc_study_options *options, pc_error *err)
{
    PC_TRY(match_controls(run, options, err));
    PC_TRY(open_checkpoint(run, err));
    pc_status status = PC_OK;
    if (pc_comm_rank(run->comm) == 0) {
        status =
            pc_exports_begin(&run->exports, run->checkpoint.done, run->checkpoint.shard_count, err);
    }
    PC_TRY(pc_comm_agree(run->comm, status, err));
    const pc_read_request request = {.table = run->nodes.tables};
    const pc_shards work = {.store = run->session.store,
                            .request = &request,
                            .budget = options->budget,
                            .log = run->log,
                            .context = run,
                            .block = eval_block,
                            .shard_end = end_shard,
                            .done = run->checkpoint.done,
                            .keeps_shards = true};
    status = pc_shards_run(run->comm, &work, &run->output.counts, err);
    if (status != PC_OK) {
        // What is done stays, whatever ended the rest; its sentence comes first.
        if (pc_checkpoint_write(&run->checkpoint, NULL) != PC_OK) {
            pc_log_line(run->log, PC_WARNING, "checkpoint", "written=false");
        }
        return status;
    }
    add_counts(&run->output.counts, &run->matching);
    pc_read_counts *read = &run->output.counts.read;
    int64_t sums[] = {run->output.counts.shards, read->blocks,     read->slots,        read->rows,
                      read->chunks_read,         read->bytes_read, read->bytes_decoded};
    pc_comm_sum_int64(run->comm, sums, 7);
    run->output.counts.shards = sums[0];
    *read = (pc_read_counts){.blocks = sums[1],
                             .slots = sums[2],
                             .rows = sums[3],
                             .chunks_read = sums[4],
                             .bytes_read = sums[5],
                             .bytes_decoded = sums[6]};
    return PC_OK;
}

static pc_status write_tables(study_run *run, pc_error *err)
{
    pc_status status = PC_OK;
    for (int i = 0; i < run->results.statistic_count && status == PC_OK; i++) {
        const pc_statistic_state *state = &run->results.statistic[i];
        pc_arena arena = {.budget = run->results.budget};
        pc_result result;
        status = pc_statistic_result(&run->results, state, &arena, &result, err);
        if (status == PC_OK) {
            status = pc_output_table(&run->output, state->statistic->name, &result, &arena, err);
        }
        pc_arena_reset(&arena);
    }
    return status;
}

/** Rank 0 notes the files of cohorts `first` on, with their hashes: one a rank. Collective. */
static pc_status note_cohorts(study_run *run, int first, const char hash[PC_DIGEST_TEXT_BYTES],
                              pc_error *err)
{
    pc_buffer all = {.budget = run->results.budget};
    const pc_span mine = {hash, PC_DIGEST_TEXT_BYTES};
    pc_status status = pc_comm_gather(run->comm, mine, &all, NULL, err);
    const int left = run->results.cohort_count - first;
    for (int i = 0; i < left && i < pc_comm_size(run->comm) && status == PC_OK; i++) {
        if (pc_comm_rank(run->comm) != 0) break;
        status =
            pc_output_note(&run->output, "cohorts", run->results.cohort[first + i].node->def->name,
                           ".h5", all.data + (size_t)i * PC_DIGEST_TEXT_BYTES, err);
    }
    pc_buffer_release(&all);
    return pc_comm_agree(run->comm, status, err);
}

/** Each rank writes a cohort, until there are no more. Collective. */
static pc_status write_cohorts(study_run *run, pc_error *err)
{
    const int ranks = pc_comm_size(run->comm);
    for (int first = 0; first < run->results.cohort_count; first += ranks) {
        const int mine = first + pc_comm_rank(run->comm);
        const bool writes = mine < run->results.cohort_count;
        pc_arena arena = {.budget = run->results.budget};
        const char *path = NULL;
        char hash[PC_DIGEST_TEXT_BYTES] = "";
        pc_status status = PC_OK;
        if (writes) {
            status =
                pc_output_path(&run->output, "cohorts", run->results.cohort[mine].node->def->name,
                               ".h5", &arena, &path, err);
        }
        status = pc_comm_agree(run->comm, status, err);
        if (status == PC_OK) {
            status = pc_cohorts_write(run->comm, &run->results, first, path, err);
        }
        if (status == PC_OK) {
            if (writes) status = pc_file_hash(path, hash, err);
            status = pc_comm_agree(run->comm, status, err);
        }
        if (status == PC_OK) status = note_cohorts(run, first, hash, err);
        pc_arena_reset(&arena);
        PC_TRY(status);
    }
    return PC_OK;
}

/** Collective. */
static pc_status execute(study_run *run, const pc_study_options *options, double began,
                         pc_error *err)
{
    run->output.open_s = pc_clock_s() - began;
    double at = pc_clock_s();
    PC_TRY(scan_store(run, options, err));
    run->output.scan_s = pc_clock_s() - at;
    at = pc_clock_s();
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
    if (pc_comm_rank(run->comm) == 0) pc_checkpoint_remove(run->checkpoint.folder);
    pc_log_line(run->log, PC_INFO, "study",
                "name=%s ranks=%d rows=%lld bytes=%lld open_s=%.3f scan_s=%.3f reduce_s=%.3f "
                "write_s=%.3f",
                run->session.study.name, run->output.ranks, (long long)run->output.counts.read.rows,
                (long long)run->output.counts.read.bytes_read, run->output.open_s,
                run->output.scan_s, run->output.reduce_s, run->output.write_s);
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

pc_status pc_study_run(pc_comm *comm, const pc_study_options *options, const pc_log *log,
                       pc_error *err)
{
    const double began = pc_clock_s();
    study_run run = {.comm = comm, .log = log};
    run.output = (pc_output){.options = options,
                             .session = &run.session,
                             .ranks = pc_comm_size(comm),
                             .files = {.budget = options->budget},
                             .protection = {.budget = options->budget}};
    pc_status status =
        options->store == NULL || options->out == NULL
            ? PC_FAIL(err, PC_BAD_JOB, "a run needs a store and a folder to write to")
            : prepare(&run, options, err);
    if (run.session.study.problem_count > 1) log_problems(&run);
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = compare_ranks(&run, err);
    bool is_complete = false;
    if (status == PC_OK) status = look_at_output(&run, &is_complete, err);
    if (status == PC_OK && is_complete) {
        pc_log_line(log, PC_INFO, "study", "name=%s complete=true", run.session.study.name);
    } else if (status == PC_OK) {
        status = execute(&run, options, began, err);
    }
    pc_buffer_release(&run.output.files);
    pc_buffer_release(&run.output.protection);
    pc_checkpoint_close(&run.checkpoint);
    pc_exports_close(&run.exports);
    pc_results_close(&run.results);
    pc_block_eval_close(&run.eval);
    pc_nodes_close(&run.nodes);
    pc_session_close(&run.session);
    return status;
}
