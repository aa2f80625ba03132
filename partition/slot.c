/** Slots: what they are called and where they stand. */
#include "parcours/slot.h"
#include <assert.h>
#include "parcours/hash.h"

const char *pc_slot_kind_name(pc_slot_kind kind)
{
    switch (kind) {
        case PC_SLOT_RESOLVED:
            return "resolved";
        case PC_SLOT_UNRESOLVED:
            return "unresolved";
        case PC_SLOT_AMBIGUOUS:
            return "ambiguous";
        case PC_SLOT_DUMMY:
            return "dummy";
        case PC_SLOT_ORPHAN:
            break;
    }
    return "orphan";
}

uint64_t pc_slot_hash(const pc_slot_key *key)
{
    return pc_hash64(key->byte, sizeof key->byte);
}

uint32_t pc_slot_shard(uint64_t hash, uint32_t shard_count)
{
    assert(shard_count > 0 && (shard_count & (shard_count - 1)) == 0);
    if (shard_count == 1) return 0; // a shift by 64 means nothing in C
    return (uint32_t)(hash >> (64 - (unsigned)__builtin_ctz(shard_count)));
}
