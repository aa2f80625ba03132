/** The commands, in the order of help. A new command is its file and two lines here. */
#include <string.h>
#include "parcours/cli.h"

extern const pc_command pc_command_synth;
extern const pc_command pc_command_ingest;
extern const pc_command pc_command_compact;
extern const pc_command pc_command_info;
extern const pc_command pc_command_query;
extern const pc_command pc_command_run;
extern const pc_command pc_command_cohorts;
extern const pc_command pc_command_lint;
extern const pc_command pc_command_describe;
extern const pc_command pc_command_omop;
extern const pc_command pc_command_explain;
extern const pc_command pc_command_check;
extern const pc_command pc_command_report;
extern const pc_command pc_command_verify;
extern const pc_command pc_command_calibrate;
extern const pc_command pc_command_plan;

static const pc_command *const command[] = {
    &pc_command_synth,    &pc_command_ingest, &pc_command_compact,   &pc_command_info,
    &pc_command_query,    &pc_command_run,    &pc_command_cohorts,   &pc_command_lint,
    &pc_command_describe, &pc_command_omop,   &pc_command_explain,   &pc_command_check,
    &pc_command_report,   &pc_command_verify, &pc_command_calibrate, &pc_command_plan,
};

const pc_command *const *pc_command_list(size_t *count)
{
    *count = sizeof command / sizeof command[0];
    return command;
}

const pc_command *pc_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof command / sizeof command[0]; i++) {
        if (strcmp(command[i]->name, name) == 0) return command[i];
    }
    return NULL;
}
