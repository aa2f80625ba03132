/** The program: starts MPI, reads the command line, runs the command, says once what failed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parcours/cli.h"
#include "patience.h"

enum {
    PATH_BYTES = 4096,                     // PATH_MAX of Linux
    LEAST_MEMORY_BYTES = 64 * 1024 * 1024, // below this nothing useful runs
    PATIENT_UMASK = 077,                   // files hold patients unless a writer says not
    PATIENCE_S = 600 // longer than a metadata server takes to fail over; of several ranks
};

// A container's limit counts as the node's memory. 0: there is none, or it cannot be read.
static size_t container_memory_bytes(void)
{
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
    if (file == NULL) return 0;
    unsigned long long bytes = 0;
    const int found = fscanf(file, "%llu", &bytes); // "max" does not match: no limit
    (void)fclose(file);
    return found == 1 ? (size_t)bytes : 0;
}

static size_t default_memory_bytes(const pc_comm *comm)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_bytes = sysconf(_SC_PAGESIZE);
    size_t node_bytes = pages > 0 && page_bytes > 0 ? (size_t)pages * (size_t)page_bytes
                                                    : (size_t)LEAST_MEMORY_BYTES;
    const size_t container_bytes = container_memory_bytes();
    if (container_bytes > 0 && container_bytes < node_bytes) node_bytes = container_bytes;
    const size_t mine = node_bytes / 2 / (size_t)pc_comm_node_size(comm);
    return mine < LEAST_MEMORY_BYTES ? (size_t)LEAST_MEMORY_BYTES : mine;
}

// <folder of the executable>/../share/parcours, unless the environment names another.
static pc_status find_share(pc_cli *cli, pc_error *err)
{
    const char *named = getenv("PARCOURS_SHARE");
    if (named != NULL && named[0] != '\0') {
        cli->share = named;
        return PC_OK;
    }
    char path[PATH_BYTES];
    const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);
    if (bytes < 0) {
        return PC_FAIL(err, PC_IO, "cannot find the program's own folder (%s); set PARCOURS_SHARE",
                       strerror(errno));
    }
    path[bytes] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) *slash = '\0';
    cli->share = pc_cli_path(cli, path, "../share/parcours", err);
    return cli->share == NULL ? PC_NO_MEMORY : PC_OK;
}

char *pc_cli_path(pc_cli *cli, const char *folder, const char *name, pc_error *err)
{
    const size_t folder_bytes = strlen(folder);
    const size_t name_bytes = strlen(name);
    char *path = pc_arena_take(&cli->arena, folder_bytes + name_bytes + 2, err);
    if (path == NULL) return NULL;
    memcpy(path, folder, folder_bytes);
    path[folder_bytes] = '/';
    memcpy(path + folder_bytes + 1, name, name_bytes + 1);
    return path;
}

// Not the folder that an ingest into the store uses: that is its own to remove.
const char *pc_cli_scratch(pc_cli *cli, const char *store, pc_error *err)
{
    return cli->scratch != NULL ? cli->scratch : pc_cli_path(cli, store, "scratch.query", err);
}

pc_status pc_cli_write(const pc_cli *cli, pc_span text, pc_error *err)
{
    if (cli->log.rank != 0) return PC_OK;
    errno = 0;
    const size_t written = text.bytes == 0 ? 0 : fwrite(text.data, 1, text.bytes, stdout);
    if (written != text.bytes || fflush(stdout) != 0) {
        return PC_FAIL(err, PC_IO, "cannot write to standard output: %s", strerror(errno));
    }
    return PC_OK;
}

static pc_status tell(pc_cli *cli, pc_error *err)
{
    pc_buffer text = {.budget = &cli->budget};
    pc_status status = cli->wants_help ? pc_cli_help(cli->command, &text, err)
                                       : pc_cli_version(pc_cli_has(cli, "json"), &text, err);
    if (status == PC_OK) status = pc_cli_write(cli, (pc_span){text.data, text.bytes}, err);
    pc_buffer_release(&text);
    return status;
}

// Alone, what is waited for may be a person: a pager at the other end, a text that is typed.
static pc_status be_patient(const pc_cli *cli, pc_patience *patience, pc_error *err)
{
    int64_t seconds = pc_comm_size(cli->comm) > 1 ? PATIENCE_S : 0;
    PC_TRY(pc_cli_int(cli, "patience", 0, &seconds, err));
    return pc_patience_begin(patience, cli->log.rank, seconds, err);
}

// What grows with the number of ranks, of the rank that has most of it. Seen in JSON logs.
static void log_costs(const pc_cli *cli)
{
    const pc_comm_counts c = pc_comm_counted(cli->comm);
    int64_t most[] = {c.collectives, c.messages, c.far_messages, c.bytes,
                      (int64_t)cli->budget.peak_bytes};
    pc_comm_max_int64(cli->comm, most, (int)(sizeof most / sizeof most[0]));
    pc_log_line(&cli->log, PC_DEBUG, "costs",
                "ranks=%d collectives=%lld messages=%lld far_messages=%lld message_bytes=%lld "
                "peak_bytes=%lld",
                pc_comm_size(cli->comm), (long long)most[0], (long long)most[1], (long long)most[2],
                (long long)most[3], (long long)most[4]);
}

static pc_status run(pc_cli *cli, pc_patience *patience, int argc, char **argv, pc_error *err)
{
    pc_status status = find_share(cli, err);
    if (status == PC_OK) {
        const int word_count = argc > 0 ? argc - 1 : 0;
        status = pc_cli_parse(cli, word_count, (const char *const *)(argv + (argc > 0)), err);
    }
    if (status == PC_OK) status = be_patient(cli, patience, err);
    status = pc_comm_agree(cli->comm, status, err);
    if (status != PC_OK) return status;
    if (cli->wants_help || cli->wants_version) return tell(cli, err);
    PC_TRY(cli->command->run(cli, err));
    log_costs(cli);
    return PC_OK;
}

int pc_main(int argc, char **argv)
{
    pc_comm *comm = pc_comm_open(&argc, &argv);
    (void)umask(PATIENT_UMASK);
    pc_cli cli = {.comm = comm,
                  .budget = {.limit_bytes = default_memory_bytes(comm)},
                  .log = {.rank = pc_comm_rank(comm)}};
    cli.arena.budget = &cli.budget;
    pc_error err = {0};
    pc_patience patience = {.is_on = false};
    const pc_status status = pc_comm_agree(comm, run(&cli, &patience, argc, argv, &err), &err);
    pc_patience_end(&patience);
    if (status != PC_OK && pc_comm_rank(comm) == 0) {
        (void)fprintf(stderr, "parcours: %s\n", err.text);
    }
    pc_arena_reset(&cli.arena);
    pc_comm_close(comm);
    return pc_exit_code(status);
}
