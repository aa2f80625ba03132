/** Words of a command line: options, operands, nearest names. No command is run. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "parcours/cli.h"
#include "parcours/signals.h"
#include "test_main.h"

enum { MOST_WORDS = 8 };

// Parses words up to the first NULL.
static pc_status parse(pc_cli *cli, pc_budget *budget, const char *const word[MOST_WORDS],
                       pc_error *err)
{
    int count = 0;
    while (count < MOST_WORDS && word[count] != NULL) {
        count++;
    }
    *cli = (pc_cli){.arena = {.budget = budget}};
    return pc_cli_parse(cli, count, word, err);
}

// The line is refused and the sentence has `part` in it.
static void check_refused(const char *part, const char *const word[MOST_WORDS])
{
    pc_budget budget = {0};
    pc_cli cli;
    pc_error err = {0};
    CU_ASSERT_EQUAL(parse(&cli, &budget, word, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, part));
    if (strstr(err.text, part) == NULL) printf("\n  %s\n", err.text);
    pc_arena_reset(&cli.arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_refused(void)
{
    check_refused("no command", (const char *const[MOST_WORDS]){NULL});
    check_refused("'ingest'", (const char *const[MOST_WORDS]){"injest"});
    check_refused("'--shards'", (const char *const[MOST_WORDS]){"ingest", "--shard", "4"});
    check_refused("'-x'", (const char *const[MOST_WORDS]){"ingest", "-x"});
    check_refused("needs a value", (const char *const[MOST_WORDS]){"ingest", "--shards"});
    check_refused("no value", (const char *const[MOST_WORDS]){"ingest", "--resume=1"});
    check_refused("twice", (const char *const[MOST_WORDS]){"ingest", "--in", "a", "--in", "b"});
    check_refused("one operand too many", (const char *const[MOST_WORDS]){"ingest", "a"});
    check_refused("too few operands", (const char *const[MOST_WORDS]){"info"});
    check_refused("not a size", (const char *const[MOST_WORDS]){"ingest", "--memory", "much"});
    check_refused("not a size", (const char *const[MOST_WORDS]){"ingest", "--memory", "0"});
    check_refused("auto, always, never",
                  (const char *const[MOST_WORDS]){"ingest", "--progress", "often"});
    check_refused("'--json'", (const char *const[MOST_WORDS]){"ingest", "--json"});
}

static void test_words(void)
{
    static const char *const word[MOST_WORDS] = {"--quiet", "info",   "--memory=1.5G",
                                                 "--",      "--json", NULL};
    pc_budget budget = {0};
    pc_cli cli;
    CU_ASSERT_EQUAL(parse(&cli, &budget, word, NULL), PC_OK);
    CU_ASSERT_STRING_EQUAL(cli.command->name, "info");
    CU_ASSERT_EQUAL(cli.operand_count, 1);
    CU_ASSERT_STRING_EQUAL(cli.operand[0], "--json"); // behind --: an operand
    CU_ASSERT(!pc_cli_has(&cli, "json"));
    CU_ASSERT(cli.log.quiet);
    CU_ASSERT_EQUAL(cli.budget.limit_bytes, (size_t)3 << 29);
    pc_arena_reset(&cli.arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_values(void)
{
    static const char *const word[MOST_WORDS] = {"ingest", "--shards", "64",  "--in",
                                                 "-",      "--store",  "a=b", NULL};
    pc_budget budget = {0};
    pc_cli cli;
    pc_error err = {0};
    int64_t shards = 0;
    CU_ASSERT_EQUAL(parse(&cli, &budget, word, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_cli_int(&cli, "shards", 1, &shards, &err), PC_OK);
    CU_ASSERT_EQUAL(shards, 64);
    CU_ASSERT_EQUAL(pc_cli_int(&cli, "shards", 65, &shards, &err), PC_BAD_JOB);
    CU_ASSERT_STRING_EQUAL(pc_cli_value(&cli, "in"), "-");
    CU_ASSERT_STRING_EQUAL(pc_cli_value(&cli, "store"), "a=b");
    CU_ASSERT_PTR_NULL(pc_cli_value(&cli, "model"));
    pc_arena_reset(&cli.arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// Every command's help names each of its options; no two options of a command are the same.
static void test_help(void)
{
    size_t count = 0;
    const pc_command *const *list = pc_command_list(&count);
    CU_ASSERT(count > 0);
    for (size_t i = 0; i < count; i++) {
        pc_buffer text = {0};
        CU_ASSERT_EQUAL(pc_cli_help(list[i], &text, NULL), PC_OK);
        CU_ASSERT_EQUAL(pc_buffer_append(&text, "", 1, NULL), PC_OK);
        CU_ASSERT_PTR_NOT_NULL(strstr(text.data, list[i]->name));
        for (int k = 0; k < list[i]->option_count; k++) {
            char name[64];
            (void)snprintf(name, sizeof name, "  --%s ", list[i]->option[k].name);
            const char *first = strstr(text.data, name);
            CU_ASSERT_PTR_NOT_NULL_FATAL(first);
            CU_ASSERT_PTR_NULL(strstr(first + 1, name));
        }
        CU_ASSERT_PTR_EQUAL(pc_command_find(list[i]->name), list[i]);
        pc_buffer_release(&text);
    }
}

static void test_wants_help(void)
{
    static const char *const lines[][MOST_WORDS] = {
        {"--help"}, {"-h"}, {"help"}, {"help", "ingest"}, {"ingest", "--help"}, {"ingest", "-h"}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        pc_budget budget = {0};
        pc_cli cli;
        CU_ASSERT_EQUAL(parse(&cli, &budget, lines[i], NULL), PC_OK);
        CU_ASSERT(cli.wants_help);
        CU_ASSERT_EQUAL(cli.command != NULL, i > 2);
        pc_arena_reset(&cli.arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
}

static void test_any_request_may_be_refused(void)
{
    static const char *const word[MOST_WORDS] = {"info", "--quiet", "store", NULL};
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit += 512) {
        pc_budget budget = {.limit_bytes = limit};
        pc_cli cli;
        status = parse(&cli, &budget, word, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_arena_reset(&cli.arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_signals(void)
{
    pc_stop_listen();
    CU_ASSERT(!pc_stop_requested());
    CU_ASSERT_EQUAL(raise(SIGUSR1), 0);
    CU_ASSERT(pc_stop_requested());
}

PC_TEST_MAIN("cli", {"wrong lines are refused", test_refused}, {"words", test_words},
             {"values", test_values}, {"help of every command", test_help},
             {"help is asked for in six ways", test_wants_help},
             {"any request may be refused", test_any_request_may_be_refused},
             {"a signal is a request to stop", test_signals});
