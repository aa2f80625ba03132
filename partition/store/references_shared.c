/** Reference tables in memory that the ranks of a node share. Which of them a question needs is
 *  known late, and not to all ranks at once: whoever asks for one first reads it there, the others
 *  wait until it is done. Each has a place that its number of rows gives, as wide as its columns
 *  may be; pages that nobody touches take no memory.
 *
 *      state of each table | place of each: where its columns stand | values, bitmaps
 */
#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include "inside.h"

enum { WAIT_NS = 50000 }; // between two looks at a table that another rank reads
// A table of more rows has no place: its size would not fit a number.
#define MOST_ROWS (INT64_C(1) << 32)

/** A table: from EMPTY to READING by one rank, from there to THERE or, for good, to REFUSED: then
 *  each rank reads it for itself and says what is wrong with it. */
enum { EMPTY, READING, THERE, REFUSED };
typedef struct shared_state {
    _Atomic uint32_t state;
    uint64_t bytes; // of its place that are used
} shared_state;

/** A column that was read, as distances from the begin of the area. 0: it has none. */
typedef struct shared_column {
    uint64_t data, valid, width;
} shared_column;

static size_t padded(size_t bytes)
{
    return (bytes + PC_SHARED_ALIGN - 1) / PC_SHARED_ALIGN * PC_SHARED_ALIGN;
}

// The most that a table may take; 0: it has no rows, or is not a reference table.
static size_t most_bytes(const pc_store *store, int t)
{
    const pc_model_table *table = &store->model->table[t];
    const size_t rows = (size_t)store->reference_rows[t];
    if (store->reference[t] == NULL || rows == 0 || rows > MOST_ROWS) return 0;
    size_t bytes = padded((size_t)table->column_count * sizeof(shared_column));
    for (int c = 0; c < table->column_count; c++) {
        const pc_model_column *about = &table->column[c];
        const size_t width = about->type == PC_ID ? about->width : about->dict >= 0 ? 4 : 8;
        bytes += padded(rows * width) + padded(((rows + 63) / 64 + 1) * sizeof(uint64_t));
    }
    return bytes;
}

static size_t place_of(const pc_store *store, int table)
{
    size_t at = padded((size_t)store->model->table_count * sizeof(shared_state));
    for (int t = 0; t < table; t++)
        at += most_bytes(store, t);
    return at;
}

static shared_state *state_of(const pc_store *store, int t)
{
    return (shared_state *)(void *)store->shared.at + t;
}

size_t pc_references_shared_bytes(const pc_store *store)
{
    const size_t bytes = place_of(store, store->model->table_count);
    const size_t limit = store->budget == NULL ? 0 : store->budget->limit_bytes;
    return limit == 0 || bytes <= limit ? bytes : limit / PC_SHARED_ALIGN * PC_SHARED_ALIGN;
}

void pc_references_shared_begin(const pc_store *store, void *memory)
{
    shared_state *s = memory;
    for (int t = 0; t < store->model->table_count; t++) {
        atomic_init(&s[t].state, EMPTY);
        s[t].bytes = 0;
    }
}

// Has the table a place there?
static bool has_place(const pc_store *store, int t)
{
    const size_t most = most_bytes(store, t);
    return store->shared.at != NULL && most > 0 && place_of(store, t) + most <= store->shared.bytes;
}

static pc_status take_columns(pc_store *store, int t, pc_error *err)
{
    const size_t share = state_of(store, t)->bytes / (size_t)store->shared.readers;
    PC_TRY(pc_budget_take(store->budget, share, err));
    store->shared.counted_bytes += share;
    const pc_model_table *table = &store->model->table[t];
    char *begin = store->shared.at;
    const shared_column *from = (const shared_column *)(void *)(begin + place_of(store, t));
    for (int c = 0; c < table->column_count; c++) {
        const pc_model_column *about = &table->column[c];
        pc_column *to = &store->reference[t][c];
        *to = (pc_column){.type = about->type,
                          .scale = about->scale,
                          .width = (uint8_t)from[c].width,
                          .dict = about->dict >= 0 ? &store->dict[about->dict] : NULL};
        if (from[c].data > 0) to->data = begin + from[c].data;
        if (from[c].valid > 0) to->valid = (uint64_t *)(void *)(begin + from[c].valid);
    }
    store->reference_is_read[t] = true;
    return PC_OK;
}

pc_status pc_references_shared_ask(pc_store *store, int t, pc_room *room, pc_error *err)
{
    *room = (pc_room){0};
    if (!has_place(store, t)) return PC_OK;
    shared_state *s = state_of(store, t);
    uint32_t state = EMPTY;
    if (atomic_compare_exchange_strong(&s->state, &state, READING)) {
        const size_t columns = (size_t)store->model->table[t].column_count * sizeof(shared_column);
        char *at = (char *)store->shared.at + place_of(store, t);
        *room = (pc_room){.at = at + padded(columns), .end = at + most_bytes(store, t)};
        return PC_OK;
    }
    const struct timespec pause = {.tv_nsec = WAIT_NS};
    while (state == READING) {
        (void)nanosleep(&pause, NULL);
        state = atomic_load(&s->state);
    }
    return state == THERE ? take_columns(store, t, err) : PC_OK;
}

pc_status pc_references_shared_tell(pc_store *store, int t, const pc_room *room, pc_status status,
                                    pc_error *err)
{
    if (room->at == NULL) return status;
    shared_state *s = state_of(store, t);
    if (status != PC_OK) {
        atomic_store(&s->state, REFUSED);
        return status;
    }
    const pc_model_table *table = &store->model->table[t];
    const char *begin = store->shared.at;
    const size_t place = place_of(store, t);
    shared_column *to = (shared_column *)(void *)((char *)store->shared.at + place);
    for (int c = 0; c < table->column_count; c++) {
        const pc_column *from = &store->reference[t][c];
        const char *data = from->data, *valid = (const char *)from->valid;
        to[c] = (shared_column){.data = data == NULL ? 0 : (uint64_t)(data - begin),
                                .valid = valid == NULL ? 0 : (uint64_t)(valid - begin),
                                .width = from->width};
    }
    s->bytes = (size_t)(room->at - begin) - place;
    atomic_store(&s->state, THERE);
    return take_columns(store, t, err);
}

void *pc_room_take(pc_room *room, pc_arena *arena, size_t count, size_t width, pc_error *err)
{
    if (room->at == NULL) return pc_arena_array(arena, count, width, err);
    void *at = room->at;
    room->at += padded(count * width);
    assert(room->at <= room->end); // a place has room for the widest columns
    memset(at, 0, count * width);
    return at;
}
