/** @file parcours/cli.h
 *  The command line: a table of commands, each with its options, and what all commands share.
 */
#ifndef PC_CLI_H
#define PC_CLI_H
#include "parcours/arena.h"
#include "parcours/comm.h"
#include "parcours/log.h"

/** An option of a command, written --name VALUE or --name=VALUE. */
typedef struct pc_option {
    const char *name;  ///< without the dashes
    const char *value; ///< what its value is called in help; NULL: a flag
    const char *help;  ///< one line
    bool repeats;      ///< may be given several times
} pc_option;

enum {
    PC_CLI_MAX_WORDS = 4096, // operands and options of one command line
    PC_CLI_MAX_OPTIONS = 64  // options that one command knows, the common ones included
};

typedef struct pc_cli pc_cli;

/** A command: one file of engine/ defines it, engine/cli_table.c lists it. */
typedef struct pc_command {
    const char *name;
    const char *summary;  ///< one line, for the list of commands
    const char *operands; ///< as shown behind the name: "STORE"
    const char *detail;   ///< what it does, in lines; ends with a line feed
    int least_operands, most_operands;
    const pc_option *option; ///< [option_count] besides the common ones
    int option_count;
    /** Runs it. Collective: every rank is here with the same words. */
    pc_status (*run)(pc_cli *cli, pc_error *err);
} pc_command;

/** An option that was given. */
typedef struct pc_given {
    const pc_option *option;
    const char *value; ///< NULL for flags
} pc_given;

/** What a command is run with. */
struct pc_cli {
    pc_comm *comm;
    pc_budget budget; ///< of this rank, from --memory
    pc_arena arena;   ///< on the budget; lives as long as the command
    pc_log log;
    const pc_command *command; ///< NULL: only common options were given
    bool wants_help, wants_version;
    int operand_count;
    const char **operand; ///< [operand_count]
    int given_count;
    pc_given *given;     ///< [given_count] in order
    const char *share;   ///< folder of shipped data
    const char *scratch; ///< --scratch, or NULL: the command's default
    const char *journal; ///< --journal, or NULL: the command's default
};

/** The commands, in the order of help. [*count] */
const pc_command *const *pc_command_list(size_t *count);
/** The command of that name, or NULL. */
const pc_command *pc_command_find(const char *name);

/** Reads the words of a command line (without the program's name) into `cli`, whose comm, budget
 *  and arena are set. Local.
 *  @return PC_BAD_JOB for an unknown command, option or value, with the nearest name */
pc_status pc_cli_parse(pc_cli *cli, int word_count, const char *const *word,
                       pc_error *err) PC_MUST_CHECK;
/** The last value of an option, or NULL when it was not given. Local. */
const char *pc_cli_value(const pc_cli *cli, const char *name);
/** Whether a flag (or an option) was given. Local. */
bool pc_cli_has(const pc_cli *cli, const char *name);
/** A whole number >= `least` as the option's value; `*out` stays when the option was not given.
 *  @return PC_BAD_JOB */
pc_status pc_cli_int(const pc_cli *cli, const char *name, int64_t least, int64_t *out,
                     pc_error *err) PC_MUST_CHECK;
/** The index of the option's value among `name[count]`; `*out` stays when it was not given.
 *  @return PC_BAD_JOB with the names */
pc_status pc_cli_choice(const pc_cli *cli, const char *option, const char *const *name, int count,
                        int *out, pc_error *err) PC_MUST_CHECK;

/** Appends the help of a command, or with NULL that of the program. Local. */
pc_status pc_cli_help(const pc_command *command, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Appends version, commit, compiler. Local. */
pc_status pc_cli_version(bool json, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Version and commit as one word: "0.1.0+1a2b3c4d5e6f". */
const char *pc_engine_version(void);

/** Writes to standard output on rank 0 and flushes. Local. @return PC_IO */
pc_status pc_cli_write(const pc_cli *cli, pc_span text, pc_error *err) PC_MUST_CHECK;
/** The folder for what a query puts aside: --scratch, or one in the store. NULL: refused. */
const char *pc_cli_scratch(pc_cli *cli, const char *store, pc_error *err);
/** "a/b" in the cli's arena. NULL: refused. */
char *pc_cli_path(pc_cli *cli, const char *folder, const char *name, pc_error *err);

/** The whole program: MPI, command line, command, exit code. */
int pc_main(int argc, char **argv);

#endif
