/** @file cli_common.h
 *  The options that every command has. Private to the command line.
 */
#ifndef PC_ENGINE_CLI_COMMON_H
#define PC_ENGINE_CLI_COMMON_H
#include "parcours/cli.h"

enum { PC_COMMON_OPTION_COUNT = 9, PC_PROGRAM_OPTION_COUNT = PC_COMMON_OPTION_COUNT + 1 };
/** The common options, then those that are read only without a command. */
extern const pc_option pc_common_option[PC_PROGRAM_OPTION_COUNT];

#endif
