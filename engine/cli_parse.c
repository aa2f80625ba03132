/** Words of a command line to a command, its operands and options. */
#include <stdio.h>
#include <string.h>
#include "cli_common.h"
#include "parcours/text.h"

typedef struct parser {
    pc_cli *cli;
    bool options_ended; // "--" was seen
} parser;

static const char *command_name(const pc_cli *cli)
{
    return cli->command == NULL ? NULL : cli->command->name;
}

static int common_count(const pc_cli *cli)
{
    return cli->command == NULL ? PC_PROGRAM_OPTION_COUNT : PC_COMMON_OPTION_COUNT;
}

static const pc_option *find_option(const pc_cli *cli, const char *name, size_t bytes)
{
    const pc_option *const table[] = {pc_common_option,
                                      cli->command == NULL ? NULL : cli->command->option};
    const int count[] = {common_count(cli), cli->command == NULL ? 0 : cli->command->option_count};
    for (int t = 0; t < 2; t++) {
        for (int i = 0; i < count[t]; i++) {
            const char *known = table[t][i].name;
            if (strlen(known) == bytes && memcmp(known, name, bytes) == 0) return &table[t][i];
        }
    }
    return NULL;
}

static pc_status unknown_option(const pc_cli *cli, const char *word, pc_error *err)
{
    const char *known[PC_CLI_MAX_OPTIONS];
    size_t count = 0;
    for (int i = 0; i < common_count(cli); i++) {
        known[count++] = pc_common_option[i].name;
    }
    const int own = cli->command == NULL ? 0 : cli->command->option_count;
    for (int i = 0; i < own && count < PC_CLI_MAX_OPTIONS; i++) {
        known[count++] = cli->command->option[i].name;
    }
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *near = pc_nearest_name(name + strspn(name, "-"), known, count);
    const char *command = command_name(cli);
    return PC_FAIL(err, PC_BAD_JOB, "unknown option '%s'%s%s%s%s%s (see 'parcours %s%s')", name,
                   command == NULL ? "" : " of ", command == NULL ? "" : command,
                   near == NULL ? "" : "; did you mean '--", near == NULL ? "" : near,
                   near == NULL ? "" : "'?", command == NULL ? "--help" : "help ",
                   command == NULL ? "" : command);
}

static pc_status unknown_command(const char *word, pc_error *err)
{
    const char *known[PC_CLI_MAX_OPTIONS];
    size_t count = 0;
    const pc_command *const *list = pc_command_list(&count);
    for (size_t i = 0; i < count; i++) {
        known[i] = list[i]->name;
    }
    const char *near = pc_nearest_name(word, known, count);
    return PC_FAIL(err, PC_BAD_JOB, "unknown command '%s'%s%s%s (see 'parcours --help')", word,
                   near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                   near == NULL ? "" : "'?");
}

// `word` begins with "--". `next` is the word behind it, or NULL; `*used_next`: it was the value.
static pc_status take_option(parser *p, const char *word, const char *next, bool *used_next,
                             pc_error *err)
{
    pc_cli *cli = p->cli;
    const char *equals = strchr(word, '=');
    const size_t bytes = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const pc_option *option = bytes > 2 ? find_option(cli, word + 2, bytes - 2) : NULL;
    if (option == NULL) return unknown_option(cli, word, err);
    const char *value = equals == NULL ? NULL : equals + 1;
    if (option->value == NULL && value != NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--%s' takes no value", option->name);
    }
    if (option->value != NULL && value == NULL) {
        if (next == NULL) {
            return PC_FAIL(err, PC_BAD_JOB, "option '--%s' needs a value: --%s %s", option->name,
                           option->name, option->value);
        }
        value = next;
        *used_next = true;
    }
    if (!option->repeats && pc_cli_has(cli, option->name)) {
        return PC_FAIL(err, PC_BAD_JOB, "option '--%s' is given twice", option->name);
    }
    cli->given[cli->given_count++] = (pc_given){.option = option, .value = value};
    return PC_OK;
}

static pc_status take_operand(parser *p, const char *word, pc_error *err)
{
    pc_cli *cli = p->cli;
    if (cli->command == NULL && !cli->wants_help && strcmp(word, "help") == 0) {
        cli->wants_help = true;
        return PC_OK;
    }
    if (cli->command == NULL) {
        cli->command = pc_command_find(word);
        return cli->command != NULL ? PC_OK : unknown_command(word, err);
    }
    cli->operand[cli->operand_count++] = word;
    return PC_OK;
}

static pc_status take_words(parser *p, int word_count, const char *const *word, pc_error *err)
{
    for (int i = 0; i < word_count; i++) {
        const bool is_option = !p->options_ended && word[i][0] == '-' && word[i][1] != '\0';
        if (!is_option) {
            PC_TRY(take_operand(p, word[i], err));
        } else if (strcmp(word[i], "--") == 0) {
            p->options_ended = true;
        } else if (strcmp(word[i], "-h") == 0) {
            p->cli->wants_help = true;
        } else if (word[i][1] != '-') {
            return unknown_option(p->cli, word[i], err);
        } else {
            bool used_next = false;
            PC_TRY(
                take_option(p, word[i], i + 1 < word_count ? word[i + 1] : NULL, &used_next, err));
            i += used_next;
        }
    }
    return PC_OK;
}

static pc_status check_operands(const pc_cli *cli, pc_error *err)
{
    const pc_command *command = cli->command;
    if (command == NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "no command is given; see 'parcours --help'");
    }
    if (cli->operand_count < command->least_operands) {
        return PC_FAIL(err, PC_BAD_JOB, "too few operands: parcours %s %s", command->name,
                       command->operands);
    }
    if (cli->operand_count > command->most_operands) {
        return PC_FAIL(err, PC_BAD_JOB, "one operand too many, '%s': parcours %s %s",
                       cli->operand[command->most_operands], command->name, command->operands);
    }
    return PC_OK;
}

static pc_status apply_common(pc_cli *cli, pc_error *err)
{
    static const char *const progress[] = {"auto", "always", "never"};
    static const char *const format[] = {"text", "json"};
    const char *memory = pc_cli_value(cli, "memory");
    if (memory != NULL &&
        (!pc_size_parse(memory, &cli->budget.limit_bytes) || cli->budget.limit_bytes == 0)) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "option '--memory': '%s' is not a size; write 512M or 4G, powers of 1024",
                       memory);
    }
    int choice = PC_PROGRESS_AUTO;
    PC_TRY(pc_cli_choice(cli, "progress", progress, 3, &choice, err));
    cli->log.progress = (pc_progress_mode)choice;
    choice = 0;
    PC_TRY(pc_cli_choice(cli, "log-format", format, 2, &choice, err));
    cli->log.json = choice == 1;
    cli->log.quiet = pc_cli_has(cli, "quiet");
    cli->scratch = pc_cli_value(cli, "scratch");
    cli->journal = pc_cli_value(cli, "journal");
    return PC_OK;
}

pc_status pc_cli_parse(pc_cli *cli, int word_count, const char *const *word, pc_error *err)
{
    if (word_count > PC_CLI_MAX_WORDS) {
        return PC_FAIL(err, PC_BAD_JOB, "the command line has more than %d words",
                       (int)PC_CLI_MAX_WORDS);
    }
    const size_t room = (size_t)word_count + 1;
    cli->operand = pc_arena_array(&cli->arena, room, sizeof *cli->operand, err);
    if (cli->operand == NULL) return PC_NO_MEMORY;
    cli->given = pc_arena_array(&cli->arena, room, sizeof *cli->given, err);
    if (cli->given == NULL) return PC_NO_MEMORY;
    parser p = {.cli = cli};
    PC_TRY(take_words(&p, word_count, word, err));
    cli->wants_help = cli->wants_help || pc_cli_has(cli, "help");
    cli->wants_version = pc_cli_has(cli, "version");
    if (cli->wants_help || cli->wants_version) return PC_OK;
    PC_TRY(check_operands(cli, err));
    return apply_common(cli, err);
}

const char *pc_cli_value(const pc_cli *cli, const char *name)
{
    for (int i = cli->given_count - 1; i >= 0; i--) {
        if (strcmp(cli->given[i].option->name, name) == 0) return cli->given[i].value;
    }
    return NULL;
}

bool pc_cli_has(const pc_cli *cli, const char *name)
{
    for (int i = 0; i < cli->given_count; i++) {
        if (strcmp(cli->given[i].option->name, name) == 0) return true;
    }
    return false;
}

pc_status pc_cli_int(const pc_cli *cli, const char *name, int64_t least, int64_t *out,
                     pc_error *err)
{
    const char *text = pc_cli_value(cli, name);
    if (text == NULL) return PC_OK;
    if (!pc_int_parse(pc_span_of(text), out) || *out < least) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "option '--%s': '%s' is not a whole number of at least %lld", name, text,
                       (long long)least);
    }
    return PC_OK;
}

pc_status pc_cli_choice(const pc_cli *cli, const char *option, const char *const *name, int count,
                        int *out, pc_error *err)
{
    const char *text = pc_cli_value(cli, option);
    if (text == NULL) return PC_OK;
    char known[256] = "";
    for (int i = 0; i < count; i++) {
        if (strcmp(text, name[i]) == 0) {
            *out = i;
            return PC_OK;
        }
        const size_t used = strlen(known);
        (void)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", name[i]);
    }
    return PC_FAIL(err, PC_BAD_JOB, "option '--%s': '%s' is not one of %s", option, text, known);
}
