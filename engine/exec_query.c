/** Running a query: its stages, level by level, each level in one loop over shards. */
#include <string.h>
#include "exec_private.h"

enum { MOST_STAGES = 128 };

// A part of the plan that ends with rows on rank 0, and often with all ranks.
typedef struct stage {
    const pc_plan *share;    // the SHARE node that it feeds; NULL: a value, or the query itself
    const pc_scalar *scalar; // the subquery that is a value, or NULL
    const pc_plan *root;
    pc_plan sort; // put on top of a root that has no state of all ranks
    int level;
    pc_flow *flow;
    pc_table *rows; // with all ranks; NULL: not yet, or the query itself
} stage;

// What a rank works with during a query.
typedef struct query_job {
    const pc_query_run *run;
    int stage_count;
    stage *stage; // [MOST_STAGES]
    int level;    // being run
    pc_arena arena;
    pc_query_profile *profile;
} query_job;

static int find_stage(const query_job *job, const pc_plan *share)
{
    for (int i = 0; i < job->stage_count; i++) {
        if (job->stage[i].share == share && share != NULL) return i;
    }
    return -1;
}

static pc_status add_stage(query_job *job, const stage *made, pc_error *err)
{
    if (job->stage_count == MOST_STAGES) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a query has at most %d subqueries", (int)MOST_STAGES);
    }
    stage *s = &job->stage[job->stage_count++];
    *s = *made;
    if (pc_flow_needs_sort(s->root)) {
        // Rows of all ranks must meet somewhere, and in an order that does not depend on them.
        s->sort = (pc_plan){
            .kind = PC_PLAN_SORT, .input = s->root, .schema = s->root->schema, .of.sort.limit = -1};
        s->root = &s->sort;
    }
    return PC_OK;
}

// The stages that a plan needs, before it: `level` becomes one above theirs. As deep as the plan.
static pc_status list_below(query_job *job, const pc_plan *plan, int least, int *level,
                            pc_error *err)
{
    const pc_plan *input[PC_MAX_PLAN_INPUTS];
    const int count = pc_plan_inputs(plan, input);
    for (int i = 0; i < count; i++) {
        PC_TRY(list_below(job, input[i], least, level, err));
    }
    if (plan->kind != PC_PLAN_SHARE) return PC_OK;
    int at = find_stage(job, plan);
    if (at < 0) {
        int inner = least;
        PC_TRY(list_below(job, plan->input, least, &inner, err));
        const stage made = {.share = plan, .root = plan->input, .level = inner};
        PC_TRY(add_stage(job, &made, err));
        at = job->stage_count - 1;
    }
    if (*level <= job->stage[at].level) *level = job->stage[at].level + 1;
    return PC_OK;
}

static pc_status list_stages(query_job *job, pc_error *err)
{
    const pc_query *query = job->run->query;
    job->stage = pc_arena_array(&job->arena, MOST_STAGES, sizeof *job->stage, err);
    int *done = pc_arena_array(&job->arena, (size_t)query->scalar_count + 1, sizeof *done, err);
    if (job->stage == NULL || done == NULL) return PC_NO_MEMORY;
    for (int i = 0; i <= query->scalar_count; i++) {
        const pc_scalar *scalar = i < query->scalar_count ? &query->scalar[i] : NULL;
        int least = 0; // above the values that it uses
        for (int k = scalar == NULL ? 0 : scalar->first_inner; k < i; k++) {
            if (least <= done[k]) least = done[k] + 1;
        }
        stage made = {
            .scalar = scalar, .root = scalar == NULL ? query->root : scalar->plan, .level = least};
        PC_TRY(list_below(job, made.root, least, &made.level, err));
        done[i] = made.level;
        PC_TRY(add_stage(job, &made, err));
    }
    return PC_OK;
}

static const pc_table *shared_rows(void *context, const pc_plan *node)
{
    const query_job *job = context;
    return job->stage[find_stage(job, node)].rows;
}

static bool is_now(const query_job *job, const stage *s)
{
    return s->level == job->level;
}

static pc_status open_level(query_job *job, pc_error *err)
{
    const pc_flow_source source = {.catalog = job->run->catalog,
                                   .shared = shared_rows,
                                   .rows = job->run->rows,
                                   .context = job};
    for (int i = 0; i < job->stage_count; i++) {
        stage *s = &job->stage[i];
        if (!is_now(job, s)) continue;
        s->flow = pc_arena_take(&job->arena, sizeof *s->flow, err);
        if (s->flow == NULL) return PC_NO_MEMORY;
        PC_TRY(pc_flow_open(s->flow, s->root, &source, job->run->budget, err));
    }
    return PC_OK;
}

static pc_status scan_block(void *context, int shard, pc_block *block, const pc_reader *reader,
                            pc_error *err)
{
    (void)shard;
    query_job *job = context;
    const pc_block_rows *rows = job->run->rows;
    if (rows != NULL) PC_TRY(rows->block(rows->context, block, reader, err));
    for (int i = 0; i < job->stage_count; i++) {
        stage *s = &job->stage[i];
        if (!is_now(job, s) || !s->flow->has_shards) continue;
        PC_TRY(pc_flow_block(s->flow, block, reader, err));
    }
    return PC_OK;
}

static void add_counts(pc_run_counts *sum, const pc_run_counts *one)
{
    sum->shards += one->shards;
    sum->seconds += one->seconds;
    sum->read.blocks += one->read.blocks;
    sum->read.slots += one->read.slots;
    sum->read.rows += one->read.rows;
    sum->read.chunks_read += one->read.chunks_read;
    sum->read.chunks_skipped += one->read.chunks_skipped;
    sum->read.bytes_read += one->read.bytes_read;
    sum->read.bytes_decoded += one->read.bytes_decoded;
}

static pc_status scan_shards(pc_comm *comm, query_job *job, pc_error *err)
{
    const size_t table_count = (size_t)job->run->catalog->model->table_count;
    bool *needed = pc_arena_array(&job->arena, table_count, sizeof *needed, err);
    pc_status status = pc_comm_agree(comm, needed == NULL ? PC_NO_MEMORY : PC_OK, err);
    if (status != PC_OK) return status;
    bool has_shards = false;
    for (int i = 0; i < job->stage_count; i++) {
        if (!is_now(job, &job->stage[i])) continue;
        pc_flow_tables(job->stage[i].flow, needed);
        has_shards = has_shards || job->stage[i].flow->has_shards;
    }
    if (!has_shards) return PC_OK;
    if (job->run->rows != NULL) job->run->rows->tables(job->run->rows->context, needed);
    const pc_read_request request = {.table = needed};
    const pc_shards work = {.store = job->run->store,
                            .request = &request,
                            .budget = job->run->budget,
                            .log = job->run->log,
                            .context = job,
                            .block = scan_block};
    pc_run_counts counts;
    status = pc_shards_run(comm, &work, &counts, err);
    add_counts(&job->profile->counts, &counts);
    job->profile->pass_count++;
    return status;
}

static pc_status pack_state(void *context, pc_buffer *out, pc_error *err)
{
    pc_op *op = context;
    return op->type->pack(op, out, err);
}

static pc_status merge_state(void *context, pc_span other, pc_error *err)
{
    pc_op *op = context;
    return op->type->merge(op, other, err);
}

// Rows of nobody that were put together: reduced, and on rank 0 given to what is behind them, the
// lower operators first.
static pc_status reduce_nobody(pc_comm *comm, query_job *job, pc_flow *flow, pc_error *err)
{
    for (int at = flow->count - 1; at >= 0; at--) {
        pc_flow_node *n = &flow->node[at];
        if (!n->plan->by_slot) continue;
        int64_t some = n->has_nobody;
        pc_comm_sum_int64(comm, &some, 1);
        if (some == 0) continue;
        pc_status status =
            pc_comm_reduce(comm, &n->nobody, pack_state, merge_state, job->run->budget, err);
        if (status != PC_OK) return status;
        if (pc_comm_rank(comm) == 0) status = pc_flow_nobody(flow, at, err);
        status = pc_comm_agree(comm, status, err);
        if (status != PC_OK) return status;
    }
    return PC_OK;
}

static pc_status reduce_stage(pc_comm *comm, query_job *job, stage *s, pc_error *err)
{
    pc_flow *flow = s->flow;
    pc_status status = PC_OK;
    if (flow->has_shards) status = reduce_nobody(comm, job, flow, err);
    if (status != PC_OK) return status;
    if (pc_comm_rank(comm) == 0) status = pc_flow_last(flow, err);
    status = pc_comm_agree(comm, status, err);
    if (status != PC_OK || !flow->has_shards) return status;
    return pc_comm_reduce(comm, &flow->node[flow->reduce_at].op, pack_state, merge_state,
                          job->run->budget, err);
}

// Rows of rank 0 to all ranks.
static pc_status share_rows(pc_comm *comm, query_job *job, stage *s, pc_error *err)
{
    pc_buffer packed = {.budget = job->run->budget};
    pc_status status =
        pc_table_new(&s->root->schema, PC_TABLE_COPIES, job->run->budget, &s->rows, err);
    if (status == PC_OK && pc_comm_rank(comm) == 0) {
        status = pc_table_pack(s->flow->result, &packed, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(comm, &packed, err);
    if (status == PC_OK) {
        status = pc_table_unpack(s->rows, (pc_span){packed.data, packed.bytes}, err);
        status = pc_comm_agree(comm, status, err);
    }
    pc_buffer_release(&packed);
    return status;
}

// A column of the one row becomes a constant; its text stays in the stage's rows.
static void take_cell(const pc_table *rows, int column, pc_expr *x)
{
    pc_column c;
    pc_table_view(rows, column, &c);
    pc_value value = {.type = x->type, .scale = x->scale, .text = {"", 0}};
    value.is_null = pc_table_rows(rows) == 0 || pc_column_is_null(&c, 0);
    if (!value.is_null && (c.type == PC_CODE || c.type == PC_TEXT || c.type == PC_ID)) {
        value.text = pc_column_span(&c, 0);
    } else if (!value.is_null && c.type == PC_FLOAT) {
        value.real = ((const double *)c.data)[0];
    } else if (!value.is_null) {
        value.integer = pc_column_int(&c, 0);
    }
    x->constant = value;
    x->kind = PC_EXPR_CONSTANT;
}

static pc_status take_value(const stage *s, pc_error *err)
{
    const pc_scalar *scalar = s->scalar;
    if (pc_table_rows(s->rows) > 1) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "query: character %d: a subquery used as a value gave more than one row",
                       scalar->value->position);
    }
    take_cell(s->rows, 0, scalar->value);
    if (scalar->patients != NULL) take_cell(s->rows, scalar->patients_column, scalar->patients);
    return PC_OK;
}

static pc_status finish_stage(pc_comm *comm, query_job *job, stage *s, pc_error *err)
{
    const double began_s = pc_clock_s();
    pc_status status = reduce_stage(comm, job, s, err);
    if (status != PC_OK) return status;
    const double reduced_s = pc_clock_s();
    job->profile->reduce_s += reduced_s - began_s;
    if (pc_comm_rank(comm) == 0) status = pc_flow_finish(s->flow, err);
    status = pc_comm_agree(comm, status, err);
    job->profile->finish_s += pc_clock_s() - reduced_s;
    if (status != PC_OK || (s->share == NULL && s->scalar == NULL)) return status;
    status = share_rows(comm, job, s, err);
    if (status == PC_OK && s->scalar != NULL) {
        status = pc_comm_agree(comm, take_value(s, err), err);
    }
    return status;
}

static pc_status run_level(pc_comm *comm, query_job *job, pc_error *err)
{
    const double opened_s = pc_clock_s();
    pc_status status = pc_comm_agree(comm, open_level(job, err), err);
    if (status != PC_OK) return status;
    const double scanned_s = pc_clock_s();
    job->profile->open_s += scanned_s - opened_s;
    status = scan_shards(comm, job, err);
    job->profile->scan_s += pc_clock_s() - scanned_s;
    for (int i = 0; i < job->stage_count && status == PC_OK; i++) {
        if (is_now(job, &job->stage[i])) status = finish_stage(comm, job, &job->stage[i], err);
    }
    return status;
}

static pc_status make_result(query_job *job, pc_arena *arena, pc_result *result, pc_error *err)
{
    const pc_query *query = job->run->query;
    const pc_table *rows = job->stage[job->stage_count - 1].flow->result;
    const int visible = query->visible_count;
    pc_column *column = pc_arena_array(arena, (size_t)visible + 1, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < visible; i++) {
        PC_TRY(pc_table_copy(rows, i, arena, &column[i], err));
    }
    *result = (pc_result){.schema = {.field_count = visible, .field = query->root->schema.field},
                          .is_cell = query->is_cell,
                          .row_count = pc_table_rows(rows),
                          .column = column};
    if (query->patients_column < 0) return PC_OK;
    pc_column patients;
    PC_TRY(pc_table_copy(rows, query->patients_column, arena, &patients, err));
    result->patients = patients.data;
    return PC_OK;
}

static pc_status make_profile(pc_comm *comm, query_job *job, pc_arena *arena, pc_error *err)
{
    const pc_flow *flow[MOST_STAGES];
    for (int i = 0; i < job->stage_count; i++) {
        flow[i] = job->stage[i].flow;
    }
    return pc_exec_profile(comm, flow, job->stage_count, arena, job->profile, err);
}

static pc_status run_job(pc_comm *comm, query_job *job, pc_arena *arena, pc_result *result,
                         pc_error *err)
{
    pc_status status = pc_comm_agree(comm, list_stages(job, err), err);
    if (status != PC_OK) return status;
    int last = 0;
    for (int i = 0; i < job->stage_count; i++) {
        if (job->stage[i].level > last) last = job->stage[i].level;
    }
    for (job->level = 0; job->level <= last && status == PC_OK; job->level++) {
        status = run_level(comm, job, err);
    }
    if (status != PC_OK) return status;
    if (pc_comm_rank(comm) == 0) status = make_result(job, arena, result, err);
    status = pc_comm_agree(comm, status, err);
    return status == PC_OK ? make_profile(comm, job, arena, err) : status;
}

static void close_job(query_job *job)
{
    for (int i = 0; i < job->stage_count; i++) {
        if (job->stage[i].flow != NULL) pc_flow_close(job->stage[i].flow);
        pc_table_free(job->stage[i].rows);
    }
    pc_arena_reset(&job->arena);
}

pc_status pc_query_execute(pc_comm *comm, const pc_query_run *run, pc_arena *arena,
                           pc_result *result, pc_query_profile *profile, pc_error *err)
{
    *profile = (pc_query_profile){0};
    *result = (pc_result){.schema = {.field_count = run->query->visible_count,
                                     .field = run->query->root->schema.field},
                          .is_cell = run->query->is_cell};
    query_job job = {.run = run, .arena = {.budget = run->budget}, .profile = profile};
    const pc_status status = run_job(comm, &job, arena, result, err);
    close_job(&job);
    return status;
}
