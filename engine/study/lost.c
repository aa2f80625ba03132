// Which shards a run goes on without.
#include "lost.h"
#include <string.h>

static size_t word_count(const pc_lost *lost)
{
    return (size_t)(lost->shard_count + 63) / 64;
}

pc_status pc_lost_open(pc_lost *lost, int64_t shard_count, pc_error *err)
{
    lost->shard_count = shard_count;
    lost->all = pc_arena_array(&lost->arena, word_count(lost) + 1, sizeof *lost->all, err);
    lost->fresh = pc_arena_array(&lost->arena, word_count(lost) + 1, sizeof *lost->fresh, err);
    return lost->all == NULL || lost->fresh == NULL ? PC_NO_MEMORY : PC_OK;
}

static int count_bits(const pc_lost *lost)
{
    int count = 0;
    for (int64_t shard = 0; shard < lost->shard_count; shard++) {
        count += (int)(lost->all[shard / 64] >> (shard % 64) & 1);
    }
    return count;
}

void pc_lost_gather(pc_comm *comm, pc_lost *lost, int *found)
{
    // A shard is given to one rank: the bits add up without a carry.
    pc_comm_sum_int64(comm, (int64_t *)lost->fresh, (int)word_count(lost));
    for (size_t w = 0; w < word_count(lost); w++)
        lost->all[w] |= lost->fresh[w];
    memset(lost->fresh, 0, word_count(lost) * sizeof *lost->fresh);
    const int before = lost->count;
    lost->count = count_bits(lost);
    *found = lost->count - before;
}

pc_status pc_lost_print(const pc_lost *lost, pc_buffer *out, pc_error *err)
{
    bool is_first = true;
    for (int64_t shard = 0; shard < lost->shard_count; shard++) {
        if ((lost->all[shard / 64] >> (shard % 64) & 1) == 0) continue;
        PC_TRY(pc_buffer_print(out, err, "%s%lld", is_first ? "" : ", ", (long long)shard));
        is_first = false;
    }
    return PC_OK;
}

void pc_lost_close(pc_lost *lost)
{
    pc_arena_reset(&lost->arena);
    *lost = (pc_lost){.arena = lost->arena};
}
