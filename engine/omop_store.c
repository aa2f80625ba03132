/** parcours omop --as store: the tables as files in a folder of their own, and a store of that
 * folder. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "omop.h"
#include "parcours/ingest.h"

enum { PATH_BYTES = 4096 };

static pc_status join(const char *folder, const char *name, char *out, pc_error *err)
{
    const int bytes = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    if (bytes >= 0 && bytes < PATH_BYTES) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "the path of a file in '%.200s' is too long", folder);
}

/** Removes the folder of the files: it has no folders in it. */
static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *item; dir != NULL && (item = readdir(dir)) != NULL;) {
        char path[PATH_BYTES];
        pc_error err = {0};
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
        if (join(folder, item->d_name, path, &err) == PC_OK) (void)unlink(path);
    }
    if (dir != NULL) (void)closedir(dir);
    (void)rmdir(folder);
}

/** Rank 0: a folder that nobody else writes to, and no store where one is to be. */
static pc_status make_folder(const pc_omop_store_options *o, bool *made, pc_error *err)
{
    char manifest[PATH_BYTES];
    PC_TRY(join(o->omop.out, "store.json", manifest, err));
    if (access(manifest, F_OK) == 0) {
        return PC_FAIL(err, PC_BAD_JOB, "store '%s' is there: remove it, or name another",
                       o->omop.out);
    }
    *made = mkdir(o->folder, 0700) == 0;
    if (*made) return PC_OK;
    if (errno == EEXIST) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "folder '%s' is there: this conversion runs elsewhere, or was killed; then "
                       "remove it",
                       o->folder);
    }
    return PC_FAIL(err, PC_IO, "cannot make the folder '%s': %s", o->folder, strerror(errno));
}

static pc_status link_file(const char *from, const char *name, const char *folder, pc_error *err)
{
    char inside[PATH_BYTES], link[PATH_BYTES];
    PC_TRY(join(from, name, inside, err));
    PC_TRY(join(folder, name, link, err));
    struct stat info;
    if (stat(inside, &info) == 0 && !S_ISREG(info.st_mode)) return PC_OK;
    if (symlink(inside, link) == 0) return PC_OK;
    if (errno != EEXIST) {
        return PC_FAIL(err, PC_IO, "cannot link '%s' to '%s': %s", link, inside, strerror(errno));
    }
    return PC_FAIL(err, PC_BAD_JOB, "vocabulary '%s': '%s' is a table that is made of the store",
                   from, name);
}

/** Rank 0: the files of the vocabulary beside those of the tables, as links. */
static pc_status link_vocabulary(const pc_omop_store_options *o, pc_error *err)
{
    char here[PATH_BYTES], whole[PATH_BYTES];
    const bool is_absolute = o->vocabulary[0] == '/';
    if (!is_absolute && getcwd(here, sizeof here) == NULL) {
        return PC_FAIL(err, PC_IO, "the path of the current folder: %s", strerror(errno));
    }
    PC_TRY(join(is_absolute ? "" : here, o->vocabulary + is_absolute, whole, err));
    DIR *dir = opendir(whole);
    if (dir == NULL) {
        return PC_FAIL(err, PC_IO, "vocabulary '%s': the folder cannot be read: %s", o->vocabulary,
                       strerror(errno));
    }
    pc_status status = PC_OK;
    for (struct dirent *item; status == PC_OK && (item = readdir(dir)) != NULL;)
        status = link_file(whole, item->d_name, o->folder, err);
    (void)closedir(dir);
    return status;
}

static pc_status convert(pc_comm *comm, const pc_omop_store_options *o, const pc_log *log,
                         pc_error *err)
{
    pc_omop_options omop = o->omop;
    omop.out = o->folder;
    PC_TRY(pc_omop_write(comm, &omop, log, err));
    if (o->vocabulary != NULL) {
        const bool is_first = pc_comm_rank(comm) == 0;
        PC_TRY(pc_comm_agree(comm, is_first ? link_vocabulary(o, err) : PC_OK, err));
    }
    // A plan that a stopped conversion left is of the same files: it is gone on with.
    const pc_ingest_options ingest = {.model = "omop",
                                      .in = o->folder,
                                      .store = o->omop.out,
                                      .shards = o->shards,
                                      .resume = true,
                                      .max_rejects = -1,
                                      .scratch = o->scratch,
                                      .share = o->share,
                                      .budget = o->omop.budget};
    return pc_ingest_run(comm, &ingest, log, err);
}

pc_status pc_omop_store(pc_comm *comm, const pc_omop_store_options *options, const pc_log *log,
                        pc_error *err)
{
    bool made = false;
    const bool is_first = pc_comm_rank(comm) == 0;
    pc_status status = is_first ? make_folder(options, &made, err) : PC_OK;
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = convert(comm, options, log, err);
    if (made) remove_folder(options->folder);
    return status;
}
