/** parcours ingest: a delivery to a store. */
#include <unistd.h>
#include "cli_journal.h"
#include "parcours/ingest.h"
#include "parcours/text.h"
#include "report.h"

static const pc_option option[] = {
    {"model", "MODEL", "name of a shipped model, or a model file (snds)", false},
    {"in", "DIR", "folder of the delivery", false},
    {"store", "STORE", "folder of the store", false},
    {"shards", "N", "a power of two (input bytes / 512 MiB, 16 to 16384)", false},
    {"max-rejects", "PERCENT", "fails when a table has more rejected rows (no limit)", false},
    {"resume", NULL, "completes an unfinished store; nothing is done when it is complete", false},
    {"append", NULL, "adds the delivery, and extensions of --model, to a store that is there",
     false},
    {"replace", NULL, "the same; rows of files of the same names are taken out before", false},
};

enum { PERCENT_SCALE = 6, PERCENT_UNIT = 1000000 };

static pc_status read_max_rejects(const pc_cli *cli, double *out, pc_error *err)
{
    const char *text = pc_cli_value(cli, "max-rejects");
    *out = -1;
    if (text == NULL) return PC_OK;
    int64_t scaled = 0;
    const bool good = pc_decimal_parse(pc_span_of(text), PERCENT_SCALE, '.', &scaled);
    if (!good || scaled < 0 || scaled > (int64_t)100 * PERCENT_UNIT) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "option '--max-rejects': '%s' is not a percentage, 0 to 100", text);
    }
    *out = (double)scaled / PERCENT_UNIT;
    return PC_OK;
}

static pc_status read_options(const pc_cli *cli, pc_ingest_options *o, pc_error *err)
{
    if (o->in == NULL || o->store == NULL) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "options '--in' and '--store' are needed; see 'parcours help ingest'");
    }
    if (o->append && o->replace) {
        return PC_FAIL(err, PC_BAD_JOB, "options '--append' and '--replace': only one of them");
    }
    if (o->model == NULL && !o->append && !o->replace) o->model = "snds";
    PC_TRY(read_max_rejects(cli, &o->max_rejects, err));
    return pc_cli_int(cli, "shards", 1, &o->shards, err);
}

// The short report of what came. Local.
static pc_status tell(pc_cli *cli, const char *store, pc_error *err)
{
    if (pc_comm_rank(cli->comm) != 0 || cli->log.quiet) return PC_OK;
    pc_buffer text = {.budget = &cli->budget};
    pc_status status = pc_report_read(store, -1, false, &text, err);
    if (status == PC_OK) status = pc_cli_write(cli, (pc_span){text.data, text.bytes}, err);
    pc_buffer_release(&text);
    return status;
}

/** A store that is there is changed: its journal tells when, by whom and with what. */
static pc_status run_journalled(pc_cli *cli, const pc_ingest_options *options, const char *subject,
                                pc_error *err)
{
    const char *manifest = pc_cli_path(cli, options->store, "store.json", err);
    pc_status found = manifest == NULL ? PC_NO_MEMORY : PC_OK;
    if (found == PC_OK && access(manifest, F_OK) != 0) {
        found = PC_FAIL(err, PC_BAD_JOB,
                        "store '%s' is not there, or not finished: %s changes one that is",
                        options->store, cli->command->name);
    }
    PC_TRY(pc_comm_agree(cli->comm, found, err));
    pc_audit audit = {.record = {.store = options->store, .subject = subject}};
    PC_TRY(pc_audit_begin(cli, &audit, err));
    const pc_status status = pc_ingest_run(cli->comm, options, &cli->log, err);
    return pc_audit_end(cli, &audit, status, err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_ingest_options options = {.model = pc_cli_value(cli, "model"),
                                 .in = pc_cli_value(cli, "in"),
                                 .store = pc_cli_value(cli, "store"),
                                 .resume = pc_cli_has(cli, "resume"),
                                 .append = pc_cli_has(cli, "append"),
                                 .replace = pc_cli_has(cli, "replace"),
                                 .scratch = cli->scratch,
                                 .share = cli->share,
                                 .budget = &cli->budget};
    const pc_status status = pc_comm_agree(cli->comm, read_options(cli, &options, err), err);
    if (status != PC_OK) return status;
    const bool changes = options.append || options.replace;
    PC_TRY(changes ? run_journalled(cli, &options, options.in, err)
                   : pc_ingest_run(cli->comm, &options, &cli->log, err));
    return pc_comm_agree(cli->comm, tell(cli, options.store, err), err);
}

static pc_status run_compact(pc_cli *cli, pc_error *err)
{
    const pc_ingest_options options = {.store = cli->operand[0],
                                       .compact = true,
                                       .max_rejects = -1,
                                       .scratch = cli->scratch,
                                       .share = cli->share,
                                       .budget = &cli->budget};
    return run_journalled(cli, &options, NULL, err);
}

const pc_command pc_command_ingest = {
    .name = "ingest",
    .summary = "turns a delivery of CSV files into a store",
    .operands = "--in DIR --store STORE",
    .detail =
        "Reads the files that the model knows by their names, finds the patient of each row and\n"
        "writes shards of whole patients. Each row that is not stored is kept in\n"
        "STORE/rejects with its file, line, column and reason. Files that match no pattern are\n"
        "listed and ignored.\n",
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};

const pc_command pc_command_compact = {
    .name = "compact",
    .summary = "writes the parts of each shard as one",
    .operands = "STORE",
    .detail =
        "Deliveries that were added stand in parts of their own, beside slots that they replaced.\n"
        "They are written as one part a shard; answers stay the same, and come sooner. What the\n"
        "store no longer needs is removed by the next command that changes it, so that readers\n"
        "of the old parts go on; compact once more removes it at once.\n",
    .least_operands = 1,
    .most_operands = 1,
    .run = run_compact};
