/** Many queries over one store in one process, for the tests that compare thousands of them.
 *
 *      query_many STORE [LIMIT [SCRATCH]] <queries >results
 *
 *  Standard input holds the queries, a NUL behind each; LIMIT is the memory of each in bytes (0:
 *  any); with SCRATCH every state is put aside there. For each the output has a line "status
 * bytes", then so many bytes: the result as CSV (without disclosure control), or the error's
 * sentence. Runs under mpirun too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/exec.h"

enum { READ_BYTES = 64 * 1024 };

static pc_status read_all(pc_buffer *out, pc_error *err)
{
    for (size_t bytes = 1; bytes > 0;) {
        PC_TRY(pc_buffer_reserve(out, out->bytes + READ_BYTES, err));
        bytes = fread(out->data + out->bytes, 1, READ_BYTES, stdin);
        out->bytes += bytes;
    }
    return PC_OK;
}

/** What the queries share. */
typedef struct session {
    pc_comm *comm;
    const char *path;
    const char *scratch; // NULL: nothing is put aside
    pc_budget budget;
    pc_log log;
} session;

static pc_status plan(session *s, const char *sql, pc_arena *arena, pc_store **store,
                      pc_query_run *run, pc_error *err)
{
    PC_TRY(pc_store_open(s->path, &s->budget, store, err));
    run->store = *store;
    PC_TRY(pc_catalog_of_store(*store, arena, &run->catalog, err));
    return pc_sql_plan(sql, run->catalog, false, arena, &run->query, err);
}

static pc_status format_rows(void *context, const pc_result *rows, pc_buffer *text, pc_error *err)
{
    (void)context;
    pc_gate_counts counts = {0};
    return pc_result_write_piece(rows, PC_FORMAT_CSV, false, text, &counts, err);
}

static pc_status write_text(void *context, pc_span text, pc_error *err)
{
    return pc_buffer_append(context, text.data, text.bytes, err);
}

static pc_status run_query(session *s, const char *sql, pc_arena *arena, pc_store **store,
                           pc_buffer *text, pc_error *err)
{
    const pc_query_output output = {.context = text, .format = format_rows, .write = write_text};
    pc_query_run run = {.budget = &s->budget,
                        .log = &s->log,
                        .scratch = s->scratch,
                        .state_bytes = 1,
                        .output = &output};
    pc_status status = pc_comm_agree(s->comm, plan(s, sql, arena, store, &run, err), err);
    if (status != PC_OK) return status;
    pc_result result;
    pc_query_profile profile;
    status = pc_query_execute(s->comm, &run, arena, &result, &profile, err);
    pc_gate_counts counts;
    if (status == PC_OK && pc_comm_rank(s->comm) == 0 && profile.in_pieces) {
        // The header stands in front of what was written.
        pc_buffer rows = *text;
        *text = (pc_buffer){.budget = NULL};
        const pc_result head = {
            .schema = {run.query->visible_count, run.query->root->schema.field}};
        status = pc_result_write_head(&head, PC_FORMAT_CSV, text, err);
        if (status == PC_OK) status = pc_buffer_append(text, rows.data, rows.bytes, err);
        pc_buffer_release(&rows);
    } else if (status == PC_OK && pc_comm_rank(s->comm) == 0) {
        status = pc_result_write(&result, PC_FORMAT_CSV, false, text, &counts, err);
    }
    return pc_comm_agree(s->comm, status, err);
}

static void answer(session *s, const char *sql)
{
    pc_arena arena = {.budget = &s->budget};
    pc_buffer text = {.budget = NULL};
    pc_store *store = NULL;
    pc_error err = {0};
    const pc_status status = run_query(s, sql, &arena, &store, &text, &err);
    if (pc_comm_rank(s->comm) == 0) {
        const pc_span said =
            status == PC_OK ? (pc_span){text.data, text.bytes} : pc_span_of(err.text);
        (void)printf("%d %zu\n", (int)status, said.bytes);
        (void)fwrite(said.data, 1, said.bytes, stdout);
        (void)fflush(stdout); // so that a crash shows at which query
    }
    pc_buffer_release(&text);
    pc_store_close(store);
    pc_arena_reset(&arena);
    if (s->budget.used_bytes != 0) {
        (void)fprintf(stderr, "%zu bytes are not given back by: %s\n", s->budget.used_bytes, sql);
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    pc_memory_prepare();
    session s = {.comm = pc_comm_open(&argc, &argv),
                 .log = {.quiet = true, .progress = PC_PROGRESS_NEVER}};
    pc_buffer queries = {.budget = NULL};
    pc_error err = {0};
    pc_status status =
        argc < 2 ? PC_FAIL(&err, PC_BAD_JOB, "usage: query_many STORE [LIMIT [SCRATCH]]") : PC_OK;
    if (argc > 2) s.budget.limit_bytes = (size_t)strtoull(argv[2], NULL, 10);
    if (argc > 3) s.scratch = argv[3];
    s.path = argv[1];
    if (status == PC_OK && pc_comm_rank(s.comm) == 0) status = read_all(&queries, &err);
    status = pc_comm_agree(s.comm, status, &err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(s.comm, &queries, &err);
    for (size_t at = 0; status == PC_OK && at < queries.bytes;) {
        answer(&s, queries.data + at);
        at += strlen(queries.data + at) + 1;
    }
    if (status != PC_OK) (void)fprintf(stderr, "%s\n", err.text);
    pc_buffer_release(&queries);
    pc_comm_close(s.comm);
    return status == PC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
