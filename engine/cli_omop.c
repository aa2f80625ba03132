/** parcours omop: an SNDS store as tables of the OMOP CDM. */
#include <string.h>
#include "cli_journal.h"
#include "omop.h"

static const pc_option option[] = {
    {"out", "DIR", "folder of the files, or of the store; they hold persons", false},
    {"as", "FORM", "csv, or store: a store of model omop (csv)", false},
    {"mapping", "FILE", "codes to concepts, as SOURCE_TO_CONCEPT_MAP (without: concept 0)", false},
    {"tables", "FILE", "the list of tables and their queries (the shipped one of the SNDS)", false},
    {"vocabulary", "DIR", "with --as store: vocabulary files, which the store gets too", false},
    {"shards", "N", "with --as store: a power of two (as 'parcours ingest' chooses)", false},
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

/** Files stand beside the store, not in it. */
static pc_status name_folder(pc_cli *cli, pc_omop_store_options *out, pc_error *err)
{
    static const char suffix[] = ".tables";
    size_t bytes = strlen(out->omop.out);
    while (bytes > 1 && out->omop.out[bytes - 1] == '/')
        bytes--;
    char *folder = pc_arena_take(&cli->arena, bytes + sizeof suffix, err);
    if (folder == NULL) return PC_NO_MEMORY;
    memcpy(folder, out->omop.out, bytes);
    memcpy(folder + bytes, suffix, sizeof suffix);
    out->folder = folder;
    return PC_OK;
}

/** What only a store needs; `is_store` false: files are asked for. */
static pc_status prepare_store(pc_cli *cli, pc_omop_store_options *out, bool *is_store,
                               pc_error *err)
{
    const char *form = pc_cli_value(cli, "as");
    PC_TRY(prepare(cli, &out->omop, err));
    *is_store = form != NULL && strcmp(form, "store") == 0;
    if (form != NULL && !*is_store && strcmp(form, "csv") != 0) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--as': '%s' is neither csv nor store", form);
    }
    out->vocabulary = pc_cli_value(cli, "vocabulary");
    if (!*is_store && (out->vocabulary != NULL || pc_cli_has(cli, "shards"))) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "options '--vocabulary' and '--shards' are of '--as store'");
    }
    PC_TRY(pc_cli_int(cli, "shards", 1, &out->shards, err));
    out->share = cli->share;
    out->scratch = cli->scratch;
    return name_folder(cli, out, err);
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_omop_store_options store = {.shards = 0};
    const pc_omop_options *options = &store.omop;
    bool is_store = false;
    pc_status status = pc_comm_agree(cli->comm, prepare_store(cli, &store, &is_store, err), err);
    if (status != PC_OK) return status;
    pc_audit audit = {
        .record = {.store = options->store, .subject = options->tables, .unprotected = true}};
    status = pc_audit_begin(cli, &audit, err);
    if (status != PC_OK) return status;
    audit.record.output = options->out;
    status = is_store ? pc_omop_store(cli->comm, &store, &cli->log, err)
                      : pc_omop_write(cli->comm, options, &cli->log, err);
    return pc_audit_end(cli, &audit, status, err);
}

const pc_command pc_command_omop = {
    .name = "omop",
    .summary = "writes a store as tables of the OMOP CDM",
    .operands = "STORE --out DIR [--mapping FILE]",
    .detail = "One CSV file a table, rows of persons: a store's content, for people entitled to "
              "it. With\n--as store they become a store of model omop, as 'parcours ingest "
              "--model omop' makes it.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
