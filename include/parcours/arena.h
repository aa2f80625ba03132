/** @file parcours/arena.h
 *  Memory: one budget per rank, arenas and buffers that draw on it.
 *  `malloc` and `free` appear in engine/base/arena.c and nowhere else of ours.
 */
#ifndef PC_ARENA_H
#define PC_ARENA_H
#include <stddef.h>
#include <stdint.h>
#include "parcours/status.h"

/** What a rank may use. Not shared between threads. */
typedef struct pc_budget {
    size_t limit_bytes; ///< the most that may be used at once; 0: no limit
    size_t used_bytes;  ///< used now
    size_t peak_bytes;  ///< the most that was ever used
    uint64_t serial;    ///< the last number that was given out
} pc_budget;

/** A number that was not given out before; 0 without a budget. Local. */
static inline uint64_t pc_budget_serial(pc_budget *budget)
{
    return budget == NULL ? 0 : ++budget->serial;
}

/** Tells the C library to keep freed memory for the next request (up to 64 MiB). First call of
 * main. Local. */
void pc_memory_prepare(void);

/** With a budget below 1 GiB: tells the C library to give freed memory back to the system, so that
 *  what the system counts follows what the budget counts. Slower: pages are touched anew. Local. */
void pc_memory_suit(const pc_budget *budget);

/** Takes `bytes` from the budget without memory (a library's own memory is counted so). Local.
 *  @return PC_OK or PC_NO_MEMORY with the numbers */
pc_status pc_budget_take(pc_budget *budget, size_t bytes, pc_error *err) PC_MUST_CHECK;
/** Gives `bytes` back. Local. */
void pc_budget_give(pc_budget *budget, size_t bytes);
/** Bytes that could still be taken (SIZE_MAX without a limit). Local. */
size_t pc_budget_left(const pc_budget *budget);

typedef struct pc_arena_block pc_arena_block;

/** A pile of memory that is given back at once. Start with `pc_arena a = {.budget = &budget}`. */
typedef struct pc_arena {
    pc_budget *budget;      ///< borrowed; NULL: unlimited
    pc_arena_block *newest; ///< owned
} pc_arena;

/** A place in the pile, for `pc_arena_rewind`. */
typedef struct pc_arena_mark {
    pc_arena_block *block;
    size_t used_bytes;
} pc_arena_mark;

/** `bytes` of zeroed memory, 64-byte aligned, owned by the arena. Local.
 *  @return NULL when the budget is spent; `err` then holds PC_NO_MEMORY */
void *pc_arena_take(pc_arena *arena, size_t bytes, pc_error *err);
/** The same, not zeroed: for arrays of which every element is written before it is read. */
void *pc_arena_raw(pc_arena *arena, size_t bytes, pc_error *err);
/** `count` elements of `element_bytes` each, zeroed; an overflow of the product is a refusal. */
void *pc_arena_array(pc_arena *arena, size_t count, size_t element_bytes, pc_error *err);
/** A NUL-terminated copy of `bytes` bytes of `text`. NULL: refused. */
char *pc_arena_text(pc_arena *arena, const char *text, size_t bytes, pc_error *err);
/** Remembers the top of the pile. Local. */
pc_arena_mark pc_arena_now(const pc_arena *arena);
/** Gives back all that was taken since `mark`. Local. */
void pc_arena_rewind(pc_arena *arena, pc_arena_mark mark);
/** Gives everything back. Local. Accepts NULL. */
void pc_arena_reset(pc_arena *arena);
/** The same, but the newest piece stays for what comes next: for scratch that is emptied often.
 *  Marks from before are no longer valid. Local. */
void pc_arena_empty(pc_arena *arena);

/** One growing piece of memory, owned by whoever holds the struct. Start with `{.budget = b}`. */
typedef struct pc_buffer {
    pc_budget *budget; ///< borrowed; NULL: unlimited
    char *data;        ///< [bytes], 64-byte aligned, owned; NULL when empty
    size_t bytes;      ///< used
    size_t capacity_bytes;
} pc_buffer;

/** Makes room for `bytes` in all; contents up to `buffer->bytes` stay. Grows by halves at least.
 *  The new room is not zeroed. Local. */
pc_status pc_buffer_reserve(pc_buffer *buffer, size_t bytes, pc_error *err) PC_MUST_CHECK;
/** Appends a copy of `bytes` of `data`. Local. */
pc_status pc_buffer_append(pc_buffer *buffer, const void *data, size_t bytes,
                           pc_error *err) PC_MUST_CHECK;
/** Appends printf text, without its NUL (a NUL stands after it all the same). Local. */
pc_status pc_buffer_print(pc_buffer *buffer, pc_error *err, const char *format, ...)
    PC_PRINTF(3, 4) PC_MUST_CHECK;
/** Gives the memory back and empties the struct, which can be used again. Accepts NULL. */
void pc_buffer_release(pc_buffer *buffer);

#endif
