/** @file parcours/op.h
 *  An operator: one file in ops/ that defines one pc_op_type. Pure functions over batches: it knows
 *  neither neighbours, nor files, nor ranks.
 */
#ifndef PC_OP_H
#define PC_OP_H
#include "parcours/plan.h"

typedef struct pc_op pc_op;

/** Where the parts of a state go. What is equal in its keys is in one part, whichever rank had it,
 *  so that parts are put together one by one. */
typedef struct pc_op_parts {
    int count;      ///< 1 .. PC_MOST_PARTS
    pc_span bounds; ///< of operators that give samples: rows between one part and the next, packed
                    ///< and in order; empty: all is of part 0
    void *context;
    /** Takes some of a part: bytes that `merge` adds. */
    pc_status (*write)(void *context, int part, pc_span state, pc_error *err);
} pc_op_parts;
enum { PC_MOST_PARTS = 65535 };

typedef struct pc_op_type {
    const char *name;
    pc_plan_kind kind;
    /** Checks the node, sets `op->out`, takes memory. */
    pc_status (*open)(pc_op *op, const pc_plan *node, pc_error *err);
    /** Changes one batch in place, or adds it to the state (then the batch is empty afterwards).
     *  `scratch` lives until the next push. Dictionaries of the batch live as long as the stage and
     *  only grow: what their indices mean is looked up once. */
    pc_status (*push)(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err);
    /** Adds a batch of the second input, before the first push. NULL: there is one input. */
    pc_status (*build)(pc_op *op, const pc_batch *batch, pc_error *err);
    /** With it, push only takes a batch in (it must live until then), and this writes what becomes
     *  of it, batch by batch, until one has 0 rows. NULL: push makes one batch of one. */
    pc_status (*more)(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err);
    /** Forgets all rows, so that the next block can begin: of operators that work block by block.
     */
    pc_status (*clear)(pc_op *op, pc_error *err);
    /** Packs the state, to be merged elsewhere; empties it. NULL: no state. */
    pc_status (*pack)(pc_op *op, pc_buffer *out, pc_error *err);
    /** Adds a packed state of the same operator. NULL: no state. With it, the stage ends here. */
    pc_status (*merge)(pc_op *op, pc_span state, pc_error *err);
    /** Gives the state in parts; empties it. NULL: it cannot be parted. */
    pc_status (*pack_parts)(pc_op *op, const pc_op_parts *parts, pc_error *err);
    /** Where parts are ranges: packs `count` of its rows (fewer, if it has fewer), evenly spaced;
     *  `in_order`: of the rows in order. NULL: parts are by hash. */
    pc_status (*sample)(pc_op *op, int count, bool in_order, pc_buffer *out, pc_error *err);
    /** Writes the next batch of its state; 0 rows: done. NULL: no state. */
    pc_status (*finish)(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err);
    void (*close)(pc_op *op); ///< gives back buffers that are not in the arena; NULL: none
} pc_op_type;

struct pc_op {
    const pc_op_type *type;
    const pc_schema *in;
    pc_schema out;
    pc_arena *arena; ///< of the stage
    void *state;
};

/** True where the operator of a node keeps a state of all rows. */
bool pc_op_has_state(const pc_op_type *of);
/** True where the state of a node's operator can be parted. */
bool pc_op_can_part(const pc_plan *node);
/** The operator type of a plan node, or NULL (a scan is not an operator). */
const pc_op_type *pc_op_find(pc_plan_kind kind);
/** Makes an operator over `in` for `node`. */
pc_status pc_op_open(const pc_plan *node, const pc_schema *in, pc_arena *arena, pc_op *out,
                     pc_error *err) PC_MUST_CHECK;
void pc_op_close(pc_op *op);

#endif
