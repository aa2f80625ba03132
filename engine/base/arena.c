/** The only caller of the C library's allocator: budgets, arenas, buffers. */
#define _DEFAULT_SOURCE // madvise
#include <assert.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "parcours/arena.h"

enum {
    ALIGN_BYTES = 64, // one cache line, and the widest vector register
    HUGE_PAGE_BYTES = 2 * 1024 * 1024,
    HUGE_FROM_BYTES = 4 * 1024 * 1024, // from here on a request gets huge pages
    KEPT_BYTES = 64 * 1024 * 1024,     // free memory that is not given back to the system at once
    MAP_FROM_BYTES = 32 * 1024 * 1024, // the C library's own largest threshold
    TIGHT_BYTES = 1024 * 1024 * 1024,  // budgets below it are meant to be kept to the megabyte
    TIGHT_MAP_BYTES = 128 * 1024, // then what is larger is mapped, and unmapped when given back
    FIRST_BLOCK_BYTES = 4 * 1024, // small arenas stay small
    MOST_BLOCK_BYTES = 256 * 1024 // larger ones ask the system seldom; a large request stands alone
};

struct pc_arena_block {
    alignas(ALIGN_BYTES) pc_arena_block *older;
    size_t used_bytes;
    size_t room_bytes; // behind this header
};

pc_status pc_budget_take(pc_budget *budget, size_t bytes, pc_error *err)
{
    if (budget == NULL) return PC_OK;
    if (bytes > pc_budget_left(budget)) {
        return PC_FAIL(
            err, PC_NO_MEMORY,
            "out of memory: %zu bytes wanted, %zu in use of the %zu that --memory allows", bytes,
            budget->used_bytes, budget->limit_bytes);
    }
    budget->used_bytes += bytes;
    if (budget->used_bytes > budget->peak_bytes) budget->peak_bytes = budget->used_bytes;
    return PC_OK;
}

void pc_budget_give(pc_budget *budget, size_t bytes)
{
    if (budget == NULL) return;
    assert(bytes <= budget->used_bytes);
    budget->used_bytes -= bytes;
}

size_t pc_budget_left(const pc_budget *budget)
{
    if (budget == NULL) return SIZE_MAX;
    const size_t limit = budget->limit_bytes == 0 ? SIZE_MAX : budget->limit_bytes;
    return budget->used_bytes < limit ? limit - budget->used_bytes : 0;
}

void pc_memory_prepare(void)
{
    // A page of a virtual machine costs microseconds the first time it is touched: memory that
    // comes and goes (scratch of batches, rounds of an exchange) is kept rather than mapped anew.
    mallopt(M_MMAP_THRESHOLD, MAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

static bool is_tight(const pc_budget *budget)
{
    return budget != NULL && budget->limit_bytes > 0 && budget->limit_bytes < TIGHT_BYTES;
}

void pc_memory_suit(const pc_budget *budget)
{
    if (!is_tight(budget)) return;
    mallopt(M_MMAP_THRESHOLD, TIGHT_MAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, TIGHT_MAP_BYTES);
}

// Large pieces on huge pages: 512 times fewer first touches, and fewer TLB misses in tables.
static void *memory_map(const pc_budget *budget, size_t bytes)
{
    if (bytes < HUGE_FROM_BYTES || is_tight(budget)) return aligned_alloc(ALIGN_BYTES, bytes);
    void *memory = NULL;
    if (posix_memalign(&memory, HUGE_PAGE_BYTES, bytes) != 0) return NULL;
    (void)madvise(memory, bytes / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES, MADV_HUGEPAGE); // a wish only
    return memory;
}

// `bytes` is a multiple of ALIGN_BYTES. NULL: `err` says why.
static void *memory_take(pc_budget *budget, size_t bytes, pc_error *err)
{
    if (pc_budget_take(budget, bytes, err) != PC_OK) return NULL;
    void *memory = memory_map(budget, bytes);
    if (memory == NULL) {
        pc_budget_give(budget, bytes);
        pc_fail(err, PC_NO_MEMORY, "out of memory: the system refused %zu bytes", bytes);
    }
    return memory;
}

static void memory_give(pc_budget *budget, void *memory, size_t bytes)
{
    free(memory);
    pc_budget_give(budget, bytes);
}

static bool round_up(size_t *bytes)
{
    if (*bytes > SIZE_MAX - ALIGN_BYTES - sizeof(pc_arena_block)) return false;
    *bytes = (*bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    return true;
}

// A new newest block with room for `bytes`. Near the end of the budget it is no larger than that.
static pc_status grow(pc_arena *arena, size_t bytes, pc_error *err)
{
    size_t room = FIRST_BLOCK_BYTES - sizeof(pc_arena_block);
    if (arena->newest != NULL) {
        room = 2 * arena->newest->room_bytes + sizeof(pc_arena_block);
        if (room > MOST_BLOCK_BYTES) room = MOST_BLOCK_BYTES - sizeof(pc_arena_block);
    }
    if (room + sizeof(pc_arena_block) > pc_budget_left(arena->budget) || room < bytes) room = bytes;
    pc_arena_block *block = memory_take(arena->budget, room + sizeof *block, err);
    if (block == NULL) return PC_NO_MEMORY;
    *block = (pc_arena_block){.older = arena->newest, .room_bytes = room};
    arena->newest = block;
    return PC_OK;
}

void *pc_arena_raw(pc_arena *arena, size_t bytes, pc_error *err)
{
    if (bytes == 0) bytes = 1;
    if (!round_up(&bytes)) {
        pc_fail(err, PC_NO_MEMORY, "out of memory: a request of %zu bytes", bytes);
        return NULL;
    }
    pc_arena_block *block = arena->newest;
    if (block == NULL || block->room_bytes - block->used_bytes < bytes) {
        if (grow(arena, bytes, err) != PC_OK) return NULL;
        block = arena->newest;
    }
    char *memory = (char *)(block + 1) + block->used_bytes;
    block->used_bytes += bytes;
    return memory;
}

void *pc_arena_take(pc_arena *arena, size_t bytes, pc_error *err)
{
    void *memory = pc_arena_raw(arena, bytes, err);
    return memory == NULL ? NULL : memset(memory, 0, bytes == 0 ? 1 : bytes);
}

void *pc_arena_array(pc_arena *arena, size_t count, size_t element_bytes, pc_error *err)
{
    if (element_bytes != 0 && count > SIZE_MAX / element_bytes) {
        pc_fail(err, PC_NO_MEMORY, "out of memory: %zu elements of %zu bytes wanted", count,
                element_bytes);
        return NULL;
    }
    return pc_arena_take(arena, count * element_bytes, err);
}

char *pc_arena_text(pc_arena *arena, const char *text, size_t bytes, pc_error *err)
{
    char *copy = bytes == SIZE_MAX ? NULL : pc_arena_take(arena, bytes + 1, err);
    if (copy != NULL && bytes > 0) memcpy(copy, text, bytes);
    return copy;
}

pc_arena_mark pc_arena_now(const pc_arena *arena)
{
    const pc_arena_block *block = arena->newest;
    return (pc_arena_mark){arena->newest, block == NULL ? 0 : block->used_bytes};
}

void pc_arena_rewind(pc_arena *arena, pc_arena_mark mark)
{
    while (arena->newest != mark.block) {
        pc_arena_block *block = arena->newest;
        assert(block != NULL); // else the mark is of another arena, or of a later time
        arena->newest = block->older;
        memory_give(arena->budget, block, block->room_bytes + sizeof *block);
    }
    if (mark.block != NULL) mark.block->used_bytes = mark.used_bytes;
}

void pc_arena_reset(pc_arena *arena)
{
    if (arena != NULL) pc_arena_rewind(arena, (pc_arena_mark){0});
}

void pc_arena_empty(pc_arena *arena)
{
    pc_arena_block *kept = arena->newest;
    if (kept == NULL) return;
    arena->newest = kept->older;
    pc_arena_reset(arena);
    kept->older = NULL;
    kept->used_bytes = 0;
    arena->newest = kept;
}

pc_status pc_buffer_reserve(pc_buffer *buffer, size_t bytes, pc_error *err)
{
    if (bytes <= buffer->capacity_bytes) return PC_OK;
    size_t capacity = buffer->capacity_bytes / 2 + buffer->capacity_bytes;
    if (capacity < bytes) capacity = bytes;
    // Grown by halves where the budget has room; else by a part of what would be left, so that many
    // small pieces do not copy a large buffer each time.
    const size_t left = pc_budget_left(buffer->budget);
    if (capacity > left) capacity = bytes < left ? bytes + (left - bytes) / 8 : bytes;
    if (!round_up(&capacity)) {
        return PC_FAIL(err, PC_NO_MEMORY, "out of memory: a buffer of %zu bytes", bytes);
    }
    char *data = memory_take(buffer->budget, capacity, err);
    if (data == NULL) return PC_NO_MEMORY;
    if (buffer->bytes > 0) memcpy(data, buffer->data, buffer->bytes);
    memory_give(buffer->budget, buffer->data, buffer->capacity_bytes);
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    return PC_OK;
}

pc_status pc_buffer_append(pc_buffer *buffer, const void *data, size_t bytes, pc_error *err)
{
    if (bytes == 0) return PC_OK;
    if (bytes > SIZE_MAX - buffer->bytes) {
        return PC_FAIL(err, PC_NO_MEMORY, "out of memory: a buffer grows by %zu bytes", bytes);
    }
    PC_TRY(pc_buffer_reserve(buffer, buffer->bytes + bytes, err));
    memcpy(buffer->data + buffer->bytes, data, bytes);
    buffer->bytes += bytes;
    return PC_OK;
}

pc_status pc_buffer_print(pc_buffer *buffer, pc_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    const size_t room = buffer->capacity_bytes - buffer->bytes;
    char *end = room == 0 ? NULL : buffer->data + buffer->bytes;
    const int bytes = vsnprintf(end, room, format, arguments);
    va_end(arguments);
    pc_status status = PC_OK;
    if (bytes < 0) {
        status = PC_FAIL(err, PC_IO, "a text cannot be formatted");
    } else if ((size_t)bytes >= room) {
        status = pc_buffer_reserve(buffer, buffer->bytes + (size_t)bytes + 1, err);
        if (status == PC_OK) {
            (void)vsnprintf(buffer->data + buffer->bytes, (size_t)bytes + 1, format, again);
        }
    }
    va_end(again);
    if (status == PC_OK) buffer->bytes += (size_t)bytes;
    return status;
}

void pc_buffer_release(pc_buffer *buffer)
{
    if (buffer == NULL) return;
    memory_give(buffer->budget, buffer->data, buffer->capacity_bytes);
    *buffer = (pc_buffer){.budget = buffer->budget};
}
