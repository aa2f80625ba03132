/** parcours lint and describe: what is odd in cohort definitions, and what they say. */
#include "circe/lint.h"
#include "circe/reach.h"
#include "parcours/cli.h"

static const pc_option lint_option[] = {
    {"store", "STORE", "also says which concepts this store lacks", false},
    {"mapping", "FILE", "with a store: which concepts these codes reach (SOURCE_TO_CONCEPT_MAP)",
     false},
};

/** The definitions of the command line, and what was said of them. */
typedef struct reading {
    pc_cli *cli;
    pc_store *store; // NULL: none was named
    circe_vocabulary vocabulary;
    pc_arena arena; // of the mapping
    pc_buffer text; // of the mapping
    bool has_mapping;
    pc_omop_mapping mapping;
    pc_buffer out;
    int warnings, errors;
} reading;

/** A definition that cannot be read is a line, and the next one is looked at. */
static pc_status note_error(reading *r, pc_status status, const pc_error *why, pc_error *err)
{
    if (status != PC_BAD_JOB && status != PC_UNSUPPORTED && status != PC_IO) {
        *err = *why;
        return status;
    }
    r->errors++;
    return pc_buffer_print(&r->out, err, "%s\n", why->text);
}

static pc_status lint_sets(reading *r, circe_concepts *concepts, const circe_sets *sets,
                           const char *file, pc_error *err)
{
    pc_error why = {0};
    const pc_status status = circe_concepts_expand(concepts, &r->vocabulary, &why);
    if (status != PC_OK) return note_error(r, status, &why, err);
    PC_TRY(pc_circe_lint_sets(concepts, sets, &r->vocabulary, file, &r->out, &r->warnings, err));
    const pc_circe_reach reach = {
        .file = file, .concepts = concepts, .vocabulary = &r->vocabulary, .mapping = &r->mapping};
    return r->has_mapping ? pc_circe_reach_sets(&reach, sets, &r->out, &r->warnings, err) : PC_OK;
}

static pc_status look_at(reading *r, const char *file, bool describes, pc_error *err)
{
    pc_arena arena = {.budget = &r->cli->budget};
    const pc_circe_options options = {.compatible = true}; // its faults are warnings at most
    circe_concepts *concepts = NULL;
    pc_circe_definition definition = {0};
    pc_json *json = NULL;
    pc_error why = {0};
    pc_status status = circe_concepts_new(&arena, &concepts, &why);
    if (status == PC_OK) {
        status = pc_circe_read(file, 1, &options, concepts, &arena, &definition, &why);
    }
    if (status == PC_OK) status = pc_json_read(file, &json, &why);
    if (status != PC_OK) {
        status = note_error(r, status, &why, err);
    } else if (describes) {
        status = pc_circe_describe(json, file, &r->out, err);
    } else {
        status = pc_circe_lint(json, file, &r->out, &r->warnings, err);
        if (status == PC_OK && r->store != NULL) {
            status = lint_sets(r, concepts, &definition.sets, file, err);
        }
    }
    pc_json_free(json);
    pc_arena_reset(&arena);
    return status;
}

static pc_status read_mapping(reading *r, pc_error *err)
{
    const char *path = pc_cli_value(r->cli, "mapping");
    if (path == NULL) return PC_OK;
    if (r->store == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "--mapping needs the vocabulary of a --store");
    }
    r->has_mapping = true;
    PC_TRY(pc_omop_mapping_text(path, &r->text, err));
    return pc_omop_mapping_read((pc_span){r->text.data, r->text.bytes}, path, &r->arena,
                                &r->mapping, err);
}

static pc_status look_at_all(reading *r, bool describes, pc_error *err)
{
    const char *path = describes ? NULL : pc_cli_value(r->cli, "store");
    if (path != NULL) {
        PC_TRY(pc_store_open(path, &r->cli->budget, &r->store, err));
        PC_TRY(circe_vocabulary_of(r->store, &r->vocabulary, err));
    }
    PC_TRY(describes ? PC_OK : read_mapping(r, err));
    for (int i = 0; i < r->cli->operand_count; i++) {
        if (describes && i > 0) PC_TRY(pc_buffer_append(&r->out, "\n", 1, err));
        PC_TRY(look_at(r, r->cli->operand[i], describes, err));
    }
    if (!describes) {
        PC_TRY(pc_buffer_print(&r->out, err, "%d definition%s, %d warning%s\n",
                               r->cli->operand_count, r->cli->operand_count == 1 ? "" : "s",
                               r->warnings, r->warnings == 1 ? "" : "s"));
    }
    PC_TRY(pc_cli_write(r->cli, (pc_span){r->out.data, r->out.bytes}, err));
    if (r->errors == 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "%d of %d definitions cannot be read", r->errors,
                   r->cli->operand_count);
}

static pc_status run(pc_cli *cli, bool describes, pc_error *err)
{
    pc_status status = PC_OK;
    if (pc_comm_rank(cli->comm) == 0) { // one reader is enough
        reading r = {.cli = cli,
                     .out.budget = &cli->budget,
                     .text.budget = &cli->budget,
                     .arena.budget = &cli->budget};
        status = look_at_all(&r, describes, err);
        pc_buffer_release(&r.out);
        pc_buffer_release(&r.text);
        pc_arena_reset(&r.arena);
        pc_store_close(r.store);
    }
    return pc_comm_agree(cli->comm, status, err);
}

static pc_status run_lint(pc_cli *cli, pc_error *err)
{
    return run(cli, false, err);
}

static pc_status run_describe(pc_cli *cli, pc_error *err)
{
    return run(cli, true, err);
}

const pc_command pc_command_lint = {
    .name = "lint",
    .summary = "says what is odd in OHDSI's cohort definitions",
    .operands = "DEFINITION.json...",
    .detail = "A line for each key that is ignored, each concept set that is unused, empty or "
              "missing, and\n"
              "each window or group that no event can fit. Errors end it with exit code 2.\n",
    .least_operands = 1,
    .most_operands = PC_CLI_MAX_WORDS,
    .option = lint_option,
    .option_count = sizeof lint_option / sizeof lint_option[0],
    .run = run_lint};

const pc_command pc_command_describe = {.name = "describe",
                                        .summary = "writes OHDSI's cohort definitions in English",
                                        .operands = "DEFINITION.json...",
                                        .detail = "Who enters, who is kept, until when.\n",
                                        .least_operands = 1,
                                        .most_operands = PC_CLI_MAX_WORDS,
                                        .option = NULL,
                                        .option_count = 0,
                                        .run = run_describe};
