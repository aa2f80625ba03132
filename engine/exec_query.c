/** Running a query: scan and operators on each rank, one reduction, the rest on rank 0. */
#include <string.h>
#include "exec_private.h"

// What a rank works with during a query.
typedef struct query_job {
    const pc_query_run *run;
    const pc_plan *scan_node;
    pc_scan *scan;
    pc_pipeline pipeline;
    pc_collector *collector;
    pc_arena arena; // the request
    pc_query_profile *profile;
} query_job;

static pc_status scan_block(void *context, int shard, pc_block *block, const pc_reader *reader,
                            pc_error *err)
{
    (void)shard;
    query_job *job = context;
    PC_TRY(pc_scan_begin(job->scan, block, reader, err));
    for (;;) {
        pc_batch batch;
        PC_TRY(pc_scan_next(job->scan, &batch, err));
        if (batch.row_count == 0) return PC_OK;
        PC_TRY(pc_pipeline_push(&job->pipeline, &batch, err));
    }
}

static pc_status pack_state(void *context, pc_buffer *out, pc_error *err)
{
    query_job *job = context;
    pc_op *op = &job->pipeline.op[job->pipeline.reduce_at];
    return op->type->pack(op, out, err);
}

static pc_status merge_state(void *context, pc_span other, pc_error *err)
{
    query_job *job = context;
    pc_op *op = &job->pipeline.op[job->pipeline.reduce_at];
    return op->type->merge(op, other, err);
}

static pc_status open_job(query_job *job, pc_error *err)
{
    const pc_query_run *run = job->run;
    PC_TRY(pc_pipeline_open(&job->pipeline, run->query->root, err));
    job->scan_node = job->profile->node[0].node;
    PC_TRY(pc_scan_open(run->catalog, job->scan_node->of.scan.plan, run->budget, &job->scan, err));
    return pc_collector_new(&run->query->root->schema, run->budget, &job->collector, err);
}

static void close_job(query_job *job)
{
    pc_collector_free(job->collector);
    pc_pipeline_close(&job->pipeline);
    pc_scan_close(job->scan);
    pc_arena_reset(&job->arena);
}

static pc_status scan_shards(pc_comm *comm, query_job *job, pc_error *err)
{
    const size_t table_count = (size_t)job->run->catalog->model->table_count;
    bool *needed = pc_arena_array(&job->arena, table_count, sizeof *needed, err);
    pc_status status = needed == NULL ? PC_NO_MEMORY : PC_OK;
    status = pc_comm_agree(comm, status, err);
    if (status != PC_OK) return status;
    pc_scan_tables(job->scan, needed);
    const pc_read_request request = {.table = needed};
    const pc_shards work = {.store = job->run->store,
                            .request = &request,
                            .budget = job->run->budget,
                            .log = job->run->log,
                            .context = job,
                            .block = scan_block};
    return pc_shards_run(comm, &work, &job->profile->counts, err);
}

// Rows of a reference table are the same everywhere: rank 0 reads them.
static pc_status scan_reference(pc_comm *comm, query_job *job, pc_error *err)
{
    pc_status status = PC_OK;
    if (pc_comm_rank(comm) == 0) status = scan_block(job, 0, NULL, NULL, err);
    return pc_comm_agree(comm, status, err);
}

static pc_status make_result(query_job *job, pc_arena *arena, pc_result *result, pc_error *err)
{
    const pc_query *query = job->run->query;
    const int visible = query->visible_count;
    pc_column *column = pc_arena_array(arena, (size_t)visible + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < visible; i++) {
        PC_TRY(pc_collector_column(job->collector, i, arena, &column[i], err));
    }
    *result = (pc_result){.schema = {.field_count = visible, .field = query->root->schema.field},
                          .is_cell = query->is_cell,
                          .row_count = pc_collector_rows(job->collector),
                          .column = column};
    if (query->patients_column < 0) return PC_OK;
    static const int64_t none = 0; // of no rows
    pc_column patients;
    PC_TRY(pc_collector_column(job->collector, query->patients_column, arena, &patients, err));
    result->patients = result->row_count == 0 ? &none : patients.data;
    return PC_OK;
}

// Sums over ranks to rank 0, the slowest rank's seconds.
static void sum_profile(pc_comm *comm, pc_query_profile *profile)
{
    enum { PER_NODE = 3, READ = 7, MICROSECONDS = 1000000 };
    int64_t sum[PC_MAX_PLAN_NODES * PER_NODE + READ + 1] = {0};
    int64_t slowest[PC_MAX_PLAN_NODES + 1] = {0};
    int at = 0;
    for (int i = 0; i < profile->node_count; i++) {
        sum[at++] = profile->node[i].rows_in;
        sum[at++] = profile->node[i].rows_out;
        sum[at++] = profile->node[i].batches;
        slowest[i] = (int64_t)(profile->node[i].seconds * MICROSECONDS);
    }
    pc_run_counts *counts = &profile->counts;
    int64_t *const read[] = {&counts->read.blocks,         &counts->read.slots,
                             &counts->read.rows,           &counts->read.chunks_read,
                             &counts->read.chunks_skipped, &counts->read.bytes_read,
                             &counts->read.bytes_decoded,  &counts->shards};
    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) {
        sum[at++] = *read[i];
    }
    slowest[profile->node_count] = (int64_t)(counts->seconds * MICROSECONDS);
    pc_comm_sum_int64(comm, sum, at);
    pc_comm_max_int64(comm, slowest, profile->node_count + 1);
    at = 0;
    for (int i = 0; i < profile->node_count; i++) {
        profile->node[i].rows_in = sum[at++];
        profile->node[i].rows_out = sum[at++];
        profile->node[i].batches = sum[at++];
        profile->node[i].seconds = (double)slowest[i] / MICROSECONDS;
    }
    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) {
        *read[i] = sum[at++];
    }
    counts->seconds = (double)slowest[profile->node_count] / MICROSECONDS;
}

static pc_status run_job(pc_comm *comm, query_job *job, pc_arena *arena, pc_result *result,
                         pc_error *err)
{
    pc_query_profile *profile = job->profile;
    const double opened_s = pc_clock_s();
    pc_status status = pc_comm_agree(comm, open_job(job, err), err);
    if (status != PC_OK) return status;
    const double scanned_s = pc_clock_s();
    profile->open_s = scanned_s - opened_s;
    const bool is_reference = job->scan_node->of.scan.reference >= 0;
    status = is_reference ? scan_reference(comm, job, err) : scan_shards(comm, job, err);
    if (status != PC_OK) return status;
    pc_scan_counts(job->scan, &profile->node[0].rows_in, &profile->node[0].rows_out);
    const double reduced_s = pc_clock_s();
    profile->scan_s = reduced_s - scanned_s;
    profile->node[0].seconds = profile->counts.seconds; // reading, less what the operators took
    for (int i = 1; i <= profile->reduce_at; i++) {
        profile->node[0].seconds -= profile->node[i].seconds;
    }
    status = pc_comm_reduce(comm, job, pack_state, merge_state, job->run->budget, err);
    if (status != PC_OK) return status;
    const double finished_s = pc_clock_s();
    profile->reduce_s = finished_s - reduced_s;
    if (pc_comm_rank(comm) == 0) {
        status = pc_pipeline_finish(&job->pipeline, job->collector, err);
        if (status == PC_OK) status = make_result(job, arena, result, err);
    }
    profile->finish_s = pc_clock_s() - finished_s;
    return pc_comm_agree(comm, status, err);
}

pc_status pc_query_execute(pc_comm *comm, const pc_query_run *run, pc_arena *arena,
                           pc_result *result, pc_query_profile *profile, pc_error *err)
{
    *profile = (pc_query_profile){0};
    *result = (pc_result){.schema = {.field_count = run->query->visible_count,
                                     .field = run->query->root->schema.field},
                          .is_cell = run->query->is_cell};
    query_job job = {.run = run,
                     .arena = {.budget = run->budget},
                     .pipeline = {.arena = {.budget = run->budget},
                                  .scratch = {.budget = run->budget},
                                  .profile = profile},
                     .profile = profile};
    const pc_status status = run_job(comm, &job, arena, result, err);
    if (status == PC_OK) sum_profile(comm, profile);
    close_job(&job);
    return status;
}
