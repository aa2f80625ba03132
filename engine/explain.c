/** parcours explain: what a query or a study reads and where it reduces. */
#include <string.h>
#include "cli_journal.h"
#include "cli_study.h"
#include "explain_estimate.h"
#include "parcours/exec.h"
#include "parcours/op.h"

static const pc_option option[] = {
    {"store", "STORE", "the store that would be read", false},
    {"analyze", NULL, "also runs the query and tells rows, bytes and times", false},
    {"set", "NAME=VALUE", "a parameter of the study", true},
    {"unprotected", NULL, "with --analyze: exact counts; journalled", false},
};

enum {
    RANKS_SHOWN = 8, // more ranks are not shown one by one
    STEP_WIDTH = 28
};

static bool names_a_study(const char *operand)
{
    const size_t bytes = strlen(operand);
    return bytes > 5 && strcmp(operand + bytes - 5, ".json") == 0;
}

// What one explanation holds while it is made.
typedef struct explain_work {
    pc_cli *cli;
    const char *store_path;
    const char *scratch;
    pc_store *store;
    const pc_catalog *catalog;
    const pc_query *query;
    pc_buffer text;
} explain_work;

static const char *node_name(const pc_plan *node)
{
    const pc_op_type *type = pc_op_find(node->kind);
    if (type != NULL) return type->name;
    return node->kind == PC_PLAN_UNION      ? "union"
           : node->kind == PC_PLAN_SHARE    ? "shared rows"
           : node->kind == PC_PLAN_EXCHANGE ? "exchanged rows"
           : node->kind == PC_PLAN_VALUES   ? "values"
                                            : "scan";
}

// Each table of a scan with its rows and how many of its columns are read.
static pc_status print_tables(explain_work *w, const pc_scan_plan *scan, pc_error *err)
{
    bool *used = pc_arena_array(&w->cli->arena, (size_t)scan->column_count + 1, sizeof *used, err);
    if (used == NULL) return PC_NO_MEMORY;
    pc_scan_plan_used(scan, used);
    for (int i = 0; i < scan->relation_count; i++) {
        const int table = scan->relation[i].table;
        const pc_model_table *t = &w->catalog->model->table[table];
        int columns = 0;
        for (int k = 0; k < scan->column_count; k++) {
            columns += scan->column[k].relation == i && scan->column[k].column >= 0 && used[k];
        }
        const int64_t rows = t->path == PC_PATH_NONE ? w->catalog->reference_count[table]
                                                     : pc_store_table_rows(w->store, table);
        PC_TRY(pc_buffer_print(&w->text, err, "%-14s %14lld %8d\n", t->name, (long long)rows,
                               columns));
    }
    return PC_OK;
}

// What the plan reads. As deep as the plan.
static pc_status print_scans(explain_work *w, const pc_plan *plan, bool *has_shards, pc_error *err)
{
    const pc_plan *input[PC_MAX_PLAN_INPUTS];
    const int count = pc_plan_inputs(plan, input);
    if (plan->kind == PC_PLAN_SCAN) {
        *has_shards = *has_shards || plan->of.scan.reference < 0;
        return print_tables(w, plan->of.scan.plan, err);
    }
    const bool is_stage = plan->kind == PC_PLAN_SHARE || plan->kind == PC_PLAN_EXCHANGE;
    if (is_stage) return print_scans(w, plan->input, has_shards, err);
    for (int i = 0; i < count; i++) {
        PC_TRY(print_scans(w, input[i], has_shards, err));
    }
    return PC_OK;
}

// The lowest node of the chain from the root whose state is of all ranks: where they meet.
static const char *reduced_name(const pc_plan *plan)
{
    const char *name = "sort";
    for (; plan != NULL && plan->kind != PC_PLAN_SHARE; plan = plan->input) {
        const pc_op_type *type = pc_op_find(plan->kind);
        if (plan->kind == PC_PLAN_JOIN || plan->kind == PC_PLAN_UNION) break;
        if (type != NULL && type->merge != NULL && !plan->by_slot) name = type->name;
    }
    return name;
}

static pc_status print_reduction(explain_work *w, pc_error *err)
{
    bool has_shards = false;
    PC_TRY(pc_buffer_print(&w->text, err, "\n%-14s %14s %8s\n", "table", "rows", "columns"));
    PC_TRY(print_scans(w, w->query->root, &has_shards, err));
    for (int i = 0; i < w->query->scalar_count; i++) {
        PC_TRY(print_scans(w, w->query->scalar[i].plan, &has_shards, err));
    }
    if (!has_shards) {
        return pc_buffer_print(&w->text, err, "\nreference tables only: read by rank 0\n");
    }
    return pc_buffer_print(
        &w->text, err,
        "\nshards: %d, given to ranks one by one, the largest first\n"
        "each rank up to the %s; its state is reduced to rank 0, which runs the rest\n",
        pc_store_shard_count(w->store), reduced_name(w->query->root));
}

// Exact counts of what passes a filter, or is read for it, would go round disclosure control.
static long long told(const explain_work *w, int64_t value, int64_t step)
{
    return (long long)(pc_cli_has(w->cli, "unprotected") ? value : pc_told(value, step));
}

// A step's estimates: rows from the sizes of tables, chunks and bytes from chunk directories; what
// zone maps leave is told to who may know it, and that it was asked stands in the journal.
static pc_status print_estimates(explain_work *w, const pc_plan *node, int depth, const char *name,
                                 pc_error *err)
{
    PC_TRY(pc_buffer_print(&w->text, err, "\n%*s%-*s %14.0f", depth, "", STEP_WIDTH - depth, name,
                           pc_plan_rows(node, w->catalog)));
    if (node->kind != PC_PLAN_SCAN || node->of.scan.reference >= 0) {
        return pc_buffer_print(&w->text, err, " %12s %16s", "", "");
    }
    pc_scan_estimate it;
    const bool exact = pc_cli_has(w->cli, "analyze") && pc_cli_has(w->cli, "unprotected");
    PC_TRY(pc_estimate_scan(w->store, w->catalog, node->of.scan.plan, exact, &w->cli->budget, &it,
                            err));
    return pc_buffer_print(&w->text, err, " %12lld %16lld", (long long)it.chunks,
                           (long long)it.bytes);
}

// A node, then its inputs, further in. As deep as the plan.
static pc_status print_steps(explain_work *w, const pc_plan *plan, int depth, pc_error *err)
{
    PC_TRY(print_estimates(w, plan, depth, node_name(plan), err));
    const pc_plan *input[PC_MAX_PLAN_INPUTS];
    int count = pc_plan_inputs(plan, input);
    if (plan->kind == PC_PLAN_SHARE || plan->kind == PC_PLAN_EXCHANGE) {
        input[0] = plan->input;
        count = 1;
    }
    for (int i = 0; i < count; i++) {
        PC_TRY(print_steps(w, input[i], depth + 1, err));
    }
    return PC_OK;
}

static pc_status print_likely(explain_work *w, pc_error *err)
{
    PC_TRY(pc_buffer_print(&w->text, err, "\n%-*s %14s %12s %16s", STEP_WIDTH, "step",
                           "likely rows", "chunks", "bytes"));
    for (int i = 0; i < w->query->scalar_count; i++) {
        PC_TRY(print_steps(w, w->query->scalar[i].plan, 0, err));
    }
    PC_TRY(print_steps(w, w->query->root, 0, err));
    return pc_buffer_print(&w->text, err, "\n");
}

static pc_status print_share(explain_work *w, bool is_scan, const pc_op_share *it, pc_error *err)
{
    PC_TRY(pc_buffer_print(&w->text, err, " %14lld %14lld",
                           told(w, it->rows_in, is_scan ? PC_TOLD_SCANNED : PC_TOLD_ROWS),
                           told(w, it->rows_out, PC_TOLD_ROWS)));
    if (is_scan) {
        PC_TRY(pc_buffer_print(&w->text, err, " %10lld %14lld",
                               told(w, it->chunks_read, PC_TOLD_CHUNKS),
                               told(w, it->bytes_read, PC_TOLD_BYTES)));
    } else {
        PC_TRY(pc_buffer_print(&w->text, err, " %10s %14s", "", ""));
    }
    return pc_buffer_print(&w->text, err, " %10.2f", it->seconds * 1e3);
}

static pc_status print_totals(explain_work *w, const pc_query_profile *p, pc_error *err)
{
    const pc_read_counts *read = &p->counts.read;
    return pc_buffer_print(
        &w->text, err,
        "\n\nranks %d, shards %lld, blocks %lld, rows of blocks %lld\n"
        "chunks read %lld, skipped %lld; bytes read %lld, decoded %lld\n"
        "open %.2f ms, scan %.2f ms (slowest rank %.2f), reduce %.2f ms, finish %.2f ms\n",
        pc_comm_size(w->cli->comm), (long long)p->counts.shards, (long long)read->blocks,
        (long long)read->rows, told(w, read->chunks_read, PC_TOLD_CHUNKS),
        told(w, read->chunks_skipped, PC_TOLD_CHUNKS), told(w, read->bytes_read, PC_TOLD_BYTES),
        told(w, read->bytes_decoded, PC_TOLD_BYTES), p->open_s * 1e3, p->scan_s * 1e3,
        p->counts.seconds * 1e3, p->reduce_s * 1e3, p->finish_s * 1e3);
}

static pc_status print_profile(explain_work *w, const pc_query_profile *p, pc_error *err)
{
    const int ranks = pc_comm_size(w->cli->comm);
    if (pc_comm_rank(w->cli->comm) != 0) return PC_OK; // it alone has the sums
    PC_TRY(pc_buffer_print(&w->text, err, "\n%-*s %14s %12s %16s %14s %14s %10s %14s %10s",
                           STEP_WIDTH, "step", "likely rows", "chunks", "bytes", "rows in",
                           "rows out", "chunks", "bytes", "ms"));
    for (int i = 0; i < p->node_count; i++) {
        const pc_op_profile *n = &p->node[i];
        const bool is_scan = n->node->kind == PC_PLAN_SCAN && n->node->of.scan.reference < 0;
        const pc_op_share all = {n->rows_in, n->rows_out, n->chunks_read, n->bytes_read,
                                 n->seconds};
        PC_TRY(print_estimates(w, n->node, n->depth, node_name(n->node), err));
        PC_TRY(print_share(w, is_scan, &all, err));
        for (int r = 0; r < ranks && ranks > 1 && ranks <= RANKS_SHOWN; r++) {
            PC_TRY(pc_buffer_print(&w->text, err, "\n%*srank %-*d", STEP_WIDTH + 36, "", 8, r));
            PC_TRY(print_share(w, is_scan, &p->share[r * p->node_count + i], err));
        }
    }
    return print_totals(w, p, err);
}

static pc_status analyze(explain_work *w, pc_error *err)
{
    pc_cli *cli = w->cli;
    const pc_query_run run = {.store = w->store,
                              .catalog = w->catalog,
                              .query = w->query,
                              .budget = &cli->budget,
                              .log = &cli->log,
                              .scratch = w->scratch};
    pc_query_profile profile;
    pc_result result; // not shown: the profile is
    const pc_status status = pc_query_execute(cli->comm, &run, &cli->arena, &result, &profile, err);
    if (status != PC_OK) return status;
    return pc_comm_agree(cli->comm, print_profile(w, &profile, err), err);
}

static pc_status plan(explain_work *w, pc_error *err)
{
    pc_cli *cli = w->cli;
    w->scratch = pc_cli_scratch(cli, w->store_path, err);
    if (w->scratch == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_store_open(w->store_path, &cli->budget, &w->store, err));
    PC_TRY(pc_catalog_of_store(w->store, &cli->arena, &w->catalog, err));
    const bool protect = !pc_cli_has(cli, "unprotected");
    PC_TRY(pc_sql_plan(cli->operand[0], w->catalog, protect, &cli->arena, &w->query, err));
    for (int i = 0; i < w->query->scalar_count; i++) {
        PC_TRY(pc_buffer_print(&w->text, err, "value %d:\n", i + 1));
        PC_TRY(pc_plan_print(w->query->scalar[i].plan, w->catalog, &w->text, err));
    }
    PC_TRY(pc_plan_print(w->query->root, w->catalog, &w->text, err));
    PC_TRY(print_reduction(w, err));
    const bool is_shown = pc_comm_rank(cli->comm) == 0 && !pc_cli_has(cli, "analyze");
    return is_shown ? print_likely(w, err) : PC_OK;
}

static pc_status explain_sql(explain_work *w, pc_error *err)
{
    pc_cli *cli = w->cli;
    const bool runs = pc_cli_has(cli, "analyze");
    pc_audit audit = {.record = {.store = w->store_path, .subject = cli->operand[0]}};
    pc_status status = PC_OK;
    if (runs) status = pc_audit_begin(cli, &audit, err);
    if (status != PC_OK) return status;
    status = pc_comm_agree(cli->comm, plan(w, err), err);
    if (status == PC_OK && runs) status = analyze(w, err);
    if (status == PC_OK) {
        status = pc_cli_write(cli, (pc_span){w->text.data, w->text.bytes}, err);
        status = pc_comm_agree(cli->comm, status, err);
    }
    return runs ? pc_audit_end(cli, &audit, status, err) : status;
}

static pc_status explain_study(explain_work *w, pc_error *err)
{
    pc_cli *cli = w->cli;
    if (pc_cli_has(cli, "analyze")) {
        return PC_FAIL(err, PC_UNSUPPORTED,
                       "option '--analyze' is for queries; the manifest.json "
                       "of a run tells what a study read");
    }
    pc_study_options options;
    PC_TRY(pc_cli_study(cli, cli->operand[0], &options, err));
    PC_TRY(pc_study_explain(&options, &w->text, err));
    return pc_cli_write(cli, (pc_span){w->text.data, w->text.bytes}, err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    explain_work w = {.cli = cli, .store_path = pc_cli_value(cli, "store")};
    w.text.budget = &cli->budget;
    pc_status status = PC_OK;
    if (w.store_path == NULL) {
        status = PC_FAIL(err, PC_BAD_JOB,
                         "option '--store' is missing; see 'parcours help "
                         "explain'");
    } else if (names_a_study(cli->operand[0])) {
        if (pc_comm_rank(cli->comm) == 0) status = explain_study(&w, err);
        status = pc_comm_agree(cli->comm, status, err);
    } else {
        status = explain_sql(&w, err);
    }
    pc_buffer_release(&w.text);
    pc_store_close(w.store);
    return status;
}

const pc_command pc_command_explain = {
    .name = "explain",
    .summary = "says what a query or a study reads",
    .operands = "STUDY.json|\"SELECT ...\" --store STORE",
    .detail =
        "The plan: tables, columns, predicates that are pushed into the scan, and where the\n"
        "ranks' states are reduced; for each step the rows that it is likely to give, and the\n"
        "chunks and bytes that a scan is likely to read. With --analyze the query is run and each\n"
        "step tells, beside that, its true rows (to the nearest thousand), chunks, bytes (in "
        "steps\n"
        "of 16 chunks and 16 MiB) and time, of each rank too. The time of a step is that of the "
        "slowest rank.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
