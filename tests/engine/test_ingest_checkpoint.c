/** Records of finished shards: taken over by the same ingest, and by no other; one that is damaged
 *  anywhere is as if it were not there. tests/jobs/test_resume.sh kills whole ingests. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engine/ingest/ingest_job.h"
#include "engine/ingest/report.h"
#include "test_main.h"

enum { SHARDS = 4, TABLES = 3, SHARD = 2, REJECTS = 5, PATH_BYTES = 128 };

static pc_comm *open_comm(void)
{
    int argc = 0;
    char *words[] = {NULL};
    char **argv = words;
    static pc_comm *comm; // MPI can be started once in a process
    if (comm == NULL) comm = pc_comm_open(&argc, &argv);
    return comm;
}

static void store_path(char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "/tmp/parcours_test_checkpoint_%d", (int)getpid());
}

static void record_path(int shard, char out[PATH_BYTES])
{
    char store[PATH_BYTES];
    store_path(store);
    CU_ASSERT(snprintf(out, PATH_BYTES, "%.64s/.done/%04x", store, (unsigned)shard) > 0);
}

/** As much of an ingest as checkpoints look at. */
typedef struct small_job {
    ingest_job job;
    ingest_table table[TABLES];
    report_table reported[TABLES];
    ingest_report report;
    pc_model_table model_table[TABLES];
    pc_model model;
    pc_ingest_options options;
    pc_log log;
    int64_t first_unit[1];
    char store[PATH_BYTES];
} small_job;

static void begin_job(small_job *s, pc_budget *budget)
{
    *s = (small_job){0};
    store_path(s->store);
    s->options.store = s->store;
    s->log.quiet = true;
    s->model = (pc_model){.table_count = TABLES, .table = s->model_table};
    s->report.table = s->reported;
    s->job = (ingest_job){.comm = open_comm(),
                          .ranks = 1,
                          .options = &s->options,
                          .log = &s->log,
                          .budget = budget,
                          .arena.budget = budget,
                          .model = &s->model,
                          .table = s->table,
                          .report = &s->report,
                          .first_unit = s->first_unit,
                          .shard_count = SHARDS,
                          .part.budget = budget,
                          .written_report.budget = budget};
    for (int t = 0; t < TABLES; t++)
        s->table[t].rejected.budget = budget;
}

static void end_job(small_job *s)
{
    for (int t = 0; t < TABLES; t++)
        pc_buffer_release(&s->table[t].rejected);
    pc_buffer_release(&s->job.part);
    pc_buffer_release(&s->job.written_report);
    pc_arena_reset(&s->job.arena);
    CU_ASSERT_EQUAL(s->job.budget->used_bytes, 0);
}

// A shard is written: two counts change and rows are rejected. There were others before.
static void write_record(void)
{
    small_job s;
    pc_budget budget = {0};
    pc_error err = {0};
    checkpoint mark = {0};
    begin_job(&s, &budget);
    CU_ASSERT_EQUAL(checkpoint_open(&s.job, &err), PC_OK);
    s.table[0].count[COUNT_STORED] = 1000;
    CU_ASSERT_EQUAL(checkpoint_begin(&s.job, &mark, &err), PC_OK);
    s.table[0].count[COUNT_STORED] += 70;
    s.table[2].count[COUNT_ORPHAN] += 7;
    for (int i = 0; i < REJECTS; i++) {
        const pc_rejected rejected = {.source = pc_row_source(0, 100 * i), .column = -1};
        CU_ASSERT_EQUAL(pc_buffer_append(&s.table[1].rejected, &rejected, sizeof rejected, &err),
                        PC_OK);
    }
    CU_ASSERT_EQUAL(checkpoint_end(&s.job, &mark, SHARD, NULL, &err), PC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    end_job(&s);
}

// What a resumed ingest makes of the records: the shards that it takes for written.
static int64_t resume(uint32_t content, bool looks)
{
    small_job s;
    pc_budget budget = {0};
    pc_error err = {0};
    begin_job(&s, &budget);
    memcpy(s.job.plan_digest.byte, &content, sizeof content);
    CU_ASSERT_EQUAL(checkpoint_open(&s.job, &err), PC_OK);
    int64_t written = 0, counted = 0;
    for (int i = 0; i < SHARDS; i++)
        written += s.job.is_written[i] << (8 * i);
    for (int t = 0; t < TABLES; t++) {
        for (int i = 0; i < COUNT_END; i++)
            counted += s.table[t].count[i];
    }
    CU_ASSERT_EQUAL(counted, written == 0 ? 0 : 77);
    if (looks) {
        CU_ASSERT_EQUAL(s.table[0].count[COUNT_STORED], 70);
        CU_ASSERT_EQUAL(s.table[2].count[COUNT_ORPHAN], 7);
        CU_ASSERT_EQUAL(s.table[1].rejected.bytes, REJECTS * sizeof(pc_rejected));
        CU_ASSERT_EQUAL(s.job.part.bytes, 0);
    }
    end_job(&s);
    return written;
}

static size_t read_bytes(char *out, size_t room)
{
    char path[PATH_BYTES];
    record_path(SHARD, path);
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    const size_t bytes = fread(out, 1, room, file);
    (void)fclose(file);
    return bytes;
}

static void write_bytes(int shard, const char *data, size_t bytes)
{
    char path[PATH_BYTES];
    record_path(shard, path);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(data, 1, bytes, file), bytes);
    (void)fclose(file);
}

static void remove_all(void)
{
    char path[PATH_BYTES], store[PATH_BYTES];
    for (int shard = 0; shard < SHARDS; shard++) {
        record_path(shard, path);
        (void)unlink(path);
    }
    store_path(store);
    (void)snprintf(path, sizeof path, "%.64s/.done", store);
    (void)rmdir(path);
    (void)rmdir(store);
}

static void test_records(void)
{
    enum { ONE = 1 << (8 * SHARD), MOST = 65536 };
    static char record[MOST], changed[MOST];
    char store[PATH_BYTES];
    store_path(store);
    CU_ASSERT_EQUAL(mkdir(store, 0700), 0);
    write_record();
    CU_ASSERT_EQUAL(resume(0, true), ONE);
    CU_ASSERT_EQUAL(resume(1, false), 0); // another delivery
    const size_t bytes = read_bytes(record, MOST);
    CU_ASSERT(bytes > 100 && bytes < MOST);
    for (size_t at = 0; at < bytes; at += 1 + bytes / 60) {
        memcpy(changed, record, bytes);
        changed[at] = (char)(changed[at] ^ 0x10);
        write_bytes(SHARD, changed, bytes);
        CU_ASSERT_EQUAL(resume(0, false), 0);
        write_bytes(SHARD, record, at);
        CU_ASSERT_EQUAL(resume(0, false), 0);
    }
    write_bytes(SHARD, record, bytes);
    write_bytes(SHARD + 1, record, bytes); // the record of another shard
    CU_ASSERT_EQUAL(resume(0, true), ONE);
    remove_all();
}

static void test_any_request_may_be_refused(void)
{
    char store[PATH_BYTES];
    store_path(store);
    CU_ASSERT_EQUAL(mkdir(store, 0700), 0);
    write_record();
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 20; limit += 1 + limit / 4) {
        small_job s;
        pc_budget budget = {.limit_bytes = limit};
        pc_error err = {0};
        begin_job(&s, &budget);
        status = checkpoint_open(&s.job, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        end_job(&s);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    remove_all();
}

PC_TEST_MAIN("ingest_checkpoint", {"records of finished shards", test_records},
             {"any request for memory may be refused", test_any_request_may_be_refused});
