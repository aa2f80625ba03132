// Periods of other timelines: joined records, days in all, days of one and no other.
#include "eval.h"
#include "spans.h"

/** What a patient's runs of days are worked out in. */
typedef struct workspace {
    pc_days *days[3]; ///< each as long as the longest patient's records of all inputs, twice
} workspace;

static pc_status open_workspace(pc_block_eval *eval, const pc_node *node, workspace *out,
                                pc_error *err)
{
    int64_t longest = 0;
    for (int slot = 0; slot < eval->slot_count; slot++) {
        int64_t count = 0;
        for (int k = 0; k < node->input_count; k++) {
            const uint32_t *offset = node->input[k]->records.offset;
            count += offset[slot + 1] - offset[slot];
        }
        if (count > longest) longest = count;
    }
    for (int i = 0; i < 3; i++) {
        out->days[i] =
            pc_arena_array(&eval->scratch, (size_t)longest * 2 + 1, sizeof *out->days[i], err);
        if (out->days[i] == NULL) return PC_NO_MEMORY;
    }
    return PC_OK;
}

/** The days of a patient in inputs `from .. until - 1`, joined with `gap`. */
static int64_t collect(const pc_node *node, int from, int until, int32_t slot, int64_t gap,
                       pc_days *out)
{
    int64_t count = 0;
    for (int k = from; k < until; k++) {
        const pc_records *in = &node->input[k]->records;
        for (int64_t row = in->offset[slot]; row < in->offset[slot + 1]; row++) {
            out[count++] = (pc_days){in->column[PC_START][row], in->column[PC_END][row]};
        }
    }
    pc_days_sort(out, count);
    return pc_days_join(out, count, gap, NULL);
}

/** The days of a patient in all inputs; `*out` is one of the workspace. */
static int64_t intersect(const pc_node *node, int32_t slot, workspace *work, pc_days **out)
{
    pc_days *here = work->days[0], *next = work->days[1];
    int64_t count = collect(node, 0, 1, slot, 0, here);
    for (int k = 1; k < node->input_count && count > 0; k++) {
        const int64_t other = collect(node, k, k + 1, slot, 0, work->days[2]);
        count = pc_days_both(here, count, work->days[2], other, next);
        pc_days *swap = here;
        here = next;
        next = swap;
    }
    *out = here;
    return count;
}

static int64_t subtract(const pc_node *node, int32_t slot, workspace *work, pc_days **out)
{
    const int64_t count = collect(node, 0, 1, slot, 0, work->days[0]);
    const int64_t other =
        count == 0 ? 0 : collect(node, 1, node->input_count, slot, 0, work->days[1]);
    *out = work->days[2];
    return pc_days_without(work->days[0], count, work->days[1], other, work->days[2]);
}

pc_status pc_timeline_period(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    workspace work;
    PC_TRY(open_workspace(eval, node, &work, err));
    PC_TRY(pc_records_open(&node->records, def->typed->out.count, node->needed, &eval->arena, err));
    for (int32_t slot = 0; slot < eval->slot_count; slot++) {
        pc_days *days = work.days[0];
        int64_t count = 0;
        if (def->kind == PC_DEF_JOIN) {
            count = collect(node, 0, node->input_count, slot, def->gap, days);
        } else if (def->kind == PC_DEF_INTERSECT) {
            count = intersect(node, slot, &work, &days);
        } else {
            count = subtract(node, slot, &work, &days);
        }
        for (int64_t i = 0; i < count; i++) {
            PC_TRY(pc_timeline_add(eval, node, slot, days[i].first, days[i].last, err));
        }
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}
