/** What the program says about itself. */
#include <stdio.h>
#include <string.h>
#include "cli_common.h"
#include "commit.h"
#include "parcours/json.h"

enum { HELP_COLUMN = 26 }; // where the explanations begin

const pc_option pc_common_option[PC_PROGRAM_OPTION_COUNT] = {
    {"memory", "SIZE", "memory of each rank, such as 512M or 4G (half the node's over its ranks)",
     false},
    {"scratch", "DIR", "folder for work larger than memory (STORE/scratch)", false},
    {"journal", "FILE", "audit journal of what reads or changes a store (STORE/journal.jsonl)",
     false},
    {"patience", "SECONDS",
     "ends when a file system does not answer for so long (600; 0, and alone: waits)", false},
    {"quiet", NULL, "only warnings and errors", false},
    {"progress", "WHEN", "auto, always or never", false},
    {"log-format", "FORMAT", "text or json", false},
    {"help", NULL, "this text", false},
    {"version", NULL, "version, commit and compiler", false},
    {"json", NULL, "with --version: as JSON", false},
};

static pc_status print_options(const pc_option *option, int count, pc_buffer *out, pc_error *err)
{
    for (int i = 0; i < count; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", option[i].name,
                       option[i].value == NULL ? "" : " ",
                       option[i].value == NULL ? "" : option[i].value);
        PC_TRY(pc_buffer_print(out, err, "  %-*s%s%s\n", HELP_COLUMN - 2, left, option[i].help,
                               option[i].repeats ? " (may be repeated)" : ""));
    }
    return PC_OK;
}

static pc_status program_help(pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(
        out, err,
        "Parcours: a distributed engine for national health-insurance claims.\n\n"
        "usage: parcours COMMAND [operands] [options]\n"
        "       mpirun -n 8 parcours COMMAND ...    (or srun; the same options, the same result)\n"
        "\ncommands\n"));
    size_t count = 0;
    const pc_command *const *list = pc_command_list(&count);
    for (size_t i = 0; i < count; i++) {
        PC_TRY(pc_buffer_print(out, err, "  %-*s%s\n", HELP_COLUMN - 2, list[i]->name,
                               list[i]->summary));
    }
    PC_TRY(pc_buffer_print(out, err, "\noptions of every command\n"));
    PC_TRY(print_options(pc_common_option, PC_PROGRAM_OPTION_COUNT, out, err));
    return pc_buffer_print(out, err,
                           "\nexit codes\n"
                           "  0   done\n"
                           "  1   failed\n"
                           "  2   wrong usage, invalid study, unsupported SQL\n"
                           "  3   refused by disclosure control\n"
                           "  4   too many rejected rows\n"
                           "  75  stopped by a signal; run it again\n"
                           "\n'parcours help COMMAND' tells more.\n");
}

pc_status pc_cli_help(const pc_command *command, pc_buffer *out, pc_error *err)
{
    if (command == NULL) return program_help(out, err);
    PC_TRY(pc_buffer_print(out, err, "parcours %s: %s\n\nusage: parcours %s %s [options]\n\n%s",
                           command->name, command->summary, command->name, command->operands,
                           command->detail));
    if (command->option_count > 0) PC_TRY(pc_buffer_print(out, err, "\noptions\n"));
    PC_TRY(print_options(command->option, command->option_count, out, err));
    PC_TRY(pc_buffer_print(out, err, "\noptions of every command\n"));
    return print_options(pc_common_option, PC_COMMON_OPTION_COUNT, out, err);
}

const char *pc_engine_version(void)
{
    return PC_VERSION "+" PC_COMMIT;
}

pc_status pc_cli_version(bool json, pc_buffer *out, pc_error *err)
{
    if (!json) {
        return pc_buffer_print(out, err, "parcours %s (commit %s, compiler %s)\n", PC_VERSION,
                               PC_COMMIT, __VERSION__);
    }
    PC_TRY(pc_buffer_print(
        out, err, "{\"version\":\"%s\",\"commit\":\"%s\",\"compiler\":", PC_VERSION, PC_COMMIT));
    PC_TRY(pc_json_write_text(out, pc_span_of(__VERSION__), err));
    return pc_buffer_print(out, err, "}\n");
}
