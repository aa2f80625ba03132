/** States of whole shards on disk: written, taken up by others, refused. One rank; several are in
 *  tests/jobs/test_resume_run.sh. */
#include "engine/study/checkpoint.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "test_main.h"

enum { SHARDS = 70 }; // more than a word of the bitmap

/** A start of a run: its checkpoint, and results with nothing but the rows of one cohort. */
typedef struct start {
    pc_budget budget;
    pc_nodes nodes;
    pc_node node;
    pc_cohort_rows_of_rank cohort;
    pc_results results;
    pc_log log;
    pc_checkpoint checkpoint;
} start;

static void begin(start *s, const char *folder, int rank)
{
    *s = (start){.log = {.rank = 1}}; // only rank 0 writes lines
    s->cohort = (pc_cohort_rows_of_rank){
        .node = &s->node, .rows = {.budget = &s->budget}, .pieces = {.budget = &s->budget}};
    s->results = (pc_results){
        .nodes = &s->nodes, .budget = &s->budget, .cohort_count = 1, .cohort = &s->cohort};
    s->checkpoint = (pc_checkpoint){.folder = folder,
                                    .study_hash = "study",
                                    .store_id = "store",
                                    .results = &s->results,
                                    .log = &s->log,
                                    .rank = rank,
                                    .shard_count = SHARDS,
                                    .arena = {.budget = &s->budget}};
}

static void end(start *s)
{
    pc_checkpoint_close(&s->checkpoint);
    pc_buffer_release(&s->cohort.rows);
    pc_buffer_release(&s->cohort.pieces);
    CU_ASSERT_EQUAL(s->budget.used_bytes, 0);
}

static pc_status open_as(pc_comm *comm, start *s, const char *folder, int rank, pc_error *err)
{
    pc_error why = {0};
    begin(s, folder, 0);
    const pc_status status = pc_checkpoint_open(comm, &s->checkpoint, err == NULL ? &why : err);
    s->checkpoint.rank = rank; // from here on it writes as this one
    return status;
}

/** The shard's rows are `text`; then it is whole. */
static void add_shard(start *s, int shard, const char *text)
{
    const pc_cohort_piece piece = {shard, (int64_t)s->cohort.rows.bytes, (int64_t)strlen(text), 1};
    s->checkpoint.in_shard = true;
    if (pc_buffer_append(&s->cohort.rows, text, strlen(text), NULL) != PC_OK ||
        pc_buffer_append(&s->cohort.pieces, &piece, sizeof piece, NULL) != PC_OK ||
        pc_checkpoint_shard(&s->checkpoint, shard, NULL) != PC_OK) {
        CU_FAIL("memory or disk");
    }
}

static bool is_done(const start *s, int shard)
{
    return (s->checkpoint.done[shard / 64] >> (shard % 64) & 1) != 0;
}

/** Is the text of a shard where its piece says. */
static bool has_rows(const start *s, int shard, const char *text)
{
    const pc_cohort_piece *piece = (const pc_cohort_piece *)(const void *)s->cohort.pieces.data;
    for (size_t i = 0; i < s->cohort.pieces.bytes / sizeof *piece; i++) {
        if (piece[i].shard != shard || piece[i].bytes != (int64_t)strlen(text)) continue;
        if (memcmp(s->cohort.rows.data + piece[i].first_byte, text, strlen(text)) == 0) return true;
    }
    return false;
}

static int count_files(const char *folder)
{
    int count = 0;
    DIR *open_folder = opendir(folder);
    for (const struct dirent *entry; open_folder != NULL;) {
        entry = readdir(open_folder);
        if (entry == NULL) break;
        count += entry->d_name[0] != '.';
    }
    if (open_folder != NULL) (void)closedir(open_folder);
    return count;
}

/** Two ranks leave the states of three shards. */
static void leave_states(pc_comm *comm, const char *folder)
{
    start s;
    CU_ASSERT_EQUAL(open_as(comm, &s, folder, 0, NULL), PC_OK);
    CU_ASSERT_EQUAL(s.checkpoint.shards_taken, 0);
    CU_ASSERT_EQUAL(pc_checkpoint_write(&s.checkpoint, NULL), PC_OK);
    CU_ASSERT_EQUAL(count_files(folder), 0); // no shard yet
    add_shard(&s, 3, "three");
    add_shard(&s, 69, "last");
    s.checkpoint.in_shard = true;
    CU_ASSERT_EQUAL(pc_checkpoint_write(&s.checkpoint, NULL), PC_OK);
    CU_ASSERT_EQUAL(count_files(folder), 0); // a part of a shard cannot be kept
    s.checkpoint.in_shard = false;
    CU_ASSERT_EQUAL(pc_checkpoint_write(&s.checkpoint, NULL), PC_OK);
    end(&s);
    begin(&s, folder, 1);
    uint64_t mine[2] = {0};
    s.checkpoint.generation = 1;
    s.checkpoint.mine = mine;
    s.checkpoint.written_s = pc_clock_s();
    add_shard(&s, 5, "five");
    CU_ASSERT_EQUAL(pc_checkpoint_write(&s.checkpoint, NULL), PC_OK);
    end(&s);
    CU_ASSERT_EQUAL(count_files(folder), 2);
}

static void make_folder(char folder[64])
{
    snprintf(folder, 64, "/tmp/pc_checkpoint_XXXXXX");
    if (mkdtemp(folder) == NULL) abort();
}

/** The name of the only file that ends so. */
static void find_file(const char *folder, const char *ending, char path[512])
{
    path[0] = '\0';
    DIR *open_folder = opendir(folder);
    for (const struct dirent *entry; open_folder != NULL;) {
        entry = readdir(open_folder);
        if (entry == NULL) break;
        const size_t bytes = strlen(entry->d_name), tail = strlen(ending);
        if (bytes < tail || strcmp(entry->d_name + bytes - tail, ending) != 0) continue;
        snprintf(path, 512, "%s/%s", folder, entry->d_name);
    }
    if (open_folder != NULL) (void)closedir(open_folder);
}

static pc_comm *ranks;

static void test_states_are_taken_up(void)
{
    char folder[64];
    start s;
    make_folder(folder);
    leave_states(ranks, folder);
    CU_ASSERT_EQUAL(open_as(ranks, &s, folder, 0, NULL), PC_OK);
    CU_ASSERT_EQUAL(s.checkpoint.shards_taken, 3);
    CU_ASSERT(is_done(&s, 3) && is_done(&s, 5) && is_done(&s, 69) && !is_done(&s, 4));
    CU_ASSERT(has_rows(&s, 3, "three") && has_rows(&s, 5, "five") && has_rows(&s, 69, "last"));
    // The next state holds them, and only it stays.
    add_shard(&s, 4, "four");
    CU_ASSERT_EQUAL(pc_checkpoint_write(&s.checkpoint, NULL), PC_OK);
    CU_ASSERT_EQUAL(count_files(folder), 1);
    struct stat about;
    char path[512];
    find_file(folder, ".state", path);
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    CU_ASSERT_EQUAL(about.st_mode & 0777, 0600);
    end(&s);
    CU_ASSERT_EQUAL(open_as(ranks, &s, folder, 0, NULL), PC_OK);
    CU_ASSERT_EQUAL(s.checkpoint.shards_taken, 4);
    CU_ASSERT(has_rows(&s, 4, "four") && has_rows(&s, 69, "last"));
    end(&s);
    pc_checkpoint_remove(folder);
    CU_ASSERT_NOT_EQUAL(stat(folder, &about), 0);
}

/** A start that was killed between naming its state and removing those that it took up. */
static void test_a_shard_is_taken_up_once(void)
{
    char folder[64], path[512], kept[520];
    start s;
    make_folder(folder);
    leave_states(ranks, folder);
    find_file(folder, "-000001.state", path);
    snprintf(kept, sizeof kept, "%s.kept", path);
    CU_ASSERT_EQUAL(link(path, kept), 0);
    CU_ASSERT_EQUAL(open_as(ranks, &s, folder, 0, NULL), PC_OK);
    add_shard(&s, 9, "nine");
    CU_ASSERT_EQUAL(pc_checkpoint_write(&s.checkpoint, NULL), PC_OK);
    end(&s);
    CU_ASSERT_EQUAL(rename(kept, path), 0); // the older state is there again
    CU_ASSERT_EQUAL(open_as(ranks, &s, folder, 0, NULL), PC_OK);
    CU_ASSERT_EQUAL(s.checkpoint.shards_taken, 4);
    CU_ASSERT_EQUAL(s.cohort.pieces.bytes, 4 * sizeof(pc_cohort_piece));
    end(&s);
    pc_checkpoint_remove(folder);
}

/** Whatever byte is wrong, nothing of the file is used; another study's is refused by name. */
static void test_damaged_and_foreign_states(void)
{
    char folder[64], path[512];
    start s;
    make_folder(folder);
    leave_states(ranks, folder);
    find_file(folder, "-000000.state", path);
    struct stat about;
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    const int file = open(path, O_RDWR);
    for (off_t at = about.st_size - 1; at >= 0; at -= 7) {
        char byte = 0;
        CU_ASSERT_EQUAL(pread(file, &byte, 1, at), 1);
        byte = (char)(byte ^ 0x20);
        CU_ASSERT_EQUAL(pwrite(file, &byte, 1, at), 1);
        pc_error err = {0};
        const pc_status status = open_as(ranks, &s, folder, 0, &err);
        CU_ASSERT(status == PC_BAD_JOB || (status == PC_OK && s.checkpoint.shards_taken == 1));
        if (status == PC_BAD_JOB) CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "name another folder"));
        end(&s);
        byte = (char)(byte ^ 0x20);
        CU_ASSERT_EQUAL(pwrite(file, &byte, 1, at), 1);
    }
    CU_ASSERT_EQUAL(ftruncate(file, about.st_size / 2), 0);
    (void)close(file);
    CU_ASSERT_EQUAL(open_as(ranks, &s, folder, 0, NULL), PC_OK);
    CU_ASSERT_EQUAL(s.checkpoint.shards_taken, 1);
    end(&s);
    begin(&s, folder, 0);
    s.checkpoint.study_hash = "other";
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_checkpoint_open(ranks, &s.checkpoint, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "of another study, store or setting"));
    end(&s);
    pc_checkpoint_remove(folder);
}

/** Bytes of another kind: whole or not at all. */
static void test_kept_bytes(void)
{
    char folder[64], path[512];
    start s;
    bool is_there = true;
    make_folder(folder);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    begin(&s, folder, 0);
    pc_buffer out = {.budget = &s.budget};
    CU_ASSERT_EQUAL(pc_checkpoint_kept(&s.checkpoint, "a.matched", &out, &is_there, NULL), PC_OK);
    CU_ASSERT_FALSE(is_there);
    CU_ASSERT_EQUAL(pc_checkpoint_keep(&s.checkpoint, "a.matched", pc_span_of("sets"), NULL),
                    PC_OK);
    CU_ASSERT_EQUAL(pc_checkpoint_kept(&s.checkpoint, "a.matched", &out, &is_there, NULL), PC_OK);
    CU_ASSERT(is_there && out.bytes == 4 && memcmp(out.data, "sets", 4) == 0);
    s.checkpoint.store_id = "other";
    pc_error err = {0};
    out.bytes = 0;
    CU_ASSERT_EQUAL(pc_checkpoint_kept(&s.checkpoint, "a.matched", &out, &is_there, &err),
                    PC_BAD_JOB);
    s.checkpoint.store_id = "store";
    find_file(folder, ".matched", path);
    CU_ASSERT_EQUAL(truncate(path, 200), 0);
    out.bytes = 0;
    CU_ASSERT_EQUAL(pc_checkpoint_kept(&s.checkpoint, "a.matched", &out, &is_there, NULL), PC_OK);
    CU_ASSERT(!is_there && out.bytes == 0);
    pc_buffer_release(&out);
    end(&s);
    pc_checkpoint_remove(folder);
}

static void test_any_request_may_be_refused(void)
{
    char folder[64];
    make_folder(folder);
    leave_states(ranks, folder);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < 1 << 20; limit += 64) {
        start s;
        pc_error err = {0};
        begin(&s, folder, 0);
        s.budget.limit_bytes = limit;
        status = pc_checkpoint_open(ranks, &s.checkpoint, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        end(&s);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    pc_checkpoint_remove(folder);
    start s;
    pc_error err = {0};
    CU_ASSERT_EQUAL(open_as(ranks, &s, "/tmp/pc_checkpoint_no/such/folder", 0, &err), PC_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot make the folder"));
    end(&s);
}

int main(int argc, char **argv)
{
    static const pc_test test[] = {
        {"states are taken up", test_states_are_taken_up},
        {"a shard is taken up once", test_a_shard_is_taken_up_once},
        {"damaged and foreign states", test_damaged_and_foreign_states},
        {"bytes of another kind", test_kept_bytes},
        {"any request for memory may be refused", test_any_request_may_be_refused}};
    ranks = pc_comm_open(&argc, &argv);
    const unsigned failures =
        pc_test_run("checkpoint", test, sizeof test / sizeof test[0], CU_BRM_VERBOSE);
    pc_comm_close(ranks);
    return failures == 0 ? 0 : 1;
}
