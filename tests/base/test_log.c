/** What stands on stderr, read back through a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parcours/json.h"
#include "parcours/log.h"
#include "test_main.h"

enum { CAUGHT_BYTES = 4096 };

typedef struct caught {
    FILE *file;
    int saved;
    char text[CAUGHT_BYTES];
} caught;

static void catch_begin(caught *c)
{
    (void)fflush(stderr);
    c->file = tmpfile();
    c->saved = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(c->file != NULL && c->saved >= 0);
    CU_ASSERT(dup2(fileno(c->file), STDERR_FILENO) >= 0);
}

static void catch_end(caught *c)
{
    (void)fflush(stderr);
    CU_ASSERT(dup2(c->saved, STDERR_FILENO) >= 0);
    (void)close(c->saved);
    rewind(c->file);
    c->text[fread(c->text, 1, CAUGHT_BYTES - 1, c->file)] = '\0';
    (void)fclose(c->file);
}

static int line_count(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void test_lines(void)
{
    const pc_log zero = {.rank = 0};
    const pc_log quiet = {.rank = 0, .quiet = true};
    const pc_log other = {.rank = 3};
    caught c = {0};
    catch_begin(&c);
    pc_log_line(&zero, PC_INFO, "open", "table=%s rows=%d", "ER_PHA_F", 12);
    pc_log_line(&quiet, PC_INFO, "open", "not shown");
    pc_log_line(&other, PC_INFO, "open", "not shown");
    pc_log_line(&other, PC_WARNING, "slow", "shard=%d", 7);
    pc_log_line(&quiet, PC_ERROR, "failed", "why=disk");
    catch_end(&c);
    CU_ASSERT_EQUAL(line_count(c.text), 3);
    CU_ASSERT_EQUAL(c.text[10], 'T');
    CU_ASSERT(strstr(c.text, "Z rank=0 info open table=ER_PHA_F rows=12\n") != NULL);
    CU_ASSERT(strstr(c.text, "Z rank=3 warning slow shard=7\n") != NULL);
    CU_ASSERT(strstr(c.text, "Z rank=0 error failed why=disk\n") != NULL);
    CU_ASSERT_PTR_NULL(strstr(c.text, "not shown"));
}

static void test_json_lines(void)
{
    const pc_log log = {.rank = 2, .json = true};
    caught c = {0};
    catch_begin(&c);
    pc_log_line(&log, PC_ERROR, "failed", "file=%s", "a\"b\n.csv");
    catch_end(&c);
    pc_json *root = NULL;
    CU_ASSERT_EQUAL(line_count(c.text), 1);
    CU_ASSERT_EQUAL(pc_json_parse(pc_span_of(c.text), "line", &root, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(pc_json_text(pc_json_get(root, "text")), "file=a\"b\n.csv");
    CU_ASSERT_STRING_EQUAL(pc_json_text(pc_json_get(root, "level")), "error");
    CU_ASSERT_EQUAL(pc_json_number(pc_json_get(root, "rank")), 2);
    pc_json_free(root);
}

static void run_phase(const pc_log *log, int64_t total)
{
    pc_progress progress;
    pc_progress_begin(&progress, log, "read", "rows", total);
    for (int64_t done = 0; done < 1000; done++) {
        pc_progress_set(&progress, done);
    }
    progress.shown_s -= 60; // a minute goes by
    pc_progress_set(&progress, 2000);
    pc_progress_end(&progress);
}

static void test_progress_in_a_batch_log(void)
{
    const pc_log shown[] = {{.rank = 0},
                            {.rank = 0, .quiet = true, .progress = PC_PROGRESS_ALWAYS}};
    const pc_log silent[] = {
        {.rank = 1}, {.rank = 0, .quiet = true}, {.rank = 0, .progress = PC_PROGRESS_NEVER}};
    for (int i = 0; i < 2; i++) {
        caught c = {0};
        catch_begin(&c);
        run_phase(&shown[i], 1500);
        catch_end(&c);
        CU_ASSERT_EQUAL(line_count(c.text), 2); // one after a minute, one at the end
        CU_ASSERT(strstr(c.text, "progress phase=read done=1500 total=1500 unit=rows") != NULL);
        CU_ASSERT(strstr(c.text, "phase_done phase=read done=1500") != NULL);
    }
    for (int i = 0; i < 3; i++) {
        caught c = {0};
        catch_begin(&c);
        run_phase(&silent[i], 0);
        catch_end(&c);
        CU_ASSERT_STRING_EQUAL(c.text, "");
    }
}

static void test_clock(void)
{
    const double before = pc_clock_s();
    CU_ASSERT(before > 0);
    CU_ASSERT(pc_clock_s() >= before);
}

PC_TEST_MAIN("log", {"lines", test_lines}, {"JSON lines", test_json_lines},
             {"progress in a batch log", test_progress_in_a_batch_log}, {"clock", test_clock});
