/** parcours check: validates a study. */
#include <string.h>
#include "cli_study.h"

static const pc_option option[] = {
    {"store", "STORE", "also says what this store lacks", false},
    {"model", "MODEL", "without a store: the model's name or file (snds)", false},
    {"set", "NAME=VALUE", "a parameter of the study", true},
};

pc_status pc_cli_study(pc_cli *cli, const char *study, pc_study_options *out, pc_error *err)
{
    const char **set = pc_arena_array(&cli->arena, (size_t)cli->given_count + 1, sizeof *set, err);
    if (set == NULL) return PC_NO_MEMORY;
    int set_count = 0;
    for (int i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].option->name, "set") == 0) set[set_count++] = cli->given[i].value;
    }
    *out = (pc_study_options){.study = study,
                              .store = pc_cli_value(cli, "store"),
                              .model = pc_cli_value(cli, "model"),
                              .set = set,
                              .set_count = set_count,
                              .share = cli->share,
                              .budget = &cli->budget};
    if (out->store == NULL) return PC_OK;
    out->scratch = pc_cli_scratch(cli, out->store, err);
    return out->scratch == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status check(pc_cli *cli, pc_buffer *text, pc_error *err)
{
    pc_study_options options;
    PC_TRY(pc_cli_study(cli, cli->operand[0], &options, err));
    options.allows_library = true;
    pc_status status = pc_study_check(&options, text, err);
    pc_error write_error = {0};
    const pc_status written = pc_cli_write(cli, (pc_span){text->data, text->bytes}, &write_error);
    if (status == PC_OK && written != PC_OK) {
        *err = write_error;
        status = written;
    }
    return status;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    pc_status status = PC_OK;
    if (pc_comm_rank(cli->comm) == 0) { // one reader is enough
        pc_buffer text = {.budget = &cli->budget};
        status = check(cli, &text, err);
        pc_buffer_release(&text);
    }
    return pc_comm_agree(cli->comm, status, err);
}

const pc_command pc_command_check = {
    .name = "check",
    .summary = "validates a study or a library",
    .operands = "STUDY.json",
    .detail = "Reads a study without running it. Each error is one line: where in the file, what\n"
              "kind, what was expected and the nearest known name.\n",
    .least_operands = 1,
    .most_operands = 1,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
