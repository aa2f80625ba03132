/** Running a query: its stages, level by level, each level in one loop over shards. */
#include <string.h>
#include <unistd.h>
#include "exec_private.h"

enum { MOST_STAGES = 128 };

// A part of the plan that ends with rows on rank 0, and often with all ranks.
typedef struct stage {
    const pc_plan *share; // the SHARE or EXCHANGE node that it feeds; NULL: a value, or the query
    const pc_scalar *scalar; // the subquery that is a value, or NULL
    const pc_plan *root;
    pc_plan sort; // put on top of a root that has no state of all ranks
    int level;
    pc_flow *flow;
    pc_reduced last; // where its rows come from
    pc_table *rows;  // with all ranks; NULL: not yet, or the query itself
    pc_aside *parts; // of an EXCHANGE, those of this rank
} stage;

static bool is_exchange(const stage *s)
{
    return s->share != NULL && s->share->kind == PC_PLAN_EXCHANGE;
}

// What a rank works with during a query.
typedef struct query_job {
    const pc_query_run *run;
    int stage_count;
    stage *stage; // [MOST_STAGES]
    int level;    // being run
    bool made_scratch;
    int part_count;
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
    if (plan->kind != PC_PLAN_SHARE && plan->kind != PC_PLAN_EXCHANGE) return PC_OK;
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

// The stages outlive the run: the profile names their nodes.
static pc_status list_stages(query_job *job, pc_arena *arena, pc_error *err)
{
    const pc_query *query = job->run->query;
    job->stage = pc_arena_array(arena, MOST_STAGES, sizeof *job->stage, err);
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

static pc_aside *exchanged_rows(void *context, const pc_plan *node)
{
    const query_job *job = context;
    return job->stage[find_stage(job, node)].parts;
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
                                   .exchanged = exchanged_rows,
                                   .context = job,
                                   .parts = {.scratch = job->run->scratch,
                                             .made_scratch = &job->made_scratch,
                                             .count = job->part_count,
                                             .state_bytes = job->run->state_bytes,
                                             .budget = job->run->budget}};
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

// What the ranks have of a stage's rows, on rank 0 and from there on all.
static pc_status pass_rows(pc_comm *comm, const stage *s, pc_buffer *packed, pc_error *err)
{
    pc_buffer mine = {.budget = packed->budget};
    pc_status status = PC_OK;
    if (s->last.in_parts || pc_comm_rank(comm) == 0) {
        status = pc_table_pack(s->flow->result, s->last.in_parts ? &mine : packed, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK && s->last.in_parts) {
        status = pc_comm_gather(comm, (pc_span){mine.data, mine.bytes}, packed, NULL, err);
    }
    pc_buffer_release(&mine);
    return status == PC_OK ? pc_comm_broadcast_buffer(comm, packed, err) : status;
}

// The rows of a stage to all ranks.
static pc_status share_rows(pc_comm *comm, query_job *job, stage *s, pc_error *err)
{
    pc_buffer packed = {.budget = job->run->budget};
    pc_status status =
        pc_table_new(&s->root->schema, PC_TABLE_COPIES, job->run->budget, &s->rows, err);
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pass_rows(comm, s, &packed, err);
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

// The last state into the stage's rows: on rank 0, or on each rank those of its parts.
static pc_status drain_stage(pc_comm *comm, query_job *job, stage *s, pc_error *err)
{
    pc_flow *flow = s->flow;
    if (!s->last.in_parts) {
        return pc_comm_rank(comm) == 0 ? pc_flow_drain(flow, s->last.node, err) : PC_OK;
    }
    for (int p = pc_comm_rank(comm); p < job->part_count; p += pc_comm_size(comm)) {
        PC_TRY(pc_exec_drain_part(flow, s->last.node, p, err));
    }
    return PC_OK;
}

static int64_t bytes_aside(const pc_flow *flow)
{
    int64_t bytes = 0;
    for (int i = 0; i < flow->count; i++) {
        if (flow->node[i].parts != NULL) bytes += pc_aside_bytes(flow->node[i].parts);
    }
    return bytes;
}

static pc_status finish_stage(pc_comm *comm, query_job *job, stage *s, pc_error *err)
{
    const double began_s = pc_clock_s();
    pc_status status = pc_exec_reduce(comm, s->flow, is_exchange(s), &s->last, err);
    if (status != PC_OK) return status;
    const double reduced_s = pc_clock_s();
    job->profile->reduce_s += reduced_s - began_s;
    pc_aside **parts = &s->flow->node[s->last.node].parts;
    job->profile->aside_bytes += bytes_aside(s->flow);
    if (is_exchange(s)) {
        s->parts = *parts;
        *parts = NULL;
        return PC_OK;
    }
    const bool is_query = s->share == NULL && s->scalar == NULL;
    if (is_query && s->last.in_parts) return PC_OK; // its rows leave in pieces
    status = pc_comm_agree(comm, drain_stage(comm, job, s, err), err);
    job->profile->finish_s += pc_clock_s() - reduced_s;
    if (status != PC_OK || is_query) return status;
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

// The rows that the query's own flow has given so far, as a result in `arena`.
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

// A part of the rows as text, and then they are forgotten.
static pc_status format_part(query_job *job, const stage *s, int part, pc_buffer *text,
                             pc_error *err)
{
    const pc_query_output *output = job->run->output;
    text->bytes = 0;
    if (part >= job->part_count) return PC_OK;
    PC_TRY(pc_exec_drain_part(s->flow, s->last.node, part, err));
    pc_arena arena = {.budget = job->run->budget};
    pc_result rows;
    pc_status status = PC_OK;
    if (output != NULL && pc_table_rows(s->flow->result) > 0) {
        status = make_result(job, &arena, &rows, err);
        if (status == PC_OK) status = output->format(output->context, &rows, text, err);
    }
    pc_arena_reset(&arena);
    pc_table_clear(s->flow->result);
    return status;
}

// Each rank works on one part at a time; their texts reach rank 0 in the order of parts, which is
// that of the rows.
static pc_status write_pieces(pc_comm *comm, query_job *job, const stage *s, pc_error *err)
{
    const pc_query_output *output = job->run->output;
    pc_buffer text = {.budget = job->run->budget};
    pc_buffer all = {.budget = job->run->budget};
    pc_status status = PC_OK;
    for (int first = 0; first < job->part_count && status == PC_OK; first += pc_comm_size(comm)) {
        status = format_part(job, s, first + pc_comm_rank(comm), &text, err);
        status = pc_comm_agree(comm, status, err);
        if (status != PC_OK || output == NULL) continue;
        status = pc_comm_gather(comm, (pc_span){text.data, text.bytes}, &all, NULL, err);
        if (status != PC_OK) continue;
        if (pc_comm_rank(comm) == 0) {
            status = output->write(output->context, (pc_span){all.data, all.bytes}, err);
        }
        status = pc_comm_agree(comm, status, err);
    }
    pc_buffer_release(&text);
    pc_buffer_release(&all);
    return status;
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
    pc_status status = pc_comm_agree(comm, list_stages(job, arena, err), err);
    if (status != PC_OK) return status;
    int last = 0;
    for (int i = 0; i < job->stage_count; i++) {
        if (job->stage[i].level > last) last = job->stage[i].level;
    }
    for (job->level = 0; job->level <= last && status == PC_OK; job->level++) {
        status = run_level(comm, job, err);
    }
    if (status != PC_OK) return status;
    const stage *whole = &job->stage[job->stage_count - 1];
    job->profile->in_pieces = whole->last.in_parts;
    if (whole->last.in_parts) {
        status = write_pieces(comm, job, whole, err);
    } else {
        if (pc_comm_rank(comm) == 0) status = make_result(job, arena, result, err);
        status = pc_comm_agree(comm, status, err);
    }
    return status == PC_OK ? make_profile(comm, job, arena, err) : status;
}

static void close_job(query_job *job)
{
    for (int i = 0; i < job->stage_count; i++) {
        if (job->stage[i].flow != NULL) pc_flow_close(job->stage[i].flow);
        pc_table_free(job->stage[i].rows);
        pc_aside_close(job->stage[i].parts);
    }
    if (job->made_scratch) (void)rmdir(job->run->scratch); // its files have no names
    pc_arena_reset(&job->arena);
}

pc_status pc_query_execute(pc_comm *comm, const pc_query_run *run, pc_arena *arena,
                           pc_result *result, pc_query_profile *profile, pc_error *err)
{
    *profile = (pc_query_profile){0};
    *result = (pc_result){.schema = {.field_count = run->query->visible_count,
                                     .field = run->query->root->schema.field},
                          .is_cell = run->query->is_cell};
    query_job job = {.run = run,
                     .part_count = pc_aside_count(pc_comm_size(comm)),
                     .arena = {.budget = run->budget},
                     .profile = profile};
    const pc_status status = run_job(comm, &job, arena, result, err);
    close_job(&job);
    return status;
}
