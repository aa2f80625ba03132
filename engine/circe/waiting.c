/** Which criteria wait for a concept, found once for each concept. */
#include "waiting.h"

static int64_t place_of(const pc_circe_waiting *w, int64_t concept)
{
    uint64_t hash = (uint64_t) concept * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 32;
    int64_t at = (int64_t)(hash & (uint64_t)(w->slot_count - 1));
    while (w->concept[at] != PC_CIRCE_NULL && w->concept[at] != concept)
        at = (at + 1) & (w->slot_count - 1);
    return at;
}

static pc_status grow_waiting(pc_circe_waiting *w, pc_error *err)
{
    pc_circe_waiting larger = *w;
    larger.slot_count = w->slot_count == 0 ? 1024 : w->slot_count * 2;
    larger.slots = (pc_buffer){.budget = w->slots.budget};
    const size_t count = (size_t)larger.slot_count;
    PC_TRY(pc_buffer_reserve(&larger.slots, count * (sizeof *w->concept + sizeof *w->list), err));
    larger.concept = (int64_t *)(void *)larger.slots.data;
    larger.list = (int32_t *)(void *)(larger.slots.data + count * sizeof *w->concept);
    for (size_t i = 0; i < count; i++)
    larger.concept[i] = PC_CIRCE_NULL;
    for (int64_t i = 0; i < w->slot_count; i++) {
        if (w->concept[i] == PC_CIRCE_NULL) continue;
        const int64_t at = place_of(&larger, w->concept[i]);
        larger.concept[at] = w->concept[i];
        larger.list[at] = w->list[i];
    }
    pc_buffer_release(&w->slots);
    *w = larger;
    return PC_OK;
}

/** Lists the leaves that wait for a concept. */
static pc_status list_waiting(pc_circe_waiting *w, const pc_circe_program *program,
                              const pc_circe_lists *lists, int64_t concept, int32_t *out,
                              pc_error *err)
{
    int count = 0;
    const int32_t *set = circe_sets_with(program->concepts, concept, &count);
    const size_t before = w->leaves.bytes;
    for (int i = 0; i < count; i++) {
        const int first = lists->first[set[i]], end = lists->first[set[i] + 1];
        PC_TRY(pc_buffer_append(&w->leaves, lists->item + first,
                                (size_t)(end - first) * sizeof(int), err));
    }
    *out = 0;
    if (w->leaves.bytes == before) return PC_OK;
    *out = (int32_t)(w->lists.bytes / sizeof(int)) - 1;
    const int end = (int)(w->leaves.bytes / sizeof(int));
    return pc_buffer_append(&w->lists, &end, sizeof end, err);
}

pc_status pc_circe_waiting_find(pc_circe_waiting *w, const pc_circe_program *program,
                                const pc_circe_lists *lists, int64_t concept, int32_t *out,
                                pc_error *err)
{
    *out = 0;
    if (concept == PC_CIRCE_NULL) return PC_OK;
    if (w->used_count * 2 >= w->slot_count) PC_TRY(grow_waiting(w, err));
    const int64_t at = place_of(w, concept);
    if (w->concept[at] == concept) {
        *out = w->list[at];
        return PC_OK;
    }
    PC_TRY(list_waiting(w, program, lists, concept, out, err));
    w->concept[at] = concept;
    w->list[at] = *out;
    w->used_count++;
    return PC_OK;
}

pc_status pc_circe_waiting_open(pc_arena *arena, pc_circe_waiting **out, pc_error *err)
{
    const int first[] = {0, 0};
    *out = pc_arena_array(arena, PC_CIRCE_DOMAINS, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++) {
        pc_circe_waiting *w = &(*out)[d];
        w->slots.budget = w->lists.budget = w->leaves.budget = arena->budget;
        PC_TRY(pc_buffer_append(&w->lists, first, sizeof first, err));
    }
    return PC_OK;
}

void pc_circe_waiting_close(pc_circe_waiting *waiting)
{
    for (int d = 0; waiting != NULL && d < PC_CIRCE_DOMAINS; d++) {
        pc_buffer_release(&waiting[d].slots);
        pc_buffer_release(&waiting[d].lists);
        pc_buffer_release(&waiting[d].leaves);
    }
}
