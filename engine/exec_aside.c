/** Parts: one spool each, pieces behind each other with their sizes in front. */
#include "exec_aside.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LEAST_PARTS = 256,            // a part of a state of 100 GB is 400 MB
    MEMORY_SHARE = 16,            // of the budget, for blocks and for what is not yet in the file
    LEAST_BLOCK_BYTES = 1024,     // of a spool
    MOST_BLOCK_BYTES = 64 * 1024, // 16 MiB for all spools
    DEFAULT_MEMORY = 64 * 1024 * 1024 // without a budget
};

struct pc_aside {
    pc_arena arena; // holds this struct
    pc_aside_plan plan;
    pc_spool_pool *pool;
    pc_spool **spool; // [count] NULL: nothing was added
    int64_t bytes;
};

// In front of a piece on its way to another rank.
typedef struct piece_head {
    uint32_t part;
    uint32_t bytes;
} piece_head;

int pc_aside_count(int ranks)
{
    return ranks > LEAST_PARTS ? ranks : LEAST_PARTS;
}

int pc_aside_owner(int part, int ranks)
{
    return part % ranks;
}

static size_t memory_share(const pc_budget *budget)
{
    if (budget == NULL || budget->limit_bytes == 0) return DEFAULT_MEMORY;
    return budget->limit_bytes / MEMORY_SHARE;
}

static size_t block_bytes(const pc_aside *parts)
{
    const size_t bytes = memory_share(parts->plan.budget) / (size_t)parts->plan.count;
    if (bytes < LEAST_BLOCK_BYTES) return LEAST_BLOCK_BYTES;
    return bytes < MOST_BLOCK_BYTES ? bytes : MOST_BLOCK_BYTES;
}

static pc_status make_scratch(const pc_aside_plan *plan, pc_error *err)
{
    if (mkdir(plan->scratch, 0700) == 0) {
        *plan->made_scratch = true;
        return PC_OK;
    }
    if (errno == EEXIST) return PC_OK;
    return PC_FAIL(err, PC_IO,
                   "a query that needs more than --memory wants the scratch folder '%s': %s; give "
                   "another with --scratch",
                   plan->scratch, strerror(errno));
}

pc_status pc_aside_open(const pc_aside_plan *plan, pc_aside **out, pc_error *err)
{
    pc_arena arena = {.budget = plan->budget};
    PC_TRY(make_scratch(plan, err));
    pc_aside *parts = pc_arena_take(&arena, sizeof *parts, err);
    pc_spool **spool =
        parts == NULL ? NULL : pc_arena_array(&arena, (size_t)plan->count, sizeof *spool, err);
    if (spool == NULL) {
        pc_arena_reset(&arena);
        return PC_NO_MEMORY;
    }
    *parts = (pc_aside){.arena = arena, .plan = *plan, .spool = spool};
    const size_t memory = memory_share(plan->budget);
    const pc_status status =
        pc_spool_pool_open(plan->scratch, memory, plan->budget, &parts->pool, err);
    if (status != PC_OK) {
        parts->pool = NULL;
        pc_aside_close(parts);
        return status;
    }
    *out = parts;
    return PC_OK;
}

void pc_aside_close(pc_aside *parts)
{
    if (parts == NULL) return;
    pc_spool_pool_close(parts->pool);
    pc_arena arena = parts->arena; // a copy: the struct lies in it
    pc_arena_reset(&arena);
}

int64_t pc_aside_bytes(const pc_aside *parts)
{
    return parts->bytes;
}

bool pc_aside_is_empty(const pc_aside *parts, int part)
{
    return parts->spool[part] == NULL || pc_spool_row_count(parts->spool[part]) == 0;
}

pc_status pc_aside_add(pc_aside *parts, int part, pc_span piece, pc_error *err)
{
    if (piece.bytes > INT32_MAX) {
        return PC_FAIL(err, PC_NO_MEMORY,
                       "one of %d parts of a query's state has more than %d bytes on a rank: use "
                       "more ranks",
                       parts->plan.count, INT32_MAX);
    }
    pc_spool **spool = &parts->spool[part];
    if (*spool == NULL) PC_TRY(pc_spool_open(parts->pool, 1, block_bytes(parts), spool, err));
    const uint32_t bytes = (uint32_t)piece.bytes;
    PC_TRY(pc_spool_append(*spool, (const unsigned char *)&bytes, sizeof bytes, err));
    parts->bytes += (int64_t)piece.bytes;
    return pc_spool_append(*spool, (const unsigned char *)piece.data, (int64_t)piece.bytes, err);
}

// A part being read: the blocks of its spool one by one, what is left of a piece in front.
typedef struct part_reader {
    pc_spool *spool;
    int block;
    size_t at;
    pc_buffer text;
} part_reader;

// `piece.data` NULL: the part is done. Valid until the next call.
static pc_status next_piece(part_reader *r, pc_span *piece, pc_error *err)
{
    *piece = (pc_span){NULL, 0};
    for (;;) {
        const size_t left = r->text.bytes - r->at;
        uint32_t bytes = 0;
        if (left >= sizeof bytes) {
            memcpy(&bytes, r->text.data + r->at, sizeof bytes);
            if (left - sizeof bytes >= bytes) {
                *piece = (pc_span){r->text.data + r->at + sizeof bytes, bytes};
                r->at += sizeof bytes + bytes;
                return PC_OK;
            }
        }
        if (r->spool == NULL || r->block == pc_spool_block_count(r->spool)) return PC_OK;
        if (left > 0) memmove(r->text.data, r->text.data + r->at, left);
        r->text.bytes = left;
        r->at = 0;
        PC_TRY(pc_spool_read(r->spool, r->block++, &r->text, err));
    }
}

static pc_status open_part(pc_aside *parts, int part, part_reader *out, pc_error *err)
{
    *out = (part_reader){.spool = parts->spool[part], .text.budget = parts->plan.budget};
    return out->spool == NULL ? PC_OK : pc_spool_seal(out->spool, err);
}

pc_status pc_aside_read(pc_aside *parts, int part,
                        pc_status (*take)(void *context, pc_span piece, pc_error *err),
                        void *context, pc_error *err)
{
    part_reader reader;
    PC_TRY(open_part(parts, part, &reader, err));
    pc_status status = PC_OK;
    for (bool more = true; more && status == PC_OK;) {
        pc_span piece;
        status = next_piece(&reader, &piece, err);
        more = status == PC_OK && piece.data != NULL;
        if (more) status = take(context, piece, err);
    }
    pc_buffer_release(&reader.text);
    return status;
}

// What goes to one rank: its parts one after the other.
typedef struct outlet {
    int part; // being read; beyond the last: done
    bool is_open;
    part_reader reader;
    pc_span waiting; // a piece that did not fit in the last round
    pc_buffer text;  // of this round
} outlet;

static pc_status next_of_outlet(pc_aside *parts, int ranks, outlet *o, pc_span *piece,
                                pc_error *err)
{
    for (; o->part < parts->plan.count; o->part += ranks) {
        if (!o->is_open) PC_TRY(open_part(parts, o->part, &o->reader, err));
        o->is_open = true;
        PC_TRY(next_piece(&o->reader, piece, err));
        if (piece->data != NULL) return PC_OK;
        pc_buffer_release(&o->reader.text);
        if (o->reader.spool != NULL) pc_spool_drop(o->reader.spool);
        o->is_open = false;
    }
    return PC_OK;
}

// Fills a round: at least one piece when there is one, then as many as fit.
static pc_status fill_outlet(pc_aside *parts, int ranks, outlet *o, size_t round_bytes,
                             pc_error *err)
{
    o->text.bytes = 0;
    for (;;) {
        if (o->waiting.data == NULL) {
            PC_TRY(next_of_outlet(parts, ranks, o, &o->waiting, err));
            if (o->waiting.data == NULL) return PC_OK;
        }
        const piece_head head = {(uint32_t)o->part, (uint32_t)o->waiting.bytes};
        const size_t bytes = sizeof head + o->waiting.bytes;
        if (o->text.bytes > 0 && o->text.bytes + bytes > round_bytes) return PC_OK;
        PC_TRY(pc_buffer_append(&o->text, &head, sizeof head, err));
        PC_TRY(pc_buffer_append(&o->text, o->waiting.data, o->waiting.bytes, err));
        o->waiting.data = NULL;
    }
}

static pc_status take_round(pc_aside *mine, pc_span in, pc_error *err)
{
    for (size_t at = 0; at < in.bytes;) {
        piece_head head;
        const size_t left = in.bytes - at;
        if (left < sizeof head) return PC_FAIL(err, PC_BAD_INPUT, "an exchanged part is damaged");
        memcpy(&head, in.data + at, sizeof head);
        at += sizeof head;
        if (head.bytes > in.bytes - at || head.part >= (uint32_t)mine->plan.count) {
            return PC_FAIL(err, PC_BAD_INPUT, "an exchanged part is damaged");
        }
        PC_TRY(pc_aside_add(mine, (int)head.part, (pc_span){in.data + at, head.bytes}, err));
        at += head.bytes;
    }
    return PC_OK;
}

/** An exchange on its way. */
typedef struct exchange {
    pc_aside *from, *mine;
    int ranks;
    outlet *outlet;    // [ranks]
    pc_span *out;      // [ranks]
    int64_t *in_bytes; // [ranks]
    pc_buffer in;
} exchange;

static pc_status fill_round(exchange *x, int64_t *bytes, pc_error *err)
{
    *bytes = 0;
    const size_t round_bytes = memory_share(x->from->plan.budget) / (size_t)x->ranks;
    for (int r = 0; r < x->ranks; r++) {
        outlet *o = &x->outlet[r];
        PC_TRY(fill_outlet(x->from, x->ranks, o, round_bytes, err));
        x->out[r] = (pc_span){o->text.data, o->text.bytes};
        *bytes += (int64_t)o->text.bytes;
    }
    return PC_OK;
}

static pc_status run_rounds(pc_comm *comm, exchange *x, pc_error *err)
{
    for (;;) {
        int64_t bytes = 0;
        pc_status status = pc_comm_agree(comm, fill_round(x, &bytes, err), err);
        if (status != PC_OK) return status;
        pc_comm_sum_int64(comm, &bytes, 1);
        if (bytes == 0) return PC_OK;
        status = pc_comm_exchange(comm, x->out, &x->in, x->in_bytes, err);
        if (status != PC_OK) return status;
        status =
            pc_comm_agree(comm, take_round(x->mine, (pc_span){x->in.data, x->in.bytes}, err), err);
        if (status != PC_OK) return status;
    }
}

static pc_status open_exchange(exchange *x, pc_arena *arena, pc_error *err)
{
    const size_t ranks = (size_t)x->ranks;
    x->outlet = pc_arena_array(arena, ranks, sizeof *x->outlet, err);
    x->out = pc_arena_array(arena, ranks, sizeof *x->out, err);
    x->in_bytes = pc_arena_array(arena, ranks, sizeof *x->in_bytes, err);
    if (x->outlet == NULL || x->out == NULL || x->in_bytes == NULL) return PC_NO_MEMORY;
    x->in.budget = arena->budget;
    for (int r = 0; r < x->ranks; r++) {
        x->outlet[r] = (outlet){.part = r, .text.budget = arena->budget};
    }
    return pc_aside_open(&x->from->plan, &x->mine, err);
}

pc_status pc_aside_exchange(pc_comm *comm, pc_aside **parts, pc_error *err)
{
    const int ranks = pc_comm_size(comm);
    if (ranks == 1) return PC_OK;
    pc_arena arena = {.budget = (*parts)->plan.budget};
    exchange x = {.from = *parts, .ranks = ranks};
    pc_status status = pc_comm_agree(comm, open_exchange(&x, &arena, err), err);
    if (status == PC_OK) status = run_rounds(comm, &x, err);
    for (int r = 0; x.outlet != NULL && r < ranks; r++) {
        pc_buffer_release(&x.outlet[r].reader.text);
        pc_buffer_release(&x.outlet[r].text);
    }
    pc_buffer_release(&x.in);
    pc_arena_reset(&arena);
    if (status != PC_OK) {
        pc_aside_close(x.mine);
        return status;
    }
    pc_aside_close(x.from);
    *parts = x.mine;
    return PC_OK;
}
