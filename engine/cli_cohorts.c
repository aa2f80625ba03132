/** parcours cohorts: cohorts of OHDSI's definitions. */
#include <string.h>
#include "circe/cohorts.h"
#include "cli_journal.h"
#include "parcours/release.h"

static const pc_option option[] = {
    {"out", "DIR", "folder of the results; definitions that it holds already are kept", false},
    {"vocabulary", "DIR", "of a store that is not of the OMOP CDM: Athena's files, or a store",
     false},
    {"mapping", "FILE", "with --vocabulary: codes to concepts (SOURCE_TO_CONCEPT_MAP)", false},
    {"tables", "FILE", "with --vocabulary: the list of tables (as 'parcours omop')", false},
    {"circe-compat", NULL, "reproduces faults of Circe that are refused otherwise", false},
    {"unprotected", NULL, "without disclosure control; journalled", false},
};

static pc_status prepare(pc_cli *cli, pc_cohorts_options *out, pc_error *err)
{
    if (pc_cli_value(cli, "out") == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--out' is needed; see 'parcours help cohorts'");
    }
    *out = (pc_cohorts_options){.store = cli->operand[0],
                                .out = pc_cli_value(cli, "out"),
                                .scratch = cli->scratch,
                                .path_count = cli->operand_count - 1,
                                .path = cli->operand + 1,
                                .share = cli->share,
                                .vocabulary = pc_cli_value(cli, "vocabulary"),
                                .mapping = pc_cli_value(cli, "mapping"),
                                .tables = pc_cli_value(cli, "tables"),
                                .compatible = pc_cli_has(cli, "circe-compat"),
                                .unprotected = pc_cli_has(cli, "unprotected"),
                                .budget = &cli->budget};
    if (out->tables != NULL && out->vocabulary == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--tables' needs --vocabulary and --mapping");
    }
    if (out->tables == NULL) out->tables = pc_cli_path(cli, cli->share, "omop/snds.json", err);
    return out->tables == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_cohorts_options options = {0};
    pc_status status = pc_comm_agree(cli->comm, prepare(cli, &options, err), err);
    if (status != PC_OK) return status;
    pc_audit audit = {.record = {.store = options.store,
                                 .subject = options.path[0],
                                 .set = options.path,
                                 .set_count = options.path_count}};
    status = pc_audit_begin(cli, &audit, err);
    if (status != PC_OK) return status;
    status = pc_cohorts_run(cli->comm, &options, &cli->log, err);
    char digest[PC_DIGEST_TEXT_BYTES] = "";
    if (status == PC_OK && pc_comm_rank(cli->comm) == 0) {
        const char *path = pc_cli_path(cli, options.out, "manifest.json", err);
        audit.record.output = options.out;
        audit.record.output_digest = digest;
        status = path == NULL ? PC_NO_MEMORY : pc_file_hash(path, digest, err);
    }
    status = pc_comm_agree(cli->comm, status, err);
    return pc_audit_end(cli, &audit, status, err);
}

const pc_command pc_command_cohorts = {
    .name = "cohorts",
    .summary = "runs OHDSI's cohort definitions",
    .operands = "STORE DEFINITION.json|FOLDER... --out DIR",
    .detail =
        "Evaluates definitions as Atlas or the PhenotypeLibrary export them, one or thousands, in\n"
        "one pass over a store of the OMOP CDM. Writes DIR/cohorts (cohort.csv and one HDF5 file "
        "a\n"
        "cohort: they hold persons), DIR/release and DIR/control (inclusion statistics and "
        "counts)\n"
        "and DIR/manifest.json. A definition's number is its file's name, else its position.\n",
    .least_operands = 2,
    .most_operands = PC_CLI_MAX_WORDS,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
