/** What is counted of cohorts, by definition, rule and mask. */
#include <string.h>
#include "cohort.h"
#include "parcours/hash.h"

pc_status pc_circe_counts_open(pc_circe_counts *counts, const pc_circe_program *program,
                               pc_arena *arena, pc_error *err)
{
    *counts = (pc_circe_counts){.definition_count = program->definition_count,
                                .rule_total = program->rule_total,
                                .room = {.budget = arena->budget}};
    counts->of_definition =
        pc_arena_array(arena, (size_t)counts->definition_count * PC_CIRCE_COUNTS + 1,
                       sizeof *counts->of_definition, err);
    counts->of_rule = pc_arena_array(arena, (size_t)counts->rule_total * PC_CIRCE_RULE_COUNTS + 1,
                                     sizeof *counts->of_rule, err);
    return counts->of_definition == NULL || counts->of_rule == NULL ? PC_NO_MEMORY : PC_OK;
}

void pc_circe_counts_close(pc_circe_counts *counts)
{
    pc_buffer_release(&counts->room);
}

/** Where a mask stands, or the empty place where it would. */
static int64_t place_of(const pc_circe_counts *counts, int definition, uint64_t mask)
{
    const uint64_t key[] = {(uint64_t)definition, mask};
    const int64_t last = counts->mask_capacity - 1;
    int64_t at = (int64_t)(pc_hash64(key, sizeof key) & (uint64_t)last);
    while (counts->mask[at].definition != 0 &&
           (counts->mask[at].definition != definition + 1 || counts->mask[at].mask != mask)) {
        at = (at + 1) & last;
    }
    return at;
}

static pc_status grow(pc_circe_counts *counts, pc_error *err)
{
    pc_circe_counts larger = *counts;
    larger.mask_capacity = counts->mask_capacity == 0 ? 1024 : counts->mask_capacity * 2;
    larger.room = (pc_buffer){.budget = counts->room.budget};
    const size_t bytes = (size_t)larger.mask_capacity * sizeof *larger.mask;
    PC_TRY(pc_buffer_reserve(&larger.room, bytes, err));
    memset(larger.room.data, 0, bytes);
    larger.mask = (pc_circe_mask *)(void *)larger.room.data;
    for (int64_t i = 0; i < counts->mask_capacity; i++) {
        const pc_circe_mask *old = &counts->mask[i];
        if (old->definition == 0) continue;
        larger.mask[place_of(&larger, (int)old->definition - 1, old->mask)] = *old;
    }
    pc_buffer_release(&counts->room);
    *counts = larger;
    return PC_OK;
}

pc_status pc_circe_counts_mask(pc_circe_counts *counts, int definition, uint64_t mask,
                               pc_circe_mask **out, pc_error *err)
{
    if (counts->mask_count * 2 >= counts->mask_capacity) PC_TRY(grow(counts, err));
    pc_circe_mask *found = &counts->mask[place_of(counts, definition, mask)];
    if (found->definition == 0) {
        *found = (pc_circe_mask){.definition = definition + 1, .mask = mask};
        counts->mask_count++;
    }
    *out = found;
    return PC_OK;
}

const pc_circe_mask *pc_circe_counts_find(const pc_circe_counts *counts, int definition,
                                          uint64_t mask)
{
    if (counts->mask_count == 0) return NULL;
    const pc_circe_mask *found = &counts->mask[place_of(counts, definition, mask)];
    return found->definition == 0 ? NULL : found;
}

pc_status pc_circe_counts_pack(void *context, pc_buffer *out, pc_error *err)
{
    const pc_circe_counts *counts = context;
    PC_TRY(pc_buffer_append(out, counts->of_definition,
                            (size_t)counts->definition_count * PC_CIRCE_COUNTS * sizeof(int64_t),
                            err));
    PC_TRY(pc_buffer_append(out, counts->of_rule,
                            (size_t)counts->rule_total * PC_CIRCE_RULE_COUNTS * sizeof(int64_t),
                            err));
    for (int64_t i = 0; i < counts->mask_capacity; i++) {
        if (counts->mask[i].definition == 0) continue;
        PC_TRY(pc_buffer_append(out, &counts->mask[i], sizeof counts->mask[i], err));
    }
    return PC_OK;
}

static void add(int64_t *into, const char *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        memcpy(&value, from + i * sizeof value, sizeof value);
        into[i] += value;
    }
}

pc_status pc_circe_counts_merge(void *context, pc_span other, pc_error *err)
{
    pc_circe_counts *counts = context;
    const size_t definitions = (size_t)counts->definition_count * PC_CIRCE_COUNTS;
    const size_t rules = (size_t)counts->rule_total * PC_CIRCE_RULE_COUNTS;
    const size_t head = (definitions + rules) * sizeof(int64_t);
    if (other.bytes < head || (other.bytes - head) % sizeof(pc_circe_mask) != 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "packed counts of cohorts are cut short");
    }
    add(counts->of_definition, other.data, definitions);
    add(counts->of_rule, other.data + definitions * sizeof(int64_t), rules);
    for (size_t at = head; at < other.bytes; at += sizeof(pc_circe_mask)) {
        pc_circe_mask theirs, *ours = NULL;
        memcpy(&theirs, other.data + at, sizeof theirs);
        PC_TRY(pc_circe_counts_mask(counts, (int)theirs.definition - 1, theirs.mask, &ours, err));
        ours->events += theirs.events;
        ours->persons += theirs.persons;
        ours->best += theirs.best;
    }
    return PC_OK;
}
