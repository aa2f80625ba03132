/** Slots: names, order, shards. */
#include "parcours/slot.h"
#include <stdio.h>
#include <string.h>
#include "parcours/hash.h"
#include "test_main.h"

static void test_kinds(void)
{
    CU_ASSERT_STRING_EQUAL(pc_slot_kind_name(PC_SLOT_RESOLVED), "resolved");
    CU_ASSERT_STRING_EQUAL(pc_slot_kind_name(PC_SLOT_UNRESOLVED), "unresolved");
    CU_ASSERT_STRING_EQUAL(pc_slot_kind_name(PC_SLOT_AMBIGUOUS), "ambiguous");
    CU_ASSERT_STRING_EQUAL(pc_slot_kind_name(PC_SLOT_DUMMY), "dummy");
    CU_ASSERT_STRING_EQUAL(pc_slot_kind_name(PC_SLOT_ORPHAN), "orphan");
    CU_ASSERT(pc_slot_is_patient(PC_SLOT_RESOLVED));
    CU_ASSERT(pc_slot_is_patient(PC_SLOT_UNRESOLVED));
    CU_ASSERT(!pc_slot_is_patient(PC_SLOT_AMBIGUOUS));
    CU_ASSERT(!pc_slot_is_patient(PC_SLOT_DUMMY));
    CU_ASSERT(!pc_slot_is_patient(PC_SLOT_ORPHAN));
}

// Stores depend on the hash: its value never changes. Every byte of the key counts.
static void test_hash(void)
{
    pc_slot_key key = {"PP000000001"};
    const uint64_t hash = pc_slot_hash(&key);
    CU_ASSERT_EQUAL(hash, pc_hash64(key.byte, PC_SLOT_KEY_BYTES));
    for (int i = 0; i < PC_SLOT_KEY_BYTES; i++) {
        pc_slot_key other = key;
        other.byte[i] ^= 1;
        CU_ASSERT_NOT_EQUAL(pc_slot_hash(&other), hash);
    }
}

// A slot of shard s of n lies in shard s / 2 of n / 2: re-sharding is a split, order stays.
static void test_shards(void)
{
    int wrong = 0;
    int count[16] = {0};
    for (int i = 0; i < 16000; i++) {
        pc_slot_key key = {{PC_SLOT_RESOLVED}};
        (void)snprintf(key.byte + 1, sizeof key.byte - 1, "person%d", i);
        const uint64_t hash = pc_slot_hash(&key);
        CU_ASSERT_FATAL(pc_slot_shard(hash, 16) < 16);
        count[pc_slot_shard(hash, 16)]++;
        for (uint32_t shards = 2; shards <= 1U << 20; shards *= 2) {
            wrong += pc_slot_shard(hash, shards) / 2 != pc_slot_shard(hash, shards / 2);
        }
        wrong += pc_slot_shard(hash, 1) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (int i = 0; i < 16; i++)
        CU_ASSERT(count[i] > 850 && count[i] < 1150);
    CU_ASSERT_EQUAL(pc_slot_shard(UINT64_MAX, 65536), 65535);
    CU_ASSERT_EQUAL(pc_slot_shard(0, 65536), 0);
}

PC_TEST_MAIN("slot", {"kinds", test_kinds}, {"hash", test_hash}, {"shards", test_shards});
