/** Ids that are hashes: whether two rows of a file have one. Each rank looks at its share of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "omop.h"

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/** The ids of a file that are `part` modulo `parts`. */
static pc_status collect(FILE *file, int64_t parts, int64_t part, pc_buffer *out, pc_error *err)
{
    int64_t id = 0;
    bool is_id = false; // the header is no number
    rewind(file);
    out->bytes = 0;
    for (size_t got = 1; got > 0;) {
        char piece[65536];
        got = fread(piece, 1, sizeof piece, file);
        for (size_t i = 0; i < got; i++) {
            const bool is_digit = piece[i] >= '0' && piece[i] <= '9';
            if (is_id && is_digit) id = id * 10 + (piece[i] - '0');
            if (is_id && !is_digit && id % parts == part) {
                PC_TRY(pc_buffer_append(out, &id, sizeof id, err));
            }
            is_id = is_id && is_digit;
            if (piece[i] == '\n') {
                id = 0;
                is_id = true;
            }
        }
    }
    if (ferror(file) == 0) return PC_OK;
    return PC_FAIL(err, PC_IO, "a file that was just written cannot be read: %s", strerror(errno));
}

/** Whether each id of a part is there once. Local. */
static pc_status check_part(FILE *file, int64_t parts, int64_t part, pc_buffer *ids, pc_error *err)
{
    PC_TRY(collect(file, parts, part, ids, err));
    int64_t *id = (int64_t *)(void *)ids->data;
    const size_t count = ids->bytes / sizeof *id;
    if (count > 1) qsort(id, count, sizeof *id, compare_ids);
    for (size_t i = 1; i < count; i++) {
        if (id[i - 1] != id[i]) continue;
        return PC_FAIL(err, PC_BAD_INPUT,
                       "ids are 18 digits of a hash, and these would be taken for one another: "
                       "nothing is written");
    }
    return PC_OK;
}

/** The parts of this rank: those that are its number modulo the ranks. Local. */
static pc_status check_share(const pc_comm *comm, const char *path, int64_t parts,
                             pc_budget *budget, pc_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PC_FAIL(err, PC_IO, "cannot open '%s': %s", path, strerror(errno));
    pc_buffer ids = {.budget = budget};
    pc_status status = PC_OK;
    for (int64_t part = pc_comm_rank(comm); status == PC_OK && part < parts;
         part += pc_comm_size(comm)) {
        status = check_part(file, parts, part, &ids, err);
    }
    pc_buffer_release(&ids);
    (void)fclose(file); // only read
    return status;
}

pc_status pc_omop_check_ids(pc_comm *comm, const char *path, int64_t lines, pc_budget *budget,
                            pc_error *err)
{
    pc_comm_broadcast(comm, &lines, sizeof lines);
    const int64_t ranks = pc_comm_size(comm);
    const size_t limit = budget->limit_bytes; // 0: none
    int64_t room = limit == 0 ? INT64_MAX : (int64_t)(limit / 4 / sizeof(int64_t)) + 1;
    pc_comm_min_int64(comm, &room, 1);
    const int64_t passes = lines / ranks / room + 1;
    return pc_comm_agree(comm, check_share(comm, path, passes * ranks, budget, err), err);
}
