/** parcours omop: an SNDS store as tables of the OMOP CDM. */
#include "cli_journal.h"
#include "omop.h"

static const pc_option option[] = {
    {"out", "DIR", "folder of the files; they hold persons", false},
    {"mapping", "FILE", "codes to concepts, as SOURCE_TO_CONCEPT_MAP (without: concept 0)", false},
    {"tables", "FILE", "the list of tables and their queries (the shipped one of the SNDS)", false},
};

static pc_status prepare(pc_cli *cli, pc_omop_options *out, pc_error *err)
{
    *out = (pc_omop_options){.store = cli->operand[0],
                             .out = pc_cli_value(cli, "out"),
                             .tables = pc_cli_value(cli, "tables"),
                             .mapping = pc_cli_value(cli, "mapping"),
                             .budget = &cli->budget};
    if (out->out == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--out' is needed; see 'parcours help omop'");
    }
    if (out->tables == NULL) out->tables = pc_cli_path(cli, cli->share, "omop/snds.json", err);
    out->scratch = pc_cli_scratch(cli, out->store, err);
    return out->tables == NULL || out->scratch == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_omop_options options = {0};
    pc_status status = pc_comm_agree(cli->comm, prepare(cli, &options, err), err);
    if (status != PC_OK) return status;
    pc_audit audit = {
        .record = {.store = options.store, .subject = options.tables, .unprotected = true}};
    status = pc_audit_begin(cli, &audit, err);
    if (status != PC_OK) return status;
    audit.record.output = options.out;
    status = pc_omop_write(cli->comm, &options, &cli->log, err);
    return pc_audit_end(cli, &audit, status, err);
}

const pc_command pc_command_omop = {
    .name = "omop",
    .summary = "writes a store as tables of the OMOP CDM",
    .operands = "STORE --out DIR [--mapping FILE]",
    .detail = "One CSV file a table, rows of persons: a store's content, for people entitled to "
              "it. Load\nthem with 'parcours ingest --model omop --in DIR'.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
