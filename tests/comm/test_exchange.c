/** Gather, exchange and reduction of states, in rounds of few bytes and with refused memory. */
#include <string.h>
#include "comm/comm_main.h"
#include "engine/comm/comm_internal.h"
#include "test_random.h"

enum { MOST_RANKS = 16, MOST_BYTES = 5000 };

// How much `from` sends to `to`: every rank can tell. Many are empty, a few are long.
static size_t piece_bytes(uint64_t seed, int from, int to)
{
    uint64_t random = seed * 1000 + (uint64_t)from * 64 + (uint64_t)to;
    const int kind = pc_test_below(&random, 3);
    if (kind == 0) return 0;
    return (size_t)pc_test_below(&random, kind == 1 ? 10 : MOST_BYTES);
}

static char piece_byte(int from, int to, size_t at)
{
    return (char)(from * 37 + to * 11 + (int)(at * 7));
}

static char *fill_piece(pc_arena *arena, int from, int to, size_t bytes)
{
    char *piece = pc_arena_take(arena, bytes, NULL);
    for (size_t at = 0; piece != NULL && at < bytes; at++) {
        piece[at] = piece_byte(from, to, at);
    }
    return piece;
}

// Bytes of `data` that are not those of the piece.
static int wrong_bytes(const char *data, int from, int to, size_t bytes)
{
    int wrong = 0;
    for (size_t at = 0; at < bytes; at++) {
        wrong += data[at] != piece_byte(from, to, at);
    }
    return wrong;
}

static pc_status exchange(uint64_t seed, pc_budget *budget)
{
    const int size = pc_comm_size(pc_test_comm);
    const int rank = pc_comm_rank(pc_test_comm);
    pc_arena arena = {0};
    pc_span out[MOST_RANKS];
    int64_t in_bytes[MOST_RANKS];
    pc_buffer in = {.budget = budget};
    pc_error err = {0};
    for (int to = 0; to < size; to++) {
        const size_t bytes = piece_bytes(seed, rank, to);
        out[to] = (pc_span){fill_piece(&arena, rank, to, bytes), bytes};
    }
    const pc_status status = pc_comm_exchange(pc_test_comm, out, &in, in_bytes, &err);
    size_t at = 0;
    for (int from = 0; status == PC_OK && from < size; from++) {
        const size_t bytes = piece_bytes(seed, from, rank);
        CU_ASSERT_EQUAL((size_t)in_bytes[from], bytes);
        if (bytes > 0) CU_ASSERT_EQUAL(wrong_bytes(in.data + at, from, rank, bytes), 0);
        at += bytes;
    }
    if (status == PC_OK) CU_ASSERT_EQUAL(at, in.bytes);
    pc_buffer_release(&in);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget->used_bytes, 0);
    return status;
}

static void test_exchange(void)
{
    static const size_t round[] = {1, 7, 64, 1000, PC_COMM_ROUND_BYTES};
    for (uint64_t seed = 0; seed < 20; seed++) {
        pc_test_comm->round_bytes = round[seed % 5];
        pc_budget budget = {0};
        CU_ASSERT_EQUAL(exchange(seed, &budget), PC_OK);
    }
    pc_test_comm->round_bytes = PC_COMM_ROUND_BYTES;
}

// One rank has too little memory: all leave with its sentence, and the next exchange works.
static void test_exchange_without_memory(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit *= 2) {
        const bool poor = pc_comm_rank(pc_test_comm) == pc_comm_size(pc_test_comm) - 1;
        pc_budget budget = {.limit_bytes = poor ? limit : 0};
        status = exchange(3, &budget);
        int64_t same[2] = {status, -(int64_t)status};
        pc_comm_max_int64(pc_test_comm, same, 2);
        CU_ASSERT(same[0] == (int64_t)status && same[1] == -(int64_t)status);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static pc_status gather(uint64_t seed, pc_budget *budget)
{
    const int size = pc_comm_size(pc_test_comm);
    const int rank = pc_comm_rank(pc_test_comm);
    pc_arena arena = {0};
    const size_t mine_bytes = piece_bytes(seed, rank, 0);
    const pc_span mine = {fill_piece(&arena, rank, 0, mine_bytes), mine_bytes};
    pc_buffer all = {.budget = budget};
    int64_t bytes_of_rank[MOST_RANKS] = {0};
    pc_error err = {0};
    const pc_status status =
        pc_comm_gather(pc_test_comm, mine, &all, seed % 2 == 0 ? bytes_of_rank : NULL, &err);
    size_t at = 0;
    for (int from = 0; status == PC_OK && rank == 0 && from < size; from++) {
        const size_t bytes = piece_bytes(seed, from, 0);
        if (seed % 2 == 0) CU_ASSERT_EQUAL((size_t)bytes_of_rank[from], bytes);
        if (bytes > 0) CU_ASSERT_EQUAL(wrong_bytes(all.data + at, from, 0, bytes), 0);
        at += bytes;
    }
    CU_ASSERT_EQUAL(at, all.bytes);
    pc_buffer_release(&all);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget->used_bytes, 0);
    return status;
}

static void test_gather(void)
{
    pc_budget budget = {0};
    for (uint64_t seed = 0; seed < 12; seed++) {
        pc_test_comm->round_bytes = seed % 3 == 0 ? 5 : 512;
        CU_ASSERT_EQUAL(gather(seed, &budget), PC_OK);
    }
    pc_test_comm->round_bytes = PC_COMM_ROUND_BYTES;
    budget.limit_bytes = 8; // not even the sizes fit: rank 0 fails, all know
    CU_ASSERT_EQUAL(gather(1, &budget), PC_NO_MEMORY);
}

// A state that shows the order of merges: the ranks as a text.
typedef struct names {
    pc_buffer text;
    int fail_in_pack;  // rank, -1: nowhere
    int fail_in_merge; // rank
} names;

static pc_status pack_names(void *context, pc_buffer *out, pc_error *err)
{
    const names *n = context;
    if (n->fail_in_pack == pc_comm_rank(pc_test_comm)) {
        return PC_FAIL(err, PC_IO, "rank %d cannot pack", n->fail_in_pack);
    }
    return pc_buffer_append(out, n->text.data, n->text.bytes, err);
}

static pc_status merge_names(void *context, pc_span other, pc_error *err)
{
    names *n = context;
    if (n->fail_in_merge == pc_comm_rank(pc_test_comm)) {
        return PC_FAIL(err, PC_BAD_INPUT, "rank %d cannot merge", n->fail_in_merge);
    }
    return pc_buffer_append(&n->text, other.data, other.bytes, err);
}

static pc_status reduce(names *n, pc_budget *budget)
{
    pc_error err = {0};
    n->text = (pc_buffer){0};
    CU_ASSERT_EQUAL(pc_buffer_print(&n->text, &err, "%d,", pc_comm_rank(pc_test_comm)), PC_OK);
    const pc_status status = pc_comm_reduce(pc_test_comm, n, pack_names, merge_names, budget, &err);
    CU_ASSERT_EQUAL(err.status, status);
    CU_ASSERT_EQUAL(budget->used_bytes, 0);
    return status;
}

static void test_reduce_merges_in_order_of_ranks(void)
{
    pc_budget budget = {0};
    names n = {.fail_in_pack = -1, .fail_in_merge = -1};
    pc_buffer expected = {0};
    pc_error err = {0};
    for (int rank = 0; rank < pc_comm_size(pc_test_comm); rank++) {
        CU_ASSERT_EQUAL(pc_buffer_print(&expected, &err, "%d,", rank), PC_OK);
    }
    for (size_t round = 1; round < 100; round *= 4) {
        pc_test_comm->round_bytes = round;
        CU_ASSERT_EQUAL(reduce(&n, &budget), PC_OK);
        if (pc_comm_rank(pc_test_comm) == 0) {
            CU_ASSERT_EQUAL(n.text.bytes, expected.bytes);
            CU_ASSERT(memcmp(n.text.data, expected.data, expected.bytes) == 0);
        }
        pc_buffer_release(&n.text);
    }
    pc_buffer_release(&expected);
    pc_test_comm->round_bytes = PC_COMM_ROUND_BYTES;
}

static void test_reduce_with_each_rank_failing(void)
{
    const int size = pc_comm_size(pc_test_comm);
    pc_budget budget = {0};
    for (int rank = 0; rank < size; rank++) {
        names n = {.fail_in_pack = rank, .fail_in_merge = -1};
        CU_ASSERT_EQUAL(reduce(&n, &budget), rank == 0 ? PC_OK : PC_IO); // rank 0 never packs
        pc_buffer_release(&n.text);
        n = (names){.fail_in_pack = -1, .fail_in_merge = rank};
        const bool merges = rank % 2 == 0 && rank + 1 < size;
        CU_ASSERT_EQUAL(reduce(&n, &budget), merges ? PC_BAD_INPUT : PC_OK);
        pc_buffer_release(&n.text);
    }
    names n = {.fail_in_pack = -1, .fail_in_merge = -1};
    budget.limit_bytes = 8; // no rank can receive or pack
    CU_ASSERT_EQUAL(reduce(&n, &budget), size > 1 ? PC_NO_MEMORY : PC_OK);
    pc_buffer_release(&n.text);
}

// Each rank talks to itself while others do the same; what it says to others is counted.
static void test_alone_and_counted(void)
{
    const int size = pc_comm_size(pc_test_comm);
    pc_budget budget = {0};
    pc_error err = {0};
    pc_comm *alone = pc_comm_alone(&budget, &err);
    CU_ASSERT_PTR_NOT_NULL(alone);
    if (alone == NULL) return;
    pc_buffer in = {.budget = &budget};
    int64_t in_bytes[MOST_RANKS] = {0};
    const pc_span mine = {"abc", 3};
    CU_ASSERT_EQUAL(pc_comm_exchange(alone, &mine, &in, in_bytes, &err), PC_OK);
    CU_ASSERT(in.bytes == 3 && memcmp(in.data, "abc", 3) == 0);
    const pc_comm_counts counted = pc_comm_counted(alone);
    CU_ASSERT(counted.messages == 0 && counted.kept_bytes == 3 && counted.collectives > 0);
    pc_comm_alone_close(alone);

    pc_span out[MOST_RANKS];
    for (int rank = 0; rank < size; rank++)
        out[rank] = mine;
    const pc_comm_counts before = pc_comm_counted(pc_test_comm);
    CU_ASSERT_EQUAL(pc_comm_exchange(pc_test_comm, out, &in, in_bytes, &err), PC_OK);
    const pc_comm_counts after = pc_comm_counted(pc_test_comm);
    CU_ASSERT_EQUAL(after.messages - before.messages, size - 1);
    CU_ASSERT_EQUAL(after.bytes - before.bytes, 3 * (size - 1));
    CU_ASSERT_EQUAL(after.kept_bytes - before.kept_bytes, 3);
    pc_buffer_release(&in);
    budget.limit_bytes = 8;
    CU_ASSERT_PTR_NULL(pc_comm_alone(&budget, &err));
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_COMM_TEST_MAIN("exchange", {"exchange", test_exchange},
                  {"exchange without memory", test_exchange_without_memory},
                  {"gather", test_gather}, {"alone and counted", test_alone_and_counted},
                  {"reduction merges in order of ranks", test_reduce_merges_in_order_of_ranks},
                  {"reduction with each rank failing", test_reduce_with_each_rank_failing});
