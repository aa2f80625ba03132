/** parcours run: runs a study. */
#include <string.h>
#include "cli_journal.h"
#include "cli_study.h"
#include "parcours/release.h"

static const pc_option option[] = {
    {"store", "STORE", "the store that is read", false},
    {"out", "DIR", "folder of the results", false},
    {"set", "NAME=VALUE", "a parameter of the study", true},
    {"grid", "NAME=A,B,...", "the study with each value, in one pass: DIR/NAME=A ...", true},
    {"resume", NULL, "goes on where a run to DIR ended; nothing is done when it is complete",
     false},
    {"keep-going", NULL, "without shards that cannot be read: *.incomplete.csv, and exit code 1",
     false},
    {"unprotected", NULL, "without disclosure control; journalled", false},
};

static pc_status digest_manifest(pc_cli *cli, const char *out, char digest[PC_DIGEST_TEXT_BYTES],
                                 pc_error *err)
{
    const char *path = pc_cli_path(cli, out, "manifest.json", err);
    if (path == NULL) return PC_NO_MEMORY;
    return pc_file_hash(path, digest, err);
}

static pc_status prepare(pc_cli *cli, pc_study_options *options, pc_error *err)
{
    if (pc_cli_value(cli, "store") == NULL || pc_cli_value(cli, "out") == NULL) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "options '--store' and '--out' are needed; see 'parcours "
                       "help run'");
    }
    PC_TRY(pc_cli_study(cli, cli->operand[0], options, err));
    options->out = pc_cli_value(cli, "out");
    const char **grid =
        pc_arena_array(&cli->arena, (size_t)cli->given_count + 1, sizeof *grid, err);
    if (grid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].option->name, "grid") != 0) continue;
        grid[options->grid_count++] = cli->given[i].value;
    }
    options->grid = grid;
    options->unprotected = pc_cli_has(cli, "unprotected");
    options->resume = pc_cli_has(cli, "resume");
    options->keep_going = pc_cli_has(cli, "keep-going");
    return PC_OK;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_study_options options = {0};
    pc_status status = pc_comm_agree(cli->comm, prepare(cli, &options, err), err);
    if (status != PC_OK) return status;
    char study_digest[PC_DIGEST_TEXT_BYTES] = "";
    if (pc_comm_rank(cli->comm) == 0) status = pc_file_hash(options.study, study_digest, err);
    status = pc_comm_agree(cli->comm, status, err);
    if (status != PC_OK) return status;
    pc_audit audit = {.record = {.store = options.store,
                                 .subject = options.study,
                                 .subject_digest = study_digest,
                                 .set = options.set,
                                 .set_count = options.set_count}};
    status = pc_audit_begin(cli, &audit, err);
    if (status != PC_OK) return status;
    pc_study_outcome outcome = {0};
    status = pc_study_run(cli->comm, &options, &cli->log, &outcome, err);
    char digest[PC_DIGEST_TEXT_BYTES] = "";
    if (status == PC_OK && pc_comm_rank(cli->comm) == 0) {
        audit.record.output = options.out;
        audit.record.output_digest = digest;
        status = digest_manifest(cli, options.out, digest, err);
    }
    status = pc_comm_agree(cli->comm, status, err);
    status = pc_audit_end(cli, &audit, status, err);
    if (status != PC_OK || outcome.lost == 0) return status;
    return PC_FAIL(
        err, PC_BAD_INPUT,
        "%d shards are missing in the results: '%s/manifest.json' names them; once they can "
        "be read, --resume adds them",
        outcome.lost, options.out);
}

const pc_command pc_command_run = {
    .name = "run",
    .summary = "runs a study",
    .operands = "STUDY.json --store STORE --out DIR",
    .detail =
        "Reads each shard once and writes DIR/release (what may leave: one CSV a statistic,\n"
        "protection.json), DIR/control (true counts, for the output checker), DIR/cohorts (one\n"
        "HDF5 file a cohort, holds patients) and DIR/manifest.json. Until then DIR/checkpoint "
        "holds\n"
        "what is done: SIGUSR1 finishes the shards at hand and ends with exit code 75.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
