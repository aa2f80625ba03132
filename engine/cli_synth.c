/** parcours synth: a synthetic delivery. */
#include <stdio.h>
#include <string.h>
#include "parcours/cli.h"
#include "parcours/synth.h"

static const pc_option option[] = {
    {"patients", "N", "how many people", false},
    {"years", "FROM:TO", "years of care, such as 2019:2021", false},
    {"seed", "S", "a whole number (0)", false},
    {"out", "DIR", "folder of the delivery, missing or empty", false},
    {"columns", "WHICH", "all or core (core)", false},
    {"slice", "K/N", "only the Kth of N equal parts of the people (1/1)", false},
    {"messy", NULL, "plants the defects of real deliveries, counted in truth.json", false},
};

// "2019:2021", or one year.
static pc_status read_years(const char *text, int *first, int *last, pc_error *err)
{
    const char *colon = strchr(text, ':');
    const size_t first_bytes = colon == NULL ? strlen(text) : (size_t)(colon - text);
    int64_t from = 0;
    int64_t to = 0;
    bool good = pc_int_parse((pc_span){text, first_bytes}, &from);
    to = from;
    if (good && colon != NULL) good = pc_int_parse(pc_span_of(colon + 1), &to);
    if (!good || from < PC_SYNTH_FIRST_YEAR || to > PC_SYNTH_LAST_YEAR || from > to) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "option '--years': '%s' is not FROM:TO with years of %d to %d", text,
                       (int)PC_SYNTH_FIRST_YEAR, (int)PC_SYNTH_LAST_YEAR);
    }
    *first = (int)from;
    *last = (int)to;
    return PC_OK;
}

// "3/8": which patients of all are made. Deliveries of all parts hold those of one of all people.
static pc_status read_slice(pc_cli *cli, pc_synth_options *o, pc_error *err)
{
    const char *text = pc_cli_value(cli, "slice");
    if (text == NULL) return PC_OK;
    const char *bar = strchr(text, '/');
    int64_t part = 0;
    int64_t parts = 0;
    const bool good = bar != NULL && pc_int_parse((pc_span){text, (size_t)(bar - text)}, &part) &&
                      pc_int_parse(pc_span_of(bar + 1), &parts);
    if (!good || part < 1 || part > parts || parts > o->patients) {
        return PC_FAIL(
            err, PC_BAD_JOB,
            "option '--slice': '%s' is not K/N with K of 1 to N and N at most --patients", text);
    }
    o->from = o->patients * (part - 1) / parts;
    o->to = o->patients * part / parts;
    return PC_OK;
}

static pc_status read_options(pc_cli *cli, pc_synth_options *o, pc_error *err)
{
    static const char *const columns[] = {"core", "all"};
    static const char *const needed[] = {"patients", "years", "out"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (pc_cli_value(cli, needed[i]) == NULL) {
            return PC_FAIL(err, PC_BAD_JOB, "option '--%s' is missing; see 'parcours help synth'",
                           needed[i]);
        }
    }
    int64_t seed = 0;
    int all = 0;
    PC_TRY(pc_cli_int(cli, "patients", 1, &o->patients, err));
    PC_TRY(pc_cli_int(cli, "seed", 0, &seed, err));
    PC_TRY(pc_cli_choice(cli, "columns", columns, 2, &all, err));
    PC_TRY(read_years(pc_cli_value(cli, "years"), &o->first_year, &o->last_year, err));
    if (o->patients > PC_SYNTH_MAX_PATIENTS) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--patients': at most %d",
                       (int)PC_SYNTH_MAX_PATIENTS);
    }
    o->seed = (uint64_t)seed;
    o->all_columns = all == 1;
    return read_slice(cli, o, err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_synth_options options = {.messy = pc_cli_has(cli, "messy"),
                                .out_dir = pc_cli_value(cli, "out"),
                                .share_dir = cli->share,
                                .budget = &cli->budget};
    const pc_status status = pc_comm_agree(cli->comm, read_options(cli, &options, err), err);
    if (status != PC_OK) return status;
    return pc_synth_run(cli->comm, &options, &cli->log, err);
}

const pc_command pc_command_synth = {
    .name = "synth",
    .summary = "writes a synthetic delivery in the SNDS's own form",
    .operands = "--patients N --years FROM:TO --out DIR",
    .detail =
        "Makes people who do not exist and the claims, stays and causes of death that they\n"
        "would have left, as CSV files with the SNDS's names and columns, and truth.json, which\n"
        "says what a study must find. The bytes depend on the options alone, not on the number\n"
        "of ranks.\n",
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
