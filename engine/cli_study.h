/** @file cli_study.h
 *  What the commands that take a study share. Private to the command line.
 */
#ifndef PC_ENGINE_CLI_STUDY_H
#define PC_ENGINE_CLI_STUDY_H
#include "parcours/cli.h"
#include "parcours/study.h"

/** Fills what all commands on studies share: path, store, --set, share, budget. Texts are owned by
 *  the cli's arena. Local. */
pc_status pc_cli_study(pc_cli *cli, const char *study, pc_study_options *out,
                       pc_error *err) PC_MUST_CHECK;

#endif
